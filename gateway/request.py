"""The state of one client request: its deadline, its ledger of upstream calls, what it used, its trace."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from typing import Protocol, TypeVar, cast

import msgspec

from gateway.errors import CostLimitReached

T = TypeVar("T")


class Clock(Protocol):
    """A source of time; tests bring their own."""

    def monotonic(self) -> float:
        """Seconds that never go back; deadlines are measured in these."""
        ...

    def time(self) -> float:
        """Seconds since 1970."""
        ...


class Priority(enum.IntEnum):
    """The order in which queued calls are served."""

    INTERACTIVE = 0
    REVALIDATION = 1


class Hit(enum.Enum):
    """Where records came from."""

    MISS = "miss"
    FRESH = "fresh"
    STALE = "stale"
    SHARED = "shared"


class Why(enum.IntEnum):
    """Why a record is used that is past its fresh lifetime; of several reasons the greatest is told."""

    RENEWED = 1
    """It is fetched again in the background."""
    NO_UNITS = 2
    """The rate limit is spent."""
    NO_ANSWER = 3
    """It could not be fetched again."""


class Stale(msgspec.Struct, frozen=True):
    """Records that were used past their fresh lifetime.

    Attributes:
        as_of: When the oldest was fetched, in seconds since 1970.
        why: Why they were used.
    """

    as_of: float
    why: Why

    def and_(self, other: Stale | None) -> Stale:
        """Both together."""
        return self if other is None else Stale(min(self.as_of, other.as_of), max(self.why, other.why))


class LedgerEntry(msgspec.Struct, frozen=True):
    """One upstream call, or a look-up that saved one.

    Attributes:
        source: The upstream's name.
        endpoint: The endpoint's name: a path template, never with ids in it.
        cost: Units of the upstream's budget; 0 where no call was made.
        started: Clock seconds (monotonic).
        ended: Clock seconds (monotonic).
        cache: Where the records came from.
        asked: The ledger's turn at which it was requested; see `Ledger.waves`.
        status: The outcome of a call: its HTTP status, else `timeout`, `unreachable` (no connection), `reset`,
            `truncated`, `too_large` or `cancelled`; empty where no call was made.
    """

    source: str
    endpoint: str
    cost: int
    started: float
    ended: float
    cache: Hit = Hit.MISS
    asked: int = 0
    status: str = ""


class Ledger:
    """The upstream calls of one request, in the order in which they ended, and the units that it may spend.

    Attributes:
        allowed: Units that the request may spend; None is no limit.
        refused: Whether a call was refused because they are spent.
    """

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []
        self.allowed: int | None = None
        self.refused = False
        self._charged = 0
        self._turn = 0
        self._ended: list[int] = []
        self._on_cost: Callable[[int], object] | None = None

    def ask(self) -> int:
        """The turn at which a call is requested, before it queues."""
        self._turn += 1
        return self._turn

    def admit(self, units: int) -> None:
        """Charges a call that is about to be made.

        Raises:
            CostLimitReached: The request has spent its units, those of calls in flight included.
        """
        if self.allowed is not None and not self.affords(units):
            raise CostLimitReached(self.allowed)
        self._charged += units

    def affords(self, units: int) -> bool:
        """Whether so many more units may be spent; if not, `refused` is set."""
        affords = self.allowed is None or self._charged + units <= self.allowed
        self.refused = self.refused or not affords
        return affords

    def charge(self, units: int) -> None:
        """Charges the difference between the actual and the expected cost of a call; negative to give units back."""
        self._charged += units

    def write(self, entry: LedgerEntry) -> None:
        """Adds a call that has ended."""
        self.entries.append(entry)
        self._ended.append(self.ask())
        if self._on_cost is not None and entry.cost:
            self._on_cost(entry.cost)

    def report_costs(self, on_cost: Callable[[int], object]) -> None:
        """Reports every further cost: a call may outlive the request that started it, where others wait for it."""
        self._on_cost = on_cost

    def calls(self) -> list[LedgerEntry]:
        """The entries of calls that were made."""
        return [entry for entry in self.entries if entry.cache is Hit.MISS]

    def cost(self) -> int:
        """Units of all upstreams' budgets."""
        return sum(entry.cost for entry in self.entries)

    def waves(self) -> int:
        """The longest chain of calls of which each was requested after the one before had ended."""
        return max((wave for entry, wave in self.by_wave() if entry.cache is Hit.MISS), default=0)

    def by_wave(self) -> list[tuple[LedgerEntry, int]]:
        """The entries in the order of their requests, each with its place in the chain of calls, from 1 on.

        Turns are counted rather than timed, so that neither the clock nor a limit on calls in flight matters.
        """
        turns = sorted(zip(self.entries, self._ended, strict=True), key=lambda turn: (turn[0].asked, turn[1]))
        depth: list[tuple[int, int]] = []
        found: list[tuple[LedgerEntry, int]] = []
        for entry, ended in turns:
            wave = 1 + max((wave for before, wave in depth if before < entry.asked), default=0)
            found.append((entry, wave))
            if entry.cache is Hit.MISS:
                depth.append((ended, wave))
        return found


class Freshness:
    """How old the records that a request used are, by source; records just fetched count too."""

    def __init__(self) -> None:
        self._as_of: dict[str, float] = {}
        self._stale: dict[str, Stale] = {}
        self.max_age: float | None = None

    def note(self, source: str, *, as_of: float | None, stale: Stale | None = None, max_age: float) -> None:
        """Adds a record or list that was used.

        Args:
            source: Its source.
            as_of: When it was fetched, in seconds since 1970; None for a record that does not exist.
            stale: What of it is past its fresh lifetime.
            max_age: Seconds for which it stays fresh.
        """
        if as_of is not None:
            self._as_of[source] = min(as_of, self._as_of.get(source, as_of))
        if stale is not None:
            self._stale[source] = stale.and_(self._stale.get(source))
        self.max_age = max_age if self.max_age is None else min(self.max_age, max_age)

    def mark_uncacheable(self) -> None:
        """Marks the response as uncacheable, since something could not be fetched."""
        self.max_age = 0.0

    def take(self, other: Freshness) -> None:
        """Adds everything that was used for another result, which this one is made of."""
        for source, as_of in other._as_of.items():
            self._as_of[source] = min(as_of, self._as_of.get(source, as_of))
        for source, stale in other._stale.items():
            self._stale[source] = stale.and_(self._stale.get(source))
        if other.max_age is not None:
            self.max_age = other.max_age if self.max_age is None else min(self.max_age, other.max_age)

    def as_of(self, source: str) -> float | None:
        """When the oldest record used was fetched, in seconds since 1970; None where none was used."""
        return self._as_of.get(source)

    def stale(self, source: str) -> Stale | None:
        """What was used past its fresh lifetime; None where nothing was."""
        return self._stale.get(source)


class Dependency(Protocol):
    """Cached records of one kind that a response is made of, all of them fresh."""

    @property
    def records(self) -> int:
        """The number of records."""
        ...

    async def is_current(self) -> bool:
        """Whether each of them is the very entry that is cached now, still fresh, and its source is on."""
        ...

    @property
    def is_expired(self) -> bool:
        """Whether one of them is no longer fresh."""
        ...

    def note(self, request: Request) -> None:
        """Records that a request used them, as the look-up itself would."""
        ...


class Dependencies:
    """What a response depends on, as long as that is nothing but cached, fresh records."""

    def __init__(self) -> None:
        self._noted: list[Dependency] | None = []

    def note(self, use: Dependency) -> None:
        """Adds records that were used."""
        if self._noted is not None:
            self._noted.append(use)

    def mark_uncacheable(self) -> None:
        """Marks the response as uncacheable: it also depends on a call, a failure, a stale record or the moment."""
        self._noted = None

    def all(self) -> tuple[Dependency, ...]:
        """All dependencies; none where the response is uncacheable."""
        return tuple(self._noted or ())


class Span(Protocol):
    """A span of a trace: a client's request, a batch, a call."""

    def batch(self, endpoint: str) -> Span:
        """Starts a child span: a batch of keys for one call of an endpoint, perhaps for several requests."""
        ...

    def call(self, source: str, endpoint: str, host: str | None, port: int | None) -> Span:
        """Starts a child span: one HTTP call; of its URL, only host and port are recorded."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Headers that propagate the trace with the call; often none."""
        ...

    def joined(self, other: Span) -> None:
        """Links the span of another request that waits for this work."""
        ...

    def end(self, *, error: str | None = None, **facts: str | int) -> None:
        """Ends the span.

        Args:
            error: The error's code; None where there was no error.
            facts: Attributes: `keys` of a batch, `status` and `cost` of a call.
        """
        ...


class Flow:
    """The calls of one client request, which share its place in the queue."""

    __slots__ = ("__weakref__",)


class InProgress:
    """How many requests of clients this process is serving, so that nobody is waited for where there is only one.

    Attributes:
        count: That number; 0 where operations are run without a server.
    """

    def __init__(self) -> None:
        self.count = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Counts a request within the block."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


IN_PROGRESS = InProgress()


class Request:
    """One client request: its deadline, its ledger, its place in the queue, and what it has already computed.

    Args:
        deadline: Clock seconds (monotonic) after which nothing is waited for.
        priority: Its order in queues.
        origin: The request that this one works for; both share ledger, dependencies, span and flow.

    Attributes:
        asked: The ledger's turn at which the one call of this request was requested, where it then waited in a batch
            window; None where every call takes its own.
        span: Its span; None where the request is not traced.
        freshness: How old the records used are.
        max_age: Seconds for which cached records count as fresh, where their lifetimes are shorter.
        dependencies: The cached records used.
    """

    def __init__(
        self, deadline: float, priority: Priority = Priority.INTERACTIVE, *, origin: Request | None = None
    ) -> None:
        self.deadline = deadline
        self.priority = priority
        self.ledger: Ledger = Ledger() if origin is None else origin.ledger
        self.flow: Flow = Flow() if origin is None else origin.flow
        self.asked: int | None = None
        self.span: Span | None = None if origin is None else origin.span
        self.freshness = Freshness()
        self.max_age = 0.0
        self.dependencies: Dependencies = Dependencies() if origin is None else origin.dependencies
        self._known: dict[Hashable, asyncio.Task[object]] = {}
        self._watchers: list[Callable[[], object]] = []

    def accepting(self, max_age: float) -> Request:
        """The same request, for which cached records count as fresh for so many seconds at least."""
        other = Request(self.deadline, self.priority, origin=self)
        other.freshness, other.max_age = self.freshness, max_age
        return other

    def serve_too(self, other: Request) -> None:
        """Works for another request too: takes the later deadline and the higher priority of both."""
        self.deadline = max(self.deadline, other.deadline)
        self.priority = min(self.priority, other.priority)
        for watcher in self._watchers:
            watcher()

    @contextlib.contextmanager
    def watched(self, watcher: Callable[[], object]) -> Iterator[None]:
        """Calls `watcher` whenever deadline or priority change within the block."""
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    async def once(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Returns or raises what `make` does, which runs once a request for each `key`.

        A caller may be cancelled without harm to the others; the work runs until the request is closed.
        """
        task = self._known.get(key)
        if task is None:

            async def run() -> object:
                return await make()

            task = self._known[key] = asyncio.ensure_future(run())
        return cast("T", await asyncio.shield(task))

    async def close(self) -> None:
        """Cancels work that nobody waits for any more; called when the response is complete."""
        pending = [task for task in self._known.values() if not task.done()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)
        self._known.clear()
