"""What replicas share of the HTTP API: how much each client may still ask for, and persisted documents.

While Redis is away, each process limits clients by itself and has the documents that it knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gateway.upstream.replicas.link import Link, Script
from gateway.web.persisted import DocumentStore
from gateway.web.rate_limit import ClientRateLimits, exceeded

BUCKETS_VERSION = 1
"""The version of the buckets' layout."""

SPEND = Script("""
-- KEYS: bucket   ARGV: now (ms since 1970), operations a minute, units a minute, units to charge, operations to take
-- answers {what there is too little of: 0 nothing, 1 operations, 2 units; milliseconds to wait}
local now, most, units = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known = redis.call('HMGET', KEYS[1], 'at', 'left', 'units')
local at = tonumber(known[1]) or now
local passed = math.max(now - at, 0) / 60000
local left = math.min(most, (tonumber(known[2]) or most) + passed * most)
local has = math.min(units, (tonumber(known[3]) or units) + passed * units)
local lacking, wait = 0, 0
if ARGV[5] == '1' then
  if left < 1 then lacking, wait = 1, (1 - left) * 60000 / most
  elseif has < 0 then lacking, wait = 2, -has * 60000 / units
  else left = left - 1 end
end
has = has - tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'at', math.max(now, at), 'left', left, 'units', has)
redis.call('PEXPIRE', KEYS[1], math.ceil(60000 * math.max(1, (units - has) / units)))
return {lacking, math.ceil(wait)}
""")
"""The arithmetic of `web.rate_limit.Bucket` as one atomic step; a full bucket expires."""


class SharedRates:
    """How much each client may ask of all replicas together: every client's buckets, in Redis.

    Args:
        link: The Redis.
        near: This process's own buckets, for as long as Redis does not answer.
    """

    def __init__(self, link: Link, near: ClientRateLimits) -> None:
        self._link = link
        self._near = near

    async def admit(self, client: str) -> None:
        """Takes an operation from a client's bucket.

        Raises:
            RateLimited: None is left, or the client has spent more than its cost.
        """
        answer = await self._ask(client, charge=0, take=True)
        if answer is None:
            await self._near.admit(client)
            return
        lacking, wait = answer
        if lacking:
            raise exceeded(self._near, of_cost=lacking == 2, wait=wait / 1000)  # noqa: PLR2004 - the script's word

    async def charge(self, client: str, cost: int) -> None:
        """Takes what an operation has cost, once that is known."""
        if cost and await self._ask(client, charge=cost, take=False) is None:
            await self._near.charge(client, cost)

    async def _ask(self, client: str, *, charge: int, take: bool) -> tuple[int, int] | None:
        name = hashlib.blake2b(client.encode(), digest_size=16).hexdigest()
        near, now = self._near, await self._link.time()
        if now is None:
            return None
        given = [round(now * 1000), near.operations, near.cost, charge, int(take)]
        answer = await self._link.run(SPEND, [f"{self._link.prefix}:client:{BUCKETS_VERSION}:{name}"], given)
        return None if answer is None else (answer[0], answer[1])


DOCUMENTS_VERSION = 1
"""The version of the documents' layout."""

MAX_BYTES = 32_000_000
"""Bytes of all documents together; the least recently used are dropped first."""
TTL_SECONDS = 30 * 24 * 3600
"""Seconds after which they expire where none is used at all."""

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
    """Persisted documents that all replicas know: texts by their SHA-256.

    They are in Redis and, as far as they were used here, in this process's memory.

    Args:
        link: The Redis.
        near: This process's memory.
        most_bytes: Bytes of all texts in Redis.
    """

    def __init__(self, link: Link, near: DocumentStore, *, most_bytes: int = MAX_BYTES) -> None:
        self._link = link
        self._near = near
        self._most_bytes = most_bytes
        place = f"{link.prefix}:{{documents:{DOCUMENTS_VERSION}}}"
        self._keys = [f"{place}:{part}" for part in ("texts", "used", "bytes")]

    async def get(self, digest: str) -> str | None:
        """The text, where it is known."""
        text = await self._near.get(digest)
        if text is not None:
            return text
        answer = await self._run(GET, self._keys[:2], digest)
        # A writer to Redis still cannot substitute another document for this hash.
        if not isinstance(answer, bytes) or hashlib.sha256(answer).hexdigest() != digest:
            return None
        text = answer.decode()
        await self._near.put(digest, text)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Stores a text."""
        if await self._near.get(digest) is not None:
            return  # it was shared when it came to be known here
        await self._near.put(digest, text)
        await self._run(PUT, self._keys, digest, text, self._most_bytes, TTL_SECONDS)

    async def _run(self, script: Script, keys: Sequence[str], digest: str, *more: str | int) -> object:
        now = await self._link.time()
        return None if now is None else await self._link.run(script, keys, [digest, round(now * 1000), *more])
