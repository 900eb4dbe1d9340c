"""Lists walked from end to end: in pages of any size, either way, turning round, through scans that pause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.answer import MeetingQuery
from gateway.model.order import Position, Walk
from gateway.paging.window import Window
from tests.catalog.asking import Run, ask, fake_of, keys, walk_through
from tests.catalog.oracle import Oracle
from tests.catalog.stand import Stand, as_sent
from tests.catalog.worlds import SIZES, Case, cases, crowds
from tests.properties import share


@share(0.1)
@given(
    case=cases(most=14),
    size=SIZES,
    backward=st.booleans(),
    read=st.sampled_from([None, 1, 2, 5]),
    bound=st.sampled_from([None, 1, 2, 4]),
)
def test_a_walk_meets_everything_once_and_in_order(
    run: Run, case: Case, size: int, read: int | None, bound: int | None, *, backward: bool
) -> None:
    fake = fake_of(case)
    fake.listing.size, fake.listing.bound, fake.listing.pushes = read, bound, bound is None
    everything = Oracle(fake.rows).listed(case.wanted, case.order)
    run(walk_through(fake, case, everything, size, backward=backward, pausing=bound is not None))


@share(0.1)
@given(case=cases(most=14), size=SIZES, backward=st.booleans(), restless=st.booleans())
def test_a_walk_over_the_real_sources_does_so_too(
    run: Run, case: Case, size: int, *, backward: bool, restless: bool
) -> None:
    case = as_sent(case)
    stand = Stand(case)
    stand.vendor.restless = restless
    everything = Oracle(stand.rows).listed(case.wanted, case.order)
    run(walk_through(stand, case, everything, size, backward=backward))


@share(0.04)
@given(case=crowds(), size=SIZES, backward=st.booleans(), read=st.sampled_from([None, 1, 10, 100]))
def test_crowded_instants_are_walked_whole(
    run: Run, case: Case, size: int, read: int | None, *, backward: bool
) -> None:
    fake = fake_of(case)
    fake.listing.size = read
    everything = Oracle(fake.rows).listed(case.wanted, case.order)
    run(walk_through(fake, case, everything, max(size, len(everything) // 20), backward=backward))


@pytest.mark.slow
@share(0.04)
@given(case=crowds(), size=SIZES, backward=st.booleans())
def test_crowded_instants_of_the_real_sources_are_walked_whole(
    run: Run, case: Case, size: int, *, backward: bool
) -> None:
    case = as_sent(case)
    stand = Stand(case)
    everything = Oracle(stand.rows).listed(case.wanted, case.order)
    run(walk_through(stand, case, everything, max(size, len(everything) // 10), backward=backward))


@share(0.04)
@given(case=cases(most=14), moves=st.lists(st.tuples(st.booleans(), st.integers(1, 6)), max_size=8))
def test_turning_round_comes_back_to_the_same_rows(run: Run, case: Case, moves: list[tuple[bool, int]]) -> None:
    fake = fake_of(case)
    everything = [shown.key for shown in Oracle(fake.rows).listed(case.wanted, case.order)]
    left, right = 0, 0  # the page shown last lies between
    start: Position | None = None
    end: Position | None = None
    for backward, size in moves:
        place = start if backward else end
        if place is None and (left, right) != (0, 0):
            continue
        walk = Walk(case.order, backward=backward, start=place)
        if place is None:
            left = right = len(everything) if backward else 0
        answer = run(ask(fake, MeetingQuery(window=Window(walk, size), wanted=case.wanted, behind=True)))
        left, right = (max(0, left - size), left) if backward else (right, min(len(everything), right + size))
        assert keys(answer) == everything[left:right]
        assert answer.page.ahead is (left > 0 if backward else right < len(everything))
        assert answer.behind is (place is not None and (right < len(everything) if backward else left > 0))
        start, end = answer.page.start, answer.page.end
        if not answer.page.rows:
            break
