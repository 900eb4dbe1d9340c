"""Lanes, which are read bit by bit, and a k-way merge of them that reads no further than the rows asked for need.

A row may be emitted once every lane that is not done is known whole up to its place: the earliest frontier among the
open lanes is the limit. A lane that never started is left out; one that breaks off, or pauses, stops the merge at its
frontier, so that a page is short rather than holed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from gateway.errors import GatewayError
from gateway.model.order import MANY, MOST_ASIDE, Position, SortKey, Walk

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True):
    """Something in an upstream answer that could not be read.

    Attributes:
        where: What it is about, in our own words: `"a row without a readable id"`, `"title"`.
        lost: Whether rows are missing for it.
        rows: Ids of the rows concerned, as far as they are known, so that a row that is read twice is counted once; of
            lost rows something else that tells them apart.
    """

    where: str
    lost: bool = False
    rows: frozenset[str] = frozenset()


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
        aside: See `Position.aside`.
        problems: What could not be read.
        incomplete: Why rows are missing though nothing failed, in a sentence for clients; None where none are.
    """

    rows: list[T]
    frontier: Position | None = None
    done: bool = False
    more: bool = False
    paused: bool = False
    hint: int | None = None
    aside: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    incomplete: str | None = None


class Lane(Protocol[T]):
    """A source's rows along a walk: strictly after its start, in its order, ending at its stop."""

    async def read(self, want: int) -> Chunk[T]:
        """The next rows: at least one, or a frontier further on, unless done or paused.

        Args:
            want: How many would do; a lane may return more or fewer.

        Raises:
            UpstreamError: The source broke off; what was read before stays valid.
        """
        ...


@runtime_checkable
class FarReaching(Protocol):
    """A lane that can read several of its parts at once, given how far the walk goes."""

    def reach(self, place: Position) -> None:
        """Has the next read go on to a place, which other lanes' rows say that the page will not end before.

        Rows of this lane's own may fill the page sooner.
        """
        ...


def put_aside(names: Iterable[str]) -> tuple[str, ...]:
    """Rows that were put aside, as a position has them."""
    known = sorted(set(names))
    return (MANY,) if MANY in known or len(known) > MOST_ASIDE else tuple(known)


class Track(Generic[T]):
    """How far one lane has been read.

    Attributes:
        frontier: The key of the place up to which it is known whole; None before the first row of anything is.
        error: Why it broke off, or never started.
    """

    def __init__(self, lane: Lane[T]) -> None:
        self.lane = lane
        self.rows: deque[tuple[SortKey, T]] = deque()
        self.frontier: Position | None = None
        self.started = False
        self.done = False
        self.more = False
        self.paused = False
        self.error: GatewayError | None = None
        self.problems: list[Problem] = []
        self.aside: tuple[str, ...] = ()
        self.incomplete: str | None = None

    @property
    def open(self) -> bool:
        """Whether rows of it that were not read yet may come: a lane that never started is left out."""
        return not self.done and not (self.error is not None and not self.started)

    @property
    def stuck(self) -> bool:
        """Whether it stands still short of its end."""
        return self.open and (self.paused or self.error is not None)

    async def read(self, want: int, key: Callable[[T], SortKey]) -> Chunk[T] | None:
        """Reads on; what fails is in `error`."""
        try:
            chunk = await self.lane.read(want)
        except GatewayError as error:
            self.error = error
            return None
        self.started = True
        self.rows.extend((key(row), row) for row in chunk.rows)
        self.frontier = chunk.frontier or self.frontier
        self.done, self.more, self.paused = chunk.done, chunk.more, chunk.paused
        self.problems.extend(chunk.problems)
        self.aside = chunk.aside
        self.incomplete = chunk.incomplete or self.incomplete
        return chunk


class Merge(Generic[T]):
    """Lanes merged along a walk.

    Args:
        lanes: Lanes of that walk.
        walk: Its order and direction.
        place: Where a row stands.

    Attributes:
        tracks: How far each lane has been read, in the lanes' order.
        hint: See `Position.hint`; of the last read that gave one.
        rounds: How often lanes were read, each time after the last.
    """

    def __init__(self, lanes: Sequence[Lane[T]], walk: Walk, place: Callable[[T], Position]) -> None:
        self.tracks = [Track(lane) for lane in lanes]
        self.walk = walk
        self.hint: int | None = None
        self.rounds = 0
        self._place = place
        self._ready: deque[T] = deque()

    @property
    def aside(self) -> tuple[str, ...]:
        """See `Position.aside`."""
        return put_aside(name for track in self.tracks for name in track.aside)

    @property
    def stuck(self) -> bool:
        """Whether it stands still short of the end because a lane paused or broke off."""
        return any(track.stuck for track in self.tracks)

    @property
    def frontier(self) -> Position | None:
        """The place up to which everything is known, None where all of it is (or nothing yet)."""
        known = [track.frontier for track in self.tracks if track.open]
        places = [place for place in known if place is not None]
        if not known or len(places) < len(known):
            return None
        first = min if not self.walk.backward else max
        return first(places, key=self.walk.order.key)

    def unread(self) -> list[T]:
        """Rows that were read and not taken yet, in order; more may come between them."""
        buffered = [pair for track in self.tracks for pair in track.rows]
        buffered.sort(key=itemgetter(0), reverse=self.walk.backward)
        return [*self._ready, *(row for _, row in buffered)]

    async def take(self, count: int) -> list[T]:
        """The next rows in order; fewer than `count` only at the end, or where a lane stands still."""
        while len(self._ready) < count and await self.advance(count - len(self._ready)):
            pass
        return [self._ready.popleft() for _ in range(min(count, len(self._ready)))]

    async def advance(self, want: int) -> bool:
        """Reads on the lanes that nothing can be emitted beyond, once; False where none of them can be read on."""
        blocking = self._blocking()
        if not blocking or any(track.stuck for track in blocking):
            return False
        self.rounds += 1
        goal = self._goal(want)
        for track in blocking:
            if goal is not None and isinstance(track.lane, FarReaching):
                track.lane.reach(goal)
        chunks = await asyncio.gather(*(track.read(want, self._key) for track in blocking))
        self.hint = next((chunk.hint for chunk in chunks if chunk and chunk.hint is not None), self.hint)
        self._release()
        return True

    def emitted(self) -> list[T]:
        """The rows that nothing can come before any more, all of them."""
        rows = [*self._ready]
        self._ready.clear()
        return rows

    def _key(self, row: T) -> SortKey:
        return self.walk.order.key(self._place(row))

    def _goal(self, want: int) -> Position | None:
        """Where so many of the rows that are known to exist end; None where there are not so many.

        Of a lane that holds back its last rows, one more may be known to exist than was read.
        """
        buffered = [row for track in self.tracks for row in track.rows]
        known = len(buffered) + sum(track.open and track.more for track in self.tracks)
        if not buffered or known < want or not any(isinstance(track.lane, FarReaching) for track in self.tracks):
            return None
        buffered.sort(key=itemgetter(0), reverse=self.walk.backward)
        return self._place(buffered[min(want, len(buffered)) - 1][1])

    def _blocking(self) -> list[Track[T]]:
        """The open lanes that nothing can be emitted beyond: those not begun, else those at the earliest frontier."""
        waiting = [track for track in self.tracks if track.open]
        fresh = [track for track in waiting if track.frontier is None]
        if fresh:
            return fresh
        limit = self.frontier
        return [track for track in waiting if track.frontier == limit]

    def _release(self) -> None:
        """Moves every row that nothing can come before any more to the ready ones."""
        limit: SortKey | None = None
        if any(track.open for track in self.tracks):
            place = self.frontier
            if place is None:
                return
            limit = self.walk.order.key(place)
        released: list[tuple[SortKey, T]] = []
        for track in self.tracks:
            rows = track.rows
            if limit is None:
                released.extend(rows)
                rows.clear()
            elif self.walk.backward:
                while rows and rows[0][0] >= limit:
                    released.append(rows.popleft())
            else:
                while rows and rows[0][0] <= limit:
                    released.append(rows.popleft())
        released.sort(key=itemgetter(0), reverse=self.walk.backward)
        self._ready.extend(row for _, row in released)
