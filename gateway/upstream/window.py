"""Units spent in each window of an upstream's rate limit. Pure counting: no waiting, no clock."""

from __future__ import annotations

import math

import msgspec

MARGIN = 0.25
"""Seconds around an edge within which a unit counts in both windows: neither clocks nor the network are exact."""

TICK = 0.001
"""Seconds that a window is entered later, so that rounding never puts its first moment into the one before."""


class Grant(msgspec.Struct, eq=False):
    """Units taken for a call that is under way.

    Attributes:
        cost: Units expected.
        windows: The windows that they are counted in so far.
    """

    cost: int
    windows: set[int]


class Tally(msgspec.Struct):
    """What is known of one window.

    Attributes:
        spent: Units taken in it, those of calls under way included.
        flying: Units of calls under way.
        told: Fewest units that the upstream said are left for everybody; None where it said nothing.
        base: Units that `told` knows of for sure: those spent then, less those under way then.
    """

    spent: int = 0
    flying: int = 0
    told: int | None = None
    base: int = 0

    def free(self, limit: int) -> int:
        """Units that may still be taken; fewer than none after a correction."""
        ours = limit - self.spent
        return ours if self.told is None else min(ours, self.told - (self.spent - self.base))

    def tell(self, left: int) -> None:
        """Learns how many units are left for everybody; answers may come out of order, and only ever fewer are left."""
        if self.told is None or left <= self.told:
            self.told, self.base = left, self.spent - self.flying


def around(now: float, length: float) -> list[int]:
    """The windows that a unit spent now counts in, the older first: two near an edge."""
    first, last = (math.floor((now + shift) / length) for shift in (-MARGIN, MARGIN))
    return [first] if first == last else [first, last]


def opening(now: float, length: float, *, last_is_full: bool) -> float:
    """Seconds until there may be units again, where there are none or too few now.

    Args:
        now: Seconds since 1970, by the upstream's clock.
        length: Seconds that a window lasts.
        last_is_full: Whether the later of the windows around now has none; near an edge it may be the earlier one.
    """
    windows = around(now, length)
    closed = windows[-1] if last_is_full else windows[0]
    return (closed + 1) * length + MARGIN + TICK - now


class Windows:
    """The windows around now.

    Args:
        length: Seconds that a window lasts; one begins at every multiple of it since 1970.
    """

    def __init__(self, length: float = 60.0) -> None:
        self.length = length
        self._tallies: dict[int, Tally] = {}
        self._flying: set[Grant] = set()
        self._held_until = 0.0

    def opens(self, now: float, limit: int) -> float:
        """Seconds until there may be units again, where there are none or too few now."""
        if now < self._held_until:
            return self._held_until - now
        last = max(self._turn(now))
        return opening(now, self.length, last_is_full=self._tally(last).free(limit) < 1)

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now; fewer than none after a correction."""
        free = min(self._tally(window).free(limit) for window in self._turn(now))
        return min(free, 0) if now < self._held_until else free

    def spent(self, window: int) -> int:
        """Units taken in a window, those of calls under way included."""
        tally = self._tallies.get(window)
        return 0 if tally is None else tally.spent

    def take(self, now: float, cost: int) -> Grant:
        """Counts units as taken."""
        grant = Grant(cost, set())
        self._flying.add(grant)
        self._count(grant, self._turn(now))
        return grant

    def settle(self, grant: Grant, now: float, *, cost: int) -> None:
        """Ends a call: it counts with what it cost, in each window that it may have reached the upstream in."""
        self._count(grant, self._turn(now))
        self._flying.discard(grant)
        for window in grant.windows & self._tallies.keys():
            tally = self._tallies[window]
            tally.spent += cost - grant.cost
            tally.flying -= grant.cost

    def tell(self, now: float, left: int) -> None:
        """Learns how many units the upstream has left for everybody; near an edge it is not known of which window."""
        windows = self._turn(now)
        if len(windows) == 1:
            self._tally(*windows).tell(left)

    def empty(self, now: float, until: float | None) -> None:
        """Learns that there is nothing left, until a moment (seconds since 1970) or as long as the window lasts."""
        if until is not None:
            self._held_until = max(self._held_until, until)
            return
        for window in self._turn(now):
            self._tally(window).tell(0)

    def _turn(self, now: float) -> set[int]:
        """The windows of now, with what is still under way from earlier ones counted in them; forgets older ones."""
        windows = set(around(now, self.length))
        if not windows <= self._tallies.keys():
            for old in [window for window in self._tallies if window < min(windows)]:
                del self._tallies[old]
            for grant in self._flying:
                self._count(grant, windows)
        return windows

    def _count(self, grant: Grant, windows: set[int]) -> None:
        for window in windows - grant.windows:
            tally = self._tally(window)
            tally.spent += grant.cost
            tally.flying += grant.cost
        grant.windows |= windows

    def _tally(self, window: int) -> Tally:
        return self._tallies.setdefault(window, Tally())
