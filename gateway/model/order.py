"""The one total order of a list, a place in it, and a directed stretch of it.

The rule: by the sort value (a time, or a name whatever its case) in the order's direction; rows that lack it come after
all others, whichever the direction; rows with the same value by source in order of rank, then by id, shorter ids before
longer ones and equally long ones by their text (which is numeric order for numbers), always ascending.
"""

from __future__ import annotations

import datetime as dt
import functools
from operator import attrgetter
from typing import TypeAlias

import msgspec

from gateway.model.records import Record, Source, Word

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
RANK = {source: rank for rank, source in enumerate(Source)}

SortKey: TypeAlias = tuple[int, int | str, int, int, str]

MOST_NAME = 200
"""Characters of a name that count in the order; a cursor stays short so."""


@functools.lru_cache(maxsize=16_384)
def micros(moment: dt.datetime) -> int:
    """Microseconds since 1970, exact; remembered, since the order asks it of cached records again and again."""
    return (moment - EPOCH) // MICROSECOND


def moment(value: int) -> dt.datetime:
    """The instant that many microseconds after 1970."""
    return EPOCH + value * MICROSECOND


def id_key(text: str) -> tuple[int, str]:
    """What ids of one source are ordered by: `"9"` before `"10"`, any text after any shorter one."""
    return len(text), text


class OrderField(Word):
    """The time that a list is ordered by."""

    START_TIME = "start_time"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


class NameField(Word):
    """The name that a list is ordered by, always ascending."""

    NAME = "name"


_VALUES = {field: attrgetter(field.value) for field in (*OrderField, *NameField)}


class Order(msgspec.Struct, frozen=True):
    """A total order of records."""

    field: OrderField | NameField = OrderField.START_TIME
    descending: bool = True

    def value(self, record: Record) -> dt.datetime | None:
        """The time that an order by time goes by."""
        value: dt.datetime | None = _VALUES[self.field](record)
        return value

    def position(self, record: Record, hint: int | None = None, aside: tuple[str, ...] = ()) -> Position:
        """Where a record stands in this order; for `hint` and `aside` see `Position`."""
        value: dt.datetime | str | None = _VALUES[self.field](record)
        if isinstance(value, dt.datetime):
            return Position(micros(value), record.source, record.source_id, hint, aside)
        name = None if value is None else value[:MOST_NAME]
        return Position(name, record.source, record.source_id, hint, aside)

    def key(self, position: Position) -> SortKey:
        """What positions compare by in this order."""
        value = position.value
        if value is None:
            return 1, 0, RANK[position.source], len(position.id), position.id
        if isinstance(value, str):
            value = value.casefold()
        elif self.descending:
            value = -value
        return 0, value, RANK[position.source], len(position.id), position.id


MOST_ASIDE = 16
MANY = "*"
"""Stands among the rows put aside for more than `MOST_ASIDE`."""

BY_NAME = Order(NameField.NAME, descending=False)
NEWEST_FIRST = Order(OrderField.CREATED_AT, descending=True)


class Position(msgspec.Struct, frozen=True):
    """A place in an order: of a row that may be gone by now.

    Attributes:
        value: Microseconds since 1970, or as much of a name as counts; None for rows that lack the sort value.
        source: The row's source.
        id: The row's id there.
        hint: About how many rows lie before it in the source's own descending listing, for sources that cannot
            filter on the value; where to look first, never what to believe. No part of the order.
        aside: Ids of rows that were come by on the way and put aside, since their sort value is there but cannot be
            read: they come last. `MANY` stands for more than can be named. No part of the order.
    """

    value: int | str | None
    source: Source
    id: str
    hint: int | None = None
    aside: tuple[str, ...] = ()

    @property
    def time(self) -> int | None:
        """The sort value of a place in an order by time."""
        return self.value if isinstance(self.value, int) else None


class Walk(msgspec.Struct, frozen=True):
    """A stretch of an order, walked in one direction.

    Attributes:
        order: The order.
        backward: Whether it is walked from the end towards the beginning.
        start: The place walked from, not part of the stretch; None is the order's own beginning (or end, backward).
        stop: The place walked to, not part of the stretch; None is the order's own end (or beginning, backward).
        included: Whether the start is part of the stretch after all.
    """

    order: Order = Order()
    backward: bool = False
    start: Position | None = None
    stop: Position | None = None
    included: bool = False

    @property
    def descending(self) -> bool:
        """Whether values fall along the walk."""
        return self.order.descending != self.backward

    def turned(self) -> Walk:
        """All that the walk leaves behind it, walked away from it: its start, if it has one, comes first."""
        return Walk(self.order, backward=not self.backward, start=self.start, included=not self.included)

    def onward(self) -> Walk:
        """All from the walk's stop on, walked on: the stop comes first."""
        return Walk(self.order, backward=self.backward, start=self.stop, included=True)

    def passed(self, position: Position) -> bool:
        """Whether a place lies before what is walked."""
        if self.start is None:
            return False
        return self.before(position, self.start) if self.included else not self.before(self.start, position)

    def beyond(self, position: Position) -> bool:
        """Whether a place lies at or after the walk's stop."""
        return self.stop is not None and not self.before(position, self.stop)

    def before(self, one: Position, other: Position) -> bool:
        """Whether the walk comes to one place earlier than to the other."""
        a, b = self.order.key(one), self.order.key(other)
        return b < a if self.backward else a < b
