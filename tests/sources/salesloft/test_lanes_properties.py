"""Walks over random worlds against an oracle that only sorts and filters: each lane whole, in order, no repeats."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.filters import MeetingFilter
from gateway.model.order import Position, Walk
from gateway.model.records import Meeting
from gateway.paging.merge import Chunk, Lane
from gateway.request import Request
from gateway.sources.salesloft import source
from tests.properties import share
from tests.sources.salesloft.depths import knowing_depth
from tests.sources.salesloft_vendor import NOTHING_KEPT, Vendor
from tests.sources.salesloft_worlds import cases, oracle

pytestmark = pytest.mark.slow


def vendor_of(case: dict[str, Any]) -> Vendor:
    vendor = Vendor(case["world"].rows)
    vendor.most = case["most"]
    # Without paging only a short page shows the last one, so that pages cannot be made smaller.
    vendor.paging = case["paging"] or case["most"] < 100
    return vendor


def lanes_of(vendor: Vendor, walk: Walk, wanted: MeetingFilter) -> list[Lane[Meeting]]:
    listing = source.open(vendor, NOTHING_KEPT).meetings
    assert listing is not None
    return list(listing.lanes(Request(1e9), walk, wanted))


def after_row(walk: Walk, chunk: Chunk[Meeting], before: Position | None) -> Position | None:
    """The place of a chunk's last row, each being after the one before."""
    for each in chunk.rows:
        at = walk.order.position(each)
        assert before is None or walk.before(before, at)
        before = at
    return before


async def whole(vendor: Vendor, case: dict[str, Any], number: int) -> list[Meeting]:
    """A lane read to its end, through as many requests as it pauses for."""
    walk, wanted, wants = case["walk"], case["wanted"], case["wants"]
    lane = lanes_of(vendor, walk, wanted)[number]
    rows: list[Meeting] = []
    frontier: Position | None = None
    last: Position | None = None
    for turn in range(2000):
        chunk = await lane.read(wants[turn % len(wants)])
        assert not any(problem.lost for problem in chunk.problems), chunk.problems
        for each in chunk.rows:
            assert frontier is None or walk.before(frontier, walk.order.position(each)), "a row behind the frontier"
        last = after_row(walk, chunk, last)
        rows.extend(chunk.rows)
        if chunk.done:
            assert not chunk.more
            again = await lane.read(1)
            assert (again.rows, again.done) == ([], True)
            return rows
        assert chunk.frontier is not None
        assert last is None or not walk.before(chunk.frontier, last), "rows beyond the frontier"
        assert frontier is None or not walk.before(chunk.frontier, frontier), "the frontier went back"
        if chunk.paused:
            assert frontier is None or walk.before(frontier, chunk.frontier), "paused without progress"
            lane = lanes_of(vendor, Walk(walk.order, walk.backward, chunk.frontier, walk.stop), wanted)[number]
        else:
            assert chunk.rows
        frontier = chunk.frontier
    raise AssertionError("the walk does not end")


async def check_lanes(case: dict[str, Any]) -> None:
    vendor = vendor_of(case)
    walk, wanted = case["walk"], case["wanted"]
    got: list[Position] = []
    for number in range(len(lanes_of(vendor, walk, wanted))):
        rows = await whole(vendor, case, number)
        got.extend(walk.order.position(each) for each in rows)
    got.sort(key=walk.order.key, reverse=walk.backward)
    assert [at.id for at in got] == oracle(case["world"].rows, walk, wanted)


async def page_of(lanes: list[Lane[Meeting]], walk: Walk, size: int) -> tuple[list[Meeting], Position | None]:
    """The first rows of all lanes merged, up to where all of them are known, and where the next page goes on."""
    rows: list[Meeting] = []
    limits: list[Position] = []
    hint: int | None = None
    for lane in lanes:
        got = 0
        chunk = Chunk[Meeting](rows=[])
        while got < size and not (chunk.done or chunk.paused):
            chunk = await lane.read(size - got)
            got += len(chunk.rows)
            rows.extend(chunk.rows)
            hint = chunk.hint if hint is None else hint
        if not chunk.done:
            assert chunk.frontier is not None
            limits.append(chunk.frontier)
    limit = (min if not walk.backward else max)(limits, key=walk.order.key, default=None)
    place = walk.order.position
    known = [each for each in rows if limit is None or not walk.before(limit, place(each))]
    known.sort(key=lambda each: walk.order.key(place(each)), reverse=walk.backward)
    following = place(known[size - 1]) if len(known) >= size else limit
    if following is not None:
        following = Position(following.value, following.source, following.id, hint)
    return known[:size], following


async def check_pages(case: dict[str, Any], size: int) -> None:
    """Page after page, each from its last row's place in a request of its own, as clients do."""
    vendor = vendor_of(case)
    walk, wanted = case["walk"], case["wanted"]
    expected = oracle(case["world"].rows, walk, wanted)
    got: list[str] = []
    for _ in range(len(expected) + 20):
        rows, following = await page_of(lanes_of(vendor, walk, wanted), walk, size)
        got.extend(each.source_id for each in rows)
        if following is None:
            break
        walk = Walk(walk.order, walk.backward, following, walk.stop)
    assert got == expected


@share(0.15)
@given(cases())
def test_the_lanes_of_a_walk_are_what_sorting_everything_gives(case: dict[str, Any]) -> None:
    asyncio.run(check_lanes(case))


@share(0.05)
@given(cases(fewest_rows=150, most_rows=500, large=True))
def test_runs_longer_than_a_page_are_whole(case: dict[str, Any]) -> None:
    asyncio.run(check_lanes(case))


@share(0.05)
@given(cases(fewest_rows=110, most_rows=500, large=True, instants=(40, 1000)), st.integers(101, 600))
def test_pages_asked_for_at_once_give_the_same(case: dict[str, Any], depth: int) -> None:
    with knowing_depth(depth):
        asyncio.run(check_lanes(case))


@share(0.15)
@given(cases(most_rows=40), st.sampled_from([1, 2, 7, 25]))
def test_page_after_page_gives_the_same(case: dict[str, Any], size: int) -> None:
    asyncio.run(check_pages(case, size))
