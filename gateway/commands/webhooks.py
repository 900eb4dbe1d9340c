"""`meeting-gateway webhooks`: the vendors' subscriptions to this gateway's `GATEWAY_PUBLIC_URL`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Iterator, Mapping

from gateway import logs
from gateway.errors import GatewayError
from gateway.request import Request
from gateway.runtime.upstreams import opened
from gateway.settings.environment import BadSetting
from gateway.settings.settings import SOURCE_ON, Settings
from gateway.sources.base import Ports
from gateway.sources.live import WebhookSubscription, WebhookSubscriptions
from gateway.upstream.clock import SystemClock

BY_HAND: Mapping[str, str] = {
    "DRIFT": "has no call for it. At https://dev.drift.com open your app, and under Webhooks enter {url}, choose "
    "new_meeting and meeting_updated, and set DRIFT_WEBHOOK_SECRETS to the verification token that is shown there.",
}
"""What to do where the gateway does not subscribe by itself."""


def webhooks(args: argparse.Namespace) -> int:
    """Lists, makes or deletes subscriptions; 1 where something of it failed."""
    logs.configure("text", level=logging.ERROR)
    settings = Settings.read(os.environ, (SOURCE_ON,))
    base = settings.browsers.public_url.rstrip("/")
    if not base:
        raise BadSetting("GATEWAY_PUBLIC_URL", "is not set; it is where vendors deliver, like https://gateway.example")
    return asyncio.run(_run(args, settings, base))


async def _run(args: argparse.Namespace, settings: Settings, base: str) -> int:
    clock = SystemClock()
    failed = False
    async with opened(settings, clock, workers=1) as upstreams:
        for ports in upstreams.ports():
            name = ports.source.value
            if args.source and name != args.source.upper():
                continue
            request = Request(clock.monotonic() + settings.server.deadline)
            try:
                secrets = [each.reveal() for each in settings.source(name).webhook_secrets]
                for line in await _of(args.action, request, ports, webhook_url(base, name), secrets):
                    print(f"{name}: {line}")
            except (GatewayError, BadSetting) as error:
                failed = True
                print(f"{name}: {error.message if isinstance(error, GatewayError) else error}", file=sys.stderr)
            finally:
                await request.close()
    return 1 if failed else 0


def webhook_url(base: str, source: str) -> str:
    """Where a source delivers.

    Args:
        base: The gateway's own address.
        source: The source's name.
    """
    return f"{base}/webhooks/{source.lower()}"


async def _of(action: str, request: Request, ports: Ports, url: str, secrets: list[str]) -> list[str]:
    """What was found or done at one source, in lines."""
    name = ports.source.value
    subscriptions = ports.subscriptions
    if subscriptions is None:
        return [BY_HAND.get(name, "cannot be subscribed to.").format(url=url)]
    if action == "create" and not secrets:
        raise BadSetting(f"{name}_WEBHOOK_SECRETS", "is not set; deliveries are signed with its first secret")
    known = await subscriptions.all(request)
    mine = [each for each in known if _points_to(each, url)]
    if action == "create":
        return await _create(request, subscriptions, mine, url, secrets[0])
    if action == "delete":
        for each in mine:
            await subscriptions.delete(request, each.id)
        return [f"deleted {each.event}" for each in mine] or ["there is nothing to delete"]
    return list(_listed(subscriptions, known, url))


async def _create(
    request: Request, subscriptions: WebhookSubscriptions, mine: list[WebhookSubscription], url: str, secret: str
) -> list[str]:
    """Subscribes to what is not subscribed to yet with this secret, and ends what it replaces only after that."""
    lines: list[str] = []
    target = subscriptions.address(url, secret)
    for event in subscriptions.events:
        ours = [each for each in mine if each.event == event or len(subscriptions.events) == 1]
        good = [each for each in ours if _works(each, event) and each.url == target and each.secret in {None, secret}]
        if not good:
            for each in [each for each in ours if each.url == target and each.secret is None]:
                ours.remove(each)  # a vendor with one subscription for a URL would refuse the new one
                await subscriptions.delete(request, each.id)
            await subscriptions.create(request, event, target, secret)
        for each in ours:
            if each not in good[:1]:
                await subscriptions.delete(request, each.id)
        lines.append(f"{event} is subscribed to" + (" already" if good else ""))
    return lines


def _listed(subscriptions: WebhookSubscriptions, known: list[WebhookSubscription], url: str) -> Iterator[str]:
    for each in known:
        here = "here" if _points_to(each, url) else "elsewhere"
        yield f"{each.event} → {each.url} ({here}, {'enabled' if each.enabled else 'disabled'})"
    for event in subscriptions.events:
        if not any(_points_to(each, url) and _works(each, event) for each in known):
            yield f"{event} is not subscribed to here: 'meeting-gateway webhooks create' does that"


def _points_to(each: WebhookSubscription, url: str) -> bool:
    """Whether a subscription delivers to this gateway; what follows the path says which secret it is signed with."""
    return each.url.partition("?")[0] == url


def _works(each: WebhookSubscription, event: str) -> bool:
    return each.enabled and each.event == event


async def state_of(request: Request, subscriptions: WebhookSubscriptions, url: str) -> list[str]:
    """What is wrong with a vendor's subscriptions to this gateway, by event; empty where all of them deliver here.

    Raises:
        UpstreamError: They could not be read.
    """
    known = await subscriptions.all(request)
    wrong = []
    for event in subscriptions.events:
        same = [each for each in known if each.event == event]
        here = [each for each in same if _points_to(each, url)]
        if not here:
            wrong.append(f"{event} {'points elsewhere' if same else 'is not subscribed to'}")
        elif not any(each.enabled for each in here):
            wrong.append(f"{event} is disabled")
    return wrong
