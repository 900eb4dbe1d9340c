"""Batching: many keys in few calls, whichever requests ask for them; a key that is in flight is shared."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.errors import CostLimitReached, GatewayError, LimitReached, LoadError, UpstreamError, UpstreamRejected
from gateway.request import IN_PROGRESS, Flow, Priority, Request, Span
from gateway.upstream.clock import Timer
from gateway.upstream.flight import Flight
from gateway.upstream.http import encoded_len

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_KEYS = 100
"""Keys in a call: the rows of a page where an API pages by a hundred, so that one page answers a batch."""

MAX_CHARS = 6000
"""Characters of URL for the keys of a call: servers and proxies commonly stop at 8 KB, headers aside."""

TICK = 0.002
"""Seconds that a batch stays open for keys that are requested at nearly the same time."""

HOLD = 25
"""Ticks that it stays open at most for requests whose calls were in flight when it was opened: they are about to ask
for keys of the same kind, and a unit of the upstream's budget is worth more than a twentieth of a second. A busy event
loop ticks more slowly, as it serves them."""

ALONE = 3
"""Turns of the event loop that it stays open for where one client request is being served: for its own fields."""

GRACE = 5
"""Ticks that they are given to process what their calls returned, before they ask."""

AT_ONCE = 10
"""Calls of one kind in flight at most."""


def chunks(
    values: Sequence[str],
    *,
    most: int = MAX_KEYS,
    chars: int = MAX_CHARS,
    encoded_len: Callable[[str], int] = encoded_len,
) -> list[list[str]]:
    """Values in their order, split so that each part fits into one call.

    Args:
        values: The values.
        most: Values in a part at most.
        chars: Characters of URL in a part at most; a value that alone is longer gets a part of its own.
        encoded_len: The length of a value in the URL, with its parameter name and `&` where they count.
    """
    parts: list[list[str]] = []
    room = 0
    for value in values:
        need = encoded_len(value)
        if not parts or len(parts[-1]) >= most or need > room:
            parts.append([])
            room = chars
        parts[-1].append(value)
        room -= need
    return parts


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What fits into one call.

    Attributes:
        keys: Keys at most; with one, no batch waits for others.
        chars: Characters of URL at most.
        at_once: Calls in flight at most.
    """

    keys: int = MAX_KEYS
    chars: int = MAX_CHARS
    at_once: int = AT_ONCE


class _Batch(Generic[K, V]):
    """Keys of one call."""

    def __init__(self) -> None:
        self.keys: list[K] = []
        self.chars = 0
        self.waiting = Waiters()
        self.full = asyncio.Event()
        self.flight: Flight[Mapping[K, V]]
        self.span: Span | None = None

    @contextlib.contextmanager
    def traced(self) -> Iterator[None]:
        """Ends its span, if any, with the outcome of the block."""
        error: str | None = "cancelled"
        try:
            yield
            error = None
        except GatewayError as failure:
            error = failure.code
            raise
        finally:
            if self.span is not None:
                self.span.end(error=error, keys=len(self.keys))


class BatchResult(msgspec.Struct, Generic[K, V], frozen=True):
    """What one call returned for some of its keys.

    Attributes:
        keys: The keys that the caller asked for.
        values: Their values; None where the call failed.
        failure: Why it failed.
        joined: Whether another request started the call.
    """

    keys: list[K]
    values: Mapping[K, V] | None
    failure: LoadError | None
    joined: bool


class Batcher(Generic[K, V]):
    """Collects keys for a moment and fetches them in one call; the single flight of all look-ups.

    Args:
        clock: Measures deadlines; the batch window is by the event loop's clock.
        traffic: The requests that are about to ask for more.
        fetch: Makes the call for keys that fit into one; keys that it leaves out do not exist.
        limits: What fits into one call.
        encoded_len: The length of a key in the URL, with its parameter name and `&` where they count.
        endpoint: The name of a batch's span.
    """

    def __init__(
        self,
        clock: Timer,
        traffic: Traffic,
        fetch: Callable[[Request, Sequence[K]], Awaitable[Mapping[K, V]]],
        limits: Limits,
        encoded_len: Callable[[K], int],
        *,
        endpoint: str = "",
    ) -> None:
        self._clock = clock
        self._traffic = traffic
        self._fetch = fetch
        self._limits = limits
        self._encoded_len = encoded_len
        self._endpoint = endpoint
        self._slots = asyncio.Semaphore(limits.at_once)
        self._open: _Batch[K, V] | None = None
        self._known: dict[K, _Batch[K, V]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def in_flight(self, key: K) -> bool:
        """Whether a key is being fetched."""
        return key in self._known

    async def load(self, request: Request, keys: Sequence[K]) -> list[BatchResult[K, V]]:
        """Fetches keys without duplicates; every key is in one of the results."""
        wanted: dict[_Batch[K, V], list[K]] = {}
        for key in keys:
            batch = self._known.get(key)
            if batch is None:
                batch = self._known[key] = self._admit(request, key)
            asked = wanted.get(batch)
            if asked is None:
                batch.waiting.join(request)
                wanted[batch] = [key]
            else:
                asked.append(key)
        waits = [self._wait(request, batch, asked) for batch, asked in wanted.items()]
        parts = [await waits[0]] if len(waits) == 1 else await asyncio.gather(*waits)
        return [part for some in parts for part in some]

    def fail(self, error: Callable[[], GatewayError]) -> None:
        """Ends all calls with an error."""
        for batch in set(self._known.values()):
            batch.flight.fail(error())

    async def close(self) -> None:
        """Waits until no call runs any more."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait(self, request: Request, batch: _Batch[K, V], keys: list[K]) -> list[BatchResult[K, V]]:
        joined = batch.flight.request.flow is not request.flow
        if joined and batch.span is not None and request.span is not None:
            batch.span.joined(request.span)
        try:
            values = await batch.flight.wait(request)
        except (UpstreamError, LimitReached) as failure:
            if isinstance(failure, CostLimitReached) and batch.flight.request.ledger is not request.ledger:
                return await self.load(request, keys)  # the limit of the request that began, not this one's
            return [BatchResult(keys, None, failure, joined)]
        return [BatchResult(keys, values, None, joined)]

    def _admit(self, request: Request, key: K) -> _Batch[K, V]:
        """Adds a key to the open batch, or to a new one where it does not fit."""
        need = self._encoded_len(key)
        batch = self._open
        if batch is not None and batch.chars + need > self._limits.chars:
            self._shut(batch)
            batch = None
        if batch is None:
            batch = self._open = self._begin(request)
        batch.keys.append(key)
        batch.chars += need
        if len(batch.keys) >= self._limits.keys:
            self._shut(batch)
        return batch

    def _shut(self, batch: _Batch[K, V]) -> None:
        batch.full.set()
        batch.waiting.open = False
        if self._open is batch:
            self._open = None

    def _begin(self, request: Request) -> _Batch[K, V]:
        batch: _Batch[K, V] = _Batch()

        def ended() -> None:
            self._shut(batch)
            for key in batch.keys:
                if self._known.get(key) is batch:
                    del self._known[key]

        async def work(shared: Request) -> Mapping[K, V]:
            with self._traffic.batch(batch.waiting), batch.traced():
                await self._collect(batch)
                async with self._slots:
                    return await self._fetch(shared, batch.keys)

        batch.flight = Flight(self._clock, request, work, ended)
        self._tasks.add(batch.flight.task)
        batch.flight.task.add_done_callback(self._tasks.discard)
        batch.flight.request.asked = request.ledger.ask()
        if request.span is not None and self._limits.keys > 1:
            batch.span = batch.flight.request.span = request.span.batch(self._endpoint)
        return batch

    async def _collect(self, batch: _Batch[K, V]) -> None:
        """Keeps a batch open for a tick, and while requests are busy that were busy when it was opened.

        Where only one request is being served, nobody else can ask for keys, and the tick is saved.
        """
        others = self._traffic.busy(batch.waiting)
        if not others and IN_PROGRESS.count == 1:
            for _ in range(ALONE):
                await asyncio.sleep(0)
            if IN_PROGRESS.count == 1:
                self._shut(batch)
                return
        left = GRACE if others else 1
        for _ in range(HOLD):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await batch.full.wait()
            others &= self._traffic.busy(batch.waiting)
            left -= not others
            if batch.full.is_set() or not left:
                break
        self._shut(batch)


class Waiters:
    """The requests that wait for one batch.

    Attributes:
        flows: Their flows; revalidations do not count.
        open: Whether more may join, so that no call is made yet.
    """

    def __init__(self) -> None:
        self.flows: set[Flow] = set()
        self.open = True

    def join(self, request: Request) -> None:
        """Adds a request."""
        if request.priority is Priority.INTERACTIVE:
            self.flows.add(request.flow)


class Traffic:
    """The requests that wait for calls or batches of one upstream, and so may ask for more soon."""

    def __init__(self) -> None:
        self._calls: Counter[Flow] = Counter()
        self._batches: dict[Waiters, None] = {}

    @contextlib.contextmanager
    def call(self, request: Request) -> Iterator[None]:
        """Counts a request as waiting for a call within the block, unless it is a revalidation."""
        if request.priority is not Priority.INTERACTIVE:
            yield
            return
        self._calls[request.flow] += 1
        try:
            yield
        finally:
            self._calls[request.flow] -= 1
            if not self._calls[request.flow]:
                del self._calls[request.flow]

    @contextlib.contextmanager
    def batch(self, waiters: Waiters) -> Iterator[None]:
        """Counts a batch's requests as waiting for it within the block."""
        self._batches[waiters] = None
        try:
            yield
        finally:
            del self._batches[waiters]

    def busy(self, waiters: Waiters | None = None) -> set[Flow]:
        """The flows that wait for anything.

        Args:
            waiters: An open batch that asks: without its own flows, and without those of open batches that were opened
                later, so that no two batches wait for each other.
        """
        flows = set(self._calls)
        earlier = True
        for other in self._batches:
            earlier = earlier and other is not waiters
            if other is not waiters and (earlier or not other.open):
                flows |= other.flows
        return flows if waiters is None else flows - waiters.flows


MAX_BISECTIONS = 16
"""Further calls for one that was rejected: enough to single out one key of a hundred, and a few more."""


async def fetch_bisecting(
    fetch: Callable[[Request, Sequence[K]], Awaitable[Mapping[K, V]]], request: Request, keys: Sequence[K]
) -> tuple[dict[K, V], dict[K, LoadError]]:
    """Fetches keys; where the call is rejected, halves of them, so that one bad key costs no other.

    Args:
        fetch: Makes a call.
        request: The request that the calls are made for.
        keys: The keys.

    Returns:
        The values, and the errors of the keys that could not be fetched.

    Raises:
        UpstreamError: None of them could be fetched.
        DeadlineExceeded: Likewise.
    """
    found: dict[K, V] = {}
    failed: dict[K, LoadError] = {}
    asking, left, first = [keys], MAX_BISECTIONS, True
    while asking:
        some = asking.pop()
        try:
            found.update(await fetch(request, some))
        except (UpstreamError, LimitReached) as error:
            if first and (len(some) == 1 or not isinstance(error, UpstreamRejected)):
                raise
            if isinstance(error, UpstreamRejected) and len(some) > 1 and left > 1:
                middle = len(some) // 2
                asking += [some[middle:], some[:middle]]
                left -= 2
            else:
                failed.update(dict.fromkeys(some, error))
        first = False
    if len(failed) == len(keys):
        raise next(iter(failed.values()))
    return found, failed
