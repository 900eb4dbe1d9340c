"""A page of a list as a stretch of it that starts at about any offset; pure."""

from __future__ import annotations

import msgspec

from gateway.sources.salesloft.endpoints import MOST_ROWS

DEEPEST_PAGE = 100
"""The last page of cost 1."""

REACH = 9_000
"""Offsets up to which a page can be cut well within pages of cost 1; towards page 100 there are ever fewer sizes."""

SURELY = 25
"""Rows that a page within the reach goes on for, from the offset that it is cut for."""


class Cut(msgspec.Struct, frozen=True):
    """A page by its size and number."""

    per_page: int
    number: int

    @property
    def offset(self) -> int:
        """How many rows lie before it."""
        return (self.number - 1) * self.per_page

    @property
    def end(self) -> int:
        """How many rows lie before the next one."""
        return self.number * self.per_page


def covering(offset: int) -> Cut:
    """The page that has the row at an offset and goes furthest beyond it; within the reach, a page of cost 1.

    With half of all sizes to choose from, one nearly always starts just there.
    """
    cuts = (Cut(size, offset // size + 1) for size in range(MOST_ROWS, MOST_ROWS // 2, -1))
    return max((cut for cut in cuts if offset >= REACH or cut.number <= DEEPEST_PAGE), key=lambda cut: cut.end)
