"""Relay's four arguments -> a walk and a count; and the page that comes of it.

The Relay cursor connection specification takes `first` from behind `after` and `last` from before `before`; both are
one walk, turned round.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from gateway.model.order import Order, Position, Walk

T = TypeVar("T")

DEFAULT_SIZE = 25
MOST_SIZE = 500


class BadWindow(ValueError):
    """Arguments that are not valid together, or out of bounds.

    Args:
        argument: Which one.
        message: What was wrong with it and what would be right.
    """

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(message)
        self.argument = argument


class Window(msgspec.Struct, frozen=True):
    """How many rows along which walk."""

    walk: Walk
    count: int


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A stretch of a connection, in the connection's own order whichever way it was walked.

    Attributes:
        rows: Its rows.
        start: The place of its first row, or where a page without rows begins; None at the very beginning.
        end: The place it reaches to: of its last row, or further where rows without a match were passed over.
        ahead: Whether rows follow in the direction walked.
        ends: Whether it is known that nothing follows, and that nothing of what was read is missing.
        hint: See `Position.hint`.
        aside: See `Position.aside`.
    """

    rows: list[T]
    start: Position | None
    end: Position | None
    ahead: bool
    ends: bool = False
    hint: int | None = None
    aside: tuple[str, ...] = ()


def window(
    order: Order,
    *,
    first: int | None = None,
    after: Position | None = None,
    last: int | None = None,
    before: Position | None = None,
) -> Window:
    """The walk and count that the arguments ask for.

    Raises:
        BadWindow: A size out of range, or both sizes.
    """
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MOST_SIZE:
            raise BadWindow(name, f"must be from 0 to {MOST_SIZE}, not {size}")
    if first is not None and last is not None:
        raise BadWindow("last", "cannot be given together with first")
    if last is not None:
        return Window(Walk(order, backward=True, start=before, stop=after), last)
    return Window(Walk(order, start=after, stop=before), DEFAULT_SIZE if first is None else first)
