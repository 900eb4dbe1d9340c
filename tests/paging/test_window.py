"""Relay's four arguments as a walk and a count."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.order import Order, OrderField, Position, Walk
from gateway.model.records import Source
from gateway.paging.window import BadWindow, Window, window

ORDER = Order(OrderField.CREATED_AT, descending=False)
A = Position(1, Source.SALESLOFT, "1")
B = Position(2, Source.SALESLOFT, "2")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, Window(Walk(ORDER), 25)),
        ({"first": 0}, Window(Walk(ORDER), 0)),
        ({"first": 500}, Window(Walk(ORDER), 500)),
        ({"first": 3, "after": A}, Window(Walk(ORDER, start=A), 3)),
        ({"first": 3, "after": A, "before": B}, Window(Walk(ORDER, start=A, stop=B), 3)),
        ({"after": A}, Window(Walk(ORDER, start=A), 25)),
        ({"before": B}, Window(Walk(ORDER, stop=B), 25)),
        ({"last": 0}, Window(Walk(ORDER, backward=True), 0)),
        ({"last": 3, "before": B}, Window(Walk(ORDER, backward=True, start=B), 3)),
        ({"last": 3, "after": A, "before": B}, Window(Walk(ORDER, backward=True, start=B, stop=A), 3)),
        ({"last": 3, "after": A}, Window(Walk(ORDER, backward=True, stop=A), 3)),
    ],
)
def test_arguments_become_a_walk(arguments: dict[str, Any], expected: Window) -> None:
    assert window(ORDER, **arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"first": -1}, "first"),
        ({"first": 501}, "first"),
        ({"last": -1}, "last"),
        ({"last": 501}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"first": 0, "last": 0}, "last"),
        ({"first": 10**12}, "first"),
    ],
)
def test_sizes_that_cannot_be_meant(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(BadWindow) as refused:
        window(ORDER, **arguments)
    assert refused.value.argument == argument
