"""Cursors: places as text, there and back, and everything that is not a cursor."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.order import MOST_NAME, NameField, OrderField, Position
from gateway.model.records import Source
from gateway.paging.cursor import MalformedCursor, decode, encode

YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999
POSITIONS = st.builds(
    Position,
    value=st.none() | st.integers(YEAR_1, YEAR_9999),
    source=st.sampled_from(Source),
    id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60),
    hint=st.none() | st.integers(0, 10_000_000),
)
PLACE = Position(1_700_000_000_000_000, Source.DRIFT, "slug-1", 40)


@given(POSITIONS, st.sampled_from(OrderField))
def test_a_place_survives_as_text(position: Position, field: OrderField) -> None:
    text = encode(position, field)
    assert text.isascii()
    assert text.isprintable()
    assert not {"+", "/", "="}.intersection(text), "it goes into URLs as it is"
    assert decode(text, field) == position


NAMED = st.builds(
    Position,
    value=st.none() | st.text(st.characters(codec="utf-8"), max_size=MOST_NAME),
    source=st.sampled_from(Source),
    id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60),
)


@given(NAMED)
def test_a_place_by_name_survives_as_text(position: Position) -> None:
    assert decode(encode(position, NameField.NAME), NameField.NAME) == position


def test_a_cursor_is_what_it_has_been() -> None:
    """Clients keep them."""
    slot = Position(1_700_000_000_000_000, Source.DRIFT, "slug-1", 40)
    name = Position("Ann Ähre", Source.SALESLOFT, "7")
    assert encode(slot, OrderField.START_TIME) == "WzEsInMiLDE3MDAwMDAwMDAwMDAwMDAsIkRSSUZUIiwic2x1Zy0xIiw0MF0"
    assert encode(name, NameField.NAME) == "WzEsIm4iLCJBbm4gw4RocmUiLCJTQUxFU0xPRlQiLCI3Il0"


def of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


GOOD = [1, "s", 5, "DRIFT", "a"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "!!!!",
        "é" * 8,
        "a" * 5000,
        of(GOOD) + "!",
        of({"version": 1}),
        of([1]),
        of([*GOOD, 1, 2]),
        of(["1", "s", 5, "DRIFT", "a"]),
        of([1, "s", "5", "DRIFT", "a"]),
        of([1, "s", 5.5, "DRIFT", "a"]),
        of([1, "s", 10**30, "DRIFT", "a"]),
        of([1, "s", YEAR_1 - 1, "DRIFT", "a"]),
        of([1, "s", YEAR_9999 + 1, "DRIFT", "a"]),
        of([1, "s", 5, "drift", "a"]),
        of([1, "s", 5, "HUBSPOT", "a"]),
        of([1, "s", 5, "DRIFT", ""]),
        of([1, "s", 5, "DRIFT", 7]),
        of([1, "s", 5, "DRIFT", "a", -1]),
        of([1, "x", 5, "DRIFT", "a"]),
        of([2, "s", 5, "DRIFT", "a"]),
        of([0, "s", 5, "DRIFT", "a"]),
        of(None),
        of([None, None, None, None, None]),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"arrayconnection:25").decode(),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedCursor):
        decode(text, OrderField.START_TIME)


@pytest.mark.parametrize("field", OrderField)
def test_a_cursor_belongs_to_one_order(field: OrderField) -> None:
    for other in OrderField:
        if other is not field:
            with pytest.raises(MalformedCursor, match="another order"):
                decode(encode(PLACE, field), other)


@pytest.mark.parametrize("value", [5, 5.5, True, ["a"], {}])
def test_a_name_is_text(value: object) -> None:
    with pytest.raises(MalformedCursor):
        decode(of([1, "n", value, "DRIFT", "a"]), NameField.NAME)


def test_an_older_or_newer_version_is_told_apart() -> None:
    with pytest.raises(MalformedCursor, match="version 2"):
        decode(of([2, "s", 5, "DRIFT", "a"]), OrderField.START_TIME)


def test_padding_does_no_harm() -> None:
    text = encode(PLACE, OrderField.START_TIME)
    assert decode(text + "=" * (-len(text) % 4), OrderField.START_TIME) == PLACE
