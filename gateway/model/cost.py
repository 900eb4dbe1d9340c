"""What upstream calls cost, as ports say it before any of them is made."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from gateway.model.order import NameField, OrderField
from gateway.model.records import Source


class Assumed(msgspec.Struct, frozen=True):
    """The sizes that are assumed where they are unknown.

    Attributes:
        entries: Entries of a list that has no page: attendees, participants, a person's cadences, a cadence's steps.
        users: Members of the team.
        cadences: Cadences of the team.
        steps: Steps of all its cadences.
        addresses: E-mail addresses of a person.
        meetings_a_day: Meetings that begin in a day.
    """

    entries: int = 10
    users: int = 500
    cadences: int = 500
    steps: int = 5_000
    addresses: int = 3
    meetings_a_day: int = 30


ASSUMED = Assumed()


class How(enum.Enum):
    """How calls follow from keys."""

    EACH = "each"
    """A call a key."""
    BATCH = "batch"
    """A call for the keys of one level that go together, so many at a time."""
    ONCE = "once"
    """Once an operation, however many ask for it."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of upstream call.

    Attributes:
        source: The source.
        endpoint: The endpoint's name, as in the trace.
        how: How calls follow from keys.
        keys: What the keys are: those that go together have one name.
        size: Keys that one call takes, where they go together.
        times: Calls, where it is made once an operation.
        most: Calls at most, where there cannot be more keys.
    """

    source: Source
    endpoint: str
    how: How
    keys: str
    size: int = 1
    times: int = 1
    most: int | None = None

    def calls(self, keys: int) -> int:
        """The calls that so many keys take, each of one unit."""
        count = {How.EACH: keys, How.BATCH: math.ceil(keys / self.size), How.ONCE: self.times}
        return count[self.how] if self.most is None else min(count[self.how], self.most)


Needs: TypeAlias = list[tuple[Ask, int]]
"""Asks, each with its number of keys."""


class ListShape(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a list, as far as its price depends on it.

    Attributes:
        rows: Rows of a page at most.
        conditions: The filter's conditions by the names of its attributes, as plain values; a source's own ones are a
            mapping under the source's name in lower case.
        order: What it is ordered by.
        descending: In which direction.
        placed: Whether it is walked from a place, or to one.
        total: Whether its total is asked for.
        turns: Whether it matters what lies behind the place that it is walked from.
    """

    rows: int
    conditions: Mapping[str, Any] = {}
    order: OrderField | NameField = OrderField.START_TIME
    descending: bool = True
    placed: bool = False
    total: bool = False
    turns: bool = False

    def values(self, *names: str) -> int:
        """How many values the longest of some conditions has."""
        return max((count(self.conditions.get(name)) for name in names), default=0)

    def given(self, *names: str) -> bool:
        """Whether any of some conditions is given."""
        return any(self.conditions.get(name) is not None for name in names)


class ListPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What a listing's part of a page costs.

    Attributes:
        ask: Its calls.
        calls: How many.
        walks: Walks upstream that it is put together from; none where it is held in memory.
    """

    ask: Ask
    calls: int
    walks: int = 0


def count(value: object) -> int:
    """How many values a condition has."""
    return len(value) if isinstance(value, list | tuple) else int(value is not None)
