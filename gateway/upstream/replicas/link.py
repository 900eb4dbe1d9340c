"""The connection to Redis or Valkey, which is asked only while it answers, and quickly."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AskError, ClusterError, NoScriptError, RedisClusterException, RedisError, ResponseError

from gateway.upstream.clock import Timer
from gateway.upstream.replicas.link_trouble import PROBE, LinkTrouble, trouble_in

T = TypeVar("T")
AnyRedis: TypeAlias = "Redis | RedisCluster"

PATIENCE = 0.1
"""Seconds that an answer may take where nothing else is said: it saves a call of a few hundred milliseconds."""

PAUSE = 0.5
"""Seconds in which it is not asked again after it failed; then one asks, and the others go on alone."""

LONG_PAUSE = 10.0
"""The same where it answered, but with an error that only somebody's hand ends."""

CONNECTIONS = 50
"""Questions under way at most, to one node a connection each; whoever comes then waits for a turn."""

MEETING = 5.0
"""Seconds that it may take to find out which nodes a cluster has."""

log = logging.getLogger(__name__)


class Script:
    """A script that runs in the server as one step.

    Args:
        text: In Lua.
    """

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.digest: Final = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


TIME = Script("return redis.call('TIME')")


class Link:
    """One Redis or Valkey that the replicas share, be it a single server or a cluster.

    Args:
        url: `redis://…` or `rediss://…`, as redis-py reads it.
        clock: Tells when it may be asked again.
        prefix: What every key begins with.
        patience: Seconds that an answer may take.

    Attributes:
        trouble: What is wrong with it; None while it answers as it should, or has not been asked yet.
    """

    def __init__(self, url: str, clock: Timer, *, prefix: str = "gateway", patience: float = PATIENCE) -> None:
        self.prefix = prefix
        self.trouble: LinkTrouble | None = None
        self._url = url
        self._clock = clock
        self._patience = patience
        self._asked_again_at = 0.0
        self._proven = True
        self._ahead: float | None = None
        self._turn = asyncio.Semaphore(CONNECTIONS)
        self._joining = asyncio.Lock()
        self._said = ""
        self._single = _connected(url)
        self._redis: AnyRedis = self._single
        self._left: list[set[AnyRedis]] = []
        self._leaving: set[asyncio.Future[None]] = set()

    @property
    def up(self) -> bool:
        """Whether it answered when it was last asked."""
        return self.trouble is None

    async def ask(self, question: Callable[[AnyRedis], Awaitable[T]]) -> T | None:
        """What it answers; None where it does not, or did not a moment ago."""
        async with self._turn:  # to wait for one's turn is nothing that Redis is to blame for
            if self.trouble is not None:
                now = self._clock.monotonic()
                if now < self._asked_again_at:
                    return None
                self._asked_again_at = now + PAUSE
            url = self._url
            try:
                if not self._proven:
                    await self._once(_probe(self.prefix))
                answer = await self._once(question)
            except (RedisError, RedisClusterException, OSError) as error:  # TimeoutError is an OSError
                if url == self._url:  # else it was replaced meanwhile, most likely because of that
                    self._failed(error)
                return None
        self._proven = True
        if self.trouble is not None:
            log.warning("Redis answers again")
            self.trouble = None
        return answer

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """What a script yields; None where there is no answer."""
        return await self.ask(_running(script, keys, args))

    async def time(self) -> float | None:
        """Seconds since 1970 by its clock when it was first asked, and what has passed since; None where it is away.

        Replicas have it in common, and nobody sets it back.
        """
        if self._ahead is None:
            answer = await self.run(TIME, [f"{self.prefix}:time"], [])
            if answer is None:
                return None
            self._ahead = int(answer[0]) + int(answer[1]) / 1_000_000 - self._clock.monotonic()
        return self._clock.monotonic() + self._ahead

    async def probe(self) -> LinkTrouble | None:
        """Asks for a bit of everything that it is needed for, whatever was before; what is wrong, if anything is."""
        self._asked_again_at, self._proven = 0.0, False
        await self.ask(_answer)
        return self.trouble

    def use(self, url: str) -> None:
        """Asks another Redis from the next question on, or the same one by another password.

        The old connections are closed once those who have asked by them have lost their patience.
        """
        self._left.append({self._redis, self._single})
        self._single = _connected(url)
        self._redis, self._url = self._single, url
        self._asked_again_at, self._ahead = 0.0, None
        self._clock.call_later(2 * self._patience, self._leave)

    async def close(self) -> None:
        """Closes the connections."""
        await asyncio.gather(*self._leaving)
        for redis in set().union(*self._left, {self._redis, self._single}):
            await redis.aclose()

    def _leave(self) -> None:
        for redis in self._left.pop(0) if self._left else ():
            leaving = asyncio.ensure_future(redis.aclose())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _once(self, question: Callable[[AnyRedis], Awaitable[T]]) -> T:
        """What it answers, within the patience; where it turns out to be a node of a cluster, what the cluster does."""
        asked = self._redis
        try:
            async with within(self._patience):
                return await question(asked)
        except (AskError, ClusterError):
            if asked is not self._single:
                raise
        await self._join_cluster()
        async with within(self._patience):
            return await question(self._redis)

    async def _join_cluster(self) -> None:
        """Goes on with a client that knows the cluster's nodes."""
        async with self._joining:
            if self._redis is self._single:
                url, cluster = self._url, await self._cluster(self._url)
                if url == self._url:
                    self._redis = cluster
                else:  # it was replaced meanwhile
                    await cluster.aclose()

    async def _cluster(self, url: str) -> RedisCluster:
        cluster = RedisCluster.from_url(
            url,
            max_connections=CONNECTIONS,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 1),
            decode_responses=False,
        )
        try:
            async with asyncio.timeout(MEETING):
                await cluster.initialize()
        except BaseException:
            await cluster.aclose()
            raise
        return cluster

    def _failed(self, error: Exception) -> None:
        trouble = trouble_in(error)
        if isinstance(error, ResponseError) and not trouble.lasting:
            if trouble.reason != self._said:
                log.warning("Redis %s", trouble.reason)
                self._said = trouble.reason
            return
        if trouble != self.trouble:
            log.warning("Redis %s; this process goes on alone", trouble.reason)
        self.trouble = trouble
        self._proven = self._proven and not trouble.lasting
        self._asked_again_at = self._clock.monotonic() + (LONG_PAUSE if trouble.lasting else PAUSE)


def _connected(url: str) -> Redis:
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=None,  # the patience is for waiting and asking together
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 1),  # over a new connection, where one of the pool has died unnoticed
        decode_responses=False,
    )
    return Redis.from_pool(pool)


def _running(script: Script, keys: Sequence[str], args: Sequence[Any]) -> Callable[[AnyRedis], Awaitable[Any]]:
    async def run(redis: AnyRedis) -> Any:
        try:
            return await redis.evalsha(script.digest, len(keys), *keys, *args)
        except NoScriptError:
            return await redis.eval(script.text, len(keys), *keys, *args)

    return run


def _probe(prefix: str) -> Callable[[AnyRedis], Awaitable[Any]]:
    return _running(Script(PROBE), [f"{prefix}:{{probe}}:{kind}" for kind in ("text", "hash", "set", "ranking")], [])


async def _answer(_: AnyRedis) -> bool:
    return True


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Ends the block with `TimeoutError` after so many seconds, but not for an answer that has come by then.

    An event loop that was busy for so long first does what it has to: an answer that lies there is looked at in time.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:

        def late(turns: int) -> None:
            if turns:
                handles[0] = loop.call_soon(late, turns - 1)
            else:
                limit.reschedule(loop.time())

        handles: list[asyncio.Handle] = [loop.call_later(seconds, late, TURNS)]
        try:
            yield
        finally:
            handles[0].cancel()


TURNS = 10
"""Turns of the event loop that an answer which has come takes to be read, and some more."""
