"""Units spent in each window of an upstream's rate limit. Pure counting: no waiting, no clock.

One process counts what it spends itself; what others have reported of theirs is handed in (`Windows.learn`). The
arithmetic of the budget stands here and nowhere else, wherever the reports are exchanged.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import msgspec

MARGIN = 0.25
"""Seconds around an edge within which a unit counts in both windows: neither clocks nor the network are exact."""

TICK = 0.001
"""Seconds that a window is entered later, so that rounding never puts its first moment into the one before."""

SOON = 1.0
"""Seconds after which it is worth looking again where units are not spent, but others may still spend them."""

REMEMBERED = 3
"""Windows on each side of the present ones that are not forgotten: the upstream's clock may waver."""

LONGEST_HOLD = 300.0
"""Seconds that another process's word is believed for that the upstream is to be left alone."""


class Grant(msgspec.Struct, eq=False):
    """Units taken for a call that is under way.

    Attributes:
        cost: Units expected.
        windows: The windows that they are counted in so far.
    """

    cost: int
    windows: set[int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a process says of one window.

    Attributes:
        reserved: Units that it may spend without asking again, those that it has spent included.
        spent: Units taken, those of calls under way included.
        flying: Units of calls under way.
        told: Fewest units that the upstream said are left for everybody; None where it said nothing.
        base: Units of all processes that `told` knows of for sure.
        held_until: Until when the upstream is to be left alone, in seconds since 1970 there.
        well: When it last answered anything but that its limit is used up, likewise.
    """

    reserved: int
    spent: int
    flying: int = 0
    told: int | None = None
    base: int = 0
    held_until: float = 0.0
    well: float = 0.0


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """What other processes report of one window, summed up; see `Report`."""

    reserved: int = 0
    spent: int = 0
    flying: int = 0
    told: int | None = None
    base: int = 0

    @staticmethod
    def of(reports: Iterable[Report]) -> Others:
        """The sum of reports; of what the upstream told, the latest, which is the least."""
        reserved = spent = flying = 0
        told: tuple[int, int] | None = None
        for report in reports:
            reserved += max(report.reserved, report.spent)
            spent += report.spent
            flying += report.flying
            if report.told is not None:
                this = (report.told, -report.base)
                told = this if told is None else min(told, this)
        if told is None:
            return Others(reserved=reserved, spent=spent, flying=flying)
        return Others(reserved=reserved, spent=spent, flying=flying, told=told[0], base=-told[1])


NOBODY = Others()


class Tally(msgspec.Struct):
    """What is known of one window.

    Attributes:
        spent: Units taken here, those of calls under way included.
        flying: Units of calls under way.
        told: Fewest units that the upstream said are left for everybody; None where it said nothing.
        base: Units, of others too, that `told` knows of for sure: those spent then, less those under way then.
        others: What others report.
    """

    spent: int = 0
    flying: int = 0
    told: int | None = None
    base: int = 0
    others: Others = NOBODY

    def left(self, limit: int) -> int:
        """Units that nobody has spent yet; fewer than none after a correction."""
        spent, others = self.spent + self.others.spent, self.others
        left = limit - spent
        told, base = self.told, self.base
        if others.told is not None and (told is None or (others.told, -others.base) < (told, -base)):
            told, base = others.told, others.base
        return left if told is None else min(left, told - (spent - base))

    def free(self, limit: int) -> int:
        """Units that may still be taken: those left, but for what others may spend without asking."""
        return min(self.left(limit), limit - self.spent - self.others.reserved)

    def tell(self, left: int) -> None:
        """Learns how many units are left for everybody; answers may come out of order, and only ever fewer are left."""
        if self.told is None or left <= self.told:
            self.told = left
            self.base = self.spent + self.others.spent - self.flying - self.others.flying


def around(now: float, length: float, margin: float = MARGIN) -> list[int]:
    """The windows that a unit spent now counts in, the oldest first: several near an edge."""
    first, last = (math.floor((now + shift) / length) for shift in (-margin, margin))
    return list(range(first, last + 1))


class Windows:
    """The windows around now. Times are seconds since 1970, by the upstream's clock.

    Args:
        length: Seconds that a window lasts; one begins at every multiple of it since 1970.

    Attributes:
        margin: Seconds around an edge within which a unit counts on both sides; more where the upstream's clock wavers.
    """

    def __init__(self, length: float = 60.0) -> None:
        self.length = length
        self.margin = MARGIN
        self._tallies: dict[int, Tally] = {}
        self._present: list[int] = []
        self._flying: set[Grant] = set()
        self._held_until = 0.0
        self._well = 0.0

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
        """Seconds until a window is over and nothing else keeps calls from being made."""
        if now < self._held_until:
            return self._held_until - now
        if self._trying(now, self._flying):
            return SOON
        return (window + 1) * self.length + self.margin + TICK - now

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now; fewer than none after a correction."""
        free = min(self.tally(window).free(limit) for window in self._turn(now))
        return min(free, 0) if now < self._held_until or self._trying(now, self._flying) else free

    def stands(self, grant: Grant, now: float, limit: int, spare: int) -> bool:
        """Whether units just taken may be kept, `spare` more being free, by what was learnt since.

        Args:
            grant: What was taken; nothing is sent for it yet.
            now: The time.
            limit: Units of a window.
            spare: Units that have to stay free.
        """
        if now < self._held_until or self._trying(now, self._flying - {grant}):
            return False
        return self.lacking(grant.cost, limit, spare) <= min(self.tally(each).free(limit) for each in self._turn(now))

    @staticmethod
    def lacking(cost: int, limit: int, spare: int) -> int:
        """Units that have to be left once a call's are taken; fewer than none for one dearer than a window."""
        return spare + min(0, limit - cost)

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet; none while the upstream is left alone."""
        left = min(self.tally(window).left(limit) for window in self._turn(now))
        return min(left, 0) if now < self._held_until else left

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
            self.tally(*windows).tell(left)

    def empty(self, now: float, until: float | None) -> None:
        """Learns that there is nothing left, until a moment (seconds since 1970) or as long as the window lasts."""
        if until is not None:
            self.hold(now, until)
            return
        for window in self._turn(now):
            self.tally(window).tell(0)

    def hold(self, now: float, until: float) -> None:
        """Leaves the upstream alone until then, and after that makes one call at a time until one is answered."""
        if until <= now + LONGEST_HOLD:
            self._held_until = max(self._held_until, until)

    def answered(self, when: float) -> None:
        """Learns that the upstream gave an answer then that was no refusal for its limit."""
        self._well = max(self._well, when)

    def learn(self, window: int, others: Others) -> None:
        """Learns what other processes report of a window."""
        self.tally(window).others = others

    def report(self, window: int, reserved: int) -> Report:
        """What there is to say of a window to other processes."""
        tally = self.tally(window)
        return Report(
            reserved=reserved,
            spent=tally.spent,
            flying=tally.flying,
            told=tally.told,
            base=tally.base,
            held_until=self._held_until,
            well=self._well,
        )

    def tally(self, window: int) -> Tally:
        """What is known of a window."""
        return self._tallies.setdefault(window, Tally())

    def _trying(self, now: float, flying: Collection[Grant]) -> bool:
        """Whether the upstream was left alone and a call is under way to see whether it answers again."""
        if self._well >= self._held_until or now < self._held_until:
            return False
        return bool(flying) or any(self.tally(window).others.flying for window in self.around(now))

    def _turn(self, now: float) -> list[int]:
        """The windows of now, with what is still under way from others counted in them; forgets those far away."""
        windows = self.around(now)
        if windows != self._present:
            self._present = windows
            nearest, farthest = windows[0] - REMEMBERED, windows[-1] + REMEMBERED
            for far in [window for window in self._tallies if not nearest <= window <= farthest]:
                del self._tallies[far]
            for grant in self._flying:
                self._count(grant, windows)
        return windows

    def _count(self, grant: Grant, windows: Iterable[int]) -> None:
        for window in windows:
            if window not in grant.windows:
                grant.windows.add(window)
                tally = self.tally(window)
                tally.spent += grant.cost
                tally.flying += grant.cost
