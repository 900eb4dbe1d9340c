"""The rows by time of last change, which Salesloft can sort by but not filter on: offset reads, checked by value.

Where to look is a guess from `Position.hint`; where it is wrong, the place is closed in on.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.order import Walk
from gateway.model.records import Meeting
from gateway.paging.merge import Problem
from gateway.sources.salesloft.cut import REACH, covering
from gateway.sources.salesloft.endpoints import MOST_ROWS
from gateway.sources.salesloft.passes import Found
from gateway.sources.salesloft.reader import Reader, Step
from gateway.sources.salesloft.span import Span
from gateway.sources.salesloft.windows import OUT_OF_REACH, VALUELESS, Seen, Window, Windows


class Recent:
    """A walk along the rows by time of last change.

    Args:
        reader: The listing.
        walk: The walk.
        wanted: The range of values that are wanted; the walk starts and ends with it.
    """

    free = False

    def __init__(self, reader: Reader, walk: Walk, wanted: Span) -> None:
        self._reader = reader
        self._windows = Windows(reader, descending=walk.descending)
        self._descending = walk.descending
        self._forward = not walk.backward
        start = None if walk.start is None else walk.start.time
        stop = None if walk.stop is None else walk.stop.time
        near, far = (wanted.most, wanted.least) if walk.descending else (wanted.least, wanted.most)
        sign = self._windows.sign
        self._edge = max((sign * value for value in (start, near) if value is not None), default=None)
        self._end = min((sign * value for value in (stop, far) if value is not None), default=None)
        self._hint = None if walk.start is None else walk.start.hint
        self._offset: int | None = None

    async def step(self, want: int) -> Step:  # noqa: ARG002 - always a full page: a small one costs the same
        """The next rows whose instants are known whole."""
        window = await self._window()
        if window is None:
            return self._done([], None, (OUT_OF_REACH,))
        ahead = [seen for seen in window.seen if self._edge is None or seen.rank >= self._edge]
        if window.reaches(VALUELESS):
            return self._done([seen for seen in ahead if seen.rank < VALUELESS], window)
        last = ahead[-1].rank
        before = [seen for seen in ahead if seen.rank < last]
        if self._end is not None and last > self._end:
            return self._done(before, window)
        held = ahead[len(before) :]
        if before or last != self._edge:
            self._edge, self._offset = last, max(0, held[0].offset - 1)
            return self._moved([seen.row for seen in before], [seen.row for seen in held], before, window)
        rows, trouble = await self._run(last, window, held[0].offset)
        self._edge, self._offset = last + 1, held[0].offset + len(rows) - 1
        return self._moved(rows, [], held, window, trouble)

    async def _window(self) -> Window | None:
        """The window that what comes next lies in; None out of reach."""
        if self._edge is None:
            return await self._windows.read(covering(0), kept=True)
        if self._offset is None:
            self._offset = await self._first_guess()
        return await self._windows.find(self._edge, self._offset)

    async def _run(self, rank: int, window: Window, offset: int) -> Found:
        """All rows of a rank that fills a window, by way of the descending listing where that is within reach."""
        what = "meetings of one updated_at"
        if not self._descending and window.total is not None and window.total <= REACH:
            windows = Windows(self._reader, descending=True)
            begin = await windows.find(-rank, max(0, window.total - offset - MOST_ROWS))
            if begin is not None:
                before = [seen.offset for seen in begin.seen if seen.rank < -rank]
                return await windows.run(-rank, max(before, default=0), what)
        return await self._windows.run(rank, max(0, offset - 1), what)

    async def _first_guess(self) -> int:
        """The offset that the cursor points to; hints are counted from the newest row."""
        if self._hint is None or self._descending:
            return self._hint or 0
        total = await self._reader.count()
        return 0 if total is None else max(0, total - self._hint - MOST_ROWS)

    def _moved(
        self,
        rows: Sequence[Meeting],
        held: Sequence[Meeting],
        seen: Sequence[Seen],
        window: Window,
        trouble: tuple[Problem, ...] = (),
    ) -> Step:
        edge = self._windows.sign * (self._edge or 0)
        return Step(
            rows=rows,
            frontier=self._reader.place(edge if self._forward else edge - self._windows.sign),
            held=held,
            hint=self._hint_at(seen, window),
            problems=(*window.problems, *trouble),
        )

    def _done(self, seen: Sequence[Seen], window: Window | None, trouble: tuple[Problem, ...] = ()) -> Step:
        return Step(
            rows=[each.row for each in seen],
            frontier=self._reader.place(None),
            done=True,
            hint=None if window is None else self._hint_at(seen, window),
            problems=(*(() if window is None else window.problems), *trouble),
        )

    def _hint_at(self, seen: Sequence[Seen], window: Window) -> int | None:
        """How many rows lie before these, counted from the newest."""
        if not seen:
            return None
        if self._descending:
            return seen[0].offset
        return None if window.total is None else max(0, window.total - seen[-1].offset - 1)
