"""Long lists under several records, answered together: who goes on, who breaks off, and what that costs."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError, UpstreamTimeout
from gateway.model.filters import Canceled, MeetingFilter, under
from gateway.model.order import Position, Walk, micros
from gateway.model.records import Kind, Meeting, Ref
from gateway.model.status import ReportStatus
from gateway.paging.window import Window
from gateway.request import Request
from gateway.sources.base import Traits
from tests.catalog.asking import Run, ask, fake_of, keys
from tests.catalog.fake import Fake
from tests.catalog.fakes import NOW
from tests.catalog.lists_together import SALESLOFT, around_blocks, ask_together, hours_apart, rest
from tests.catalog.worlds import (
    CADENCES,
    PEOPLE,
    Case,
)


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
def test_what_breaks_off_is_reported_by_those_who_wanted_more(run: Run, turns: list[int]) -> None:
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
