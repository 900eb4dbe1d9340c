"""Records that are held in memory, as lanes: found by place, and looked at no further than is asked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

from gateway.model.order import Order, SortKey, Walk
from gateway.model.records import Record
from gateway.paging.merge import Chunk, Lane, Problem

R = TypeVar("R", bound=Record)

AHEAD = 256
"""Rows that a read goes further than was asked: they cost nothing, and what is looked up for a page can be filled up
with what comes next."""


class Snapshot(Generic[R]):
    """Records in memory; each order that is asked for is made once.

    Args:
        rows: The records, in any order.
    """

    def __init__(self, rows: Sequence[R]) -> None:
        self.rows = rows
        self.by_id = {row.source_id: row for row in rows}
        self._ordered: dict[Order, tuple[list[SortKey], list[R]]] = {}

    def along(self, walk: Walk) -> Iterator[R]:
        """The rows of a walk, in its direction."""
        keys, rows = self._in(walk.order)
        low, high = 0, len(rows)
        if walk.start is not None:
            start = walk.order.key(walk.start)
            if walk.backward:
                high = (bisect_right if walk.included else bisect_left)(keys, start)
            else:
                low = (bisect_left if walk.included else bisect_right)(keys, start)
        if walk.stop is not None:
            stop = walk.order.key(walk.stop)
            if walk.backward:
                low = bisect_right(keys, stop)
            else:
                high = bisect_left(keys, stop)
        places = range(high - 1, low - 1, -1) if walk.backward else range(low, high)
        return (rows[place] for place in places)

    def _in(self, order: Order) -> tuple[list[SortKey], list[R]]:
        known = self._ordered.get(order)
        if known is None:
            keyed = sorted((order.key(order.position(row)), place) for place, row in enumerate(self.rows))
            known = self._ordered[order] = [key for key, _ in keyed], [self.rows[place] for _, place in keyed]
        return known


class MemoryLane(Generic[R]):
    """The rows of a snapshot along a walk.

    Args:
        snapshot: The rows.
        walk: The walk.
        admits: Which of them are in the list.
        show: What each of those is shown as; at the same place.
        problems: What of the rows could not be read.
        incomplete: Why rows are missing; see `Chunk`.
    """

    def __init__(
        self,
        snapshot: Snapshot[R],
        walk: Walk,
        *,
        admits: Callable[[R], bool],
        show: Callable[[R], R] | None = None,
        problems: tuple[Problem, ...] = (),
        incomplete: str | None = None,
    ) -> None:
        self._place = walk.order.position
        self._rows = filter(admits, snapshot.along(walk))
        self._show = show
        self._problems = problems
        self._incomplete = incomplete
        self._next: R | None = next(self._rows, None)

    async def read(self, want: int) -> Chunk[R]:
        """The next rows, far more than wanted."""
        rows: list[R] = []
        while self._next is not None and len(rows) < want + AHEAD:
            rows.append(self._next)
            self._next = next(self._rows, None)
        done = self._next is None
        return Chunk(
            rows=rows if self._show is None else [self._show(row) for row in rows],
            frontier=None if done else self._place(rows[-1]),
            done=done,
            more=not done,
            problems=self._problems,
            incomplete=self._incomplete,
        )


class DeferredLane(Generic[R]):
    """A lane that is opened when it is first read, so that nothing is asked for before.

    Args:
        open_lane: Opens it.
    """

    def __init__(self, open_lane: Callable[[], Awaitable[Lane[R]]]) -> None:
        self._open = open_lane
        self._lane: Lane[R] | None = None

    async def read(self, want: int) -> Chunk[R]:
        """The next rows; see `Lane.read`."""
        if self._lane is None:
            self._lane = await self._open()
        return await self._lane.read(want)
