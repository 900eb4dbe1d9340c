"""Who else is there, and which sources an operator has switched off for all."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

from gateway.upstream.clock import Timer
from gateway.upstream.replicas.link import Link
from gateway.upstream.switches import Switches

BEAT = 1.0
"""Seconds between two signs of life; also how long a switch takes to reach every replica."""

MISSED = 10
"""Signs of life that may fail to come before a replica counts as gone."""

SIGN = """
-- KEYS: alive, off   ARGV: this replica, seconds that a sign lasts
-- answers {replicas alive, sources that are off}
local now = redis.call('TIME')
local seconds = tonumber(now[1]) + tonumber(now[2]) / 1000000
redis.call('ZADD', KEYS[1], seconds, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', seconds - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], 60)
return {redis.call('ZCARD', KEYS[1]), redis.call('SMEMBERS', KEYS[2])}
"""


class Fleet:
    """The replicas that share a Redis.

    Args:
        link: The Redis.
        clock: Tells when the next sign of life is due.
        expected: How many there are until they have been counted.
    """

    def __init__(self, link: Link, clock: Timer, *, expected: int = 1) -> None:
        self.size = expected
        self._link = link
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._sign = link.script(SIGN)

    async def beat(self, switches: Switches) -> None:
        """Gives a sign of life, counts the others and obeys the switches; changes nothing while Redis is away."""
        keys = [f"{self._link.prefix}:alive", self.off_key]
        answer = await self._link.run(self._sign, keys, [self._name, BEAT * MISSED])
        if answer is None:
            return
        size, off = answer
        self.size = max(1, int(size))
        switches.say(self.off_key, {name.decode() for name in off})

    @property
    def off_key(self) -> str:
        """The set that names the sources which are off: `SADD gateway:off <source>` switches one off, `SREM` on."""
        return f"{self._link.prefix}:off"

    @contextlib.asynccontextmanager
    async def joined(self, switches: Switches) -> AsyncIterator[None]:
        """Is one of the replicas within the block."""
        await self.beat(switches)
        beating = asyncio.ensure_future(self._beat_on(switches))
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await self._link.ask(lambda redis: redis.zrem(f"{self._link.prefix}:alive", self._name))

    async def _beat_on(self, switches: Switches) -> None:
        while True:
            await self._clock.sleep(BEAT)
            await self.beat(switches)
