"""Pages of a list, whatever it is of: lanes of several sources merged along a walk, and taken row by row.

There is no other way to a page: the lists of meetings, people, users, cadences and accounts all come from here, and so
do those under a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgspec

from gateway.catalog.reports import Reports
from gateway.errors import GatewayError
from gateway.model.order import Position, Walk
from gateway.model.records import Record, Source
from gateway.model.status import SourceReport
from gateway.paging.merge import Lane, Merge, Track
from gateway.paging.window import MOST_SIZE, Page, Window
from gateway.request import Request

F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)
R = TypeVar("R", bound=Record)

EMPTY = "An empty list in the filter matches nothing."
UNKNOWN_TOTAL = "totalCount is not known: {}"
UNCOUNTED = "totalCount is null: the source cannot count the rows that match the filter, and there are more than {}."
UNREAD = "totalCount is null: not every row that matches the filter could be read to be counted."

MAX_COUNTED = MOST_SIZE
"""Rows that are read, to be counted, of a source that cannot count what a filter admits: as many as a page has."""


class ListQuery(msgspec.Struct, Generic[F], frozen=True, kw_only=True):
    """What is asked of a list.

    Attributes:
        window: Walk and count.
        wanted: The filter.
        fields: Names of the record's fields that are selected, on any row of the list, where it matters which.
        rows: Whether rows, page flags or reports are selected at all.
        ahead: Whether the page flag that the walk faces is selected.
        behind: Whether the other one is.
        total: Whether the total is.
    """

    window: Window
    wanted: F
    fields: frozenset[str] = frozenset()
    rows: bool = True
    ahead: bool = True
    behind: bool = False
    total: bool = False


class ListPage(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A page of a list, and what became of the sources.

    Attributes:
        behind: Whether rows lie on the side that the walk came from; False where nobody asked.
        total: How many rows there are in all; None where that is not known, or nobody asked.
        total_error: Why it is not known, where units or time ran out.
    """

    page: Page[R]
    behind: bool = False
    total: int | None = None
    total_error: GatewayError | None = None
    reports: list[SourceReport]


def list_page(query: ListQuery[F], page: Page[R], *, behind: bool, total: int | None, reports: Reports) -> ListPage[R]:
    """The page that was read, with what is reported of it."""
    unknown = query.total and total is None
    return ListPage(
        page=page, behind=behind, total=total, total_error=reports.shortage if unknown else None, reports=reports.all()
    )


def no_rows(query: ListQuery[F], reports: Reports) -> ListPage[R]:
    """The page of a list that nothing can be in."""
    page: Page[R] = Page(rows=[], start=None, end=None, ahead=False)
    return ListPage(page=page, total=0 if query.total else None, reports=reports.all())


class Counting(Protocol[F_contra]):
    """What can tell how many records a filter admits; see `sources.base.Listing`."""

    async def count(self, request: Request, wanted: F_contra) -> int | None:
        """How many; None if that is unknown."""
        ...


async def count_of(
    request: Request, source: Source, listing: Counting[F], wanted: F, reports: Reports
) -> int | GatewayError | None:
    """How many records of a listing a filter admits, by the source's own counting.

    Returns:
        None where it cannot count them; the error, which is in the reports, where it did not answer.
    """
    try:
        return await listing.count(request, wanted)
    except GatewayError as error:
        reports.partial(source, error, UNKNOWN_TOTAL.format(error.message))
        return error


async def rows_to_count(source: Source, lanes: Lanes[R], walk: Walk, reports: Reports) -> list[R] | None:
    """Every row of some lanes of one source; None, with the reason in the reports, where they are too many or fail."""
    stretch = Stretch(lanes, walk)
    rows = await stretch.take(MAX_COUNTED + 1)
    for error, _ in stretch.errors().values():
        reports.partial(source, error, UNKNOWN_TOTAL.format(error.message))
        return None
    if len(rows) > MAX_COUNTED or not stretch.whole:
        reports.note(source, UNCOUNTED.format(MAX_COUNTED) if len(rows) > MAX_COUNTED else UNREAD)
        return None
    return rows


class Screen(Protocol[R]):
    """Decides which of the rows that were read are shown: a record of one source may be held by another's."""

    def unsure(self, source: Source) -> bool:
        """Whether rows of a source may turn out not to be shown."""
        ...

    async def shown(
        self, rows: Sequence[R], read: Sequence[R], following: Sequence[R], *, for_page: bool, late: bool
    ) -> list[R]:
        """Those of the rows that are shown.

        Args:
            rows: The rows.
            read: Everything of any source that was read so far, shown or not.
            following: Rows that come next.
            for_page: Whether the rows are about to be shown, so that it matters what they look like.
            late: Whether reading them took more than one wave.
        """
        ...


Lanes: TypeAlias = Sequence[tuple[Source, Lane[R]]]
"""Lanes, each with the source that it reads."""


class Pages(Generic[R]):
    """The pages of one list in one request.

    Args:
        lanes: The list's lanes along a walk; no call is made before one is read.
        reports: Where what became of the sources is reported.
        screen: Which rows are shown; None where all are.
    """

    def __init__(self, lanes: Callable[[Walk], Lanes[R]], reports: Reports, screen: Screen[R] | None = None) -> None:
        self._lanes = lanes
        self._reports = reports
        self._screen = screen

    async def answer(
        self, query: ListQuery[F], total: Callable[[], Awaitable[int | None]]
    ) -> tuple[Page[R], bool, int | None]:
        """The page that is asked for, whether rows lie behind it, and how many there are in all.

        A page that is the whole list gives its total, so nothing is counted before it is read: but where the page
        begins at a cursor, and it is not asked what lies behind, it never is known to be.
        """
        nothing: Page[R] = Page(rows=[], start=None, end=None, ahead=False)
        counts = query.total and query.window.walk.start is not None and not query.behind
        page, behind, counted = await asyncio.gather(
            self.page(query.window, ahead=query.ahead) if query.rows else _given(nothing),
            self.behind(query.window.walk) if query.behind else _given(False),
            total() if counts else _given(None),
        )
        if counts or not query.total:
            return page, behind, counted
        begins = query.window.walk.start is None or not behind
        is_whole = begins and page.ends and self._reports.whole
        return page, behind, len(page.rows) if is_whole else await total()

    async def page(self, window: Window, *, ahead: bool = True) -> Page[R]:
        """A page.

        Args:
            window: Walk and count.
            ahead: Whether it matters if rows follow; where not, nothing is asked to find out.
        """
        walk = window.walk
        stretch = self.stretch(walk)
        rows = await stretch.take(window.count)
        more = ahead and (await stretch.more() or (walk.stop is not None and await self._anything(walk.onward())))
        stretch.report(self._reports)
        near = walk.order.position(rows[0]) if rows else None
        far = stretch.end(rows, window.count)
        ended = not more if ahead else walk.stop is None and (len(rows) < window.count or stretch.exhausted)
        if walk.backward:
            rows, near, far = rows[::-1], far, near
        return Page(
            rows=rows,
            start=near,
            end=far,
            ahead=more,
            ends=ended and stretch.whole,
            hint=stretch.hint,
            aside=stretch.aside,
        )

    async def behind(self, walk: Walk) -> bool:
        """Whether anything lies on the side that a walk comes from; where that is unknown, something may."""
        return walk.start is not None and await self._anything(walk.turned())

    def stretch(self, walk: Walk) -> Stretch[R]:
        """The rows along a walk, to be taken one after the other."""
        return Stretch(self._lanes(walk), walk, self._screen)

    async def _anything(self, walk: Walk) -> bool:
        stretch = self.stretch(walk)
        found = await stretch.more()
        for source, (error, _) in stretch.errors().items():
            self._reports.partial(source, error)
            found = True
        return found


class Stretch(Generic[R]):
    """Rows along a walk: those that the merged lanes give, each once, without those that are not shown."""

    def __init__(self, lanes: Lanes[R], walk: Walk, screen: Screen[R] | None = None) -> None:
        self._merge = Merge([lane for _, lane in lanes], walk, walk.order.position)
        self._sources = [source for source, _ in lanes]
        self._place = walk.order.position
        self._screen = screen
        self._taken: dict[tuple[Source, str], R] = {}

    @property
    def hint(self) -> int | None:
        """See `Position.hint`."""
        return self._merge.hint

    @property
    def aside(self) -> tuple[str, ...]:
        """See `Position.aside`."""
        return self._merge.aside

    @property
    def exhausted(self) -> bool:
        """Whether every lane was read to its end, and every row of them taken."""
        return not any(track.open for track in self._merge.tracks) and not self._merge.unread()

    @property
    def whole(self) -> bool:
        """Whether nothing of what was read is missing, and no lane stands still short of its end."""
        tracks = self._merge.tracks
        missing = (track.incomplete is not None or any(problem.lost for problem in track.problems) for track in tracks)
        return not self._merge.stuck and not any(missing) and all(track.error is None for track in tracks)

    async def take(self, count: int, *, for_page: bool = True) -> list[R]:
        """The next rows that are shown."""
        shown: list[R] = []
        while len(shown) < count:
            got = await self._merge.take(count - len(shown))
            if not got:
                break
            # A record may come along several lanes: of listings that overlap, or brought in by another's; or it moved,
            # or changed, between two reads. The first stays where it came.
            fresh: dict[tuple[Source, str], R] = {}
            for row in got:
                if (key := (row.source, row.source_id)) not in self._taken:
                    fresh.setdefault(key, row)
            self._taken |= fresh
            shown += await self._screened(list(fresh.values()), for_page=for_page)
        return shown

    async def more(self) -> bool:
        """Whether anything follows, or may follow where a source stands still."""
        if any(
            self._sure(row.source) and (row.source, row.source_id) not in self._taken for row in self._merge.unread()
        ):
            return True
        tracks = zip(self._sources, self._merge.tracks, strict=True)
        if any(track.open and track.more and self._sure(source) for source, track in tracks):
            return True
        return self._merge.stuck or bool(await self.take(1, for_page=False)) or self._merge.stuck

    def end(self, rows: Sequence[R], count: int) -> Position | None:
        """The place that a page of these rows reaches to: beyond the last one where others were passed over."""
        if len(rows) < count and self._merge.stuck and self._merge.frontier is not None:
            return self._merge.frontier
        return self._place(rows[-1]) if rows else None

    def errors(self) -> dict[Source, tuple[GatewayError, bool]]:
        """What broke off, by source, and whether nothing of the source could be read."""
        found: dict[Source, tuple[GatewayError, bool]] = {}
        for source, tracks in self._by_source().items():
            errors = [track.error for track in tracks if track.error is not None]
            if errors:
                found[source] = errors[0], not any(track.started for track in tracks)
        return found

    def report(self, reports: Reports) -> None:
        """Tells what became of the lanes."""
        for source, (error, nothing) in self.errors().items():
            (reports.fail if nothing else reports.partial)(source, error)
        for source, tracks in self._by_source().items():
            reports.problems(source, [problem for track in tracks for problem in track.problems])
            for track in tracks:
                if track.incomplete is not None:
                    reports.incomplete(source, track.incomplete)

    async def _screened(self, rows: Sequence[R], *, for_page: bool) -> Sequence[R]:
        if self._screen is None:
            return rows
        unread = self._merge.unread()
        read = [*self._taken.values(), *unread]
        return await self._screen.shown(rows, read, unread, for_page=for_page, late=self._merge.rounds > 1)

    def _sure(self, source: Source) -> bool:
        return self._screen is None or not self._screen.unsure(source)

    def _by_source(self) -> dict[Source, list[Track[R]]]:
        tracks: dict[Source, list[Track[R]]] = {}
        for source, track in zip(self._sources, self._merge.tracks, strict=True):
            tracks.setdefault(source, []).append(track)
        return tracks


async def _given(value: F) -> F:
    return value
