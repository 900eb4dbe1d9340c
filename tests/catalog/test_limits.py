"""Where an API ends: scans that cannot be pushed down, more rows at one time than a call gives, lists out of reach."""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.catalog.answer import MeetingQuery
from gateway.model.filters import MeetingFilter
from gateway.model.order import Order, OrderField, Position, Walk, micros
from gateway.model.records import Attendee, Meeting, MeetingStatus, Source
from gateway.model.status import ReportStatus
from gateway.paging.window import Window
from tests.catalog.asking import ask, keys, walk_through
from tests.catalog.fakes import NOW
from tests.catalog.oracle import Oracle
from tests.catalog.stand import Stand
from tests.catalog.worlds import ADDRESSES, Case

SALESLOFT, DRIFT = Source.SALESLOFT, Source.DRIFT
SECOND = dt.timedelta(seconds=1)
DRIFTS_MOST = 1_000
"""Rows that one answer of Drift's may hold."""

REACH = 9_000
"""Rows that Salesloft's list can be read by last change."""


def ours(number: int, **values: object) -> Meeting:
    at = NOW - number * SECOND
    fields: dict[str, object] = {"start_time": at, "created_at": at, "updated_at": at, **values}
    return Meeting(source=SALESLOFT, source_id=str(number + 1), status=MeetingStatus.BOOKED, **fields)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("order", [Order(), Order(OrderField.CREATED_AT, descending=False)])
@pytest.mark.parametrize("backward", [False, True])
async def test_a_scan_pauses_where_nothing_can_be_pushed_down_and_goes_on_exactly(order: Order, backward: bool) -> None:
    """Every 400th row is one of theirs; Salesloft cannot be asked for attendees."""
    rows = [ours(n, attendees=(Attendee(email=ADDRESSES[0]),) if n % 400 == 399 else None) for n in range(1_900)]
    case = Case(rows, [], MeetingFilter(attendee_emails=frozenset({ADDRESSES[0]})), order)
    stand = Stand(case)
    everything = Oracle(stand.rows).listed(case.wanted, order)
    assert len(everything) == 4
    pages = await walk_through(stand, case, everything, 3, backward=backward, pausing=True)
    assert 3 <= pages <= 5, "short pages that say that more follows"
    first = await ask(stand, MeetingQuery(window=Window(Walk(order, backward=backward), 3), wanted=case.wanted))
    assert len(keys(first)) < 3
    assert first.page.ahead


async def test_more_of_drifts_meetings_at_one_instant_than_an_answer_holds_are_said_to_be_missing() -> None:
    crowd = [
        Meeting(source=DRIFT, source_id=f"c{n}", start_time=NOW, status=MeetingStatus.BOOKED)
        for n in range(DRIFTS_MOST + 1)
    ]
    later = [
        Meeting(source=DRIFT, source_id=f"l{n}", start_time=NOW + n * SECOND, status=MeetingStatus.BOOKED)
        for n in range(1, 40)
    ]
    stand = Stand(Case([ours(0), ours(60)], [*crowd, *later], MeetingFilter()))
    walk = Walk(Order(descending=False), start=Position(micros(NOW) - 1, SALESLOFT, "0"))
    shown: list[tuple[Source, str]] = []
    while True:
        answer = await ask(stand, MeetingQuery(window=Window(walk, 500), total=True))
        shown += keys(answer)
        reported = {report.source: report for report in answer.reports}
        assert reported[SALESLOFT].status is ReportStatus.OK
        assert reported[DRIFT].status is ReportStatus.PARTIAL
        assert "at most 1,000 meetings that start together" in (reported[DRIFT].message or "")
        assert answer.total is None
        if not answer.page.ahead:
            break
        walk = Walk(walk.order, start=answer.page.end)
    assert len(shown) == len(set(shown)) == 1 + DRIFTS_MOST + len(later), "complete as far as the API allows"
    assert shown[0] == (SALESLOFT, "1")
    assert [key for _, key in shown[-len(later) :]] == [row.source_id for row in later], "everything else is whole"


async def test_what_lies_beyond_the_reach_of_a_walk_by_last_change_is_said_to_be_missing() -> None:
    stand = Stand(Case([ours(n) for n in range(REACH + 300)], [], MeetingFilter()))
    order = Order(OrderField.UPDATED_AT)

    async def page_after(number: int) -> tuple[list[str], bool, ReportStatus, str]:
        place = order.position(stand.salesloft.meetings[number], hint=number)
        answer = await ask(stand, MeetingQuery(window=Window(Walk(order, start=place), 25)))
        report = next(report for report in answer.reports if report.source is SALESLOFT)
        return [key for _, key in keys(answer)], answer.page.ahead, report.status, report.message or ""

    inside, ahead, status, _ = await page_after(REACH - 200)
    assert (len(inside), ahead, status) == (25, True, ReportStatus.OK)
    beyond, _, status, message = await page_after(REACH + 100)
    assert (beyond, status) == ([], ReportStatus.PARTIAL)
    assert "beyond the 9000 that can be listed by updated_at" in message
