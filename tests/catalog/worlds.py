"""Random worlds, filters and orders, small enough to shrink and crowded enough for everything to meet."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st

from gateway.model.filters import Canceled, MeetingFilter, TimeRange
from gateway.model.order import Order, OrderField
from gateway.model.records import Attendee, Kind, Meeting, MeetingStatus, Person, Ref, Source, User, UserKey
from tests.catalog.fakes import NOW, Rows, Words

T = TypeVar("T")
SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT

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
"""Times that meet: to the microsecond, the millisecond and the second apart; and one beyond Drift's reach."""

EVENTS = ["abcde1", "abcde1_20260310T120000Z", "abcde1_20260312T120000Z", "abcde2", "AAMk0=", ""]
UIDS = ["abcde1@google.com", "abcde2@google.com", "040000@outlook"]
ADDRESSES = ["ann@buyer.example", "ann@home.example", "bob@buyer.example", "cy@visitor.example"]
DESKS = ["rep@team.example", "rep.calendar@team.example", "sdr@team.example", "chat@team.example"]


def person(source: Source, number: int) -> Ref:
    return Ref(source, Kind.PERSON, str(number))


def user(source: Source, key: str) -> Ref:
    return Ref(source, Kind.USER, key, UserKey.GUID if key.startswith("guid") else UserKey.ID)


PEOPLE = [person(SALESLOFT, 1), person(SALESLOFT, 2), *(person(DRIFT, number) for number in range(91, 96))]
USERS = [user(SALESLOFT, "guid-1"), user(SALESLOFT, "guid-2"), *(user(DRIFT, key) for key in ("71", "72", "73"))]
CADENCES = [Ref(SALESLOFT, Kind.CADENCE, "5"), Ref(SALESLOFT, Kind.CADENCE, "6")]
STEPS = [Ref(SALESLOFT, Kind.STEP, "7")]
ACCOUNTS = [Ref(SALESLOFT, Kind.ACCOUNT, "8")]
WORDS = ["a", "b"]
ORDER = Order()
MOST_TOLD = 40
"""Rows that a case is told with where it fails."""


def everybody(salesloft: Rows, drift: Rows) -> None:
    """The same people and users in every world: some in both sources, some in one, some twice."""
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
        User(source=SALESLOFT, source_id="1", guid="guid-1", emails=(DESKS[0], DESKS[1])),
        User(source=SALESLOFT, source_id="2", guid="guid-2", emails=(DESKS[2],)),
    ]
    drift.users = [
        User(source=DRIFT, source_id="71", emails=("Rep.Calendar@team.example",)),
        User(source=DRIFT, source_id="72", emails=(DESKS[2],)),
        User(source=DRIFT, source_id="73", emails=(DESKS[3],)),
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
FILTER = st.binary(min_size=140, max_size=140)


def salesloft_meeting(throws: bytes, source_id: str) -> Meeting:
    dice = Dice(throws)
    states = [MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.NO_SHOW, MeetingStatus.UNKNOWN]
    status = dice.of([MeetingStatus.BOOKED, *states])
    start = dice.of([*MOMENTS, None])
    return Meeting(
        source=SALESLOFT,
        source_id=source_id,
        raw={"word": dice.of([None, *WORDS])},
        title=dice.of([None, "talk"]),
        start_time=start,
        end_time=start,
        status=status,
        no_show=status is MeetingStatus.NO_SHOW,
        canceled_at=NOW if status is MeetingStatus.CANCELED else None,
        calendar_event_id=dice.of([None, *EVENTS]),
        i_cal_uid=dice.of([None, *UIDS]),
        owner=dice.of([None, *USERS[:2]]),
        booked_by=dice.of([None, *USERS[:2]]),
        person=dice.of([None, *PEOPLE[:2]]),
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
        end_time=start,
        status=dice.of([MeetingStatus.BOOKED, MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.UNKNOWN]),
        calendar_event_id=dice.of([None, *EVENTS]),
        owner=dice.of([None, *USERS[2:]]),
        booked_by=dice.of([None, *USERS[2:]]),
        person=dice.of([None, *PEOPLE[2:]]),
        notes=dice.of([None, "theirs", "theirs too"]),
        time_zone=dice.of([None, "Europe/Lisbon"]),
        conversation=dice.of([None, Ref(DRIFT, Kind.CONVERSATION, "3")]),
        created_at=dice.of([*MOMENTS[:7:3], None]),
        updated_at=dice.of([*MOMENTS[:7:3], None]),
    )


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


RANGES = ("start_time", "end_time", "created_at", "updated_at")
SETS: dict[str, Sequence[Any]] = {
    "status": list(MeetingStatus),
    "person_ids": PEOPLE,
    "person_emails": ADDRESSES,
    "owner_ids": [*USERS, user(SALESLOFT, "1")],
    "owner_emails": DESKS,
    "booked_by_ids": USERS,
    "cadence_ids": CADENCES,
    "step_ids": STEPS,
    "account_ids": ACCOUNTS,
    "calendar_event_ids": EVENTS,
    "i_cal_uids": UIDS,
    "attendee_emails": ADDRESSES,
}
"""Conditions that name values, with those that occur."""


def wanted_of(throws: bytes, ids: Sequence[Ref]) -> MeetingFilter:
    """A filter; zeros are the widest. Half of them have at least two conditions, any two as often."""
    dice = Dice(throws)
    sets = {**SETS, "ids": ids} if ids else SETS
    sure = [dice.of([*RANGES, *sets]) for _ in range(2)] if dice.below(2) else []
    canceled = dice.of([Canceled.INCLUDE, Canceled.EXCLUDE, Canceled.EXCLUDE, Canceled.ONLY])
    sources = dice.of([None, None, None, None, {SALESLOFT}, {DRIFT}, {SALESLOFT, DRIFT}])
    own: dict[Source, object] = {}
    for source in (SALESLOFT, DRIFT):
        words = dice.some(WORDS)
        if words is not None:
            own[source] = Words(words)
    given: dict[str, Any] = {name: bounds(dice, one_in=1 if name in sure else 8) for name in RANGES}
    given |= {name: dice.some(values, one_in=1 if name in sure else 12) for name, values in sets.items()}
    return MeetingFilter(
        sources=None if sources is None else frozenset(sources),
        canceled=canceled,
        no_show=dice.maybe([True, False], one_in=10),
        own=own,
        **given,
    )


class Case:
    """A world and a list that is asked of it.

    Attributes:
        listed: Whether the second source is walked as well, instead of held whole.
    """

    def __init__(
        self,
        salesloft: list[Meeting],
        drift: list[Meeting],
        wanted: MeetingFilter,
        order: Order = ORDER,
        listed: bool = False,
    ) -> None:
        self.salesloft = salesloft
        self.drift = drift
        self.wanted = wanted
        self.order = order
        self.listed = listed

    def __repr__(self) -> str:
        rows = [*self.salesloft, *self.drift]
        more = [f"and {len(rows) - MOST_TOLD} more"] if len(rows) > MOST_TOLD else []
        lines = "\n  ".join([*map(told, rows[:MOST_TOLD]), *more])
        return f"Case({told(self.wanted)}, {told(self.order)}{', listed' * self.listed}\n  {lines})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def told(value: Any) -> str:
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
    return value.name if isinstance(value, enum.Enum) else told(value) if isinstance(value, TimeRange) else repr(value)


@st.composite
def cases(draw: Any, *, least: int = 0, most: int = 9) -> Case:
    """A world with so many meetings in each source, a filter and an order."""
    rows = st.lists(ROW, min_size=least, max_size=most)
    salesloft = [salesloft_meeting(throws, str(place * 4)) for place, throws in enumerate(draw(rows), 1)]
    drift = [drift_meeting(throws, f"slug{place * 4}") for place, throws in enumerate(draw(rows), 1)]
    ids = [Ref(row.source, Kind.MEETING, row.source_id) for row in (*salesloft, *drift)]
    field = draw(st.sampled_from(OrderField))
    order = Order(field, descending=draw(st.booleans()))
    return Case(salesloft, drift, wanted_of(draw(FILTER), ids), order, draw(st.sampled_from([False, False, True])))


@st.composite
def crowds(draw: Any, *, most: int = 300) -> Case:
    """A world with up to so many rows at one instant, in either source, and a few around them."""
    order = Order(draw(st.sampled_from(OrderField)), descending=draw(st.booleans()))
    at = draw(st.sampled_from([*MOMENTS, None]))
    crowd = draw(st.integers(0, most))
    share = draw(st.integers(0, crowd))
    few = draw(st.lists(ROW, max_size=6))
    salesloft = [salesloft_meeting(throws, str(1000 + place)) for place, throws in enumerate(few)]
    drift = [drift_meeting(throws, f"s{place}") for place, throws in enumerate(few)]
    kinds = draw(st.lists(ROW, min_size=1, max_size=3))
    crowd_of_salesloft = [salesloft_meeting(kinds[place % len(kinds)], str(9 + place)) for place in range(share)]
    crowd_of_drift = [drift_meeting(kinds[place % len(kinds)], f"d{place}") for place in range(crowd - share)]

    def at_once(meeting: Meeting) -> Meeting:
        return msgspec.structs.replace(meeting, **{order.field.value: at}, calendar_event_id=None, i_cal_uid=None)

    return Case(
        salesloft + [at_once(meeting) for meeting in crowd_of_salesloft],
        drift + [at_once(meeting) for meeting in crowd_of_drift],
        MeetingFilter(canceled=draw(st.sampled_from(Canceled))),
        order,
    )
