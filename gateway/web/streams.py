"""Subscriptions that have begun: how many there may be, what each is sent, and when it ends.

What a stream sends is the same on every transport; only how an event is framed differs (`web.framing`, `web.sockets`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from gateway.errors import GatewayError, RateLimited
from gateway.graph.engine import OperationResult
from gateway.live.feed import Payload, Subscriber
from gateway.live.follower import Event
from gateway.model.changes import ChangeKind
from gateway.upstream.clock import Handle, Timer
from gateway.web.framing import Framing, result_bytes, start_of
from gateway.web.metrics.live import LiveMetrics
from gateway.web.request import ClientGone, gone
from gateway.web.response import encode

HEARTBEAT = 10.0
"""Seconds after which something is sent where nothing happens; balancers cut what is idle for 30 to 60."""

COME_BACK = 1.0
"""Seconds after which a client that is sent away may come back, at least."""

PER_PROCESS = 10
"""Clients' worth of subscriptions that one process has room for."""

SPREAD = 0.8
"""Of the time that a process has for stopping, over which streams end."""


class Ending(Exception):
    """Why a stream ends before its client leaves.

    Args:
        error: What the client is sent; None where it is asked to come back.
    """

    def __init__(self, error: GatewayError | None) -> None:
        super().__init__()
        self.error = error


@dataclass(slots=True)
class Subscriptions:
    """What all streams of a process have in common: how many there may be, and when they end.

    Args:
        most: Open subscriptions of one client; ten times as many in all.
        clock: For when heartbeats are due.
        drain: Seconds over which streams end when the process does.
        meter: The metrics; None where nothing is counted.
        stopping: Set when streams have to end.

    Attributes:
        open: Open subscriptions by transport.
    """

    most: int
    clock: Timer
    drain: float
    meter: LiveMetrics | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    open: Counter[str] = field(default_factory=Counter, init=False)
    _clients: Counter[str] = field(default_factory=Counter)
    _ends: dict[Callable[[], None], None] = field(default_factory=dict)
    _due: list[Handle] = field(default_factory=list)

    @contextlib.contextmanager
    def place(self, client: str, transport: str) -> Iterator[None]:
        """One subscription of a client, for as long as the block runs.

        Raises:
            RateLimited: The client, or the process, has as many as it may.
        """
        if self._clients[client] >= self.most:
            raise RateLimited(f"A client may have {self.most} open subscriptions.", retry_after=COME_BACK)
        if self.open.total() >= self.most * PER_PROCESS or self.stopping.is_set():
            raise RateLimited("There are too many open subscriptions.", retry_after=COME_BACK)
        self._clients[client] += 1
        self.open[transport] += 1
        if self.meter is not None:
            self.meter.opened(transport, 1)
        try:
            yield
        finally:
            self.open[transport] -= 1
            if self.meter is not None:
                self.meter.opened(transport, -1)
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ends the streams, spread over a part of the drain time, when the process has to stop within the block."""
        task = asyncio.ensure_future(self._stop())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for handle in self._due:
                handle.cancel()

    @contextlib.contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Has a stream, or a connection, ended when the process has to stop.

        Args:
            end: Ends it; called once.
        """
        self._ends[end] = None
        if self.stopping.is_set():
            self._end_later(end)
        try:
            yield
        finally:
            self._ends.pop(end, None)

    def began(self) -> None:
        """Counts a first event."""
        if self.meter is not None:
            self.meter.event(ChangeKind.READY)

    def sent(self, event: Event, *, first: bool) -> None:
        """Counts an event, and for the first of its subscribers how long after the change it was sent."""
        if self.meter is not None:
            self.meter.event(event.kind)
            if first and event.updated_at is not None:
                self.meter.lag(max(0.0, self.clock.time() - event.updated_at))

    def ended(self, reason: str) -> None:
        """Counts a stream, or a connection, that has ended."""
        if self.meter is not None:
            self.meter.ended(reason)

    def retry_after(self) -> float:
        """Seconds after which a client that is sent away comes back: not all of them at once."""
        return COME_BACK + random.uniform(0, max(self.drain, COME_BACK))  # noqa: S311 - spread, not a secret

    async def _stop(self) -> None:
        await self.stopping.wait()
        for end in list(self._ends):
            self._end_later(end)

    def _end_later(self, end: Callable[[], None]) -> None:
        seconds = random.uniform(0, self.drain * SPREAD)  # noqa: S311 - likewise

        def ended() -> None:
            if end in self._ends:
                end()

        self._due.append(self.clock.call_later(seconds, ended))


class Stream:
    """One subscription that has begun.

    Args:
        first: Its first event.
        subscriber: What comes after it.
        check: Checks that the credential is still valid; raises what ends the stream.
        charge: Charges the client for an event that was rendered for it.
        subscriptions: What all streams have in common.
        resources: What is given back when it ends.
    """

    def __init__(
        self,
        *,
        first: OperationResult,
        subscriber: Subscriber[OperationResult],
        check: Callable[[], Awaitable[object]],
        charge: Callable[[int], Awaitable[object]],
        subscriptions: Subscriptions,
        resources: contextlib.AsyncExitStack,
    ) -> None:
        self.first = first
        self.subscriptions = subscriptions
        self.resources = resources
        self._subscriber = subscriber
        self._check = check
        self._charge = charge
        self._wake = asyncio.Event()
        self._due = self._stopping = self._left = False
        self._beat: Handle | None = None
        self.cursor = subscriber.cursor

    def leave(self) -> None:
        """Ends it, since the client is gone."""
        self._left = True
        self._wake.set()

    async def events(self) -> AsyncGenerator[Payload[OperationResult] | None, None]:
        """The events after the first; None where nothing has happened for a while.

        Raises:
            Ending: It ends.
            ClientGone: The client is gone.
        """
        shared, subscriber = self.subscriptions, self._subscriber
        subscriber.wake = self._wake.set
        self._expect_heartbeat()
        try:
            with shared.ending(self._stop):
                while True:
                    if self._left:
                        raise ClientGone
                    if self._stopping:
                        raise Ending(None)
                    if self._due:
                        await self._still_valid()
                        yield None
                        self._expect_heartbeat()
                    payload = subscriber.next()
                    if payload is None:
                        await self._wake.wait()
                        self._wake.clear()
                        continue
                    rendering = payload.rendering
                    first, rendering.charged = not rendering.charged, True
                    if first:
                        await self._charge(rendering.result().cost)
                    yield payload
                    shared.sent(payload.event, first=first)
        finally:
            if self._beat is not None:
                self._beat.cancel()
            if shared.meter is not None and subscriber.behind:
                shared.meter.behind(subscriber.behind)

    async def _still_valid(self) -> None:
        try:
            await self._check()
        except GatewayError as error:
            raise Ending(error) from None

    def _expect_heartbeat(self) -> None:
        self._due = False
        self._beat = self.subscriptions.clock.call_later(HEARTBEAT, self._heartbeat_due)

    def _heartbeat_due(self) -> None:
        self._due = True
        self._wake.set()

    def _stop(self) -> None:
        self._stopping = True
        self._wake.set()


class StreamResponse:
    """A stream as an HTTP answer.

    Args:
        framing: How events are written.
        stream: The stream.
    """

    def __init__(self, framing: Framing, stream: Stream) -> None:
        self._framing = framing
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Sends it, for as long as the client is there.

        Raises:
            ClientGone: It has left.
        """
        reason = "gone"
        async with self._stream.resources:
            leaving = asyncio.ensure_future(gone(receive))
            leaving.add_done_callback(lambda _: self._stream.leave())
            try:
                reason = await self._sent(send)
            finally:
                leaving.cancel()
                await asyncio.gather(leaving, return_exceptions=True)
                self._stream.subscriptions.ended(reason)

    async def _sent(self, send: Send) -> str:
        """Sends everything; the reason why it has ended."""
        framing, stream = self._framing, self._stream
        await send(start_of(framing))
        first = framing.begin() + framing.event(result_bytes(stream.first), stream.cursor)
        await send({"type": "http.response.body", "body": first, "more_body": True})
        stream.subscriptions.began()
        heartbeat = framing.heartbeat()
        async with contextlib.aclosing(stream.events()) as events:
            try:
                async for payload in events:
                    body = heartbeat if payload is None else self._bytes(payload)
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            except Ending as ending:
                if ending.error is None:
                    last, reason = framing.away(stream.subscriptions.retry_after()), "stopping"
                else:
                    last, reason = framing.error(encode([error_entry(ending.error)])), "credential"
                await send({"type": "http.response.body", "body": last})
                return reason
        return "gone"

    def _bytes(self, payload: Payload[OperationResult]) -> bytes:
        framing = self._framing
        return payload.rendering.framed(
            framing.name, lambda result: framing.event(result_bytes(result), payload.event.cursor)
        )


def error_entry(error: GatewayError) -> dict[str, object]:
    """An error as it is sent."""
    return {"message": error.message, "extensions": error.extensions()}


class OneResult:
    """The result of an operation that is over, for a client that takes nothing but a stream.

    Args:
        framing: How events are written.
        body: The result.
    """

    def __init__(self, framing: Framing, body: bytes) -> None:
        self._framing = framing
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Sends it."""
        framing = self._framing
        body = framing.begin() + framing.event(self._body, None) + framing.complete()
        await send(start_of(framing))
        await send({"type": "http.response.body", "body": body})
