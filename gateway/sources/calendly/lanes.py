"""Events along a walk: by start month by month as it meets them, and by what only their invitees tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import msgspec

from gateway.errors import GatewayError
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import MANY, Position, Walk, micros
from gateway.model.records import Meeting, Source
from gateway.paging.memory import MemoryLane, Snapshot
from gateway.paging.merge import Chunk, Lane, put_aside
from gateway.request import Request
from gateway.sources.calendly import translate
from gateway.sources.calendly.api import MOST_ROWS
from gateway.sources.calendly.invitees import MOST_CHECKED, InviteeReader
from gateway.sources.calendly.months import EventWindow, Month, MonthEvents, incomplete_in, problems_in

EDGE = "!"
"""An id before all others, for places between two rows."""


GROWTH = 4
"""How many times as many rows the next months are taken to hold, each, as the last: more lie around the present."""

TOO_MANY_CHECKED = (
    f"Who was invited, and whether they came, is read of {MOST_CHECKED} events per request at most: others may be "
    "missing."
)


class MonthsLane:
    """The rows of a window along a walk by start; see `Lane`.

    The first month that the walk meets is read alone, since a page mostly lies in it; then all those at once that the
    page is known to reach into. Where that is not known, it is two; and more where hundreds of rows are wanted, as for
    a count, and the last month had few: up to one more than were read before. A row whose start cannot be read is put
    aside where it is met, and comes at the end.

    Args:
        window: The months.
        request: Whom it is for.
        walk: The walk, by start.
        admits: Which rows are in the list.
        months: The months that may hold some, the earliest first.
        unplaced: Whether rows whose start cannot be read may be in the list.
    """

    def __init__(
        self,
        window: EventWindow,
        request: Request,
        walk: Walk,
        *,
        admits: Callable[[Meeting], bool],
        months: Sequence[Month],
        unplaced: bool,
    ) -> None:
        self._window = window
        self._request = request
        self._walk = walk
        self._admits = admits
        self._all = months
        self._ahead = months_along(walk, months)
        self._read: dict[Month, MonthEvents] = {}
        self._lane: MemoryLane[Meeting] | None = None
        self._month: Month | None = None
        self._goal: Position | None = None
        self._met = 0  # rows of the month that is being walked
        # Rows without a start are the order's last: a walk meets them after all months, or before.
        self._first = unplaced and walk.backward and (walk.start is None or walk.start.value is None)
        self._last = unplaced and not walk.backward and (walk.stop is None or walk.stop.value is None)

    async def read(self, want: int) -> Chunk[Meeting]:
        """The next rows, of one month at most."""
        if self._lane is None:
            self._lane = await self._next(want)
            self._met = 0
        chunk = await self._lane.read(want)
        self._met += len(chunk.rows)
        if chunk.done:
            self._lane = None
            chunk = self._ended(chunk)
        return msgspec.structs.replace(chunk, aside=self._aside())

    def reach(self, place: Position) -> None:
        """See `FarReaching`."""
        self._goal = place

    async def _next(self, want: int) -> MemoryLane[Meeting]:
        """What the walk meets next: a month, or the rows without a start.

        Args:
            want: How many rows would do.
        """
        if self._first:
            self._first, self._month = False, None
            return await self._without_start()
        if self._ahead:
            self._month = self._ahead.pop(0)
            if self._month not in self._read:
                together = [self._month, *self._ahead[: self._further(want)]]
                self._read.update((each.month, each) for each in await self._begun(together))
            segment = self._read[self._month]
            return self._lane_of(segment.snapshot, [segment], placed=True)
        self._last, self._month = False, None
        return await self._without_start()

    def _further(self, want: int) -> int:
        """How many months are read together with the next one."""
        if self._goal is not None:
            return len(months_along(msgspec.structs.replace(self._walk, stop=self._goal), self._ahead))
        surely = want // max(MOST_ROWS, GROWTH * self._met)
        return min(max(2, surely) - 1, len(self._read)) if self._read else 0

    def _ended(self, chunk: Chunk[Meeting]) -> Chunk[Meeting]:
        """The last rows of a month, or of those without a start: more may follow."""
        if not self._ahead and not (self._last and self._aside()):
            return chunk
        first = Position(None, next(iter(Source)), EDGE)  # of the rows without a start, whichever source they are of
        frontier = first if self._month is None else edge(self._walk, self._month)
        return msgspec.structs.replace(chunk, done=False, frontier=frontier)

    def _aside(self) -> tuple[str, ...]:
        """The rows without a start that were met, here or on earlier pages."""
        before = self._walk.start.aside if self._walk.start is not None else ()
        return put_aside([*before, *(row.source_id for each in self._read.values() for row in each.unplaced)])

    async def _without_start(self) -> MemoryLane[Meeting]:
        """The rows without a start: those that were met; all of them, for a walk that begins with them."""
        aside = self._aside()
        every = MANY in aside or (self._walk.backward and not aside)
        if not every and not aside:
            return MemoryLane(Snapshot[Meeting](()), self._walk, admits=self._admits)
        segments = await self._segments(self._all)
        self._read.update((each.month, each) for each in segments)  # so that a walk back from here knows of them all
        rows = {row.source_id: row for each in segments for row in each.unplaced if every or row.source_id in aside}
        return self._lane_of(Snapshot([*rows.values()]), segments, placed=False)

    async def _begun(self, months: Sequence[Month]) -> list[MonthEvents]:
        """Several months, or the first alone where another one fails: that one ends the walk once it is met."""
        try:
            return await self._segments(months)
        except GatewayError:
            return await self._segments(months[:1])  # asked for above, and so no call

    async def _segments(self, months: Sequence[Month]) -> list[MonthEvents]:
        return await self._window.segments(self._request, months)

    def _lane_of(
        self, snapshot: Snapshot[Meeting], segments: Sequence[MonthEvents], *, placed: bool
    ) -> MemoryLane[Meeting]:
        return MemoryLane(
            snapshot,
            self._walk,
            admits=(lambda row: row.start_time is not None and self._admits(row)) if placed else self._admits,
            problems=problems_in(segments),
            incomplete=incomplete_in(segments),
        )


def months_along(walk: Walk, months: Sequence[Month]) -> list[Month]:
    """The months that a walk meets, in its order."""
    since, until = (walk.stop, walk.start) if walk.descending else (walk.start, walk.stop)
    if (walk.start is not None and walk.start.value is None and not walk.backward) or (
        walk.stop is not None and walk.stop.value is None and walk.backward
    ):
        return []  # among the rows without a start
    low = None if since is None else since.time
    high = None if until is None else until.time
    met = [
        month
        for month in months
        if (low is None or micros(month.end) > low) and (high is None or micros(month.start) <= high)
    ]
    return met[::-1] if walk.descending else met


def edge(walk: Walk, month: Month) -> Position:
    """The place up to which all is known once a month has been read: its edge that the walk leaves it by."""
    if walk.backward:
        known = micros(month.start) if walk.descending else micros(month.end) - 1
        return Position(known, next(iter(Source)), EDGE)
    unknown = micros(month.start) - 1 if walk.descending else micros(month.end)
    return Position(unknown, Source.CALENDLY, EDGE)


class InviteesLane:
    """The rows of a lane that meet conditions which only their invitees decide, at a call an event; see `Lane`.

    Args:
        lane: The rows, whoever is invited and whether they came.
        request: Whom it is for.
        invitees: Reads that.
        walk: The walk.
        wanted: The filter.
    """

    def __init__(
        self, lane: Lane[Meeting], request: Request, invitees: InviteeReader, walk: Walk, wanted: MeetingFilter
    ) -> None:
        self._lane = lane
        self._request = request
        self._invitees = invitees
        self._walk = walk
        self._no_show = wanted.no_show
        domains = MeetingFilter(canceled=Canceled.INCLUDE, attendee_domains=wanted.attendee_domains)
        self._of_domain = domains.admits if wanted.attendee_domains is not None else None
        self._rows: list[Meeting] = []
        self._chunk: Chunk[Meeting] | None = None

    async def read(self, want: int) -> Chunk[Meeting]:
        """The next rows, as many as are wanted: each may cost a call."""
        if not self._rows and (self._chunk is None or not self._chunk.done):
            self._chunk = await self._lane.read(want)
            self._rows = list(self._chunk.rows)
        assert self._chunk is not None
        rows, self._rows = self._rows[:want], self._rows[want:]
        shown, whole = await self._checked(rows)
        incomplete = self._chunk.incomplete if whole else TOO_MANY_CHECKED
        chunk = msgspec.structs.replace(self._chunk, rows=shown, incomplete=incomplete)
        if not self._rows:
            return chunk
        return msgspec.structs.replace(chunk, frontier=self._walk.order.position(rows[-1]), done=False, more=False)

    async def _checked(self, rows: Sequence[Meeting]) -> tuple[list[Meeting], bool]:
        """Those of some rows that the filter admits, and whether that is known of all."""
        now = self._invitees.now()
        open_ones = [row for row in rows if not row.failed and self._undecided(row, now)]
        known = {row.source_id: row for row in await self._invitees.check(self._request, open_ones)}
        for row in known.values():
            for error in row.failed.values():
                raise error
        told = [known.get(row.source_id, row) for row in rows]
        shown = [row for row in told if self._admits(row)]
        # With those of the attendees that it was found by, for a meeting that it may be part of.
        return shown if self._of_domain is None else [*map(with_known, shown)], len(known) == len(open_ones)

    def _undecided(self, row: Meeting, now: dt.datetime) -> bool:
        """Whether it takes the invitees to know if a row is in the list."""
        of_domain = self._of_domain is None or self._of_domain(with_known(row))
        return not of_domain or (self._no_show is not None and translate.tells_no_show(row, now))

    def _admits(self, row: Meeting) -> bool:
        if self._no_show is not None and self._no_show != bool(row.no_show):
            return False
        return self._of_domain is None or self._of_domain(with_known(row))


def needs_invitees(wanted: MeetingFilter) -> bool:
    """Whether a filter has conditions that only invitees decide."""
    return wanted.no_show is not None or wanted.attendee_domains is not None


def with_known(row: Meeting) -> Meeting:
    """A row with those of its attendees that are known: its hosts, where its invitees were not read."""
    return row if row.attendees is not None else translate.with_hosts(row)
