"""Many keys in few calls, whichever requests ask for them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from gateway.errors import DeadlineExceeded, GatewayError, UpstreamError
from gateway.upstream.clock import Timer
from gateway.upstream.request import Request
from gateway.upstream.shared import Shared
from gateway.upstream.span import Span
from gateway.upstream.traffic import Group, Traffic

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_KEYS = 100
"""Rows that a page holds at most where an API pages by a hundred, so that one page answers a chunk."""

MOST_CHARS = 6000
"""Characters of URL that a chunk may take: 8 KB is where servers and proxies commonly stop, headers aside."""

TICK = 0.002
"""Seconds that a batch stays open for keys that are asked for in the same breath."""

HOLD = 25
"""Ticks that it stays open at most for requests whose calls were under way when it was opened: they are about to ask
for keys of the same kind, and a unit of the upstream's budget is worth more than a twentieth of a second. A busy event
loop ticks more slowly, as it answers them."""

GRACE = 5
"""Ticks that they are given to work on what their calls brought, before they ask."""

AT_ONCE = 10
"""Calls of one kind that are under way at most."""

PLAIN = re.compile(r"[A-Za-z0-9._~-]*")
"""What a URL takes as it is; most ids are."""

Failure: TypeAlias = UpstreamError | DeadlineExceeded


def encoded_len(value: object) -> int:
    """Characters that a value takes in a URL."""
    return len(encoded(str(value)))


def encoded(text: str) -> str:
    """A name or a value as a URL has it: percent-encoded, but for letters, digits, `-`, `.`, `_` and `~`."""
    return text if PLAIN.fullmatch(text) else quote(text, safe="")


def chunks(
    values: Sequence[str],
    *,
    most: int = MOST_KEYS,
    chars: int = MOST_CHARS,
    encoded_len: Callable[[str], int] = encoded_len,
) -> list[list[str]]:
    """Values in their order, split so that each part fits into one call.

    Args:
        values: What is asked for.
        most: Values in a part at most.
        chars: Characters of URL in a part at most; a value that alone is longer gets a part of its own.
        encoded_len: Characters that one value takes, its parameter name and `&` included where they count.
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
        keys: Keys at most; with one, there is nothing to wait for.
        chars: Characters of URL at most.
        at_once: Calls under way at most.
    """

    keys: int = MOST_KEYS
    chars: int = MOST_CHARS
    at_once: int = AT_ONCE


class _Batch(Generic[K, V]):
    """Keys that go, or went, in one call."""

    def __init__(self) -> None:
        self.keys: list[K] = []
        self.chars = 0
        self.waiting = Group()
        self.full = asyncio.Event()
        self.shared: Shared[Mapping[K, V]]
        self.span: Span | None = None

    @contextlib.contextmanager
    def traced(self) -> Iterator[None]:
        """Tells its trace, if any, how the work within the block ends."""
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


class Part(msgspec.Struct, Generic[K, V], frozen=True):
    """What became of those keys that went in one call.

    Attributes:
        keys: The keys, as far as they were asked for.
        values: What exists of them; None where the call failed.
        failure: Why it failed.
        joined: Whether somebody else made the call.
    """

    keys: list[K]
    values: Mapping[K, V] | None
    failure: Failure | None
    joined: bool


class Batcher(Generic[K, V]):
    """Collects keys for a moment and asks for them in one call; a key that is under way is not asked for again.

    Args:
        clock: Tells deadlines. The moment itself is the event loop's time.
        traffic: Who else is about to ask.
        fetch: Makes the call for keys that fit into one; what it leaves out does not exist.
        limits: What fits into one call.
        encoded_len: Characters that a key takes in the URL, its parameter name and `&` included where they count.
        endpoint: What traces call a batch by.
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

    def under_way(self, key: K) -> bool:
        """Whether a key is being asked for."""
        return key in self._known

    async def load(self, request: Request, keys: Sequence[K]) -> list[Part[K, V]]:
        """Asks for keys, each of which is named once; every one of them is in one part of the answer."""
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
        return [await waits[0]] if len(waits) == 1 else list(await asyncio.gather(*waits))

    def fail(self, error: Callable[[], GatewayError]) -> None:
        """Ends all calls with an error."""
        for batch in set(self._known.values()):
            batch.shared.fail(error())

    async def _wait(self, request: Request, batch: _Batch[K, V], keys: list[K]) -> Part[K, V]:
        joined = batch.shared.request.flow is not request.flow
        if joined and batch.span is not None and request.span is not None:
            batch.span.joined(request.span)
        try:
            values = await batch.shared.wait(request)
        except (UpstreamError, DeadlineExceeded) as failure:
            return Part(keys, None, failure, joined)
        return Part(keys, values, None, joined)

    def _admit(self, request: Request, key: K) -> _Batch[K, V]:
        """The batch that a key goes with: the open one, or a new one where it does not fit in."""
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
            with self._traffic.group(batch.waiting), batch.traced():
                await self._collect(batch)
                async with self._slots:
                    return await self._fetch(shared, batch.keys)

        batch.shared = Shared(self._clock, request, work, ended)
        batch.shared.request.asked = request.ledger.ask()
        if request.span is not None and self._limits.keys > 1:
            batch.span = batch.shared.request.span = request.span.batch(self._endpoint)
        return batch

    async def _collect(self, batch: _Batch[K, V]) -> None:
        """Keeps a batch open for a tick, and while those are busy who were when it was opened."""
        others = self._traffic.busy(batch.waiting)
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
