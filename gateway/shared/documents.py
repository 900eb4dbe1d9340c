"""Persisted documents that all replicas know; while Redis is away, those that this process knows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gateway.upstream.replicas.link import Link, Script
from gateway.web.persisted import DocumentStore

VERSION = 1
"""Of how they are laid out; counted up with it."""

MOST_BYTES = 32_000_000
"""Of all documents together; the least recently used is forgotten first."""
KEPT_SECONDS = 30 * 24 * 3600
"""After which they are forgotten where none is used at all."""

GET = Script("""
-- KEYS: texts, used   ARGV: digest, now (ms since 1970, by Redis)
local text = redis.call('HGET', KEYS[1], ARGV[1])
if text then redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1]) end
return text
""")

PUT = Script("""
-- KEYS: texts, used, bytes   ARGV: digest, now (ms since 1970, by Redis), text, bytes at most, seconds to keep
local count = redis.call('HLEN', KEYS[1])
if count ~= redis.call('ZCARD', KEYS[2]) or (count > 0) ~= (redis.call('EXISTS', KEYS[3]) == 1) then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])  -- Redis was short of memory and gave one of the three up
end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[3]) == 1 then
  local size = redis.call('INCRBY', KEYS[3], #ARGV[3])
  while size > tonumber(ARGV[4]) do
    local oldest = redis.call('ZPOPMIN', KEYS[2])[1]
    size = redis.call('DECRBY', KEYS[3], redis.call('HSTRLEN', KEYS[1], oldest))
    redis.call('HDEL', KEYS[1], oldest)
  end
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[5]) end
return 1
""")


class SharedDocuments:
    """Texts by their SHA-256, in Redis and, as far as they were used here, in this process's memory.

    Args:
        link: The Redis.
        near: This process's memory.
        most_bytes: Bytes of all texts in Redis.
    """

    def __init__(self, link: Link, near: DocumentStore, *, most_bytes: int = MOST_BYTES) -> None:
        self._link = link
        self._near = near
        self._most_bytes = most_bytes
        place = f"{link.prefix}:{{documents:{VERSION}}}"
        self._keys = [f"{place}:{part}" for part in ("texts", "used", "bytes")]

    async def get(self, digest: str) -> str | None:
        """The text, where it is known."""
        text = await self._near.get(digest)
        if text is not None:
            return text
        told = await self._run(GET, self._keys[:2], digest)
        # Whoever can write to Redis still cannot have another document run under its name.
        if not isinstance(told, bytes) or hashlib.sha256(told).hexdigest() != digest:
            return None
        text = told.decode()
        await self._near.put(digest, text)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Keeps a text."""
        if await self._near.get(digest) is not None:
            return  # it was shared when it came to be known here
        await self._near.put(digest, text)
        await self._run(PUT, self._keys, digest, text, self._most_bytes, KEPT_SECONDS)

    async def _run(self, script: Script, keys: Sequence[str], digest: str, *more: str | int) -> object:
        now = await self._link.time()
        return None if now is None else await self._link.run(script, keys, [digest, round(now * 1000), *more])
