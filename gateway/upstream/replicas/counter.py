"""Units counted by all replicas together."""

from __future__ import annotations

import secrets
from collections import Counter as Sums
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.upstream.replicas.link import Link
from gateway.upstream.window import Grant, Tally, Windows, around, opening

KEEP = 180_000
"""Milliseconds that a window is kept: until no call that was counted in it can still be under way."""

COUNTING = f"""
local function tally(key)
  local known = redis.call('HMGET', key, 'spent', 'flying', 'told', 'base', 'born')
  return {{tonumber(known[1]) or 0, tonumber(known[2]) or 0, tonumber(known[3]) or -1, tonumber(known[4]) or 0,
    known[5] or ''}}
end
local function free(key, limit)
  local t = tally(key)
  local left = limit - t[1]
  if t[3] >= 0 then left = math.min(left, t[3] - (t[1] - t[4])) end
  return left
end
local function count(key, spent, flying)
  redis.call('HINCRBY', key, 'spent', spent)
  if redis.call('HINCRBY', key, 'flying', flying) < 0 then redis.call('HSET', key, 'flying', 0) end
  redis.call('PEXPIRE', key, {KEEP})
end
local function remember(key, at)
  local born, unseen = redis.call('HGET', key, 'born'), tonumber(ARGV[at + 5])
  if not born then
    born = ARGV[1]
    redis.call('HSET', key, 'born', born)
  end
  if ARGV[at] == born or ARGV[at] == '' then
    if unseen > 0 then count(key, unseen, 0) end
    return
  end
  local t, spent, told = tally(key), tonumber(ARGV[at + 1]) + unseen, tonumber(ARGV[at + 3])
  if spent > t[1] then redis.call('HSET', key, 'spent', spent, 'flying', math.max(t[2], tonumber(ARGV[at + 2]))) end
  if told >= 0 and t[3] < 0 then redis.call('HSET', key, 'told', told, 'base', tonumber(ARGV[at + 4])) end
end
local function tell(key, left)
  local t = tally(key)
  if t[3] < 0 or left <= t[3] then redis.call('HSET', key, 'told', left, 'base', t[1] - t[2]) end
  redis.call('PEXPIRE', key, {KEEP})
end
"""
"""The arithmetic of `window.Tally`, where nobody can come in between; -1 stands for not told.

A window is marked with who began it. Whoever saw another mark on it before knows that Redis has lost what it counted,
and lifts it to what was seen last (`remember`): an empty Redis is no empty minute. ARGV[1] is the mark of a new one; at
`at` come the mark, spent, flying, told and base seen last, and units spent since that Redis has not heard of.
"""

TAKE = (
    COUNTING
    + """
-- KEYS: hold, window...   ARGV: mark, cost, units needed, limit, now,
--                               for each window: what was seen last (six), units carried over into it
-- answers {granted, milliseconds held, tally...}
local cost, needed, limit, now = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local granted, held = 1, math.max(tonumber(redis.call('GET', KEYS[1]) or 0) - now, 0)
if held > 0 then granted = 0 end
for i = 2, #KEYS do
  local at = 6 + (i - 2) * 7
  remember(KEYS[i], at)
  local carried = tonumber(ARGV[at + 6])
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
-- KEYS: window...   ARGV: mark, cost taken, true cost, units left (-1 where not told),
--                         for each window: what was seen last (six), whether the call is counted in it
-- The windows around now come last; answers with the tally of each window.
local taken, cost, left = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 1, #KEYS do
  local at = 5 + (i - 1) * 7
  remember(KEYS[i], at)
  if ARGV[at + 6] == '1' then count(KEYS[i], cost - taken, -taken) else count(KEYS[i], cost, 0) end
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


class _Seen(msgspec.Struct):
    """A window as Redis had it last.

    Attributes:
        tally: What was counted.
        ours: Units of ours in it by then.
        mark: Who had begun it; empty where Redis has not been heard of it.
    """

    tally: Tally
    ours: int = 0
    mark: str = ""


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
        self._seen: dict[int, _Seen] = {}
        self._unseen: Sums[int] = Sums()
        self._held_until = 0.0
        self._take = link.script(TAKE)
        self._settle = link.script(SETTLE)
        self._empty = link.script(EMPTY)

    def rename(self, name: str) -> None:
        """Counts on under another name, since the credential was replaced.

        What was seen of the old one is carried over, as to a Redis that came back empty.
        """
        self._name = f"{self._link.prefix}:budget:{name}"

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        windows = around(now, self._length)
        carried = [[grant for grant, known in self._flying.items() if window not in known] for window in windows]
        units = [sum(grant.cost for grant in grants) for grants in carried]
        known = [self._known(window) for window in windows]
        each = [part for seen, carried_over in zip(known, units, strict=True) for part in (*seen, carried_over)]
        moments = [secrets.token_hex(4), cost, min(cost, limit) + spare, limit, round(now * 1000)]
        answer = await self._link.run(self._take, self._keys(windows, hold=True), [*moments, *each])
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
        self._learn(windows, known, tallies)
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
        seen = [self._known(window) for window in windows]
        each = [part for window, parts in zip(windows, seen, strict=True) for part in (*parts, int(window in known))]
        begun = [secrets.token_hex(4), grant.cost, cost, told]
        answer = await self._link.run(self._settle, self._keys(windows), [*begun, *each])
        if answer is not None:
            self._learn(windows, seen, answer)
            return
        for window in set(windows) - known:
            self._unseen[window] += cost

    async def empty(self, now: float, until: float | None) -> None:
        """Learns from a 429 that there is nothing left, until a moment or as long as the window lasts."""
        self._alone.empty(now, until)
        windows = around(now, self._length)
        if until is None:
            for window in windows:
                self._seen.setdefault(window, _Seen(Tally())).tally.tell(0)
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
            seen = self._seen[window]
            left = max(0, seen.tally.free(limit)) // max(1, self._replicas())
            free = min(free, left - (self._alone.spent(window) - seen.ours))
        return free

    def _tally(self, window: int) -> Tally:
        return self._seen[window].tally if window in self._seen else Tally()

    def _known(self, window: int) -> list[int | str]:
        """What was seen last of a window, as the scripts take it."""
        seen = self._seen.get(window, _Seen(Tally()))
        tally = seen.tally
        told = -1 if tally.told is None else tally.told
        return [seen.mark, tally.spent, tally.flying, told, tally.base, self._unseen[window]]

    def _share(self, limit: int) -> int:
        return max(1, limit // max(1, self._replicas()))

    def _board(self, now: float, cost: int, windows: set[int]) -> Grant:
        grant = self._alone.take(now, cost)
        self._flying[grant] = windows
        return grant

    def _learn(
        self, windows: Sequence[int], sent: Sequence[Sequence[Any]], tallies: Sequence[tuple[int, int, int, int, bytes]]
    ) -> None:
        for window, known, (spent, flying, told, base, mark) in zip(windows, sent, tallies, strict=True):
            tally = Tally(spent, flying, None if told < 0 else told, base)
            self._seen[window] = _Seen(tally, self._alone.spent(window), mark.decode())
            self._unseen[window] -= known[-1]
        for old in [window for window in {*self._seen, *self._unseen} if window < windows[0] - 3]:
            self._seen.pop(old, None)
            self._unseen.pop(old, None)

    def _keys(self, windows: Sequence[int], *, hold: bool = False) -> list[str]:
        keys = [f"{self._name}:{window}" for window in windows]
        return [f"{self._name}:hold", *keys] if hold else keys
