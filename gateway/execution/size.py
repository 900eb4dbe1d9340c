"""How many fields an answer has: counted while it is made, so that none grows beyond what is allowed.

Rows are counted as they are made. One that stands in several places is made once, though, and written in each of them:
that is bounded from above while it is made, and counted exactly only where the bound is beyond what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.execution.errors import Row, slot_of
from gateway.execution.plan import Selection
from gateway.execution.resolvers import Batch


class AnswerTooLarge(Exception):
    """The answer has more fields than are allowed.

    Args:
        measured: How many were counted.
        allowed: How many it may have.
    """

    def __init__(self, measured: int, allowed: int) -> None:
        super().__init__(f"The answer has more than {allowed} fields.")
        self.measured = measured
        self.allowed = allowed


class FieldCount:
    """The fields of one answer so far.

    Args:
        most: How many it may have; None is no limit.

    Attributes:
        made: Fields of the rows that were made, each counted once.
        bound: Fields of the answer, at most.
    """

    def __init__(self, most: int | None) -> None:
        self.made = 0
        self.bound = 0
        self._most = most
        self._places: dict[Selection, int] = {}

    def add(self, fields: int, shared: Sequence[Selection] = ()) -> None:
        """Counts fields that were made.

        Args:
            fields: How many.
            shared: The selections, at and above theirs, whose rows may stand in several places.

        Raises:
            AnswerTooLarge: They are too many.
        """
        self.made += fields
        if self._places:
            fields *= math.prod([self._places.get(each, 1) for each in shared])
        self.bound += fields
        if self._most is not None and self.made > self._most:
            raise AnswerTooLarge(self.made, self._most)

    def share(self, selection: Selection, places: int) -> None:
        """Takes note that each of some rows stands in no more than so many places below any one row above."""
        self._places[selection] = max(places, self._places.get(selection, 1))

    def check(self, root: Row | None, selections: Mapping[type[Any], Selection]) -> None:
        """Makes sure that a whole answer is not too large.

        Args:
            root: It.
            selections: What each class of rows was made for.

        Raises:
            AnswerTooLarge: It is.
        """
        if self._most is None or self.bound <= self._most or root is None:
            return
        self.bound = _Exact(selections).of_row(root)
        if self.bound > self._most:
            raise AnswerTooLarge(self.bound, self._most)


def shared_above(selection: Selection) -> list[Selection]:
    """The selections, at and above one, whose rows may stand in several places: what is loaded."""
    found: list[Selection] = []
    while selection.owner is not None:
        if isinstance(selection.owner.resolver, Batch):
            found.append(selection)
        selection = selection.owner.within
    return found


class _Exact:
    """Counts the fields of rows in all their places, each row once."""

    def __init__(self, selections: Mapping[type[Any], Selection]) -> None:
        self._widths = {row: len(selection.fields) for row, selection in selections.items()}
        self._deeper = {
            row: [slot_of(place) for place, field in enumerate(selection.fields) if field.below is not None]
            for row, selection in selections.items()
        }
        self._known: dict[int, int] = {}

    def of_row(self, row: Row) -> int:
        known = self._known.get(id(row))
        if known is None:
            kind = type(row)
            known = self._widths[kind] + sum(self._of_value(getattr(row, slot)) for slot in self._deeper[kind])
            self._known[id(row)] = known
        return known

    def _of_value(self, value: Any) -> int:
        if value is None:
            return 0
        return sum(map(self._of_value, value)) if isinstance(value, list | tuple) else self.of_row(value)
