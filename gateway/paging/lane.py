"""One ordered stretch of rows that is read bit by bit."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import msgspec

from gateway.model.order import Position

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True):
    """Something in an upstream answer that could not be read.

    Attributes:
        where: What it is about, in our own words: `"a row without a readable id"`, `"title"`.
        lost: Whether a whole row is missing for it.
    """

    where: str
    lost: bool = False


class Chunk(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What one read of a lane yields.

    Attributes:
        rows: Rows in walk order, each after everything that was read before.
        frontier: The place up to which the lane is now known whole; at or after the last row. None where nothing is
            known yet, or where the lane is done.
        done: Whether nothing comes after these rows.
        more: Whether at least one further row is known to exist (its exact place may not be).
        paused: Whether the lane stops here for this request, though more may follow: its bound on reads is reached.
        hint: About how many rows lie before these in the source's own descending listing; see `Position.hint`.
        problems: What could not be read.
    """

    rows: list[T]
    frontier: Position | None = None
    done: bool = False
    more: bool = False
    paused: bool = False
    hint: int | None = None
    problems: tuple[Problem, ...] = ()


class Lane(Protocol[T]):
    """A source's rows along a walk: strictly after its start, in its order, ending at its stop."""

    async def read(self, want: int) -> Chunk[T]:
        """The next rows; at least one unless done or paused.

        Args:
            want: How many would do; a lane may return more or fewer.

        Raises:
            UpstreamError: The source broke off; what was read before stays valid.
        """
        ...
