"""Lists of people and accounts: walked by the time at which the records were made, newest first."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from gateway.catalog.bearers import MOST_BEARERS, Bearers, lowest_bearers
from gateway.catalog.directory import Directory
from gateway.catalog.reports import Reports, SourceReport
from gateway.errors import GatewayError
from gateway.model.filters import Refs
from gateway.model.order import Order, OrderField, Position, Walk, id_key
from gateway.model.records import Record, Source
from gateway.paging.merge import Lane, Merge
from gateway.paging.window import Page, Window
from gateway.sources.base import Listing
from gateway.upstream.request import Request

R = TypeVar("R", bound=Record)

NEWEST_FIRST = Order(OrderField.CREATED_AT, descending=True)


class Wanted(Protocol):
    """What a filter of such a list has."""

    @property
    def owner_ids(self) -> Refs:
        """The owners, by any of their references."""
        ...

    @property
    def impossible(self) -> bool:
        """Whether nothing can match."""
        ...


F = TypeVar("F", bound=Wanted)


class ListQuery(msgspec.Struct, Generic[F], frozen=True, kw_only=True):
    """What is asked of a list; see `MeetingQuery`."""

    window: Window
    wanted: F
    rows: bool = True
    ahead: bool = True
    behind: bool = False
    total: bool = False


class ListPage(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A page of a list, and what became of the sources; see `MeetingPage`."""

    page: Page[R]
    behind: bool = False
    total: int | None = None
    reports: list[SourceReport]


class Listings(Generic[R, F]):
    """One kind of record, listed over the sources that can list it.

    Args:
        ports: The listing of each source that has such records, in order of rank; None where it has no list of them.
        directory: Who is whom among owners.
        now: Tells the time.
    """

    def __init__(
        self, ports: Mapping[Source, Listing[R, F] | None], directory: Directory, now: Callable[[], dt.datetime]
    ) -> None:
        self._ports = ports
        self._directory = directory
        self._now = now

    async def page(self, request: Request, query: ListQuery[F]) -> ListPage[R]:
        """A page of the list.

        Raises:
            UpstreamError: No source that was asked answered.
        """
        if query.wanted.impossible:
            nothing: Page[R] = Page(rows=[], start=None, end=None, ahead=False)
            return ListPage(page=nothing, total=0 if query.total else None, reports=[])
        reports = Reports(self._now(), request.freshness)
        for source, port in self._ports.items():
            if port is None:
                reports.skip(source, "The source cannot list these records; they are found by id and by address.")
            else:
                reports.ok(source)
        try:
            wanted = await self._resolved(request, query.wanted)
        except GatewayError as error:
            for source in self._asked():
                reports.fail(source, error)
            reports.raise_if_all_failed()
            raise
        walk = query.window.walk
        stretch = _Stretch(self._lanes(request, walk, wanted), walk)
        rows, total = await asyncio.gather(
            stretch.take(query.window.count), self._total(request, wanted, reports) if query.total else _no_total()
        )
        ahead = behind = False
        if query.rows and query.ahead:
            ahead = await stretch.more()
            if not ahead and walk.stop is not None:
                ahead = await self._anything(request, walk.onward(), wanted, reports)
        stretch.report(reports)
        if query.rows and query.behind and walk.start is not None:
            behind = await self._anything(request, walk.turned(), wanted, reports)
        reports.raise_if_all_failed()
        return ListPage(
            page=stretch.page(rows, query.window.count, ahead=ahead), behind=behind, total=total, reports=reports.all()
        )

    async def lowest(self, request: Request, wanted: F) -> R | None:
        """Of the records that a filter admits the first source's of the lowest id.

        Raises:
            UpstreamError: A source did not answer.
        """
        for source in self._asked():
            bearers = await self._bearers(request, wanted, source)
            for error in bearers.errors.values():
                raise error
            if bearers.rows:
                return min(bearers.rows, key=lambda row: id_key(row.source_id))
        return None

    async def lowest_each(
        self,
        request: Request,
        values: Iterable[str],
        wanted: Callable[[frozenset[str]], F],
        key: Callable[[R], str | None],
    ) -> dict[str, R | GatewayError | None]:
        """The same for each of many values of a key, a hundred in one look-up; or why it cannot be told.

        Args:
            request: The request.
            values: The values.
            wanted: The filter for some of them.
            key: The value that a record bears.
        """
        return await lowest_bearers(values, lambda some: self._bearers(request, wanted(frozenset(some))), key)

    async def _bearers(self, request: Request, wanted: F, only: Source | None = None) -> Bearers[R]:
        stretch = _Stretch(self._lanes(request, Walk(NEWEST_FIRST), wanted, only), Walk(NEWEST_FIRST))
        rows = await stretch.take(MOST_BEARERS)
        return Bearers(rows, len(rows) == MOST_BEARERS, stretch.errors())

    def _asked(self) -> list[Source]:
        return [source for source, port in self._ports.items() if port is not None]

    def _lanes(
        self, request: Request, walk: Walk, wanted: F, only: Source | None = None
    ) -> list[tuple[Source, Lane[R]]]:
        return [
            (source, lane)
            for source, port in self._ports.items()
            if port is not None and (only is None or source is only)
            for lane in port.lanes(request, walk, wanted)
        ]

    async def _resolved(self, request: Request, wanted: F) -> F:
        """The filter with every reference of its owners, where one is known under another source's."""
        asked = self._asked()
        owners = wanted.owner_ids
        if owners is None or all(ref.source in asked for ref in owners):
            return wanted
        team, failures = await self._directory.team(request, frozenset(asked) | {ref.source for ref in owners})
        for error in failures.values():
            raise error
        return msgspec.structs.replace(wanted, owner_ids=team.aliases(owners))  # type: ignore[type-var]  # every filter is a struct

    async def _anything(self, request: Request, walk: Walk, wanted: F, reports: Reports) -> bool:
        """Whether anything lies along a walk; where that cannot be told, something may."""
        stretch = _Stretch(self._lanes(request, walk, wanted), walk)
        found = await stretch.more()
        errors = stretch.errors()
        for source, error in errors.items():
            reports.partial(source, error)
        return found or bool(errors)

    async def _total(self, request: Request, wanted: F, reports: Reports) -> int | None:
        counts: list[int | None] = []
        for source, port in self._ports.items():
            if port is None:
                continue
            try:
                count = await port.count(request, wanted)
            except GatewayError as error:
                reports.partial(source, error, f"totalCount is not known: {error.message}")
                count = None
            else:
                if count is None:
                    reports.note(source, "totalCount is null: the source cannot count what the filter admits.")
            counts.append(count)
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None


class _Stretch(Generic[R]):
    """One walk over the lanes of some sources; a record that comes along several of them is taken once."""

    def __init__(self, lanes: Sequence[tuple[Source, Lane[R]]], walk: Walk) -> None:
        self._sources = [source for source, _ in lanes]
        self._walk = walk
        self._merge: Merge[R] = Merge([lane for _, lane in lanes], walk, walk.order.position)
        self._seen: set[tuple[Source, str]] = set()

    async def take(self, count: int) -> list[R]:
        """The next rows."""
        kept: list[R] = []
        while len(kept) < count:
            got = await self._merge.take(count - len(kept))
            if not got:
                break
            kept.extend(row for row in got if self._fresh(row))
        return kept

    async def more(self) -> bool:
        """Whether anything lies beyond what was taken."""
        merge = self._merge
        if merge.stuck or any((row.source, row.source_id) not in self._seen for row in merge.unread()):
            return True
        if len(merge.tracks) == 1 and merge.tracks[0].more and not merge.tracks[0].done:
            return True
        return bool(await self.take(1)) or merge.stuck

    def page(self, rows: list[R], count: int, *, ahead: bool) -> Page[R]:
        """Rows that were taken as a page, in the list's own order; it ends where the merge had to stop short.

        Args:
            rows: The rows.
            count: How many were asked for: where there are as many, more of them may have been read than are shown.
            ahead: Whether rows follow.
        """
        place = self._walk.order.position
        far: Position | None = place(rows[-1]) if rows else None
        if len(rows) < count and self._merge.stuck and self._merge.frontier is not None:
            far = self._merge.frontier
        near = place(rows[0]) if rows else None
        if self._walk.backward:
            return Page(rows=rows[::-1], start=far, end=near, ahead=ahead)
        return Page(rows=rows, start=near, end=far, ahead=ahead)

    def errors(self) -> dict[Source, GatewayError]:
        """Why lanes broke off, by source."""
        tracks = zip(self._sources, self._merge.tracks, strict=True)
        return {source: track.error for source, track in tracks if track.error is not None}

    def report(self, reports: Reports) -> None:
        """Tells what became of the lanes."""
        for source in dict.fromkeys(self._sources):
            tracks = [track for track, of in zip(self._merge.tracks, self._sources, strict=True) if of is source]
            errors = [track.error for track in tracks if track.error is not None]
            for track in tracks:
                reports.problems(source, track.problems)
            if errors and all(track.error is not None and not track.started for track in tracks):
                reports.fail(source, errors[0])
            elif errors:
                reports.partial(source, errors[0])

    def _fresh(self, row: R) -> bool:
        key = (row.source, row.source_id)
        known = key in self._seen
        self._seen.add(key)
        return not known


async def _no_total() -> int | None:
    return None
