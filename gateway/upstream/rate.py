"""How many units a minute are worth trying, where the upstream does not tell its limit."""

from __future__ import annotations

import math

STEP = 0.05
"""Share of the configured rate that a minute without a refusal gives back: back to the full rate in twenty at most."""


class Rate:
    """A configured rate that refusals halve and quiet minutes give back.

    Times are seconds of any clock that goes on.

    Args:
        limit: Units a minute as configured.
        adapts: Whether a refusal says that the limit is too high. Where an upstream tells what is left, it does not:
            others have spent it.
    """

    def __init__(self, limit: int, *, adapts: bool = False) -> None:
        self._limit = limit
        self._adapts = adapts
        self._lowered = float(limit)
        self._since = -math.inf

    def current(self, now: float) -> int:
        """Units a minute now."""
        if self._lowered == self._limit:
            return self._limit
        given_back = math.floor((now - self._since) / 60) * STEP * self._limit
        return min(self._limit, max(1, math.floor(self._lowered + given_back)))

    def refused(self, now: float, *, sent: float) -> None:
        """Learns that a call sent then was refused; calls already under way at the last halving tell nothing new."""
        if self._adapts and sent > self._since:
            self._lowered, self._since = self.current(now) / 2, now
