"""The connection to Redis or Valkey: quick time-outs, and no questions while it is down."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    ClusterError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from gateway.upstream.clock import Timer

T = TypeVar("T")
AnyRedis: TypeAlias = "Redis | RedisCluster"

PATIENCE = 0.1
"""Seconds for an answer, by default: it saves a call of a few hundred milliseconds."""

PAUSE = 0.5
"""Seconds without questions after a failure; then one caller asks, and the others do without."""

LONG_PAUSE = 10.0
"""The same after an error that an operator has to fix."""

CONNECTIONS = 50
"""Questions in flight at most, each on a connection of its own; further ones wait for a turn."""

DISCOVERY = 5.0
"""Seconds for finding a cluster's nodes."""

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
    """The Redis or Valkey that replicas share, a single server or a cluster.

    Args:
        url: `redis://…` or `rediss://…`, as redis-py reads it.
        clock: Times the pauses after failures.
        prefix: The prefix of every key.
        patience: Seconds for an answer.

    Attributes:
        trouble: What is wrong with it; None while it works, or has not been asked yet.
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
        """Its answer; None where it does not answer, or did not a moment ago."""
        async with self._turn:  # a wait for a turn does not count as Redis's time
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
        """The result of a script; None where there is no answer."""
        return await self.ask(_running(script, keys, args))

    async def time(self) -> float | None:
        """Seconds since 1970 by the clock of Redis, which is read once; None where it is down.

        All replicas share it, and nobody sets it back.
        """
        if self._ahead is None:
            answer = await self.run(TIME, [f"{self.prefix}:time"], [])
            if answer is None:
                return None
            self._ahead = int(answer[0]) + int(answer[1]) / 1_000_000 - self._clock.monotonic()
        return self._clock.monotonic() + self._ahead

    async def probe(self) -> LinkTrouble | None:
        """Tries every command that is needed, even after a failure; returns what is wrong, if anything."""
        self._asked_again_at, self._proven = 0.0, False
        await self.ask(_answer)
        return self.trouble

    def use(self, url: str) -> None:
        """Changes to another Redis, or another password, from the next question on.

        The old connections are closed once all questions on them have timed out.
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
        """Its answer within the time-out; where it turns out to be a node of a cluster, the cluster's answer."""
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
        """Changes to a client that knows the cluster's nodes."""
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
            async with asyncio.timeout(DISCOVERY):
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
        timeout=None,  # the time-out is for waiting and asking together
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 1),  # over a new connection, where a pooled one was closed unnoticed
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
    return _running(Script(PROBE), [f"{prefix}:{{probe}}:{kind}" for kind in PROBED], [])


async def _answer(_: AnyRedis) -> bool:
    return True


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Ends the block with `TimeoutError` after so many seconds, unless the answer has arrived by then.

    An event loop that was busy for so long first gets some turns to read an answer that is already in the socket.
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
"""Turns of the event loop for reading an answer that has arrived, and some more."""


PROBED = ("text", "hash", "set", "ranking", "stream")

PROBE = """
-- KEYS: one of each kind of `PROBED`, of no meaning
redis.call('SET', KEYS[1], '1', 'PX', 1000)
redis.call('GET', KEYS[1])
redis.call('MGET', KEYS[1])
redis.call('INCRBY', KEYS[1], 1)
redis.call('DECRBY', KEYS[1], 1)
redis.call('EXISTS', KEYS[1])
redis.call('HSET', KEYS[2], 'a', '1')
redis.call('HSETNX', KEYS[2], 'a', '1')
redis.call('HGET', KEYS[2], 'a')
redis.call('HMGET', KEYS[2], 'a')
redis.call('HGETALL', KEYS[2])
redis.call('HLEN', KEYS[2])
redis.call('HSTRLEN', KEYS[2], 'a')
redis.call('HDEL', KEYS[2], 'a')
redis.call('SMEMBERS', KEYS[3])
redis.call('TIME')
redis.call('ZADD', KEYS[4], 1, 'a')
redis.call('ZSCORE', KEYS[4], 'a')
redis.call('ZCARD', KEYS[4])
redis.call('ZRANGE', KEYS[4], 0, -1)
redis.call('ZREMRANGEBYSCORE', KEYS[4], 0, 0)
redis.call('ZPOPMIN', KEYS[4])
redis.call('ZREM', KEYS[4], 'a')
redis.call('XADD', KEYS[5], '*', 'a', '1')
redis.call('XRANGE', KEYS[5], '(0-0', '+', 'COUNT', 1)
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, 1)
  redis.call('PEXPIRE', key, 1000)
  redis.call('DEL', key)
end
return 1
"""
"""Every command that is needed: a user who may run this may run the rest."""


class LinkTrouble(msgspec.Struct, frozen=True):
    """Why Redis is not used.

    Attributes:
        reason: What it does, as a predicate of "Redis".
        lasting: Whether it answers with an error that an operator has to fix.
        credential: Whether the password or the user's permissions are wrong.
    """

    reason: str
    lasting: bool = False
    credential: bool = False


PASSWORD = LinkTrouble("refuses the user or password of GATEWAY_CACHE_URL", lasting=True, credential=True)
RIGHTS = LinkTrouble(
    "does not allow the user of GATEWAY_CACHE_URL what is needed; see docs/operations/redis.md for its ACL",
    lasting=True,
    credential=True,
)
READ_ONLY = LinkTrouble("is a replica that only reads; GATEWAY_CACHE_URL has to name the primary", lasting=True)
FULL = LinkTrouble("has no memory left; it should have maxmemory-policy allkeys-lru", lasting=True)
NO_PRIMARY = LinkTrouble("is a replica whose primary is away", lasting=True)
NO_WRITES = LinkTrouble("takes no writes, since it cannot save them or pass them on", lasting=True)
LOADING = LinkTrouble("is loading its data")

BY_TYPE: tuple[tuple[type[Exception], LinkTrouble], ...] = (
    (AuthenticationError, PASSWORD),
    (AuthenticationWrongNumberOfArgsError, PASSWORD),
    (NoPermissionError, RIGHTS),
    (ReadOnlyError, READ_ONLY),
    (OutOfMemoryError, FULL),
    (MasterDownError, NO_PRIMARY),
    (BusyLoadingError, LOADING),
)
BY_WORD = {
    "NOAUTH": PASSWORD,
    "WRONGPASS": PASSWORD,
    "NOPERM": RIGHTS,
    "can't run this command": RIGHTS,
    "READONLY": READ_ONLY,
    "OOM": FULL,
    "MISCONF": NO_WRITES,
    "NOREPLICAS": NO_WRITES,
}
"""Troubles by words in the error of a script."""

CODE = re.compile(r"[A-Z]{2,20}\b")


def trouble_in(error: Exception) -> LinkTrouble:
    """The trouble that an error of redis-py stands for."""
    for kind, trouble in BY_TYPE:
        if isinstance(error, kind):
            return trouble
    text, name = str(error), type(error).__name__
    if isinstance(error, ClusterError | AskError | RedisClusterException):
        return LinkTrouble(f"is a cluster that cannot be used now ({name})")
    if isinstance(error, ResponseError):
        code = CODE.match(text)
        known = next((trouble for word, trouble in BY_WORD.items() if word in text), None)
        return known or LinkTrouble(f"answers with an error ({code[0] if code else name})")
    return LinkTrouble(f"does not answer ({name})")
