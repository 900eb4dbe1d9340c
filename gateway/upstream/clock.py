"""Clocks: the system's, the upstream's, one that tests move by hand; and waits on them."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from gateway.request import Clock

MARGIN = 0.25
"""Seconds around an edge within which a unit counts in both windows: neither clocks nor the network are exact."""


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


class SteadyClock:
    """A time of day that nobody can set: a clock's at construction, plus the time that has passed since.

    Args:
        clock: Its time of day is read once, since it may be set back later.
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
    """A scheduled call of a `ManualClock`."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """A clock that moves only by `advance`; ships with the package for tests and simulations.

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
        """Sets the time of day back, as somebody may that of a machine; monotonic time is not affected."""
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
        """Moves time on and makes the calls that fall due, each at its own moment."""
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
    """Runs work periodically within the block, the first time after so many seconds."""

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


REMEMBERED = 300.0
"""Seconds for which a response's date is compared with later ones."""

MAX_REMEMBERED = 64
"""Responses whose dates are compared."""

FAR = 10.0
"""Seconds by which the clocks of an upstream's front ends may differ; a larger difference has to be confirmed."""

CONFIRMED = 60.0
"""Seconds for which such dates have to agree among themselves to be believed."""

A_DAY = 86_400.0
"""Seconds by which an upstream's clock may differ from ours: beyond that, certificates would not be accepted."""


class _Interval:
    """The offsets that one date allows, and when it was received (monotonic)."""

    __slots__ = ("heard", "high", "low")

    def __init__(self, low: float, high: float, heard: float) -> None:
        self.low = low
        self.high = high
        self.heard = heard

    def distance(self, low: float, high: float) -> float:
        """Seconds between this and another interval; 0 where they meet."""
        return max(0.0, self.low - high, low - self.high)

    def beyond(self, offset: float) -> float:
        """The greatest distance of the true offset from one outside of this interval; 0 for one inside."""
        away = self.distance(offset, offset)
        return away + self.high - self.low if away else 0.0


class VendorClock:
    """A steady clock corrected by the upstream's `Date` headers.

    A header names a whole second; the true offset lies where the intervals of all answers meet. The estimate is moved
    by as little as the newest answer demands, so that two clocks in step stay uncorrected. Where answers disagree, as
    those of several front ends may, the margin says by how much.

    Args:
        clock: Our own.
    """

    def __init__(self, clock: Clock) -> None:
        self._ours = SteadyClock(clock)
        self._offset = 0.0
        self._recent: deque[_Interval] = deque(maxlen=MAX_REMEMBERED)
        self._doubted: _Interval | None = None
        self.margin = MARGIN

    @property
    def offset(self) -> float:
        """Seconds that the upstream's clock is ahead of ours; 0 while the two may be in step."""
        return self._offset

    def now(self) -> float:
        """Seconds since 1970 there."""
        return self._ours.now() + self._offset

    def heard(self, date: float, *, sent: float, received: float) -> None:
        """Takes the date of a response.

        Args:
            date: The `Date` header in seconds since 1970.
            sent: When the call was sent (monotonic).
            received: When the response was received (monotonic).
        """
        new = _Interval(date - self._ours.at(received), date + 1 - self._ours.at(sent), received)
        if not -A_DAY <= new.low <= A_DAY:
            return
        while self._recent and self._recent[0].heard < received - REMEMBERED:
            self._recent.popleft()
        odd = any(each.distance(new.low, new.high) > FAR for each in self._recent)
        if odd or (not self._recent and self._doubted is not None):
            confirmed = self._confirmed(new)
            if confirmed is None:
                return
            self._recent.clear()
            new = _Interval(confirmed.low, confirmed.high, received)
        self._doubted = None
        self._recent.append(new)
        self._offset = min(max(self._offset, new.low), new.high)
        self.margin = MARGIN + max(each.beyond(self._offset) for each in self._recent)

    def _confirmed(self, new: _Interval) -> _Interval | None:
        """The interval that dates far off agree on, once they have done so for a while."""
        before = self._doubted
        if before is None or before.distance(new.low, new.high):
            self._doubted = new
            return None
        self._doubted = _Interval(max(before.low, new.low), min(before.high, new.high), before.heard)
        return self._doubted if new.heard - before.heard >= CONFIRMED else None
