"""Lists under several records, answered together: each is what it would be alone, or a shorter page of the same."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.catalog import shared_walk
from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.catalog.reports import ReportStatus
from gateway.errors import GatewayError, UpstreamTimeout
from gateway.model.filters import Canceled, MeetingFilter, under
from gateway.model.order import Order, OrderField, Position, Walk, micros
from gateway.model.records import Kind, Meeting, MeetingStatus, Person, Ref, Source, User
from gateway.paging.window import Window
from gateway.sources.base import Traits
from gateway.upstream.request import Request
from tests.catalog.asking import Run, ask, fake_of, keys, place_of
from tests.catalog.fakes import NOW, Fake
from tests.catalog.oracle import OWN_FIELDS, SHARED_FIELDS, Oracle, Shown
from tests.catalog.worlds import (
    ACCOUNTS,
    CADENCES,
    FILTER,
    PEOPLE,
    ROW,
    STEPS,
    Case,
    cases,
    drift_meeting,
    salesloft_meeting,
    user,
    wanted_of,
)
from tests.properties import share

SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT
MORE = [str(number) for number in range(11, 17)]
"""Ids of more records, so that there are many lists; Salesloft's alone."""

PEOPLE_ABOUT = [*PEOPLE, *(Ref(SALESLOFT, Kind.PERSON, key) for key in MORE)]
TEAM = [user(SALESLOFT, "1"), user(SALESLOFT, "2"), *(user(DRIFT, key) for key in ("71", "72", "73"))]
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
    frozenset(shared_walk.LINKS),
    frozenset(shared_walk.LINKS),
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
        fake.salesloft.users += [User(source=SALESLOFT, source_id=key, guid=f"guid-{key}") for key in MORE]
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
        rows = Oracle(fake.salesloft, fake.drift).listed(MeetingFilter(), case.order)
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
    bearers = [user(SALESLOFT, f"guid-{key}") for key in ("1", "2", *MORE)] if kind is Kind.USER else RECORDS[kind]
    ours = [ref for ref in bearers if ref.source is SALESLOFT]
    deal = draw(st.sampled_from([in_turn, in_blocks, around_blocks]))
    left_over = deal is around_blocks  # where reads have to be enough for some of the lists, but not for all
    whose = draw(st.lists(st.sampled_from(ours), min_size=3, max_size=8, unique=left_over))
    about = [user(SALESLOFT, ref.id.removeprefix("guid-")) if kind is Kind.USER else ref for ref in whose]
    others = draw(st.lists(st.sampled_from(RECORDS[kind]), max_size=0 if left_over else 3))
    case = draw(long_cases() if left_over else st.one_of(cases(most=14), long_cases()))
    few = draw(st.integers(0, len(whose)))
    turns = deal(few, len(whose) - few, len(case.salesloft))
    rows = [
        msgspec.structs.replace(row, **{LINKS[kind]: whose[turn]})
        for row, turn in zip(case.salesloft, turns, strict=True)
    ]
    return Lists(
        Case(rows, case.drift, case.wanted, case.order),
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
    drift = [drift_meeting(throws, f"slug{place}") for place, throws in enumerate(draw(st.lists(ROW, max_size=4)))]
    random = wanted_of(draw(FILTER), [])
    wanted = MeetingFilter(canceled=draw(st.sampled_from([Canceled.INCLUDE, random.canceled])))
    if draw(st.sampled_from([False, False, True])):
        people, owners = (frozenset(draw(st.lists(st.sampled_from(refs), min_size=1))) for refs in (PEOPLE, TEAM))
        narrow = draw(st.sampled_from([{"person_ids": people}, {"owner_ids": owners}]))
        wanted = msgspec.structs.replace(wanted, **narrow)
    return Case(rows, drift, wanted, order)


def listed(fake: Fake, case: Case, record: Ref) -> list[Shown]:
    """The list under a record by brute force."""
    oracle = Oracle(fake.salesloft, fake.drift)
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
    many=frozenset(shared_walk.LINKS),
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


@share(0.1)
@given(asked=lists(), question=questions())
@example(asked=LEFT_WITH_A_CURSOR, question=Question(size=1))
def test_lists_together_are_what_they_are_alone(run: Run, asked: Lists, question: Question) -> None:
    fake, case = asked.fake(), asked.case
    query = question.query(fake, case)
    with asked.scaled():
        answers = run(ask_together(fake, query, asked.records))
    assert set(answers) == set(asked.records)
    for record in asked.records:
        together = answers[record]
        assert isinstance(together, ListPage)
        alone = run(ask(fake, msgspec.structs.replace(query, wanted=under(record, query.wanted))))
        check_same(together, alone, query)
        if asked.size is None and asked.full > len(case.salesloft):
            assert len(along(together, query)) == len(along(alone, query))
            assert together.page.ahead is alone.page.ahead, "one read shows everything"
        if query.window.walk.stop is None:
            check_walked_on(run, fake, case, record, query, together)


def check_same(together: ListPage[Meeting], alone: ListPage[Meeting], query: MeetingQuery) -> None:
    """That a page is the one that is had alone, or the first part of it, and says that more follows."""
    rows, expected = along(together, query), along(alone, query)
    short = len(rows) < query.window.count
    # A twin that shows nothing selected is folded in where somebody has happened to look it up.
    seen = [*OWN_FIELDS, "source", "source_id", *sorted(query.fields & {*SHARED_FIELDS, "sources"})]
    seen += ["twins"] if "drift" in query.fields else []
    for row, other in zip(rows, expected, strict=False):
        assert [getattr(row, name) for name in seen] == [getattr(other, name) for name in seen]
    assert len(rows) <= len(expected)
    assert len(rows) == len(expected) or (short and together.page.ahead)
    assert together.page.ahead or not alone.page.ahead  # that nothing follows may not be known yet
    assert together.behind is alone.behind or together.behind
    assert together.total == alone.total
    assert [(each.source, each.status, each.message) for each in together.reports] == [
        (each.source, each.status, each.message) for each in alone.reports
    ]


def along(page: ListPage[Meeting], query: MeetingQuery) -> list[Meeting]:
    """A page's rows in the direction of its walk."""
    return page.page.rows[::-1] if query.window.walk.backward else page.page.rows


def check_walked_on(  # noqa: PLR0917 - what was asked, and what came
    run: Run, fake: Fake, case: Case, record: Ref, query: MeetingQuery, page: ListPage[Meeting]
) -> None:
    """That the page, and all that follows its far cursor, is the whole list from where the walk began."""
    walk = query.window.walk
    everything = [row for row in listed(fake, case, record) if not walk.passed(place_of(row, case.order))]
    met = [(row.source, row.source_id) for row in along(page, query)]
    far = page.page.start if walk.backward else page.page.end
    if page.page.ahead:
        far = walk.start if far is None and not query.window.count else far
        assert far is not None or not met, "a page says that there is more, but not where"
        met += run(rest(fake, record, query, far))
    assert met == [row.key for row in (reversed(everything) if walk.backward else everything)]


async def rest(fake: Fake, record: Ref, query: MeetingQuery, start: Position | None) -> list[tuple[Source, str]]:
    """All that follows a place of the list under a record."""
    walk = query.window.walk
    onward = Window(Walk(walk.order, backward=walk.backward, start=start), 500)
    wanted = msgspec.structs.replace(query, window=onward, wanted=under(record, query.wanted))
    page = await ask(fake, wanted)
    assert not page.page.ahead
    return keys(page)[::-1] if walk.backward else keys(page)


@share(0.05)
@given(asked=lists(), data=st.data())
def test_what_fails_is_told_by_every_list_that_lacks_it(run: Run, asked: Lists, data: st.DataObject) -> None:
    fake, case = asked.fake(), asked.case
    failing = data.draw(st.sets(st.integers(0, 12), min_size=1, max_size=3), label="calls that fail")
    query = MeetingQuery(window=Window(Walk(case.order), 5), wanted=case.wanted)
    fake.log.failing = lambda _, number: UpstreamTimeout("Late.", source="?") if number in failing else None
    with asked.scaled():
        answers = run(ask_together(fake, query, asked.records))
    fake.log.failing = lambda _name, _number: None
    for record, answer in answers.items():
        if not isinstance(answer, GatewayError):
            told = {report.source for report in answer.reports if report.status not in WHOLE}
            expected = [row.key for row in listed(fake, case, record)]
            check_no_hole(keys(answer), expected, told, ahead=answer.page.ahead)
            if not told:
                check_walked_on(run, fake, case, record, query, answer)


def check_no_hole(
    got: list[tuple[Source, str]], expected: list[tuple[Source, str]], told: Collection[Source], *, ahead: bool
) -> None:
    """That nothing is missing where every source says so; and of the others, nothing before the last row shown."""
    if not told:
        assert got == expected[: len(got)]
        assert len(got) == min(5, len(expected)) or ahead
    elif told == {DRIFT}:
        reached = [key for key in expected[: expected.index(got[-1]) + 1] if key[0] is SALESLOFT] if got else []
        assert [key for key in got if key[0] is SALESLOFT] == reached


def long_list(turns: Sequence[int], *, each: int = 1) -> Fake:
    """A world of meetings an hour apart: whose each is, from the latest on."""
    fake = fake_of(Case(hours_apart(turns, each=each), [], MeetingFilter()))
    fake.listing.traits = Traits(many=frozenset({"persons"}))
    fake.listing.size = 100
    return fake


def shown(answers: Mapping[Ref, ListPage[Meeting] | GatewayError], person: int) -> ListPage[Meeting]:
    answer = answers[Ref(SALESLOFT, Kind.PERSON, str(person))]
    assert isinstance(answer, ListPage)
    return answer


def statuses(page: ListPage[Meeting]) -> list[ReportStatus]:
    return [report.status for report in page.reports if report.source is SALESLOFT]


TEN = [Ref(SALESLOFT, Kind.PERSON, str(number)) for number in range(10)]
EIGHT = MeetingQuery(window=Window(Walk(), 8))
HALF = [0 if place % 2 else 1 + place // 2 % 9 for place in range(400)]
"""Half of the rows are of one of ten."""


def test_who_has_enough_leaves_and_the_others_go_on_from_there(run: Run) -> None:
    """What the others have by then is kept, not read again."""
    fake = long_list(HALF)
    answers = run(ask_together(fake, EIGHT, TEN))
    assert fake.log.calls.count("salesloft.meetings") == 2
    for person in range(10):
        page = shown(answers, person)
        assert len(page.page.rows) == 8
        assert page.page.ahead
        assert statuses(page) == [ReportStatus.OK]


def test_those_who_go_on_stop_where_the_walk_does(run: Run) -> None:
    fake = long_list(HALF)
    stop = Position(micros(NOW - dt.timedelta(hours=120)), SALESLOFT, "121")
    query = MeetingQuery(window=Window(Walk(stop=stop), 8))
    answers = run(ask_together(fake, query, TEN))
    for record in TEN:
        alone = run(ask(fake, msgspec.structs.replace(query, wanted=under(record, query.wanted))))
        page = shown(answers, int(record.id))
        assert keys(page) == keys(alone)
        assert page.page.ahead is alone.page.ahead


@pytest.mark.parametrize("turns", [HALF, [place % 10 for place in range(400)]], ids=["one leaves", "nobody leaves"])
def test_what_breaks_off_is_told_by_those_who_wanted_more(run: Run, turns: list[int]) -> None:
    """Those who had enough before are whole."""
    fake = long_list(turns)
    reads = itertools.count()

    def late(name: str, _: int) -> GatewayError | None:
        return UpstreamTimeout("Late.", source="SALESLOFT") if name.endswith("meetings") and next(reads) else None

    fake.log.failing = late
    answers = run(ask_together(fake, MeetingQuery(window=Window(Walk(), 12)), TEN))
    for person in range(10):
        page = shown(answers, person)
        if turns is HALF and person == 0:
            assert (len(page.page.rows), statuses(page)) == (12, [ReportStatus.OK])
            continue
        assert 0 < len(page.page.rows) < 12
        assert page.page.ahead
        assert statuses(page) == [ReportStatus.PARTIAL]


@pytest.mark.parametrize("canceled", [Canceled.EXCLUDE, Canceled.INCLUDE])
def test_what_is_read_anew_and_breaks_off_takes_nothing_back(run: Run, canceled: Canceled) -> None:
    """The rows that were known stay, with the cursor that was theirs."""
    fake = long_list(around_blocks(8, 2, 300))
    started = itertools.count()

    def late(name: str, _: int) -> GatewayError | None:
        # The first round reads a lane, or two; what is read from the beginning once more fails, or half of it does.
        broken = name.endswith("meetings") and next(started) >= (1 if canceled is Canceled.EXCLUDE else 3)
        return UpstreamTimeout("Late.", source="SALESLOFT") if broken else None

    fake.log.failing = late
    query = MeetingQuery(
        window=Window(Walk(), 5), wanted=MeetingFilter(canceled=canceled, sources=frozenset({SALESLOFT}))
    )
    answers = run(ask_together(fake, query, TEN))
    assert fake.log.calls.count("salesloft.meetings") > 1
    fake.log.failing = lambda _name, _number: None
    for person in range(8):
        page = shown(answers, person)
        assert keys(page) == [(SALESLOFT, str(person + 1))]
        assert statuses(page) == [ReportStatus.PARTIAL]
        assert page.page.ahead
        rest_of_it = run(rest(fake, TEN[person], query, page.page.end))
        assert [key for key, whose in enumerate(around_blocks(8, 2, 300), 1) if whose == person] == [
            int(key) for _, key in (*keys(page), *rest_of_it)
        ]


def test_a_look_up_that_failed_for_one_list_is_no_condition_of_the_others(run: Run) -> None:
    """Found by the property: whom the filter means was not known for the first list, which the second one took over."""
    fake = long_list([1] * 8)
    fake.salesloft.meetings = [
        msgspec.structs.replace(row, cadence=CADENCES[place % 2]) for place, row in enumerate(fake.salesloft.meetings)
    ]
    fake.listing.traits = Traits(many=frozenset({"cadence_ids"}))
    fake.log.failing = lambda _, number: UpstreamTimeout("Late.", source="DRIFT") if number == 0 else None
    wanted = MeetingFilter(person_ids=frozenset({PEOPLE[1], PEOPLE[2]}))
    answers = run(ask_together(fake, MeetingQuery(window=Window(Walk(), 5), wanted=wanted), CADENCES))
    pages = [answer for answer in answers.values() if isinstance(answer, ListPage)]
    assert [(len(page.page.rows), statuses(page)) for page in pages] == [
        (0, [ReportStatus.PARTIAL]),
        (4, [ReportStatus.OK]),
    ]


@pytest.mark.parametrize("canceled", [Canceled.INCLUDE, Canceled.EXCLUDE])
def test_a_part_that_never_started_is_missing_from_every_list(run: Run, canceled: Canceled) -> None:
    fake = long_list([place % 10 for place in range(200)])

    def refused(name: str, number: int) -> GatewayError | None:
        return UpstreamTimeout("Late.", source="SALESLOFT") if name.endswith("meetings") and number == 0 else None

    fake.log.failing = refused
    query = MeetingQuery(
        window=Window(Walk(), 5), wanted=MeetingFilter(canceled=canceled, sources=frozenset({SALESLOFT}))
    )
    answers = run(ask_together(fake, query, TEN))
    for person in range(10):
        answer = answers[Ref(SALESLOFT, Kind.PERSON, str(person))]
        if canceled is Canceled.EXCLUDE:
            assert isinstance(answer, UpstreamTimeout)
        else:
            assert isinstance(answer, ListPage)
            assert statuses(answer) == [ReportStatus.PARTIAL]


def test_many_lists_are_asked_for_in_parts(run: Run) -> None:
    """A call takes a hundred people: of 250 each hundred walks by itself."""
    fake = fake_of(Case([], [], MeetingFilter()))
    fake.listing.traits = Traits(many=frozenset({"persons"}))
    records = [Ref(SALESLOFT, Kind.PERSON, str(number)) for number in range(250)]
    answers = run(ask_together(fake, MeetingQuery(window=Window(Walk(), 5)), records))
    assert list(answers) == records
    assert fake.log.calls.count("salesloft.meetings") == 3


def test_a_cancelled_request_leaves_nothing_running(run: Run) -> None:
    async def cancelled() -> None:
        fake = fake_of(Case([], [], MeetingFilter()))
        request = Request(deadline=1000)
        work = asyncio.ensure_future(
            fake.catalog.meetings.pages(request, MeetingQuery(window=Window(Walk(), 5)), PEOPLE)
        )
        await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await request.close()
        assert work.cancelled()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    run(cancelled())
