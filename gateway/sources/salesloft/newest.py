"""People and accounts by the time at which they were made: keyset reads, always of page 1.

The way is that of `values.py`, without what meetings alone need: every such record has a time of its making.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.errors import UpstreamMalformed
from gateway.model.order import Position, Walk, micros
from gateway.model.records import Record, Source
from gateway.paging.merge import Chunk, Problem
from gateway.sources.salesloft.api import COUNTS, Api
from gateway.sources.salesloft.endpoints import MOST_ROWS, Endpoint, Page
from gateway.sources.salesloft.params import Params
from gateway.sources.salesloft.span import Span
from gateway.upstream.request import Request

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

BEFORE_ALL = "0"
"""An id before any of Salesloft's, which start at 1."""

MOST_DROPPED = 500
"""Rows that a lane drops in one request, because the filter does not admit them, before it pauses: five pages."""

MOST_PAGES_AT_ONCE = 50
"""Pages of one instant that are read at most: an import of 5,000 people."""

FIELD = "created_at"


class Newest(Generic[W, R]):
    """One listing along a walk.

    Args:
        api: The calls.
        request: Whom they are for.
        endpoint: The list.
        params: The listing's conditions but for the time of making.
        span: The range of that time.
        walk: The walk, by that time.
        admits: Whether the filter holds on a row.
        alone: Whether no other lane of the list may come to a row of this one.
    """

    def __init__(
        self,
        api: Api,
        request: Request,
        endpoint: Endpoint[W, R],
        *,
        params: Params,
        span: Span,
        walk: Walk,
        admits: Callable[[R], bool],
        alone: bool = True,
    ) -> None:
        self._api = api
        self._request = request
        self._endpoint = endpoint
        self._params = params
        self._walk = walk
        self._admits = admits
        self._alone = alone
        self._ahead = _ahead(span, walk)
        self._again = 1 if walk.start is not None else 0
        self._frontier: Position | None = None
        self._dropped = 0
        self._done = False

    async def read(self, want: int) -> Chunk[R]:
        """The next rows; see `Lane.read`."""
        rows: list[R] = []
        more = False
        problems: dict[Problem, None] = {}
        while not rows and not self._done and self._dropped < MOST_DROPPED:
            got, held = await self._step(MOST_ROWS if self._dropped else want, problems)
            rows.extend(self._kept(got))
            more = any(self._admits(row) and not self._walk.beyond(self._place(row)) for row in held)
        return Chunk(
            rows=rows,
            frontier=None if self._done else self._frontier,
            done=self._done,
            more=more and self._alone and not self._done,
            paused=not self._done and self._dropped >= MOST_DROPPED,
            problems=tuple(problems),
        )

    async def _step(self, want: int, problems: dict[Problem, None]) -> tuple[Sequence[R], Sequence[R]]:
        """The next rows whose instants are known whole, and those that were read beyond them."""
        if self._ahead.empty:
            self._done = True
            return (), ()
        per_page = min(MOST_ROWS, max(want, 1) + self._again + 1)
        page = await self._page(self._ahead, per_page, problems)
        rows = [row for row in page.rows if _within(self._ahead, _value(row))]
        if page.last:
            self._done = True
            return rows, ()
        values = [_value(row) or 0 for row in rows]
        if not rows or values != sorted(values, reverse=self._walk.descending):
            raise UpstreamMalformed("The source did not keep to the order asked for.", source=Source.SALESLOFT.value)
        edge = values[-1]
        before = [row for row, value in zip(rows, values, strict=True) if value != edge]
        if before:
            self._go_on(edge, again=len(rows) - len(before))
            return before, rows[len(before) :]
        whole = await self._instant(edge, problems)
        self._go_on(edge - 1 if self._walk.descending else edge + 1, again=0)
        return whole, ()

    def _go_on(self, edge: int, *, again: int) -> None:
        """Everything short of an instant is known now."""
        self._again = again
        descending = self._walk.descending
        self._ahead = self._ahead.until(edge) if descending else self._ahead.since(edge)
        known = edge if not self._walk.backward else edge + (1 if descending else -1)
        self._frontier = Position(known, Source.SALESLOFT, BEFORE_ALL)

    async def _instant(self, at: int, problems: dict[Problem, None]) -> list[R]:
        """Every row at one instant, by another time that tells them apart."""
        rows: dict[str, R] = {}
        total: int | None = None
        for number in range(1, MOST_PAGES_AT_ONCE + 1):
            page = await self._page(Span(at, at), MOST_ROWS, problems, number=number, sort="updated_at")
            rows.update((row.source_id, row) for row in page.rows if _value(row) == at)
            total = page.total
            if page.last:
                break
        if total is not None and len(rows) < total:
            problems[Problem(where="some records that were made at one instant", lost=True)] = None
        return list(rows.values())

    async def _page(
        self, span: Span, per_page: int, problems: dict[Problem, None], *, number: int = 1, sort: str = FIELD
    ) -> Page[R]:
        whole = sort != FIELD  # all rows of one instant, which are counted
        params = (
            *self._params,
            *span.params(FIELD),
            ("sort_by", sort),
            ("sort_direction", "DESC" if self._walk.descending else "ASC"),
            *(COUNTS if whole else ()),
        )
        page = await self._api.page(
            self._request, self._endpoint, params, number=number, per_page=per_page, kept=not whole
        )
        problems.update(dict.fromkeys(page.problems))
        if any(FIELD in row.unreadable for row in page.rows):
            problems[Problem(where=f"a row without a readable {FIELD}", lost=True)] = None
        return page

    def _kept(self, rows: Sequence[R]) -> list[R]:
        """The rows to be passed on, in walk order; nothing comes after the walk's stop."""
        kept: list[R] = []
        key = self._walk.order.key
        for row in sorted(rows, key=lambda row: key(self._place(row)), reverse=self._walk.backward):
            place = self._place(row)
            if self._walk.beyond(place):
                self._done = True
                break
            if self._walk.passed(place):
                continue
            if self._admits(row):
                kept.append(row)
            else:
                self._dropped += 1
        return kept

    def _place(self, row: R) -> Position:
        return self._walk.order.position(row)


def _ahead(span: Span, walk: Walk) -> Span:
    """The part of a range that a walk goes through."""
    for place, beginning in ((walk.start, True), (walk.stop, False)):
        if place is not None and place.time is not None:
            upper = walk.descending is beginning
            span = span.until(place.time) if upper else span.since(place.time)
    return span


def _value(row: Record) -> int | None:
    made = getattr(row, FIELD)
    return None if made is None else micros(made)


def _within(span: Span, value: int | None) -> bool:
    if value is None:
        return False
    return (span.least is None or value >= span.least) and (span.most is None or value <= span.most)
