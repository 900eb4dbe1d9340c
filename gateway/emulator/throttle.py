"""The vendor's minute: a budget that is full again whenever the clock's minute changes."""

from datetime import datetime


class Throttle:
    """Cost units of one fixed clock minute; None is no limit."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._minute = -1
        self._spent = 0

    def spend(self, cost: int, now: datetime) -> bool:
        """Charge a call, unless the minute has too little left for it.

        Returns:
            Whether the call may go on.
        """
        minute = int(now.timestamp() // 60)
        if minute != self._minute:
            self._minute, self._spent = minute, 0
        if self.per_minute is not None and self._spent + cost > self.per_minute:
            return False
        self._spent += cost
        return True

    @property
    def remaining(self) -> int:
        """What is left of the minute of the last call; 0 where there is no limit to tell."""
        return 0 if self.per_minute is None else self.per_minute - self._spent
