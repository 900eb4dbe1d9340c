"""Connections: those that died in the pool, those that live on after a refusal, and those that never came about."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable, Iterator

import pytest

from gateway.errors import UpstreamError, UpstreamMalformed, UpstreamTimeout, UpstreamUnavailable
from gateway.request import Request
from gateway.upstream.client import Client, UpstreamState
from gateway.upstream.clock import ManualClock
from gateway.upstream.http import MAX_HEADER_LINE, MAX_HEADERS
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Handler, Received, Server, lasting, once_only, reply, reset
from tests.upstream.turns import turn

Ask = Callable[[], Request]


async def get(client: Client, request: Request, number: int) -> bytes | None:
    return await client.get(request, "/v2/x", f"/v2/{number}")


async def test_dead_connections_of_the_pool_cost_nobody_an_answer(client: Client, server: Server, ask: Ask) -> None:
    """As many as there may be; and again and again, though retries are rationed."""
    server.otherwise = once_only
    await asyncio.gather(*(get(client, ask(), number) for number in range(16)))
    assert server.connections == 16

    assert await asyncio.gather(*(get(client, ask(), number) for number in range(16))) == [b"{}"] * 16
    for number in range(100):
        assert await get(client, ask(), number) == b"{}"
    assert client.state is UpstreamState.OK
    assert set(client.circuits.values()) == {"answered"}


async def test_a_dead_connection_is_tried_again_over_a_new_one_once(
    client: Client, server: Server, request_: Request, ask: Ask
) -> None:
    server.otherwise = once_only
    await asyncio.gather(*(get(client, ask(), number) for number in range(3)))
    server.received.clear()

    assert await get(client, request_, 1) == b"{}"
    assert [call.before for call in server.received] == [1, 0]
    assert [(entry.status, entry.cost) for entry in request_.ledger.calls()] == [("reset", 1), ("200", 1)]


async def test_an_upstream_that_breaks_every_connection_is_not_asked_more_often(
    client: Client, server: Server, request_: Request, ask: Ask
) -> None:
    server.otherwise = lasting()
    await get(client, ask(), 1)
    server.otherwise = reset
    server.received.clear()

    with pytest.raises(UpstreamUnavailable):
        await get(client, request_, 2)
    assert [call.before for call in server.received] == [1, 0]


async def test_a_connection_that_breaks_in_an_answer_is_no_dead_one(
    client: Client, server: Server, request_: Request, ask: Ask
) -> None:
    async def half(request: Received, writer: asyncio.StreamWriter) -> bool:
        if not request.before:
            await lasting()(request, writer)
            return True
        writer.write(b"HTTP/1.1 200 X\r\nContent-Le")
        await writer.drain()
        return False

    server.otherwise = half
    await get(client, ask(), 1)
    assert await get(client, request_, 2) == b"{}"
    assert [entry.status for entry in request_.ledger.calls()] == ["reset", "200"]
    assert server.connections == 2


REFUSALS = [301, 400, 401, 403, 404, 410, 422, 429, 500, 503]
BODIES = [b"", b'{"error":"no"}', b"<html>" + b"x" * 60_000]


@pytest.mark.parametrize(
    "refusal", list(itertools.product(REFUSALS, BODIES)), ids=lambda each: f"{each[0]}-{len(each[1])}"
)
async def test_a_refusal_leaves_its_connection_usable(
    client: Client, server: Server, clock: ManualClock, ask: Ask, refusal: tuple[int, bytes]
) -> None:
    server.otherwise = lasting(*refusal, {"Location": "/elsewhere"})
    with pytest.raises(UpstreamError):
        await get(client, ask(), 1)
    server.otherwise = lasting()
    clock.advance(300)  # past what the answer may have asked to be waited for
    await get(client, ask(), 2)
    assert server.connections == 1
    assert server.received[-1].before > 0


async def test_a_long_refusal_is_not_read_to_its_end(client: Client, server: Server, ask: Ask) -> None:
    async def endless(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 X\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    server.otherwise = endless
    with pytest.raises(UpstreamUnavailable):
        await get(client, ask(), 1)


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose listener takes no more connections: a client that tries waits."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_connection_that_never_comes_about_costs_no_unit(
    make_client: MakeClient, ask: Ask, full_port: int
) -> None:
    client = make_client(base_url=f"http://127.0.0.1:{full_port}", timeout=0.3)
    request = ask()
    with pytest.raises(UpstreamTimeout):
        await get(client, request, 1)
    assert {(entry.status, entry.cost) for entry in request.ledger.calls()} == {("timeout", 0)}
    assert client.budget.remaining == 300


async def test_one_that_is_given_up_costs_none_either(make_client: MakeClient, ask: Ask, full_port: int) -> None:
    client = make_client(base_url=f"http://127.0.0.1:{full_port}", timeout=600)
    request = ask()
    asking = asyncio.ensure_future(get(client, request, 1))
    await turn()
    assert client.sending == 1
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await request.close()
    await turn()
    assert [(entry.status, entry.cost) for entry in request.ledger.calls()] == [("cancelled", 0)]
    assert client.budget.remaining == 300


LONG = [
    ("one long line", reply(200, b"[1]", {"Set-Cookie": "x" * (MAX_HEADER_LINE - 200)})),
    ("many lines", reply(200, b"[1]", {f"X-{number}": "x" for number in range(MAX_HEADERS - 20)})),
    ("a long policy", reply(200, b"[1]", {"Content-Security-Policy": "default-src 'self'; " * 800})),
]


@pytest.mark.parametrize("handler", [handler for _, handler in LONG], ids=[name for name, _ in LONG])
async def test_long_headers_are_read(client: Client, server: Server, request_: Request, handler: Handler) -> None:
    server.otherwise = handler
    assert await get(client, request_, 1) == b"[1]"


@pytest.mark.parametrize(
    "handler",
    [
        reply(200, b"[1]", {"X-Long": "x" * (MAX_HEADER_LINE + 1000)}),
        reply(200, b"[1]", {f"X-{number}": "x" for number in range(MAX_HEADERS + 100)}),
    ],
)
async def test_endless_headers_are_not(client: Client, server: Server, request_: Request, handler: Handler) -> None:
    server.otherwise = handler
    with pytest.raises(UpstreamMalformed):
        await get(client, request_, 1)
