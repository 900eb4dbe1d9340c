"""How many upstream units live updates may spend, so that they never use up what people wait for."""

from __future__ import annotations

from gateway.request import Clock

MINUTE = 60.0


class Allowance:
    """So many units in any minute.

    Args:
        units: How many.
        clock: The time.
    """

    def __init__(self, units: float, clock: Clock) -> None:
        self._units = units
        self._clock = clock
        self._spent: list[tuple[float, int]] = []

    def wait(self, units: int) -> float:
        """Seconds until so many may be spent; 0 where they may be spent now."""
        now = self._clock.monotonic()
        self._spent = [each for each in self._spent if each[0] > now - MINUTE]
        over = sum(cost for _, cost in self._spent) + units - max(self._units, units)
        for moment, cost in self._spent:
            if over <= 0:
                return 0.0
            over -= cost
            if over <= 0:
                return moment + MINUTE - now
        return 0.0

    def spend(self, units: int) -> None:
        """Records units that were spent."""
        if units:
            self._spent.append((self._clock.monotonic(), units))
