"""Stretches of a list at one moment: reading one, and finding the one that a place lies in.

One answer is one moment of the list. If it starts before a place and reaches beyond it, then everything at that place
is in it, wherever the rows stood a moment ago: so rows that move between two reads can neither repeat nor hide another.
"""

from __future__ import annotations

import msgspec

from gateway.errors import UpstreamMalformed, UpstreamUnavailable
from gateway.model.records import Meeting, Source
from gateway.paging.merge import Problem
from gateway.sources.salesloft.cut import DEEPEST_PAGE, REACH, SURELY, Cut, covering
from gateway.sources.salesloft.endpoints import MOST_ROWS
from gateway.sources.salesloft.passes import Found, Pass, gathered
from gateway.sources.salesloft.reader import Reader
from gateway.sources.salesloft.span import LAST

MOST_PROBES = 16
"""Pages that are looked into for a place: doubling steps over the reach and halving back take 14."""

VALUELESS = LAST + 1
"""The rank of rows without a sort value: Salesloft sorts `NULLS LAST`."""

OUT_OF_REACH = Problem(where=f"meetings beyond the {REACH} that can be listed by updated_at", lost=True)


class Seen(msgspec.Struct, frozen=True):
    """A row of a window.

    Attributes:
        offset: How many rows of the list lie before it.
        rank: Its sort value, counted so that it grows along the list.
        row: The row.
    """

    offset: int
    rank: int
    row: Meeting


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the list at one moment.

    Attributes:
        offset: Where it starts.
        seen: Its rows.
        last: Whether the list ends in it.
        total: How many rows the list has, where known.
        problems: What could not be read.
    """

    offset: int
    seen: list[Seen]
    last: bool
    total: int | None = None
    problems: tuple[Problem, ...] = ()

    def starts_before(self, rank: int) -> bool:
        """Whether it starts before every row of that rank."""
        return self.offset == 0 or (bool(self.seen) and self.seen[0].rank < rank)

    def reaches(self, rank: int) -> bool:
        """Whether it goes on to where rows of that rank are, or would be."""
        return self.last or (bool(self.seen) and self.seen[-1].rank >= rank)


class Windows:
    """One listing, in one direction, by windows.

    Args:
        reader: The listing.
        descending: The direction.
    """

    def __init__(self, reader: Reader, *, descending: bool) -> None:
        self._reader = reader
        self._descending = descending
        self.sign = -1 if descending else 1

    async def read(self, cut: Cut, *, kept: bool = False) -> Window:
        """One page as a window.

        Args:
            cut: The page.
            kept: Whether one that was read a moment ago will do. It is whole in itself, but says nothing of others.

        Raises:
            UpstreamMalformed: Its rows are not in the order asked for, or none can be read.
        """
        page = await self._reader.cut(descending=self._descending, cut=cut, kept=kept)
        seen: list[Seen] = []
        lost = self._reader.unplaced(page.rows)
        for place, row in enumerate(page.rows):
            value = self._reader.value(row)
            if value is not None:
                seen.append(Seen(cut.offset + place, self.sign * value, row))
            elif self._reader.field.value not in row.unreadable:
                seen.append(Seen(cut.offset + place, VALUELESS, row))
        ranks = [each.rank for each in seen]
        if ranks != sorted(ranks) or not (ranks or page.last):
            raise UpstreamMalformed("The source did not keep to the order asked for.", source=Source.SALESLOFT.value)
        problems = (*page.problems, *lost)
        return Window(offset=cut.offset, seen=seen, last=page.last, total=page.total, problems=problems)

    async def find(self, rank: int, guess: int, reach: int | None = REACH) -> Window | None:
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
            window = await self.read(covering(guess), kept=probe == 0)
            starts, reaches = window.starts_before(rank), window.reaches(rank)
            if starts and reaches:
                return window
            if starts and reach is not None and guess == reach - 1:
                return None
            low, high = (window.seen[-1].offset, high) if starts else (low, window.offset)
            if low is not None and high is not None and low >= high:
                low = high = None  # it moved meanwhile: nothing known holds any more
                guess = max(0, window.offset - MOST_ROWS)
            else:
                guess = _between(low, high, stride)
                stride = max(MOST_ROWS, 2 * stride)
        raise UpstreamUnavailable("The source's list changes too fast to be read.", source=Source.SALESLOFT.value)

    async def run(self, rank: int, offset: int, what: str, most: int = DEEPEST_PAGE) -> Found:
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

    async def _pass(self, rank: int, offset: int, last: Cut, what: str) -> Pass:
        """The rows of a rank, in pages of a size from the one with an offset on, up to a last one."""
        rows: dict[str, Meeting] = {}
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
