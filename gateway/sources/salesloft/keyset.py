"""The rows that have the sort value, where Salesloft can filter on it: keyset reads, of page 1.

A read asks for everything from an instant on, that instant included, since Salesloft's order within one is not
documented. Rows at the last instant of a page that is not the last one are held back, for more may lie behind them; the
next read starts there again.

Where an equal walk took several reads before, as many pages are asked for at once, each overlapping the one before it.
They are as good as reads one after the other: a page that starts before an instant and reaches beyond it has all rows
of that instant, as a read from there on has.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from gateway.errors import GatewayError, UpstreamMalformed
from gateway.model.order import Position, Walk
from gateway.model.records import Record, Source
from gateway.paging.merge import Problem
from gateway.sources.salesloft.api import WalkDepth, together
from gateway.sources.salesloft.parameters import FIRST, LAST, TimeSpan
from gateway.sources.salesloft.resources import MOST_ROWS, RecordPage
from gateway.sources.salesloft.walk import MOST_ODD_PAGES, Advance, Cut, Found, ListReader, Pass, after_odd, gathered

R = TypeVar("R", bound=Record)

MOST_PAGES_AT_ONCE = 50
"""Pages of one instant that are read at most: 5,000 meetings that begin together, an import of 5,000 people."""

OVERLAP = range(4, 13)
"""Rows that two pages asked for at once have in common: more than mostly lie at one instant, or are added meanwhile."""

SPARE = 8
"""Rows that are asked for beyond those needed: those of the last instant are held back."""

MOST_AT_ONCE = 10
"""Pages that are asked for at once."""


class Values(Generic[R]):
    """A walk along the rows that have the sort value.

    Attributes:
        valueless: Every row of the listing that lacks the sort value, where a read has happened to show them all.
    """

    free = False

    def __init__(self, reader: ListReader[R], walk: Walk) -> None:
        self._reader = reader
        self._descending = walk.descending
        self._forward = not walk.backward
        self._edge = None if walk.start is None else walk.start.time
        self._passed = 0 if self._edge is None else 1
        self._held = 0
        self._read_so_far = 0
        self._begun: tuple[TimeSpan, int] | None = None
        self._at_once = False
        self._reads = 0
        self._whole = reader.span
        if walk.stop is not None and walk.stop.time is not None:
            stop = walk.stop.time
            self._whole = self._whole.since(stop) if self._descending else self._whole.until(stop)
        self.valueless: list[R] | None = None

    async def step(self, want: int, least: int = 0) -> Advance[R]:
        """The next rows whose instants are known whole."""
        span = self._ahead()
        if span.empty:
            return self._end([])
        # One more than is wanted, which is held back; and the cursor's own row, or all that were held back before.
        need = max(max(want, least) + self._passed, self._held, 1) + 1
        depth = self._depth(span, want)
        per_page = min(MOST_ROWS, need)
        page = await (self._read(span, per_page) if depth is None else self._read_at_once(span, want, depth))
        if not page.last and per_page < MOST_ROWS and len(self._instants(page)) <= 1:
            page = await self._read(span, MOST_ROWS)
        page, problems = await self._past_odd(page, span)
        placed = [(value, row) for row in page.rows for value in (self._reader.value(row),)]
        rows = [(value, row) for value, row in placed if value is not None and _within(value, span)]
        nameless = [row for value, row in placed if value is None and not self._reader.odd(row)]
        if page.last:
            if not span.bounded:
                self.valueless = nameless
            return self._end([row for _, row in rows], problems)
        if not span.bounded and nameless:
            # Whatever the direction: rows without a value are not for now, and a bound keeps them out.
            self._edge, self._begun = LAST if self._descending else FIRST, None
            return await self.step(want, least)
        if self._reader.aside.many and not rows:
            return self._end([], problems)
        return await self._up_to_edge(rows, problems)

    def _depth(self, span: TimeSpan, want: int) -> WalkDepth | None:
        """How deep an equal walk went; None where this one has begun, or none took several reads."""
        if self._begun is not None:
            self._reads += 1
            self._note_depth(self._read_so_far + want)
            return None
        self._begun, self._reads = (span, want), 1
        depth = self._reader.depth(span, want, descending=self._descending)
        if depth is not None:
            self._at_once, self._reads = True, depth.reads
            self._note_depth(depth.rows)
        return depth

    def _note_depth(self, rows: int) -> None:
        assert self._begun is not None
        self._reader.note_depth(
            *self._begun, rows=rows, reads=self._reads, descending=self._descending, at_once=self._at_once
        )

    async def _past_odd(self, page: RecordPage[R], span: TimeSpan) -> tuple[RecordPage[R], tuple[Problem, ...]]:
        """The first page from this one on with a row whose value can be read, and what could not be on the way.

        No value says where to go on from a page without any.
        """
        problems = [*page.problems]
        number = 1
        while not page.last and not self._instants(page):
            if number == MOST_ODD_PAGES:
                self._reader.aside.many = True
                return page, (*problems, after_odd(self._reader, number))
            number += 1
            page = await self._reader.page(span=span, descending=self._descending, number=number)
            problems += page.problems
        return page, tuple(problems)

    async def _up_to_edge(self, rows: Sequence[tuple[int, R]], problems: tuple[Problem, ...]) -> Advance[R]:
        """The rows before a page's last instant; where they all lie at it, that instant whole."""
        instants = [value for value, _ in rows]
        if not rows or instants != sorted(instants, reverse=self._descending):
            raise UpstreamMalformed("The source did not keep to the order asked for.", source=Source.SALESLOFT.value)
        last = instants[-1]
        before = [row for value, row in rows if value != last]
        if before:
            held = [row for value, row in rows if value == last]
            self._edge, self._passed, self._held = last, 0, len(held)
            self._read_so_far += len(before)
            return Advance(rows=before, frontier=self._frontier(last), held=held, problems=problems)
        whole, trouble = await instant(self._reader, last)
        self._edge, self._passed, self._held = last + self._onward, 0, 0
        self._read_so_far += len(whole)
        return Advance(rows=whole, frontier=self._frontier(self._edge), problems=(*problems, *trouble))

    @property
    def _onward(self) -> int:
        return -1 if self._descending else 1

    def _ahead(self) -> TimeSpan:
        """What is left to read."""
        if self._edge is None:
            return self._whole
        return self._whole.until(self._edge) if self._descending else self._whole.since(self._edge)

    def _frontier(self, edge: int) -> Position:
        """The place between the instants before the edge and those from it on."""
        return self._reader.place(edge if self._forward else edge - self._onward)

    def _end(self, rows: Sequence[R], problems: tuple[Problem, ...] = ()) -> Advance[R]:
        return Advance(rows=rows, frontier=self._reader.place(None), done=True, problems=problems)

    async def _read(self, span: TimeSpan, per_page: int) -> RecordPage[R]:
        return await self._reader.page(span=span, descending=self._descending, per_page=per_page, cached=True)

    async def _read_at_once(self, span: TimeSpan, want: int, depth: WalkDepth) -> RecordPage[R]:
        """So many rows in pages that are asked for at once, as far as each goes on where the one before it ends.

        Where rows are checked here, the other walk may have passed over many: then as if all were in the list.
        """
        rows = max(want, depth.rows if self._reader.exact else 0) + self._passed + 1
        cuts = overlapping(rows + SPARE, min(depth.reads, MOST_AT_ONCE), MOST_ROWS)

        async def read(cut: Cut) -> RecordPage[R] | GatewayError:
            try:
                page = await self._reader.page(
                    span=span, descending=self._descending, per_page=cut.per_page, number=cut.number, cached=True
                )
            except GatewayError as error:
                return error
            return page

        whole, *others = await together(map(read, cuts))
        if isinstance(whole, GatewayError):
            raise whole
        for page in others:
            longer = None if whole.last or isinstance(page, GatewayError) else self._put_together(whole, page)
            if longer is None:
                break  # what was read up to here is whole, and the next read goes on from there
            whole = longer
        return whole

    def _put_together(self, known: RecordPage[R], page: RecordPage[R]) -> RecordPage[R] | None:
        """What was read with the page that overlaps it; None where that may lack rows of the instant they meet at."""
        edge = self._rank(known.rows[-1]) if known.rows else None
        ranked = [(rank, row) for row in page.rows if (rank := self._rank(row)) is not None]
        ranks = [rank for rank, _ in ranked]
        if edge is None or not ranks or page.lost or len(ranks) < len(page.rows) or ranks != sorted(ranks):
            return None
        if ranks[0] >= edge or (ranks[-1] <= edge and not page.last):
            return None
        before = [row for row in known.rows if (rank := self._rank(row)) is None or rank < edge]
        return RecordPage(
            rows=[*before, *(row for rank, row in ranked if rank >= edge)],
            last=page.last,
            lost=known.lost,
            problems=tuple(dict.fromkeys((*known.problems, *page.problems))),
        )

    def _rank(self, row: R) -> int | None:
        """A row's sort value, so that it grows along the listing."""
        value = self._reader.value(row)
        return None if value is None else self._onward * value

    def _instants(self, page: RecordPage[R]) -> set[int | None]:
        return {self._reader.value(row) for row in page.rows if not self._reader.odd(row)}


@functools.lru_cache(maxsize=1024)
def overlapping(need: int, most: int, rows: int) -> tuple[Cut, ...]:
    """The fewest pages that cover so many rows of a listing, each overlapping the one before it.

    Args:
        need: How many rows.
        most: Pages at most.
        rows: Rows of a page at most.
    """
    cuts = [Cut(rows, 1)]
    while cuts[-1].end < need and len(cuts) < most:
        end = cuts[-1].end
        fitting = [cut for size in range(rows, 2, -1) for cut in _from(end, size)]
        if not fitting:
            break  # pages of so few rows cannot overlap enough
        enough = [cut for cut in fitting if cut.end >= need]
        if enough:
            cuts.append(min(enough, key=lambda cut: cut.per_page))
        else:
            cuts.append(max(fitting, key=lambda cut: cut.end))
    return tuple(cuts)


def _from(end: int, size: int) -> Iterable[Cut]:
    """The page of a size that starts some rows before an offset and goes beyond it, if there is one."""
    cut = Cut(size, (end - OVERLAP.start) // size + 1)
    return [cut] if end - cut.offset in OVERLAP and cut.end > end else []


def _within(value: int, span: TimeSpan) -> bool:
    """Whether an instant lies in what was asked for; Salesloft ignores a filter that it does not know."""
    return (span.least is None or value >= span.least) and (span.most is None or value <= span.most)


async def instant(reader: ListReader[R], at: int) -> Found[R]:
    """Every row at one instant, with what of it may be missing.

    Sorted by a time that tells its rows apart, so that a row that is added comes last and moves none. One that goes
    away moves those behind it, but then the total falls.
    """
    return await gathered(lambda number: _pass(reader, at, number), f"{reader.what} at one instant")


async def _pass(reader: ListReader[R], at: int, number: int) -> Pass[R]:
    sort = next(time for time in reader.resource.times if time is not reader.field)
    rows: dict[str, R] = {}
    totals: list[int | None] = []
    problems: list[Problem] = []
    odd: set[str] = set()
    lost = 0
    for page_number in range(1, MOST_PAGES_AT_ONCE + 1):
        page = await reader.page(
            span=TimeSpan(at, at),
            sort=sort,
            descending=bool(number % 2),
            per_page=MOST_ROWS - number,
            number=page_number,
            counts=True,
        )
        rows.update((row.source_id, row) for row in page.rows if reader.value(row) == at)
        odd.update(row.source_id for row in page.rows if reader.odd(row))
        totals.append(page.total)
        problems.extend(page.problems)
        lost += page.lost
        if page.last:
            break
    else:
        beyond = Problem(where=f"{reader.what} at one instant beyond the first {len(rows)}", lost=True)
        return Pass(rows=rows, size=None, steady=True, problems=(*problems, beyond))
    size = None if totals[-1] is None else totals[-1] - lost - len(odd)
    return Pass(rows=rows, size=size, steady=len(set(totals)) == 1, problems=tuple(problems))
