"""Where the units that were spent are counted: in this process, or in a place that replicas share."""

from __future__ import annotations

from typing import Protocol

from gateway.upstream.window import Grant, Windows


class Counter(Protocol):
    """Counts units in windows. Times are seconds since 1970, by the upstream's clock."""

    async def take(self, now: float, cost: int, *, limit: int, spare: int) -> Grant | None:
        """Takes units where `spare` more stay free; None where they do not."""
        ...

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None, answered: bool = False) -> None:
        """Ends a call.

        Args:
            grant: What was taken for it.
            now: When it ended.
            cost: What it cost.
            left: Units that the upstream said it has left for everybody, where it did.
            answered: Whether it was answered otherwise than that the upstream's limit is used up.
        """
        ...

    async def empty(self, now: float, until: float | None) -> None:
        """Learns from a 429 that there is nothing left, until a moment or as long as the window lasts."""
        ...

    async def sync(self, now: float, *, limit: int, leaving: bool = False) -> None:
        """Tells other processes what this one has spent, and learns what they have; called every second or so.

        Args:
            now: The time.
            limit: Units of a window.
            leaving: Whether this process is about to end, so that it needs nothing more.
        """
        ...

    def widen(self, margin: float) -> None:
        """Learns how many seconds around an edge a unit counts on both sides of it."""
        ...

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now, as far as is known here."""
        ...

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet, as far as is known here; others may have a right to some of them."""
        ...

    def opens(self, now: float, limit: int, needed: int = 1) -> float:
        """Seconds until there may be as many units as needed, where there are too few now."""
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

    async def settle(self, grant: Grant, now: float, *, cost: int, left: int | None, answered: bool = False) -> None:
        """Ends a call."""
        self._windows.settle(grant, now, cost=cost)
        if left is not None:
            self._windows.tell(now, left)
        if answered:
            self._windows.answered(now)

    async def empty(self, now: float, until: float | None) -> None:
        """Learns from a 429 that there is nothing left, until a moment or as long as the window lasts."""
        self._windows.empty(now, until)

    async def sync(self, now: float, *, limit: int, leaving: bool = False) -> None:
        """Has nobody to tell."""

    def widen(self, margin: float) -> None:
        """Learns how many seconds around an edge a unit counts on both sides of it."""
        self._windows.margin = margin

    def free(self, now: float, limit: int) -> int:
        """Units that may be taken now."""
        return self._windows.free(now, limit)

    def left(self, now: float, limit: int) -> int:
        """Units that nobody has spent yet."""
        return self._windows.left(now, limit)

    def opens(self, now: float, limit: int, needed: int = 1) -> float:
        """Seconds until there may be as many units as needed, where there are too few now."""
        return self._windows.opens(now, limit, needed)
