"""Units of a rate limit, counted by all replicas together.

Each replica reports to Redis, for each window, how many units it may spend: those that it has spent, and some that it
may spend without reporting again. Redis holds the reports and does no arithmetic. A report that asks for more than the
one before is granted only if, with those of all others, it stays within the limit; a later report sees the earlier one,
so that two cannot both exceed it. While Redis is down, or does not have the reports of all known replicas (it was
emptied, or a window has just begun), each has what it was granted before, or its share of a window that it has not
reported yet. So the sum stays within the limit, whatever Redis forgets and whenever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import msgspec

from gateway.upstream.minute import SOON, Grant, Others, Report, Windows
from gateway.upstream.replicas.fleet import BEAT
from gateway.upstream.replicas.link import Link, Script

REPORT_TTL = 240_000
"""Milliseconds after which reports expire: no call that was counted in them can still be in flight."""

EXCHANGE = Script("""
-- KEYS: the reports of each window   ARGV: this replica, milliseconds until they expire, its report of each window
-- returns the reports of each window
local answer = {}
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[1], ARGV[i + 2])
  redis.call('PEXPIRE', key, ARGV[2])
  answer[i] = redis.call('HGETALL', key)
end
return answer
""")


class Replicas(Protocol):
    """The replicas that share the limit; see `Fleet`."""

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
    """Counts what all replicas spend; while Redis is down, what this one spends of its rights.

    Args:
        link: The Redis.
        name: Whose units they are: the upstream, and the credential as a keyed hash.
        replicas: The replicas that share the limit.
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
        """Counts under another name from now on, since the credential was replaced.

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
            self._windows.limit_remaining(now, left)
        if answered:
            self._windows.answered(now)
        await self.sync(now, limit=self._limit)

    async def empty(self, now: float, until: float | None) -> None:
        """Takes from a 429 that no units are left, until a moment or for the rest of the window."""
        self._windows.empty(now, until)
        await self.sync(now, limit=self._limit)

    async def sync(self, now: float, *, limit: int, leaving: bool = False) -> None:
        """Exchanges reports with the other replicas.

        Callers during an exchange share the next one, which is sent after it: reports of one replica
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
        """Sets the seconds around an edge within which a unit counts on both sides of it."""
        self._windows.margin = margin

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now, as far as this replica knows; negative after a correction."""
        free = self._windows.free(now, limit)
        for window in self._windows.around(now):
            if window not in self._whole:
                free = min(free, self._right(window, now, limit) - self._windows.tally(window).spent)
        return free

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet; while Redis is down, those of them that this replica may spend."""
        alone = not self._whole.issuperset(self._windows.around(now))
        return self.free(now, limit) if alone else self._windows.left(now, limit)

    def opens(self, now: float, limit: int, needed: int = 1) -> float:
        """Seconds until there may be as many units as needed, where there are too few now.

        Soon, where reports are missing, which are about to come.
        """
        windows = self._windows.around(now)
        if self._whole.issuperset(windows) or (self._together and self._windows.left(now, limit) < needed):
            return self._windows.opens(now, limit, needed)
        if self._together:
            return SOON
        spent = [each for each in windows if self._right(each, now, limit) - self._windows.tally(each).spent < needed]
        return self._windows.ends(now, max(spent, default=windows[0]))

    def _stands(self, grant: Grant, now: float, limit: int, spare: int) -> bool:
        """Whether a grant may stand: within what all leave, or within this replica's rights."""
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
        if self._together and not tally.spent:  # an idle replica leaves to busy ones what others have not claimed yet
            left -= share * len(self._replicas.others - self._reports.get(window, {}).keys())
        wanted = tally.spent + max(0, min(share - tally.spent, left // max(2, size)))
        # Without the others' reports, asking for more than this replica's right would only hinder them.
        return (
            wanted if window in self._reports else min(wanted, max(tally.spent, self._right(window, now, self._limit)))
        )

    async def _exchange(self, now: float) -> None:
        """Exchanges reports; twice where the first exchange brings reports of a new window."""
        before = set(self._reports)
        await self._report(now)
        if self._together and not before.issuperset(self._windows.around(now)):
            await self._report(now)

    async def _report(self, now: float) -> None:
        """Sends this replica's reports and takes those of the others."""
        current = self._windows.around(now)
        windows = sorted({*current, *(window for window in self._rights if window >= current[0] - 1)})
        wanted = {window: self._wanted(window, now) for window in windows}
        for window, units in wanted.items():
            # A right that is not asked for again is given up before the others can know of it.
            self._rights[window] = min(units, self._right(window, now, self._limit))
        reports = [encode_report(self._windows.report(window, units)) for window, units in wanted.items()]
        keys = [f"{self._link.prefix}:budget:{{{self._name}}}:{window}" for window in windows]
        answer = await self._link.run(EXCHANGE, keys, [self._replicas.name, REPORT_TTL, *reports])
        self._together = answer is not None
        self._whole.clear()
        if answer is not None:
            for (window, units), fields in zip(wanted.items(), answer, strict=True):
                self._learn(window, units, dict(zip(fields[::2], fields[1::2], strict=True)), now)
        for old in [window for window in {*self._rights, *self._reports} if window < current[0] - 3]:
            self._rights.pop(old, None)
            self._reports.pop(old, None)

    def _learn(self, window: int, wanted: int, fields: Mapping[bytes, bytes], now: float) -> None:
        """Takes the reports of a window, of which this replica has just asked for so many units."""
        share = self._limit // self._replicas.size
        known = self._reports.setdefault(window, {})
        fresh = {name.decode(): decode_report(data, unreadable=share) for name, data in fields.items()}
        fresh.pop(self._replicas.name, None)
        known.update(fresh)
        others = Others.of(known.values())
        self._windows.learn(window, others)
        for report in fresh.values():
            self._windows.hold(now, report.held_until)
            self._windows.answered(min(report.answered_at, now))
        if self._replicas.others <= fresh.keys():
            self._whole.add(window)
            granted = max(self._rights[window], min(wanted, self._limit - others.reserved))
            self._rights[window] = min(granted, self._wanted(window, now))


REPORT_VERSION = 1
"""The version of what follows the number."""

MAX_DIGITS = 9
"""Digits of a number of units; one with more is not valid."""


class _Details(msgspec.Struct, array_like=True, frozen=True):
    version: int
    spent: int
    in_flight: int
    remaining: int | None
    base: int
    held_until: float
    answered_at: float


_decoder = msgspec.msgpack.Decoder(_Details)


def encode_report(report: Report) -> bytes:
    """A report as bytes.

    It begins with the units that the replica may spend, as a decimal number, which every release reads and writes, so
    that old and new replicas stay within one budget. The rest is for replicas with the same version.
    """
    details = _Details(
        version=REPORT_VERSION,
        spent=report.spent,
        in_flight=report.in_flight,
        remaining=report.remaining,
        base=report.base,
        held_until=report.held_until,
        answered_at=report.answered_at,
    )
    return b"%d %b" % (report.reserved, msgspec.msgpack.encode(details))


def decode_report(data: bytes, *, unreadable: int) -> Report:
    """The report that bytes hold.

    Args:
        data: The bytes.
        unreadable: Units that count as spent where not even their number can be read.
    """
    number, _, rest = data.partition(b" ")
    reserved = int(number) if number.isdigit() and len(number) <= MAX_DIGITS else unreadable
    try:
        details = _decoder.decode(rest)
    except (msgspec.MsgspecError, ValueError):
        details = None
    if details is None or details.version != REPORT_VERSION:
        return Report(reserved=reserved, spent=reserved)
    return Report(
        reserved=reserved,
        spent=details.spent,
        in_flight=details.in_flight,
        remaining=details.remaining,
        base=details.base,
        held_until=details.held_until,
        answered_at=details.answered_at,
    )
