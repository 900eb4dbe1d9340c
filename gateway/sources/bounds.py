"""How much an answer may hold: elements of a list, and values of a field that is passed on as it is.

What is within these bounds can be cached, in memory and in Redis, and written into an answer. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, TypeAlias

import msgspec

from gateway.model.records import MOST_ID
from gateway.sources.repair import MARK

MOST_ELEMENTS = 5_000
"""Rows of an answer, and elements of any list in it: what is beyond is nobody's page, and would hold the process up."""

MOST_VALUES = 10_000
"""Values within a field that is passed on as it is; a CRM allows 800 custom fields."""

DEEPEST_VALUE = 32
"""Levels of lists and objects within a field that is passed on as it is."""

LEAST_INTEGER, MOST_INTEGER = -(2**63), 2**64 - 1
"""Whole numbers of 64 bits, signed or not."""

Id: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=0, le=MOST_ID)] | Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
)
"""An id as it came, number or text; any other is unreadable."""

RecordId: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=0, le=MOST_ID)] | Annotated[str, msgspec.Meta(pattern=r"\A(?:0|[1-9][0-9]{0,18})\Z")]
)
"""The id of a record that is looked up by it: a number, be it sent as text; any other could not be asked for."""

Int: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""A whole number that GraphQL's `Int` can bear."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""Such a number of things."""

_SIMPLE = frozenset({str, bool, float, type(None)})
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def is_number(text: str) -> bool:
    """Whether a text can be a numeric id."""
    return text.isascii() and text.isdigit() and len(text) <= len(str(MOST_ID)) and int(text) <= MOST_ID


class TooLong(Exception):
    """A list has more elements than are read."""


def bearable(value: object) -> bool:
    """Whether a value of whatever kind can be cached and written: see `measured`.

    Raises:
        TooLong: A list in it has too many elements.
    """
    return measured(value) is not None


def measured(value: object) -> int | None:
    """How many values lie within one of whatever kind.

    None where it cannot be cached and written: for a number beyond 64 bits, a mark, too many values, or too deep a one.

    Raises:
        TooLong: A list in it has too many elements.
    """
    waiting: list[tuple[object, int]] = [(value, DEEPEST_VALUE)]
    count, fine = 1, True
    while waiting:
        part, levels = waiting.pop()
        within: Collection[object] = ()
        if isinstance(part, str):
            fine = fine and MARK not in part
        elif isinstance(part, dict):
            fine = fine and not any(MARK in name for name in part)
            within = part.values()
        elif isinstance(part, list):
            within = part
            if len(part) > MOST_ELEMENTS:
                raise TooLong
        elif part.__class__ is int:
            fine = fine and LEAST_INTEGER <= part <= MOST_INTEGER
        count += len(within)
        if count > MOST_VALUES or (within and not levels):
            return None
        waiting.extend((each, levels - 1) for each in within)  # all of them, since a list among them may be too long
    return count if fine else None


def quickly_bearable(value: object) -> bool:
    """Whether a value is an object of texts, flags and fractions alone, as nearly all are.

    Not to be asked of what was repaired.
    """
    return isinstance(value, dict) and len(value) <= MOST_VALUES and _SIMPLE.issuperset(map(type, value.values()))


def overlong(text: bytes) -> bool:
    """Whether a list in some JSON has too many elements; found out before anything is made of it."""
    if text.count(b",") < MOST_ELEMENTS:
        return False
    bare = _TEXT.sub(b"", text)
    commas: list[int] = []
    done = 0
    for found in _BRACKET.finditer(bare):
        start, bracket = found.start(), found[0]
        if commas:
            commas[-1] += bare.count(b",", done, start)
            if commas[-1] >= MOST_ELEMENTS:
                return True
        done = start + 1
        if bracket == b"[":
            commas.append(0)
        elif bracket == b"{":
            commas.append(-len(text))  # members of an object are no elements
        elif commas:
            commas.pop()
    return False
