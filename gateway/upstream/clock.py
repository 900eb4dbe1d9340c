"""Time: the system's, one that tests turn by hand, and what waits are built from."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from gateway.upstream.request import Clock


class Handle(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Takes it back; does nothing once it was made."""
        ...


class Timer(Clock, Protocol):
    """A clock that can also be waited on."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        """Makes a call from the running event loop after that many seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits that long; where there is nothing to wait for, lets others go first."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        """Makes a call from the running event loop after that many seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)

    async def sleep(self, seconds: float) -> None:
        """Waits that long; where there is nothing to wait for, lets others go first."""
        await asyncio.sleep(max(0.0, seconds))


class _Due:
    """A call that a `ManualClock` owes."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """Time that moves only when it is told to; ships with the package for tests and simulations.

    Args:
        now: Seconds since 1970 at the start.
        jumps: Whether a sleep moves time on by itself, rather than last until it is moved.
    """

    def __init__(self, now: float = 1_800_000_000.0, *, jumps: bool = False) -> None:
        self._start = now
        self._jumps = jumps
        self._elapsed = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, _Due]] = []

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed

    def time(self) -> float:
        """Seconds since 1970."""
        return self._start + self._elapsed

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        """Makes a call when the clock has been moved that far."""
        due = _Due(callback)
        heapq.heappush(self._due, (self._elapsed + max(0.0, seconds), next(self._order), due))
        return due

    async def sleep(self, seconds: float) -> None:
        """Waits until time was moved that far; where there is nothing to wait for, lets others go first."""
        if self._jumps or seconds <= 0:
            self.advance(max(0.0, seconds))
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        handle = self.call_later(seconds, wake)
        try:
            await woken
        finally:
            handle.cancel()

    def next_due(self) -> float | None:
        """Seconds until the next call is due; None where nothing waits."""
        while self._due and self._due[0][2].callback is None:
            heapq.heappop(self._due)
        return self._due[0][0] - self._elapsed if self._due else None

    def advance(self, seconds: float) -> None:
        """Moves time on and makes the calls that fall due on the way, each at its own moment."""
        until = self._elapsed + seconds
        while (wait := self.next_due()) is not None and self._elapsed + wait <= until:
            when, _, due = heapq.heappop(self._due)
            self._elapsed = max(self._elapsed, when)
            callback, due.callback = due.callback, None
            if callback is not None:
                callback()
        self._elapsed = until


@contextlib.asynccontextmanager
async def until(clock: Timer, deadline: float) -> AsyncIterator[None]:
    """Ends the block with `TimeoutError` at `deadline` (monotonic seconds of `clock`)."""
    async with asyncio.timeout(None) as limit:
        now = asyncio.get_running_loop().time
        handle = clock.call_later(deadline - clock.monotonic(), lambda: limit.reschedule(now()))
        try:
            yield
        finally:
            handle.cancel()
