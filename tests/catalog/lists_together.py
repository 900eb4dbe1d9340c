"""Worlds and questions of lists under several records, and how both are asked."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import strategies as st

from gateway.catalog import shared_walk
from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError
from gateway.model.filters import RESOLVED_UNDER, Canceled, MeetingFilter, under
from gateway.model.order import Order, OrderField, Position, Walk
from gateway.model.records import Kind, Meeting, MeetingStatus, Person, Ref, Source, User
from gateway.model.status import ReportStatus
from gateway.paging.window import Window
from gateway.request import Request
from gateway.sources.base import Traits
from tests.catalog.asking import ask, fake_of, keys, place_of
from tests.catalog.fake import EVERY, Fake
from tests.catalog.fakes import NOW
from tests.catalog.oracle import Oracle, Shown
from tests.catalog.worlds import (
    ACCOUNTS,
    CADENCES,
    FILTER,
    OFF,
    PEOPLE,
    ROW,
    STEPS,
    USERS_OF,
    Case,
    cases,
    guid,
    meetings_of,
    salesloft_meeting,
    user,
    wanted_of,
)

SALESLOFT, DRIFT, CALENDLY = EVERY
MORE = [str(number) for number in range(11, 17)]
"""Ids of more records, so that there are many lists; Salesloft's alone."""

PEOPLE_ABOUT = [*PEOPLE, *(Ref(SALESLOFT, Kind.PERSON, key) for key in MORE)]
TEAM = [user(SALESLOFT, "1"), user(SALESLOFT, "2"), *USERS_OF[DRIFT], *USERS_OF[CALENDLY]]
RECORDS = {
    Kind.PERSON: PEOPLE_ABOUT,
    Kind.USER: [*TEAM, *(user(SALESLOFT, key) for key in MORE)],
    Kind.CADENCE: [*CADENCES, *(Ref(SALESLOFT, Kind.CADENCE, key) for key in MORE)],
    Kind.STEP: [*STEPS, *(Ref(SALESLOFT, Kind.STEP, key) for key in MORE)],
    Kind.ACCOUNT: [*ACCOUNTS, *(Ref(SALESLOFT, Kind.ACCOUNT, key) for key in MORE)],
}
LINKS = {Kind.PERSON: "person", Kind.USER: "owner", Kind.CADENCE: "cadence", Kind.STEP: "step", Kind.ACCOUNT: "account"}
FIELDS = [frozenset[str](), frozenset({"sources", "alternate_ids", "drift"}), frozenset({"person", "owner", "notes"})]
PUSHED = [
    frozenset[str](),
    frozenset(RESOLVED_UNDER.values()),
    frozenset(RESOLVED_UNDER.values()),
    frozenset({"persons", "owners"}),
]
WHOLE = {ReportStatus.OK, ReportStatus.SKIPPED}


class Lists(msgspec.Struct, frozen=True):
    """A world, lists that are asked of it, and how they are read.

    Attributes:
        full: What a read asks for; `Traits.page_rows`.
        few: Lists that may be left over; FEW of `shared_walk`.
        spare: Reads beyond those that would do in the best case; SPARE of `shared_walk`.
    """

    case: Case
    records: list[Ref]
    size: int | None
    pushes: bool
    many: frozenset[str]
    full: int
    few: int
    spare: int = shared_walk.SPARE

    def fake(self) -> Fake:
        """The world behind a listing that reads as it is drawn."""
        fake = fake_of(self.case)
        fake.listing.size, fake.listing.pushes, fake.listing.traits = (
            self.size,
            self.pushes,
            Traits(many=self.many, page_rows=self.full),
        )
        fake.salesloft.people += [Person(source=SALESLOFT, source_id=key) for key in MORE]
        fake.salesloft.users += [User(source=SALESLOFT, source_id=key, guid=guid(key)) for key in MORE]
        return fake

    @contextlib.contextmanager
    def scaled(self) -> Iterator[None]:
        """Everything as small as the world."""
        with patch.multiple(shared_walk, FEW=self.few, SPARE=self.spare):
            yield


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of each list.

    Attributes:
        start: Which of the world's rows is walked from, counted over and over; None: from the beginning.
        stop: Which of them is walked to, likewise.
    """

    size: int = 5
    backward: bool = False
    start: int | None = None
    stop: int | None = None
    fields: frozenset[str] = FIELDS[0]
    behind: bool = False
    total: bool = False

    def query(self, fake: Fake, case: Case) -> MeetingQuery:
        """It, asked of a world."""
        rows = Oracle(fake.rows).listed(MeetingFilter(), case.order)
        start, stop = (
            None if place is None or not rows else place_of(rows[place % len(rows)], case.order)
            for place in (self.start, self.stop)
        )
        walk = Walk(case.order, backward=self.backward, start=start, stop=stop)
        return MeetingQuery(
            window=Window(walk, self.size),
            wanted=case.wanted,
            fields=self.fields,
            behind=self.behind,
            total=self.total,
        )


@st.composite
def questions(draw: Any) -> Question:
    """A page of any size, in half of the cases of a stretch of the list."""
    places = st.one_of(st.none(), st.integers(0, 100)) if draw(st.booleans()) else st.none()
    return Question(
        size=draw(st.integers(0, 5)),
        backward=draw(st.booleans()),
        start=draw(places),
        stop=draw(places),
        fields=draw(st.sampled_from(FIELDS)),
        behind=draw(st.booleans()),
        total=draw(st.booleans()),
    )


def in_turn(few: int, many: int, total: int) -> list[int]:
    """Whose each of so many rows is: everybody's in turn."""
    return [place % (few + many) for place in range(total)]


def in_blocks(few: int, many: int, total: int) -> list[int]:
    """All rows of the one, then all of the next."""
    return [place * (few + many) // total for place in range(total)]


def around_blocks(few: int, many: int, total: int) -> list[int]:
    """A row of each of some, all rows of each of the others, and what else there is of the first ones, in turn."""
    crowd = max(0, total - 4 * few)
    blocks = [few + place * many // crowd for place in range(crowd)] if many else []
    rest = (place % few for place in range(total)) if few else iter(blocks)
    return [*range(few), *blocks, *itertools.islice(rest, total)][:total]


@st.composite
def lists(draw: Any) -> Lists:
    """Lists in a small world where everything meets, or in a long one; see the ways in which rows are dealt out."""
    kind = draw(st.sampled_from(list(RECORDS)))
    bearers = [user(SALESLOFT, guid(key)) for key in ("1", "2", *MORE)] if kind is Kind.USER else RECORDS[kind]
    ours = [ref for ref in bearers if ref.source is SALESLOFT]
    deal = draw(st.sampled_from([in_turn, in_blocks, around_blocks]))
    left_over = deal is around_blocks  # where reads have to be enough for some of the lists, but not for all
    whose = draw(st.lists(st.sampled_from(ours), min_size=3, max_size=8, unique=left_over))
    about = [user(SALESLOFT, ref.id.partition("-")[0].lstrip("0")) if kind is Kind.USER else ref for ref in whose]
    others = draw(st.lists(st.sampled_from(RECORDS[kind]), max_size=0 if left_over else 3))
    case = draw(long_cases() if left_over else st.one_of(cases(most=14), long_cases()))
    few = draw(st.integers(0, len(whose)))
    turns = deal(few, len(whose) - few, len(case.salesloft))
    rows = [
        msgspec.structs.replace(row, **{LINKS[kind]: whose[turn]})
        for row, turn in zip(case.salesloft, turns, strict=True)
    ]
    return Lists(
        msgspec.structs.replace(case, salesloft=rows, listed=False),
        list(dict.fromkeys([*about[draw(st.sampled_from([0, 0, 1])) :], *others])),
        size=draw(st.sampled_from([None, None, None, 1, 2, 3])),
        pushes=left_over or draw(st.booleans()),
        many=PUSHED[1] if left_over else draw(st.sampled_from(PUSHED)),
        full=draw(st.sampled_from([8, 12, 16] if left_over else [2, 3, 4, 8, 100])),
        few=draw(st.sampled_from([0, 0, 1] if left_over else [0, 1, 3, 8])),
        spare=draw(st.sampled_from([0, 1, shared_walk.SPARE])),
    )


@st.composite
def long_cases(draw: Any) -> Case:
    """Up to sixty rows of a few shapes, one hour or no time at all apart, and a filter that admits most of them."""
    shapes = draw(st.lists(ROW, min_size=1, max_size=4))
    at_once = draw(st.integers(1, 3))
    order = Order(draw(st.sampled_from(OrderField)), descending=draw(st.booleans()))
    rows = []
    for place in range(draw(st.integers(12, 60))):
        row = salesloft_meeting(shapes[place % len(shapes)], str(place + 1))
        at = NOW - dt.timedelta(hours=place // at_once) if place or draw(st.booleans()) else None
        state = MeetingStatus.CANCELED if row.status is MeetingStatus.CANCELED else MeetingStatus.BOOKED
        rows.append(msgspec.structs.replace(row, **{order.field.value: at}, status=state))
    few = st.lists(ROW, max_size=4)
    drift, calendly = (meetings_of(source, draw(few)) for source in (DRIFT, CALENDLY))
    random = wanted_of(draw(FILTER), [])
    wanted = MeetingFilter(canceled=draw(st.sampled_from([Canceled.INCLUDE, random.canceled])))
    if draw(st.sampled_from([False, False, True])):
        people, owners = (frozenset(draw(st.lists(st.sampled_from(refs), min_size=1))) for refs in (PEOPLE, TEAM))
        narrow = draw(st.sampled_from([{"person_ids": people}, {"owner_ids": owners}]))
        wanted = msgspec.structs.replace(wanted, **narrow)
    return Case(rows, drift, wanted, order, calendly=calendly, off=draw(OFF))


def listed(fake: Fake, case: Case, record: Ref) -> list[Shown]:
    """The list under a record by brute force."""
    oracle = Oracle(fake.rows)
    rows = oracle.listed(case.wanted, case.order)
    if record.kind is Kind.PERSON:
        meant = oracle.people_meant({record}, ())
        return [row for row in rows if row.values["person"] in meant]
    if record.kind is Kind.USER:
        return [row for row in rows if oracle.same_user(owner_of(row), record)]
    return [row for row in rows if row.values[record.kind.name.lower()] == record]


def owner_of(row: Shown) -> Ref | None:
    owner = row.values["owner"]
    assert owner is None or isinstance(owner, Ref)
    return owner


def hours_apart(turns: Sequence[int], *, each: int = 1) -> list[Meeting]:
    """Meetings an hour apart, or so many at once: whose each is, from the latest on."""
    return [
        Meeting(
            source=SALESLOFT,
            source_id=str(place + 1),
            start_time=NOW - dt.timedelta(hours=place // each),
            status=MeetingStatus.BOOKED,
            person=Ref(SALESLOFT, Kind.PERSON, str(whose)),
        )
        for place, whose in enumerate(turns)
    ]


LEFT_WITH_A_CURSOR = Lists(
    Case(hours_apart([11, 1, *[2] * 15, *[1] * 15, *[11] * 6]), [], MeetingFilter()),
    PEOPLE_ABOUT[:1] + PEOPLE_ABOUT[1:2] + [Ref(SALESLOFT, Kind.PERSON, "11")],
    size=8,
    pushes=True,
    many=frozenset(RESOLVED_UNDER.values()),
    full=8,
    few=0,
    spare=1,
)
"""Found: one of the lists was read anew in the last turn, lost its rows, and kept its cursor behind them."""


async def ask_together(
    fake: Fake, query: MeetingQuery, records: Sequence[Ref]
) -> dict[Ref, ListPage[Meeting] | GatewayError]:
    """The pages under all records, as one client request."""
    request = Request(deadline=1000)
    try:
        return await fake.catalog.meetings.pages(request, query, records)
    finally:
        await request.close()


async def rest(fake: Fake, record: Ref, query: MeetingQuery, start: Position | None) -> list[tuple[Source, str]]:
    """All that follows a place of the list under a record."""
    walk = query.window.walk
    onward = Window(Walk(walk.order, backward=walk.backward, start=start), 500)
    wanted = msgspec.structs.replace(query, window=onward, wanted=under(record, query.wanted))
    page = await ask(fake, wanted)
    assert not page.page.ahead
    return keys(page)[::-1] if walk.backward else keys(page)
