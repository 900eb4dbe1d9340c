"""Lists of people, users, cadences and accounts over the sources that can list them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from gateway.catalog.directory import CANNOT_MEET, Directory, lacking
from gateway.catalog.pages import EMPTY, Lanes, ListPage, ListQuery, Pages, count_of, list_page, no_rows, rows_to_count
from gateway.catalog.reports import Reports
from gateway.errors import GatewayError
from gateway.model.conditions import Filter, Refs
from gateway.model.order import NEWEST_FIRST, RANK, Walk, id_key
from gateway.model.records import Record, Source
from gateway.request import Request
from gateway.sources.base import Listing

R = TypeVar("R", bound=Record)

MAX_VALUES = 100
"""Keys that one look-up takes."""

MAX_MATCHES = 500
"""Records that are read for some keys before it is tried with fewer; of a single key more are not looked through."""

UNLISTED = "The source cannot list these records; they can be fetched by id or by address."


F = TypeVar("F", bound=Filter[Any])


class RecordList(Generic[R, F]):
    """One kind of record, listed over the sources that can list it.

    Args:
        listings: The listing of each source that has such records, in order of rank; None where it has no list of them.
        directory: Who is whom among owners.
        now: Tells the time.
    """

    def __init__(
        self, listings: Mapping[Source, Listing[R, F] | None], directory: Directory, now: Callable[[], dt.datetime]
    ) -> None:
        self._listings = listings
        self._directory = directory
        self._now = now

    async def page(self, request: Request, query: ListQuery[F]) -> ListPage[R]:
        """A page of the list.

        Raises:
            UpstreamError: No source that was asked answered.
        """
        reports = Reports(self._now(), request.freshness)
        listings = self._able(query.wanted, reports)
        if query.wanted.impossible:
            return no_rows(query, reports)
        try:
            wanted = await self._resolved(request, query.wanted, listings)
        except GatewayError as error:
            for source in listings:
                reports.fail(source, error)
            raise

        async def count(source: Source, listing: Listing[R, F]) -> int | None:
            counted = await count_of(request, source, listing, wanted, reports)
            if counted is not None:
                return counted if isinstance(counted, int) else None
            walk = Walk(query.window.walk.order)
            rows = await rows_to_count(source, _lanes(request, walk, wanted, {source: listing}), walk, reports)
            return None if rows is None else len(rows)

        async def total() -> int | None:
            counts = await asyncio.gather(*(count(source, listing) for source, listing in listings.items()))
            known = [each for each in counts if each is not None]
            return sum(known) if len(known) == len(counts) else None

        pages = Pages(lambda walk: _lanes(request, walk, wanted, listings), reports)
        page, behind, known_total = await pages.answer(query, total)
        reports.raise_if_all_failed()
        return list_page(query, page, behind=behind, total=known_total, reports=reports)

    async def lowest(self, request: Request, wanted: F) -> R | None:
        """Of the records that a filter admits the first source's of the lowest id.

        Raises:
            UpstreamError: A source did not answer.
        """
        for source in self._listed():
            matches = await self._matches(request, wanted, source)
            for error in matches.errors.values():
                raise error
            if matches.rows:
                return min(matches.rows, key=lambda row: id_key(row.source_id))
        return None

    async def lowest_each(
        self,
        request: Request,
        values: Iterable[str],
        wanted: Callable[[frozenset[str]], F],
        key: Callable[[R], str | None],
    ) -> dict[str, R | GatewayError | None]:
        """The same for each of many values of a key, a hundred in one look-up; or why it is unknown.

        Args:
            request: The request.
            values: The values.
            wanted: The filter for some of them.
            key: The value that a record bears.
        """
        return await lowest_matches(values, lambda some: self._matches(request, wanted(frozenset(some))), key)

    async def _matches(self, request: Request, wanted: F, only: Source | None = None) -> KeyMatches[R]:
        listings = {source: each for source, each in self._listed().items() if only is None or source is only}
        reports = Reports(self._now(), request.freshness)
        pages = Pages(lambda walk: _lanes(request, walk, wanted, listings), reports)
        stretch = pages.stretch(Walk(NEWEST_FIRST))
        rows = await stretch.take(MAX_MATCHES)
        errors = {source: error for source, (error, _) in stretch.errors().items()}
        return KeyMatches(rows, len(rows) == MAX_MATCHES, errors)

    def _listed(self) -> dict[Source, Listing[R, F]]:
        return {source: listing for source, listing in self._listings.items() if listing is not None}

    def _able(self, wanted: F, reports: Reports) -> dict[Source, Listing[R, F]]:
        """The listings that can hold what the filter speaks of; why others do not is reported."""
        able: dict[Source, Listing[R, F]] = {}
        for source, listing in self._listings.items():
            if listing is None:
                reports.skip(source, UNLISTED)
            elif wanted.impossible:
                reports.skip(source, EMPTY)
            elif names := lacking(listing.traits, wanted):
                reports.skip(source, CANNOT_MEET.format(" or filter.".join(names)))
            else:
                reports.ok(source)
                able[source] = listing
        return able

    async def _resolved(self, request: Request, wanted: F, listings: Mapping[Source, object]) -> F:
        """The filter with every reference of its owners, where one is known under another source's."""
        owners: Refs = getattr(wanted, "owner_ids", None)
        if owners is None or all(ref.source in listings for ref in owners):
            return wanted
        team, failures = await self._directory.team(request, frozenset(listings) | {ref.source for ref in owners})
        for error in failures.values():
            raise error
        return msgspec.structs.replace(wanted, owner_ids=team.aliases(owners))


def _lanes(request: Request, walk: Walk, wanted: F, listings: Mapping[Source, Listing[R, F]]) -> Lanes[R]:
    return [(source, lane) for source, listing in listings.items() for lane in listing.lanes(request, walk, wanted)]


class KeyMatches(msgspec.Struct, Generic[R], frozen=True):
    """The records that bear some keys.

    Attributes:
        rows: The records.
        more: Whether there are more than could be read.
        errors: Why some of a source's may be missing.
    """

    rows: Sequence[R]
    more: bool
    errors: Mapping[Source, GatewayError]


async def lowest_matches(
    values: Iterable[str], read: Callable[[Sequence[str]], Awaitable[KeyMatches[R]]], key: Callable[[R], str | None]
) -> dict[str, R | GatewayError | None]:
    """For each key, of which several records may bear one, the first source's of the lowest id; or why nobody knows.

    Args:
        values: The keys.
        read: Reads the records that bear some of them, at most `MAX_VALUES`.
        key: The key of a record.
    """
    distinct = [*dict.fromkeys(values)]
    chunks = [distinct[start : start + MAX_VALUES] for start in range(0, len(distinct), MAX_VALUES)]
    parts = await asyncio.gather(*(_lowest(chunk, read, key) for chunk in chunks))
    return {value: found for part in parts for value, found in part.items()}


async def _lowest(
    values: Sequence[str], read: Callable[[Sequence[str]], Awaitable[KeyMatches[R]]], key: Callable[[R], str | None]
) -> dict[str, R | GatewayError | None]:
    matches = await read(values)
    if matches.more and len(values) > 1:
        middle = len(values) // 2
        halves = await asyncio.gather(*(_lowest(half, read, key) for half in (values[:middle], values[middle:])))
        return halves[0] | halves[1]
    best: dict[str | None, R] = {}
    for row in sorted(matches.rows, key=lambda row: (RANK[row.source], id_key(row.source_id))):
        best.setdefault(key(row), row)
    return {value: _sure(best.get(value), matches.errors) for value in values}


def _sure(row: R | None, errors: Mapping[Source, GatewayError]) -> R | GatewayError | None:
    """A record, unless a source that may have one which comes before it did not answer."""
    for source, error in errors.items():
        if row is None or RANK[source] <= RANK[row.source]:
            return error
    return row
