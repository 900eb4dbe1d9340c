"""Lists walked from end to end: in pages of any size, either way, turning round, through scans that pause."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.meetings import MeetingQuery
from gateway.model.order import Position, Walk
from gateway.paging.window import Window
from tests.catalog.asking import Run, ask, fake_of, keys, walked
from tests.catalog.oracle import Oracle
from tests.catalog.worlds import Case, cases, crowds
from tests.properties import share

SIZES = st.sampled_from([1, 2, 3, 7, 100, 500])


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
    everything = [shown.key for shown in Oracle(fake.salesloft, fake.drift).listed(case.wanted, case.order)]
    pages = run(walked(fake, case, size, backward=backward))
    met = [key for page in (reversed(pages) if backward else pages) for key in keys(page)]
    assert met == everything
    if bound is None:
        assert all(len(page.page.rows) == size for page in pages[:-1])
        assert len(pages) == max(1, -(-len(everything) // size))


@share(0.05)
@given(case=crowds(), size=SIZES, backward=st.booleans(), read=st.sampled_from([None, 1, 10, 100]))
def test_crowded_instants_are_walked_whole(
    run: Run, case: Case, size: int, read: int | None, *, backward: bool
) -> None:
    fake = fake_of(case)
    fake.listing.size = read
    everything = [shown.key for shown in Oracle(fake.salesloft, fake.drift).listed(case.wanted, case.order)]
    size = max(size, len(everything) // 20)
    pages = run(walked(fake, case, size, backward=backward))
    assert [key for page in (reversed(pages) if backward else pages) for key in keys(page)] == everything


@share(0.05)
@given(case=cases(most=14), moves=st.lists(st.tuples(st.booleans(), st.integers(1, 6)), max_size=8))
def test_turning_round_comes_back_to_the_same_rows(run: Run, case: Case, moves: list[tuple[bool, int]]) -> None:
    fake = fake_of(case)
    everything = [shown.key for shown in Oracle(fake.salesloft, fake.drift).listed(case.wanted, case.order)]
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
