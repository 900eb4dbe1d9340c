"""Random worlds, filters and orders, small enough to shrink and crowded enough for everything to meet."""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import zoneinfo
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st

from gateway.model.conditions import DaySpan, TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField
from gateway.model.records import Attendee, Kind, Meeting, MeetingStatus, Person, Ref, Source, User, UserKey
from tests.catalog.fake import EVERY, addressed
from tests.catalog.fakes import NOW, Rows, Words

T = TypeVar("T")
SALESLOFT, DRIFT, CALENDLY = EVERY

MICROSECOND = dt.timedelta(microseconds=1)
MOMENTS = [
    NOW,
    NOW + MICROSECOND,
    NOW + 999 * MICROSECOND,
    NOW + dt.timedelta(milliseconds=1),
    NOW + dt.timedelta(seconds=1),
    NOW - dt.timedelta(hours=1),
    NOW + dt.timedelta(days=2),
    NOW - dt.timedelta(days=40),
]
"""Times that meet: to the microsecond, the millisecond and the second apart; and one beyond Drift's reach, and further
from the others than a record of Calendly's may lie from its event."""

EVENTS = ["abcde1", "abcde1_20260310T120000Z", "abcde1_20260312T120000Z", "abcde2", "AAMk0=", ""]
UIDS = ["abcde1@google.com", "abcde2@google.com", "040000@outlook"]
ADDRESSES = ["ann@buyer.example", "ann@home.example", "bob@buyer.example", "cy@visitor.example"]
DESKS = ["rep@team.example", "rep.calendar@team.example", "sdr@team.example", "chat@team.example", "new@team.example"]


def person(source: Source, number: int) -> Ref:
    return Ref(source, Kind.PERSON, str(number))


def guid(key: str) -> str:
    """The GUID of the user with an id."""
    return f"{key:0>8}-0000-4000-8000-000000000000"


def user(source: Source, key: str) -> Ref:
    return Ref(source, Kind.USER, key, UserKey.GUID if "-" in key else UserKey.ID)


PEOPLE_OF = {
    SALESLOFT: [person(SALESLOFT, 1), person(SALESLOFT, 2)],
    DRIFT: [person(DRIFT, number) for number in range(91, 96)],
    CALENDLY: [*map(addressed, (*ADDRESSES, "dee@new.example"))],
}
PEOPLE = [ref for refs in PEOPLE_OF.values() for ref in refs]
USERS_OF = {
    SALESLOFT: [user(SALESLOFT, guid("1")), user(SALESLOFT, guid("2"))],
    DRIFT: [user(DRIFT, key) for key in ("71", "72", "73")],
    CALENDLY: [user(CALENDLY, key) for key in ("81", "82", "83")],
}
USERS = [ref for refs in USERS_OF.values() for ref in refs]
CADENCES = [Ref(SALESLOFT, Kind.CADENCE, "5"), Ref(SALESLOFT, Kind.CADENCE, "6")]
STEPS = [Ref(SALESLOFT, Kind.STEP, "7")]
ACCOUNTS = [Ref(SALESLOFT, Kind.ACCOUNT, "8")]
WORDS = ["a", "b"]
LENGTHS = [dt.timedelta(hours=hours) for hours in (0, 1, 26, 60)]
DAY = dt.timedelta(days=1)


def day_span(first: dt.date, days: int, zone: str) -> DaySpan:
    last, there = first + (days - 1) * DAY, zoneinfo.ZoneInfo(zone)
    begins, ends = (dt.datetime.combine(day, dt.time(), there).astimezone(dt.UTC) for day in (first, last + DAY))
    return DaySpan(first, last, begins, ends)


SPANS = {
    day_span(NOW.date() + offset * DAY, days, zone): zone
    for zone in ("UTC", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12")
    for offset, days in ((-41, 1), (-1, 1), (0, 1), (1, 1), (0, 4), (-60, 90))
}
"""Calendar days around the times of meetings, with the zone that they are days of."""
ORDER = Order()
MOST_SHOWN = 40
"""Rows that are printed of a case that fails."""


def everybody(salesloft: Rows, drift: Rows, calendly: Rows) -> None:
    """The same people and users in every world: some in several sources, some in one, some twice."""
    salesloft.people = [
        Person(source=SALESLOFT, source_id="1", emails=(ADDRESSES[0], ADDRESSES[1])),
        Person(source=SALESLOFT, source_id="2", emails=("BOB@buyer.example ",)),
    ]
    drift.people = [
        Person(source=DRIFT, source_id="91", emails=(" Ann@Buyer.example",)),
        Person(source=DRIFT, source_id="92", emails=(ADDRESSES[1],)),
        Person(source=DRIFT, source_id="93", emails=(ADDRESSES[2],)),
        Person(source=DRIFT, source_id="94", emails=(ADDRESSES[3],)),
        Person(source=DRIFT, source_id="95"),
    ]
    salesloft.users = [
        User(source=SALESLOFT, source_id="1", guid=guid("1"), emails=(DESKS[0], DESKS[1])),
        User(source=SALESLOFT, source_id="2", guid=guid("2"), emails=(DESKS[2],)),
    ]
    drift.users = [
        User(source=DRIFT, source_id="71", emails=("Rep.Calendar@team.example",)),
        User(source=DRIFT, source_id="72", emails=(DESKS[2],)),
        User(source=DRIFT, source_id="73", emails=(DESKS[3],)),
    ]
    calendly.users = [
        User(source=CALENDLY, source_id="81", emails=("REP@team.example",)),
        User(source=CALENDLY, source_id="82", emails=(DESKS[3],)),
        User(source=CALENDLY, source_id="83", emails=(DESKS[4],)),
    ]


class Dice:
    """Choices out of bytes, one each, so that a row is drawn at once; 0 is the simplest of everything."""

    def __init__(self, throws: bytes) -> None:
        self.throws = iter(throws)

    def below(self, sides: int) -> int:
        return next(self.throws) % sides

    def of(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def maybe(self, options: Sequence[T], *, one_in: int = 2) -> T | None:
        """One of the options, once in so many times."""
        return self.of(options) if self.below(one_in) == one_in - 1 else None

    def some(self, options: Sequence[T], *, one_in: int = 12) -> frozenset[T] | None:
        """A set of a few of the options, once in so many times; now and then the empty one."""
        if self.below(one_in) != one_in - 1:
            return None
        count = [1, 2, 2, 3, 3, 4, 4, 0][self.below(8)]
        return frozenset(self.of(options) for _ in range(count))


SIZES = st.one_of(st.integers(1, 8), st.integers(1, 500))
"""Rows of a page: any number that may be asked for, mostly one that does not hold everything."""

ROW = st.binary(min_size=20, max_size=20)
FILTER = st.binary(min_size=170, max_size=170)


def end_of(start: dt.datetime | None, dice: Dice) -> dt.datetime | None:
    """When a meeting ends: mostly at once, so that it meets others' times."""
    length = dice.of([LENGTHS[0], *LENGTHS, None])
    return None if start is None or length is None else start + length


def salesloft_meeting(throws: bytes, source_id: str) -> Meeting:
    dice = Dice(throws)
    states = [MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.NO_SHOW, MeetingStatus.UNKNOWN]
    status = dice.of([MeetingStatus.BOOKED, *states])
    start = dice.of([*MOMENTS, None])
    return Meeting(
        source=SALESLOFT,
        source_id=source_id,
        raw={"word": dice.of([None, *WORDS])},
        title=dice.of([None, "Talk"]),
        start_time=start,
        end_time=end_of(start, dice),
        all_day=dice.of([None, False, True]),
        status=status,
        no_show=status is MeetingStatus.NO_SHOW,
        canceled_at=NOW if status is MeetingStatus.CANCELED else None,
        calendar_event_id=dice.of([None, *EVENTS]),
        i_cal_uid=dice.of([None, *UIDS]),
        owner=dice.of([None, *USERS_OF[SALESLOFT]]),
        booked_by=dice.of([None, *USERS_OF[SALESLOFT]]),
        person=dice.of([None, *PEOPLE_OF[SALESLOFT]]),
        notes=dice.of([None, "ours"]),
        cadence=dice.of([None, *CADENCES]),
        step=dice.of([None, *STEPS]),
        account=dice.of([None, *ACCOUNTS]),
        attendees=dice.of([None, (), (Attendee(email=ADDRESSES[0]),)]),
        guests=dice.of([None, (ADDRESSES[2].upper(),)]),
        created_at=dice.of([*MOMENTS, None]),
        updated_at=dice.of([*MOMENTS, None]),
    )


def drift_meeting(throws: bytes, source_id: str) -> Meeting:
    dice = Dice(throws)
    start = dice.of([*MOMENTS[:7:3], *MOMENTS[4:7], None])
    return Meeting(
        source=DRIFT,
        source_id=source_id,
        raw={"word": dice.of([None, *WORDS])},
        start_time=start,
        end_time=end_of(start, dice),
        status=dice.of([MeetingStatus.BOOKED, MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.UNKNOWN]),
        calendar_event_id=dice.of([None, *EVENTS]),
        owner=dice.of([None, *USERS_OF[DRIFT]]),
        booked_by=dice.of([None, *USERS_OF[DRIFT]]),
        person=dice.of([None, *PEOPLE_OF[DRIFT]]),
        notes=dice.of([None, "theirs", "theirs too"]),
        time_zone=dice.of([None, "Europe/Lisbon"]),
        conversation=dice.of([None, Ref(DRIFT, Kind.CONVERSATION, "3")]),
        created_at=dice.of([*MOMENTS[:7:3], None]),
        updated_at=dice.of([*MOMENTS[:7:3], None]),
    )


def calendly_meeting(throws: bytes, source_id: str) -> Meeting:
    dice = Dice(throws)
    start = dice.of([*MOMENTS, None])
    status = dice.of([MeetingStatus.BOOKED, MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.UNKNOWN])
    over = status is not MeetingStatus.CANCELED and (start is None or start <= NOW)
    person = dice.of([None, *PEOPLE_OF[CALENDLY]])
    return Meeting(
        source=CALENDLY,
        source_id=source_id,
        raw={"word": dice.of([None, *WORDS])},
        title=dice.of([None, "Call"]),
        start_time=start,
        end_time=end_of(start, dice),
        status=status,
        no_show=over and person is not None and dice.below(3) == 1,
        canceled_at=NOW if status is MeetingStatus.CANCELED else None,
        calendar_event_id=dice.of([None, *EVENTS]),
        owner=dice.of([None, *USERS_OF[CALENDLY]]),
        person=person,
        notes=dice.of([None, "booked"]),
        time_zone=dice.of([None, "Asia/Tokyo"]),
        attendees=dice.of([None, (Attendee(email=ADDRESSES[3]),)]),
        guests=dice.of([None, (ADDRESSES[1],)]),
        created_at=dice.of([*MOMENTS, None]),
        updated_at=dice.of([*MOMENTS, None]),
    )


MEETING_OF = {SALESLOFT: salesloft_meeting, DRIFT: drift_meeting, CALENDLY: calendly_meeting}
"""What makes a source's meeting of some bytes and an id."""


def bounds(dice: Dice, *, one_in: int = 8) -> TimeRange | None:
    if dice.below(one_in) != one_in - 1:
        return None
    low, high = sorted((dice.of(MOMENTS), dice.of(MOMENTS)))
    shapes: list[Callable[[], TimeRange]] = [
        lambda: TimeRange(gte=low),
        lambda: TimeRange(lt=high),
        lambda: TimeRange(gt=low, lte=high),
        lambda: TimeRange(gte=low, lt=high + MICROSECOND),
        TimeRange,
    ]
    return dice.of(shapes)()


RANGES = ("start_time", "end_time", "created_at", "updated_at", "overlaps")
SETS: dict[str, Sequence[Any]] = {
    "status": list(MeetingStatus),
    "person_ids": PEOPLE,
    "person_emails": ADDRESSES,
    "owner_ids": [*USERS, user(SALESLOFT, "1")],
    "owner_emails": DESKS,
    "booked_by_ids": [*USERS_OF[SALESLOFT], *USERS_OF[DRIFT]],
    "cadence_ids": CADENCES,
    "step_ids": STEPS,
    "account_ids": ACCOUNTS,
    "calendar_event_ids": EVENTS,
    "i_cal_uids": UIDS,
    "attendee_emails": ADDRESSES,
    "attendee_domains": ["buyer.example", "home.example", "nowhere.example"],
}
"""Conditions that name values, with those that occur."""


def wanted_of(throws: bytes, ids: Sequence[Ref]) -> MeetingFilter:
    """A filter; zeros are the widest. Half of them have at least two conditions, any two as often."""
    dice = Dice(throws)
    sets = {**SETS, "ids": ids} if ids else SETS
    sure = [dice.of([*RANGES, *sets]) for _ in range(2)] if dice.below(2) else []
    canceled = dice.of([Canceled.INCLUDE, Canceled.EXCLUDE, Canceled.EXCLUDE, Canceled.ONLY])
    sources = dice.of([None] * 12 + [each for each in subsets() if each])
    own: dict[Source, object] = {}
    for source in EVERY:
        words = dice.some(WORDS)
        if words is not None:
            own[source] = Words(words)
    given: dict[str, Any] = {name: bounds(dice, one_in=1 if name in sure else 8) for name in RANGES}
    given |= {name: dice.some(values, one_in=1 if name in sure else 12) for name, values in sets.items()}
    return MeetingFilter(
        sources=None if sources is None else frozenset(sources),
        canceled=canceled,
        no_show=dice.maybe([True, False], one_in=10),
        days=dice.maybe(list(SPANS), one_in=6),
        all_day=dice.maybe([False, True], one_in=10),
        title_contains=dice.maybe(["al", "talk"], one_in=10),
        own=own,
        **given,
    )


def subsets() -> list[frozenset[Source]]:
    """Every set of sources, the empty one first."""
    sizes = range(len(EVERY) + 1)
    return [frozenset(some) for size in sizes for some in itertools.combinations(EVERY, size)]


OFF = st.sampled_from([frozenset[Source]()] * 24 + subsets())
"""Sources that are not there: none, mostly; and any."""


class Case(msgspec.Struct, frozen=True):
    """A world and a list that is asked of it.

    Attributes:
        salesloft: What the first source holds.
        drift: What the second does.
        wanted: The filter of the list.
        order: Its order.
        listed: Whether the second source is walked as well, instead of held whole.
        calendly: What the third holds.
        off: The sources that are not there.
    """

    salesloft: list[Meeting]
    drift: list[Meeting]
    wanted: MeetingFilter
    order: Order = ORDER
    listed: bool = False
    calendly: list[Meeting] = []
    off: frozenset[Source] = frozenset()

    @property
    def rows(self) -> list[Meeting]:
        """All meetings of the sources that are there."""
        return [row for row in (*self.salesloft, *self.drift, *self.calendly) if row.source not in self.off]

    def __repr__(self) -> str:
        rows = self.rows
        more = [f"and {len(rows) - MOST_SHOWN} more"] if len(rows) > MOST_SHOWN else []
        lines = "\n  ".join([*map(formatted, rows[:MOST_SHOWN]), *more])
        listed, off = ", listed" * self.listed, f", off={shortly(self.off)}" if self.off else ""
        return f"Case({formatted(self.wanted)}, {formatted(self.order)}{listed}{off}\n  {lines})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def formatted(value: Any) -> str:
    """A record with what is not as ever."""
    defaults = dict(zip(value.__struct_fields__[::-1], value.__struct_defaults__[::-1], strict=False))
    pairs = {name: getattr(value, name) for name in value.__struct_fields__}
    kept = (f"{name}={shortly(each)}" for name, each in pairs.items() if each != defaults.get(name))
    return f"{type(value).__name__}({', '.join(kept)})"


def shortly(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return f"{value:%d.%H:%M:%S.%f}"
    if isinstance(value, frozenset):
        return "{" + ", ".join(map(shortly, value)) + "}"
    if isinstance(value, Ref):
        return f"{value.source.name}:{value.id}"
    return (
        value.name
        if isinstance(value, enum.Enum)
        else formatted(value)
        if isinstance(value, TimeRange)
        else repr(value)
    )


IDS = {SALESLOFT: "{}", DRIFT: "slug{}", CALENDLY: "call{}"}
"""What ids are made of."""


def meetings_of(source: Source, rows: Sequence[bytes], *, first: int = 4, each: int = 4) -> list[Meeting]:
    """A source's meetings of some bytes."""
    make, id_ = MEETING_OF[source], IDS[source]
    return [make(throws, id_.format(first + place * each)) for place, throws in enumerate(rows)]


@st.composite
def cases(draw: Any, *, least: int = 0, most: int = 9) -> Case:
    """A world with so many meetings in each source, a filter and an order."""
    rows = st.lists(ROW, min_size=least, max_size=most)
    salesloft, drift, calendly = (meetings_of(source, draw(rows)) for source in EVERY)
    ids = [Ref(row.source, Kind.MEETING, row.source_id) for row in (*salesloft, *drift, *calendly)]
    field = draw(st.sampled_from(OrderField))
    order = Order(field, descending=draw(st.booleans()))
    wanted, listed = wanted_of(draw(FILTER), ids), draw(st.sampled_from([False, False, True]))
    return Case(salesloft, drift, wanted, order, listed, calendly, draw(OFF))


@st.composite
def crowds(draw: Any, *, most: int = 300) -> Case:
    """A world with up to so many rows at one instant, in any source, and a few around them."""
    order = Order(draw(st.sampled_from(OrderField)), descending=draw(st.booleans()))
    at = draw(st.sampled_from([*MOMENTS, None]))
    crowd = draw(st.integers(0, most))
    low, high = sorted((draw(st.integers(0, crowd)), draw(st.integers(0, crowd))))
    few = draw(st.lists(ROW, max_size=6))
    kinds = draw(st.lists(ROW, min_size=1, max_size=3))

    def at_once(meeting: Meeting) -> Meeting:
        return msgspec.structs.replace(meeting, **{order.field.value: at}, calendar_event_id=None, i_cal_uid=None)

    shares = zip(EVERY, (low, high - low, crowd - high), strict=True)
    salesloft, drift, calendly = (
        meetings_of(source, few, first=1000, each=1)
        + [at_once(row) for row in meetings_of(source, [kinds[n % len(kinds)] for n in range(share)], first=9, each=1)]
        for source, share in shares
    )
    wanted = MeetingFilter(canceled=draw(st.sampled_from(Canceled)))
    return Case(salesloft, drift, wanted, order, calendly=calendly, off=draw(OFF))
