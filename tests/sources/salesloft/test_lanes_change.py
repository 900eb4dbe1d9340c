"""Walks while rows come and go, between pages and in the middle of one."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import UpstreamUnavailable
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField, Position, Walk
from gateway.model.records import Meeting
from gateway.paging.merge import Problem
from gateway.request import Request
from gateway.sources.salesloft import source
from tests.properties import share
from tests.sources.salesloft.depths import knowing_depth
from tests.sources.salesloft_vendor import NOTHING_KEPT, Row, Vendor
from tests.sources.salesloft_worlds import EPOCH, World, formatted, oracle

pytestmark = pytest.mark.slow


class Restless:
    """A world that changes before some of the vendor's answers; knows which rows it has touched."""

    def __init__(self, world: World, vendor: Vendor, rate: float, seed: int) -> None:
        self.world = world
        self.vendor = vendor
        self.rate = rate
        self.random = random.Random(seed)
        self.touched: set[str] = set()
        self.now = EPOCH + timedelta(days=3650)
        vendor.before = self.change

    def change(self, _: int) -> None:
        """One row comes, goes, is cancelled, restored, moved or merely changed."""
        if self.random.random() >= self.rate:
            return
        rows = self.vendor.rows
        action = self.random.randrange(5)
        if action == 0 or not rows:
            fresh = self.world.new_row()
            fresh["created_at"] = fresh["updated_at"] = self.later()
            rows.insert(0, fresh)
            self.touched.add(str(fresh["id"]))
            return
        each: Row = self.random.choice(rows)
        self.touched.add(str(each["id"]))
        if action == 1:
            rows.remove(each)
            return
        each["updated_at"] = self.later()
        if action == 2:
            each["canceled_at"] = None if each["canceled_at"] else self.later()
        elif action == 3:
            each["start_time"] = self.world.instant()

    def later(self) -> str:
        self.now += timedelta(seconds=1)
        return formatted(self.now)


async def walked(
    vendor: Vendor, walk: Walk, wanted: MeetingFilter, size: int, number: int
) -> tuple[list[Meeting], list[Problem]]:
    """One lane, page after page, each in a request of its own; a page that breaks off is asked for again."""
    listing = source.open(vendor, NOTHING_KEPT).meetings
    assert listing is not None
    got: list[Meeting] = []
    problems: list[Problem] = []
    for _ in range(2000):
        lane = listing.lanes(Request(1e9), walk, wanted)[number]
        page: list[Meeting] = []
        following: Position | None = None
        done = paused = False
        while len(page) < size and not done and not paused:
            try:
                chunk = await lane.read(size - len(page))
            except UpstreamUnavailable:
                break
            problems.extend(chunk.problems)
            page.extend(chunk.rows)
            following, done, paused = chunk.frontier, chunk.done, chunk.paused
        assert len({each.source_id for each in page}) == len(page)
        places = [walk.order.position(each) for each in page]
        assert all(walk.before(one, other) for one, other in itertools.pairwise(places))
        got.extend(page[:size])
        if done and len(page) <= size:
            return got, problems
        start = places[size - 1] if len(page) >= size else following
        walk = walk if start is None else Walk(walk.order, walk.backward, start, walk.stop)
    raise AssertionError("the walk does not end")


@st.composite
def changing(draw: st.DrawFn) -> dict[str, Any]:
    long_runs = draw(st.integers(0, 3)) == 0
    at_once = not long_runs and draw(st.integers(0, 2)) == 0
    size = draw(st.integers(120, 350)) if long_runs or at_once else draw(st.integers(0, 60))
    instants = draw(st.sampled_from([1, 2] if long_runs else [40, 1000] if at_once else [2, 5, 40, 1000]))
    return {
        "world": World(draw(st.integers(0, 10**6)), size, instants, timedelta(microseconds=1)),
        "walk": Walk(
            Order(draw(st.sampled_from(OrderField)), descending=draw(st.booleans())), backward=draw(st.booleans())
        ),
        "wanted": MeetingFilter(canceled=draw(st.sampled_from(Canceled))),
        "size": draw(st.sampled_from([30, 100] if long_runs else [100, 200] if at_once else [1, 3, 10, 30])),
        "depth": draw(st.integers(101, 400)) if at_once else 0,
        "rate": draw(st.sampled_from([0.2, 1.0])),
        "seed": draw(st.integers(0, 10**6)),
        "restless": draw(st.booleans()) and not (long_runs or at_once),
    }


PAGES_OF_SEVERAL_MOMENTS: dict[str, Any] = {
    "world": World(0, 214, 1, timedelta(microseconds=1)),
    "walk": Walk(Order(OrderField.UPDATED_AT, descending=False), backward=True),
    "wanted": MeetingFilter(),
    "size": 100,
    "depth": 0,
    "rate": 1.0,
    "seed": 1,
    "restless": False,
}
"""Found: a page that the request had read before stood for one that was to be read now, and hid a row."""

A_PAGE_BEYOND_THE_END: dict[str, Any] = {
    "world": World(9, 151, 1, timedelta(microseconds=1)),
    "walk": Walk(Order(OrderField.START_TIME, descending=False), backward=True),
    "wanted": MeetingFilter(),
    "size": 30,
    "depth": 0,
    "rate": 1.0,
    "seed": 22,
    "restless": False,
}
"""Found: a page beyond the end of a list that became shorter stood for its end: rows without a value were lost."""


@share(0.1)
@given(changing())
@example(PAGES_OF_SEVERAL_MOMENTS)
@example(A_PAGE_BEYOND_THE_END)
def test_a_row_that_stays_as_it_is_appears_exactly_once(case: dict[str, Any]) -> None:
    async def check() -> None:
        world, walk, wanted = case["world"], case["walk"], case["wanted"]
        vendor = Vendor(world.rows)
        vendor.restless = case["restless"]
        before = oracle(vendor.rows, walk, wanted)
        changes = Restless(world, vendor, case["rate"], case["seed"])
        got: list[str] = []
        problems: list[Problem] = []
        for number in range(2 if wanted.canceled is Canceled.INCLUDE else 1):
            rows, told_of = await walked(vendor, walk, wanted, case["size"], number)
            got.extend(each.source_id for each in rows)
            problems.extend(told_of)
        still = [identifier for identifier in before if identifier not in changes.touched]
        seen = [identifier for identifier in got if identifier in set(still)]
        assert len(seen) == len(set(seen)), "a row twice"
        if not any(problem.lost for problem in problems):
            assert set(seen) == set(still)
        if wanted.canceled is not Canceled.INCLUDE:
            assert seen == [identifier for identifier in still if identifier in set(seen)]

    with knowing_depth(case["depth"]):
        asyncio.run(check())
