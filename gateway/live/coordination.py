"""What replicas have to agree on: which of them polls, and which deliveries were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from cachetools import LRUCache

from gateway.model.records import Source
from gateway.request import Clock

MOST_DELIVERIES = 20_000
"""Digests of deliveries that are remembered, to know a repetition by."""


class Coordination(Protocol):
    """What replicas agree on, or what one process knows alone.

    Attributes:
        shared: Whether there are other processes, whose hints may be left to adopt.
    """

    shared: ClassVar[bool]

    async def lead(self, source: Source, seconds: float) -> bool:
        """Whether it is this process that polls a source, now and for so many seconds."""
        ...

    async def accept(self, source: Source, digest: str | None, hints: Sequence[str]) -> int | None:
        """Takes a delivery, unless one of its content has come within a day.

        Args:
            source: Whose it is.
            digest: Of its content; None where an equal one may be about another change.
            hints: What it hints at: other processes will look into it, should this one not have done so.

        Returns:
            What to give to `done` with its hints; None where it has come before.
        """
        ...

    async def done(self, source: Source, hints: Mapping[str, int]) -> None:
        """Hints were looked into; one that was given again since, to whichever process, stays."""
        ...

    async def leave(self, source: Source, hints: Mapping[str, int]) -> None:
        """Hints will not be looked into by this process: it stops."""
        ...

    async def adopt(self, source: Source) -> Mapping[str, int]:
        """Hints that some process was given a while ago and has not looked into; this process does so now."""
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

    shared: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._digests: LRUCache[tuple[Source, str], None] = LRUCache(MOST_DELIVERIES)
        self._deliveries: dict[Source, float] = {}

    async def lead(self, source: Source, seconds: float) -> bool:  # noqa: ARG002 - there is no other process
        """Yes."""
        return True

    async def accept(self, source: Source, digest: str | None, hints: Sequence[str]) -> int | None:  # noqa: ARG002 - nobody else would
        """Takes a delivery, unless one of its content has come."""
        if digest is None:
            return 0
        new = (source, digest) not in self._digests
        self._digests[source, digest] = None
        return 0 if new else None

    async def done(self, source: Source, hints: Mapping[str, int]) -> None:
        """Nobody else knows of hints."""

    async def leave(self, source: Source, hints: Mapping[str, int]) -> None:
        """Nobody else could look into them; streams begin anew after a restart."""

    async def adopt(self, source: Source) -> Mapping[str, int]:  # noqa: ARG002 - there is no other process
        """None: there is no other process."""
        return {}

    async def note_delivery(self, source: Source) -> None:
        """Notes that an authentic delivery has come."""
        self._deliveries[source] = self._clock.time()

    async def last_delivery(self, source: Source) -> float | None:
        """When one last came, in seconds since 1970."""
        return self._deliveries.get(source)
