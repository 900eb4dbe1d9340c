"""The source protocols over plain lists in memory: what the catalog is tried against.

A fake listing behaves as a keyset lane has to: an instant comes in no order, the edge of a read is held back, rows
without a value come last, scans pause. Every call is logged, and any of them can be made to fail.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway.errors import GatewayError
from gateway.model.cost import Ask, How, ListPrice, ListShape, Needs
from gateway.model.filters import Canceled, MeetingFilter, fold_email
from gateway.model.order import Position, Walk, micros
from gateway.model.records import Meeting, MeetingStatus, Person, Ref, Source, User, UserKey
from gateway.paging.merge import Chunk, Lane, Problem
from gateway.request import Request
from gateway.sources.base import Found, Traits
from gateway.sources.memory import MemoryMeetings

NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)

FITTING = 50
"""Meetings whose events one call asks for."""

BULK = 100
"""The same where it is only asked whether there are any."""

EVERYTHING = Traits()
LITTLE = Traits(
    statuses=frozenset({MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.UNKNOWN}),
    tells_no_show=False,
    has_all_day=False,
    reaches_back=dt.timedelta(days=30),
    blank=frozenset({"title", "location", "i_cal_uid", "attendees", "guests", "cadence", "step", "account", "task"}),
)


def once(source: Source, name: str) -> Ask:
    """What a call costs."""
    return Ask(source=source, endpoint=name, how=How.ONCE, keys=name)


class Log:
    """Every call that was made, and which of them fail.

    Attributes:
        calls: Names of the calls, in order: the source, a dot, what was asked.
        failing: Decides by a call's name and number (from 0, of all calls) whether it fails, and how.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: Callable[[str, int], GatewayError | None] = lambda _name, _number: None

    def call(self, source: Source, name: str) -> None:
        """Notes a call, and fails it where it should."""
        full = f"{source.name.lower()}.{name}"
        number = len(self.calls)
        self.calls.append(full)
        error = self.failing(full, number)
        if error is not None:
            raise error


@dataclasses.dataclass
class Rows:
    """What one source holds. Tests change it at will."""

    source: Source
    meetings: list[Meeting] = dataclasses.field(default_factory=list)
    people: list[Person] = dataclasses.field(default_factory=list)
    users: list[User] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Words:
    """A source's own filter: the word that its raw row has to bear. A row without one passes."""

    words: frozenset[str]

    def admits(self, meeting: Meeting) -> bool:
        raw = meeting.raw
        word = raw.get("word") if isinstance(raw, Mapping) else None
        return word is None or word in self.words


def own_admits(wanted: MeetingFilter, meeting: Meeting) -> bool:
    own = wanted.own.get(meeting.source)
    return not isinstance(own, Words) or own.admits(meeting)


def mixed(row: Meeting) -> int:
    """What an instant's rows are sorted by upstream: nothing that anybody knows."""
    return zlib.crc32(row.source_id.encode())


@dataclasses.dataclass
class FakeListing:
    """Meetings that are walked.

    Attributes:
        size: Rows of one read; None: as many as wanted, and one.
        pushes: Whether its lanes read only what the filter admits.
        bound: Rows that a lane drops, because the filter does not admit them, before it pauses.
        countable: Whether it can count.
        problems: What cannot be read of each answer.
    """

    rows: Rows
    log: Log
    size: int | None = None
    pushes: bool = True
    bound: int | None = None
    countable: bool = True
    problems: tuple[Problem, ...] = ()
    incomplete: str | None = None
    traits: Traits = EVERYTHING

    def lanes(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:
        if any(not self._named(refs) for refs in (wanted.persons, wanted.owners, wanted.bookers, wanted.ids)):
            return ()
        canceled = {Canceled.EXCLUDE: [False], Canceled.ONLY: [True], Canceled.INCLUDE: [False, True]}
        return [FakeLane(self, walk, wanted, canceled=flag) for flag in canceled[wanted.canceled]]

    async def count(self, request: Request, wanted: MeetingFilter) -> int | None:
        if any(not self._named(refs) for refs in (wanted.persons, wanted.owners, wanted.bookers, wanted.ids)):
            return 0
        if not self.countable:
            return None
        self.log.call(self.rows.source, "count")
        return sum(self.admitted(wanted, row) for row in self.rows.meetings)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Meeting]:
        self.log.call(self.rows.source, "by_ids")
        return Found(rows=[row for row in self.rows.meetings if row.source_id in ids])

    async def same_events(self, request: Request, meetings: Sequence[Meeting]) -> Found[Meeting]:
        self.log.call(self.rows.source, "same_events")
        events = {meeting.calendar_event_id for meeting in meetings} - {None}
        uids = {meeting.i_cal_uid for meeting in meetings} - {None}
        stems = {event.split("_")[0] for event in events | uids if event is not None}
        stems |= {uid.removesuffix("@google.com") for uid in uids if uid is not None}
        rows = [
            row
            for row in self.rows.meetings
            if row.calendar_event_id in events
            or (row.i_cal_uid or "").removesuffix("@google.com") in stems
            or (row.calendar_event_id or "").split("_")[0] in stems
        ]
        return Found(rows=rows, problems=self.problems, incomplete=self.incomplete)

    async def any_of_events(
        self, request: Request, meetings: Sequence[Meeting], most_units: float
    ) -> Sequence[Meeting] | None:
        if -(-len(meetings) // BULK) >= most_units:
            return None
        return (await self.same_events(request, meetings)).rows

    def fitting(self, meetings: Sequence[Meeting], following: Iterable[Meeting]) -> list[Meeting]:
        return [*itertools.islice(following, max(0, FITTING - len(meetings)))]

    async def has_people(self, request: Request, wanted: MeetingFilter) -> bool:
        return True

    def price(self, shape: ListShape) -> ListPrice:
        return ListPrice(ask=once(self.rows.source, "meetings"), calls=1, walks=1)

    def price_of_ids(self, ids: int) -> Needs:
        return [(once(self.rows.source, "by_ids"), 1)]

    def price_of_events(self, rows: int) -> Needs:
        return [(once(self.rows.source, "same_events"), 1)]

    def most_touching(self, shape: ListShape, lists: int) -> int:
        return lists * shape.rows

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        return own_admits(wanted, meeting)

    def admitted(self, wanted: MeetingFilter, row: Meeting) -> bool:
        return wanted.admits(row) and own_admits(wanted, row)

    def _named(self, refs: frozenset[Ref] | None) -> bool:
        return refs is None or any(ref.source is self.rows.source for ref in refs)


class FakeLane:
    """One listing (cancelled meetings or the others) along a walk."""

    def __init__(self, listing: FakeListing, walk: Walk, wanted: MeetingFilter, *, canceled: bool) -> None:
        self.listing = listing
        self.walk = walk
        self.wanted = wanted
        self.canceled = canceled
        self.edge = None if walk.start is None else walk.start.time
        self.again = 1 if self.edge is None else 2  # the row started from comes again
        self.dropped = 0
        phases = ["nulls", "values"] if walk.backward else ["values", "nulls"]
        if walk.start is not None and (walk.start.value is None) is not walk.backward:
            phases = phases[1:]
        self.phases = phases
        self.frontier: Position | None = None

    async def read(self, want: int) -> Chunk[Meeting]:
        self.listing.log.call(self.listing.rows.source, "meetings")
        rows: list[Meeting] = []
        held: list[Meeting] = []
        bound = self.listing.bound
        while self.phases and (not rows or self._free()) and (bound is None or self.dropped < bound):
            count = self.listing.size or want + self.again
            raw, held = self._nulls() if self.phases[0] == "nulls" else self._values(count)
            rows += self._kept(raw)
        done = not self.phases
        return Chunk(
            rows=rows,
            frontier=None if done else self.frontier,
            done=done,
            more=not done and bool([row for row in held if self._fits(row)]),
            paused=not done and bound is not None and self.dropped >= bound,
            problems=self.listing.problems,
        )

    def _free(self) -> bool:
        """Whether the next step comes with this one: that there are no rows without a value, a full answer shows."""
        return self.phases[0] == "nulls" and self.listing.size is None

    def _stored(self) -> Iterable[Meeting]:
        for row in self.listing.rows.meetings:
            if (row.status is MeetingStatus.CANCELED) is not self.canceled:
                continue
            if not self.listing.pushes or self.listing.admitted(self.wanted, row):
                yield row

    def _value(self, row: Meeting) -> int | None:
        value = self.walk.order.value(row)
        return None if value is None else micros(value)

    def _nulls(self) -> tuple[list[Meeting], list[Meeting]]:
        self.phases.pop(0)
        self.frontier = Position(None, self.listing.rows.source, "0")
        return [row for row in self._stored() if self._value(row) is None], []

    def _values(self, count: int) -> tuple[list[Meeting], list[Meeting]]:
        sign = -1 if self.walk.descending else 1
        valued = [(sign * value, mixed(row), row) for row in self._stored() if (value := self._value(row)) is not None]
        ahead = sorted(
            (each for each in valued if self.edge is None or each[0] >= sign * self.edge), key=lambda e: e[:2]
        )
        page = ahead[: max(count, 1)]
        if len(page) == len(ahead):
            self.phases.pop(0)
            self.frontier = Position(None, self.listing.rows.source, "0")
            return [row for _, _, row in page], []
        last = page[-1][0]
        before = [row for rank, _, row in page if rank < last]
        if before:
            self._move(sign * last, sign)
            return before, [row for rank, _, row in page if rank == last]
        self._move(sign * (last + 1), sign)
        return [row for rank, _, row in ahead if rank == last], []

    def _move(self, edge: int, sign: int) -> None:
        """Everything before the edge is known now."""
        self.edge = edge
        self.frontier = Position(edge - sign if self.walk.backward else edge, self.listing.rows.source, "0")

    def _kept(self, raw: Sequence[Meeting]) -> list[Meeting]:
        order = self.walk.order
        kept = [row for row in raw if self._fits(row)]
        self.dropped += sum(not self.walk.passed(order.position(row)) for row in raw) - len(kept)
        if any(self.walk.beyond(order.position(row)) for row in raw):
            self.phases.clear()
        return sorted(kept, key=lambda row: order.key(order.position(row)), reverse=self.walk.backward)

    def _fits(self, row: Meeting) -> bool:
        place = self.walk.order.position(row)
        return not self.walk.passed(place) and not self.walk.beyond(place) and self.listing.admitted(self.wanted, row)


class FakeWindow(MemoryMeetings):
    """Meetings that are had as a whole."""

    def __init__(self, rows: Rows, log: Log) -> None:
        self.rows = rows
        self.log = log
        self.problems: tuple[Problem, ...] = ()
        self.incomplete: str | None = None
        super().__init__(self._window, LITTLE, ask=once(rows.source, "window"))

    async def _window(self, _: Request) -> Found[Meeting]:
        self.log.call(self.rows.source, "window")
        rows = sorted(self.rows.meetings, key=mixed)
        return Found(rows=rows, problems=self.problems, incomplete=self.incomplete)

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        return own_admits(wanted, meeting)


@dataclasses.dataclass
class FakePeople:
    """People, one call a look-up however many keys."""

    rows: Rows
    log: Log
    failures: Mapping[str, GatewayError] = dataclasses.field(default_factory=dict)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Person]:
        self.log.call(self.rows.source, "people.by_ids")
        return Found(rows=[row for row in self.rows.people if row.source_id in ids])

    most_addresses: int = 1

    def price_of_ids(self, ids: int) -> Needs:
        return [(once(self.rows.source, "people.by_ids"), 1)]

    def price_of_emails(self, emails: int) -> Needs:
        return [(once(self.rows.source, "people.by_emails"), 1)]

    async def by_emails(self, request: Request, emails: Sequence[str]) -> Found[Person]:
        self.log.call(self.rows.source, "people.by_emails")
        rows = [row for row in self.rows.people if any(fold_email(email) in emails for email in row.emails or ())]
        return Found(rows=rows)


@dataclasses.dataclass
class FakeUsers:
    """The team."""

    rows: Rows
    log: Log
    traits: Traits = EVERYTHING

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> Found[User]:
        self.log.call(self.rows.source, "users.by_refs")
        ids = {ref.id for ref in refs if ref.key is UserKey.ID}
        guids = {ref.id for ref in refs if ref.key is UserKey.GUID}
        return Found(rows=[user for user in self.rows.users if user.source_id in ids or user.guid in guids])

    def price_of_refs(self, refs: int) -> Needs:
        return [(once(self.rows.source, "users.by_refs"), 1)]

    def price_of_all(self) -> Needs:
        return [(once(self.rows.source, "users"), 1)]

    async def all(self, request: Request) -> Found[User]:
        self.log.call(self.rows.source, "users")
        return Found(rows=list(self.rows.users))


class FakeClock:
    """A clock that stands still."""

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now

    def monotonic(self) -> float:
        return 0.0

    def time(self) -> float:
        return self.now.timestamp()
