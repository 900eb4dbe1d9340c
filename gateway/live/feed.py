"""The events of equal subscriptions, found once for all of their subscribers; and one subscriber's way through them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from gateway.errors import GatewayError
from gateway.live.dispatcher import Dispatcher
from gateway.live.follower import Event, Follower
from gateway.live.rendering import Renderer, Rendering
from gateway.model.changes import ChangeKind
from gateway.upstream.clock import Timer

T = TypeVar("T")

MOST_EVENTS = 128
"""Events that a feed holds for subscribers who are slower than others; one who falls behind them reads the log."""

PAUSE = 2.0
"""Seconds before a meeting that could not be loaded is tried again."""


class Payload(msgspec.Struct, Generic[T], frozen=True):
    """What subscribers are sent.

    Attributes:
        event: The event.
        rendering: What is made of it.
    """

    event: Event
    rendering: Rendering[T]


class Feed(Generic[T]):
    """The events of one operation with one filter.

    Args:
        follower: Reads the log.
        renderer: Makes what is sent of an event.
        dispatcher: Says when the log has gone on.
        clock: For waiting before another attempt.

    Attributes:
        end: The number of the event that comes next.
        closed: Whether its last subscriber has left.
        failure: A fault of ours, after which there are no more events.
    """

    def __init__(self, follower: Follower, renderer: Renderer[T], dispatcher: Dispatcher, clock: Timer) -> None:
        self.follower = follower
        self.renderer = renderer
        self._dispatcher = dispatcher
        self._clock = clock
        self._payloads: deque[Payload[T]] = deque(maxlen=MOST_EVENTS)
        self.end = 0
        self._subscribers: dict[Subscriber[T], None] = {}
        self._reading: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None
        self.closed = False

    def payload(self, number: int) -> Payload[T] | None:
        """The payload of an event that has come; None where it is not held any more."""
        place = number - self.end + len(self._payloads)
        return self._payloads[place] if place >= 0 else None

    def add(self, subscriber: Subscriber[T]) -> None:
        """Begins to read the log, with the first subscriber."""
        self._subscribers[subscriber] = None
        self._dispatcher.add(self)

    async def remove(self, subscriber: Subscriber[T]) -> None:
        """Ends that with the last one."""
        self._subscribers.pop(subscriber, None)
        if not self._subscribers and not self.closed:
            self.closed = True
            await self._dispatcher.remove(self)
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)

    def advance(self) -> None:
        """Finds the events of what the log has got; in the background, where something has to be looked up for it."""
        if self._reading is not None and not self._reading.done():
            return
        try:
            events: list[Event] | None = []
            while events is not None and (self.follower.more or self.follower.lost):
                events = self.follower.read_loaded()
                self._publish(events or ())
        except Exception as failure:  # noqa: BLE001 - whatever it was, subscribers are not left in silence
            self.fail(failure)
            return
        if events is None:
            self._reading = asyncio.ensure_future(self._read())
            self._reading.add_done_callback(self._read_on)

    async def _read(self) -> None:
        while True:
            self._publish(await read_on(self.follower, self._clock))
            if not self.follower.more:
                return

    def _read_on(self, reading: asyncio.Task[None]) -> None:
        failure = None if reading.cancelled() else reading.exception()
        if failure is not None:
            self.fail(failure)

    def fail(self, failure: BaseException) -> None:
        """Ends it for all subscribers, who are not left in silence."""
        self.failure = failure
        self._wake()

    def _publish(self, events: Iterable[Event]) -> None:
        for event in events:
            rendering = self.renderer.of(event)
            self._payloads.append(Payload(event, rendering))
            self.end += 1
            rendering.call_when_done(self._wake)

    def _wake(self) -> None:
        for subscriber in self._subscribers:
            subscriber.wake()


class Subscriber(Generic[T]):
    """One subscriber's way through a feed.

    Args:
        feed: The feed.
        follower: Where the subscriber begins; reads what lies between that and the feed.
        clock: For waiting before another attempt.

    Attributes:
        wake: Called when there may be something to send.
        behind: How many times it was so slow that it got several changes as one.
    """

    def __init__(self, feed: Feed[T], follower: Follower, clock: Timer) -> None:
        self.wake: Callable[[], Any] = lambda: None
        self.behind = 0
        self._feed = feed
        self._follower = follower
        self._clock = clock
        self._since = follower.since
        self._number: int | None = None
        self._own: deque[Event] = deque()
        self._catching_up: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> str:
        """Where to go on."""
        return self._follower.cursor

    async def __aenter__(self) -> Subscriber[T]:
        self._feed.add(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)
        await self._feed.remove(self)

    def next(self) -> Payload[T] | None:
        """What is sent next; None where there is nothing yet, and `wake` is called when there may be."""
        payload = self._next()
        if payload is None:
            return None
        if not payload.rendering.done:
            payload.rendering.call_when_done(self.wake)
            return None
        if self._own:
            self._own.popleft()
        elif self._number is not None:
            self._number += 1
        self._follower.passed(payload.event)
        return payload

    def _next(self) -> Payload[T] | None:
        """The payload that comes next, which stays next until it is passed."""
        feed, follower = self._feed, self._follower
        while True:
            if self._own:
                return self._adjusted(self._own[0])
            if self._number is None:
                if not self._joins():
                    return None
                continue
            if self._number == feed.end:
                if feed.failure is not None:
                    raise feed.failure
                if follower.position is not feed.follower.position:
                    follower.move(feed.follower.position)
                return None
            payload = feed.payload(self._number)
            if payload is None:  # too slow: the log itself is read, which joins what lies between
                self.behind += 1
                self._number = None
                continue
            event = payload.event
            if event.position <= follower.position and event.kind is not ChangeKind.RESET:
                self._number += 1
                continue
            return payload if event.kind is not ChangeKind.CREATED else self._adjusted(event)

    def _joins(self) -> bool:
        """Whether the subscriber has read what lies before the feed; where not, it goes on doing so."""
        if self._catching_up is not None:
            if not self._catching_up.done():
                return False
            reading, self._catching_up = self._catching_up, None
            reading.result()
            return True
        if self._follower.position >= self._feed.follower.position and not self._follower.lost:
            self._number = self._feed.end
            return True
        self._catching_up = asyncio.ensure_future(self._catch_up())
        self._catching_up.add_done_callback(lambda _: self.wake())
        return False

    async def _catch_up(self) -> None:
        self._own.extend(await read_on(self._follower, self._clock))

    def _adjusted(self, event: Event) -> Payload[T]:
        """An event's payload; CREATED is only for what was made after the subscriber began."""
        made = event.created_at if event.kind is ChangeKind.CREATED else None
        if made is not None and made < self._since:
            event = msgspec.structs.replace(event, kind=ChangeKind.UPDATED)
        return Payload(event, self._feed.renderer.of(event))


async def read_on(follower: Follower, clock: Timer) -> list[Event]:
    """What comes next; tried again where a meeting cannot be loaded."""
    while True:
        with contextlib.suppress(GatewayError):
            return await follower.read()
        await clock.sleep(PAUSE)
