"""What replicas have to agree on: which of them polls, and which deliveries were seen."""

from __future__ import annotations

from typing import Protocol

from cachetools import LRUCache

from gateway.model.records import Source
from gateway.request import Clock

MOST_DELIVERIES = 20_000
"""Digests of deliveries that are remembered, to know a repetition by."""


class Coordination(Protocol):
    """What replicas agree on, or what one process knows alone."""

    async def lead(self, source: Source, seconds: float) -> bool:
        """Whether it is this process that polls a source, now and for so many seconds."""
        ...

    async def is_new(self, source: Source, digest: str) -> bool:
        """Whether a delivery of this content has not come within a day; from now on it has."""
        ...

    async def note_delivery(self, source: Source) -> None:
        """Notes that an authentic delivery has come."""
        ...

    async def last_delivery(self, source: Source) -> float | None:
        """When one last came, in seconds since 1970."""
        ...


class Alone:
    """What one process knows, where there is no other.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._digests: LRUCache[tuple[Source, str], None] = LRUCache(MOST_DELIVERIES)
        self._deliveries: dict[Source, float] = {}

    async def lead(self, source: Source, seconds: float) -> bool:  # noqa: ARG002 - there is no other process
        """Yes."""
        return True

    async def is_new(self, source: Source, digest: str) -> bool:
        """Whether a delivery of this content has not come yet."""
        new = (source, digest) not in self._digests
        self._digests[source, digest] = None
        return new

    async def note_delivery(self, source: Source) -> None:
        """Notes that an authentic delivery has come."""
        self._deliveries[source] = self._clock.time()

    async def last_delivery(self, source: Source) -> float | None:
        """When one last came, in seconds since 1970."""
        return self._deliveries.get(source)
