"""Equal calls of several requests are one call, and each request comes and goes as it likes."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import DeadlineExceeded, UpstreamRejected, UpstreamUnavailable
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.request import Hit, Request
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Received, Server, hang, reply
from tests.upstream.turns import turn


class Gate:
    """Holds an answer back until it is opened; notes connections that callers closed before."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        await self.open.wait()
        await reply(200, b"[1]")(request, writer)


def asking(clock: ManualClock, seconds: float = 25) -> Request:
    return Request(clock.monotonic() + seconds)


async def test_equal_calls_are_made_once(client: Client, server: Server, clock: ManualClock) -> None:
    gate = server.otherwise = Gate()
    requests = [asking(clock) for _ in range(32)]
    calls = [asyncio.ensure_future(client.get(request, "/v2/me", "/v2/me")) for request in requests]
    await server.asked()
    gate.open.set()

    assert await asyncio.gather(*calls) == [b"[1]"] * 32
    assert len(server.received) == 1
    hits = [[entry.cache for entry in request.ledger.entries] for request in requests]
    assert sorted(hits, key=str) == [[Hit.MISS]] + [[Hit.SHARED]] * 31


async def test_an_error_is_everybodys(client: Client, server: Server, clock: ManualClock) -> None:
    server.otherwise = reply(400)
    calls = [client.get(asking(clock), "/v2/me", "/v2/me") for _ in range(8)]

    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in errors] == [UpstreamRejected] * 8
    assert len(server.received) == 1


async def test_one_who_leaves_takes_nothing_from_the_others(client: Client, server: Server, clock: ManualClock) -> None:
    gate = server.otherwise = Gate()
    first, second = asking(clock), asking(clock)
    leaving = asyncio.ensure_future(client.get(first, "/v2/me", "/v2/me"))
    await server.asked()
    staying = asyncio.ensure_future(client.get(second, "/v2/me", "/v2/me"))
    await turn()

    leaving.cancel()
    await first.close()
    await turn()
    gate.open.set()

    assert await staying == b"[1]"
    assert leaving.cancelled()
    assert len(server.received) == 1


async def test_a_call_that_nobody_waits_for_is_dropped(
    make_client: MakeClient, server: Server, clock: ManualClock
) -> None:
    client = make_client(timeout=30)
    server.otherwise = hang
    requests = [asking(clock) for _ in range(3)]
    calls = [asyncio.ensure_future(client.get(request, "/v2/me", "/v2/me")) for request in requests]
    await server.asked()
    for request in requests:
        await request.close()
    await asyncio.gather(*calls, return_exceptions=True)
    await turn()
    assert client.traffic.busy() == set()

    server.otherwise = reply(200, b"[2]")
    assert await client.get(asking(clock), "/v2/me", "/v2/me") == b"[2]"


async def test_each_leaves_at_its_own_deadline(make_client: MakeClient, server: Server, clock: ManualClock) -> None:
    client = make_client(timeout=30)
    gate = server.otherwise = Gate()
    hasty, patient = asking(clock, 2), asking(clock, 20)
    calls = [asyncio.ensure_future(client.get(request, "/v2/me", "/v2/me")) for request in (hasty, patient)]
    await server.asked()

    clock.advance(2)
    with pytest.raises(DeadlineExceeded):
        await calls[0]
    gate.open.set()
    assert await calls[1] == b"[1]"


async def test_switched_off_while_a_call_is_under_way(
    make_client: MakeClient, server: Server, clock: ManualClock
) -> None:
    client = make_client(timeout=30)
    server.otherwise = hang
    call = asyncio.ensure_future(client.get(asking(clock), "/v2/me", "/v2/me"))
    await server.asked()

    client.switch(on=False)
    with pytest.raises(UpstreamUnavailable, match="switched off"):
        await call
    with pytest.raises(UpstreamUnavailable, match="switched off"):
        await client.get(asking(clock), "/v2/me", "/v2/me")
    assert client.state.value == "off"
    assert len(server.received) == 1

    client.switch(on=True)
    server.otherwise = reply()
    assert await client.get(asking(clock), "/v2/me", "/v2/me") == b"{}"
    assert client.state.value == "ok"


async def test_closing_ends_what_is_under_way(make_client: MakeClient, server: Server, clock: ManualClock) -> None:
    client = make_client(timeout=30)
    server.otherwise = hang
    call = asyncio.ensure_future(client.get(asking(clock), "/v2/me", "/v2/me"))
    await server.asked()

    await client.close()
    await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()
