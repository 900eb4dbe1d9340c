"""Units counted by all replicas together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.upstream.replicas.link import Link
from gateway.upstream.window import Grant, Tally, Windows, around, opening

KEEP = 180_000
"""Milliseconds that a window is kept: until no call that was counted in it can still be under way."""

COUNTING = f"""
local function tally(key)
  local known = redis.call('HMGET', key, 'spent', 'flying', 'told', 'base')
  return {{tonumber(known[1]) or 0, tonumber(known[2]) or 0, tonumber(known[3]) or -1, tonumber(known[4]) or 0}}
end
local function free(key, limit)
  local t = tally(key)
  local left = limit - t[1]
  if t[3] >= 0 then left = math.min(left, t[3] - (t[1] - t[4])) end
  return left
end
local function count(key, spent, flying)
  redis.call('HINCRBY', key, 'spent', spent)
  redis.call('HINCRBY', key, 'flying', flying)
  redis.call('PEXPIRE', key, {KEEP})
end
local function tell(key, left)
  local t = tally(key)
  if t[3] < 0 or left <= t[3] then redis.call('HSET', key, 'told', left, 'base', t[1] - t[2]) end
  redis.call('PEXPIRE', key, {KEEP})
end
"""
"""The arithmetic of `window.Tally`, where nobody can come in between; -1 stands for not told."""

TAKE = (
    COUNTING
    + """
-- KEYS: hold, window...   ARGV: cost, units needed, limit, now, units carried over into each window...
-- answers {granted, milliseconds held, tally...}
local cost, needed, limit, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local granted, held = 1, math.max(tonumber(redis.call('GET', KEYS[1]) or 0) - now, 0)
if held > 0 then granted = 0 end
for i = 2, #KEYS do
  local carried = tonumber(ARGV[i + 3])
  if carried > 0 then count(KEYS[i], carried, carried) end
  if free(KEYS[i], limit) < needed then granted = 0 end
end
local answer = {granted, math.ceil(held)}
for i = 2, #KEYS do
  if granted == 1 then count(KEYS[i], cost, cost) end
  answer[i + 1] = tally(KEYS[i])
end
return answer
"""
)

SETTLE = (
    COUNTING
    + """
-- KEYS: window...   ARGV: cost taken, true cost, units left (-1 where not told),
--                         for each window: whether the call is counted in it
-- The windows around now come last; answers with the tally of each window.
local taken, cost, left = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 1, #KEYS do
  if ARGV[i + 3] == '1' then count(KEYS[i], cost - taken, -taken) else count(KEYS[i], cost, 0) end
end
if left >= 0 then tell(KEYS[#KEYS], left) end
local answer = {}
for i = 1, #KEYS do answer[i] = tally(KEYS[i]) end
return answer
"""
)

EMPTY = (
    COUNTING
    + """
-- KEYS: hold, window...   ARGV: now, until when to hold (milliseconds since 1970); 0 empties the windows
local now, until_ = tonumber(ARGV[1]), tonumber(ARGV[2])
if until_ > math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) then
  redis.call('SET', KEYS[1], string.format('%d', until_), 'PX', string.format('%d', until_ - now))
end
for i = 2, #KEYS do
  if until_ == 0 then tell(KEYS[i], 0) end
end
return 1
"""
)


class SharedCounter:
    """Counts what all replicas spend; while Redis is away, what this one spends of its share.

    Args:
        link: The Redis.
        name: Whose units they are: the upstream, and the credential as a keyed hash.
        replicas: How many processes share the limit, as far as is known.
        length: Seconds that a window lasts.
    """

    def __init__(self, link: Link, name: str, replicas: Callable[[], int], *, length: float = 60.0) -> None:
        self._link = link
        self._name = f"{link.prefix}:budget:{name}"
        self._replicas = replicas
        self._length = length
        self._alone = Windows(length)
        self._flying: dict[Grant, set[int]] = {}
        self._seen: dict[int, tuple[Tally, int]] = {}
        self._held_until = 0.0
        self._take = link.script(TAKE)
        self._settle = link.script(SETTLE)
        self._empty = link.script(EMPTY)

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        windows = around(now, self._length)
        carried = [[grant for grant, known in self._flying.items() if window not in known] for window in windows]
        units = [sum(grant.cost for grant in grants) for grants in carried]
        needed = min(cost, limit) + spare
        answer = await self._link.run(
            self._take, self._keys(windows, hold=True), [cost, needed, limit, round(now * 1000), *units]
        )
        if answer is None:
            share = self._share(limit)
            enough = self._free_alone(now, limit) >= min(cost, share) + spare * share // limit
            return self._board(now, cost, set()) if enough else None
        granted, held, *tallies = answer
        for window, grants in zip(windows, carried, strict=True):
            for grant in grants:
                if grant in self._flying:
                    self._flying[grant].add(window)
        boarded = self._board(now, cost, set(windows)) if granted else None
        self._learn(windows, tallies)
        self._held_until = now + held / 1000 if held else 0.0
        return boarded

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None) -> None:
        """Ends a call with what it cost and, where told, the units that the upstream has left for everybody."""
        self._alone.settle(grant, now, cost=cost)
        if left is not None:
            self._alone.tell(now, left)
        known, current = self._flying.pop(grant), around(now, self._length)
        windows = sorted(known - set(current)) + current
        told = -1 if left is None or len(current) > 1 else left
        marks = [int(window in known) for window in windows]
        answer = await self._link.run(self._settle, self._keys(windows), [grant.cost, cost, told, *marks])
        if answer is not None:
            self._learn(windows, answer)

    async def empty(self, now: float, until: float | None) -> None:
        """Learns from a 429 that there is nothing left, until a moment or as long as the window lasts."""
        self._alone.empty(now, until)
        windows = around(now, self._length)
        if until is None:
            for window in windows:
                self._seen.setdefault(window, (Tally(), 0))[0].tell(0)
        else:
            self._held_until = max(self._held_until, until)
        moments = [round(now * 1000), 0 if until is None else round(until * 1000)]
        await self._link.run(self._empty, self._keys(windows, hold=True), moments)

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now, as far as is known here."""
        if not self._link.up:
            return self._free_alone(now, limit)
        free = min(self._tally(window).free(limit) for window in around(now, self._length))
        return min(free, 0) if now < self._held_until else free

    def opens(self, now: float, limit: int) -> float:
        """Seconds until there may be units again, where there are none or too few now."""
        if not self._link.up:
            return self._alone.opens(now, self._share(limit))
        if now < self._held_until:
            return self._held_until - now
        last = self._tally(around(now, self._length)[-1])
        return opening(now, self._length, last_is_full=last.free(limit) < 1)

    def _free_alone(self, now: float, limit: int) -> int:
        """Units of this process's share, and no more than its share of what was left when Redis was last heard of."""
        free = self._alone.free(now, self._share(limit))
        for window in set(around(now, self._length)) & self._seen.keys():
            tally, ours = self._seen[window]
            left = max(0, tally.free(limit)) // max(1, self._replicas())
            free = min(free, left - (self._alone.spent(window) - ours))
        return free

    def _tally(self, window: int) -> Tally:
        return self._seen[window][0] if window in self._seen else Tally()

    def _share(self, limit: int) -> int:
        return max(1, limit // max(1, self._replicas()))

    def _board(self, now: float, cost: int, windows: set[int]) -> Grant:
        grant = self._alone.take(now, cost)
        self._flying[grant] = windows
        return grant

    def _learn(self, windows: Sequence[int], tallies: Sequence[Sequence[int]]) -> None:
        for window, (spent, flying, told, base) in zip(windows, tallies, strict=True):
            tally = Tally(spent, flying, None if told < 0 else told, base)
            self._seen[window] = tally, self._alone.spent(window)
        for old in [window for window in self._seen if window < windows[0] - 3]:
            del self._seen[old]

    def _keys(self, windows: Sequence[int], *, hold: bool = False) -> list[str]:
        keys = [f"{self._name}:{window}" for window in windows]
        return [f"{self._name}:hold", *keys] if hold else keys
