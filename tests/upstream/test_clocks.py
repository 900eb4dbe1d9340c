"""Clocks that are set back, that are ahead, and that waver: neither units nor ages go by them."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import math
from collections import Counter as Sums
from collections.abc import Callable, Sequence
from email.utils import format_datetime

import pytest

from gateway.errors import UpstreamRateLimited
from gateway.request import Request
from gateway.upstream.budget import Budget
from gateway.upstream.cache import RecordCache
from gateway.upstream.clock import CONFIRMED, FAR, MARGIN, ManualClock, SteadyClock, SystemClock, VendorClock
from gateway.upstream.freshness import CLOCK_SKEW, Age
from gateway.upstream.store import CacheEntry, CacheNamespace, MemoryStore
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Received, Server, reply
from tests.upstream.things import LIFETIMES, THINGS, Thing, World, things

Ask = Callable[[], Request]

NOON = 1_800_000_000.0
HOUR = 3600.0


async def spend_for(budget: Budget, clock: ManualClock, seconds: float, fronts: Sequence[float]) -> Sums[int]:
    """Spends what can be had, each call answered by the next front end in turn; units in each front end's minutes."""
    counted: Sums[int] = Sums()
    front = itertools.cycle(fronts)
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        while True:
            try:
                grant = await budget.take(Request(clock.monotonic() + 0.01), 1)
            except UpstreamRateLimited:
                break
            now, offset = clock.monotonic(), next(front)
            for each in set(fronts):
                counted[(each, math.floor((NOON + now + each) / 60))] += 1  # type: ignore[index]  # a minute of a clock
            budget.heard(math.floor(NOON + now + offset), sent=now, received=now)
            await budget.settle(grant, cost=1, answered=True)
        clock.advance(0.25)
    return counted


@pytest.mark.parametrize("fronts", [(0.0, 3.0), (-3.0, 0.0), (1.5, -1.5), (0.0, 0.0, 0.0, 7.0), (0.0, -9.0)])
@pytest.mark.parametrize("began", [5.0, 40.0, 58.5])
async def test_front_ends_that_differ_give_no_minute_twice(fronts: tuple[float, ...], began: float) -> None:
    clock = ManualClock(NOON)
    clock.advance(began)
    budget = Budget("SALESLOFT", 20, clock)
    for offset in fronts:  # a few answers have shown each
        budget.heard(math.floor(NOON + began + offset), sent=began, received=began)
    counted = await spend_for(budget, clock, 200, fronts)
    assert max(counted.values()) <= 20
    assert sum(counted.values()) >= 3 * 20 * len(set(fronts))


async def test_a_clock_that_is_set_back_gives_no_minute_twice() -> None:
    clock = ManualClock(NOON)
    budget = Budget("SALESLOFT", 20, clock)
    clock.advance(10)
    assert sum((await spend_for(budget, clock, 5, [0.0])).values()) == 20
    clock.set_back(HOUR)
    assert sum((await spend_for(budget, clock, 40, [0.0])).values()) == 0
    assert sum((await spend_for(budget, clock, 10, [0.0])).values()) == 20


def hear(vendor: VendorClock, clock: ManualClock, date: float) -> float:
    """Lets an answer come with a date; what is then taken for the offset."""
    vendor.heard(math.floor(date), sent=clock.monotonic(), received=clock.monotonic())
    return vendor.offset


def test_one_odd_date_changes_nothing() -> None:
    clock = ManualClock(NOON)
    vendor = VendorClock(clock)
    assert hear(vendor, clock, NOON) == 0
    for odd in (NOON - HOUR, NOON + HOUR, NOON + FAR + 10, 0.0, 4e9, -6e10):
        clock.advance(1)
        assert hear(vendor, clock, odd) == 0
        clock.advance(1)
        assert hear(vendor, clock, clock.time()) == 0
    assert vendor.margin == MARGIN


def test_dates_that_are_far_off_are_believed_once_they_agree_for_long() -> None:
    clock = ManualClock(NOON)
    vendor = VendorClock(clock)
    hear(vendor, clock, NOON)
    for _ in range(10):
        clock.advance(CONFIRMED / 11)
        assert hear(vendor, clock, clock.time() + HOUR) == 0
    clock.advance(CONFIRMED)
    assert hear(vendor, clock, clock.time() + HOUR) == pytest.approx(HOUR, abs=1)
    assert vendor.margin == MARGIN


def test_a_date_that_stands_still_does_not_stop_the_minute() -> None:
    clock = ManualClock(NOON)
    vendor = VendorClock(clock)
    for _ in range(600):
        hear(vendor, clock, NOON)
        clock.advance(1)
    assert clock.time() - vendor.now() <= FAR + 1


def test_a_first_date_is_believed_within_a_day() -> None:
    for offset in (-HOUR, HOUR, 86_000.0):
        clock = ManualClock(NOON)
        assert hear(VendorClock(clock), clock, NOON + offset) == pytest.approx(offset, abs=1)
    for offset in (-90_000.0, 1e9):
        clock = ManualClock(NOON)
        assert hear(VendorClock(clock), clock, NOON + offset) == 0


def test_a_steady_time_goes_by_what_has_passed() -> None:
    clock = ManualClock(NOON)
    time = SteadyClock(clock)
    clock.advance(5)
    clock.set_back(HOUR)
    assert (clock.time(), time.now()) == (NOON + 5 - HOUR, NOON + 5)
    before = SystemClock().monotonic()
    assert SystemClock().monotonic() >= before


async def test_old_records_do_not_become_fresh_when_the_clock_is_set_back(
    make_client: MakeClient, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(make_client())
    await records.get(ask(), ["1"])
    clock.advance(15)
    clock.set_back(HOUR)
    assert (await records.get(ask(), ["1"])).stale, "15 s old, whatever time of day it is"
    clock.advance(100)
    world.version = 2
    answers = await records.get(ask(), ["1"])
    assert (answers.found["1"].version, answers.stale) == (2, False)
    clock.set_back(2 * HOUR)
    asked = len(world.asked)
    await records.get(ask(), ["1"])
    assert len(world.asked) == asked, "and what is fresh stays fresh"


@pytest.mark.parametrize("ahead", [120.0, HOUR, 1e6])
async def test_a_record_from_a_replica_that_is_ahead_is_old(
    make_client: MakeClient, world: World, ask: Ask, ahead: float
) -> None:
    store = MemoryStore()
    client = make_client(store=store)
    records = things(client)
    namespace = CacheNamespace(client.identity, client.upstream.name, THINGS.name)
    await store.put(namespace, {"1": CacheEntry(Thing("1", 7), client.now() + ahead)}, THINGS.codec, seconds=100)
    world.version = 8
    answers = await records.get(ask(), ["1"])
    assert (answers.found["1"].version, answers.stale) == (8, False)


async def test_such_a_record_still_stands_in_where_there_is_no_other(
    make_client: MakeClient, server: Server, ask: Ask
) -> None:
    store = MemoryStore()
    client = make_client(store=store)
    records: RecordCache[str, Thing] = things(client)
    namespace = CacheNamespace(client.identity, client.upstream.name, THINGS.name)
    await store.put(namespace, {"1": CacheEntry(Thing("1", 7), client.now() + 120)}, THINGS.codec, seconds=100)
    server.otherwise = reply(500)
    answers = await records.get(ask(), ["1"])
    assert (answers.found["1"].version, answers.stale) == (7, True)


def test_clocks_that_agree_but_for_a_moment_are_no_matter() -> None:
    assert LIFETIMES.age(-CLOCK_SKEW, absent=False) is Age.FRESH
    assert LIFETIMES.age(-CLOCK_SKEW - 0.1, absent=False) is Age.FALLBACK
    assert LIFETIMES.age(-CLOCK_SKEW - 0.1, absent=True) is Age.FALLBACK


@pytest.mark.parametrize("skew", [-125.0, 125.0])
async def test_ages_go_by_the_vendors_clock(
    make_client: MakeClient, server: Server, clock: ManualClock, ask: Ask, skew: float
) -> None:
    """A process whose own clock is wrong reports and shares the vendor's time, once an answer has shown it."""
    rows = World()

    async def dated(request: Received, writer: asyncio.StreamWriter) -> None:
        date = format_datetime(dt.datetime.fromtimestamp(clock.time() + skew, dt.UTC), usegmt=True)
        await reply(200, rows.answer(request), {"Date": date})(request, writer)

    server.otherwise = dated
    records = things(make_client())
    answers = await records.get(ask(), ["1"])
    assert answers.as_of == pytest.approx(clock.time() + skew, abs=1.1)
    clock.advance(9)
    assert not (await records.get(ask(), ["1"])).stale
    clock.advance(3)
    assert (await records.get(ask(), ["1"])).stale
