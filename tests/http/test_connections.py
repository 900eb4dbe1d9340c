"""What a connection may cost that never comes to ask anything, or asks in a way that nobody means."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from collections.abc import AsyncIterator, Callable

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from gateway.runtime import connection as connections
from gateway.runtime.connection import BoundedProtocol
from tests.http.harness import PlainEngine, plain_site

LONGEST = 60.0
"""Seconds for an answer on a busy machine."""

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
BODY = b'{"query": "{ hello }"}'
POST = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Server:
    """A gateway behind bounded connections."""

    def __init__(self, config: Config, port: int, state: ServerState) -> None:
        self.config, self.port, self.state = config, port, state

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def ask(self, *sent: bytes) -> bytes:
        """All that comes back, up to the end of the connection."""
        async with self.connected() as (reader, writer), asyncio.timeout(LONGEST):
            for part in sent:
                writer.write(part)
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
            return await read_all(reader)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection ends, in whichever way."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65_536):
            received += part
    return received


async def one(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One answer with a declared length."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
    return int(head.split()[1]), await reader.readexactly(int(lines[b"content-length"]))


async def until(true: Callable[[], bool]) -> None:
    """Lets others run until something is so."""
    while not true():
        turn = asyncio.sleep(0)
        await turn


@pytest.fixture
async def engine() -> PlainEngine:
    return PlainEngine()


@pytest.fixture
async def server(engine: PlainEngine) -> AsyncIterator[Server]:
    app = plain_site(engine)
    async with app.router.lifespan_context(app) as state:
        config = Config(app, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False)
        config.load()
        kept = ServerState()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(
            lambda: BoundedProtocol(config=config, server_state=kept, app_state=dict(state or {})), "127.0.0.1", 0
        )
        yield Server(config, listening.sockets[0].getsockname()[1], kept)
        listening.close()
        for connection in list(kept.connections):
            connection.transport.abort()
        if kept.tasks:
            await asyncio.wait(kept.tasks)


def refused(answer: bytes, status: int) -> str:
    """What a refusal says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"connection: close" in head.lower()
    assert b"content-type: application/json" in head.lower()
    return str(json.loads(body)["errors"][0]["message"])


async def test_requests_one_after_another(server: Server) -> None:
    async with server.connected() as (reader, writer), asyncio.timeout(LONGEST):
        for _ in range(3):
            writer.write(HEALTH + b"\r\n")
            assert await one(reader) == (200, b'{"status":"OK"}')
            writer.write(POST + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
            status, body = await one(reader)
            assert (status, json.loads(body)["data"]) == (200, {"hello": "Hello, None"})
            writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
            for place in range(len(BODY)):
                writer.write(b"1\r\n%s\r\n" % BODY[place : place + 1])
            writer.write(b"0\r\nX-Trailer: 1\r\n\r\n")
            assert (await one(reader))[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEALTH + b"X: " + b"x" * 1_000_000, 431),
        (HEALTH + b"X-A: b\r\n" * 200_000, 431),
        (HEALTH + b"x" * 1_000_000, 431),
        (HEALTH + b"X: y\r\n" * 129 + b"\r\n", 431),
        (b"GET /healthz?" + b"x" * 1_000_000, 414),
        (b"GET " * 300_000, 400),
        (b"\x16\x03\x01 no HTTP at all\r\n\r\n", 400),
        (HEALTH + b"Content-Length: x\r\n\r\n", 400),
        (HEALTH + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HEALTH + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_head_that_is_too_large_or_none(server: Server, sent: bytes, status: int) -> None:
    assert refused(await server.ask(sent), status)
    assert (await server.ask(HEALTH + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "tail",
    [
        b"0\r\n" + b"X-Trailer: y\r\n" * 200_000,
        b"0\r\nX-Trailer: " + b"y" * 1_000_000,
        b"1;" + b"x" * 1_000_000,
        b"1;a=b\r\nx\r\n" * 200_000,
    ],
    ids=lambda tail: str(tail[:20]),
)
async def test_what_is_around_a_body_is_bounded_too(server: Server, engine: PlainEngine, tail: bytes) -> None:
    answer = await server.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n", tail)
    assert answer[9:12] in {b"431", b""}  # a client that still sends may find the connection reset
    assert engine.executed == 0
    assert not server.state.connections


async def test_trailers_are_no_headers(server: Server) -> None:
    chunked = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)
    answer = await server.ask(POST + chunked + b"X-Gateway-Trace: 1\r\nAccept: text/html\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"upstream" not in answer


@pytest.mark.parametrize("sent", [b"", HEALTH, b"GET /heal", b"\r\n", HEALTH + b"X-Never: ends\r\n"])
async def test_a_head_that_never_ends(server: Server, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    answer = await server.ask(sent)
    assert refused(answer, 408) if sent.strip() else not answer
    assert not server.state.connections


async def test_a_second_head_that_never_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    async with server.connected() as (reader, writer), asyncio.timeout(LONGEST):
        writer.write(HEALTH + b"\r\n")
        assert (await one(reader))[0] == 200
        writer.write(HEALTH)
        assert refused(await read_all(reader), 408)


async def test_a_connection_that_is_idle_between_requests_stays(server: Server) -> None:
    async with server.connected() as (reader, writer), asyncio.timeout(LONGEST):
        writer.write(HEALTH + b"\r\n")
        assert (await one(reader))[0] == 200
        (connection,) = server.state.connections
        assert connection._due is None  # type: ignore[union-attr]  # only what has begun has to end


async def test_an_answer_may_take_longer_than_a_request(server: Server, engine: PlainEngine) -> None:
    ready = asyncio.Event()
    engine.meddle = lambda _: ready.wait()
    async with server.connected() as (reader, writer), asyncio.timeout(LONGEST):
        writer.write(POST + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
        await engine.reached.wait()
        assert [connection._due for connection in server.state.connections] == [None]  # type: ignore[union-attr]
        ready.set()
        assert (await one(reader))[0] == 200


async def test_a_body_that_nobody_reads_and_that_never_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.05)
    answer = await server.ask(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", b"x")
    assert answer.startswith(b"HTTP/1.1 404")
    assert not server.state.connections


async def test_where_there_is_no_room_the_longest_waiting_goes(
    server: Server, engine: PlainEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 4)
    ready = asyncio.Event()
    engine.meddle = lambda _: ready.wait()
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(LONGEST):
        busy = await stack.enter_async_context(server.connected())
        busy[1].write(POST + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
        await engine.reached.wait()
        slow = [await stack.enter_async_context(server.connected()) for _ in range(20)]
        for _, writer in slow:
            writer.write(HEALTH)  # and nothing more
        answer = await server.ask(HEALTH + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        assert len(server.state.connections) <= 4
        assert await read_all(slow[0][0]) == b""  # the first of them had to go
        ready.set()
        assert (await one(busy[0]))[0] == 200


async def test_where_everybody_is_served_the_next_is_refused(
    server: Server, engine: PlainEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most", 2)
    ready = asyncio.Event()
    engine.meddle = lambda _: ready.wait()
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(LONGEST):
        for number in range(2):
            _, writer = await stack.enter_async_context(server.connected())
            writer.write(POST + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
            await until(lambda most=number: engine.executed > most)  # type: ignore[misc]
        assert "too many" in refused(await server.ask(HEALTH + b"\r\n"), 503)
        ready.set()


async def test_requests_that_nobody_waits_for_are_not_piled_up(server: Server, engine: PlainEngine) -> None:
    ready = asyncio.Event()
    engine.meddle = lambda _: ready.wait()
    async with server.connected() as (reader, writer), asyncio.timeout(LONGEST):
        writer.write(POST + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY) + (HEALTH + b"\r\n") * 300)
        await read_all(reader)
    assert not server.state.connections


async def test_some_requests_may_be_sent_ahead(server: Server) -> None:
    async with server.connected() as (reader, writer), asyncio.timeout(LONGEST):
        writer.write((HEALTH + b"\r\n") * 10)
        assert [(await one(reader))[0] for _ in range(10)] == [200] * 10


async def test_a_connection_that_has_just_been_accepted_may_still_ask_when_the_process_ends(server: Server) -> None:
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(LONGEST):
        reader, writer = await stack.enter_async_context(server.connected())
        idle, idle_writer = await stack.enter_async_context(server.connected())
        idle_writer.write(HEALTH + b"\r\n")
        assert (await one(idle))[0] == 200
        await until(lambda: len(server.state.connections) == 2)
        for connection in list(server.state.connections):
            connection.shutdown()
        assert await read_all(idle) == b""
        writer.write(HEALTH + b"\r\n")
        assert (await read_all(reader)).startswith(b"HTTP/1.1 200")


async def test_a_connection_that_never_asks_does_not_hold_the_process_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "CLOSING_SECONDS", 0.05)
    async with server.connected() as (reader, _), asyncio.timeout(LONGEST):
        await until(lambda: bool(server.state.connections))
        (connection,) = server.state.connections
        connection.shutdown()
        assert await read_all(reader) == b""


@pytest.mark.parametrize(("soft", "most"), [(256, 64), (64, 32), (1024, 832), (1_000_000, 2_000), (-1, 2_000)], ids=str)
def test_connections_leave_descriptors_for_the_vendors(monkeypatch: pytest.MonkeyPatch, soft: int, most: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert connections.most_connections() == most
