"""Rows where Salesloft cannot filter on the sort value: by offset, each stretch checked by value.

One answer is one moment of the list. If it starts before a place and reaches beyond it, then everything at that place
is in it, wherever the rows stood a moment ago: so rows that move between two reads can neither repeat nor hide another.
Where to look is a guess from `Position.hint`, or from a count; where it is wrong, the place is closed in on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.errors import UpstreamMalformed, UpstreamUnavailable
from gateway.model.order import OrderField, Walk
from gateway.model.records import Record, Source
from gateway.paging.merge import Problem
from gateway.sources.salesloft.parameters import FIRST, LAST, TimeSpan
from gateway.sources.salesloft.resources import MOST_ROWS
from gateway.sources.salesloft.walk import (
    DEEPEST_PAGE,
    MOST_ODD_PAGES,
    REACH,
    SURELY,
    Advance,
    Cut,
    Found,
    ListReader,
    Pass,
    after_odd,
    covering,
    gathered,
)

R = TypeVar("R", bound=Record)

MOST_PROBES = 16
"""Pages that are looked into for a place: doubling steps over the reach and halving back take 14."""

VALUELESS = LAST + 1
"""The rank of rows without a sort value: Salesloft sorts `NULLS LAST`."""

MOST_VALUELESS_PAGES = 10
"""Pages that are read at most: a thousand meetings without a time."""

OUT_OF_REACH = Problem(where=f"meetings beyond the {REACH} that can be listed by updated_at", lost=True)


class Seen(msgspec.Struct, Generic[R], frozen=True):
    """A row of a window.

    Attributes:
        offset: How many rows of the list lie before it.
        rank: Its sort value, counted so that it grows along the list.
        row: The row.
    """

    offset: int
    rank: int
    row: R


class OffsetPage(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A stretch of the list at one moment.

    Attributes:
        offset: Where it starts.
        seen: Its rows.
        last: Whether the list ends in it.
        odd: Whether any of its rows has a value that cannot be read.
        total: How many rows the list has, where known.
        problems: What could not be read.
    """

    offset: int
    seen: list[Seen[R]]
    last: bool
    odd: bool = False
    total: int | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def end(self) -> int:
        """The offset of its last row that can be told from others, or where it starts."""
        return self.seen[-1].offset if self.seen else self.offset

    def starts_before(self, rank: int) -> bool:
        """Whether it starts before every row of that rank; rows whose value cannot be read do have one.

        A page without a row, beyond the list's end, says nothing of what lies before it.
        """
        first = self.seen[0].rank if self.seen else VALUELESS - 1 if self.odd else VALUELESS
        return self.offset == 0 or first < rank

    def reaches(self, rank: int) -> bool:
        """Whether it goes on to where rows of that rank are, or would be."""
        return self.last or (bool(self.seen) and self.seen[-1].rank >= rank)


class OffsetPages(Generic[R]):
    """One listing, in one direction, by windows.

    Args:
        reader: The listing.
        descending: The direction.
    """

    def __init__(self, reader: ListReader[R], *, descending: bool) -> None:
        self._reader = reader
        self._descending = descending
        self.sign = -1 if descending else 1

    async def read(self, cut: Cut, *, cached: bool = False) -> OffsetPage[R]:
        """One page as a window.

        Args:
            cut: The page.
            cached: Whether one that was read a moment ago will do. It is whole in itself, but says nothing of others.

        Raises:
            UpstreamMalformed: Its rows are not in the order asked for, or none can be read.
        """
        page = await self._reader.cut(descending=self._descending, cut=cut, cached=cached)
        seen: list[Seen[R]] = []
        odd = False
        for place, row in enumerate(page.rows):
            value = self._reader.value(row)
            if value is not None:
                seen.append(Seen(cut.offset + place, self.sign * value, row))
            elif self._reader.odd(row):
                odd = True
            else:
                seen.append(Seen(cut.offset + place, VALUELESS, row))
        ranks = [each.rank for each in seen]
        if ranks != sorted(ranks) or not (ranks or page.last or odd):
            raise UpstreamMalformed("The source did not keep to the order asked for.", source=Source.SALESLOFT.value)
        return OffsetPage(
            offset=cut.offset, seen=seen, last=page.last, odd=odd, total=page.total, problems=page.problems
        )

    async def find(self, rank: int, guess: int, reach: int | None = REACH) -> OffsetPage[R] | None:
        """The window that starts before a rank and reaches to it; None out of reach.

        Args:
            rank: Where to.
            guess: The offset to look at first.
            reach: Offsets up to which to look.

        Raises:
            UpstreamUnavailable: The list changes too fast.
        """
        low: int | None = None
        high: int | None = None
        stride = 0
        for probe in range(MOST_PROBES):
            guess = guess if reach is None else min(guess, reach - 1)
            window = await self.read(covering(guess), cached=probe == 0)
            starts, reaches = window.starts_before(rank), window.reaches(rank)
            if starts and reaches:
                return window
            if starts and reach is not None and guess == reach - 1:
                return None
            low, high = (window.end, high) if starts else (low, window.offset)
            if low is not None and high is not None and low >= high:
                low = high = None  # it moved meanwhile: nothing known holds any more
                guess = max(0, window.offset - MOST_ROWS)
            else:
                guess = _between(low, high, stride)
                stride = max(MOST_ROWS, 2 * stride)
        raise UpstreamUnavailable("The source's list changes too fast to be read.", source=Source.SALESLOFT.value)

    async def run(self, rank: int, offset: int, what: str, most: int = DEEPEST_PAGE) -> Found[R]:
        """Every row of one rank, where they are too many for a window, with what of it may be missing.

        In a descending listing by time of last change a row that changes moves to the front, and those behind it on,
        where they are seen twice; in an ascending one those behind it would move up, unseen.

        Args:
            rank: The rank.
            offset: The offset of a row before them all.
            what: The rows, for a problem.
            most: The last page to read.
        """
        return await gathered(
            lambda number: self._pass(rank, max(0, offset - number * MOST_ROWS), Cut(MOST_ROWS - number, most), what),
            what,
        )

    async def _pass(self, rank: int, offset: int, last: Cut, what: str) -> Pass[R]:
        """The rows of a rank, in pages of a size from the one with an offset on, up to a last one."""
        rows: dict[str, R] = {}
        problems: list[Problem] = []
        places: list[int] = []
        totals: set[int | None] = set()
        began = False
        for number in range(offset // last.per_page + 1, last.number + 1):
            window = await self.read(Cut(last.per_page, number))
            problems.extend(window.problems)
            totals.add(window.total)
            began = began or (not places and window.starts_before(rank))
            places.extend(seen.offset for seen in window.seen if seen.rank == rank)
            rows.update((seen.row.source_id, seen.row) for seen in window.seen if seen.rank == rank)
            if window.reaches(rank + 1):
                break
        else:
            beyond = Problem(where=f"{what} beyond the first {len(rows)}", lost=True)
            return Pass(rows=rows, size=None, steady=True, problems=(*problems, beyond))
        # As many as lie between its ends, where none was seen twice; never enough if it began out of sight.
        size = places[-1] - places[0] + 1 if places else 0
        steady = len(totals) == 1
        return Pass(rows=rows, size=size if began else size + REACH, steady=steady, problems=tuple(problems))


def _between(low: int | None, high: int | None, stride: int) -> int:
    """Where to look next.

    Args:
        low: The offset of a row before the place, where one is known.
        high: An offset at the place or beyond it, where one is known.
        stride: How far to go where only one of them is known.
    """
    if low is None:
        return max(0, (high or 0) - stride - MOST_ROWS // 2)
    if high is None:
        return low + stride
    return low if high - low < SURELY else (low + high) // 2


class Recent(Generic[R]):
    """A walk along the rows by time of last change.

    Args:
        reader: The listing.
        walk: The walk.
        wanted: The range of values that are wanted; the walk starts and ends with it.
    """

    free = False

    def __init__(self, reader: ListReader[R], walk: Walk, wanted: TimeSpan) -> None:
        self._reader = reader
        self._windows = OffsetPages(reader, descending=walk.descending)
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

    async def step(self, want: int, least: int = 0) -> Advance[R]:  # noqa: ARG002 - always a full page, at no more cost
        """The next rows whose instants are known whole."""
        window = await self._window()
        if window is None:
            return self._done([], None, (OUT_OF_REACH,))
        window = await self._past_odd(window)
        if not window.seen and not window.last:
            self._reader.aside.many = True
            return self._done([], window, (after_odd(self._reader, MOST_ODD_PAGES),))
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

    async def _past_odd(self, window: OffsetPage[R]) -> OffsetPage[R]:
        """The first window from this one on with a row whose value can be read."""
        for _ in range(1, MOST_ODD_PAGES):
            if window.seen or window.last:
                break
            window = await self._windows.read(covering(window.offset + MOST_ROWS))
        return window

    async def _window(self) -> OffsetPage[R] | None:
        """The window that what comes next lies in; None out of reach."""
        if self._edge is None:
            return await self._windows.read(covering(0), cached=True)
        if self._offset is None:
            self._offset = await self._first_guess()
        return await self._windows.find(self._edge, self._offset)

    async def _run(self, rank: int, window: OffsetPage[R], offset: int) -> Found[R]:
        """All rows of a rank that fills a window, by way of the descending listing where that is within reach."""
        what = f"{self._reader.what} of one {self._reader.field.value}"
        if not self._descending and window.total is not None and window.total <= REACH:
            windows = OffsetPages(self._reader, descending=True)
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
        rows: Sequence[R],
        held: Sequence[R],
        seen: Sequence[Seen[R]],
        window: OffsetPage[R],
        trouble: tuple[Problem, ...] = (),
    ) -> Advance[R]:
        edge = self._windows.sign * (self._edge or 0)
        return Advance(
            rows=rows,
            frontier=self._reader.place(edge if self._forward else edge - self._windows.sign),
            held=held,
            hint=self._hint_at(seen, window),
            problems=(*window.problems, *trouble),
        )

    def _done(
        self, seen: Sequence[Seen[R]], window: OffsetPage[R] | None, trouble: tuple[Problem, ...] = ()
    ) -> Advance[R]:
        return Advance(
            rows=[each.row for each in seen],
            frontier=self._reader.place(None),
            done=True,
            hint=None if window is None else self._hint_at(seen, window),
            problems=(*(() if window is None else window.problems), *trouble),
        )

    def _hint_at(self, seen: Sequence[Seen[R]], window: OffsetPage[R]) -> int | None:
        """How many rows lie before these, counted from the newest."""
        if not seen:
            return None
        if self._descending:
            return seen[0].offset
        return None if window.total is None else max(0, window.total - seen[-1].offset - 1)


class Valueless(Generic[R]):
    """The rows of a listing that lack the sort value, or bear one that cannot be read, all in one step.

    Args:
        reader: The listing.
        known: Every row that lacks it, where reading the others has happened to show them.
        nulls: Whether any may lack it at all.
    """

    def __init__(self, reader: ListReader[R], known: Callable[[], list[R] | None], *, nulls: bool) -> None:
        self._reader = reader
        self._known = known
        self._nulls = nulls
        self._what = f"{reader.what} without a {reader.field.value}"

    @property
    def free(self) -> bool:
        """Whether they are known already."""
        aside = self._reader.aside
        return not (aside.lost or aside.unread) and (not self._nulls or self._known() is not None)

    async def step(self, want: int, least: int = 0) -> Advance[R]:  # noqa: ARG002 - all at once
        """All of them."""
        aside = self._reader.aside
        rows, problems = await self._look_through() if aside.lost else await self._lacking()
        if aside.unread:
            page = await self._reader.named(aside.unread)
            rows = [*rows, *(row for row in page.rows if self._reader.value(row) is None)]
            problems = (*problems, *page.problems)
        each = {row.source_id: row for row in (*rows, *aside.rows.values())}
        return Advance(rows=[*each.values()], frontier=self._reader.place(None), done=True, problems=problems)

    async def _look_through(self) -> Found[R]:
        """The rows without a value that can be read, among the first pages of the listing."""
        rows: list[R] = []
        problems: list[Problem] = []
        for number in range(1, MOST_VALUELESS_PAGES + 1):
            page = await self._reader.page(descending=True, number=number)
            rows += [row for row in page.rows if self._reader.value(row) is None]
            problems += page.problems
            if page.last:
                return rows, tuple(problems)
        return rows, (
            *problems,
            Problem(where=f"{self._what} that can be read beyond the first {len(rows)}", lost=True),
        )

    async def _lacking(self) -> Found[R]:
        if not self._nulls or self._reader.aside.many:  # those put aside are more than are looked through
            return [], ()
        known = self._known()
        return (known, ()) if known is not None else await self._read()

    async def _read(self) -> Found[R]:
        if self._reader.field is OrderField.UPDATED_AT:  # no filter to count the others by: from the end back
            total = await self._reader.count()
            if total is not None and total > REACH:  # so deep a look is dear, and such rows are not to be expected
                return [], ()
            begin = total
        else:
            begin = await self._reader.count(TimeSpan(FIRST))
            # So deep a look is dear, and another count is cheap.
            if begin is not None and begin > REACH and begin == await self._reader.count():
                return [], ()
        if begin is None:
            return [], (Problem(where=f"whether there are {self._what}", lost=True),)
        windows = OffsetPages(self._reader, descending=True)
        # From some rows before on, since a value that cannot be read may be near the end as well as anywhere.
        window = await windows.find(VALUELESS, max(0, begin - MOST_ROWS // 2), reach=None)
        if window is None:
            return [], ()
        nameless = [seen for seen in window.seen if seen.rank == VALUELESS]
        if window.last:
            return [seen.row for seen in nameless], window.problems
        offset = max(0, nameless[0].offset - 1)
        return await windows.run(VALUELESS, offset, self._what, offset // MOST_ROWS + 1 + MOST_VALUELESS_PAGES)
