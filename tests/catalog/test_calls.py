"""What one list costs upstream: nothing that is not selected, and no more than the contract's section 5 allows."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import pytest

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import UpstreamRateLimited
from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField, Walk
from gateway.model.records import Kind, Meeting, MeetingStatus, Ref, Source
from gateway.model.status import ReportStatus
from gateway.paging.window import Window
from tests.catalog.asking import ask, keys, place
from tests.catalog.fake import Fake
from tests.catalog.fakes import NOW, Words
from tests.catalog.worlds import ADDRESSES, DESKS, PEOPLE, USERS, everybody

SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT
NEWEST = Order()
HOUR = dt.timedelta(hours=1)
WIDE = MeetingFilter()


def ours(number: int, **values: object) -> Meeting:
    fields: dict[str, object] = {
        "start_time": NOW - number * HOUR,
        "status": MeetingStatus.BOOKED,
        "title": "talk",
        **values,
    }
    return Meeting(source=SALESLOFT, source_id=str(number), **fields)  # type: ignore[arg-type]  # by name


def theirs(number: int, **values: object) -> Meeting:
    fields: dict[str, object] = {"start_time": NOW - number * HOUR, "status": MeetingStatus.BOOKED, **values}
    fields.setdefault("calendar_event_id", f"event{number}")
    return Meeting(source=DRIFT, source_id=f"slug{number}", **fields)  # type: ignore[arg-type]  # by name


@pytest.fixture
def fake() -> Fake:
    """Sixty meetings in each source, an hour apart, those of one hour being one event in the first ten hours."""
    fake = Fake()
    everybody(fake.salesloft, fake.drift, fake.calendly)
    fake.salesloft.meetings = [ours(n, calendar_event_id=f"event{n}" if n < 10 else None) for n in range(60)]
    fake.drift.meetings = [theirs(n, person=PEOPLE[2], owner=USERS[2]) for n in range(60)]
    return fake


def query(
    wanted: MeetingFilter = WIDE,
    *,
    size: int = 5,
    fields: Sequence[str] = ("title",),
    after: Meeting | None = None,
    backward: bool = False,
    behind: bool = False,
    total: bool = False,
    ahead: bool = True,
    rows: bool = True,
) -> MeetingQuery:
    walk = Walk(NEWEST, backward=backward, start=None if after is None else place(after, NEWEST))
    return MeetingQuery(
        window=Window(walk, size),
        wanted=wanted,
        fields=frozenset(fields),
        behind=behind,
        total=total,
        ahead=ahead,
        rows=rows,
    )


async def calls(fake: Fake, asked: MeetingQuery) -> dict[str, int]:
    """What a query calls."""
    fake.log.calls.clear()
    await ask(fake, asked)
    return dict(Counter(fake.log.calls))


LIST = {"salesloft.meetings": 1, "drift.window": 1}


async def test_rows_whose_event_is_on_the_page_need_no_look_up(fake: Fake) -> None:
    assert await calls(fake, query(size=9)) == LIST


async def test_other_rows_of_a_page_are_looked_up_together(fake: Fake) -> None:
    page = query(size=40, after=fake.salesloft.meetings[9])
    assert await calls(fake, page) == {**LIST, "salesloft.same_events": 1}


async def test_one_look_up_serves_the_rows_that_are_dropped_as_well(fake: Fake) -> None:
    fake.salesloft.meetings += [ours(200 + n, calendar_event_id=f"event{n}") for n in range(10, 40)]
    assert await calls(fake, query(size=30, after=fake.salesloft.meetings[9])) == {**LIST, "salesloft.same_events": 1}


async def test_fields_that_a_twin_could_fill_are_checked_for_rivals(fake: Fake) -> None:
    assert await calls(fake, query(size=5, fields=["person"])) == {**LIST, "salesloft.same_events": 1}
    fake.salesloft.meetings = [ours(n, calendar_event_id=f"event{n}", person=PEOPLE[0]) for n in range(60)]
    assert await calls(fake, query(size=5, fields=["person"])) == LIST


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (MeetingFilter(sources=frozenset({SALESLOFT})), {"salesloft.meetings": 1}),
        (MeetingFilter(sources=frozenset({DRIFT})), {"drift.window": 1}),
        (MeetingFilter(sources=frozenset()), {}),
        (MeetingFilter(person_ids=frozenset()), {}),
        (MeetingFilter(status=frozenset()), {}),
        (MeetingFilter(cadence_ids=frozenset({Ref(SALESLOFT, Kind.CADENCE, "5")})), {"salesloft.meetings": 1}),
        (MeetingFilter(status=frozenset({MeetingStatus.PENDING})), {"salesloft.meetings": 1}),
        (MeetingFilter(no_show=True), {"salesloft.meetings": 1}),
        (MeetingFilter(start_time=TimeRange(lt=NOW - dt.timedelta(days=60))), {"salesloft.meetings": 1}),
        (MeetingFilter(ids=frozenset({Ref(SALESLOFT, Kind.MEETING, "3")})), {"salesloft.meetings": 1}),
        (
            MeetingFilter(ids=frozenset({Ref(DRIFT, Kind.MEETING, "slug3")})),
            {"drift.window": 1, "salesloft.same_events": 1},
        ),
        (MeetingFilter(own={SALESLOFT: Words(frozenset("a"))}), {"salesloft.meetings": 1}),
        (MeetingFilter(canceled=Canceled.ONLY), LIST),
        (MeetingFilter(canceled=Canceled.INCLUDE), {"salesloft.meetings": 2, "drift.window": 1}),
        (
            MeetingFilter(person_ids=frozenset({PEOPLE[0]}), sources=frozenset({SALESLOFT})),
            {"salesloft.meetings": 1, "drift.window": 1, "salesloft.people.by_ids": 1, "drift.people.by_emails": 1}
            | {"salesloft.same_events": 1},
        ),
        (
            MeetingFilter(owner_ids=frozenset({USERS[0]})),
            {**LIST, "salesloft.users": 1, "drift.users": 1, "salesloft.same_events": 1},
        ),
        (
            MeetingFilter(owner_emails=frozenset({DESKS[0]}), sources=frozenset({DRIFT})),
            {"drift.window": 1, "salesloft.users": 1, "drift.users": 1},
        ),
        (
            MeetingFilter(person_emails=frozenset({ADDRESSES[2]})),
            {**LIST, "salesloft.people.by_emails": 1, "drift.people.by_emails": 1},
        ),
    ],
)
async def test_a_filter_calls_only_whom_it_needs(fake: Fake, wanted: MeetingFilter, expected: dict[str, int]) -> None:
    fake.drift.meetings = fake.drift.meetings[:9]  # no look-up but where links decide
    assert await calls(fake, query(wanted, size=9)) == expected


async def test_flags_and_totals_cost_only_where_selected(fake: Fake) -> None:
    after = fake.drift.meetings[2]
    assert await calls(fake, query(after=after)) == LIST
    assert await calls(fake, query(after=after, behind=True)) == {**LIST, "salesloft.meetings": 2}
    assert await calls(fake, query(behind=True)) == LIST, "nothing lies before a list's beginning"
    counted = {"salesloft.count": 1, "drift.window": 1, "salesloft.same_events": 1}
    assert await calls(fake, query(total=True, rows=False)) == counted


async def test_a_flag_ahead_is_asked_only_where_selected(fake: Fake) -> None:
    fake.listing.size = 5
    fake.drift.meetings = []
    assert await calls(fake, query(size=4, ahead=False)) == LIST
    assert await calls(fake, query(size=4)) == LIST, "the row that is held back shows it"
    assert await calls(fake, query(size=8, ahead=False)) == {**LIST, "salesloft.meetings": 2}


async def test_every_page_costs_the_same(fake: Fake) -> None:
    fake.drift.meetings = []
    costs = [await calls(fake, query(size=5, after=row)) for row in fake.salesloft.meetings[:50]]
    assert costs == [LIST] * 50


class Noted:
    """Notes what it is given to load, and which calls had been made by then."""

    def __init__(self, fake: Fake) -> None:
        self.candidate_rows: list[tuple[list[str], list[str]]] = []
        self._fake = fake

    def candidates(self, rows: Sequence[Meeting]) -> None:
        self.candidate_rows.append(([row.source_id for row in rows], list(self._fake.log.calls)))

    def rows(self, rows: Sequence[Meeting]) -> None:
        raise AssertionError(f"Nothing is read of {len(rows)} rows that takes calls of its own.")


async def test_candidates_are_announced_before_they_are_looked_up(fake: Fake) -> None:
    reported = Noted(fake)
    fake.listing.size = 2  # so that the page takes more than one wave to read
    page = await ask(fake, query(size=4, after=fake.salesloft.meetings[20]), reported)
    assert "salesloft.same_events" not in reported.candidate_rows[0][1]
    slugs = {slug for slugs, _ in reported.candidate_rows for slug in slugs}
    assert slugs
    assert slugs <= {slug for source, slug in keys(page) if source is DRIFT}


async def test_rows_that_are_only_counted_are_no_candidates(fake: Fake) -> None:
    reported = Noted(fake)
    await ask(fake, query(size=4, total=True), reported)
    assert reported.candidate_rows == []


@pytest.mark.parametrize("rows", [False, True])
async def test_a_total_that_takes_too_many_look_ups_is_null_and_says_why(fake: Fake, rows: bool) -> None:
    fake.drift.meetings = [theirs(1000 + n) for n in range(1901)]
    fake.log.calls.clear()
    answer = await ask(fake, query(total=True, rows=rows, size=2))
    assert answer.total is None
    assert answer.total_error is None
    assert "20 units or more" in reported(answer)[DRIFT]
    assert "salesloft.same_events" not in fake.log.calls
    fake.drift.meetings.pop()
    assert (await ask(fake, query(total=True, rows=rows, size=2))).total == 1960


@pytest.mark.parametrize("rows", [False, True])
async def test_up_to_500_rows_are_read_where_the_source_cannot_count(fake: Fake, rows: bool) -> None:
    fake.listing.countable = False
    assert (await ask(fake, query(total=True, rows=rows))).total == 110
    fake.drift.meetings = []
    fake.salesloft.meetings = [ours(n) for n in range(500)]
    assert (await ask(fake, query(total=True, rows=rows))).total == 500
    fake.salesloft.meetings.append(ours(500))
    answer = await ask(fake, query(total=True, rows=rows))
    assert answer.total is None
    assert "cannot count" in reported(answer)[SALESLOFT]
    assert {report.status for report in answer.reports} == {ReportStatus.OK}


@pytest.mark.parametrize("ahead", [False, True])
async def test_a_page_that_is_the_whole_list_gives_its_total(fake: Fake, ahead: bool) -> None:
    fake.salesloft.meetings = fake.salesloft.meetings[:10]
    fake.drift.meetings = fake.drift.meetings[10:15]
    whole = query(size=100, total=True, ahead=ahead)
    assert (await ask(fake, whole)).total == 15
    looked_up = await calls(fake, query(size=100, ahead=ahead))
    assert await calls(fake, whole) == looked_up
    fake.salesloft.meetings, fake.drift.meetings = [], []
    assert (await ask(fake, whole)).total == 0
    assert await calls(fake, whole) == LIST
    after = theirs(1)
    placed = query(size=100, total=True, after=after, behind=True)
    assert (await ask(fake, placed)).total == 0
    assert "salesloft.count" not in await calls(fake, placed)


@pytest.mark.parametrize("call", ["salesloft.count", "salesloft.same_events", "drift.window"])
async def test_a_total_that_units_ran_out_before_is_an_error(fake: Fake, call: str) -> None:
    spent = UpstreamRateLimited("The budget is used up.", source="SALESLOFT", retry_after=20)
    fake.log.failing = lambda name, _: spent if name == call else None
    answer = await ask(fake, query(total=True, rows=False))
    assert (answer.total, answer.total_error) == (None, spent)


async def test_orders_by_other_times_cost_the_same(fake: Fake) -> None:
    fake.drift.meetings = []
    for field in OrderField:
        walk = Walk(Order(field))
        assert await calls(fake, MeetingQuery(window=Window(walk, 5))) == LIST


def reported(answer: ListPage[Meeting]) -> dict[Source, str]:
    return {report.source: report.message or "" for report in answer.reports}


# A second source that is walked as well


@pytest.fixture
def listed() -> Fake:
    """The same sixty meetings of each source, both of which are walked."""
    fake = Fake(listed=True)
    everybody(fake.salesloft, fake.drift, fake.calendly)
    fake.salesloft.meetings = [ours(n, calendar_event_id=f"event{n}" if n < 10 else None) for n in range(60)]
    fake.drift.meetings = [theirs(n, person=PEOPLE[2], owner=USERS[2], notes=f"note {n}") for n in range(60)]
    return fake


BOTH = {"salesloft.meetings": 1, "drift.meetings": 1}


async def test_events_on_the_page_need_no_look_up_in_either_direction(listed: Fake) -> None:
    assert await calls(listed, query(size=9)) == BOTH


async def test_twins_below_are_looked_for_together_where_they_could_show(listed: Fake) -> None:
    page = await ask(listed, query(size=9, fields=["notes", "sources"]))
    assert [row.notes for row in page.page.rows] == [f"note {n}" for n in range(9)]
    assert {row.sources for row in page.page.rows} == {(SALESLOFT, DRIFT)}
    expected = {**BOTH, "drift.same_events": 1, "salesloft.same_events": 1}
    assert await calls(listed, query(size=9, fields=["notes", "sources"])) == expected
    listed.salesloft.meetings = [ours(n, calendar_event_id=f"event{n}", notes="ours") for n in range(60)]
    assert await calls(listed, query(size=9, fields=["notes"])) == BOTH, "nothing could show"


async def test_its_rows_bring_meetings_in_up_to_a_bound(listed: Fake) -> None:
    wanted = MeetingFilter(person_ids=frozenset({PEOPLE[2]}))
    page = await ask(listed, query(wanted, size=100, total=True))
    assert [key for key in keys(page) if key[0] is SALESLOFT] == [(SALESLOFT, str(n)) for n in range(10)]
    assert page.total == 60
    assert {report.status for report in page.reports} == {ReportStatus.OK}
    listed.drift.meetings += [theirs(n, person=PEOPLE[2]) for n in range(1000, 1500)]
    page = await ask(listed, query(wanted, size=100, total=True))
    assert page.total is None
    assert {report.source: report.status for report in page.reports}[SALESLOFT] is ReportStatus.PARTIAL
    assert "by what DRIFT adds" in reported(page)[SALESLOFT]
