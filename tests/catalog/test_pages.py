"""Pages of random worlds against brute force: any order, direction, filter, size, cursor and flag."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.meetings import MeetingQuery
from gateway.catalog.reports import ReportStatus
from gateway.model.order import Walk
from gateway.paging.window import Window
from tests.catalog.asking import Run, ask, assert_shown, fake_of, keys, place_of
from tests.catalog.oracle import SHARED_FIELDS, Oracle
from tests.catalog.worlds import Case, cases
from tests.properties import share

FIELDS = frozenset({*SHARED_FIELDS, "sources", "alternate_ids", "drift"})
SOME = [frozenset({name}) for name in ("title", "person", "owner", "notes", "time_zone", "sources", "drift", "status")]


@share(0.4)
@given(case=cases(), data=st.data())
def test_a_page_is_what_brute_force_says(run: Run, case: Case, data: st.DataObject) -> None:
    fake = fake_of(case)
    fake.listing.size = data.draw(st.sampled_from([None, 1, 2, 3]), label="rows of a read")
    fake.listing.pushes = data.draw(st.booleans(), label="filters upstream")
    everything = Oracle(fake.salesloft, fake.drift).listed(case.wanted, case.order)
    places = len(everything)
    for _ in range(3):
        start = data.draw(st.integers(-1, places - 1), label="start")
        stop = data.draw(st.integers(0, 2 * places + 1), label="stop")
        size = data.draw(st.integers(0, 5), label="size")
        backward = data.draw(st.booleans(), label="backward")
        row = everything[start] if start >= 0 else None
        end = everything[stop] if stop < places else None
        walk = Walk(
            case.order,
            backward=backward,
            start=None if row is None else place_of(row, case.order),
            stop=None if end is None else place_of(end, case.order),
        )
        along = everything[::-1] if backward else everything
        ahead = along if row is None else along[along.index(row) + 1 :]
        within = ahead if end is None else ahead[: ahead.index(end)] if end in ahead else []
        expected = within[:size]
        rest = ahead[len(expected) :] if end is None or end in ahead else along[along.index(end) :]
        fields = data.draw(st.sampled_from([FIELDS, *SOME]), label="fields")
        query = MeetingQuery(window=Window(walk, size), wanted=case.wanted, fields=fields, behind=True, total=True)
        answer = run(ask(fake, query))
        shown = expected[::-1] if backward else expected
        assert keys(answer) == [each.key for each in shown]
        assert answer.page.ahead is bool(rest)
        assert answer.behind is (row is not None)
        assert answer.total == places
        assert {report.status for report in answer.reports} <= {ReportStatus.OK, ReportStatus.SKIPPED}
        for meeting, each in zip(answer.page.rows, shown, strict=True):
            assert_shown(meeting, each, fields)
