"""The window of events as calendar months, each read and cached by itself, so that a query reads those that it needs.

A month that is over changes little, and may be used for longer than the present one or one to come.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from gateway.model.identity import EventIndex
from gateway.model.records import Meeting
from gateway.paging.memory import Snapshot
from gateway.paging.merge import Problem
from gateway.request import Clock, Request
from gateway.sources.base import Found
from gateway.sources.cached import Translated, Translator, is_partial
from gateway.sources.calendly import translate, wire
from gateway.sources.calendly.api import EVENTS, CalendlyApi, EventRows, Left, Page, between
from gateway.sources.memory import Derived
from gateway.sources.problems import problems_of
from gateway.upstream.cache import ListCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy, Lifetimes

log = logging.getLogger(__name__)

MOST_PAGES = 100
"""Pages that are read of one month: 10,000 events."""

LOGGED_EVERY = 5
"""Pages of one read after which the log says how far it is; a shorter one is not logged."""

PAST = 20
"""How many times as long as the present month one that is over may be used."""

CUT_OFF = "Calendly holds more events of one month, or of one invitee, than are read: some are missing."


class Month(msgspec.Struct, frozen=True, order=True):
    """A calendar month, in UTC."""

    year: int
    month: int

    @staticmethod
    def of(moment: dt.datetime) -> Month:
        """The month that an instant lies in."""
        return Month(moment.year, moment.month)

    @property
    def start(self) -> dt.datetime:
        """Its first instant."""
        return dt.datetime(self.year, self.month, 1, tzinfo=dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """The first instant after it."""
        return self.next.start

    @property
    def next(self) -> Month:
        """The month after it."""
        return Month(self.year + 1, 1) if self.month == 12 else Month(self.year, self.month + 1)  # noqa: PLR2004

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


Held: TypeAlias = Translated[EventRows, Found[Meeting]]


class MonthEvents:
    """The meetings of one month, and what they are found by.

    Attributes:
        month: The month.
        found: The meetings.
        snapshot: The same, in the orders that are asked for.
        unplaced: Those that have no start, or one that cannot be read: they come with every month.
    """

    def __init__(self, month: Month, found: Found[Meeting]) -> None:
        self.month = month
        self.found = found
        self.snapshot = Snapshot(found.rows)
        self.unplaced = [row for row in found.rows if row.start_time is None]
        self._events: EventIndex | None = None

    @property
    def events(self) -> EventIndex:
        """The meetings by their calendar events."""
        if self._events is None:
            self._events = EventIndex(self.found.rows)
        return self._events


class EventWindow:
    """Every month that is read.

    Args:
        client: Calls Calendly.
        api: Its endpoints.
        clock: Tells which months these are.
        lifetimes: How long the present month, and those to come, may be used.
        back: How far back it reaches.
        ahead: How far ahead.
    """

    def __init__(
        self,
        client: Client,
        api: CalendlyApi,
        clock: Clock,
        lifetimes: Lifetimes,
        *,
        back: dt.timedelta,
        ahead: dt.timedelta,
    ) -> None:
        self.back = back
        self.ahead = ahead
        self._clock = clock
        self._api = api
        self._name = client.upstream.name
        self._segments: dict[Month, Derived] = {}

        def lists(name: str, lives: Lifetimes) -> ListCache[str, Held]:
            kind = CachePolicy(
                name=name,
                endpoint=EVENTS,
                codec=ROWS,
                lifetimes=lives,
                doubtful=is_partial,
                changed_at=lambda _: client.outdated.lists(),
            )
            return ListCache(client, kind, self._fetch)

        self._present = lists("months", lifetimes)
        self._past = lists("past months", longer(lifetimes))

    def now(self) -> dt.datetime:
        """The present."""
        return dt.datetime.fromtimestamp(self._clock.time(), dt.UTC)

    def months(self, since: dt.datetime | None = None, until: dt.datetime | None = None) -> list[Month]:
        """The months of the window, the earliest first; those that touch a range where one is given.

        Args:
            since: The first instant of the range.
            until: Its last.
        """
        now = self.now()
        first = Month.of(now - self.back)
        last = Month.of(now + self.ahead)
        if since is not None:
            first = max(first, Month.of(since.astimezone(dt.UTC)))
        if until is not None:
            last = min(last, Month.of(until.astimezone(dt.UTC)))
        months: list[Month] = []
        month = first
        while month <= last:
            months.append(month)
            month = month.next
        return months

    async def segment(self, request: Request, month: Month) -> MonthEvents:
        """A month's meetings; the same ones throughout a request.

        Raises:
            UpstreamError: They could not be read.
            DeadlineExceeded: The request's time is up.
        """

        async def read() -> MonthEvents:
            lists = self._past if month < Month.of(self.now()) else self._present
            found = (await lists.get(request, str(month))).value.value
            derived = self._segments.setdefault(month, Derived())
            return derived.of(found.rows, lambda _: MonthEvents(month, found))

        return await request.once((self, month), read)

    async def renew(self, request: Request, month: Month) -> Found[Meeting]:
        """A month's meetings as they are now, whatever is cached.

        Raises:
            UpstreamError: They could not be read.
            DeadlineExceeded: The request's time is up.
        """
        lists = self._past if month < Month.of(self.now()) else self._present
        return (await lists.renew(request, str(month))).value.value

    async def segments(self, request: Request, months: Sequence[Month]) -> list[MonthEvents]:
        """Several months' meetings.

        Raises:
            UpstreamError: One could not be read.
            DeadlineExceeded: Likewise.
        """
        answers = await asyncio.gather(*(self.segment(request, month) for month in months), return_exceptions=True)
        segments: list[MonthEvents] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            segments.append(answer)
        for month in self._segments.keys() - set(self.months()):
            del self._segments[month]  # the window has moved on
        return segments

    async def _fetch(self, request: Request, key: str) -> Held:
        year, month = map(int, key.split("-"))
        asked = Month(year, month)

        calls = 0

        def on_page(pages: Sequence[Page[wire.Event]]) -> None:
            nonlocal calls
            calls = len(pages)
            if calls % LOGGED_EVERY == 0:
                rows = sum(len(page.rows) for page in pages)
                starts = (row.value.start_time for row in reversed(pages[-1].rows))
                reached = next((f", up to {start:%Y-%m-%d}" for start in starts if start is not None), "")
                log.info("%s %s: %d events of %s read so far%s", self._name, EVENTS, rows, key, reached)

        read = await self._api.events(request, between(asked.start, asked.end), most=MOST_PAGES, on_page=on_page)
        # By its id each once, as a row may come up twice where others move meanwhile.
        mine = {
            row.value.uri: row
            for row in read.rows
            if row.value.start_time is None or asked.start <= row.value.start_time < asked.end
        }
        if calls >= LOGGED_EVERY:
            log.info("%s %s: %d events of %s read, in %d calls", self._name, EVENTS, len(mine), key, calls)
        return ROWS.of(msgspec.structs.replace(read, rows=list(mine.values())))


def longer(lifetimes: Lifetimes) -> Lifetimes:
    """How long months that are over may be used."""
    return msgspec.structs.replace(lifetimes, fresh=lifetimes.fresh * PAST, stale=lifetimes.stale * PAST)


def found_in(read: EventRows) -> Found[Meeting]:
    """The meetings of some rows."""
    records = [translate.meeting(row) for row in read.rows]
    problems = problems_of(records, read.lost)
    if read.unreachable:
        problems += (Problem(where=Left.UNREACHABLE.value, lost=True),)
    return Found(rows=records, problems=problems, incomplete=CUT_OFF if read.cut_off else None)


ROWS: Translator[EventRows, Found[Meeting]] = Translator(EventRows, found_in)


def problems_in(segments: Iterable[MonthEvents]) -> tuple[Problem, ...]:
    """What of some months could not be read."""
    return tuple(dict.fromkeys(problem for segment in segments for problem in segment.found.problems))


def incomplete_in(segments: Iterable[MonthEvents]) -> str | None:
    """Why rows of some months are missing, in a sentence; None where none are."""
    return next((segment.found.incomplete for segment in segments if segment.found.incomplete), None)
