"""How many rows of a list a source is asked for at once, learned from answers that were too large to be read."""

from __future__ import annotations

import logging

from gateway.model.records import Source
from gateway.request import Clock

log = logging.getLogger(__name__)

REMEMBERED = 3600.0
"""Seconds for which it is remembered that an answer was too large."""


class PageSizes:
    """How many rows the answers of each list may have.

    Args:
        source: Whose lists they are.
        most: How many they have at most, where nothing has shown otherwise.
        clock: Tells the time.
    """

    def __init__(self, source: Source, most: int, clock: Clock) -> None:
        self._name = source.value
        self._most = most
        self._clock = clock
        self._known: dict[str, tuple[int, float]] = {}
        self._not_whole: dict[str, float] = {}

    def whole(self, path: str) -> bool:
        """Whether an answer may have all the rows of a list."""
        return self._clock.monotonic() >= self._not_whole.get(path, 0.0)

    def whole_too_large(self, path: str) -> None:
        """Learns that all the rows of a list at once are too large."""
        self._not_whole[path] = self._clock.monotonic() + REMEMBERED
        log.warning("%s %s: all rows at once are too large", self._name, path)

    def of(self, path: str) -> int:
        """Rows that an answer of a list may have."""
        rows, until = self._known.get(path, (self._most, 0.0))
        return rows if self._clock.monotonic() < until else self._most

    def too_large(self, path: str, rows: int) -> int:
        """Learns that so many rows are too large.

        Returns:
            Half of them, which is what is asked for instead.
        """
        half = min(self.of(path), max(1, rows // 2))
        self._known[path] = half, self._clock.monotonic() + REMEMBERED
        log.warning("%s %s: answers of %d rows are too large", self._name, path, rows)
        return half
