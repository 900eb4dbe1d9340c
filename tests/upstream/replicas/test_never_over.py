"""Whatever Redis forgets, and whenever: together, replicas never spend more than the limit.

The Redis here is a dictionary that can be away, be emptied, and do what it was asked without an answer coming back.
Questions overtake each other on their way.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter as Sums
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gateway.upstream.clock import MARGIN
from gateway.upstream.minute import Grant
from gateway.upstream.replicas.counter import EXCHANGE, SharedCounter
from gateway.upstream.replicas.link import Link, Script
from tests.upstream.replicas.test_counter import Crew

NOON = 1_800_000_000.0
BEAT = 1.0


@dataclass
class Redis:
    """What a Redis holds, and how it is doing."""

    dice: random.Random
    hashes: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    up: bool = True
    lossy: bool = False


class LinkTo:
    """A replica's link to it."""

    prefix = "gateway"

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.cut = False
        self.up = True

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        assert script is EXCHANGE
        dice = self.redis.dice
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        self.up = self.redis.up and not self.cut
        if not self.up:
            return None
        name, _, *reports = args
        answer = []
        for key, report in zip(keys, reports, strict=True):
            reported = self.redis.hashes.setdefault(key, {})
            reported[name.encode()] = report
            answer.append([part for pair in reported.items() for part in pair])
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        return None if self.redis.lossy and dice.random() < 0.5 else answer


@dataclass(eq=False)
class Call:
    """A call under way: who makes it, and when it began."""

    counter: SharedCounter
    grant: Grant
    began: float


class Run:
    """Replicas over one Redis, and a vendor that counts."""

    def __init__(self, seed: int) -> None:
        self.dice = dice = random.Random(seed)
        self.redis = Redis(dice)
        self.size = dice.choice([1, 2, 2, 3, 4])
        self.limit = dice.choice([1, 2, 5, 10, 60, 100])
        self.now = NOON + dice.uniform(0, 60)
        names = [f"{number}" for number in range(self.size)]
        self.links = [LinkTo(self.redis) for _ in names]
        self.counters = [
            SharedCounter(cast("Link", link), "x", Crew(name, frozenset(names) - {name}, self.size, math.inf))
            for name, link in zip(names, self.links, strict=True)
        ]
        self.busy = dice.choice([self.counters, self.counters[:1], self.counters[:2]])
        self.flying: list[Call] = []
        self.counted: Sums[int] = Sums()
        self.beat = 0.0

    async def play(self, steps: int) -> None:
        """Lets so much happen."""
        for _ in range(steps):
            await self._pass_time()
            self._go_wrong()
            acts = [self._take(self.dice.choice(self.busy)) for _ in range(self.dice.randrange(6))]
            acts += [self._end(call) for call in list(self.flying) if self.dice.random() < 0.5]
            await asyncio.gather(*acts)

    async def _pass_time(self) -> None:
        self.now += self.dice.choice([0, 0.01, 0.05, 0.2, 0.9, 3])
        if self.now >= self.beat:
            self.beat = self.now + BEAT
            await asyncio.gather(*(each.sync(self.now, limit=self.limit) for each in self.counters))

    def _go_wrong(self) -> None:
        chance = self.dice.random()
        if chance < 0.03:
            self.redis.up = not self.redis.up
            self.redis.hashes.clear()
        elif chance < 0.05:
            self.redis.hashes.clear()
        elif chance < 0.08:
            self.redis.lossy = not self.redis.lossy
        elif chance < 0.11:
            link = self.dice.choice(self.links)
            link.cut = not link.cut

    async def _take(self, counter: SharedCounter) -> None:
        cost = self.dice.choice([1, 1, 1, 3])
        grant = await counter.take(self.now, min(cost, self.limit), limit=self.limit, spare=0)
        if grant is not None:
            self.flying.append(Call(counter, grant, self.now))

    async def _end(self, call: Call) -> None:
        self.flying.remove(call)
        when = self.dice.uniform(call.began, self.now) + self.dice.uniform(-MARGIN, MARGIN)
        self.counted[math.floor(when / 60)] += call.grant.cost
        await call.counter.settle(call.grant, self.now, cost=call.grant.cost, left=None)


@pytest.mark.sampled(10)
@pytest.mark.parametrize("seed", range(60))
async def test_the_sum_stays_within_the_limit(seed: int) -> None:
    run = Run(seed)
    await run.play(600)
    assert run.counted or run.limit < run.size, "and there is something to be had"
    assert all(units <= run.limit for units in run.counted.values()), (run.size, run.limit, run.counted)
