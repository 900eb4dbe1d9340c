"""What lives as long as one request of a client, as far as upstream calls are concerned."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Awaitable, Callable, Hashable, Iterator
from typing import Protocol, TypeVar, cast

import msgspec

from gateway.upstream.span import Span

T = TypeVar("T")


class Clock(Protocol):
    """Where time comes from; tests bring their own."""

    def monotonic(self) -> float:
        """Seconds that never go back; deadlines are told in these."""
        ...

    def time(self) -> float:
        """Seconds since 1970."""
        ...


class Priority(enum.IntEnum):
    """Who goes first where calls have to queue."""

    INTERACTIVE = 0
    REVALIDATION = 1


class Hit(enum.Enum):
    """Where an answer came from."""

    MISS = "miss"
    FRESH = "fresh"
    STALE = "stale"
    SHARED = "shared"


class Entry(msgspec.Struct, frozen=True):
    """One upstream call, or one answer that saved it.

    Attributes:
        source: The upstream's name.
        endpoint: The endpoint's name: a path template, never with ids in it.
        cost: Units of the upstream's budget; 0 where no call was made.
        started: Clock seconds (monotonic).
        ended: Clock seconds (monotonic).
        cache: Where the answer came from.
        asked: The ledger's turn at which it was asked for; see `Ledger.waves`.
        status: How a call ended: its HTTP status, else `timeout`, `unreachable` (no connection), `reset`, `truncated`,
            `too_large` or `cancelled`; empty where no call was made.
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
    """Every upstream call that was made for one request, in the order in which they ended."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._turn = 0
        self._ended: list[int] = []
        self._on_cost: Callable[[int], object] | None = None

    def ask(self) -> int:
        """The turn at which a call is asked for, before any queue that it has to stand in."""
        self._turn += 1
        return self._turn

    def write(self, entry: Entry) -> None:
        """Notes a call that has ended."""
        self.entries.append(entry)
        self._ended.append(self.ask())
        if self._on_cost is not None and entry.cost:
            self._on_cost(entry.cost)

    def tell_costs(self, on_cost: Callable[[int], object]) -> None:
        """Has each further cost told: calls may outlive the request that caused them, where others wait for them."""
        self._on_cost = on_cost

    def calls(self) -> list[Entry]:
        """Those entries that went upstream."""
        return [entry for entry in self.entries if entry.cache is Hit.MISS]

    def cost(self) -> int:
        """Units of the upstreams' budgets, all together."""
        return sum(entry.cost for entry in self.entries)

    def waves(self) -> int:
        """How many calls had to wait for one another: the longest chain, each asked for after the one before had ended.

        Turns are counted rather than timed, so that neither the clock nor a limit on calls under way comes into it.
        """
        turns = zip(self.entries, self._ended, strict=True)
        calls = sorted((entry.asked, ended) for entry, ended in turns if entry.cache is Hit.MISS)
        depth: list[tuple[int, int]] = []
        for asked, ended in calls:
            depth.append((ended, 1 + max((wave for before, wave in depth if before < asked), default=0)))
        return max((wave for _, wave in depth), default=0)


class Freshness:
    """How old what was used for a request is, by source; fresh from upstream counts too."""

    def __init__(self) -> None:
        self._as_of: dict[str, float] = {}
        self._stale: set[str] = set()
        self.max_age: float | None = None

    def note(self, source: str, *, as_of: float | None, stale: bool, max_age: float) -> None:
        """Notes that a record or list was used.

        Args:
            source: Whose it is.
            as_of: When it was fetched, in seconds since 1970; None where it was only known not to exist.
            stale: Whether it is older than it should be.
            max_age: Seconds that it stays fresh for.
        """
        if as_of is not None:
            self._as_of[source] = min(as_of, self._as_of.get(source, as_of))
        if stale:
            self._stale.add(source)
        self.max_age = max_age if self.max_age is None else min(self.max_age, max_age)

    def spoil(self) -> None:
        """Notes that something could not be had: what is made of the rest is good for this moment only."""
        self.max_age = 0.0

    def take(self, other: Freshness) -> None:
        """Notes all that was used for another answer, of which this one is made."""
        for source, as_of in other._as_of.items():
            self._as_of[source] = min(as_of, self._as_of.get(source, as_of))
        self._stale |= other._stale
        if other.max_age is not None:
            self.max_age = other.max_age if self.max_age is None else min(self.max_age, other.max_age)

    def as_of(self, source: str) -> float | None:
        """When the oldest of what was used was fetched, in seconds since 1970; None where nothing was."""
        return self._as_of.get(source)

    def stale(self, source: str) -> bool:
        """Whether anything used was older than it should be."""
        return source in self._stale


class Use(Protocol):
    """Kept records of one kind that were used together, each of them fresh."""

    @property
    def records(self) -> int:
        """How many."""
        ...

    async def holds(self) -> bool:
        """Whether each of them is the very one that is kept now, fresh, and its source switched on."""
        ...

    @property
    def over(self) -> bool:
        """Whether one of them is not fresh any more, so that it cannot hold again."""
        ...

    def note(self, request: Request) -> None:
        """Notes, as the look-up itself would, that a request used them."""
        ...


class Uses:
    """What an answer is made of, as long as that is nothing but kept, fresh records."""

    def __init__(self) -> None:
        self._noted: list[Use] | None = []

    def note(self, use: Use) -> None:
        """Notes that records were used."""
        if self._noted is not None:
            self._noted.append(use)

    def spoil(self) -> None:
        """Notes that something else went into the answer: a call, a failure, an old record, what is momentary."""
        self._noted = None

    def all(self) -> tuple[Use, ...]:
        """All that it is made of; none where that is not all."""
        return tuple(self._noted or ())


class Flow:
    """What belongs together where calls compete: those of one client request."""

    __slots__ = ("__weakref__",)


class Request:
    """One client request: its deadline, its ledger, its place in the queue, and what it already knows.

    Args:
        deadline: Clock seconds (monotonic) after which nothing is waited for.
        priority: Who goes first.
        origin: The request that this one works for; both have one ledger and one list of uses, and compete as one.

    Attributes:
        asked: The ledger's turn at which the one call of this request was asked for, where it then stood in a batch
            window; None where every call asks for itself.
        span: What a trace is told through; None where the request is not traced.
        freshness: How old what was used is.
        uses: What was used.
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
        self.uses: Uses = Uses() if origin is None else origin.uses
        self._known: dict[Hashable, asyncio.Task[object]] = {}
        self._watchers: list[Callable[[], object]] = []

    def serve_too(self, other: Request) -> None:
        """Works for another request as well: as patient as the more patient, as urgent as the more urgent of both."""
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
        """What `make` returns or raises, made once a request however many ask for `key`.

        A caller that is cancelled leaves; the work goes on for the others until the request is closed.
        """
        task = self._known.get(key)
        if task is None:

            async def run() -> object:
                return await make()

            task = self._known[key] = asyncio.ensure_future(run())
        return cast("T", await asyncio.shield(task))

    async def close(self) -> None:
        """Ends what nobody waits for any more; called when the answer is out."""
        pending = [task for task in self._known.values() if not task.done()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)
        self._known.clear()
