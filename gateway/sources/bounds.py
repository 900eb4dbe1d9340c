"""How much an answer may hold: elements of a list, and values of a field that is passed on as it is.

What is within these bounds can be kept, in memory and in Redis, and written into an answer. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, TypeAlias

import msgspec

from gateway.model.records import MOST_ID
from gateway.sources.repair import MARK

MOST_ELEMENTS = 5_000
"""Rows of an answer, and elements of any list in it: what is beyond is nobody's page, and would hold the process up."""

DEEPEST_VALUE = 32
"""Levels of lists and objects within a field that is passed on as it is."""

LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**64 - 1
"""Whole numbers of 64 bits, signed or not."""

Id: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=0, le=MOST_ID)] | Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
)
"""A record's id as it came, number or text; any other is unreadable."""

Int: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""A whole number that GraphQL's `Int` can bear."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""Such a number of things."""

_SIMPLE = frozenset({str, bool, float, type(None)})
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)


def is_number(text: str) -> bool:
    """Whether a text can be a numeric id."""
    return text.isascii() and text.isdigit() and len(text) <= len(str(MOST_ID)) and int(text) <= MOST_ID


class TooLong(Exception):
    """A list has more elements than are read."""


def bearable(value: object, levels: int = DEEPEST_VALUE) -> bool:
    """Whether a value of whatever kind can be kept and written: no number beyond 64 bits, no mark, not too deep.

    Raises:
        TooLong: A list in it has too many elements.
    """
    family = value.__class__
    if family is str:
        return MARK not in value  # type: ignore[operator]  # it is a text
    if family is int:
        return LEAST_INTEGER <= value <= MOST_INTEGER  # type: ignore[operator]  # it is a number
    if isinstance(value, dict):
        return levels > 0 and all(MARK not in name for name in value) and _all_bearable(value.values(), levels)
    if isinstance(value, list):
        if len(value) > MOST_ELEMENTS:
            raise TooLong
        return levels > 0 and _all_bearable(value, levels)
    return True


def _all_bearable(values: Iterable[object], levels: int) -> bool:
    fine = True
    for each in values:  # every one of them, since a list in it may be too long
        fine = bearable(each, levels - 1) and fine
    return fine


def quickly_bearable(value: object) -> bool:
    """Whether a value is an object of texts, flags and fractions alone, as nearly all are.

    Not to be asked of what was repaired.
    """
    return isinstance(value, dict) and _SIMPLE.issuperset(map(type, value.values()))


def overlong(text: bytes) -> bool:
    """Whether a list in some JSON has too many elements; found out before anything is made of it."""
    if text.count(b",") < MOST_ELEMENTS:
        return False
    commas: list[int] = []
    for found in _TOKENS.finditer(text):
        token = found[0]
        if token == b",":
            if commas:
                commas[-1] += 1
                if commas[-1] >= MOST_ELEMENTS:
                    return True
        elif token == b"[":
            commas.append(0)
        elif token == b"{":
            commas.append(-len(text))  # members of an object are no elements
        elif token in b"]}" and commas:
            commas.pop()
    return False
