"""One list's answer on its way: the filter understood, its rows read and folded, and the sources reported on."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from gateway.catalog.directory import Directory
from gateway.catalog.events import Folding, ReadAhead, Twins, meeting_ref, twins_of
from gateway.catalog.lower import LowerSearch
from gateway.catalog.pages import (
    EMPTY,
    UNKNOWN_TOTAL,
    ListPage,
    ListQuery,
    count_of,
    list_page,
    no_rows,
    rows_to_count,
)
from gateway.catalog.people import People
from gateway.catalog.plan import FilterPeople, SearchPlan, named, plan, traits_of
from gateway.catalog.reports import Reports
from gateway.catalog.search import Search, Walked
from gateway.catalog.timetable import Timetable
from gateway.errors import GatewayError
from gateway.model.filters import MeetingFilter
from gateway.model.order import RANK, Order, OrderField, Walk, moment
from gateway.model.records import Meeting, Source
from gateway.paging.window import Page
from gateway.request import Clock, Request
from gateway.sources.base import Ports


class MeetingQuery(ListQuery[MeetingFilter], frozen=True, kw_only=True):
    """What is asked of a list of meetings."""

    wanted: MeetingFilter = MeetingFilter()


MAX_SCREENED = 500
"""Rows of a source that a total screens in any case, as a page of them would."""

MAX_UNITS = 20
"""Units that screening more of them has to stay below."""

TOO_MANY = f"totalCount is null: looking up that many rows in another source would cost {MAX_UNITS} units or more."
TOGETHER = "Only events that all of these sources have are shown: {}."


@dataclasses.dataclass(frozen=True, slots=True)
class Joined:
    """The sources as lists of meetings see them.

    Attributes:
        ports: Every source, in order of rank.
        people: Their people.
        directory: Their users.
        clock: Where time comes from.
    """

    ports: Mapping[Source, Ports]
    people: People
    directory: Directory
    clock: Clock

    def now(self) -> dt.datetime:
        """The present, to the microsecond."""
        return moment(int(self.clock.time() * 1_000_000))

    def timetable(self) -> Timetable:
        """When what is counted is read again."""
        return Timetable(self.clock.time())

    async def twins(self, request: Request, users_for: Request | None = None) -> Twins:
        """The request's own `Twins`, made where there are none yet; users may be looked up for another request."""
        return await twins_of(request, list(self.ports.values()), self.directory, users_for)

    def reports(self, request: Request) -> Reports:
        """Reports with nothing in them yet."""
        return Reports(self.now(), request.freshness)


class MeetingAnswer:
    """One list's answer. What it does not raise is in its reports.

    Args:
        joined: The sources.
        request: The request.
        query: What is asked.
        twins: Who holds which event.
        ahead: Loads what rows need while the page waits for something else.

    Attributes:
        folding: Folds what is shown.
        search: The filter over the sources that can meet it; known once the answer is begun.
        page: What was read; known once it was.
    """

    search: Search
    page: Page[Meeting]

    def __init__(
        self,
        joined: Joined,
        request: Request,
        query: MeetingQuery,
        twins: Twins,
        ahead: ReadAhead | None = None,
    ) -> None:
        self.query = query
        self.folding = Folding(twins, query.fields, ahead)
        self._joined = joined
        self._request = request
        self._twins = twins
        self._read_ahead = ahead
        self._reports = joined.reports(request)
        self._behind = False
        self._total: int | None = None

    async def begin(self) -> None:
        """Finds out whom the filter means."""
        self.search = await search_of(
            self._joined, self._request, self.query.wanted, self.folding, self._reports, self._read_ahead
        )

    async def read(self) -> None:
        """Reads the page, unfolded, with its flags and the total."""
        self.page, self._behind, self._total = await self.search.pages.answer(
            self.query, lambda: total(self._request, self.search, counting_walk(self.query))
        )
        if self._reports.any_failed():  # which may show only once the total was counted
            self._total = None

    async def finish(self) -> ListPage[Meeting]:
        """The page, folded.

        Raises:
            UpstreamError: No source that was asked answered.
            DeadlineExceeded: Likewise, for the request's time is up.
        """
        rows = await self.folding.fold(self.page.rows)
        report_folding(self._reports, self.folding, self._twins)
        self._reports.raise_if_all_failed()
        page = msgspec.structs.replace(self.page, rows=rows)
        return list_page(self.query, page, behind=self._behind, total=self._total, reports=self._reports)

    def empty(self) -> ListPage[Meeting]:
        """The answer where nothing can match: nobody is asked."""
        skip_all(self._joined, self._reports)
        return no_rows(self.query, self._reports)


def skip_all(joined: Joined, reports: Reports) -> None:
    """Reports that no source is asked, since nothing can match."""
    for port in joined.ports.values():
        if traits_of(port) is not None:
            reports.skip(port.source, EMPTY)


def report_folding(reports: Reports, folding: Folding, twins: Twins) -> None:
    """Reports what stood in the way of telling records apart."""
    for source, error in (folding.unread | twins.errors).items():
        if not reports.failed(source):
            reports.partial(source, error)
    reports.unscreened(folding.unscreened)
    for source, answers in twins.answers.items():
        for answer in answers:
            reports.problems(source, answer.problems)
            if answer.incomplete is not None:
                reports.incomplete(source, answer.incomplete)


async def search_of(  # noqa: PLR0917 - what a search is made of
    joined: Joined,
    request: Request,
    wanted: MeetingFilter,
    folding: Folding,
    reports: Reports,
    ahead: ReadAhead | None = None,
    people_for: Request | None = None,
) -> Search:
    """The filter over the sources that can meet it; whom it means may be looked up for another request."""
    steps = plan(wanted, list(joined.ports.values()))
    _tell(steps, joined.ports.values(), reports)
    meaning = FilterPeople(people_for or request, wanted, joined.people, joined.directory)
    await meaning.find_users(steps.shown)
    listings = {source: port.meetings for source, port in joined.ports.items() if port.meetings is not None}
    walked: list[Walked] = []
    for port in steps.walked:
        meant, errors = await meaning.filter_for([port.source])
        reports.unknown(errors, meant)
        walked.append(Walked(port.source, listings[port.source], meant, listings[port.source], not errors))
    twins = await joined.twins(request)
    lower = [
        LowerSearch(
            request,
            listings,
            port.source,
            plan=steps,
            meaning=meaning,
            twins=twins,
            reports=reports,
            now=joined.now(),
        )
        for port in steps.searched
    ]
    return Search(
        request,
        plan=steps,
        walked=walked,
        lower=lower,
        twins=twins,
        folding=folding,
        reports=reports,
        ahead=ahead,
    )


def _tell(steps: SearchPlan, ports: Iterable[Ports], reports: Reports) -> None:
    """Reports which sources are asked, and why others are not."""
    for port in ports:
        traits = traits_of(port)
        if port.source in steps.skipped and port.source not in steps.together:
            reports.skip(port.source, steps.skipped[port.source])
        elif traits is not None:
            reports.ok(port.source, reaches_back=traits.reaches_back, reaches_ahead=traits.reaches_ahead)
            if port.source in steps.together:
                reports.note(port.source, TOGETHER.format(named(sorted(steps.together, key=RANK.__getitem__))))


def counting_walk(query: MeetingQuery) -> Walk:
    """Along which walk rows are read to be counted: by a time that the filter bounds, the list's own if it does."""
    fields = [query.window.walk.order.field, *OrderField]
    bounded = (
        field for field in fields if (wanted := getattr(query.wanted, field.value, None)) is not None and wanted.bounded
    )
    return Walk(Order(next(bounded, fields[0])))


async def total(request: Request, search: Search, walk: Walk) -> int | None:
    """How many meetings a filter admits in all, each event once; None with the reason in the reports.

    Args:
        request: The request.
        search: The filter.
        walk: Along which walk the rows of a source are read that cannot count them.
    """

    def rows_of(walked: Walked) -> Awaitable[list[Meeting] | None]:
        return _rows_of(search, walked.source, functools.partial(_read, request, search, walked, walk), walked)

    sure = [walked for walked in search.walked if not search.unsure(walked.source)]
    counts, lists = await asyncio.gather(
        asyncio.gather(*(_count_of(request, search, walked) for walked in sure)),
        asyncio.gather(
            *(_rows_of(search, lower.source, lower.rows, lower) for lower in search.lower),
            *(rows_of(walked) for walked in search.walked if search.unsure(walked.source)),
        ),
    )
    by_list = list(zip(sure, counts, strict=True))
    if None in lists or search.reports.any_failed() or any(isinstance(count, GatewayError) for count in counts):
        return None
    lists += await asyncio.gather(*(rows_of(walked) for walked, count in by_list if count is None))
    if None in lists or not all(walked.exact for walked in sure):
        return None
    # A meeting may be brought in by records of two sources, or be read and brought in.
    rows = {meeting_ref(row): row for some in lists for row in some or ()}
    counted = [walked for walked, count in by_list if count is not None]
    known = sum(count for count in counts if isinstance(count, int))
    return known + sum(not _counted(counted, row) for row in rows.values())


async def _count_of(request: Request, search: Search, walked: Walked) -> int | GatewayError | None:
    """How many meetings a source counts; see `count_of`."""
    if walked.wanted.impossible:
        return 0
    return await count_of(request, walked.source, walked.listing, walked.wanted, search.reports)


async def _rows_of(
    search: Search, source: Source, read: Callable[[], Awaitable[list[Meeting] | None]], part: LowerSearch | Walked
) -> list[Meeting] | None:
    """What a source's rows add to the meetings that are counted.

    Args:
        search: The search.
        source: The source.
        read: Reads the rows; None, which is reported, where not all of them can be read.
        part: The part of the search that they are; whether it is exact is known once they were read.
    """
    try:
        rows = await read()
    except GatewayError as error:
        search.reports.partial(source, error, UNKNOWN_TOTAL.format(error.message))
        return None
    if rows is not None and search.unsure(source):
        rows = await _screened(search, source, rows)
    return rows if part.exact else None


async def _screened(search: Search, source: Source, rows: list[Meeting]) -> list[Meeting] | None:
    """Those of the rows whose event no higher source holds; None, with a report, if that is not known."""
    scope = search.plan.scope
    if len(rows) > MAX_SCREENED:
        found = await search.twins.duplicates(rows, scope, MAX_UNITS)
        if found is None:
            search.reports.note(source, TOO_MANY)
            return None
        duplicates, failures = found
        search.reports.unscreened(failures)
        return None if failures else [row for row in rows if meeting_ref(row) not in duplicates]
    failures = await search.twins.screen(rows, scope)
    search.reports.unscreened(failures)
    return None if failures else [row for row in rows if not search.twins.holders(row, scope)]


async def _read(request: Request, search: Search, walked: Walked, walk: Walk) -> list[Meeting] | None:
    """The rows of a source that cannot count them, or whose rows others may hold."""
    if walked.wanted.impossible:
        return []
    lanes = [(walked.source, lane) for lane in walked.alone.lanes(request, walk, walked.wanted)]
    return await rows_to_count(walked.source, lanes, walk, search.reports)


def _counted(counted: Iterable[Walked], row: Meeting) -> bool:
    """Whether a meeting that a twin brought in is one that its own source counts for the filter as well."""
    return any(
        walked.source is row.source and walked.wanted.admits(row) and walked.listing.admits(walked.wanted, row)
        for walked in counted
    )
