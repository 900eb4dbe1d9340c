"""How much each client may ask of all replicas together; while Redis is away, of each process by itself."""

from __future__ import annotations

import hashlib

from gateway.upstream.replicas.link import Link, Script
from gateway.web.rate_limit import ClientRateLimits, exceeded

VERSION = 1
"""Of how buckets are laid out; counted up with it."""

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
"""The arithmetic of `web.rate_limit.Bucket`, where nobody can come in between; a full bucket need not be kept."""


class SharedRates:
    """Every client's buckets, in Redis.

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
            RateLimited: There is none left, or the client has spent more than its cost.
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
        answer = await self._link.run(SPEND, [f"{self._link.prefix}:client:{VERSION}:{name}"], given)
        return None if answer is None else (answer[0], answer[1])
