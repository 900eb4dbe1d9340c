"""Units spent in each window of an upstream's rate limit: pure counting, without waiting or a clock.

A process counts what it spends itself; the reports of others are handed in (`Windows.learn`). All arithmetic of the
budget is here, however reports are exchanged.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

from gateway.upstream.clock import MARGIN

TICK = 0.001
"""Seconds by which a window starts later, so that rounding never puts its first moment into the one before."""

SOON = 1.0
"""Seconds before looking again where units are left that others may still spend."""

REMEMBERED = 3
"""Windows remembered on each side of the current ones: the upstream's clock may waver."""

LONGEST_HOLD = 300.0
"""The longest time in seconds for which another process can have calls to the upstream stopped."""


class Grant(msgspec.Struct, eq=False):
    """Units taken for a call in flight.

    Attributes:
        cost: Units expected.
        windows: The windows that they count in so far.
    """

    cost: int
    windows: set[int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A process's report of one window.

    Attributes:
        reserved: Units that it may spend without reporting again, those that it has spent included.
        spent: Units taken, those of calls in flight included.
        in_flight: Units of calls in flight.
        remaining: Fewest units that the upstream said are left for everybody; None where it said nothing.
        base: Units of all processes that `remaining` certainly includes.
        held_until: Until when no calls are to be made, in seconds since 1970 by the upstream's clock.
        answered_at: When the upstream last gave any response but that its limit is used up, likewise.
    """

    reserved: int
    spent: int
    in_flight: int = 0
    remaining: int | None = None
    base: int = 0
    held_until: float = 0.0
    answered_at: float = 0.0


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of other processes' reports of one window; see `Report`."""

    reserved: int = 0
    spent: int = 0
    in_flight: int = 0
    remaining: int | None = None
    base: int = 0

    @staticmethod
    def of(reports: Iterable[Report]) -> Others:
        """The sum of reports; of the numbers that the upstream reported, the latest, which is the least."""
        reserved = spent = in_flight = 0
        remaining: tuple[int, int] | None = None
        for report in reports:
            reserved += max(report.reserved, report.spent)
            spent += report.spent
            in_flight += report.in_flight
            if report.remaining is not None:
                this = (report.remaining, -report.base)
                remaining = this if remaining is None else min(remaining, this)
        if remaining is None:
            return Others(reserved=reserved, spent=spent, in_flight=in_flight)
        return Others(reserved=reserved, spent=spent, in_flight=in_flight, remaining=remaining[0], base=-remaining[1])


NOBODY = Others()


class WindowCount(msgspec.Struct):
    """The count of one window.

    Attributes:
        spent: Units taken here, those of calls in flight included.
        in_flight: Units of calls in flight.
        remaining: Fewest units that the upstream said are left for everybody; None where it said nothing.
        base: Units, of others too, that `remaining` certainly includes: those spent then, less those in flight then.
        others: The reports of others.
    """

    spent: int = 0
    in_flight: int = 0
    remaining: int | None = None
    base: int = 0
    others: Others = NOBODY

    def left(self, limit: int) -> int:
        """Units that nobody has spent yet; negative after a correction."""
        spent, others = self.spent + self.others.spent, self.others
        left = limit - spent
        remaining, base = self.remaining, self.base
        theirs = others.remaining
        if theirs is not None and (remaining is None or (theirs, -others.base) < (remaining, -base)):
            remaining, base = theirs, others.base
        return left if remaining is None else min(left, remaining - (spent - base))

    def free(self, limit: int) -> int:
        """Units that may still be taken: those left, without those reserved by others."""
        return min(self.left(limit), limit - self.spent - self.others.reserved)

    def limit_remaining(self, left: int) -> None:
        """Takes the number of units left for everybody; only lower ones count: responses may come out of order."""
        if self.remaining is None or left <= self.remaining:
            self.remaining = left
            self.base = self.spent + self.others.spent - self.in_flight - self.others.in_flight


def around(now: float, length: float, margin: float = MARGIN) -> list[int]:
    """The windows that a unit spent now counts in, the oldest first: several near an edge."""
    first, last = (math.floor((now + shift) / length) for shift in (-margin, margin))
    return list(range(first, last + 1))


class Windows:
    """The windows around now; times are seconds since 1970 by the upstream's clock.

    Args:
        length: Seconds that a window lasts; one begins at every multiple of it since 1970.

    Attributes:
        margin: Seconds around an edge within which a unit counts on both sides; more where the upstream's clock wavers.
    """

    def __init__(self, length: float = 60.0) -> None:
        self.length = length
        self.margin = MARGIN
        self._tallies: dict[int, WindowCount] = {}
        self._present: list[int] = []
        self._in_flight: set[Grant] = set()
        self._held_until = 0.0
        self._answered_at = 0.0

    def around(self, now: float) -> list[int]:
        """The windows that a unit spent now counts in, the oldest first."""
        return around(now, self.length, self.margin)

    def opens(self, now: float, limit: int, needed: int = 1) -> float:
        """Seconds until there may be as many units as needed, where there are too few now."""
        windows = self._turn(now)
        spent = [window for window in windows if self.tally(window).left(limit) < needed]
        if not spent and any(self.tally(window).free(limit) < needed for window in windows):
            return max(SOON, self._held_until - now)
        return self.ends(now, max(spent, default=windows[0]))

    def ends(self, now: float, window: int) -> float:
        """Seconds until a window is over and nothing else stops calls."""
        if now < self._held_until:
            return self._held_until - now
        if self._trying(now, self._in_flight):
            return SOON
        return (window + 1) * self.length + self.margin + TICK - now

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now; negative after a correction."""
        free = min(self.tally(window).free(limit) for window in self._turn(now))
        return min(free, 0) if now < self._held_until or self._trying(now, self._in_flight) else free

    def stands(self, grant: Grant, now: float, limit: int, spare: int) -> bool:
        """Whether a grant may stand, with `spare` more units free, after reports that have come since.

        Args:
            grant: The grant; nothing is sent for it yet.
            now: The time.
            limit: Units of a window.
            spare: Units that have to stay free.
        """
        if now < self._held_until or self._trying(now, self._in_flight - {grant}):
            return False
        return self.lacking(grant.cost, limit, spare) <= min(self.tally(each).free(limit) for each in self._turn(now))

    @staticmethod
    def lacking(cost: int, limit: int, spare: int) -> int:
        """Units that have to be left once a call's are taken; negative for one that costs more than a window."""
        return spare + min(0, limit - cost)

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet; none while calls are stopped."""
        left = min(self.tally(window).left(limit) for window in self._turn(now))
        return min(left, 0) if now < self._held_until else left

    def take(self, now: float, cost: int) -> Grant:
        """Counts units as taken."""
        grant = Grant(cost, set())
        self._in_flight.add(grant)
        self._count(grant, self._turn(now))
        return grant

    def settle(self, grant: Grant, now: float, *, cost: int) -> None:
        """Ends a call: its cost counts in each window in which it may have reached the upstream."""
        self._count(grant, self._turn(now))
        self._in_flight.discard(grant)
        for window in grant.windows & self._tallies.keys():
            tally = self._tallies[window]
            tally.spent += cost - grant.cost
            tally.in_flight -= grant.cost

    def limit_remaining(self, now: float, left: int) -> None:
        """Takes the number of units left for everybody; near an edge it may be of either window, and is ignored."""
        windows = self._turn(now)
        if len(windows) == 1:
            self.tally(*windows).limit_remaining(left)

    def empty(self, now: float, until: float | None) -> None:
        """Takes that no units are left, until a moment (seconds since 1970) or for the rest of the window."""
        if until is not None:
            self.hold(now, until)
            return
        for window in self._turn(now):
            self.tally(window).limit_remaining(0)

    def hold(self, now: float, until: float) -> None:
        """Stops calls until then, and after that allows one at a time until one succeeds."""
        if until <= now + LONGEST_HOLD:
            self._held_until = max(self._held_until, until)

    def answered(self, when: float) -> None:
        """Takes that the upstream gave a response then other than that its limit is used up."""
        self._answered_at = max(self._answered_at, when)

    def learn(self, window: int, others: Others) -> None:
        """Takes other processes' reports of a window."""
        self.tally(window).others = others

    def report(self, window: int, reserved: int) -> Report:
        """This process's report of a window."""
        tally = self.tally(window)
        return Report(
            reserved=reserved,
            spent=tally.spent,
            in_flight=tally.in_flight,
            remaining=tally.remaining,
            base=tally.base,
            held_until=self._held_until,
            answered_at=self._answered_at,
        )

    def tally(self, window: int) -> WindowCount:
        """The count of a window."""
        return self._tallies.setdefault(window, WindowCount())

    def _trying(self, now: float, in_flight: Collection[Grant]) -> bool:
        """Whether calls were stopped and one is in flight to see whether the limit has been reset."""
        if self._answered_at >= self._held_until or now < self._held_until:
            return False
        return bool(in_flight) or any(self.tally(window).others.in_flight for window in self.around(now))

    def _turn(self, now: float) -> list[int]:
        """The current windows, with calls still in flight counted in them; forgets windows far away."""
        windows = self.around(now)
        if windows != self._present:
            self._present = windows
            nearest, farthest = windows[0] - REMEMBERED, windows[-1] + REMEMBERED
            for far in [window for window in self._tallies if not nearest <= window <= farthest]:
                del self._tallies[far]
            for grant in self._in_flight:
                self._count(grant, windows)
        return windows

    def _count(self, grant: Grant, windows: Iterable[int]) -> None:
        for window in windows:
            if window not in grant.windows:
                grant.windows.add(window)
                tally = self.tally(window)
                tally.spent += grant.cost
                tally.in_flight += grant.cost


class Counter(Protocol):
    """Counts units in windows. Times are seconds since 1970, by the upstream's clock."""

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        ...

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None, answered: bool = False) -> None:
        """Ends a call.

        Args:
            grant: The units taken for it.
            now: When it ended.
            cost: Its cost.
            left: Units that the upstream said are left for everybody, where it did.
            answered: Whether it had any response but that the upstream's limit is used up.
        """
        ...

    async def empty(self, now: float, until: float | None) -> None:
        """Takes from a 429 that no units are left, until a moment or for the rest of the window."""
        ...

    async def sync(self, now: float, *, limit: int, leaving: bool = False) -> None:
        """Exchanges reports with other processes; called about once a second.

        Args:
            now: The time.
            limit: Units of a window.
            leaving: Whether this process is about to end, so that it needs no more units.
        """
        ...

    def widen(self, margin: float) -> None:
        """Sets the seconds around an edge within which a unit counts on both sides of it."""
        ...

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now, as far as this process knows."""
        ...

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet, as far as this process knows; others may have reserved some of them."""
        ...

    def opens(self, now: float, limit: int, needed: int = 1) -> float:
        """Seconds until there may be as many units as needed, where there are too few now."""
        ...


class LocalCounter:
    """Counts what this process spends.

    Args:
        length: Seconds that a window lasts.
    """

    def __init__(self, length: float = 60.0) -> None:
        self._windows = Windows(length)

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        enough = self._windows.free(now, limit) >= min(cost, limit) + spare
        return self._windows.take(now, cost) if enough else None

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None, answered: bool = False) -> None:
        """Ends a call."""
        self._windows.settle(grant, now, cost=cost)
        if left is not None:
            self._windows.limit_remaining(now, left)
        if answered:
            self._windows.answered(now)

    async def empty(self, now: float, until: float | None) -> None:
        """Takes from a 429 that no units are left, until a moment or for the rest of the window."""
        self._windows.empty(now, until)

    async def sync(self, now: float, *, limit: int, leaving: bool = False) -> None:
        """Does nothing: there are no other processes."""

    def widen(self, margin: float) -> None:
        """Sets the seconds around an edge within which a unit counts on both sides of it."""
        self._windows.margin = margin

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now."""
        return self._windows.free(now, limit)

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet."""
        return self._windows.left(now, limit)

    def opens(self, now: float, limit: int, needed: int = 1) -> float:
        """Seconds until there may be as many units as needed, where there are too few now."""
        return self._windows.opens(now, limit, needed)
