"""The replicas that share a Redis: who is alive, and which sources an operator has switched off for all."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
from collections.abc import AsyncIterator
from typing import Protocol

from gateway.upstream.clock import Timer
from gateway.upstream.replicas.link import Link, Script
from gateway.upstream.switches import Switches

BEAT = 1.0
"""Seconds between two heartbeats, and so until a switch reaches every replica."""

RETRY = 0.5
"""The same while Redis is down, so that all replicas are back within a second once it is up."""

MISSED = 10
"""Missed heartbeats before a replica counts as gone."""

HEARTBEAT = Script("""
-- KEYS: alive   ARGV: this replica, seconds that a heartbeat lasts
-- returns {whether this one was known, the names of all that are alive}
local now = redis.call('TIME')
local seconds = tonumber(now[1]) + tonumber(now[2]) / 1000000
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], seconds, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', seconds - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], 60)
return {known and 1 or 0, redis.call('ZRANGE', KEYS[1], 0, -1)}
""")


class Synced(Protocol):
    """State that replicas exchange with every heartbeat."""

    async def sync(self, *, leaving: bool = False) -> None:
        """Exchanges it; for the last time if this replica is leaving."""
        ...


class Fleet:
    """The replicas that share a Redis.

    Redis holds nothing but their names, which replicas of every release understand.

    Args:
        link: The Redis.
        clock: Times the heartbeats.
        expected: The number of replicas until they have been counted.

    Attributes:
        name: This replica's name.
        others: The names of the others; remembered while Redis is down, and for a while where it has lost them.
        size: The number of replicas, this one included.
    """

    def __init__(self, link: Link, clock: Timer, *, expected: int = 1) -> None:
        self.name = secrets.token_hex(8)
        self.others: frozenset[str] = frozenset()
        self.size = expected
        self._link = link
        self._clock = clock
        self._joined_at: float | None = None
        self._missed: dict[str, float] = {}
        self._synced: list[Synced] = []

    def keep_synced(self, each: Synced) -> None:
        """Has state exchanged with every heartbeat."""
        self._synced.append(each)

    @property
    def known_for(self) -> float:
        """Seconds for which the others have known this replica; infinity where it never reached Redis."""
        return math.inf if self._joined_at is None else self._clock.monotonic() - self._joined_at

    async def beat(self, switches: Switches) -> None:
        """Sends a heartbeat, counts the others and applies the switches; changes nothing while Redis is down."""
        answer = await self._link.run(HEARTBEAT, [self._alive_key], [self.name, BEAT * MISSED])
        if answer is not None:
            self._count(bool(answer[0]), {name.decode() for name in answer[1]} - {self.name})
            off = await self._link.ask(lambda redis: redis.smembers(self.off_key))
            if off is not None:
                switches.turn_off(self.off_key, {name.decode() for name in off if isinstance(name, bytes)})
        for each in self._synced:
            await each.sync()

    def _count(self, known: bool, alive: set[str]) -> None:
        """Takes who is alive; a Redis that does not know this replica any more has lost the others too."""
        now = self._clock.monotonic()
        if self._joined_at is None:
            self._joined_at = now
        elif not known:
            self._missed |= dict.fromkeys(self.others, now + BEAT * MISSED)
        self._missed = {name: until for name, until in self._missed.items() if now < until}
        self.others = frozenset(alive | self._missed.keys())
        self.size = 1 + len(self.others)

    @property
    def off_key(self) -> str:
        """The set that names the sources which are off: `SADD gateway:off <source>` switches one off, `SREM` on."""
        return f"{self._link.prefix}:off"

    @property
    def _alive_key(self) -> str:
        return f"{self._link.prefix}:alive"

    @contextlib.asynccontextmanager
    async def joined(self, switches: Switches) -> AsyncIterator[None]:
        """Takes part as one of the replicas within the block."""
        await self.beat(switches)
        beating = asyncio.ensure_future(self._beat_on(switches))
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            for each in self._synced:
                await each.sync(leaving=True)
            await self._link.ask(lambda redis: redis.zrem(self._alive_key, self.name))

    async def _beat_on(self, switches: Switches) -> None:
        while True:
            await self._clock.sleep(BEAT if self._link.up else RETRY)
            await self.beat(switches)
