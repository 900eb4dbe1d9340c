"""A loopback HTTP server whose every byte a test can choose."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """One request as it came in: its target not decoded, its headers in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    before: int = 0
    """How many came over its connection before it."""


Handler = Callable[[Received, asyncio.StreamWriter], Awaitable[object]]
"""Answers; the connection is kept open for more where it returns True."""


def reply(
    status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None, *, declare: int | None = None
) -> Handler:
    """A whole answer; `declare` overrides its Content-Length."""

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        length = len(body) if declare is None else declare
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {length}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return handle


def lasting(status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Handler:
    """A whole answer whose connection may be used again."""

    async def handle(_: Received, writer: asyncio.StreamWriter) -> bool:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        return True

    return handle


async def once_only(request: Received, writer: asyncio.StreamWriter) -> bool:
    """Answers the first request of each connection, and breaks it at the next, as one that died unnoticed does."""
    if request.before:
        await reset(request, writer)
        return False
    await lasting()(request, writer)
    return True


async def reset(_: Received, writer: asyncio.StreamWriter) -> None:
    """Breaks the connection without a word."""
    writer.transport.abort()


async def hang(_: Received, writer: asyncio.StreamWriter) -> None:
    """Says nothing until the caller leaves."""
    await writer.drain()
    await asyncio.sleep(30)


async def stall(_: Received, writer: asyncio.StreamWriter) -> None:
    """Begins a body and goes silent."""
    writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n[1,")
    await writer.drain()
    await asyncio.sleep(30)


def drip(before: bytes) -> Handler:
    """Sends a byte now and then, so that no single wait is long, and never comes to an end."""

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(before)
        for _tick in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    return handle


@dataclass
class Server:
    """What the server was asked, and what it says next: `script` first, then `otherwise`."""

    url: str = ""
    connections: int = 0
    script: list[Handler] = field(default_factory=list)
    otherwise: Handler = field(default_factory=reply)
    received: list[Received] = field(default_factory=list)
    _listener: asyncio.Server | None = None
    _talks: set[asyncio.Task[None]] = field(default_factory=set)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def asked(self, times: int = 1) -> None:
        """Waits until that many requests came in."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.received) >= times)

    async def listen(self) -> None:
        """Takes connections, on the same port as before where there was one."""
        if self._listener is not None and self._listener.is_serving():
            return
        port = int(self.url.rpartition(":")[2] or 0)
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    def stop_listening(self) -> None:
        """Refuses new connections from now on."""
        assert self._listener is not None
        self._listener.close()

    async def close(self) -> None:
        """Ends every conversation."""
        self.stop_listening()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        self.connections += 1
        try:
            before = 0
            while await self._talk(reader, writer, before):
                before += 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._talks.discard(talk)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, before: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Received(method, target, headers, body, before)
        async with self._news:
            self.received.append(request)
            self._news.notify_all()
        handler = self.script.pop(0) if self.script else self.otherwise
        return await handler(request, writer) is True


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Serves on a free port of 127.0.0.1; every conversation ends with the block."""
    server = Server()
    await server.listen()
    try:
        yield server
    finally:
        await server.close()
