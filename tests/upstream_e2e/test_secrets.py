"""No token, client secret or password is in anything that the gateway writes, answers, keeps or shows."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway import logs
from gateway.emulator.server import Emulators
from gateway.upstream.oauth import ClientCredentials
from gateway.upstream.store import MemoryStore
from tests.upstream.replicas.redis_server import RedisServer, redis_server
from tests.upstream_e2e.faults import TROUBLES, WRONG_TYPES, Trouble
from tests.upstream_e2e.stage import Product, client_of, product, with_calendly, world
from tests.upstream_e2e.test_sharing import EVERYTHING

EMULATORS = ("gateway.emulator.",)
"""What has to know the tokens, in order to tell valid ones from others."""


OWN = {
    "CALENDLY_WEBHOOK_SECRETS": "the-one-that-calendly-signs-with",
    "SALESLOFT_WEBHOOK_SECRETS": "the-one-that-salesloft-sends",
    "GATEWAY_ID_KEY": "the-key-of-ids-that-are-addresses",
    "GATEWAY_API_KEYS": "somebody:the-key-of-a-client",
    "GATEWAY_METRICS_KEYS": "prometheus:the-key-of-the-metrics",
}
"""Settings that are secrets of the gateway's own."""

AS_CLIENT = {"Authorization": "Bearer the-key-of-a-client"}

BOOKED = """{ meetings(first: 20, filter: {calendly: {status: ["active", "canceled"]}}) { nodes {
    title person { name email } attendees { email } calendly { uri invitees { name status } } } } }"""
"""What Calendly has, but for links that act for whoever opens them."""

ENDS = {
    *("200", "401", "403", "429", "500", "502"),
    *("timeout", "unreachable", "reset", "truncated", "too_large"),
}
"""How calls ended in all that trouble."""


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged, down to the libraries' own debugging."""
    stream, root = io.StringIO(), logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("json", level=logging.DEBUG, stream=stream)
    logging.getLogger("uvicorn").setLevel(logging.DEBUG)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Keeps what other tests left behind out of `gc.get_objects`."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def shown() -> Iterator[str]:
    """How everything of the gateway's that is alive shows itself, and what it keeps in memory."""
    for thing in gc.get_objects():
        module = getattr(type(thing), "__module__", None)
        if isinstance(module, str) and module.startswith("gateway.") and not module.startswith(EMULATORS):
            yield repr(thing)
            yield f"{thing!s}"
        if isinstance(thing, MemoryStore):
            yield repr(vars(thing))


async def good_days_and_bad(stage: Product, patch: pytest.MonkeyPatch) -> list[str]:
    """All answers to queries while all is well, and in every kind of trouble."""
    reported: list[str] = []

    async def ask(query: str) -> None:
        (reply,) = await stage.drive([stage.ask(query, AS_CLIENT)])
        reported.append(f"{reply.text!r} {dict(reply.headers)}")

    await ask(EVERYTHING)
    await ask(BOOKED)
    await ask("{ sources { source enabled state budgetRemaining } }")
    for trouble in [*TROUBLES, Trouble("wrong types", WRONG_TYPES, "UPSTREAM_MALFORMED", 1)]:
        stage.clock.advance(10_000)
        with patch.context() as troubled:
            for vendor in stage.vendors:
                await trouble.begin(stage, vendor, troubled)
            await ask(EVERYTHING)
            await ask(BOOKED)
        await recover(stage)
    await ask(EVERYTHING)
    for path in ("/readyz", "/metrics", "/healthz", "/nowhere"):
        reply = await stage.caller.ask("GET", path, headers={"Authorization": "Bearer the-key-of-the-metrics"})
        reported.append(f"{reply.body!r} {dict(reply.headers)}")
    (metrics,) = [text for text in reported if "gateway_upstream_calls_total" in text]
    assert set(re.findall(r'gateway_upstream_calls_total{[^}]*status="(\w+)"', metrics)) >= ENDS, "it was in trouble"
    return reported


async def recover(stage: Product) -> None:
    """Lets all be well with the vendors again."""
    stage.forget()
    stage.forget_addresses()
    for vendor in stage.vendors:
        await vendor.listener.accept()


async def kept_in(server: RedisServer) -> str:
    """Every key and value of a Redis."""
    async with Redis.from_url(server.url) as client:
        keys: list[Any] = await client.keys("*")
        values: list[Any] = []
        for key in keys:
            kind = await client.type(key)
            read = {b"string": client.get, b"hash": client.hgetall, b"set": client.smembers}
            if kind in read:
                values.append(await read[kind](key))
            else:
                values.append(await client.zrange(key, 0, -1))
        return f"{keys} {values}"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("oauth", [False, True], ids=["token", "client credentials"])
@pytest.mark.parametrize("shared", [False, True], ids=["memory", "redis"])
async def test_nothing_shows_a_secret(
    written: io.StringIO, redis: RedisServer, oauth: bool, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {f"{source}_TIMEOUT": "0.3" for source in ("SALESLOFT", "DRIFT", "CALENDLY")} | OWN
    if shared:
        settings["GATEWAY_CACHE_URL"] = redis.url

    def known(emulators: Emulators) -> dict[str, str]:
        return {**with_calendly(emulators), **(client_of(emulators) if oauth else {})}

    async with product(world(), settings=settings, more=known, jumps=False, names=True) as stage:
        secrets = {f"{vendor.url}'s token": vendor.token for vendor in stage.vendors}
        secrets |= {name: value.rpartition(":")[2] for name, value in OWN.items()}
        answers = await good_days_and_bad(stage, monkeypatch)
        everything = [*answers, *shown(), written.getvalue()]
        if oauth:
            (credentials,) = [thing for thing in gc.get_objects() if isinstance(thing, ClientCredentials)]
            assert credentials._token is not None
            secrets = {**secrets, "issued": credentials._token.secret.reveal(), "client secret": "emulated-secret"}
        if shared:
            everything.append(await kept_in(redis))
            assert "gateway:" in everything[-1]
    assert any(stage.emulators.salesloft.url.rpartition(":")[2] in text for text in everything), "it looks at something"
    assert len(everything) > 1000
    found = {name for name, secret in secrets.items() for text in everything if secret in text}
    assert found == set()
    assert any("/scheduled_events/" in text for text in answers), "it looks at Calendly too"
    for link in ("/cancellations/", "/reschedulings/"):
        assert not any(link in text for text in (*answers, written.getvalue())), "whoever has it can act"
    await asyncio.sleep(0)
