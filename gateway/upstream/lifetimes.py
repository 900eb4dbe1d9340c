"""How long a record may be used after it was fetched. Pure."""

from __future__ import annotations

import enum

import msgspec

AHEAD = 2.0
"""Seconds that a record may be fetched later than now: clocks of processes do not agree to the second."""


class Age(enum.IntEnum):
    """What a record's age allows."""

    FRESH = 0
    """It is as good as asked for."""
    STALE = 1
    """It is used while it is fetched anew."""
    FALLBACK = 2
    """It is used only where it cannot be fetched anew."""
    EXPIRED = 3
    """It is not used."""


class Lifetimes(msgspec.Struct, frozen=True, kw_only=True):
    """Lifetimes of one kind of record, in seconds; each begins where the one before ends.

    Attributes:
        fresh: It is used as it is.
        stale: It is used while it is fetched anew, so that nobody waits (stale-while-revalidate).
        fallback: It is used where it cannot be fetched anew (stale-if-error).
        absent: How long it is believed that a record does not exist; after that it is believed only where it cannot be
            found out.
    """

    fresh: float
    stale: float
    fallback: float
    absent: float

    @property
    def longest(self) -> float:
        """Seconds after which it is of no use."""
        return max(self.absent, self.fresh + self.stale + self.fallback)

    @property
    def doubtful(self) -> Lifetimes:
        """Lifetimes of a record that could not be read whole.

        It is believed no longer than an absence, and after that used only where it cannot be fetched anew.
        """
        fresh = min(self.fresh, self.absent)
        rest = self.fresh + self.stale + self.fallback - fresh
        return Lifetimes(fresh=fresh, stale=0, fallback=rest, absent=self.absent)

    def age(self, seconds: float, *, absent: bool) -> Age:
        """What is allowed so many seconds after a record was fetched, or was found not to exist.

        One that was fetched later than now, by the clock of a process that is ahead, may be of any age.
        """
        if seconds < -AHEAD:
            return Age.FALLBACK if self.fallback else Age.EXPIRED
        if seconds < (self.absent if absent else self.fresh):
            return Age.FRESH
        if seconds < self.fresh + self.stale and not absent:
            return Age.STALE
        return Age.FALLBACK if seconds < self.fresh + self.stale + self.fallback else Age.EXPIRED


RECORDS = Lifetimes(fresh=300, stale=3600, fallback=86_400, absent=60)
"""Whatever others refer to by its id: it changes now and then, and a few minutes hurt nobody."""

DIRECTORY = Lifetimes(fresh=600, stale=3600, fallback=86_400, absent=60)
"""Whole teams: they change when somebody is hired."""

WINDOW = Lifetimes(fresh=30, stale=60, fallback=3600, absent=30)
"""Listings that can only be had as a whole."""

PAGES = Lifetimes(fresh=10, stale=20, fallback=600, absent=10)
"""Pages of a listing: what people look at to see whether something has changed."""
