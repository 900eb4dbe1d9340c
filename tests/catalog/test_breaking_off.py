"""A source that breaks off in the middle of a page: the page ends where it did, and the list goes on from there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.errors import GatewayError, UpstreamUnavailable
from gateway.model.filters import Canceled
from gateway.model.order import Position, Walk
from gateway.model.records import Meeting, Source
from gateway.model.status import ReportStatus
from gateway.paging.window import Window
from tests.catalog.asking import WHOLE, Run, ask, fake_of, keys
from tests.catalog.fake import Fake
from tests.catalog.oracle import Oracle
from tests.catalog.worlds import Case, cases
from tests.properties import share

DOWN = UpstreamUnavailable("down", source="SALESLOFT")


MOST_READS = 200
"""Reads that no page of such a small world needs."""


class Breaking:
    """Lets each lane's first reads succeed, and a few more; every later one of the same request fails.

    Attributes:
        broke: Whether a read has failed.
    """

    def __init__(self, allowed: int) -> None:
        self.broke = False
        self._allowed = allowed
        self._reads = 0

    def __call__(self, name: str, _number: int) -> GatewayError | None:
        if name != "salesloft.meetings":
            return None
        self._reads += 1
        assert self._reads < MOST_READS, "a source that broke off is read on and on"
        if self._reads <= self._allowed:
            return None
        self.broke = True
        return DOWN


@share(0.06)
@given(
    case=cases(most=14),
    size=st.integers(1, 6),
    read=st.sampled_from([1, 2, 5]),
    more=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    backward=st.booleans(),
)
def test_the_list_goes_on_where_it_broke_off(
    run: Run, case: Case, size: int, read: int, more: list[int], *, backward: bool
) -> None:
    fake = fake_of(case)
    fake.listing.size = read
    listed = [shown.key for shown in Oracle(fake.rows).listed(case.wanted, case.order)]
    along = listed[::-1] if backward else listed
    lanes = 2 if case.wanted.canceled is Canceled.INCLUDE else 1
    done = 0
    start: Position | None = None
    for number in range(500):
        query = MeetingQuery(window=Window(Walk(case.order, backward=backward, start=start), size), wanted=case.wanted)
        fake.log.failing = breaking = Breaking(lanes + more[number % len(more)])
        answer = run(ask(fake, query))
        shown = turned(answer, backward=backward)
        check(answer, broke=breaking.broke)
        assert shown == along[done : done + len(shown)], "a hole before the place where it broke off"
        rest = along[done : done + size]
        assert shown == rest or (breaking.broke and len(shown) < size)
        assert answer.page.ahead is (breaking.broke or done + len(shown) < len(along))
        assert again(run, fake, query, backward=backward) == rest, "asked again from the same cursor it is complete"
        done += len(shown)
        if not answer.page.ahead:
            break
        before, start = start, answer.page.start if backward else answer.page.end
        assert start is not None
        assert before is None or Walk(case.order, backward=backward).before(before, start), "no progress"
    assert done == len(along)


def turned(answer: ListPage[Meeting], *, backward: bool) -> list[tuple[Source, str]]:
    """The page's rows in the order walked."""
    return keys(answer)[::-1] if backward else keys(answer)


def check(answer: ListPage[Meeting], *, broke: bool) -> None:
    """That it is said which source broke off, if it did."""
    reported = {report.source: report for report in answer.reports}
    if broke:
        assert reported[Source.SALESLOFT].status is ReportStatus.PARTIAL
        assert reported[Source.SALESLOFT].code == DOWN.code
        del reported[Source.SALESLOFT]
    assert {report.status for report in reported.values()} <= WHOLE


def again(run: Run, fake: Fake, query: MeetingQuery, *, backward: bool) -> list[tuple[Source, str]]:
    """The page asked for once more, by when the source answers."""
    fake.log.failing = lambda _name, _number: None
    return turned(run(ask(fake, query)), backward=backward)
