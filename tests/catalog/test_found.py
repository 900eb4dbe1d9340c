"""Cases that the properties have found, each by its name, and kept whatever the properties come to draw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import pytest

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.catalog.reports import ReportStatus, SourceReport
from gateway.errors import GatewayError, UpstreamUnavailable
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, Walk
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.paging.window import Window
from tests.catalog.asking import ask, keys
from tests.catalog.fakes import NOW, Fake
from tests.catalog.stand import Stand
from tests.catalog.worlds import DESKS, PEOPLE, USERS, Case, everybody

SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT
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


def fake_with(salesloft: Sequence[Meeting], drift: Sequence[Meeting]) -> Fake:
    fake = Fake()
    everybody(fake.salesloft, fake.drift)
    fake.salesloft.meetings, fake.drift.meetings = list(salesloft), list(drift)
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


async def test_owners_that_could_not_be_looked_up_are_told_of_each_source() -> None:
    """Where no row had a person, it went unsaid that the owners were not known."""
    fake = fake_with([ours("1", owner=USERS[0])], [theirs("a", owner=USERS[2])])
    fake.log.failing = failing("drift.users")
    answer = await ask(fake, asked(MeetingFilter(owner_emails=frozenset({DESKS[0]}))))
    assert keys(answer) == [(SALESLOFT, "1")]
    assert report_of(answer, DRIFT).status is ReportStatus.FAILED
