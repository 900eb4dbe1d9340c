"""One list's answer on its way: the filter understood, its rows read, folded, and what became of the sources told."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from gateway.catalog.directory import Directory
from gateway.catalog.events import Folding, Twins, meeting_ref, twins_of
from gateway.catalog.lower import LowerSearch
from gateway.catalog.pages import EMPTY, UNCOUNTED, UNKNOWN_TOTAL, ListPage, ListQuery, Stretch, count_of, no_rows
from gateway.catalog.people import People
from gateway.catalog.plan import Meaning, SearchPlan, named, plan, traits_of
from gateway.catalog.reports import Reports
from gateway.catalog.search import OnCandidates, Search, Walked
from gateway.errors import GatewayError
from gateway.model.filters import MeetingFilter
from gateway.model.order import RANK, Walk, moment
from gateway.model.records import Meeting, Source
from gateway.paging.window import Page
from gateway.sources.base import Ports
from gateway.upstream.request import Clock, Request


class MeetingQuery(ListQuery[MeetingFilter], frozen=True, kw_only=True):
    """What is asked of a list of meetings."""

    wanted: MeetingFilter = MeetingFilter()


MOST_SCREENED = 500
"""Rows of a source that a total screens at the most: five or more calls upstream."""

TOO_MANY = f"totalCount is null: more than {MOST_SCREENED} rows would have to be looked up in another source."
TOGETHER = "Only events that are in each of these sources are shown: {}."


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

    async def twins(self, request: Request) -> Twins:
        """The request's own `Twins`."""
        return await twins_of(request, list(self.ports.values()), self.directory)

    def reports(self, request: Request) -> Reports:
        """Reports with nothing told yet."""
        return Reports(self.now(), request.freshness)


class MeetingAnswer:
    """One list's answer. What it does not raise is told in its reports.

    Args:
        joined: The sources.
        request: The request.
        query: What is asked.
        twins: Who holds which event.
        on_candidates: See `Search`.

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
        on_candidates: OnCandidates | None = None,
    ) -> None:
        self.query = query
        self.folding = Folding(twins, query.fields)
        self._joined = joined
        self._request = request
        self._twins = twins
        self._on_candidates = on_candidates
        self._reports = joined.reports(request)
        self._behind = False
        self._total: int | None = None

    async def begin(self) -> None:
        """Finds out whom the filter means."""
        self.search = await search_of(
            self._joined, self._request, self.query.wanted, self.folding, self._reports, self._on_candidates
        )

    async def read(self) -> None:
        """Reads the page, unfolded, with its flags and the total."""
        self.page, self._behind, self._total = await self.search.pages.answer(
            self.query, lambda: total(self._request, self.search)
        )

    async def finish(self) -> ListPage[Meeting]:
        """The page, folded.

        Raises:
            UpstreamError: No source that was asked answered.
            DeadlineExceeded: Likewise, for the request's time is up.
        """
        rows = await self.folding.fold(self.page.rows)
        self._tell()
        self._reports.raise_if_all_failed()
        page = msgspec.structs.replace(self.page, rows=rows)
        return ListPage(page=page, behind=self._behind, total=self._total, reports=self._reports.all())

    def empty(self) -> ListPage[Meeting]:
        """The answer where nothing can match: nobody is asked."""
        for port in self._joined.ports.values():
            if traits_of(port) is not None:
                self._reports.skip(port.source, EMPTY)
        return no_rows(self.query, self._reports)

    def _tell(self) -> None:
        """Reports what stood in the way of telling records apart."""
        reports = self._reports
        for source, error in (self.folding.unread | self._twins.errors).items():
            if not reports.failed(source):
                reports.partial(source, error)
        reports.unscreened(self.folding.unscreened)
        for source, answers in self._twins.answers.items():
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
    on_candidates: OnCandidates | None = None,
) -> Search:
    """The filter over the sources that can meet it."""
    steps = plan(wanted, list(joined.ports.values()))
    _tell(steps, joined.ports.values(), reports)
    meaning = Meaning(request, wanted, joined.people, joined.directory)
    await meaning.find_users(steps.shown)
    listings = {source: port.meetings for source, port in joined.ports.items() if port.meetings is not None}
    walked: list[Walked] = []
    for port in steps.walked:
        meant, errors = await meaning.filter_for([port.source])
        reports.unknown(errors, meant)
        walked.append(Walked(port.source, listings[port.source], meant, not errors))
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
        on_candidates=on_candidates,
    )


def _tell(steps: SearchPlan, ports: Iterable[Ports], reports: Reports) -> None:
    """Reports which sources are asked, and why others are not."""
    for port in ports:
        traits = traits_of(port)
        if port.source in steps.skipped and port.source not in steps.together:
            reports.skip(port.source, steps.skipped[port.source])
        elif traits is not None:
            reports.ok(port.source, reaches_back=traits.reaches_back)
            if port.source in steps.together:
                reports.note(port.source, TOGETHER.format(named(sorted(steps.together, key=RANK.__getitem__))))


async def total(request: Request, search: Search) -> int | None:
    """How many meetings a filter admits in all, each event once; None with the reason in the reports."""
    counted = [walked for walked in search.walked if not search.unsure(walked.source)]
    others = [walked for walked in search.walked if search.unsure(walked.source)]
    counts = await asyncio.gather(*(_count_of(request, search, walked) for walked in counted))
    lists = await asyncio.gather(
        *(_rows_of(search, lower.source, lower.rows, lower) for lower in search.lower),
        *(_rows_of(search, walked.source, functools.partial(_read, request, walked), walked) for walked in others),
    )
    if None in counts or None in lists or search.reports.any_failed():
        return None
    # A meeting may be brought in by records of two sources.
    rows = {meeting_ref(row): row for some in lists for row in some or ()}
    return sum(count or 0 for count in counts) + sum(not _counted(search, counted, row) for row in rows.values())


async def _count_of(request: Request, search: Search, walked: Walked) -> int | None:
    """How many meetings a source counts."""
    if walked.wanted.impossible:
        return 0
    count = await count_of(request, walked.source, walked.listing, walked.wanted, search.reports)
    return count if walked.exact else None


async def _rows_of(
    search: Search, source: Source, read: Callable[[], Awaitable[list[Meeting] | None]], part: LowerSearch | Walked
) -> list[Meeting] | None:
    """What a source's rows add to the meetings that are counted.

    Args:
        search: The search.
        source: The source.
        read: Reads the rows; None where not all of them can be read.
        part: The part of the search that they are; whether it is exact is known once they were read.
    """
    try:
        rows = await read()
    except GatewayError as error:
        search.reports.partial(source, error, UNKNOWN_TOTAL.format(error.message))
        return None
    if rows is None:
        search.reports.note(source, UNCOUNTED)
        return None
    if search.unsure(source):
        if len(rows) > MOST_SCREENED:
            search.reports.note(source, TOO_MANY)
            return None
        failures = await search.twins.screen(rows, search.plan.scope)
        search.reports.unscreened(failures)
        if failures:
            return None
        rows = [row for row in rows if not search.twins.holders(row, search.plan.scope)]
    return rows if part.exact else None


async def _read(request: Request, walked: Walked) -> list[Meeting] | None:
    """The rows of a source whose rows others may hold: one more than are screened tells that there are too many."""
    walk = Walk()
    stretch = Stretch(walked.lanes(request, walk), walk)
    rows = await stretch.take(MOST_SCREENED + 1)
    for error, _ in stretch.errors().values():
        raise error
    return rows if len(rows) > MOST_SCREENED or stretch.whole else None


def _counted(search: Search, counted: Iterable[Walked], row: Meeting) -> bool:
    """Whether a meeting that a twin brought in is one that its own source counts for the filter as well."""
    holders = (holder for twin in row.twins for holder in search.twins.holders(twin))
    own = next((holder for holder in holders if meeting_ref(holder) == meeting_ref(row)), row)
    return any(
        walked.source is row.source and walked.wanted.admits(own) and walked.listing.admits(walked.wanted, own)
        for walked in counted
    )
