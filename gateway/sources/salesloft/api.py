"""Calls of Salesloft's lists: pages, which are kept for a moment, counts, and whole lists."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, TypeVar, cast

import msgspec

from gateway.errors import UpstreamTooLarge, UpstreamTooMany
from gateway.model.records import Record, Source
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.sources.base import Found
from gateway.sources.decode import Body, Row
from gateway.sources.kept import Translated, spoilt
from gateway.sources.problems import problems_of
from gateway.sources.salesloft.endpoints import (
    MOST_ROWS,
    NO_FILTERS,
    ListEndpoint,
    RecordPage,
    RecordRows,
    SentPage,
    cost_of,
)
from gateway.sources.salesloft.filters import Params
from gateway.sources.salesloft.parts import Sizes, numbers, put_together
from gateway.upstream.client import Client
from gateway.upstream.lists import Lists
from gateway.upstream.records import Kind
from gateway.upstream.request import Request

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)
T = TypeVar("T")

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
        lives: How long pages may be used.

    Attributes:
        client: The same.
        lives: How long all else may be.
    """

    def __init__(self, client: Client, lives: RecordLifetimes = DEFAULT) -> None:
        self.client = client
        self.lives = lives
        self._pages: dict[str, Lists[Params, Any]] = {}
        self._sizes = Sizes(MOST_ROWS, client.clock)

    async def page(
        self,
        request: Request,
        endpoint: ListEndpoint[W, R],
        params: Params,
        *,
        number: int = 1,
        per_page: int = MOST_ROWS,
        kept: bool = False,
    ) -> RecordPage[R]:
        """A page of a list.

        Args:
            request: Whom it is for.
            endpoint: The list.
            params: Conditions and order.
            number: Which page, from 1.
            per_page: Rows of a page, up to 100; 25 come where none is named, so that it is always named.
            kept: Whether one that was read a moment ago will do: not where it is one of several, since pages of
                several moments do not make a list. Then it is read now, whoever has read it or reads it.
        """
        if not kept:
            page = await self._read(request, endpoint, params, number=number, per_page=per_page, now=True)
            now, fresh = self.client.now(), self.lives.pages.fresh
            request.freshness.note(Source.SALESLOFT.value, as_of=now, stale=False, max_age=fresh)
            return page.value
        held = await self._pages_of(endpoint).get(request, paged(params, number, per_page))
        return held.value.value

    async def count(self, request: Request, endpoint: ListEndpoint[W, R], params: Params) -> int | None:
        """How many rows of a list there are, or were a moment ago; None where Salesloft does not say."""
        page = await self.page(request, endpoint, (*params, *COUNTS), per_page=1, kept=True)
        return page.total

    async def unpaged(
        self, request: Request, endpoint: ListEndpoint[W, R], params: Params
    ) -> Translated[RecordRows[W], Found[R]] | None:
        """A list that comes whole where no page is named, as users do; None where it does not."""
        if not self._sizes.whole(endpoint.path):
            return None
        try:
            page = await self._call(request, endpoint, params, per_page=None)
        except (UpstreamTooLarge, UpstreamTooMany):
            self._sizes.whole_too_large(endpoint.path)
            return None
        return as_one([page]) if page.value.last else None

    async def whole(
        self,
        request: Request,
        endpoint: ListEndpoint[W, R],
        params: Params,
        most_pages: int = MOST_PAGES,
        *,
        one: bool = False,
    ) -> Translated[RecordRows[W], Found[R]]:
        """All rows of a list, read now page by page; told as incomplete where there are more pages than may be read.

        Args:
            request: Whom it is for.
            endpoint: The list.
            params: Conditions and order.
            most_pages: Pages that are read at most.
            one: Whether the rows are those of a single other record; see `Call`.
        """
        pages: list[Translated[SentPage[W], RecordPage[R]]] = []
        while not pages or not pages[-1].value.last:
            if len(pages) == most_pages:
                return as_one(pages, incomplete=too_many("matches", most_pages))
            pages.append(await self._read(request, endpoint, params, number=len(pages) + 1, one=one))
        return as_one(pages)

    async def everything(
        self,
        request: Request,
        endpoint: ListEndpoint[W, R],
        *,
        most_pages: int,
        or_nothing: bool = False,
    ) -> Translated[RecordRows[W], Found[R]]:
        """A whole list, read now: its first page, which tells how many there are, then all others at once.

        Args:
            request: Whom it is for.
            endpoint: The list.
            most_pages: Pages that are read at most; what lies beyond is told as incomplete.
            or_nothing: Whether to stop at the first page where there are more.
        """
        first = await self._read(request, endpoint, (*OLDEST_FIRST, *COUNTS))
        total, ended = first.value.total, first.value.last
        count = 1 if ended or total is None else -(-total // MOST_ROWS)
        last = 1 if or_nothing and count > most_pages else min(count, most_pages)
        rest = await together(
            self._read(request, endpoint, OLDEST_FIRST, number=number) for number in range(2, last + 1)
        )
        cut_off = count > most_pages or (total is None and not ended)
        return as_one([first, *rest], incomplete=too_many("rows", most_pages) if cut_off else None)

    def _pages_of(self, endpoint: ListEndpoint[W, R]) -> Lists[Params, Translated[SentPage[W], RecordPage[R]]]:
        """Where pages of a list are kept, by what was asked."""
        pages = self._pages.get(endpoint.path)
        if pages is None:

            async def fetch(request: Request, params: Params) -> Translated[SentPage[W], RecordPage[R]]:
                *conditions, (_, per_page), (_, number) = params
                return await self._read(
                    request, endpoint, tuple(conditions), number=int(number), per_page=int(per_page)
                )

            name = f"pages of {endpoint.path}"
            kind = Kind(
                name=name, endpoint=endpoint.path, codec=endpoint.pages, lifetimes=self.lives.pages, doubtful=spoilt
            )
            pages = self._pages[endpoint.path] = Lists(self.client, kind, fetch)
        return cast("Lists[Params, Translated[SentPage[W], RecordPage[R]]]", pages)

    async def _read(
        self,
        request: Request,
        endpoint: ListEndpoint[W, R],
        params: Params,
        *,
        number: int = 1,
        per_page: int = MOST_ROWS,
        one: bool = False,
        now: bool = False,
    ) -> Translated[SentPage[W], RecordPage[R]]:
        """A page, in parts where it is too large.

        Parts are read at several moments: rows that move meanwhile may be missing, or twice.
        """
        size = self._sizes.of(endpoint.path)
        if per_page <= size:
            asked, cost = paged(params, number, per_page), cost_of(number)
            try:
                return await self._call(request, endpoint, asked, per_page=per_page, cost=cost, one=one, now=now)
            except UpstreamTooLarge:
                if per_page == 1:
                    raise
                size = self._sizes.too_large(endpoint.path, per_page)
        first, *others = numbers(number, per_page, size)
        part = await self._read(request, endpoint, params, number=first, per_page=size, one=one, now=now)
        parts = [part]
        if not part.value.last:
            parts += await together(
                self._read(request, endpoint, params, number=other, per_page=size, one=one, now=now) for other in others
            )
        bodies = [each.sent.body for each in parts]
        body = put_together(bodies, number=number, per_page=per_page, size=size, last=parts[-1].value.last)
        return endpoint.pages.of(SentPage(body, per_page))

    async def _call(
        self,
        request: Request,
        endpoint: ListEndpoint[W, R],
        params: Params,
        *,
        per_page: int | None,
        cost: int = 1,
        one: bool = False,
        now: bool = False,
    ) -> Translated[SentPage[W], RecordPage[R]]:
        asked = (*endpoint.always, *params)
        filtered = any(name not in NO_FILTERS for name, _ in asked)
        body = await self.client.get(
            request,
            endpoint.path,
            endpoint.path,
            asked,
            read=endpoint.decoder.read if one else endpoint.decoder.read_list,
            cost=cost,
            one=one,
            large=per_page != 1,
            plain=endpoint.plain if filtered else None,
            now=now,
        )
        return endpoint.pages.of(SentPage(Body([]) if body is None else body, per_page))


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
    """Rows and their records as what is kept of them."""
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
