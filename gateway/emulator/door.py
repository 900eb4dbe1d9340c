"""The ASGI side of an emulated API: reads a request, writes the log, injects faults, charges the minute, answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from gateway.emulator.faults import (
    BadRows,
    Empty,
    Fault,
    Faults,
    Hang,
    Huge,
    MalformedJson,
    Reset,
    Rewritten,
    SlowBody,
    Status,
    Truncated,
)


@dataclass(frozen=True)
class Ask:
    """A request, read whole. Header names have no case; `params` keep their order and repetitions."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def bearer(self) -> str | None:
        """The bearer token, if one came."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    @staticmethod
    def params_of(query: bytes) -> tuple[tuple[str, str], ...]:
        """Read a query string, or a form."""
        return tuple(parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """A response before it is encoded; `endpoint`, `cost` and `unknown_params` are for the log.

    Attributes:
        body: what is answered.
        written: parts of the body that are JSON already, by name.
    """

    endpoint: str
    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    cost: int = 0
    unknown_params: tuple[str, ...] = ()
    written: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """What the log keeps of a call.

    Attributes:
        endpoint: a stable name, as `meetings`, `people/{id}` or `users/meetings/org`; `unknown` for any other path.
        path: as asked.
        params: in order, decoded.
        status: as answered, faults included; 0 where a fault let no answer out.
        cost: units charged; 0 where the vendor does not say.
        unknown_params: names that the vendor would have ignored in silence.
    """

    endpoint: str
    path: str
    params: list[tuple[str, str]]
    status: int
    cost: int
    unknown_params: tuple[str, ...]


class VendorApp(Protocol):
    """An emulated API without its HTTP."""

    def answer(self, ask: Ask) -> Answer:
        """Answer a request; whatever is wrong with it is an answer too."""

    def error_body(self, status: int) -> object:
        """Give the body that the vendor sends with an error status."""


Clock = Callable[[], datetime]
"""Tells the time, with a time zone."""

_CHUNK = 64 * 1024
NO_CONTENT = 204


class Door:
    """An ASGI application over a vendor.

    Attributes:
        calls: every call so far, in the order of arrival.
        faults: what goes wrong.
        latency: seconds before each answer; may be set at any time.
    """

    def __init__(self, vendor: VendorApp, clock: Clock, latency: float) -> None:
        self.calls: list[Call] = []
        self.faults = Faults()
        self.latency = latency
        self._vendor = vendor
        self._clock = clock

    def reset(self) -> None:
        """Forget calls and faults."""
        self.calls.clear()
        self.faults.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP is ignored."""
        if scope["type"] != "http":
            return
        ask = Ask(
            method=scope["method"],
            path=scope["path"],
            params=Ask.params_of(scope["query_string"]),
            headers=Headers(scope=scope),
            body=await Request(scope, receive).body(),
        )
        answer = self._vendor.answer(ask)
        fault = self.faults.take(answer.endpoint)
        status = _status(answer, fault)
        self.calls.append(Call(answer.endpoint, ask.path, list(ask.params), status, answer.cost, answer.unknown_params))
        if self.latency and await _left(receive, self.latency):
            return
        if isinstance(fault, Hang):
            await _left(receive, None)
        elif isinstance(fault, Reset):
            scope["state"]["transport"].abort()
            await _left(receive, None)
        else:
            await self._respond(answer, status, fault, _Line(scope, receive, send))

    async def _respond(self, answer: Answer, status: int, fault: Fault | None, line: "_Line") -> None:
        headers = {"content-type": "application/json", "date": format_datetime(self._clock(), usegmt=True)}
        headers |= answer.headers
        body = self._body(answer, fault)
        if isinstance(fault, Status):
            headers |= {name.lower(): value for name, value in fault.headers.items()}
            if body.startswith(b"<"):
                headers["content-type"] = "text/html"
        if isinstance(fault, Huge):
            await line.start(status, headers, fault.size)
            await line.stretch(body, fault.size)
            return
        await line.start(status, headers, len(body))
        if isinstance(fault, Truncated):
            await line.cut(body[: len(body) // 2])
        elif isinstance(fault, SlowBody):
            await line.trickle(body, fault)
        else:
            await line.send(body)

    def _body(self, answer: Answer, fault: Fault | None) -> bytes:
        if isinstance(fault, BadRows):
            return msgspec.json.encode(_spoil(answer.body, fault))
        whole = {**answer.body, **answer.written} if isinstance(answer.body, dict) else answer.body
        body: bytes = b"" if answer.status == NO_CONTENT else msgspec.json.encode(whole)
        match fault:
            case Status():
                body = fault.body or msgspec.json.encode(self._vendor.error_body(fault.status))
            case Empty():
                body = b""
            case Huge():
                body = b'{"data":"'
            case MalformedJson():
                body = body[: len(body) * 2 // 3]
            case Rewritten():
                body = fault.change(body)
        return body


class _Line:
    """The way back to one client."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def start(self, status: int, headers: dict[str, str], length: int) -> None:
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        encoded.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def cut(self, body: bytes) -> None:
        await self.send(body, more=True)
        self._scope["state"]["transport"].close()
        await _left(self._receive, None)

    async def trickle(self, body: bytes, fault: SlowBody) -> None:
        size = max(1, -(-len(body) // fault.pieces))
        for place in range(0, len(body), size):
            if await _left(self._receive, fault.pause):
                return
            await self.send(body[place : place + size], more=place + size < len(body))

    async def stretch(self, head: bytes, size: int) -> None:
        await self.send(head, more=True)
        left = size - len(head) - 2
        while left > 0 and not self._scope["state"]["transport"].is_closing():
            await self.send(b"x" * min(left, _CHUNK), more=True)
            left -= _CHUNK
        await self.send(b'"}')


def _status(answer: Answer, fault: Fault | None) -> int:
    match fault:
        case Reset() | Hang():
            return 0
        case Status(status=status) | Empty(status=status):
            return status
        case Huge():
            return 200
        case _:
            return answer.status


_ROWS = ("data", "collection", "resource")
"""Where vendors have their rows: under `data`, or a list under the second and a single one under the third."""


def _spoil(body: object, fault: BadRows) -> object:
    """Give a copy of the body with its rows changed; the world's own rows stay as they are."""
    name = next((name for name in _ROWS if isinstance(body, dict) and name in body), None)
    if not isinstance(body, dict) or name is None:
        return body
    data = body[name]
    if isinstance(data, list):
        chosen = range(len(data)) if fault.at is None else fault.at
        changed: object = [fault.change(row) if place in chosen else row for place, row in enumerate(data)]
    else:
        changed = fault.change(data)
    return {**body, name: changed}


async def _left(receive: Receive, seconds: float | None) -> bool:
    """Wait so long (None: for ever), or until the client goes.

    Returns:
        Whether it went.
    """

    async def gone() -> None:
        message: Message = {"type": ""}
        while message["type"] != "http.disconnect":
            message = await receive()

    try:
        await asyncio.wait_for(gone(), seconds)
    except TimeoutError:
        return False
    return True


class Throttle:
    """Cost units of one fixed clock minute; None is no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._minute = -1
        self._spent = 0

    def spend(self, cost: int, now: datetime) -> bool:
        """Charge a call, unless the minute has too little left for it.

        Returns:
            Whether the call may go on.
        """
        minute = int(now.timestamp() // 60)
        if minute != self._minute:
            self._minute, self._spent = minute, 0
        if self.per_minute is not None and self._spent + cost > self.per_minute:
            return False
        self._spent += cost
        return True

    @property
    def remaining(self) -> int:
        """What is left of the minute of the last call; 0 where there is no limit to tell."""
        return 0 if self.per_minute is None else self.per_minute - self._spent
