"""One listing in one request: pages of it, stretches of it, and rows that no value tells apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from gateway.errors import UpstreamMalformed
from gateway.model.order import MANY, NameField, Order, OrderField, Position, micros
from gateway.model.records import Record, Source
from gateway.paging.merge import Problem, put_aside
from gateway.request import Request
from gateway.sources.bounds import is_number
from gateway.sources.salesloft.api import COUNTS, SalesloftApi, WalkDepth
from gateway.sources.salesloft.filters import Params, UpstreamList
from gateway.sources.salesloft.parameters import TimeSpan
from gateway.sources.salesloft.resources import MOST_ROWS, RecordPage, Resource

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)

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


MOST_ODD_PAGES = 10
"""Pages that are read on for a row whose value can be read: a vendor may have changed how it writes all of them."""

BEFORE_ALL = "0"
"""An id before any of Salesloft's, which start at 1: with it a place lies before all rows of its instant."""


class Advance(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What one advance along a listing yields.

    Attributes:
        rows: Rows that lie between what was known and the frontier, in no promised order.
        frontier: The place up to which the listing is now known whole.
        done: Whether the phase is over.
        held: Rows that were read already but lie beyond the frontier.
        hint: See `Chunk.hint`.
        problems: What could not be read.
    """

    rows: Sequence[R]
    frontier: Position
    done: bool = False
    held: Sequence[R] = ()
    hint: int | None = None
    problems: tuple[Problem, ...] = ()


class Phase(Protocol[R]):
    """A part of a walk along one listing: the rows that have the sort value, or those that lack it."""

    @property
    def free(self) -> bool:
        """Whether the next step needs no call."""
        ...

    async def step(self, want: int, least: int = 0) -> Advance[R]:
        """Advances, by about as many rows as wanted.

        Args:
            want: How many are wanted.
            least: How many to look at, since not all of them may be in the list.
        """
        ...


class Aside(Generic[R]):
    """Rows of a listing whose sort value is there but cannot be read.

    Upstream has them somewhere in its order; here they are rows without a value, which come last, so that a walk puts
    them aside as it comes by, and its cursors name them.

    Args:
        names: What the walk's start says of them; see `Position.aside`.

    Attributes:
        rows: Those that were read, by id.
        unread: Ids of others.
        many: Whether there may be more than are named.
        lost: Whether they were more than the walk's start could name, so that they have to be looked for.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.rows: dict[str, R] = {}
        self.unread = {name for name in names if is_number(name)}
        self.many = self.lost = MANY in names

    @property
    def names(self) -> tuple[str, ...]:
        """See `Position.aside`."""
        return put_aside((*self.rows, *self.unread, *((MANY,) if self.many else ())))

    def put(self, row: R) -> None:
        """Puts a row aside."""
        self.rows[row.source_id] = row
        self.unread.discard(row.source_id)


class ListReader(Generic[R]):
    """One listing in one request.

    Args:
        api: The calls.
        request: Whom they are for.
        resource: The list that it is a part of.
        listing: Its conditions.
        order: The order walked in.
        aside: What the walk's start says of rows put aside.

    Attributes:
        aside: The rows put aside, whichever page they came along on.
    """

    def __init__(  # noqa: PLR0917 - each is one noun
        self,
        api: SalesloftApi,
        request: Request,
        resource: Resource[Any, R],
        listing: UpstreamList,
        order: Order,
        aside: tuple[str, ...] = (),
    ) -> None:
        self.order = order
        self.field = order.field
        self.resource = resource
        self.aside: Aside[R] = Aside(aside)
        self._api = api
        self._request = request
        self._listing = listing
        self._hidden: set[str] = set()

    @property
    def span(self) -> TimeSpan:
        """The listing's own range of the sort value; Salesloft has none for `updated_at`."""
        if self.field is OrderField.START_TIME:
            return self._listing.start_time
        return self._listing.created_at if self.field is OrderField.CREATED_AT else TimeSpan()

    @property
    def exact(self) -> bool:
        """Whether Salesloft checks the whole filter; see `UpstreamList`."""
        return self._listing.exact

    @property
    def what(self) -> str:
        """What its rows are, for problems."""
        return self.resource.path.rpartition("/")[2]

    def value(self, record: R) -> int | None:
        """The sort value in microseconds since 1970."""
        value = self.order.value(record)
        return None if value is None else micros(value)

    def place(self, value: int | None) -> Position:
        """The place before all rows with that sort value."""
        return Position(value, Source.SALESLOFT, BEFORE_ALL)

    def odd(self, record: R) -> bool:
        """Whether the sort value is there but cannot be read, or Salesloft goes by one that it does not show."""
        return (bool(record.unreadable) and self.field.value in record.unreadable) or record.source_id in self._hidden

    def depth(self, span: TimeSpan, want: int, *, descending: bool) -> WalkDepth | None:
        """How deep an equal walk went of late, where its pages had better be asked for at once.

        That is, where it took several reads, one after the other, whose pages have left the cache by now.

        Args:
            span: The range of the sort value that it began with.
            want: How many rows its first read wanted.
            descending: The direction.
        """
        known = self._api.depths.get(self._walk_key(span, want, descending=descending))
        if known is not None and known.one_by_one is not None:
            pages, now = self._api.lifetimes.pages, self._api.client.clock.monotonic()
            if now - known.one_by_one < max(pages.fresh + pages.stale, self._request.max_age):
                return None
        return known

    def note_depth(self, span: TimeSpan, want: int, *, rows: int, reads: int, descending: bool, at_once: bool) -> None:
        """Learns how deep a walk went; see `depth` and `WalkDepth`.

        Args:
            span: See `depth`.
            want: See `depth`.
            rows: How many rows it took so far.
            reads: How many reads.
            descending: See `depth`.
            at_once: Whether its first pages were asked for at once.
        """
        now = None if at_once else self._api.client.clock.monotonic()
        self._api.depths[self._walk_key(span, want, descending=descending)] = WalkDepth(rows, reads, now)

    def _walk_key(self, span: TimeSpan, want: int, *, descending: bool) -> int:
        """A walk, by its hash: should two have the same, one of them asks for a page too many or too few at once."""
        return hash((self.resource.path, self._conditions(span), self.field, descending, want))

    async def page(
        self,
        *,
        span: TimeSpan | None = None,
        sort: OrderField | NameField | None = None,
        descending: bool,
        per_page: int = MOST_ROWS,
        number: int = 1,
        counts: bool = False,
        cached: bool = False,
    ) -> RecordPage[R]:
        """A page of the listing.

        Args:
            span: The range of the sort value, instead of the listing's own.
            sort: What to sort by, instead of the sort value.
            descending: The direction.
            per_page: Rows of a page.
            number: Which page.
            counts: Whether to ask for the total.
            cached: Whether a page that was read a moment ago will do; else it is read now.
        """
        params = (
            *self._conditions(span),
            ("sort_by", (sort or self.field).value),
            ("sort_direction", "DESC" if descending else "ASC"),
            *(COUNTS if counts else ()),
        )
        page = await self._page(params, number=number, per_page=per_page, cached=cached)
        if sort in {None, self.field} and (descending or (span is not None and span.bounded)):
            self._put_hidden_aside(page.rows)
        return page

    def _put_hidden_aside(self, rows: Sequence[R]) -> None:
        """Puts aside rows that show null where Salesloft sorts by a value: nulls come last, and these do not."""
        valued = [place for place, row in enumerate(rows) if self.value(row) is not None]
        for row in rows[: valued[-1]] if valued else ():
            if self.value(row) is None and not self.odd(row):
                self._hidden.add(row.source_id)
                self.aside.put(row)

    async def named(self, ids: Iterable[str]) -> RecordPage[R]:
        """Those of the listing's rows that have these ids, which are at most a page."""
        given = {value for name, value in self._listing.params if name == IDS}
        wanted = sorted(given.intersection(ids) if given else ids)
        if not wanted:
            return RecordPage(rows=[], last=True)
        others = tuple(param for param in self._conditions(None) if param[0] != IDS)
        return await self._page((*others, *((IDS, value) for value in wanted)))

    async def _page(
        self, params: Params, *, number: int = 1, per_page: int = MOST_ROWS, cached: bool = False
    ) -> RecordPage[R]:
        page = await self._api.page(
            self._request, self.resource, params, number=number, per_page=per_page, cached=cached
        )
        for row in page.rows:
            if self.odd(row):
                self.aside.put(row)
        return page

    async def cut(self, *, descending: bool, cut: Cut, cached: bool = False) -> RecordPage[R]:
        """A page of the listing that is to be just where it was asked for, with the total.

        Raises:
            UpstreamMalformed: Salesloft has made its pages another size, which it does with sizes out of range.
        """
        page = await self.page(
            descending=descending, per_page=cut.per_page, number=cut.number, counts=True, cached=cached
        )
        if page.per_page not in (cut.per_page, None):
            raise UpstreamMalformed("The source did not keep to the pages asked for.", source=Source.SALESLOFT.value)
        return page

    async def count(self, span: TimeSpan | None = None) -> int | None:
        """How many rows the listing has; None where Salesloft does not say.

        Args:
            span: The range of the sort value, instead of the listing's own.
        """
        return await self._api.count(self._request, self.resource, self._conditions(span))

    def _conditions(self, span: TimeSpan | None) -> Params:
        """The listing's conditions, with another range of the sort value where one is given."""
        spans: dict[OrderField | NameField, TimeSpan] = {
            OrderField.START_TIME: self._listing.start_time,
            OrderField.CREATED_AT: self._listing.created_at,
        }
        if span is not None and self.field in spans:
            spans[self.field] = span
        ranges = (param for field, each in spans.items() for param in each.params(field.value))
        return (*self._listing.params, *ranges)


def after_odd(reader: ListReader[Any], pages: int) -> Problem:
    """That rows may lie behind some pages of rows whose sort value cannot be read, and is no place to go on from."""
    where = f"{reader.what} after {pages * MOST_ROWS} without a readable {reader.field.value}"
    return Problem(where=where, lost=True)


IDS = "ids[]"

Found: TypeAlias = tuple[list[R], tuple[Problem, ...]]
"""Rows, and what of them may be missing or could not be read."""

MOST_PASSES = 2

MOST_SCANNED = 5
"""Pages of rows that a lane reads in one request because the filter does not admit them, before it pauses."""


class Pass(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """All pages, once.

    Attributes:
        rows: What was found, by id.
        size: How many there are, by the source's own counting, those that cannot be read left out; None where it does
            not say.
        steady: Whether the source counted the same on every page, so that nothing has come or gone meanwhile.
        problems: What could not be read.
    """

    rows: dict[str, R]
    size: int | None
    steady: bool = False
    problems: tuple[Problem, ...] = ()


async def gathered(read: Callable[[int], Awaitable[Pass[R]]], what: str) -> Found[R]:
    """Every row, with what of them may be missing.

    Between two pages a row may change places with one that was not read yet, and hide it. So they are read once more,
    cut another way, unless one steady pass shows as many as there are; where two do not, that is reported.

    Args:
        read: Makes a pass; each number is to cut in another way.
        what: The rows, for the problem.
    """
    rows: dict[str, R] = {}
    problems: dict[Problem, None] = {}
    for number in range(MOST_PASSES):
        one = await read(number)
        fresh = one.rows.keys() - rows.keys()
        rows.update(one.rows)
        problems.update(dict.fromkeys(one.problems))
        size = one.size or 0
        if one.steady and (len(one.rows) >= size or (len(rows) >= size and not fresh)):
            return list(rows.values()), tuple(problems)
    problems[Problem(where=f"some {what}, which changed while they were read", lost=True)] = None
    return list(rows.values()), tuple(problems)
