"""The rows that lack the sort value: after all others, whichever the direction.

A listing sorted in descending order ends with them (its `metadata` says `DESC NULLS LAST`): a count of the rows that
have the value tells where they begin.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.model.order import OrderField
from gateway.model.records import Meeting
from gateway.paging.merge import Problem
from gateway.sources.salesloft.cut import REACH
from gateway.sources.salesloft.endpoints import MOST_ROWS
from gateway.sources.salesloft.passes import Found
from gateway.sources.salesloft.reader import Reader, Step
from gateway.sources.salesloft.span import FIRST, Span
from gateway.sources.salesloft.windows import VALUELESS, Windows

MOST_PAGES = 10
"""Pages that are read at most: a thousand meetings without a time."""


class Valueless:
    """The rows of a listing that lack the sort value, all in one step.

    Args:
        reader: The listing.
        known: Every such row, where reading the others has happened to show them.
    """

    def __init__(self, reader: Reader, known: Callable[[], list[Meeting] | None]) -> None:
        self._reader = reader
        self._known = known
        self._what = f"meetings without a {reader.field.value}"

    @property
    def free(self) -> bool:
        """Whether they are known already."""
        return self._known() is not None

    async def step(self, want: int) -> Step:  # noqa: ARG002 - all at once
        """All of them."""
        known = self._known()
        rows, problems = (known, ()) if known is not None else await self._read()
        return Step(rows=rows, frontier=self._reader.place(None), done=True, problems=problems)

    async def _read(self) -> Found:
        if self._reader.field is OrderField.UPDATED_AT:  # no filter to count the others by: from the end back
            total = await self._reader.count()
            if total is not None and total > REACH:  # so deep a look is dear, and such rows are not to be expected
                return [], ()
            begin = None if total is None else total - MOST_ROWS // 2
        else:
            begin = await self._reader.count(Span(FIRST))
            # So deep a look is dear, and another count is cheap.
            if begin is not None and begin > REACH and begin == await self._reader.count():
                return [], ()
        if begin is None:
            return [], (Problem(where=f"whether there are {self._what}", lost=True),)
        windows = Windows(self._reader, descending=True)
        window = await windows.find(VALUELESS, max(0, begin - 1), reach=None)
        if window is None:
            return [], ()
        nameless = [seen for seen in window.seen if seen.rank == VALUELESS]
        if window.last:
            return [seen.row for seen in nameless], window.problems
        offset = max(0, nameless[0].offset - 1)
        return await windows.run(VALUELESS, offset, self._what, offset // MOST_ROWS + 1 + MOST_PAGES)
