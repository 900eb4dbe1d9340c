"""The connection to Redis or Valkey, which is asked only while it answers, and quickly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from gateway.upstream.clock import Timer

T = TypeVar("T")

PATIENCE = 0.1
"""Seconds that an answer may take where nothing else is said: it saves a call of a few hundred milliseconds."""

PAUSE = 1.0
"""Seconds in which it is not asked again after it failed; then one asks, and the others go on alone."""

CONNECTIONS = 50
"""Connections at most; whoever finds none goes on alone."""

log = logging.getLogger(__name__)


class Link:
    """One Redis or Valkey that the replicas share.

    Args:
        url: `redis://…` or `rediss://…`, as redis-py reads it.
        clock: Tells when it may be asked again.
        prefix: What every key begins with.
        patience: Seconds that an answer may take.
    """

    def __init__(self, url: str, clock: Timer, *, prefix: str = "gateway", patience: float = PATIENCE) -> None:
        self.prefix = prefix
        self._clock = clock
        self._patience = patience
        self._asked_again_at = 0.0
        self._up = True
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
            decode_responses=False,
        )

    @property
    def up(self) -> bool:
        """Whether it answered when it was last asked."""
        return self._up

    def script(self, source: str) -> AsyncScript:
        """A script that runs in the server as one step."""
        return self._redis.register_script(source)

    async def ask(self, question: Callable[[Redis], Awaitable[T]]) -> T | None:
        """What it answers; None where it does not, or did not a moment ago."""
        now = self._clock.monotonic()
        if not self._up:
            if now < self._asked_again_at:
                return None
            self._asked_again_at = now + PAUSE
        try:
            async with asyncio.timeout(self._patience):
                answer = await question(self._redis)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._fell(error)
            return None
        if not self._up:
            log.warning("Redis answers again")
        self._up = True
        return answer

    async def run(self, script: AsyncScript, keys: list[str], args: list[Any]) -> Any:
        """What a script yields; None where there is no answer."""
        return await self.ask(lambda redis: script(keys=keys, args=args, client=redis))

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    def _fell(self, error: Exception) -> None:
        if self._up:
            log.warning("Redis does not answer (%s); this process goes on alone", type(error).__name__)
        self._up = False
        self._asked_again_at = self._clock.monotonic() + PAUSE
