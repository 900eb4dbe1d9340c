"""The rows of a search that is read to its end, each lane by itself and in parts that are renewed at different times.

A part begins and ends at a round instant, not at a row: so a row that comes or goes moves the parts around it hardly
ever, and those that were read before can be used.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import itertools
from collections.abc import Awaitable, Collection, Iterator

import msgspec

from gateway.catalog.events import meeting_ref
from gateway.catalog.search import Search, Walked
from gateway.catalog.timetable import KEPT, NEAR, Timetable
from gateway.errors import GatewayError, OperationTooCostly
from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField, Position, Walk, micros, moment
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.merge import Chunk
from gateway.request import Request

PAGE = 100
"""Rows that a read asks for."""

PAUSE = 500
"""Rows that a lane has passed over, about, where it pauses."""

MARGIN = dt.timedelta(days=7)
"""How far beyond the end of what is asked for the end of what is read may lie, so that it seldom moves."""

LAST = micros(dt.datetime.max.replace(tzinfo=dt.UTC))
"""The calendar's last instant, in microseconds since 1970."""

BEFORE_ALL = "!"
"""An id before all others."""


class Readings:
    """One request as it reads the parts of a list: each accepts what was cached since that part was due.

    Args:
        request: The request.
        timetable: When parts are due.

    Attributes:
        timetable: The same.
    """

    def __init__(self, request: Request, timetable: Timetable) -> None:
        self.timetable = timetable
        self._request = request
        self._by_age: dict[float, Request] = {}

    def near(self, minute: int) -> Request:
        """For a part around now; see `Timetable`."""
        return self._accepting(self.timetable.near(minute))

    def past(self, place: int) -> Request:
        """For a settled part; see `Timetable`."""
        return self._accepting(self.timetable.past(place))

    def looked_up(self, place: int) -> Request:
        """For what is looked up; see `Timetable`."""
        return self._accepting(self.timetable.looked_up(place))

    def records(self, place: int) -> Request:
        """For records that others refer to; see `Timetable`."""
        return self._accepting(self.timetable.records(place))

    def before(self) -> Request:
        """For a part as it was before it was due."""
        return self._accepting(KEPT)

    def afresh(self) -> Request:
        """For a part that has to be new."""
        return self._accepting(0.0)

    async def close(self) -> None:
        """Cancels work that nobody waits for any more."""
        for each in self._by_age.values():
            await each.close()

    def _accepting(self, max_age: float) -> Request:
        known = self._by_age.get(max_age)
        if known is None:
            known = self._by_age[max_age] = self._request.accepting(max_age)
        return known


class Holds(enum.Enum):
    """Which meetings a lane holds."""

    ALL = "all"
    """All that are asked for."""
    ACTIVE = "active"
    """Those that are not cancelled, while others hold those that are."""
    CANCELED = "canceled"


class CountedLane(msgspec.Struct, frozen=True):
    """One lane of a source.

    Attributes:
        walked: The source, by the range that is asked for.
        part: The same, by the range that is read.
        place: Which of its lanes.
        holds: Which meetings it holds.
    """

    walked: Walked
    part: Walked
    place: int
    holds: Holds

    def minute(self, number: int) -> int:
        """The minute of a round (see `Timetable`) in which one of its parts around now is renewed."""
        return (2 - number) % NEAR if self.holds is Holds.CANCELED else number % 2


class CountedRows:
    """Reads every lane of a search to its end.

    Args:
        search: The search.
        field: The time that the filter bounds, by which the rows are read.
        readings: The request.
        most: Rows that are read at most.
        whole: The sources that are read by whole months, however short a part is asked for.
    """

    def __init__(
        self, search: Search, field: OrderField, readings: Readings, *, most: int, whole: Collection[Source]
    ) -> None:
        self._search = search
        self._whole = whole
        self._field = field
        self._order = Order(field, descending=False)
        self._readings = readings
        self._most = most
        self._passed = 0
        self._rows: dict[Ref, Meeting] = {}
        self._begun: set[Source] = set()
        self._errors: dict[Source, GatewayError] = {}
        self._gone: set[Source] = set()
        self._canceled: list[CountedLane] = []

    async def read(self) -> list[Meeting]:
        """The rows, each once; what fails is reported.

        Raises:
            OperationTooCostly: There are too many.
        """
        lanes: list[Awaitable[None]] = []
        for walked in self._search.walked:
            lanes += self._lanes(walked)
        await _all(*lanes, *(self._lower(search.source, search.rows()) for search in self._search.lower))
        await _all(*(self._in_parts(lane, afresh=True) for lane in self._canceled if lane.walked.source in self._gone))
        for source, error in self._errors.items():
            (self._search.reports.partial if source in self._begun else self._search.reports.fail)(source, error)
        return list(self._rows.values())

    def check(self, rows: int) -> None:
        """Makes sure that there are not too many rows.

        Raises:
            OperationTooCostly: There are.
        """
        if rows > self._most:
            raise OperationTooCostly(
                f"More than {self._most} meetings would have to be read, which is the maximum; use a shorter range.",
                measured=rows,
                allowed=self._most,
            )

    def _lanes(self, walked: Walked) -> list[Awaitable[None]]:
        """What reads the lanes of a source.

        A meeting that is cancelled goes from one lane to another. For it to be in one of them at any time, cancelled
        ones are as new as what is around now, and are read once more where a meeting is gone from another lane.
        """
        field, readings = self._field, self._readings
        if field is OrderField.UPDATED_AT or walked.source in self._whole:
            return [
                self._to_end(part, place, request)
                for part, request in self._months(walked)
                for place in range(len(part.lanes(request, Walk(self._order))))
            ]
        part = _widened(walked, field)
        lanes = range(len(part.lanes(readings.near(0), Walk(self._order))))
        if walked.wanted.canceled is not Canceled.INCLUDE:
            return [self._in_parts(CountedLane(walked, part, place, Holds.ALL)) for place in lanes]
        active = -(-len(lanes) // 2)
        every = [CountedLane(walked, part, each, Holds.ACTIVE if each < active else Holds.CANCELED) for each in lanes]
        self._canceled += every[active:]
        return [self._in_parts(lane) for lane in every]

    def _months(self, walked: Walked) -> list[tuple[Walked, Request]]:
        """A source month by month, what is settled apart where that can be told, and whom to read each for.

        Settled months are renewed in other rounds than the first parts of lanes that are read by start.
        """
        bounds, readings = walked.wanted.start_range, self._readings
        if not bounds.closed:
            return [(walked, readings.near(0))]
        since, until = map(moment, _ends(bounds))
        settled = moment(readings.timetable.settled)
        edges = sorted(edge for edge in {settled, *_months_after(since, until)} if since < edge < until)
        found: list[tuple[Walked, Request]] = []
        for place, (begin, end) in enumerate(itertools.pairwise([since, *edges, until])):
            request = readings.past(-1 - place) if end <= settled else readings.near(1)
            found.append((_within(walked, bounds.within(TimeRange(gte=begin, lt=end))), request))
        return found

    async def _in_parts(self, lane: CountedLane, *, afresh: bool = False) -> None:
        """Reads a lane of a source part by part.

        Args:
            lane: The lane.
            afresh: Whether it has to be new.
        """
        wanted, readings = lane.walked.wanted, self._readings
        bounds: TimeRange = getattr(wanted, self._field.value) or TimeRange()
        starts = self._field is OrderField.START_TIME
        since, until = _ends(wanted.start_range if starts else bounds)
        settles = starts and lane.holds is not Holds.CANCELED
        begin: Position | None = None
        past = near = 0
        while begin is None or since < until:
            walk = Walk(self._order, start=begin)
            before = await self._chunk(lane, walk, readings.before()) if lane.holds is Holds.ACTIVE else None
            chunk: Chunk[Meeting] | None = None
            settled = settles and since < readings.timetable.settled
            if settled:
                chunk = await self._chunk(lane, walk, readings.past(past))
                past += 1
            if not settled or (chunk is not None and _end(since, until, chunk) > readings.timetable.settled):
                chunk = await self._chunk(lane, walk, readings.afresh() if afresh else readings.near(lane.minute(near)))
                near += 1
            if chunk is None:
                return
            end = _end(since, until, chunk)
            if before is not None and _any_gone(before, chunk, min(end, _end(since, until, before)), self._order):
                self._gone.add(lane.walked.source)
            self._take(lane.walked.source, chunk, bounds, None if chunk.done else end)
            if chunk.done:
                return
            since, begin = end, Position(end, next(iter(Source)), BEFORE_ALL, aside=chunk.aside)

    async def _chunk(self, lane: CountedLane, walk: Walk, request: Request) -> Chunk[Meeting] | None:
        """What the next read of a lane yields, up to a place with a time; None where it fails."""
        reading = lane.part.lanes(request, walk)[lane.place][1]
        rows: list[Meeting] = []
        try:
            chunk = await reading.read(PAGE)
            while not chunk.done and not chunk.paused and (chunk.frontier is None or chunk.frontier.time is None):
                rows += chunk.rows
                chunk = await reading.read(PAGE)
        except GatewayError as error:
            self._errors.setdefault(lane.walked.source, error)
            return None
        return msgspec.structs.replace(chunk, rows=[*rows, *chunk.rows]) if rows else chunk

    async def _to_end(self, walked: Walked, place: int, request: Request) -> None:
        """Reads a lane of a source that cannot begin anywhere; where it pauses, it is gone on with."""
        walk = Walk(self._order)
        lane = walked.lanes(request, walk)[place][1]
        while True:
            try:
                chunk = await lane.read(PAGE)
            except GatewayError as error:
                self._errors.setdefault(walked.source, error)
                return
            self._take(walked.source, chunk, TimeRange(), None)
            if chunk.done:
                return
            if chunk.paused and chunk.frontier is not None:
                walk = Walk(walk.order, start=msgspec.structs.replace(chunk.frontier, aside=chunk.aside))
                lane = walked.lanes(request, walk)[place][1]

    def _take(self, source: Source, chunk: Chunk[Meeting], bounds: TimeRange, end: int | None) -> None:
        """Adds the rows of a part that lie in the range and before the part's end.

        Raises:
            OperationTooCostly: There are too many.
        """
        self._begun.add(source)
        self._search.reports.problems(source, chunk.problems)
        if chunk.incomplete is not None:
            self._search.reports.incomplete(source, chunk.incomplete)
        for row in chunk.rows:
            value = self._order.value(row)
            if value is None or (bounds.admits(value) and (end is None or micros(value) < end)):
                ref = meeting_ref(row)
                self._rows[ref] = _newer(self._rows.get(ref), row)
        self._passed += PAUSE * chunk.paused
        self.check(len(self._rows) + self._passed)

    async def _lower(self, source: Source, reading: Awaitable[list[Meeting]]) -> None:
        try:
            rows = await reading
        except GatewayError as error:
            self._errors.setdefault(source, error)
            return
        self._begun.add(source)
        for row in rows:
            self._rows.setdefault(meeting_ref(row), row)


def _newer(known: Meeting | None, row: Meeting) -> Meeting:
    """The one of two copies that was changed last; parts are read at several moments, and a row may lie in two."""
    if known is None or known.updated_at is None or row.updated_at is None or row.updated_at >= known.updated_at:
        return row
    return known


def _within(walked: Walked, bounds: TimeRange) -> Walked:
    """The part of a source that lies in a range of start times."""
    wanted = msgspec.structs.replace(walked.wanted, start_time=bounds)
    return msgspec.structs.replace(walked, wanted=wanted)


def _months_after(since: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    """The beginnings of the months after one instant and before another."""
    while (after := _next_month(since)) is not None and after < until:
        yield (since := after)


def _next_month(instant: dt.datetime) -> dt.datetime | None:
    """The beginning of the month after the one that an instant is in; None at the end of the calendar."""
    first = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        return (first + dt.timedelta(days=32)).replace(day=1)
    except OverflowError:
        return None


def _widened(walked: Walked, field: OrderField) -> Walked:
    """A source by a range that holds what is asked for, and seldom moves where that goes along with the time.

    It begins with a day, and ends at a round instant.
    """
    asked: TimeRange | None = getattr(walked.wanted, field.value)
    if asked is None or not asked.closed:
        return walked
    since, until = _ends(asked)
    begin = moment(since).replace(hour=0, minute=0, second=0, microsecond=0)
    latest = min(until + MARGIN // dt.timedelta(microseconds=1), LAST)
    end = moment(round_instant(until, latest)) if until < latest else None
    bounds = TimeRange(gte=begin, lt=end)
    wanted: MeetingFilter = msgspec.structs.replace(walked.wanted, **{field.value: bounds})
    return msgspec.structs.replace(walked, wanted=wanted)


def _ends(bounds: TimeRange) -> tuple[int, int]:
    """The first instant of a range that has both ends, and the first one after it, in microseconds since 1970.

    Neither lies beyond the calendar, whose very last instant no meeting starts at.
    """
    since = max(micros(bound) + after for bound, after in ((bounds.gte, 0), (bounds.gt, 1)) if bound is not None)
    until = min(micros(bound) + after for bound, after in ((bounds.lt, 0), (bounds.lte, 1)) if bound is not None)
    return min(since, LAST), min(until, LAST)


def _end(since: int, until: int, chunk: Chunk[Meeting]) -> int:
    """Where the next part begins, which starts with a round instant.

    Args:
        since: Where the part begins.
        until: The first instant after what is asked for.
        chunk: What was read of the part.
    """
    reach = None if chunk.frontier is None else chunk.frontier.time
    if chunk.done or reach is None:
        return until
    return round_instant(min(reach - 1, reach - (reach - since) // 4), reach) if reach > since else reach


def _any_gone(before: Chunk[Meeting], chunk: Chunk[Meeting], end: int, order: Order) -> bool:
    """Whether a meeting of a part, as it was before, is no longer there."""
    if before.rows is chunk.rows:
        return False
    there = {row.source_id for row in chunk.rows}
    values = ((row.source_id, order.value(row)) for row in before.rows)
    return any(id_ not in there and value is not None and micros(value) < end for id_, value in values)


def round_instant(after: int, until: int) -> int:
    """The roundest number after one and up to another: the multiple of the highest power of 2.

    Two stretches that overlap mostly have the same one.
    """
    shift = (after ^ until).bit_length() - 1
    return until >> shift << shift


async def _all(*work: Awaitable[None]) -> None:
    """Does all of it at once; the first error ends the rest and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
