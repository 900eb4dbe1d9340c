"""What is wrong with a Redis, in words for those who run it; none of its own, which may hold keys and values."""

from __future__ import annotations

import re

import msgspec
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    ClusterError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
)

PROBE = """
-- KEYS: a text, a hash, a set and a ranking, of no meaning
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
for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, 1)
  redis.call('PEXPIRE', key, 1000)
  redis.call('DEL', key)
end
return 1
"""
"""A bit of everything that a Redis is needed for: whoever may do this may do the rest."""


class LinkTrouble(msgspec.Struct, frozen=True):
    """Why a Redis is not used.

    Attributes:
        reason: What it does, to be put after "Redis".
        lasting: Whether it answers, but with an error that lasts until somebody sets something right.
        credential: Whether it is the password or the user's rights that are wrong.
    """

    reason: str
    lasting: bool = False
    credential: bool = False


PASSWORD = LinkTrouble("refuses the user or password of GATEWAY_CACHE_URL", lasting=True, credential=True)
RIGHTS = LinkTrouble(
    "does not allow the user of GATEWAY_CACHE_URL what is needed; see docs/upstreams.md for its ACL",
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
"""What stands in an error that came about within a script."""

CODE = re.compile(r"[A-Z]{2,20}\b")


def trouble_in(error: Exception) -> LinkTrouble:
    """What an error of redis-py's says."""
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
