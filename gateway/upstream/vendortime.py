"""What time it is at the upstream, whose clock decides when its rate window turns."""

from __future__ import annotations

from collections import deque

from gateway.upstream.clock import Steady
from gateway.upstream.request import Clock
from gateway.upstream.window import MARGIN

REMEMBERED = 300.0
"""Seconds that an answer's date is compared with later ones."""

MOST_REMEMBERED = 64
"""Answers whose dates are."""

FAR = 10.0
"""Seconds by which clocks of one upstream's front ends may differ; one that is farther off is not believed at once."""

CONFIRMED = 60.0
"""Seconds that dates which are farther off have to agree among themselves before they are believed all the same."""

A_DAY = 86_400.0
"""Seconds by which an upstream's clock may differ from ours: with more, certificates would not be accepted."""


class _Interval:
    """Offsets that one date allows, and when it came (monotonic)."""

    __slots__ = ("heard", "high", "low")

    def __init__(self, low: float, high: float, heard: float) -> None:
        self.low = low
        self.high = high
        self.heard = heard

    def distance(self, low: float, high: float) -> float:
        """Seconds between this and another interval; 0 where they meet."""
        return max(0.0, self.low - high, low - self.high)

    def beyond(self, offset: float) -> float:
        """Seconds that the true offset may be from one that this does not allow; 0 where it does."""
        away = self.distance(offset, offset)
        return away + self.high - self.low if away else 0.0


class VendorTime:
    """A clock of the process's own, which nobody sets, corrected by the upstream's `Date` headers.

    A header names a whole second; the true offset lies where the intervals of all answers meet. The estimate is moved
    by as little as the newest answer demands, so that two clocks in step stay uncorrected. Where answers disagree, as
    those of several front ends may, the margin says by how much.

    Args:
        clock: Our own.
    """

    def __init__(self, clock: Clock) -> None:
        self._ours = Steady(clock)
        self._offset = 0.0
        self._recent: deque[_Interval] = deque(maxlen=MOST_REMEMBERED)
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
        """Learns from an answer.

        Args:
            date: Its `Date`, in seconds since 1970.
            sent: When the call left (monotonic).
            received: When the answer was there (monotonic).
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
        """What answers that are far off agree on, once they have done so for a while."""
        before = self._doubted
        if before is None or before.distance(new.low, new.high):
            self._doubted = new
            return None
        self._doubted = _Interval(max(before.low, new.low), min(before.high, new.high), before.heard)
        return self._doubted if new.heard - before.heard >= CONFIRMED else None
