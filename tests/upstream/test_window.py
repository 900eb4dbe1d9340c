"""Units in windows: what the vendor counts, as far as it can be known here, is never more than was allowed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.budget import AdaptiveLimit
from gateway.upstream.clock import MARGIN, VendorClock
from gateway.upstream.minute import Windows

NOON = 1_800_000_000.0  # the edge of a minute


def test_a_minute_gives_what_it_gives_and_the_next_one_again() -> None:
    windows = Windows()
    for _ in range(10):
        windows.settle(windows.take(NOON + 5, 1), NOON + 5, cost=1)

    assert windows.free(NOON + 59, 10) == 0
    assert windows.opens(NOON + 5, 10) == pytest.approx(55 + MARGIN, abs=0.01)
    assert windows.free(NOON + 5 + windows.opens(NOON + 5, 10), 10) == 10


def test_a_unit_near_the_edge_counts_on_both_sides() -> None:
    windows = Windows()
    windows.settle(windows.take(NOON + 59.9, 4), NOON + 59.9, cost=4)

    assert windows.free(NOON + 59, 10) == 6
    assert windows.free(NOON + 61, 10) == 6

    windows.settle(windows.take(NOON + 60.1, 3), NOON + 60.1, cost=3)
    assert windows.free(NOON + 60.1, 10) == 3
    assert windows.free(NOON + 61, 10) == 3


def test_a_call_that_crosses_the_edge_counts_on_both_sides() -> None:
    windows = Windows()
    grant = windows.take(NOON + 55, 4)

    assert windows.free(NOON + 62, 10) == 6
    windows.settle(grant, NOON + 63, cost=4)
    assert windows.free(NOON + 63, 10) == 6
    assert windows.free(NOON + 122, 10) == 10


def test_the_true_cost_takes_the_place_of_the_expected_one() -> None:
    windows = Windows()
    grant = windows.take(NOON + 5, 1)
    windows.settle(grant, NOON + 6, cost=30)
    assert windows.free(NOON + 6, 100) == 70


def test_others_spend_too() -> None:
    windows = Windows()
    first, second = windows.take(NOON + 5, 1), windows.take(NOON + 5, 1)

    windows.settle(second, NOON + 6, cost=1)
    windows.limit_remaining(NOON + 6, 20)  # one call still under way, which that number may not know of
    assert windows.free(NOON + 6, 300) == 19

    windows.settle(first, NOON + 7, cost=1)
    windows.limit_remaining(NOON + 7, 500)  # an older answer that comes late
    assert windows.free(NOON + 7, 300) == 19
    windows.limit_remaining(NOON + 7, 5)
    assert windows.free(NOON + 7, 300) == 5
    assert windows.free(NOON + 61, 300) == 300


def test_nothing_left() -> None:
    windows = Windows()
    windows.empty(NOON + 10, until=None)
    assert windows.free(NOON + 10, 300) == 0
    assert windows.free(NOON + 61, 300) == 300

    windows.empty(NOON + 61, until=NOON + 130)
    assert windows.free(NOON + 125, 300) == 0
    assert windows.opens(NOON + 125, 300) == 5
    assert windows.free(NOON + 130, 300) == 300


calls = st.lists(
    st.tuples(
        st.floats(0, 3).map(lambda gap: gap**3),  # until the next call
        st.floats(0, 1),  # where between sending and receiving the vendor counts it
        st.floats(0, 20),  # how long it takes
        st.integers(1, 8),  # what it costs
    ),
    max_size=200,
)


@given(calls, st.integers(1, 40), st.floats(-MARGIN, MARGIN))
def test_the_vendor_never_counts_more_than_the_limit(
    calls: list[tuple[float, float, float, int]], limit: int, skew: float
) -> None:
    """Whenever within a call's time the vendor counts it, and with a clock that is off by the margin at most."""
    windows = Windows()
    counted: dict[int, int] = {}
    ends: list[tuple[float, int, object]] = []
    now = NOON
    for order, (gap, where, takes, cost) in enumerate(calls):
        now += gap
        for end, _, grant in sorted(ends, key=lambda entry: entry[:2]):
            if end <= now:
                windows.settle(grant, end, cost=grant.cost)  # type: ignore[arg-type, attr-defined]  # a Grant
                ends = [entry for entry in ends if entry[2] is not grant]
        if windows.free(now, limit) < cost:
            continue
        ends.append((now + takes, order, windows.take(now, cost)))
        minute = math.floor((now + where * takes + skew) / 60)
        counted[minute] = counted.get(minute, 0) + cost
    assert all(units <= limit for units in counted.values())


class Ours:
    def __init__(self) -> None:
        self.now = NOON

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@given(st.floats(-100, 100), st.lists(st.tuples(st.floats(0, 30), st.floats(0, 2)), min_size=1, max_size=30))
def test_the_vendors_clock_is_found_to_a_second(offset: float, answers: list[tuple[float, float]]) -> None:
    ours = Ours()
    vendor = VendorClock(ours)
    for gap, takes in answers:
        ours.now += gap
        sent = ours.now
        ours.now += takes
        vendor.heard(math.floor(sent + takes / 2 + offset), sent=sent, received=ours.now)
        assert abs(vendor.now() - (ours.now + offset)) <= 1 + takes + 1e-6


def test_clocks_in_step_stay_uncorrected() -> None:
    ours = Ours()
    vendor = VendorClock(ours)
    for tenth in range(100):
        ours.now = NOON + tenth / 10
        vendor.heard(math.floor(ours.now), sent=ours.now - 0.05, received=ours.now)
    assert vendor.now() == ours.now


def test_a_refused_rate_is_halved_and_comes_back_slowly() -> None:
    rate = AdaptiveLimit(300, adapts=True)

    rate.refused(100, sent=99)
    rate.refused(101, sent=99.5)  # was under way already
    assert rate.current(101) == 150
    assert rate.current(159) == 150
    assert rate.current(160) == 165
    rate.refused(161, sent=160)
    assert rate.current(161) == 82
    assert rate.current(161 + 20 * 60) == 300
    for step in range(20):
        rate.refused(2000 + step, sent=2000 + step)
    assert rate.current(2020) == 1


def test_a_rate_that_the_upstream_announces_is_not_halved() -> None:
    rate = AdaptiveLimit(300)
    rate.refused(100, sent=99)
    assert rate.current(100) == 300
