"""The one total order, and walks along it."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.order import Order, OrderField, Position, Walk, id_key, micros, moment
from gateway.model.records import Meeting, Source

UP, DOWN = Order(descending=False), Order(descending=True)
S, D = Source.SALESLOFT, Source.DRIFT


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_microseconds_are_exact(when: dt.datetime) -> None:
    assert moment(micros(when)) == when


@pytest.mark.parametrize(
    ("order", "places"),
    [
        (UP, [Position(1, S, "1"), Position(2, S, "1"), Position(None, S, "1")]),
        (DOWN, [Position(2, S, "1"), Position(1, S, "1"), Position(None, S, "1")]),
        (UP, [Position(1, S, "2"), Position(1, S, "10"), Position(1, D, "1")]),
        (DOWN, [Position(1, S, "2"), Position(1, S, "10"), Position(1, D, "1")]),
        (DOWN, [Position(None, S, "9"), Position(None, S, "10"), Position(None, D, "a"), Position(None, D, "b")]),
        (UP, [Position(-5, S, "1"), Position(0, S, "1"), Position(5, S, "1")]),
        (DOWN, [Position(5, S, "1"), Position(0, S, "1"), Position(-5, S, "1")]),
    ],
)
def test_the_order_of_places(order: Order, places: list[Position]) -> None:
    for shuffled in itertools.permutations(places):
        assert sorted(shuffled, key=order.key) == places


def test_ids_are_ordered_as_numbers_where_they_are_numbers() -> None:
    assert sorted(["10", "9", "100", "1"], key=id_key) == ["1", "9", "10", "100"]


def test_the_hint_is_no_part_of_the_order() -> None:
    assert UP.key(Position(1, S, "1", hint=7)) == UP.key(Position(1, S, "1"))


@pytest.mark.parametrize("field", OrderField)
def test_a_meeting_stands_at_the_time_that_the_order_goes_by(field: OrderField) -> None:
    when = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    meeting = Meeting(source=D, source_id="slug", **{field.value: when})  # type: ignore[arg-type]  # by name
    assert Order(field).position(meeting) == Position(micros(when), D, "slug")
    others = [Order(other).position(meeting) for other in OrderField if other is not field]
    assert others == [Position(None, D, "slug")] * 2


PLACES = st.builds(
    Position,
    st.none() | st.integers(0, 3),
    st.sampled_from(Source),
    st.sampled_from(["1", "2", "10"]),
)
WALKS = st.builds(
    Walk,
    st.builds(Order, descending=st.booleans()),
    backward=st.booleans(),
    start=st.none() | PLACES,
    stop=st.none() | PLACES,
    included=st.booleans(),
)
EVERYWHERE = [Position(v, s, i) for v in (None, 0, 1, 2, 3) for s in Source for i in ("1", "2", "10")]


@given(WALKS)
def test_a_walk_and_its_turning_share_nothing_and_leave_nothing_out(walk: Walk) -> None:
    turned = walk.turned()
    assert turned.backward is not walk.backward
    for place in EVERYWHERE:
        if walk.start is not None:
            assert walk.passed(place) is not turned.passed(place)
        else:
            assert not walk.passed(place)


@given(WALKS)
def test_onward_begins_where_a_walk_stops(walk: Walk) -> None:
    onward = walk.onward()
    for place in EVERYWHERE:
        if walk.stop is not None:
            assert walk.beyond(place) is not onward.passed(place)
        assert not onward.beyond(place)


@given(WALKS, PLACES, PLACES)
def test_before_is_strict_and_total(walk: Walk, one: Position, other: Position) -> None:
    assert walk.before(one, other) + walk.before(other, one) == (one != other)


def test_a_start_is_part_of_the_walk_only_where_included() -> None:
    place = Position(1, S, "1")
    assert Walk(UP, start=place).passed(place)
    assert not Walk(UP, start=place, included=True).passed(place)


@pytest.mark.parametrize(
    ("descending", "backward", "falls"), [(True, False, True), (True, True, False), (False, True, True)]
)
def test_values_fall_along_a_walk_where_its_order_does(descending: bool, backward: bool, falls: bool) -> None:
    assert Walk(Order(descending=descending), backward=backward).descending is falls
