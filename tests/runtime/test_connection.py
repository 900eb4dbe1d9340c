"""A client that does not read: its connection ends after thirty seconds, and a stop does not wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from gateway.runtime.connection import LAST_PATIENCE, PATIENCE, ClientConnection
from gateway.upstream.clock import ManualClock
from gateway.web.response import LongResponse

PIECE = b"x" * 65_536
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
MOMENT = 0.001


@dataclass
class Endless:
    """An application that sends pieces without end."""

    sent: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        def parts() -> Iterator[bytes]:
            while True:
                self.sent += 1
                yield PIECE

        with contextlib.suppress(Exception):
            await LongResponse(parts(), 200, {}, "text/plain")(scope, receive, send)
        self.ended.set()


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that sends far more than any kernel takes at once, and is done."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 16_000_000})


async def until(holds: Callable[[], bool]) -> None:
    """Lets the loop and the kernel go on until something holds."""
    while not holds():  # noqa: ASYNC110 - what the kernel does has no event
        await asyncio.sleep(MOMENT)


@dataclass
class Server:
    port: int
    clock: ManualClock
    state: ServerState

    async def client(self) -> socket.socket:
        """A client that has asked and reads nothing, once all is written that will be for it."""
        loop = asyncio.get_running_loop()
        client = socket.socket()
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", self.port))
        await loop.sock_sendall(client, REQUEST)
        await self.paused()
        return client

    async def paused(self) -> None:
        await until(lambda: self.clock.next_due() is not None)

    async def gone(self) -> None:
        await until(lambda: not self.state.connections)


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[Server]:
    clock, state = ManualClock(), ServerState()
    config = Config(app, lifespan="off", log_config=None, ws="none")

    def connection() -> ClientConnection:
        return ClientConnection(clock=clock, config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    try:
        yield Server(server.sockets[0].getsockname()[1], clock, state)
    finally:
        server.close()
        for each in list(state.connections):
            each.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def read(client: socket.socket, size: int) -> int:
    """Reads that many bytes at least; fewer where the connection ends."""
    loop, done = asyncio.get_running_loop(), 0
    with contextlib.suppress(ConnectionError):
        while done < size:
            part = await loop.sock_recv(client, 1_000_000)
            if not part:
                break
            done += len(part)
    return done


async def test_a_client_that_does_not_read_is_dropped_and_nothing_more_is_made_for_it() -> None:
    app = Endless()
    async with serving(app) as server:
        client = await server.client()
        server.clock.advance(PATIENCE - 0.1)
        await asyncio.sleep(MOMENT)
        assert len(server.state.connections) == 1
        assert not app.ended.is_set()
        made = app.sent
        server.clock.advance(0.2)
        await app.ended.wait()
        assert app.sent <= made + 1
        assert not server.state.connections
        assert await read(client, 10**9) < 10**9, "what the kernel had taken, and then the end"
        client.close()


async def test_one_that_reads_however_slowly_is_not() -> None:
    app = Endless()
    async with serving(app) as server:
        client = await server.client()
        for _ in range(5):
            server.clock.advance(PATIENCE - 1)
            left = server.clock.next_due()
            while server.clock.next_due() == left:
                assert await read(client, 65_536)
                await asyncio.sleep(MOMENT)
            await server.paused()
        assert len(server.state.connections) == 1
        client.close()
        await app.ended.wait()


async def test_an_answer_that_is_done_does_not_lie_there_for_ever() -> None:
    async with serving(large) as server:
        client = await server.client()
        await until(lambda: not server.state.tasks)  # the application is done
        server.clock.advance(PATIENCE + 1)
        await server.gone()
        client.close()


@pytest.mark.parametrize("app", [Endless, lambda: large], ids=["while it is sent", "when it is done"])
async def test_a_stop_does_not_wait_for_it(app: type[Endless]) -> None:
    async with serving(app()) as server:
        client = await server.client()
        (connection,) = server.state.connections
        connection.shutdown()  # as uvicorn does on SIGTERM, and then waits for all connections to end
        assert server.state.connections
        server.clock.advance(LAST_PATIENCE + 0.1)
        await server.gone()
        client.close()


async def test_a_client_that_has_read_all_is_nobody_to_be_impatient_with() -> None:
    async def small(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with serving(small) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(REQUEST)
        assert await reader.readuntil(b"\r\n\r\n")
        assert server.clock.next_due() is None
        writer.close()
        await server.gone()


def test_it_is_the_same_on_the_loop_that_serves() -> None:
    for scenario in (
        test_a_client_that_does_not_read_is_dropped_and_nothing_more_is_made_for_it,
        test_one_that_reads_however_slowly_is_not,
        test_an_answer_that_is_done_does_not_lie_there_for_ever,
        test_a_client_that_has_read_all_is_nobody_to_be_impatient_with,
    ):
        uvloop.run(scenario())
    uvloop.run(test_a_stop_does_not_wait_for_it(Endless))
