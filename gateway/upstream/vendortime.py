"""What time it is at the upstream, whose clock decides when its rate window turns."""

from __future__ import annotations

from gateway.upstream.request import Clock


class VendorTime:
    """Our clock, corrected by the upstream's `Date` headers.

    A header names a whole second; the true offset lies where the intervals of all answers meet. The estimate is moved
    by as little as the newest answer demands, so that two clocks in step stay uncorrected.

    Args:
        clock: Our own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = 0.0

    @property
    def offset(self) -> float:
        """Seconds that the upstream's clock is ahead of ours; 0 while the two may be in step."""
        return self._offset

    def now(self) -> float:
        """Seconds since 1970 there."""
        return self._clock.time() + self._offset

    def heard(self, date: float, *, sent: float, received: float) -> None:
        """Learns from an answer.

        Args:
            date: Its `Date`, in seconds since 1970.
            sent: When the call left, by our clock.
            received: When the answer was there, by our clock.
        """
        low, high = date - received, date + 1 - sent
        self._offset = min(max(self._offset, low), high)
