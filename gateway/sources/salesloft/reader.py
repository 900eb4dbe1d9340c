"""One listing of meetings in one request, and what a stretch of it is read into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.errors import UpstreamMalformed
from gateway.model.order import Order, OrderField, Position, micros
from gateway.model.records import Meeting, Source
from gateway.paging.merge import Problem
from gateway.sources.salesloft.api import COUNTS, Api
from gateway.sources.salesloft.cut import Cut
from gateway.sources.salesloft.endpoints import MEETINGS, MOST_ROWS, Page
from gateway.sources.salesloft.params import Listing, Params
from gateway.sources.salesloft.span import Span
from gateway.upstream.request import Request

BEFORE_ALL = "0"
"""An id before any of Salesloft's, which start at 1: with it a place lies before all rows of its instant."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one advance along a listing yields.

    Attributes:
        rows: Rows that lie between what was known and the frontier, in no promised order.
        frontier: The place up to which the listing is now known whole.
        done: Whether the phase is over.
        held: Rows that were read already but lie beyond the frontier.
        hint: See `Chunk.hint`.
        problems: What could not be read.
    """

    rows: Sequence[Meeting]
    frontier: Position
    done: bool = False
    held: Sequence[Meeting] = ()
    hint: int | None = None
    problems: tuple[Problem, ...] = ()


class Phase(Protocol):
    """A part of a walk along one listing: the rows that have the sort value, or those that lack it."""

    @property
    def free(self) -> bool:
        """Whether the next step needs no call."""
        ...

    async def step(self, want: int) -> Step:
        """Advances, by about as many rows as wanted."""
        ...


class Reader:
    """One listing in one request.

    Args:
        api: The calls.
        request: Whom they are for.
        listing: Its conditions.
        order: The order walked in.
    """

    def __init__(self, api: Api, request: Request, listing: Listing, order: Order) -> None:
        self.order = order
        self.field = order.field
        self._api = api
        self._request = request
        self._listing = listing

    @property
    def span(self) -> Span:
        """The listing's own range of the sort value; Salesloft has none for `updated_at`."""
        if self.field is OrderField.START_TIME:
            return self._listing.start_time
        return self._listing.created_at if self.field is OrderField.CREATED_AT else Span()

    def value(self, meeting: Meeting) -> int | None:
        """The sort value in microseconds since 1970."""
        value = self.order.value(meeting)
        return None if value is None else micros(value)

    def place(self, value: int | None) -> Position:
        """The place before all rows with that sort value."""
        return Position(value, Source.SALESLOFT, BEFORE_ALL)

    def unplaced(self, rows: Sequence[Meeting]) -> tuple[Problem, ...]:
        """That a row is lost to the order because its sort value is there but cannot be read."""
        name = self.field.value
        lost = any(name in row.unreadable for row in rows)
        return (Problem(where=f"a row without a readable {name}", lost=True),) if lost else ()

    async def page(
        self,
        *,
        span: Span | None = None,
        sort: OrderField | None = None,
        descending: bool,
        per_page: int = MOST_ROWS,
        number: int = 1,
        counts: bool = False,
        kept: bool = False,
    ) -> Page[Meeting]:
        """A page of the listing.

        Args:
            span: The range of the sort value, instead of the listing's own.
            sort: What to sort by, instead of the sort value.
            descending: The direction.
            per_page: Rows of a page.
            number: Which page.
            counts: Whether to ask for the total.
            kept: Whether a page that was read a moment ago will do.
        """
        params = (
            *self._conditions(span),
            ("sort_by", (sort or self.field).value),
            ("sort_direction", "DESC" if descending else "ASC"),
            *(COUNTS if counts else ()),
        )
        return await self._api.page(self._request, MEETINGS, params, number=number, per_page=per_page, kept=kept)

    async def cut(self, *, descending: bool, cut: Cut, kept: bool = False) -> Page[Meeting]:
        """A page of the listing that is to be just where it was asked for, with the total.

        Raises:
            UpstreamMalformed: Salesloft has made its pages another size, which it does with sizes out of range.
        """
        page = await self.page(descending=descending, per_page=cut.per_page, number=cut.number, counts=True, kept=kept)
        if page.per_page not in (cut.per_page, None):
            raise UpstreamMalformed("The source did not keep to the pages asked for.", source=Source.SALESLOFT.value)
        return page

    async def count(self, span: Span | None = None) -> int | None:
        """How many rows the listing has; None where Salesloft does not say.

        Args:
            span: The range of the sort value, instead of the listing's own.
        """
        return await self._api.count(self._request, self._conditions(span))

    def _conditions(self, span: Span | None) -> Params:
        """The listing's conditions, with another range of the sort value where one is given."""
        spans = {OrderField.START_TIME: self._listing.start_time, OrderField.CREATED_AT: self._listing.created_at}
        if span is not None and self.field in spans:
            spans[self.field] = span
        ranges = (param for field, each in spans.items() for param in each.params(field.value))
        return (*self._listing.params, *ranges)
