"""Records in memory along any walk, against brute force."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.order import BY_NAME, NEWEST_FIRST, Order, OrderField, Walk
from gateway.model.records import Cadence, Source
from gateway.paging import memory
from gateway.paging.memory import MemoryLane, Snapshot

NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
ORDERS = [BY_NAME, NEWEST_FIRST, Order(OrderField.UPDATED_AT, descending=False)]
NAMES = [None, "", "a", "A", "ä", "b" * 300, "b" * 300 + "c", "z"]
TIMES = [None, NOW, NOW + dt.timedelta(microseconds=1), NOW - dt.timedelta(days=1)]


@st.composite
def walks(draw: Any) -> tuple[list[Cadence], Walk]:
    rows = [
        Cadence(
            source=draw(st.sampled_from(Source)),
            source_id=str(number),
            name=draw(st.sampled_from(NAMES)),
            created_at=draw(st.sampled_from(TIMES)),
            updated_at=draw(st.sampled_from(TIMES)),
        )
        for number in range(draw(st.integers(0, 12)))
    ]
    order = draw(st.sampled_from(ORDERS))
    places = st.none() | st.sampled_from([order.position(row) for row in rows]) if rows else st.none()
    start, stop = draw(places), draw(places)
    return rows, Walk(order, draw(st.booleans()), start, stop, included=draw(st.booleans()))


@given(case=walks(), want=st.integers(0, 4), archived=st.sets(st.integers(0, 11)))
def test_a_lane_gives_just_the_rows_of_its_walk(
    case: tuple[list[Cadence], Walk], want: int, archived: set[int]
) -> None:
    rows, walk = case
    along = sorted(rows, key=lambda row: walk.order.key(walk.order.position(row)), reverse=walk.backward)
    places = [(walk.order.position(row), row) for row in along]
    expected = [row for place, row in places if not walk.passed(place) and not walk.beyond(place)]
    expected = [row for row in expected if int(row.source_id) not in archived]

    async def read() -> list[Cadence]:
        lane = MemoryLane(Snapshot(rows), walk, admits=lambda row: int(row.source_id) not in archived)
        got: list[Cadence] = []
        while True:
            chunk = await lane.read(want)
            got += chunk.rows
            assert chunk.more is not chunk.done
            assert chunk.done is (len(got) == len(expected))
            assert chunk.done or chunk.frontier == walk.order.position(got[-1])
            if chunk.done:
                return got

    ahead, memory.AHEAD = memory.AHEAD, 1
    try:
        assert asyncio.run(read()) == expected
    finally:
        memory.AHEAD = ahead
