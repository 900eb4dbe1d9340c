"""Pages that are too large to be read whole: how many rows an answer of a list may have, and pages put together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gateway.model.records import Source
from gateway.sources.decode import Body
from gateway.sources.salesloft import wire
from gateway.upstream.request import Clock

W = TypeVar("W", bound=msgspec.Struct)

log = logging.getLogger(__name__)

REMEMBERED = 3600.0
"""Seconds after which it is tried again whether more can be read."""


class Sizes:
    """How many rows the answers of each list may have.

    Args:
        most: How many they have at most, where nothing has shown otherwise.
        clock: Tells the time.
    """

    def __init__(self, most: int, clock: Clock) -> None:
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
        log.warning("%s %s: all rows at once are too large", Source.SALESLOFT.value, path)

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
        log.warning("%s %s: answers of %d rows are too large", Source.SALESLOFT.value, path, rows)
        return half


def numbers(number: int, per_page: int, size: int) -> range:
    """The pages of another size that a page lies in."""
    offset = (number - 1) * per_page
    return range(offset // size + 1, (offset + per_page - 1) // size + 2)


def put_together(
    parts: Sequence[Body[W, wire.Metadata]], *, number: int, per_page: int, size: int, last: bool
) -> Body[W, wire.Metadata]:
    """A page out of the pages of another size that it lies in.

    Args:
        parts: Those pages, without those behind the list's end.
        number: The page.
        per_page: Its size.
        size: Theirs.
        last: Whether nothing follows them.
    """
    offset = (number - 1) * per_page
    rows = [row for part in parts for row in part.rows]
    start = offset % size
    told = parts[0].metadata.paging if parts[0].metadata is not None else None
    paging = wire.Paging(
        per_page=per_page,
        current_page=number,
        next_page=None if last and len(rows) <= start + per_page else number + 1,
        total_count=None if told is None else told.total_count,
    )
    return Body(
        rows[start : start + per_page],
        wire.Metadata(paging=paging),
        frozenset().union(*(part.unreadable for part in parts)),
        lost=tuple(lost for part in parts for lost in part.lost),
    )
