"""Units counted in Redis: with the same result as in one process, and by all together."""

from __future__ import annotations

import asyncio
import math
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from gateway.upstream.clock import ManualClock
from gateway.upstream.minute import Counter, Grant, LocalCounter
from gateway.upstream.replicas.counter import SharedCounter
from gateway.upstream.replicas.link import Link
from tests.upstream.replicas.conftest import MakeLink
from tests.upstream.replicas.redis_server import RedisServer

NOON = 1_800_000_000.0


@dataclass
class Crew:
    """Who shares a limit, as one of them sees it; the others have always known of it."""

    name: str = field(default_factory=lambda: secrets.token_hex(4))
    others: frozenset[str] = frozenset()
    size: int = 1
    known_for: float = math.inf


def shared(link: Link, name: str = "x", replicas: int = 1) -> SharedCounter:
    """A counter of one of so many replicas, none of whom it knows by name."""
    return SharedCounter(link, name, Crew(size=replicas))


@pytest.mark.parametrize("seed", range(15))
async def test_redis_counts_as_a_process_does(link: Link, seed: int) -> None:
    """The same calls, counted by both: each is let through by both or by neither."""
    dice = random.Random(seed)
    limit = dice.choice([3, 20, 100])
    counters: list[Counter] = [LocalCounter(), shared(link)]
    flying: list[tuple[Grant | None, ...]] = []
    now = NOON + 30
    for _ in range(120):
        now += dice.choice([0, 0.05, 0.3, 2, 9])
        action = dice.random()
        if action < 0.6:
            cost, spare = dice.choice([1, 1, 3]), dice.choice([0, 0, 2])
            grants = tuple([await counter.take(now, cost, limit=limit, spare=spare) for counter in counters])
            assert (grants[0] is None) is (grants[1] is None)
            flying += [grants] if grants[0] is not None else []
        elif action < 0.95 and flying:
            grants = flying.pop(dice.randrange(len(flying)))
            cost, left = dice.choice([0, 1, 1, 4]), dice.choice([None, None, dice.randrange(limit + 5)])
            for counter, grant in zip(counters, grants, strict=True):
                assert grant is not None
                await counter.settle(grant, now, cost=cost, left=left)
        elif action > 0.98:
            until = dice.choice([None, round(now + 3, 3)])
            for counter in counters:
                await counter.empty(now, until)


async def test_replicas_spend_one_limit(make_link: MakeLink) -> None:
    counters = [shared(make_link()) for _ in range(4)]

    async def spend(counter: SharedCounter) -> int:
        taken = 0
        for _ in range(100):
            grant = await counter.take(NOON + 5, 1, limit=100, spare=0)
            if grant is not None:
                taken += 1
                await counter.settle(grant, NOON + 5, cost=1, left=None)
        return taken

    taken = await asyncio.gather(*map(spend, counters))
    assert sum(taken) == 100
    assert await counters[0].take(NOON + 61, 1, limit=100, spare=0) is not None


async def test_a_call_that_crosses_the_edge_is_carried_over_for_all(make_link: MakeLink) -> None:
    one, other = (shared(make_link(), replicas=2) for _ in range(2))
    for _ in range(6):
        assert await one.take(NOON + 50, 1, limit=10, spare=0) is not None

    assert await one.take(NOON + 61, 1, limit=10, spare=0) is not None
    taken = [await other.take(NOON + 61, 1, limit=10, spare=0) for _ in range(10)]
    assert sum(grant is not None for grant in taken) == 3


async def test_what_one_replica_learns_holds_for_all(make_link: MakeLink) -> None:
    one, other = shared(make_link()), shared(make_link())
    grant = await one.take(NOON + 5, 1, limit=100, spare=0)
    assert grant is not None
    await one.settle(grant, NOON + 5, cost=1, left=2)

    taken = [await other.take(NOON + 6, 1, limit=100, spare=0) for _ in range(4)]
    assert [grant is not None for grant in taken] == [True, True, False, False]


@pytest.mark.parametrize("until", [None, NOON + 8])
async def test_a_refusal_holds_for_all(make_link: MakeLink, until: float | None) -> None:
    one, other = shared(make_link()), shared(make_link())
    await one.empty(NOON + 5, until)

    assert await other.take(NOON + 6, 1, limit=100, spare=0) is None
    assert other.free(NOON + 6, 100) == 0
    assert other.opens(NOON + 6, 100) == pytest.approx(2 if until else 54.25, abs=0.01)
    assert await other.take(NOON + 8.001 if until else NOON + 61, 1, limit=100, spare=0) is not None


async def test_each_goes_on_with_its_share(make_link: MakeLink, one_redis: RedisServer, clock: ManualClock) -> None:
    counter = shared(make_link(patience=0.1), replicas=4)
    for _ in range(5):
        assert await counter.take(NOON + 5, 1, limit=100, spare=0) is not None

    with one_redis.frozen():
        taken = [await counter.take(NOON + 6, 1, limit=100, spare=0) for _ in range(30)]
        assert sum(grant is not None for grant in taken) == 20
        assert counter.free(NOON + 6, 100) == 0
        assert counter.opens(NOON + 6, 100) == pytest.approx(54.25, abs=0.01)
    clock.advance(1)

    assert await counter.take(NOON + 7, 1, limit=100, spare=0) is not None
    # Those taken alone are still under way and counted by now; one may be twice: Redis heard of it after all.
    assert counter.free(NOON + 7, 100) in {100 - 26, 100 - 27}


async def test_a_limit_that_others_have_used_up_stays_used_up(make_link: MakeLink, one_redis: RedisServer) -> None:
    busy, idle = (shared(make_link(patience=patience), replicas=4) for patience in (60.0, 1.0))
    for _ in range(92):
        assert await busy.take(NOON + 5, 1, limit=100, spare=0) is not None
    assert await idle.take(NOON + 5, 1, limit=100, spare=0) is not None

    with one_redis.frozen():
        taken = [await idle.take(NOON + 6, 1, limit=100, spare=0) for _ in range(30)]
        assert sum(grant is not None for grant in taken) == 1  # a fourth of the seven that were left
        assert await idle.take(NOON + 61, 1, limit=100, spare=0) is not None


async def test_other_credentials_have_other_limits(make_link: MakeLink) -> None:
    one, other = shared(make_link(), "one"), shared(make_link(), "other")
    assert await one.take(NOON + 5, 1, limit=1, spare=0) is not None
    assert await one.take(NOON + 5, 1, limit=1, spare=0) is None
    assert await other.take(NOON + 5, 1, limit=1, spare=0) is not None


async def spend(counter: SharedCounter, now: float, most: int) -> int:
    """Takes units one by one, each call ended before the next, as long as there are some; how many it got."""
    for taken in range(most):
        grant = await counter.take(now, 1, limit=100, spare=0)
        if grant is None:
            return taken
        await counter.settle(grant, now, cost=1, left=None)
    return most


def crew(links: Sequence[Link]) -> list[SharedCounter]:
    """Counters of replicas that have always known one another, one for each link."""
    names = frozenset(f"{number}" for number in range(len(links)))
    return [
        SharedCounter(link, "x", Crew(name, names - {name}, len(names)))
        for name, link in zip(sorted(names), links, strict=True)
    ]


async def spend_all(counters: Sequence[SharedCounter], clock: ManualClock, now: float) -> int:
    """Has all of them spend what they can, giving signs of life meanwhile; how many units they got."""
    spent = 0
    for _ in range(12):
        clock.advance(0.5)
        for counter in counters:
            await counter.sync(now, limit=100)
        for counter in counters:
            spent += await spend(counter, now, 100)
    return spent


async def all_report(counters: Sequence[SharedCounter], now: float) -> None:
    for _ in range(2):
        for counter in counters:
            await counter.sync(now, limit=100)


@pytest.mark.parametrize("reported", [None, 25])
async def test_a_redis_that_comes_back_empty_does_not_empty_the_minute(
    make_link: MakeLink, one_redis: RedisServer, clock: ManualClock, reported: int | None
) -> None:
    one, other, late = everybody = crew([make_link(patience=0.1) for _ in range(3)])
    await all_report(everybody, NOON + 5)
    spent = await spend(one, NOON + 5, 40) + await spend(other, NOON + 5, 20)
    flying = await other.take(NOON + 5, 1, limit=100, spare=0)
    assert flying is not None
    grant = await other.take(NOON + 5, 1, limit=100, spare=0)
    assert grant is not None
    await other.settle(grant, NOON + 5, cost=1, left=reported)
    await all_report(everybody, NOON + 5)

    one_redis.kill()
    spent += 2 + await spend(other, NOON + 6, 3)
    assert spent == 65
    one_redis.start()
    clock.advance(2)
    await other.settle(flying, NOON + 7, cost=1, left=None)
    spent += await spend_all([other, one, late], clock, NOON + 8)

    assert spent == (100 if reported is None else 62 + reported - 1)  # one call was under way when that was reported
    assert late.free(NOON + 8, 100) == 0
    assert await late.take(NOON + 61, 1, limit=100, spare=0) is not None


@pytest.mark.parametrize("first", [0, 1])
async def test_a_redis_that_comes_back_empty_in_the_next_minute_does_not_give_it_twice(
    make_link: MakeLink, one_redis: RedisServer, clock: ManualClock, first: int
) -> None:
    """Two went on alone across the edge; the first one back does not take what the other has spent unreported."""
    both = crew([make_link(patience=0.1) for _ in range(2)])
    await all_report(both, NOON + 58)
    one_redis.kill()
    for counter in both:
        assert await spend(counter, NOON + 59, 5) == 5
    alone = [await spend(counter, NOON + 61, 100) for counter in both]
    assert alone == [50, 50]
    one_redis.start()
    clock.advance(1)
    assert await spend(both[first], NOON + 62, 100) == 0
    assert await spend_all(both, clock, NOON + 62) == 0
    assert await spend_all(both, clock, NOON + 121) == 100


async def test_no_replica_takes_more_than_its_share_before_all_have_reported(
    make_link: MakeLink, clock: ManualClock
) -> None:
    busy, idle = both = crew([make_link() for _ in range(2)])
    assert await spend(busy, NOON + 61, 100) == 50
    assert busy.opens(NOON + 61, 100) == 1, "it is worth looking again, soon"
    await idle.sync(NOON + 61, limit=100)
    assert 50 + await spend_all(both, clock, NOON + 61) == 100


async def test_who_leaves_leaves_what_it_did_not_need(make_link: MakeLink) -> None:
    staying, leaving = both = crew([make_link() for _ in range(2)])
    await all_report(both, NOON + 5)
    assert staying.free(NOON + 5, 100) < 100
    await leaving.sync(NOON + 5, limit=100, leaving=True)
    await staying.sync(NOON + 5, limit=100)
    assert staying.free(NOON + 5, 100) == 100


async def test_what_is_left_is_what_nobody_has_spent(make_link: MakeLink) -> None:
    one, other = both = crew([make_link() for _ in range(2)])
    await all_report(both, NOON + 5)
    assert await spend(other, NOON + 5, 3) == 3
    await one.sync(NOON + 5, limit=100)
    assert (one.left(NOON + 5, 100), one.free(NOON + 5, 100) < 97) == (97, True)


async def test_a_newcomer_has_no_share_of_a_minute_in_which_nobody_knew_of_it(
    make_link: MakeLink, one_redis: RedisServer
) -> None:
    counter = SharedCounter(make_link(patience=0.1), "x", Crew("new", frozenset({"old"}), 2, known_for=1))
    with one_redis.frozen():
        assert await spend(counter, NOON + 30, 100) == 0
        assert await spend(counter, NOON + 62, 100) == 0
    older = SharedCounter(make_link(patience=0.1), "x", Crew("older", frozenset({"old"}), 2, known_for=60))
    with one_redis.frozen():
        assert await spend(older, NOON + 30, 100) == 50


async def test_what_was_spent_alone_counts_for_all_afterwards(
    make_link: MakeLink, one_redis: RedisServer, clock: ManualClock
) -> None:
    one, other = both = crew([make_link(patience=0.1) for _ in range(2)])
    await all_report(both, NOON + 5)
    assert await spend(one, NOON + 5, 10) == 10
    with one_redis.frozen():
        assert await spend(one, NOON + 6, 20) == 20
    clock.advance(2)
    assert await spend(one, NOON + 8, 1) == 1
    assert await spend_all([other, one], clock, NOON + 8) in {69, 68}  # Redis may have heard of the first after all


@pytest.mark.parametrize(
    "report",
    [
        b"40",
        b"40 ",
        b"40 \xff\xfe",
        b"40 " + msgspec.msgpack.encode([99, "another", "version", {"of": 1}]),
        b"40 " + msgspec.msgpack.encode([1, "spent", 1]),
    ],
)
async def test_of_another_release_the_number_counts_and_the_rest_is_not_read(
    make_link: MakeLink, report: bytes
) -> None:
    link = make_link()
    (counter,) = crew([link])
    key = f"gateway:budget:{{x}}:{int(NOON // 60)}"
    await link.ask(lambda redis: redis.hset(key, "another", report))
    await counter.sync(NOON + 5, limit=100)
    assert (counter.free(NOON + 5, 100), counter.left(NOON + 5, 100)) == (60, 60)
    assert await spend(counter, NOON + 5, 100) == 60


@pytest.mark.parametrize("junk", [b"", b"x", b"-5 ", b"1e9 ", b"9" * 40, "٣".encode()])
async def test_a_report_without_a_number_counts_as_a_share(make_link: MakeLink, junk: bytes) -> None:
    link = make_link()
    counter = SharedCounter(link, "x", Crew("me", frozenset({"another"}), 2))
    await link.ask(lambda redis: redis.hset(f"gateway:budget:{{x}}:{int(NOON // 60)}", "another", junk))
    assert await spend(counter, NOON + 5, 100) == 50
