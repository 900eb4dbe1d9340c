"""Who is told what goes on at an upstream, so that it can be counted."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from gateway.upstream.request import Hit

Queued: TypeAlias = Literal["granted", "refused", "left"]
"""How a wait for units ended: with them, with word that they cannot be had in time, or with nobody waiting any more."""


class Meter(Protocol):
    """Counts. Each method is told of one thing that has ended, and must not wait."""

    def called(self, source: str, endpoint: str, status: str, *, units: int, seconds: float) -> None:
        """A try on the wire: its HTTP status or what came instead (`Entry.status`), its cost and how long it took."""
        ...

    def troubled(self, source: str, endpoint: str, trouble: str) -> None:
        """A try that came to no answer, by the kind of trouble (`Trouble`)."""
        ...

    def queued(self, source: str, outcome: Queued, seconds: float) -> None:
        """A wait for units."""
        ...

    def looked_up(self, source: str, kind: str, state: Hit, keys: int) -> None:
        """Keys of one kind, by where their records came from."""
        ...

    def batched(self, source: str, kind: str, keys: int) -> None:
        """A call for so many keys of one kind."""
        ...

    def joined(self, source: str, endpoint: str) -> None:
        """A call that was not made, since an equal one was under way."""
        ...


class Unmetered:
    """Counts nothing."""

    def called(self, source: str, endpoint: str, status: str, *, units: int, seconds: float) -> None:
        """Takes no note."""

    def troubled(self, source: str, endpoint: str, trouble: str) -> None:
        """Takes no note."""

    def queued(self, source: str, outcome: Queued, seconds: float) -> None:
        """Takes no note."""

    def looked_up(self, source: str, kind: str, state: Hit, keys: int) -> None:
        """Takes no note."""

    def batched(self, source: str, kind: str, keys: int) -> None:
        """Takes no note."""

    def joined(self, source: str, endpoint: str) -> None:
        """Takes no note."""
