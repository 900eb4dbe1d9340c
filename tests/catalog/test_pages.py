"""Pages of random worlds against brute force: any order, direction, filter, size, cursors, flags and total."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.answer import MeetingQuery
from gateway.model.order import OrderField, Walk
from gateway.paging.merge import put_aside
from gateway.paging.window import Window
from tests.catalog.asking import WHOLE, Run, as_cursor, ask, assert_shown, fake_of, keys, place_of
from tests.catalog.fake import Fake
from tests.catalog.oracle import SHARED_FIELDS, Oracle, Shown
from tests.catalog.stand import NOT_SENT, Stand, as_sent
from tests.catalog.worlds import Case, cases
from tests.properties import share

FIELDS = frozenset({*SHARED_FIELDS, "sources", "alternate_ids", "drift", "calendly"})
ALONE = ("title", "person", "owner", "notes", "time_zone", "sources", "drift", "calendly", "alternate_ids", "status")
SOME = [frozenset({name}) for name in ALONE]


class Question:
    """A page that is asked for, and what brute force says to it.

    Attributes:
        walk: The walk; both its ends are cursors of rows, or none.
        rows: The page's rows in the list's order.
        ahead: Whether anything follows them, the walk's stop included.
    """

    def __init__(self, case: Case, everything: list[Shown], data: st.DataObject, aside: tuple[str, ...]) -> None:
        places = len(everything)
        start = data.draw(st.integers(-1, places - 1), label="start")
        stop = data.draw(st.integers(0, 2 * places + 1), label="stop")
        self.size = data.draw(st.integers(0, 5), label="size")
        backward = data.draw(st.booleans(), label="backward")
        row = everything[start] if start >= 0 else None
        end = everything[stop] if stop < places else None
        self.walk = Walk(
            case.order,
            backward=backward,
            start=None if row is None else as_cursor(place_of(row, case.order), case.order, None, aside),
            stop=None if end is None else as_cursor(place_of(end, case.order), case.order, None, aside),
        )
        along = everything[::-1] if backward else everything
        ahead = along if row is None else along[along.index(row) + 1 :]
        within = ahead if end is None else ahead[: ahead.index(end)] if end in ahead else []
        taken = within[: self.size]
        rest = ahead[len(taken) :] if end is None or end in ahead else along[along.index(end) :]
        self.rows = taken[::-1] if backward else taken
        self.ahead = bool(rest)


def check_page(  # noqa: PLR0917 - what is drawn
    run: Run, fake: Fake | Stand, case: Case, everything: list[Shown], data: st.DataObject, fields: frozenset[str]
) -> None:
    """One page with everything about it."""
    unplaced = [row.source_id for row in fake.calendly.meetings if row.start_time is None]
    aside = put_aside(unplaced) if isinstance(fake, Stand) and case.order.field is OrderField.START_TIME else ()
    question = Question(case, everything, data, aside)
    window = Window(question.walk, question.size)
    query = MeetingQuery(window=window, wanted=case.wanted, fields=fields, behind=True, total=True)
    answer = run(ask(fake, query))
    assert keys(answer) == [each.key for each in question.rows]
    assert answer.page.ahead is question.ahead
    assert answer.behind is (question.walk.start is not None)
    assert {report.status for report in answer.reports} <= WHOLE
    assert answer.total == len(everything)
    alone = msgspec.structs.replace(query, rows=False, ahead=False, behind=False)
    assert run(ask(fake, alone)).total == len(everything), "it depends on what else is selected"
    for meeting, each in zip(answer.page.rows, question.rows, strict=True):
        assert_shown(meeting, each, fields)


@pytest.mark.slow
@share(0.3)
@given(case=cases(), data=st.data())
def test_a_page_is_what_brute_force_says(run: Run, case: Case, data: st.DataObject) -> None:
    fake = fake_of(case)
    fake.listing.size = data.draw(st.sampled_from([None, 1, 2, 3]), label="rows of a read")
    fake.listing.pushes = data.draw(st.booleans(), label="filters upstream")
    everything = Oracle(fake.rows).listed(case.wanted, case.order)
    for _ in range(3):
        fields = data.draw(st.sampled_from([FIELDS, *SOME]), label="fields")
        check_page(run, fake, case, everything, data, fields)


@share(0.1)
@given(case=cases(), data=st.data())
def test_a_page_of_the_real_sources_is_what_brute_force_says(run: Run, case: Case, data: st.DataObject) -> None:
    case = as_sent(case)
    stand = Stand(case)
    stand.vendor.restless = data.draw(st.booleans(), label="another order within an instant for every call")
    everything = Oracle(stand.rows).listed(case.wanted, case.order)
    for _ in range(2):
        check_page(run, stand, case, everything, data, FIELDS - NOT_SENT)
