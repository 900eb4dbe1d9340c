"""Whether a cached record may be used: by the lifetimes of its kind, and by changes that are known of."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from cachetools import LRUCache

from gateway.errors import LoadError
from gateway.request import Clock, Stale, Why
from gateway.upstream.store import CacheEntry, Codec

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


CLOCK_SKEW = 2.0
"""Seconds that a record may have been fetched in the future: clocks of processes do not agree to the second."""


class Age(enum.IntEnum):
    """What a record of some age may be used for."""

    FRESH = 0
    """It is used as it is."""
    STALE = 1
    """It is used while it is fetched again in the background (stale-while-revalidate)."""
    FALLBACK = 2
    """It is used only where it cannot be fetched again (stale-if-error)."""
    EXPIRED = 3
    """It is not used."""


class Lifetimes(msgspec.Struct, frozen=True, kw_only=True):
    """Lifetimes of one kind of record in seconds, each beginning where the one before ends.

    Attributes:
        fresh: A record is used as it is.
        stale: It is used while it is fetched again in the background (stale-while-revalidate).
        fallback: It is used where it cannot be fetched again (stale-if-error).
        absent: How long the absence of a record is cached; after that it is used only as a fallback.
        accepted: Seconds for which it is kept for requests that accept older records; see `Request.accepting`. This
            one begins with the record.
    """

    fresh: float
    stale: float
    fallback: float
    absent: float
    accepted: float = 0

    @property
    def longest(self) -> float:
        """Seconds after which an entry is useless."""
        return max(self.absent, self.fresh + self.stale + self.fallback, self.accepted)

    @property
    def doubtful(self) -> Lifetimes:
        """Lifetimes of a record that could be read only in part.

        It is fresh no longer than an absence, and after that used only where it cannot be fetched again.
        """
        fresh = min(self.fresh, self.absent)
        rest = self.fresh + self.stale + self.fallback - fresh
        return Lifetimes(fresh=fresh, stale=0, fallback=rest, absent=self.absent)

    def age(self, seconds: float, *, absent: bool) -> Age:
        """What an entry may be used for, so many seconds after the record was fetched or found not to exist.

        One that was fetched in the future, by the clock of a process that is ahead, may be of any age.
        """
        if seconds < -CLOCK_SKEW:
            return Age.FALLBACK if self.fallback else Age.EXPIRED
        if seconds < (self.absent if absent else self.fresh):
            return Age.FRESH
        if seconds < self.fresh + self.stale and not absent:
            return Age.STALE
        return Age.FALLBACK if seconds < self.fresh + self.stale + self.fallback else Age.EXPIRED


RECORDS = Lifetimes(fresh=300, stale=3600, fallback=86_400, absent=60)
"""Records that others refer to by id: they change now and then, and a few minutes do no harm."""


DIRECTORY = Lifetimes(fresh=600, stale=3600, fallback=86_400, absent=60)
"""Lists of a whole team: they change when somebody is hired."""


WINDOW = Lifetimes(fresh=30, stale=60, fallback=3600, absent=30)
"""Lists that can only be read whole."""


PAGES = Lifetimes(fresh=10, stale=20, fallback=600, absent=10, accepted=1860)
"""Pages of a list: people look at them to see whether something has changed. To be counted they may be older."""


def never(_: object) -> bool:
    """Always False."""
    return False


class CachePolicy(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """How one kind of record or list is cached.

    Attributes:
        name: The kind's name within the upstream, for example `people`.
        endpoint: The endpoint that it comes from, as in the ledger.
        codec: Encodes and decodes its records.
        lifetimes: How long they may be used.
        doubtful: Whether a record could be read only in part, so that it should be fetched again before long.
        changed_at: When what a key stands for is known to have changed, in seconds since 1970: an older entry is used
            only where it cannot be fetched again. None where changes are not known.
    """

    name: str
    endpoint: str
    codec: Codec[V]
    lifetimes: Lifetimes
    doubtful: Callable[[V], bool] = never
    changed_at: Callable[[Any], float] | None = None

    def fresh_until(self, entries: Iterable[CacheEntry[V]], now: float) -> float:
        """When the first of these entries stops being fresh, in seconds since 1970; infinity where there are none.

        One that was fetched in the future is not fresh. This runs for every record used, hence one plain loop.
        """
        latest = now + CLOCK_SKEW
        fresh, absent, doubtful = self.lifetimes.fresh, self.lifetimes.absent, self.doubtful
        doubted = min(fresh, absent)
        soonest = math.inf
        for each in entries:
            value = each.value
            if each.as_of > latest:
                return 0.0
            until = each.as_of + (absent if value is None else doubted if doubtful(value) else fresh)
            if until < soonest:  # noqa: PLR1730 - min() takes longer than all the rest
                soonest = until
        return soonest

    def age(self, entry: CacheEntry[V], now: float, max_age: float) -> Age:
        """What an entry may be used for by a request that accepts entries of some age in seconds."""
        seconds, absent = now - entry.as_of, entry.value is None
        if entry.value is not None and self.doubtful(entry.value):
            return self.lifetimes.doubtful.age(seconds, absent=absent)
        if -CLOCK_SKEW <= seconds < max_age:
            return Age.FRESH
        return self.lifetimes.age(seconds, absent=absent)

    def is_outdated(self, key: K, entry: CacheEntry[V]) -> bool:
        """Whether an entry was fetched before a change that is known of."""
        return self.changed_at is not None and entry.as_of < self.changed_at(key)

    def any_outdated(self, entries: Mapping[K, CacheEntry[V]]) -> bool:
        """Whether any of these entries was."""
        return self.changed_at is not None and any(self.is_outdated(key, each) for key, each in entries.items())


MAX_RECORDS = 10_000
"""Records whose changes are remembered; an entry from before the others has expired anyway."""

AT_ONCE = 10
"""Changes in a row that each outdate all lists."""

EVERY = 2.0
"""Seconds between two such changes after that: a flood of changes must not keep lists from being cached at all."""

NEVER = float("-inf")


class Outdated:
    """When records, and lists of them, were last known to have changed, in seconds since 1970.

    Args:
        clock: Measures the time between changes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: LRUCache[str, float] = LRUCache(MAX_RECORDS)
        self._lists = NEVER
        self._pending = NEVER
        self._allowed = float(AT_ONCE)
        self._allowed_at = clock.monotonic()
        self._newest = NEVER

    def note(self, id_: str, as_of: float) -> None:
        """Records that a record changed before a moment."""
        self._records[id_] = max(as_of, self._records.get(id_, NEVER))
        self.note_lists(as_of)

    def note_lists(self, as_of: float) -> None:
        """Records that lists changed before a moment."""
        self._pending = max(self._pending, as_of)
        self._newest = max(self._newest, as_of)

    @property
    def newest(self) -> float:
        """The last of all changes."""
        return self._newest

    def record(self, id_: str) -> float:
        """When a record was last known to have changed."""
        return self._records.get(id_, NEVER)

    def lists(self) -> float:
        """When lists were last known to have changed; later than that, where there are too many changes."""
        if self._pending > self._lists:
            now = self._clock.monotonic()
            self._allowed = min(AT_ONCE, self._allowed + (now - self._allowed_at) / EVERY)
            self._allowed_at = now
            if self._allowed >= 1:
                self._allowed -= 1
                self._lists = self._pending
        return self._lists


class LookupResult(msgspec.Struct, Generic[K, V], frozen=True, kw_only=True):
    """The result of a look-up.

    Attributes:
        found: The records by their keys, without those that do not exist.
        failed: The error of each key whose call failed while others succeeded.
        as_of: When the oldest record was fetched, in seconds since 1970; None where none was found.
        stale: Whether any record is past its fresh lifetime.
    """

    found: dict[K, V]
    failed: dict[K, LoadError]
    as_of: float | None
    stale: bool


class Gathered(Generic[K, V]):
    """A look-up in progress.

    Attributes:
        usable: The entries that will be returned, by key.
        failed: The errors of other keys.
        stale: The entries that are past their fresh lifetime; None where none is.
    """

    def __init__(self, usable: dict[K, CacheEntry[V]]) -> None:
        self.usable = usable
        self.failed: dict[K, LoadError] = {}
        self.stale: Stale | None = None

    def note(self, stale: Iterable[CacheEntry[V]], why: Why) -> None:
        """Records that these entries are past their fresh lifetime."""
        self.stale = Stale(min(each.as_of for each in stale), why).and_(self.stale)
