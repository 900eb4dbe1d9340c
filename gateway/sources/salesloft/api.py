"""Calls of Salesloft's lists: pages, cached for a moment, counts, and whole lists; too large ones in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeVar, cast

import msgspec
from cachetools import TTLCache

from gateway.errors import UpstreamTooLarge, UpstreamTooMany
from gateway.model.records import Record, Source
from gateway.request import Request
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.sources.base import Found, PageSizes
from gateway.sources.cached import Translated, is_partial
from gateway.sources.decode import Body, Row
from gateway.sources.problems import problems_of
from gateway.sources.salesloft import wire
from gateway.sources.salesloft.filters import Params
from gateway.sources.salesloft.resources import (
    MOST_ROWS,
    NO_FILTERS,
    RecordPage,
    RecordRows,
    Resource,
    SentPage,
    cost_of,
)
from gateway.upstream.cache import ListCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)
T = TypeVar("T")

WALKS, WALK_SECONDS = 4_096, 6 * 3600.0
"""Walks whose depth is remembered, and for how long."""


class WalkDepth(msgspec.Struct, frozen=True, gc=False):
    """How deep a walk went that took several reads.

    Attributes:
        rows: How many rows it took.
        reads: How many reads.
        one_by_one: When its pages were last read one after the other, by the injected clock; None where they were asked
            for at once.
    """

    rows: int
    reads: int
    one_by_one: float | None


COUNTS: Params = (("include_paging_counts", "true"), ("limit_paging_counts", "false"))
"""Asks for the number of all rows, beyond 10,000 too."""

OLDEST_FIRST: Params = (("sort_by", "created_at"), ("sort_direction", "ASC"))
"""The order in which a row that is added meanwhile moves none across pages."""

MOST_PAGES = 10
"""Pages that one look-up reads at most: a hundred keys whose rows are ten apiece."""


class SalesloftApi:
    """Calls over a client.

    Every method raises what `Client.get` raises, and UpstreamMalformed where an answer has no rows in it.

    Args:
        client: Calls Salesloft.
        lifetimes: How long pages may be used.

    Attributes:
        client: The same.
        lifetimes: How long all else may be.
        depths: How deep walks went that took several reads, by the walk's hash; see `ListReader.depth`.
    """

    def __init__(self, client: Client, lifetimes: RecordLifetimes = DEFAULT) -> None:
        self.client = client
        self.lifetimes = lifetimes
        self.depths: TTLCache[int, WalkDepth] = TTLCache(WALKS, WALK_SECONDS, timer=client.clock.monotonic)
        self._pages: dict[str, ListCache[Params, Any]] = {}
        self._sizes = PageSizes(Source.SALESLOFT, MOST_ROWS, client.clock)

    async def page(
        self,
        request: Request,
        resource: Resource[W, R],
        params: Params,
        *,
        number: int = 1,
        per_page: int = MOST_ROWS,
        cached: bool = False,
    ) -> RecordPage[R]:
        """A page of a list.

        Args:
            request: Whom it is for.
            resource: The list.
            params: Conditions and order.
            number: Which page, from 1.
            per_page: Rows of a page, up to 100; 25 come where none is named, so that it is always named.
            cached: Whether one that was read a moment ago will do: not where it is one of several, since pages of
                several moments do not make a list. Then it is read now, even if another request reads it.
        """
        if not cached:
            page = await self._read(request, resource, params, number=number, per_page=per_page)
            now, fresh = self.client.now(), self.lifetimes.pages.fresh
            request.freshness.note(Source.SALESLOFT.value, as_of=now, max_age=fresh)
            return page.value
        found = await self._pages_of(resource).get(request, paged(params, number, per_page))
        return found.value.value

    async def count(self, request: Request, resource: Resource[W, R], params: Params) -> int | None:
        """How many rows of a list there are, or were a moment ago; None where Salesloft does not say."""
        page = await self.page(request, resource, (*params, *COUNTS), per_page=1, cached=True)
        return page.total

    async def unpaged(
        self, request: Request, resource: Resource[W, R], params: Params
    ) -> Translated[RecordRows[W], Found[R]] | None:
        """A list that comes whole where no page is named, as users do; None where it does not."""
        if not self._sizes.whole(resource.path):
            return None
        try:
            page = await self._call(request, resource, params, per_page=None)
        except (UpstreamTooLarge, UpstreamTooMany):
            self._sizes.whole_too_large(resource.path)
            return None
        return as_one([page]) if page.value.last else None

    async def whole(
        self,
        request: Request,
        resource: Resource[W, R],
        params: Params,
        most_pages: int = MOST_PAGES,
        *,
        one: bool = False,
    ) -> Translated[RecordRows[W], Found[R]]:
        """All rows of a list, read now page by page; incomplete where there are more pages than may be read.

        Args:
            request: Whom it is for.
            resource: The list.
            params: Conditions and order.
            most_pages: Pages that are read at most.
            one: Whether the rows are those of a single other record; see `Call`.
        """
        pages: list[Translated[SentPage[W], RecordPage[R]]] = []
        while not pages or not pages[-1].value.last:
            if len(pages) == most_pages:
                return as_one(pages, incomplete=too_many("matches", most_pages))
            pages.append(await self._read(request, resource, params, number=len(pages) + 1, one=one))
        return as_one(pages)

    async def everything(
        self,
        request: Request,
        resource: Resource[W, R],
        *,
        most_pages: int,
        or_nothing: bool = False,
    ) -> Translated[RecordRows[W], Found[R]]:
        """A whole list, read now: its first page, which has their number, then all others at once.

        Args:
            request: Whom it is for.
            resource: The list.
            most_pages: Pages that are read at most; what lies beyond is reported as incomplete.
            or_nothing: Whether to stop at the first page where there are more.
        """
        first = await self._read(request, resource, (*OLDEST_FIRST, *COUNTS))
        total, ended = first.value.total, first.value.last
        count = 1 if ended or total is None else -(-total // MOST_ROWS)
        last = 1 if or_nothing and count > most_pages else min(count, most_pages)
        rest = await together(
            self._read(request, resource, OLDEST_FIRST, number=number) for number in range(2, last + 1)
        )
        cut_off = count > most_pages or (total is None and not ended)
        return as_one([first, *rest], incomplete=too_many("rows", most_pages) if cut_off else None)

    def _pages_of(self, resource: Resource[W, R]) -> ListCache[Params, Translated[SentPage[W], RecordPage[R]]]:
        """The cache of a list's pages, by what was asked."""
        pages = self._pages.get(resource.path)
        if pages is None:

            async def fetch(request: Request, params: Params) -> Translated[SentPage[W], RecordPage[R]]:
                *conditions, (_, per_page), (_, number) = params
                return await self._read(
                    request, resource, tuple(conditions), number=int(number), per_page=int(per_page)
                )

            name = f"pages of {resource.path}"
            outdated = self.client.outdated
            kind = CachePolicy(
                name=name,
                endpoint=resource.path,
                codec=resource.pages,
                lifetimes=self.lifetimes.pages,
                doubtful=is_partial,
                changed_at=(lambda _: outdated.lists()) if resource.told_of else None,
            )
            pages = self._pages[resource.path] = ListCache(self.client, kind, fetch)
        return cast("ListCache[Params, Translated[SentPage[W], RecordPage[R]]]", pages)

    async def _read(
        self,
        request: Request,
        resource: Resource[W, R],
        params: Params,
        *,
        number: int = 1,
        per_page: int = MOST_ROWS,
        one: bool = False,
    ) -> Translated[SentPage[W], RecordPage[R]]:
        """A page, in parts where it is too large.

        Parts are read at several moments: rows that move meanwhile may be missing, or twice.
        """
        size = self._sizes.of(resource.path)
        if per_page <= size:
            asked, cost = paged(params, number, per_page), cost_of(number)
            try:
                return await self._call(request, resource, asked, per_page=per_page, cost=cost, one=one)
            except UpstreamTooLarge:
                if per_page == 1:
                    raise
                size = self._sizes.too_large(resource.path, per_page)
        first, *others = numbers(number, per_page, size)
        part = await self._read(request, resource, params, number=first, per_page=size, one=one)
        parts = [part]
        if not part.value.last:
            parts += await together(
                self._read(request, resource, params, number=other, per_page=size, one=one) for other in others
            )
        bodies = [each.sent.body for each in parts]
        body = put_together(bodies, number=number, per_page=per_page, size=size, last=parts[-1].value.last)
        return resource.pages.of(SentPage(body, per_page))

    async def _call(
        self,
        request: Request,
        resource: Resource[W, R],
        params: Params,
        *,
        per_page: int | None,
        cost: int = 1,
        one: bool = False,
    ) -> Translated[SentPage[W], RecordPage[R]]:
        asked = (*resource.always, *params)
        filtered = any(name not in NO_FILTERS for name, _ in asked)
        body = await self.client.get(
            request,
            resource.path,
            resource.path,
            asked,
            read=resource.decoder.read if one else resource.decoder.read_list,
            cost=cost,
            one=one,
            large=per_page != 1,
            plain=resource.plain if filtered else None,
        )
        return resource.pages.of(SentPage(Body([]) if body is None else body, per_page))


def paged(params: Params, number: int, per_page: int) -> Params:
    """What a page is asked for by."""
    return (*params, ("per_page", str(per_page)), ("page", str(number)))


def as_one(
    pages: Sequence[Translated[SentPage[W], RecordPage[R]]], *, incomplete: str | None = None
) -> Translated[RecordRows[W], Found[R]]:
    """Pages as one; a row that is on two of them is there once."""
    rows: dict[str, tuple[Row[W], R]] = {}
    for page in pages:
        both = zip(page.sent.body.rows, page.value.rows, strict=True)
        rows.update((record.source_id, (row, record)) for row, record in both)
    return pieced(list(rows.values()), tuple(lost for page in pages for lost in page.sent.body.lost), incomplete)


def pieced(
    rows: Sequence[tuple[Row[W], R]], lost: tuple[str, ...], incomplete: str | None
) -> Translated[RecordRows[W], Found[R]]:
    """Rows and their records as they are cached."""
    records = [record for _, record in rows]
    return Translated(
        RecordRows(rows=[row for row, _ in rows], lost=lost, incomplete=incomplete),
        Found(rows=records, problems=problems_of(records, lost), incomplete=incomplete),
    )


def too_many(what: str, pages: int) -> str:
    """Why something is not whole."""
    return f"Salesloft has more {what} than the {pages * MOST_ROWS} that are read at a time."


def joined(founds: Iterable[Found[R]]) -> Found[R]:
    """Several answers as one; a record that is in two of them is there once."""
    parts = list(founds)
    return Found(
        rows=list({row.source_id: row for found in parts for row in found.rows}.values()),
        problems=tuple(dict.fromkeys(problem for found in parts for problem in found.problems)),
        incomplete=next((found.incomplete for found in parts if found.incomplete), None),
        failures={key: failure for found in parts for key, failure in found.failures.items()},
    )


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """What the calls return, made at the same time; where one fails, or the caller leaves, the others are ended."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
    sent = parts[0].metadata.paging if parts[0].metadata is not None else None
    paging = wire.Paging(
        per_page=per_page,
        current_page=number,
        next_page=None if last and len(rows) <= start + per_page else number + 1,
        total_count=None if sent is None else sent.total_count,
    )
    return Body(
        rows[start : start + per_page],
        wire.Metadata(paging=paging),
        frozenset().union(*(part.unreadable for part in parts)),
        lost=tuple(lost for part in parts for lost in part.lost),
    )
