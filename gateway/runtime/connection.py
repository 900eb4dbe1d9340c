"""A client's connection: its bounds, in front of the HTTP parser, and its end where the client does not read.

httptools, which uvicorn parses with, bounds nothing: header lines that never end would stay open for ever, and a URL,
headers or trailers of any size would be collected before anybody looked at them. h11 bounds the size of a head alone,
and takes 136 µs a request where httptools with these bounds takes 36, and 24 without.

uvicorn waits for ever for a client that has stopped reading: its answer lies in memory, and a stop waits for it. The
transport here has no buffer of its own to fill, so that whatever the kernel does not take pauses the writing, and the
writing may not stay paused for long.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from gateway.upstream.clock import Handle, SystemClock, Timer

LARGEST_MESSAGE = 1_000_000
"""Bytes of a message, as of a request's body; one that is larger closes the connection with 1009."""

log = logging.getLogger("gateway.websocket")
log.setLevel(logging.WARNING)  # uvicorn logs each connection's query string, which is a client's

LARGEST_HEAD = 64 * 1024
"""Bytes of a request line with its headers, and of what else is not the body: trailers, sizes of chunks."""

MAX_HEADERS = 128
"""Header lines of a request; a browser behind three proxies sends forty."""

LARGEST_CHUNK_OVERHEAD = 8
"""Bytes around each byte of a body that comes in chunks of one byte: its size, and two line ends."""

HEAD_SECONDS = 10.0
"""For the head of a request to arrive in, from its first byte on; for a new connection, from the beginning."""

REQUEST_SECONDS = 30.0
"""For a whole request; the body of an operation has ten seconds (`web.request.MAX_SECONDS`)."""

MAX_PIPELINED = 16
"""Requests that one connection may send before the first is answered."""

MAX_CONNECTIONS = 2_000
"""Open at once, in one process."""

RESERVED_DESCRIPTORS = 192
"""Of those that the process may have: 100 connections to vendors, Redis, files, and connections on their way out."""

LEAST_CONNECTIONS = 32

CLOSING_SECONDS = 1.0
"""That a connection which was accepted, and has not asked anything yet, is given to ask when the process ends: to close
it at once would reset what it is about to send."""

SLICE = 16 * 1024
"""Bytes that the parser is given at once, so that no more than that gets past a bound."""


def most_connections() -> int:
    """How many connections a process may have open, by its limit on descriptors."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, max(LEAST_CONNECTIONS, allowed - RESERVED_DESCRIPTORS))


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a client.

    Where there are too many, the one that has waited longest without a request under way makes room; where all of them
    have one, the new one is refused.
    """

    most: ClassVar[int] = most_connections()
    waiting: ClassVar[WeakKeyDictionary[ServerState, dict[BoundedProtocol, None]]] = WeakKeyDictionary()
    """By server: connections with no request under way, the one that waits longest first."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's has it
        """Begins a connection, if there is room for it."""
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = 0.0
        self._received = 0
        self._body = 0
        self._fresh = True
        self._leaving = False
        self._reading_head = False
        self._waiting = self.waiting.setdefault(self.server_state, {})
        super().connection_made(transport)
        if len(self.connections) > self.most and not self._make_room():
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections.", {"Retry-After": "1"})
            return
        self._waiting[self] = None
        self._expect(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends it."""
        self._waiting.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Gives the parser what has come, a slice at a time, as long as it stays within the bounds."""
        for start in range(0, len(data), SLICE):
            if self.transport.is_closing():
                return
            part = data[start : start + SLICE] if len(data) > SLICE else data
            if not self._reading_head and self._due is None:  # the first byte after an answer
                self._expect(HEAD_SECONDS)
            self._received += len(part)
            super().data_received(part)
            if self._received - LARGEST_CHUNK_OVERHEAD * self._body > LARGEST_HEAD + SLICE:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A head has {LARGEST_HEAD:,} bytes at most.")

    def on_message_begin(self) -> None:
        """A request line begins."""
        self._reading_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the URL."""
        super().on_url(url)
        if len(self.url) > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, f"A URL has {LARGEST_HEAD:,} bytes at most.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line; those after the body are not looked at."""
        if not self._reading_head:
            return
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A request has {MAX_HEADERS} headers at most.")

    def on_headers_complete(self) -> None:
        """A head is whole: the request is under way."""
        self._reading_head = False
        if self.transport.is_closing():
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.close()
            return
        self._waiting.pop(self, None)
        self._received, self._body, self._fresh = 0, 0, False
        self._expect(REQUEST_SECONDS)
        super().on_headers_complete()
        if self._leaving and self.cycle is not None:
            self.cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Hands the connection over to a protocol with bounds of its own."""
        self._waiting.pop(self, None)
        self._expect(None)
        super().handle_websocket_upgrade()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body += len(body)
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._received = self._body = 0
        self._expect(None)
        if not self.transport.is_closing():
            super().on_message_complete()
            self._wait()

    def on_response_complete(self) -> None:
        """An answer is out."""
        super().on_response_complete()
        self._wait()

    def shutdown(self) -> None:
        """Ends the connection when its request is answered; one that is new may still send it."""
        self._leaving = True
        if self._fresh or self._reading_head:
            self.loop.call_later(CLOSING_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _wait(self) -> None:
        """Counts the connection among those that wait, if its last request is read and answered."""
        idle = self._due is None and (self.cycle is None or self.cycle.response_complete) and not self.pipeline
        if idle and not self.transport.is_closing():
            self._waiting[self] = None

    def _make_room(self) -> bool:
        """Closes the connection that has waited longest; whether there is one."""
        for connection in self._waiting:
            del self._waiting[connection]
            connection.transport.abort()
            return True
        return False

    def _expect(self, seconds: float | None) -> None:
        """Sets a deadline for what is to come; None for none.

        The timer is left as it is where it goes off before that: it then looks again. Most requests are over by then.
        """
        self._due = None if seconds is None else self.loop.time() + seconds
        if self._due is not None and (self._timer is None or self._looks_at > self._due):
            self._look_at(self._due)

    def _look_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._looks_at = self.loop.call_at(due, self._look), due

    def _look(self) -> None:
        """Ends a connection whose request has not come in time; a client that has begun one gets an answer."""
        self._timer = None
        if self._due is None:
            return
        if self._due > self.loop.time():
            self._look_at(self._due)
            return
        self._due = None
        if self._received and self._reading_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"A head has {HEAD_SECONDS:g} seconds to arrive in.")
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Answers what the application never sees, in its form, and closes the connection."""
        if self.transport.is_closing():
            return
        body = msgspec.json.encode({"errors": [_error(status, message)]})
        lines: dict[str, Any] = {
            "content-type": "application/json; charset=utf-8",
            "content-length": len(body),
            "cache-control": "no-store",
            "connection": "close",
            **(headers or {}),
        }
        begun = self.cycle is not None and not self.cycle.response_complete
        if not begun or (not self._reading_head and not self.cycle.response_started):
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            self.transport.write(STATUS_LINE[status] + head.encode() + b"\r\n" + body)
        self.transport.close()


def _error(status: HTTPStatus, message: str) -> Mapping[str, object]:
    if status is HTTPStatus.BAD_REQUEST:
        return {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
    return {"message": message}


PATIENCE = 30.0
"""Seconds in which a client has to take what is to be written, which is a piece of an answer at most."""
LAST_PATIENCE = 2.0
"""The same while the process stops."""


class ClientConnection(BoundedProtocol):
    """A connection of a client.

    Args:
        clock: The clock of time-outs.
        given: What uvicorn makes a connection with.
    """

    def __init__(self, *, clock: Timer | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._clock = clock or SystemClock()
        self._patience = PATIENCE
        self._end: Handle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Takes note of the transport."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets it."""
        self._be_patient()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Gives the client its time: the kernel has not taken all that was written."""
        super().pause_writing()
        self._be_impatient()

    def resume_writing(self) -> None:
        """Takes the time back: everything was taken."""
        self._be_patient()
        super().resume_writing()

    def shutdown(self) -> None:
        """Ends the connection when its answer is out, which a client that does not read does not hold up."""
        super().shutdown()
        self._patience = LAST_PATIENCE
        if self._end is not None:
            self._be_impatient()

    def _be_impatient(self) -> None:
        self._be_patient()
        self._end = self._clock.call_later(self._patience, self.transport.abort)

    def _be_patient(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None


class ClientSocket(WebSocketsSansIOProtocol):
    """A WebSocket of a client.

    Args:
        clock: The clock of time-outs.
        given: What uvicorn makes a connection with.
    """

    def __init__(self, *, clock: Timer | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.logger = log
        self._clock = clock or SystemClock()
        self._end: Handle | None = None

    def pause_writing(self) -> None:
        """Gives the client its time: the kernel has not taken all that was written."""
        super().pause_writing()
        self._be_patient()
        self._end = self._clock.call_later(PATIENCE, self.transport.abort)

    def resume_writing(self) -> None:
        """Takes the time back: everything was taken."""
        self._be_patient()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets it."""
        self._be_patient()
        super().connection_lost(exc)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes note of the transport; an idle connection costs no buffer."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=64 * 1024)

    def _be_patient(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
