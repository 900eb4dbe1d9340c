"""Time: the system's, one that tests turn by hand, and what waits are built from."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from gateway.upstream.request import Clock

BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux's clock that goes on while the machine is suspended."""


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
        """Seconds that never go back, and go on while the machine is suspended, where it can tell."""
        return time.monotonic() if BOOT is None else time.clock_gettime(BOOT)

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        """Makes a call from the running event loop after that many seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)

    async def sleep(self, seconds: float) -> None:
        """Waits that long; where there is nothing to wait for, lets others go first."""
        await asyncio.sleep(max(0.0, seconds))


class Steady:
    """A time of day that nobody sets: a clock's when this was made, and what has passed since.

    Args:
        clock: Its time of day is looked at once, since it may be set back later.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.time() - clock.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._start + self._clock.monotonic()

    def at(self, moment: float) -> float:
        """The same at a moment of the clock (monotonic)."""
        return self._start + moment


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

    def set_back(self, seconds: float) -> None:
        """Sets the time of day back, as somebody may that of a machine; what has passed stays what it was."""
        self._start -= seconds

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
async def every(clock: Timer, seconds: float, work: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Does work again and again within the block, the first time after so many seconds."""

    async def go_on() -> None:
        while True:
            due = asyncio.Event()
            handle = clock.call_later(seconds, due.set)
            try:
                await due.wait()
            finally:
                handle.cancel()
            await work()

    working = asyncio.ensure_future(go_on())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


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
