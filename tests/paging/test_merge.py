"""The k-way merge: everything once and in order, and no lane read further ahead than it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamTimeout
from gateway.model.order import Order, Position, Walk
from gateway.model.records import Source
from gateway.paging.merge import Chunk, Merge, Problem
from tests.properties import share

UP = Order(descending=False)
DOWN = UpstreamTimeout("slow", source="X")


def at(value: int, lane: int = 0) -> Position:
    return Position(value, Source.SALESLOFT, f"{lane}{value:03}")


class ListLane:
    """Rows, so many a read; breaks off or pauses after some reads."""

    def __init__(
        self,
        rows: list[Position],
        *,
        size: int = 2,
        breaks: int | None = None,
        pauses: int | None = None,
        tells: bool = True,
    ) -> None:
        self.left = list(rows)
        self.size = size
        self.breaks = breaks
        self.pauses = pauses
        self.tells = tells
        self.reads = 0

    async def read(self, want: int) -> Chunk[Position]:
        await asyncio.sleep(0)
        self.reads += 1
        if self.breaks is not None and self.reads > self.breaks:
            raise DOWN
        rows, self.left = self.left[: self.size], self.left[self.size :]
        paused = self.pauses is not None and self.reads >= self.pauses
        if not self.left:
            return Chunk(rows=rows, done=True, problems=(Problem("title"),))
        return Chunk(rows=rows, frontier=rows[-1] if rows else None, more=self.tells, paused=paused)


def merge(*lanes: Any, walk: Walk | None = None) -> Merge[Position]:
    return Merge(lanes, walk or Walk(UP), lambda row: row)


@pytest.fixture(scope="module")
def run() -> Iterator[Any]:
    with asyncio.Runner() as runner:
        yield runner.run


async def taken(merged: Merge[Position], counts: Iterator[int]) -> list[Position]:
    rows: list[Position] = []
    while got := await merged.take(next(counts)):
        rows += got
    return rows


WALKS = st.builds(Walk, st.builds(Order, descending=st.booleans()), backward=st.booleans())
PLACES = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=12), max_size=5)


@share(0.05)
@given(PLACES, st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(1, 5), WALKS)
def test_everything_comes_once_and_in_order(
    run: Any, lists: list[list[int]], counts: list[int], size: int, walk: Walk
) -> None:
    # The same value in several lanes: told apart by the id, as any rows are.
    rows = [[at(value, number) for value in values] for number, values in enumerate(lists)]

    def along(places: list[Position]) -> list[Position]:
        return sorted(places, key=walk.order.key, reverse=walk.backward)

    merged = merge(*(ListLane(along(lane), size=size) for lane in rows), walk=walk)
    got = run(taken(merged, (counts[n % len(counts)] for n in range(10_000))))
    assert got == along([place for lane in rows for place in lane])
    assert not merged.stuck


async def test_it_takes_no_more_than_asked() -> None:
    lane = ListLane([at(n) for n in range(10)], size=4)
    merged = merge(lane)
    assert await merged.take(3) == [at(0), at(1), at(2)]
    assert lane.reads == 1
    assert merged.unread() == [at(3)]
    assert await merged.take(1) == [at(3)]
    assert lane.reads == 1
    assert await merged.take(0) == []
    assert lane.reads == 1


async def test_only_the_lane_that_blocks_is_read_on() -> None:
    near, far = ListLane([at(n) for n in range(20)]), ListLane([at(n) for n in range(100, 120)])
    merged = merge(near, far)
    assert await merged.take(20) == [at(n) for n in range(20)]
    assert near.reads == 10
    assert far.reads == 1


async def test_lanes_that_block_together_are_read_together() -> None:
    begun: list[int] = []

    class Slow(ListLane):
        async def read(self, want: int) -> Chunk[Position]:
            begun.append(want)
            await asyncio.sleep(0)
            assert len(begun) == 2, "both have begun before either is done"
            return await super().read(want)

    assert await merge(Slow([at(1)]), Slow([at(2)])).take(5) == [at(1), at(2)]


async def test_a_lane_that_never_started_is_left_out() -> None:
    merged = merge(ListLane([at(1), at(3)]), ListLane([at(2)], breaks=0))
    assert await merged.take(5) == [at(1), at(3)]
    assert not merged.stuck
    assert [track.error for track in merged.tracks] == [None, DOWN]


async def test_a_lane_that_breaks_off_stops_the_merge_where_it_stands() -> None:
    merged = merge(ListLane([at(n) for n in (1, 4, 6, 8)]), ListLane([at(n) for n in (2, 3, 5, 7)], breaks=1))
    assert await merged.take(9) == [at(1), at(2), at(3)]
    assert merged.stuck
    assert merged.frontier == at(3)
    assert await merged.take(9) == [], "what lies beyond is not known whole"
    assert merged.unread() == [at(4)]


async def test_a_lane_that_pauses_stops_the_merge_too() -> None:
    merged = merge(ListLane([at(n) for n in (1, 9, 10)]), ListLane([at(n) for n in (2, 3, 5, 7)], pauses=1))
    assert await merged.take(9) == [at(1), at(2), at(3)]
    assert merged.stuck
    assert merged.tracks[1].paused


async def test_a_lane_stuck_beyond_what_is_taken_does_no_harm() -> None:
    merged = merge(ListLane([at(n) for n in (1, 2, 3)]), ListLane([at(n) for n in (4, 5, 6)], breaks=1))
    assert await merged.take(3) == [at(1), at(2), at(3)]


async def test_an_empty_chunk_moves_the_frontier() -> None:
    class Passing:
        """Passes over rows that nobody wants."""

        def __init__(self) -> None:
            self.frontiers = [at(5), at(50)]

        async def read(self, want: int) -> Chunk[Position]:
            return Chunk(rows=[], frontier=self.frontiers.pop(0), paused=not self.frontiers)

    merged = merge(ListLane([at(n) for n in (1, 2, 30)], size=3), Passing())
    assert await merged.take(9) == [at(1), at(2), at(30)]
    assert merged.frontier == at(50)
    assert merged.stuck


async def test_faults_of_our_own_are_not_swallowed() -> None:
    class Broken:
        async def read(self, want: int) -> Chunk[Position]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await merge(Broken()).take(1)


async def test_problems_are_gathered_by_lane() -> None:
    merged = merge(ListLane([at(1)]), ListLane([]))
    await merged.take(2)
    assert [track.problems for track in merged.tracks] == [[Problem("title")], [Problem("title")]]


async def test_no_lanes_are_no_rows() -> None:
    merged = merge()
    assert await merged.take(5) == []
    assert not merged.stuck
    assert merged.frontier is None
