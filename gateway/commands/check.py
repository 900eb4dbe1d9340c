"""`meeting-gateway check`: a few cheap questions to each source that is on, and what came of them."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence

import msgspec

from gateway import logs
from gateway.commands.webhooks import state_of, webhook_url
from gateway.errors import GatewayError, UpstreamRefused
from gateway.request import Request
from gateway.runtime.upstreams import opened
from gateway.settings.settings import SOURCE_ON, Settings
from gateway.sources.base import Ports, Probe, Sample
from gateway.upstream.client import Client
from gateway.upstream.clock import SystemClock
from gateway.upstream.replicas.link import LinkTrouble
from gateway.upstream.trouble import UNREACHABLE, Reason, Trouble

MAX_SKEW = 5.0
"""Seconds by which a clock may be wrong before it is worth a word; Salesloft's budget turns with each minute."""


CACHE = "CACHE"
"""What the row of the replicas' Redis is called."""


def check(args: argparse.Namespace) -> int:
    """Prints what each source says to a few cheap questions; 1 where there is something to be put right."""
    logs.configure("text", level=logging.ERROR)
    settings = Settings.read(os.environ, (SOURCE_ON,))
    for warning in settings.warnings:
        print(f"meeting-gateway: {warning}", file=sys.stderr)
    found = asyncio.run(findings(settings))
    if args.json:
        print(msgspec.json.encode(found).decode())
    else:
        print(table(found))
    return 0 if good(found) else 1


SENTENCES: Mapping[Trouble, str] = {
    Trouble.REFUSED: "the credential is refused",
    Trouble.GONE: "gone: it is not at {url} any more; see whether that is right, or take the source out",
    Trouble.REJECTED: "the call was not accepted: its API may have changed",
    Trouble.SERVER_ERROR: "it fails",
    Trouble.NOT_JSON: "no JSON, but a web page or nothing: see whether {url} is its API's",
    Trouble.MALFORMED: "JSON without what was asked for: see whether {url} is its API's",
    Trouble.TOO_LARGE: "an answer larger than the gateway reads",
    Trouble.TRUNCATED: "an answer that broke off",
    Trouble.TIMEOUT: "no answer within {timeout}",
    Trouble.DNS: "not reachable: the host name in {url} is not known",
    Trouble.CONNECTION_REFUSED: "not reachable: the connection was refused",
    Trouble.NO_ROUTE: "not reachable: there is no way to its address",
    Trouble.TLS: "not reachable: no secure connection; see the certificate, and this machine's clock",
    Trouble.RESET: "the connection was closed instead of an answer",
    Trouble.PROTOCOL: "no HTTP, or not as agreed: see whether {url} is its API's",
}
"""What each kind of trouble comes to, for people."""


class EndpointFinding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An endpoint that failed.

    Attributes:
        endpoint: Its name.
        trouble: The kind of trouble, as in logs and metrics.
        status: The HTTP status; None where there was no response.
        problem: An explanation in a sentence.
    """

    endpoint: str
    trouble: str
    status: int | None
    problem: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One source, or the Redis that replicas share.

    Attributes:
        source: Its name; `CACHE` is the Redis.
        reachable: Whether it responded at all.
        trouble: Why meetings or a token cannot be read, as in logs and metrics; None where they can.
        endpoints: The endpoints that failed.
        credential_accepted: Whether the credential is accepted; None where that is not known.
        scopes: Scopes that the credential has, by the source's names.
        scopes_missing: Scopes that it lacks: fields that need them will be null, with an error.
        scopes_unknown: Scopes that are not known, since their probes failed.
        budget_remaining: Units left of this minute's budget, by the gateway's count and the source's headers.
        clock_skew: Seconds that the source's clock is ahead of this machine's; None where it is not known.
        rows: The number of meetings in the sample: one, or none where the source has none.
        unreadable: What could not be read of them.
        unknown: Fields that this version does not know; they are ignored.
        webhooks: What is wrong with its webhook subscriptions to this gateway; None where none are expected.
        problem: What is wrong, in a sentence; None where nothing is.
    """

    source: str
    reachable: bool
    trouble: str | None = None
    endpoints: tuple[EndpointFinding, ...] = ()
    credential_accepted: bool | None = None
    scopes: tuple[str, ...] = ()
    scopes_missing: tuple[str, ...] = ()
    scopes_unknown: tuple[str, ...] = ()
    budget_remaining: int | None = None
    clock_skew: float | None = None
    rows: int | None = None
    unreadable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    webhooks: tuple[str, ...] | None = None
    problem: str | None = None

    @property
    def notes(self) -> list[str]:
        """Sentences below the table."""
        sentences = [
            (self.problem, f"{self.problem}"),
            *((True, each.problem) for each in self.endpoints if each.problem != self.problem),
            (self.scopes_missing, f"the credential lacks {', '.join(self.scopes_missing)}"),
            (self.scopes_unknown, f"not known whether it has {', '.join(self.scopes_unknown)}"),
            (self.unreadable, f"could not be read: {', '.join(self.unreadable)}"),
            (self.webhooks, f"webhooks: {'; '.join(self.webhooks or ())}"),
            (self.webhooks == (), "webhooks: subscribed to, enabled, and they point here"),
            (self.unknown, f"fields not known here, and ignored: {', '.join(self.unknown)}"),
            (
                abs(self.clock_skew or 0.0) > MAX_SKEW,
                f"this machine's clock is {-(self.clock_skew or 0.0):+.0f} s off the source's; set it right",
            ),
        ]
        return [sentence for holds, sentence in sentences if holds]


async def findings(settings: Settings) -> list[Finding]:
    """Checks every enabled source, and the replicas' Redis where one is set."""
    clock = SystemClock()
    async with opened(settings, clock, workers=1) as upstreams:

        async def look(ports: Ports) -> Finding:
            request = Request(clock.monotonic() + settings.server.deadline)
            try:
                found = await _find(ports, upstreams.clients[ports.source.value], request)
                return msgspec.structs.replace(found, webhooks=await _webhooks(settings, ports, request))
            finally:
                await request.close()

        found = list(await asyncio.gather(*(look(ports) for ports in upstreams.ports())))
        if upstreams.link is not None:
            found.append(cache_finding(await upstreams.link.probe()))
        return found


def cache_finding(trouble: LinkTrouble | None) -> Finding:
    """The finding about the Redis that replicas share."""
    if trouble is None:
        return Finding(source=CACHE, reachable=True, credential_accepted=True)
    answers = trouble.lasting
    return Finding(
        source=CACHE,
        reachable=answers,
        credential_accepted=not trouble.credential if answers else None,
        problem=f"Redis {trouble.reason}",
    )


async def _find(ports: Ports, client: Client, request: Request) -> Finding:
    """Reads a sample meeting from a source, then probes each further scope.

    The probes are left out where the source is unreachable. They come second, since an API that is gone says of every
    record that it does not exist.
    """
    name = ports.source.value
    if ports.sample is None:
        return Finding(source=name, reachable=False, problem="This source cannot be asked for a sample.")
    sample = await _answer(ports.sample, request)
    answers, cause = {ports.scope: sample}, client.cause
    reached = cause is None or cause[1].trouble not in UNREACHABLE
    if reached:
        probed = await asyncio.gather(*(_answer(probe, request) for probe in ports.probes.values()))
        answers |= dict(zip(ports.probes, probed, strict=True))
    refused = tuple(scope for scope, answer in answers.items() if isinstance(answer, UpstreamRefused))
    granted = tuple(scope for scope, answer in answers.items() if not isinstance(answer, GatewayError))
    known = Finding(
        source=name,
        reachable=reached,
        trouble=None if cause is None else cause[1].trouble.value,
        endpoints=tuple(_endpoint(client, *each) for each in client.troubles.items()),
        problem=_problem(client, sample, lacks_scope=bool(granted)),
    )
    if not granted:
        return msgspec.structs.replace(known, credential_accepted=False if refused else None)
    read = sample if isinstance(sample, Sample) else None
    return msgspec.structs.replace(
        known,
        credential_accepted=True,
        scopes=granted,
        scopes_missing=refused,
        scopes_unknown=tuple(scope for scope in answers if scope not in {*granted, *refused}),
        budget_remaining=client.budget.remaining,
        clock_skew=round(client.budget.skew, 1),
        rows=None if read is None else read.rows,
        unreadable=() if read is None else read.unreadable,
        unknown=() if read is None else read.unknown,
    )


async def _webhooks(settings: Settings, ports: Ports, request: Request) -> tuple[str, ...] | None:
    """What is wrong with a source's webhook subscriptions; None where no secret or address of this gateway is set."""
    name, base = ports.source.value, settings.browsers.public_url.rstrip("/")
    if not base or not settings.source(name).webhook_secrets:
        return None
    if ports.subscriptions is None:
        return (f"its subscriptions cannot be read; its console has to deliver to {webhook_url(base, name)}",)
    try:
        return tuple(await state_of(request, ports.subscriptions, webhook_url(base, name)))
    except GatewayError as error:
        return (f"the subscriptions could not be read: {error.message}",)


def _problem(client: Client, sample: object, *, lacks_scope: bool) -> str | None:
    """Why meetings cannot be read, in a sentence; None where only a scope is missing."""
    if not isinstance(sample, GatewayError) or (lacks_scope and isinstance(sample, UpstreamRefused)):
        return None
    return sample.message if client.cause is None else _sentence(client, *client.cause)


def _endpoint(client: Client, endpoint: str, reason: Reason) -> EndpointFinding:
    return EndpointFinding(
        endpoint=endpoint,
        trouble=reason.trouble.value,
        status=reason.status,
        problem=_sentence(client, endpoint, reason),
    )


def _sentence(client: Client, endpoint: str, reason: Reason) -> str:
    """A trouble in a sentence."""
    source = client.upstream.name
    url = f"{source}_TOKEN_URL" if endpoint in client.credential.troubles else f"{source}_URL"
    status = "" if reason.status is None else f" (HTTP {reason.status})"
    return f"{endpoint}: {SENTENCES[reason.trouble].format(url=url, timeout=f'{source}_TIMEOUT')}{status}"


async def _answer(probe: Probe, request: Request) -> object:
    """The result of a probe, or its error."""
    try:
        return await probe(request)
    except GatewayError as error:
        return error


HEADINGS = ("source", "reachable", "credential", "scopes", "budget left", "clock", "sample")


def table(found: Sequence[Finding]) -> str:
    """The findings as a table, with sentences below."""
    rows = [HEADINGS, *map(_row, found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [f"{finding.source}: {note}" for finding in found for note in finding.notes]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _row(finding: Finding) -> tuple[str, ...]:
    accepted = {None: "-", True: "accepted", False: "refused"}[finding.credential_accepted]
    wanted = len(finding.scopes) + len(finding.scopes_missing) + len(finding.scopes_unknown)
    sample = finding.trouble or "-"
    if finding.rows is not None:
        sample = "read" if finding.rows and not finding.unreadable else "no meeting" if not finding.rows else "odd"
    return (
        finding.source,
        "yes" if finding.reachable else "no",
        accepted,
        f"{len(finding.scopes)} of {wanted}" if wanted else "-",
        "-" if finding.budget_remaining is None else str(finding.budget_remaining),
        "-" if finding.clock_skew is None else f"{finding.clock_skew:+.1f} s",
        sample,
    )


def good(found: Sequence[Finding]) -> bool:
    """Whether nothing is wrong."""
    return not any(
        finding.problem or finding.endpoints or finding.scopes_missing or finding.scopes_unknown for finding in found
    )
