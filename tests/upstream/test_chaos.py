"""Every fault in every state of the cache: what is answered, how old it is said to be, and what it costs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import msgspec
import pytest

from gateway.errors import (
    UpstreamError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.request import Hit, Request
from gateway.upstream.cache import RecordCache
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.freshness import CachePolicy, Lifetimes
from gateway.upstream.http import Session
from gateway.upstream.store import MsgpackCodec
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Handler, Server, hang, reply, reset, stall


class Thing(msgspec.Struct, frozen=True):
    id: str


THINGS = CachePolicy(
    name="things",
    endpoint="/things",
    codec=MsgpackCodec(Thing),
    lifetimes=Lifetimes(fresh=10, stale=20, fallback=70, absent=5),
)
GOOD = b'[{"id":"1"}]'


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, what it is called, and how often it is called for before that is believed."""

    name: str
    error: type[UpstreamError]
    calls: int
    handler: Handler | None = None
    timeout: float = 5


FAULTS = [
    Fault("refused", UpstreamUnavailable, 2),
    Fault("dns", UpstreamUnavailable, 2),
    Fault("reset", UpstreamUnavailable, 2, reset),
    Fault("hang", UpstreamTimeout, 2, hang, 0.1),
    Fault("slow body", UpstreamTimeout, 2, stall, 0.1),
    Fault("500", UpstreamUnavailable, 2, reply(500, b"{}")),
    Fault("502 html", UpstreamUnavailable, 2, reply(502, b"<html>", {"Content-Type": "text/html"})),
    Fault("429", UpstreamRateLimited, 1, reply(429, b"{}")),
    Fault("401", UpstreamRefused, 1, reply(401, b"{}")),
    Fault("403", UpstreamRefused, 1, reply(403, b"{}")),
    Fault("bad json", UpstreamMalformed, 1, reply(200, b"[{")),
    Fault("wrong types", UpstreamMalformed, 1, reply(200, b'{"id":[]}')),
    Fault("empty body", UpstreamMalformed, 1, reply(200, b"")),
    Fault("truncated", UpstreamMalformed, 2, reply(200, GOOD[:4], declare=len(GOOD))),
    Fault("huge", UpstreamMalformed, 1, reply(200, b" " * 2000 + GOOD)),
]


def things(client: Client) -> RecordCache[str, Thing]:
    async def fetch(request: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        body = await client.get(request, "/things", "/things", [("ids[]", key) for key in keys])
        try:
            return {row.id: row for row in msgspec.json.decode(body or b"", type=list[Thing])}
        except msgspec.MsgspecError:
            raise UpstreamMalformed("The source's answer cannot be read.", source="SALESLOFT") from None

    return RecordCache(client, THINGS, fetch)


Ask = Callable[[], Request]


@pytest.fixture
def ask(clock: ManualClock) -> Ask:
    return lambda: Request(clock.monotonic() + 25)


class Scene:
    """A client whose upstream was well so long ago that a record is as old as wanted, and is not any more."""

    def __init__(self, server: Server, session: Session, clock: ManualClock, patch: pytest.MonkeyPatch) -> None:
        self.server = server
        self._session = session
        self._clock = clock
        self._patch = patch

    async def set(self, client: Client, fault: Fault, ask: Ask, *, age: float | None) -> RecordCache[str, Thing]:
        records = things(client)
        self.server.otherwise = reply(200, GOOD)
        if age is not None:
            await records.get(ask(), ["1"])
            self._clock.advance(age)
        self.server.received.clear()
        if fault.handler is not None:
            self.server.otherwise = fault.handler
        elif fault.name == "refused":
            self.server.stop_listening()
        else:
            connector = self._session.pooled.connector
            assert isinstance(connector, aiohttp.TCPConnector)
            connector.clear_dns_cache()
            self._patch.setattr(socket, "getaddrinfo", self._unknown)
        return records

    async def mend(self) -> None:
        self.server.otherwise = reply(200, GOOD)
        self._patch.undo()
        await self.server.listen()

    @staticmethod
    def _unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture
def scene(server: Server, session: Session, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(server, session, clock, monkeypatch)


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.name)
def fault(request: pytest.FixtureRequest) -> Fault:
    fault: Fault = request.param
    return fault


@pytest.fixture
def client(make_client: MakeClient, server: Server, fault: Fault) -> Client:
    host = server.url.replace("127.0.0.1", "localhost") if fault.name == "dns" else server.url
    return make_client(base_url=host, timeout=fault.timeout, max_body=1000)


def calls(request: Request) -> int:
    return len(request.ledger.calls())


async def test_cold(client: Client, fault: Fault, scene: Scene, ask: Ask) -> None:
    records, request = await scene.set(client, fault, ask, age=None), ask()
    with pytest.raises(fault.error) as caught:
        await records.get(request, ["1"])
    assert caught.value.source == "SALESLOFT"
    assert calls(request) == fault.calls


async def test_fresh(client: Client, fault: Fault, scene: Scene, ask: Ask) -> None:
    records, request = await scene.set(client, fault, ask, age=5), ask()
    answers = await records.get(request, ["1"])
    assert (answers.found, answers.stale) == ({"1": Thing("1")}, False)
    assert (calls(request), scene.server.received) == (0, [])


async def test_stale(client: Client, fault: Fault, scene: Scene, ask: Ask) -> None:
    records, request = await scene.set(client, fault, ask, age=15), ask()
    answers = await records.get(request, ["1"])
    assert (answers.found, answers.stale) == ({"1": Thing("1")}, True)
    assert request.freshness.stale("SALESLOFT")
    assert calls(request) == 0
    await client.wait_for_background()
    assert len(scene.server.received) == (0 if fault.handler is None else fault.calls)
    assert (await records.get(ask(), ["1"])).stale


async def test_old(client: Client, fault: Fault, scene: Scene, ask: Ask) -> None:
    records, request = await scene.set(client, fault, ask, age=50), ask()
    if fault.error is UpstreamRefused:
        with pytest.raises(UpstreamRefused):
            await records.get(request, ["1"])
    else:
        answers = await records.get(request, ["1"])
        assert (answers.found, answers.stale) == ({"1": Thing("1")}, True)
        assert request.freshness.stale("SALESLOFT")
        assert request.ledger.entries[-1].cache is Hit.STALE
    assert calls(request) == fault.calls


async def test_over(client: Client, fault: Fault, scene: Scene, ask: Ask, clock: ManualClock) -> None:
    """No failure is kept: once the fault is over, and a used-up minute with it, there is an answer."""
    records = await scene.set(client, fault, ask, age=None)
    with pytest.raises(fault.error):
        await records.get(ask(), ["1"])
    await scene.mend()
    clock.advance(61)
    answers = await records.get(ask(), ["1"])
    assert (answers.found, answers.stale) == ({"1": Thing("1")}, False)
