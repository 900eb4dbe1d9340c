"""Equal look-ups of several requests are one call, and each request may leave without harm to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import DeadlineExceeded, UpstreamRejected, UpstreamUnavailable
from gateway.request import Hit, Request
from gateway.upstream.cache import ListCache
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.freshness import CachePolicy, Lifetimes
from gateway.upstream.store import MsgpackCodec
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


Look = Callable[[Request], Awaitable[bytes]]


def look_up(client: Client) -> Look:
    """Looks `/v2/me` up without caching it."""
    uncached = Lifetimes(fresh=0, stale=0, fallback=0, absent=0)
    policy = CachePolicy(name="me", endpoint="/v2/me", codec=MsgpackCodec(bytes), lifetimes=uncached)

    async def fetch(request: Request, _: str) -> bytes:
        body = await client.get(request, "/v2/me", "/v2/me")
        assert body is not None
        return body

    cache = ListCache(client, policy, fetch)

    async def look(request: Request) -> bytes:
        return (await cache.get(request, "me")).value

    return look


def call_directly(client: Client) -> Look:
    """Calls `/v2/me`, past every cache."""

    async def look(request: Request) -> bytes:
        body = await client.get(request, "/v2/me", "/v2/me")
        assert body is not None
        return body

    return look


def asking(clock: ManualClock, seconds: float = 25) -> Request:
    return Request(clock.monotonic() + seconds)


async def test_equal_calls_are_made_once(client: Client, server: Server, clock: ManualClock) -> None:
    look = look_up(client)
    gate = server.otherwise = Gate()
    requests = [asking(clock) for _ in range(32)]
    calls = [asyncio.ensure_future(look(request)) for request in requests]
    await server.asked()
    gate.open.set()

    assert await asyncio.gather(*calls) == [b"[1]"] * 32
    assert len(server.received) == 1
    hits = [[entry.cache for entry in request.ledger.entries] for request in requests]
    assert sorted(hits, key=str) == [[Hit.MISS]] + [[Hit.SHARED]] * 31


async def test_an_error_is_everybodys(client: Client, server: Server, clock: ManualClock) -> None:
    look = look_up(client)
    server.otherwise = reply(400)
    calls = [look(asking(clock)) for _ in range(8)]

    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in errors] == [UpstreamRejected] * 8
    assert len(server.received) == 1


async def test_one_who_leaves_takes_nothing_from_the_others(client: Client, server: Server, clock: ManualClock) -> None:
    look = look_up(client)
    gate = server.otherwise = Gate()
    first, second = asking(clock), asking(clock)
    leaving = asyncio.ensure_future(look(first))
    await server.asked()
    staying = asyncio.ensure_future(look(second))
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
    look = look_up(client)
    server.otherwise = hang
    requests = [asking(clock) for _ in range(3)]
    calls = [asyncio.ensure_future(look(request)) for request in requests]
    await server.asked()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await turn()
    assert client.traffic.busy() == set()

    server.otherwise = reply(200, b"[2]")
    assert await look(asking(clock)) == b"[2]"


async def test_each_leaves_at_its_own_deadline(make_client: MakeClient, server: Server, clock: ManualClock) -> None:
    client = make_client(timeout=30)
    look = look_up(client)
    gate = server.otherwise = Gate()
    hasty, patient = asking(clock, 2), asking(clock, 20)
    calls = [asyncio.ensure_future(look(request)) for request in (hasty, patient)]
    await server.asked()

    clock.advance(2)
    with pytest.raises(DeadlineExceeded):
        await calls[0]
    gate.open.set()
    assert await calls[1] == b"[1]"


@pytest.mark.parametrize("way", [look_up, call_directly])
async def test_switched_off_while_a_call_is_under_way(
    make_client: MakeClient, server: Server, clock: ManualClock, way: Callable[[Client], Look]
) -> None:
    client = make_client(timeout=30)
    look = way(client)
    server.otherwise = hang
    call = asyncio.ensure_future(look(asking(clock)))
    await server.asked()

    client.switch(on=False)
    with pytest.raises(UpstreamUnavailable, match="switched off"):
        await call
    with pytest.raises(UpstreamUnavailable, match="switched off"):
        await look(asking(clock))
    assert client.state.value == "off"
    assert len(server.received) == 1

    client.switch(on=True)
    server.otherwise = reply()
    assert await look(asking(clock)) == b"{}"
    assert client.state.value == "ok"


@pytest.mark.parametrize("way", [look_up, call_directly])
async def test_closing_ends_what_is_under_way(
    make_client: MakeClient, server: Server, clock: ManualClock, way: Callable[[Client], Look]
) -> None:
    client = make_client(timeout=30)
    look = way(client)
    server.otherwise = hang
    call = asyncio.ensure_future(look(asking(clock)))
    await server.asked()

    await client.close()
    with pytest.raises(UpstreamUnavailable, match="shutting down"):
        await call
    assert client.traffic.busy() == set()
