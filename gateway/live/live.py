"""Live updates of one process: its sources, the log, and its subscribers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import msgspec

from gateway.catalog.answer import Joined
from gateway.errors import BadUserInput, GatewayError
from gateway.live.admission import AdmissionOf, CurrentAdmission
from gateway.live.audience import Audience
from gateway.live.coordination import Coordination
from gateway.live.detector import Detector
from gateway.live.dispatcher import Dispatcher
from gateway.live.feed import Feed, Subscriber
from gateway.live.follower import Event, Follower
from gateway.live.log import ChangeLog, Cursor, Entry, MalformedChangeCursor, cursor_of, cursor_text
from gateway.live.rendering import Renderer
from gateway.live.source import LiveSource
from gateway.live.states import States
from gateway.live.versions import Versions
from gateway.model.changes import ChangeKind
from gateway.model.records import Source
from gateway.model.status import LiveMode, SourceStatus
from gateway.request import Priority, Request
from gateway.sources.live import DeliveryCheck
from gateway.upstream.clock import Timer

T = TypeVar("T")

DEADLINE = 25.0
"""Seconds for reading meetings again; nobody waits for it."""

CATCHING_UP = 5.0
"""Seconds that a stream, or a page of changes, waits at most for the sources to be looked at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """What is set.

    Attributes:
        poll: Seconds between two looks at a source.
        units: Each source's upstream units of a minute.
        secrets: What its deliveries may be signed with, now.
    """

    poll: float
    units: Mapping[Source, int]
    secrets: Callable[[Source], Sequence[str]]


class Live:
    """Live updates.

    Args:
        joined: The sources.
        log: The log of changes.
        versions: What was last seen.
        coordination: What replicas agree on.
        clock: The time.
        options: What is set.
    """

    def __init__(
        self,
        joined: Joined,
        *,
        log: ChangeLog,
        versions: Versions,
        coordination: Coordination,
        clock: Timer,
        options: LiveOptions,
    ) -> None:
        self.log = log
        self.states = States(joined, self._request)
        self._joined = joined
        self._clock = clock
        self._coordination = coordination
        self._options = options
        self._audience = Audience(clock)
        self._dispatcher = Dispatcher(log, self.states)
        self._feeds: WeakValueDictionary[Hashable, Feed[Any]] = WeakValueDictionary()
        self._renderers: WeakValueDictionary[Hashable, Renderer[Any]] = WeakValueDictionary()
        detector = Detector(joined, log, versions, clock)
        self.sources = {
            source: LiveSource(
                source,
                port.live,
                detector=detector,
                log=log,
                versions=versions,
                coordination=coordination,
                audience=self._audience,
                clock=clock,
                request=self._request,
                units=options.units.get(source, 0),
                poll=options.poll,
                delivers=lambda source=source: bool(options.secrets(source)),  # type: ignore[misc]
            )
            for source, port in joined.ports.items()
            if port.live is not None
        }
        log.watchers.append(self._outdate)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Learns of changes within the block."""
        work = [
            *(source.read_hints() for source in self.sources.values()),
            *(source.poll() for source in self.sources.values() if self._options.poll),
        ]
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def described(self, status: SourceStatus) -> SourceStatus:
        """A source's status, with how its changes are learnt of."""
        live = self.sources.get(status.source)
        if live is None or not status.enabled:
            return status
        at = live.last_change_at
        when = None if at is None else dt.datetime.fromtimestamp(at, dt.UTC)
        return msgspec.structs.replace(status, live=live.mode, last_change_at=when)

    def secrets(self, source: Source) -> Sequence[str]:
        """What a source's deliveries may be signed with."""
        return self._options.secrets(source) if source in self.sources else ()

    def verdict(self, source: Source, headers: Mapping[str, str], body: bytes) -> DeliveryCheck:
        """What a delivery is, by its signature; names of headers are in lower case."""
        webhooks = self.sources[source].meetings.webhooks
        return webhooks.verdict(headers, body, self.secrets(source), self._clock.time())

    async def deliver(self, source: Source, verdict: DeliveryCheck, body: bytes) -> bool:
        """Takes an authentic delivery; whether it has not come before."""
        live = self.sources[source]
        await self._coordination.note_delivery(source)
        await live.learn_of_deliveries()
        digest = hashlib.blake2b(body, digest_size=16, key=source.value.encode()).hexdigest()
        new = await self._coordination.is_new(source, digest)
        if new and verdict.event is not None:
            live.hint(verdict.ids)
        return new

    def cursor(self, since: str) -> Cursor:
        """A cursor that a client sent.

        Raises:
            BadUserInput: It is not one.
        """
        try:
            return cursor_of(since)
        except MalformedChangeCursor as error:
            raise BadUserInput(f"since: {error}.", argument="since") from None

    async def begin(self, find: AdmissionOf, since: Cursor | None) -> tuple[Follower, Event]:
        """A reader, and its first event: READY, or RESET where changes since then are not known any more."""
        up_to_date = await self._catch_up()
        here = self.log.end() if since is None else since
        follower = Follower(self.log, self.states, CurrentAdmission(find, self._clock), here)
        if since is not None and (follower.lost or not up_to_date):
            return follower, follower.reset()
        ready = Event(kind=ChangeKind.READY, position=here.position, at=self._clock.time(), cursor=cursor_text(here))
        return follower, ready

    async def changes(self, find: AdmissionOf, since: Cursor | None, first: int) -> tuple[Sequence[Event], str, bool]:
        """A page of changes: those after a cursor, the cursor to go on from, and whether there are more already."""
        self._audience.note_read()
        follower, event = await self.begin(find, since)
        if since is None:
            return (), event.cursor, False
        if event.kind is ChangeKind.RESET:
            return (event,), event.cursor, False
        events: list[Event] = []
        while follower.more and len(events) < first:
            events += await follower.read(first - len(events))
        return events, follower.cursor, follower.more

    def subscriber(
        self,
        follower: Follower,
        render: Callable[[Event], Awaitable[T]],
        *,
        operation: Hashable | None,
        selection: Hashable | None,
    ) -> Subscriber[T]:
        """A subscriber that has begun.

        Args:
            follower: Where it begins.
            render: Makes what is sent of an event.
            operation: What equal subscribers have in common, whose events are found once; None where nobody is equal.
            selection: What those have in common whose operations differ in the filter alone: each event is rendered
                once for all of them.
        """
        feed: Feed[T] | None = None if operation is None else self._feeds.get(operation)
        if feed is None or feed.closed:
            renderer: Renderer[T] | None = None if selection is None else self._renderers.get(selection)
            if renderer is None:
                renderer = Renderer(render)
                if selection is not None:
                    self._renderers[selection] = renderer
            feed = Feed(follower.from_end(), renderer, self._dispatcher, self._clock)
            if operation is not None:
                self._feeds[operation] = feed
        return Subscriber(feed, follower, self._clock)

    def listening(self) -> AbstractContextManager[None]:
        """Counts a stream that is open within the block."""
        return self._audience.stream()

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._audience.streams

    async def _catch_up(self) -> bool:
        """Learns of what has happened up to now, as far as that takes a moment; whether it was possible."""
        await self.log.refresh()
        polled = [source for source in self.sources.values() if source.mode is LiveMode.POLL]
        for source in polled:
            await source.learn_of_deliveries()
        looks = [
            asyncio.ensure_future(source.look(self._options.poll)) for source in polled if source.mode is LiveMode.POLL
        ]
        if not looks:
            return True
        try:
            async with asyncio.timeout(CATCHING_UP):
                outcomes = await asyncio.gather(*looks, return_exceptions=True)
        except TimeoutError:
            return False
        finally:
            for look in looks:
                look.cancel()
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, GatewayError):
                raise outcome
        await self.log.refresh()
        return all(outcome is True for outcome in outcomes)

    def _request(self, priority: Priority) -> Request:
        return Request(self._clock.monotonic() + DEADLINE, priority)

    def _outdate(self, entry: Entry) -> None:
        """Has what is cached of a record that changed, here or in another replica, read anew before it is used."""
        record = entry.change.record
        port = None if record is None else self._joined.ports.get(record.source)
        if record is not None and port is not None and port.live is not None:
            port.live.outdate([record.id] if record.id else [], entry.change.at)
