"""Units counted by all replicas together.

Each replica reports to Redis, for each window, how many units it may spend: those that it has spent, and some that it
may spend without asking again. Redis holds the reports and does no arithmetic. A report that says more than the one
before is good only where, with those of all others, it stays within the limit; whoever reports later sees the earlier
one, so two cannot both be good. While Redis is away, or does not have the reports of all known replicas (it was
emptied, or a window has just begun), each goes on with what it was granted before, or with its share of a window that
it has reported nothing of. So the sum stays within the limit, whatever Redis forgets and whenever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from gateway.upstream.replicas.fleet import BEAT
from gateway.upstream.replicas.link import Link, Script
from gateway.upstream.replicas.reports import decoded, encoded
from gateway.upstream.window import SOON, Grant, Others, Report, Windows

KEEP = 240_000
"""Milliseconds that reports are kept: until no call that was counted in them can still be under way."""

EXCHANGE = Script("""
-- KEYS: the reports of each window   ARGV: this replica, milliseconds to keep them, what it reports of each window
-- answers the reports of each window
local answer = {}
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[1], ARGV[i + 2])
  redis.call('PEXPIRE', key, ARGV[2])
  answer[i] = redis.call('HGETALL', key)
end
return answer
""")


class Replicas(Protocol):
    """Who shares the limit; see `Fleet`."""

    @property
    def name(self) -> str:
        """This replica's."""
        ...

    @property
    def others(self) -> frozenset[str]:
        """The names of the others."""
        ...

    @property
    def size(self) -> int:
        """How many there are, this one included."""
        ...

    @property
    def known_for(self) -> float:
        """Seconds that the others have known of this one."""
        ...


class SharedCounter:
    """Counts what all replicas spend; while Redis is away, what this one spends of what it has a right to.

    Args:
        link: The Redis.
        name: Whose units they are: the upstream, and the credential as a keyed hash.
        replicas: Who shares the limit.
        length: Seconds that a window lasts.
    """

    def __init__(self, link: Link, name: str, replicas: Replicas, *, length: float = 60.0) -> None:
        self._link = link
        self._name = name
        self._replicas = replicas
        self._windows = Windows(length)
        self._length = length
        self._limit = 0
        self._rights: dict[int, int] = {}
        self._reports: dict[int, dict[str, Report]] = {}
        self._whole: set[int] = set()
        self._together = False
        self._leaving = False
        self._changes = 0
        self._exchanged = 0
        self._exchanging = asyncio.Lock()

    def rename(self, name: str) -> None:
        """Counts on under another name, since the credential was replaced.

        Until all replicas have it, none finds the reports of all others under its name, and each has its share.
        """
        self._name = name

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        grant = self._windows.take(now, cost)
        granted = False
        try:
            await self.sync(now, limit=limit)
            granted = self._stands(grant, now, limit, spare)
        finally:
            if not granted:
                self._windows.settle(grant, now, cost=0)
        if granted:
            return grant
        await self.sync(now, limit=limit)
        return None

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None, answered: bool = False) -> None:
        """Ends a call."""
        self._windows.settle(grant, now, cost=cost)
        if left is not None:
            self._windows.tell(now, left)
        if answered:
            self._windows.answered(now)
        await self.sync(now, limit=self._limit)

    async def empty(self, now: float, until: float | None) -> None:
        """Learns from a 429 that there is nothing left, until a moment or as long as the window lasts."""
        self._windows.empty(now, until)
        await self.sync(now, limit=self._limit)

    async def sync(self, now: float, *, limit: int, leaving: bool = False) -> None:
        """Tells the other replicas what this one has spent, and learns what they have.

        Those who ask while an exchange is under way share the next one, which is sent after it: reports of one replica
        never overtake each other.
        """
        self._limit = limit
        self._leaving = self._leaving or leaving
        self._changes += 1
        mine = self._changes
        async with self._exchanging:
            if self._exchanged < mine:
                changes = self._changes
                await self._exchange(now)
                self._exchanged = changes

    def widen(self, margin: float) -> None:
        """Learns how many seconds around an edge a unit counts on both sides of it."""
        self._windows.margin = margin

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now, as far as is known here; fewer than none after a correction."""
        free = self._windows.free(now, limit)
        for window in self._windows.around(now):
            if window not in self._whole:
                free = min(free, self._right(window, now, limit) - self._windows.tally(window).spent)
        return free

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet; of them, those that this replica may spend, while it is on its own."""
        alone = not self._whole.issuperset(self._windows.around(now))
        return self.free(now, limit) if alone else self._windows.left(now, limit)

    def opens(self, now: float, limit: int, needed: int = 1) -> float:
        """Seconds until there may be as many units as needed, where there are too few now.

        Soon, where what is missing are reports, which are about to come.
        """
        windows = self._windows.around(now)
        if self._whole.issuperset(windows) or (self._together and self._windows.left(now, limit) < needed):
            return self._windows.opens(now, limit, needed)
        if self._together:
            return SOON
        spent = [each for each in windows if self._right(each, now, limit) - self._windows.tally(each).spent < needed]
        return self._windows.ends(now, max(spent, default=windows[0]))

    def _stands(self, grant: Grant, now: float, limit: int, spare: int) -> bool:
        """Whether units just taken may be kept: within what all leave, or within what this replica has a right to."""
        needed = self._windows.lacking(grant.cost, limit, spare)
        return self._windows.stands(grant, now, limit, spare) and all(
            window in self._whole or self._right(window, now, limit) - self._windows.tally(window).spent >= needed
            for window in self._windows.around(now)
        )

    def _right(self, window: int, now: float, limit: int) -> int:
        """Units of a window that this replica may spend whatever others do.

        That is what was granted last; or its share, where it has reported nothing of the window: the others, who miss
        its report, take no more than theirs. They have to know of it for that, from the window's beginning.
        """
        right = self._rights.get(window)
        if right is not None:
            return right
        known = self._replicas.known_for - 2 * BEAT >= now - window * self._length
        return limit // self._replicas.size if known else 0

    def _wanted(self, window: int, now: float) -> int:
        """Units of a window to ask for: those spent and, up to the share, this replica's part of those left."""
        tally, size = self._windows.tally(window), self._replicas.size
        if self._leaving or window < self._windows.around(now)[0]:
            return tally.spent
        share, left = self._limit // size, tally.free(self._limit)
        if self._together and not tally.spent:  # who is idle leaves to the busy what others have not claimed yet
            left -= share * len(self._replicas.others - self._reports.get(window, {}).keys())
        wanted = tally.spent + max(0, min(share - tally.spent, left // max(2, size)))
        # Without others' reports, more than there is a right to would only be in their way.
        return (
            wanted if window in self._reports else min(wanted, max(tally.spent, self._right(window, now, self._limit)))
        )

    async def _exchange(self, now: float) -> None:
        """Reports, and learns what the others have reported; where that is news, says at once what follows from it."""
        before = set(self._reports)
        await self._report(now)
        if self._together and not before.issuperset(self._windows.around(now)):
            await self._report(now)

    async def _report(self, now: float) -> None:
        """Reports, and learns what the others have reported."""
        current = self._windows.around(now)
        windows = sorted({*current, *(window for window in self._rights if window >= current[0] - 1)})
        wanted = {window: self._wanted(window, now) for window in windows}
        for window, units in wanted.items():
            # What is not asked for again is given up before the others may know of it.
            self._rights[window] = min(units, self._right(window, now, self._limit))
        reports = [encoded(self._windows.report(window, units)) for window, units in wanted.items()]
        keys = [f"{self._link.prefix}:budget:{{{self._name}}}:{window}" for window in windows]
        answer = await self._link.run(EXCHANGE, keys, [self._replicas.name, KEEP, *reports])
        self._together = answer is not None
        self._whole.clear()
        if answer is not None:
            for (window, units), fields in zip(wanted.items(), answer, strict=True):
                self._learn(window, units, dict(zip(fields[::2], fields[1::2], strict=True)), now)
        for old in [window for window in {*self._rights, *self._reports} if window < current[0] - 3]:
            self._rights.pop(old, None)
            self._reports.pop(old, None)

    def _learn(self, window: int, wanted: int, fields: Mapping[bytes, bytes], now: float) -> None:
        """Learns what stands in Redis of a window, where this replica has just asked for so many units."""
        share = self._limit // self._replicas.size
        known = self._reports.setdefault(window, {})
        fresh = {name.decode(): decoded(data, unreadable=share) for name, data in fields.items()}
        fresh.pop(self._replicas.name, None)
        known.update(fresh)
        others = Others.of(known.values())
        self._windows.learn(window, others)
        for report in fresh.values():
            self._windows.hold(now, report.held_until)
            self._windows.answered(min(report.well, now))
        if self._replicas.others <= fresh.keys():
            self._whole.add(window)
            granted = max(self._rights[window], min(wanted, self._limit - others.reserved))
            self._rights[window] = min(granted, self._wanted(window, now))
