"""What the generators really draw: everything that the proof is said to cover is in a sample of its cases."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField
from gateway.model.records import Meeting, MeetingStatus, Source
from tests.catalog.asking import fake_of
from tests.catalog.oracle import Oracle, Shown, same_event
from tests.catalog.worlds import SIZES, Case, cases, crowds, subsets

SAMPLE = settings(
    max_examples=2_500, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
CROWDS = settings(SAMPLE, max_examples=100)

RESOLVED = {"persons", "owners", "bookers"}
"""Attributes of a filter that the catalog fills in, no client."""

CONDITIONS = [name for name in MeetingFilter.__struct_fields__ if name not in RESOLVED]
BOUNDS = TimeRange.__struct_fields__


def conditions(wanted: MeetingFilter) -> set[str]:
    """The conditions that a filter sets."""
    wide = MeetingFilter(canceled=Canceled.INCLUDE)
    return {name for name in CONDITIONS if getattr(wanted, name) != getattr(wide, name)}


def features(case: Case) -> Iterator[str]:
    """What there is to be found in one case."""
    fake = fake_of(case)
    oracle = Oracle(fake.rows)
    listed = oracle.listed(case.wanted, case.order)
    yield f"without {'+'.join(sorted(each.name for each in case.off))}"
    if any(oracle.home(row) is not None and all(row not in oracle.near(h) for h in case.rows) for row in case.rows):
        yield "a record of the third source too far from its event"
    given_ = conditions(case.wanted)
    yield f"{case.order.field.name} {'DESC' if case.order.descending else 'ASC'}"
    yield f"canceled: {case.wanted.canceled.name}"
    yield from (f"filter {name}" for name in given_)
    yield from (f"filter {name} that admits something" for name in given_ if listed)
    yield from (f"filters {' and '.join(pair)}" for pair in itertools.combinations(sorted(given_), 2))
    for name in given_:
        value = getattr(case.wanted, name)
        if isinstance(value, frozenset) and not value:
            yield "an empty set"
        if isinstance(value, TimeRange):
            yield from (f"bound {bound}" for bound in BOUNDS if getattr(value, bound) is not None)
    yield from rows(listed, case.order)


def rows(listed: list[Shown], order: Order) -> Iterator[str]:
    """What there is to be found in what is shown."""
    times = [getattr(shown.own, order.field.value) for shown in listed]
    if len(set(times)) < len(times):
        yield "rows at one instant"
    if None in times:
        yield f"rows without {order.field.name}"
    for one, other in itertools.pairwise(sorted({time for time in times if time is not None})):
        yield f"{(other - one) // dt.timedelta(microseconds=1)} us apart"
    for shown in listed:
        yield f"{shown.own.status.name} of {shown.own.source.name}"
        yield from twins(shown)


def twins(shown: Shown) -> Iterator[str]:
    """What there is to be found in one meeting."""
    if shown.twins:
        yield "a folded meeting"
    if len(shown.twins) > 1:
        yield "a meeting with several twins"
    if any(twin.start_time != shown.own.start_time for twin in shown.twins):
        yield "a twin at another time"
    if any(cancelled(twin) != cancelled(shown.own) for twin in shown.twins):
        yield "a twin cancelled on one side only"
    if shown.own.source is not Source.SALESLOFT:
        yield f"a row of {shown.own.source.name} by itself"
    if len({twin.source for twin in shown.twins}) > 1:
        yield "a meeting with twins in both other sources"
    if shown.own.source is Source.DRIFT and shown.twins:
        yield "a meeting of the second source with a twin in the third"
    if any(not same_event(shown.own, twin) for twin in shown.twins):
        yield "a twin of a twin"


def cancelled(meeting: Meeting) -> bool:
    return meeting.status is MeetingStatus.CANCELED


@pytest.fixture(scope="module")
def found() -> Counter[str]:
    """How many cases of a sample have each feature."""
    counts: Counter[str] = Counter()

    @SAMPLE
    @given(case=cases())
    def draw(case: Case) -> None:
        counts.update(set(features(case)))

    draw()
    return counts


ORDERS = [f"{field.name} {direction}" for field in OrderField for direction in ("ASC", "DESC")]
EXPECTED = [
    *ORDERS,
    *(f"canceled: {each.name}" for each in Canceled),
    *(f"filter {name} that admits something" for name in CONDITIONS if name != "under"),
    *(f"bound {bound}" for bound in BOUNDS),
    *(f"rows without {field.name}" for field in OrderField),
    *("an empty set", "rows at one instant", "1 us apart", "998 us apart", "1000 us apart", "1000000 us apart"),
    *("a folded meeting", "a meeting with several twins", "a twin at another time"),
    *("a twin cancelled on one side only", "a row of DRIFT by itself", "a row of CALENDLY by itself"),
    *("a meeting with twins in both other sources", "a meeting of the second source with a twin in the third"),
    *("a twin of a twin", "a record of the third source too far from its event"),
    *(f"without {'+'.join(sorted(each.name for each in off))}" for off in subsets()),
    *(f"{status} of SALESLOFT" for status in ("BOOKED", "CANCELED", "NO_SHOW", "UNKNOWN")),
    *(f"{status} of {name}" for name in ("DRIFT", "CALENDLY") for status in ("BOOKED", "CANCELED", "UNKNOWN")),
]


@pytest.mark.slow
@pytest.mark.parametrize("feature", EXPECTED)
def test_a_sample_has(found: Counter[str], feature: str) -> None:
    assert found[feature] >= 3, f"in {found[feature]} cases of {SAMPLE.max_examples}"


def test_nearly_every_pair_of_conditions_meets(found: Counter[str]) -> None:
    names = sorted({each.removeprefix("filter ") for each in found if each.startswith("filter ")} & set(CONDITIONS))
    pairs = [f"filters {one} and {other}" for one, other in itertools.combinations(names, 2)]
    missing = [pair for pair in pairs if not found[pair]]
    assert len(missing) < len(pairs) / 20, missing  # in a sample; in all 20,000 cases each meets many times


def test_pages_have_every_size() -> None:
    sizes: list[int] = []

    @SAMPLE
    @given(size=SIZES)
    def draw(size: int) -> None:
        sizes.append(size)

    draw()
    assert min(sizes) == 1
    assert max(sizes) == 500
    assert len(set(sizes)) > 250


def test_crowds_have_up_to_300_rows_at_one_instant() -> None:
    most: list[int] = []
    fields: set[Any] = set()

    @CROWDS
    @given(case=crowds(), data=st.data())
    def draw(case: Case, data: st.DataObject) -> None:
        times = [getattr(row, case.order.field.value) for row in case.rows]
        most.append(max(Counter(times).values(), default=0))
        fields.add(case.order)

    draw()
    assert max(most) >= 290
    assert min(most) <= 10
    assert len(fields) == len(ORDERS)
