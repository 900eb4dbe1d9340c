"""Where the units that were spent are counted: in this process, or in a place that replicas share."""

from __future__ import annotations

from typing import Protocol

from gateway.upstream.window import Grant, Windows


class Counter(Protocol):
    """Counts units in windows. Times are seconds since 1970, by the upstream's clock."""

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        ...

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None) -> None:
        """Ends a call with what it cost and, where told, the units that the upstream has left for everybody."""
        ...

    async def empty(self, now: float, until: float | None) -> None:
        """Learns from a 429 that there is nothing left, until a moment or as long as the window lasts."""
        ...

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now, as far as is known here."""
        ...

    def opens(self, now: float, limit: int) -> float:
        """Seconds until there may be units again, where there are none or too few now."""
        ...


class LocalCounter:
    """Counts what this process spends.

    Args:
        length: Seconds that a window lasts.
    """

    def __init__(self, length: float = 60.0) -> None:
        self._windows = Windows(length)

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        enough = self._windows.free(now, limit) >= min(cost, limit) + spare
        return self._windows.take(now, cost) if enough else None

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None) -> None:
        """Ends a call with what it cost and, where told, the units that the upstream has left for everybody."""
        self._windows.settle(grant, now, cost=cost)
        if left is not None:
            self._windows.tell(now, left)

    async def empty(self, now: float, until: float | None) -> None:
        """Learns from a 429 that there is nothing left, until a moment or as long as the window lasts."""
        self._windows.empty(now, until)

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now."""
        return self._windows.free(now, limit)

    def opens(self, now: float, limit: int) -> float:
        """Seconds until there may be units again, where there are none or too few now."""
        return self._windows.opens(now, limit)
