"""Cases that the properties have found, each by its name, and kept whatever the properties come to draw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import pytest

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError, UpstreamUnavailable
from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, Walk
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.model.status import ReportStatus, SourceReport
from gateway.paging.window import Window
from gateway.request import Request
from tests.catalog.asking import as_cursor, ask, keys
from tests.catalog.fake import EVERY, Fake, addressed
from tests.catalog.fakes import NOW
from tests.catalog.stand import Stand
from tests.catalog.worlds import ADDRESSES, DESKS, PEOPLE, USERS, Case, everybody

SALESLOFT, DRIFT, CALENDLY = EVERY
HOUR = dt.timedelta(hours=1)
EARLIEST_FIRST = Order(descending=False)
WIDE = MeetingFilter()
DOWN = UpstreamUnavailable("down", source="X")


def ours(source_id: str, start: dt.datetime = NOW, **values: object) -> Meeting:
    fields: dict[str, object] = {"start_time": start, "status": MeetingStatus.BOOKED, **values}
    return Meeting(source=SALESLOFT, source_id=source_id, **fields)  # type: ignore[arg-type]  # by name


def theirs(source_id: str, start: dt.datetime = NOW, **values: object) -> Meeting:
    fields: dict[str, object] = {"start_time": start, "status": MeetingStatus.BOOKED, **values}
    return Meeting(source=DRIFT, source_id=source_id, **fields)  # type: ignore[arg-type]  # by name


def booked(source_id: str, start: dt.datetime | None = NOW, **values: object) -> Meeting:
    fields: dict[str, object] = {"start_time": start, "status": MeetingStatus.BOOKED, "no_show": False, **values}
    return Meeting(source=CALENDLY, source_id=source_id, **fields)  # type: ignore[arg-type]  # by name


def fake_with(
    salesloft: Sequence[Meeting], drift: Sequence[Meeting], calendly: Sequence[Meeting] = (), *, listed: bool = False
) -> Fake:
    fake = Fake(listed=listed, off=() if calendly else (CALENDLY,))
    everybody(fake.salesloft, fake.drift, fake.calendly)
    fake.salesloft.meetings, fake.drift.meetings = list(salesloft), list(drift)
    fake.calendly.meetings = list(calendly)
    return fake


def asked(wanted: MeetingFilter = WIDE, *fields: str, size: int = 10, total: bool = False) -> MeetingQuery:
    walk = Walk(EARLIEST_FIRST)
    return MeetingQuery(window=Window(walk, size), wanted=wanted, fields=frozenset(fields), total=total)


def report_of(answer: ListPage[Meeting], source: Source) -> SourceReport:
    return next(report for report in answer.reports if report.source is source)


def failing(name: str, number: int = 0) -> Callable[[str, int], GatewayError | None]:
    """Fails every call of a name but the first so many."""
    seen: list[str] = []

    def fails(called: str, _number: int) -> GatewayError | None:
        seen.extend([called] * (called == name))
        return DOWN if called == name and len(seen) > number else None

    return fails


async def test_a_meeting_that_is_moved_and_cancelled_between_two_reads_keeps_its_first_place() -> None:
    """It came twice in one batch, and stood at the first's place with the last's time."""
    moved = ours("1", NOW + HOUR, status=MeetingStatus.CANCELED, canceled_at=NOW, updated_at=NOW)
    stand = Stand(Case([ours("1"), ours("2", NOW + HOUR / 2)], [], MeetingFilter()))

    def change(name: str, number: int) -> None:
        if (name, number) == ("salesloft.meetings", 1):  # the active ones are read by now
            stand.salesloft.meetings[0] = moved

    stand.log.failing = change
    answer = await ask(stand, asked(MeetingFilter(canceled=Canceled.INCLUDE)))
    assert [(row.source_id, row.start_time) for row in answer.page.rows] == [("1", NOW), ("2", NOW + HOUR / 2)]


async def test_a_twin_that_shows_nothing_may_still_be_the_newest() -> None:
    """Only those that would show something were looked up, and so an older one showed its time zone."""
    held = ours("1", calendar_event_id="e1")
    old = theirs("old", calendar_event_id="e1", time_zone="Asia/Tokyo", updated_at=NOW)
    new = theirs("new", calendar_event_id="e1", updated_at=NOW + HOUR)
    answer = await ask(fake_with([held], [old, new]), asked(MeetingFilter(sources=frozenset({SALESLOFT})), "time_zone"))
    (row,) = answer.page.rows
    assert row.time_zone is None


async def test_what_a_window_that_is_down_might_have_brought_in_is_said_to_be_missing() -> None:
    """A meeting of Salesloft's that matches by its twin alone was missing from an answer that said OK of it."""
    fake = fake_with(
        [ours("1", calendar_event_id="e1"), ours("2", person=PEOPLE[1])],
        [theirs("twin", calendar_event_id="e1", person=PEOPLE[4])],
    )
    wanted = MeetingFilter(person_ids=frozenset({PEOPLE[1]}))
    assert keys(await ask(fake, asked(wanted))) == [(SALESLOFT, "1"), (SALESLOFT, "2")]
    fake.log.failing = failing("drift.window")
    answer = await ask(fake, asked(wanted, total=True))
    assert keys(answer) == [(SALESLOFT, "2")]
    assert report_of(answer, SALESLOFT).status is ReportStatus.PARTIAL
    assert "DRIFT adds to them may be missing" in (report_of(answer, SALESLOFT).message or "")
    assert answer.total is None


async def test_a_meeting_whose_other_twins_could_not_be_looked_up_is_not_brought_in() -> None:
    """It was tested with the twins that were known, though the newest decides what it shows."""
    held = ours("1", calendar_event_id="e1", i_cal_uid="abcde1@google.com")
    old = theirs("old", calendar_event_id="e1", notes="x", person=PEOPLE[4], updated_at=NOW)
    new = theirs("new", calendar_event_id="abcde1", person=PEOPLE[5], updated_at=NOW + HOUR)
    fake = fake_with([held], [old, new])
    wanted = MeetingFilter(person_ids=frozenset({PEOPLE[1]}))
    assert keys(await ask(fake, asked(wanted))) == [], "the newest twin's person is shown"
    fake.log.failing = failing("salesloft.same_events", 1)
    answer = await ask(fake, asked(wanted))
    assert keys(answer) == []
    assert report_of(answer, SALESLOFT).status is ReportStatus.PARTIAL


@pytest.mark.parametrize("down", ["salesloft.users", "drift.users"])
async def test_a_total_that_hangs_on_who_is_whom_is_null_where_that_is_not_known(down: str) -> None:
    """Rivals for a twin were told apart without their owners, and what came of it was counted."""
    low = ours("1", NOW - HOUR, calendar_event_id="e1", owner=USERS[1])
    owned = ours("2", NOW - HOUR, calendar_event_id="e1", owner=USERS[0])
    twin = theirs("twin", NOW, calendar_event_id="e1", owner=USERS[2], person=PEOPLE[4], time_zone="Asia/Tokyo")
    fake = fake_with([low, owned], [twin])
    wanted = MeetingFilter(person_ids=frozenset({PEOPLE[1]}))
    whole = await ask(fake, asked(wanted, total=True))
    assert (keys(whole), whole.total) == ([(SALESLOFT, "2")], 1)
    fake.log.failing = failing(down)
    answer = await ask(fake, asked(wanted, total=True))
    assert answer.total is None
    assert ReportStatus.PARTIAL in {report.status for report in answer.reports}


async def test_owners_that_could_not_be_looked_up_are_reported_for_each_source() -> None:
    """Where no row had a person, it went unsaid that the owners were not known."""
    fake = fake_with([ours("1", owner=USERS[0])], [theirs("a", owner=USERS[2])])
    fake.log.failing = failing("drift.users")
    answer = await ask(fake, asked(MeetingFilter(owner_emails=frozenset({DESKS[0]}))))
    assert keys(answer) == [(SALESLOFT, "1")]
    assert report_of(answer, DRIFT).status is ReportStatus.FAILED


async def test_what_a_meeting_shows_of_its_twin_does_not_make_others_its_twins() -> None:
    """It bore its twin's event id, by which another record of that source passed for held, and was lost."""
    event = "abcde1_20260312T120000Z"
    held = ours("4", i_cal_uid="abcde1@google.com")
    twin = theirs("twin", calendar_event_id=event, person=PEOPLE[2])
    later = theirs("later", NOW + dt.timedelta(milliseconds=1), calendar_event_id=event, person=PEOPLE[2])
    wanted = MeetingFilter(canceled=Canceled.INCLUDE, person_emails=frozenset({"ann@buyer.example"}))
    answer = await ask(fake_with([held], [twin, later], listed=True), asked(wanted, "calendar_event_id"))
    assert keys(answer) == [(SALESLOFT, "4"), (DRIFT, "later")]
    assert answer.page.rows[0].calendar_event_id == event


async def test_what_is_not_known_to_last_all_day_is_found_where_that_is_not_wanted() -> None:
    """Calendly was left out of `allDay: false`, which it was said it could not apply."""
    stand = Stand(Case([ours("1")], [], MeetingFilter(), calendly=[booked("a", NOW + HOUR)]))
    assert keys(await ask(stand, asked(MeetingFilter(all_day=False)))) == [(SALESLOFT, "1"), (CALENDLY, "a")]
    answer = await ask(stand, asked(MeetingFilter(all_day=True)))
    assert report_of(answer, CALENDLY).status is ReportStatus.SKIPPED


@pytest.mark.parametrize("named", [None, frozenset({ADDRESSES[0]})], ids=["all", "by person"])
async def test_events_without_a_start_are_at_the_end_of_the_list(named: frozenset[str] | None) -> None:
    """They were lost: only those whose start could not be read were put aside, and none was found by its invitee."""
    rows = [booked("a", person=addressed(ADDRESSES[0])), booked("b", None, person=addressed(ADDRESSES[0]))]
    stand = Stand(Case([], [], MeetingFilter(), calendly=rows))
    answer = await ask(stand, asked(MeetingFilter(person_emails=named), total=True))
    assert (keys(answer), answer.total) == ([(CALENDLY, "a"), (CALENDLY, "b")], 2)


async def test_a_walk_back_from_the_end_knows_what_lies_behind_it() -> None:
    """Its cursor did not bear the rows without a start that it had come by, so nothing was said to follow it."""
    stand = Stand(Case([], [], MeetingFilter(), calendly=[booked("a"), booked("b", None), booked("c", None)]))
    walk = Walk(EARLIEST_FIRST, backward=True)
    last = (await ask(stand, MeetingQuery(window=Window(walk, 1)))).page
    assert last.start is not None
    before = Walk(EARLIEST_FIRST, backward=True, start=as_cursor(last.start, EARLIEST_FIRST, last.hint, last.aside))
    answer = await ask(stand, MeetingQuery(window=Window(before, 1), behind=True))
    assert (keys(answer), answer.behind) == ([(CALENDLY, "b")], True)


async def test_what_a_twin_of_a_twin_holds_is_looked_for_though_the_first_was_known() -> None:
    """Drift's were looked for by themselves, and later Calendly's for the meeting alone."""
    held = ours("1", i_cal_uid="abcde1@google.com")
    twin, other = theirs("twin", calendar_event_id="abcde1"), booked("a", NOW + HOUR, calendar_event_id="abcde1")
    answer = await ask(fake_with([held], [twin], [other]), asked(WIDE, "sources", "calendly"))
    (row,) = answer.page.rows
    assert row.sources == EVERY
    assert [each.source for each in row.twins] == [DRIFT, CALENDLY]


async def test_an_event_is_counted_once_by_those_who_answer() -> None:
    """Where Salesloft did not say what it holds, what Drift holds was counted twice as well."""
    again = booked("a", calendar_event_id="e1", created_at=NOW)
    fake = fake_with([], [theirs("twin", NOW - HOUR, calendar_event_id="e1")], [again])
    fake.log.failing = lambda name, _: DOWN if name.startswith("salesloft") else None
    request = Request(deadline=1000)
    wanted = MeetingFilter(created_at=TimeRange(gte=NOW, lt=NOW + HOUR), canceled=Canceled.INCLUDE)
    whole = await fake.catalog.meetings.whole(request, wanted, frozenset(), 100)
    await request.close()
    assert whole.rows == []
