"""One list's answer on its way: the filter understood, its rows read, folded, and what became of the sources told."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping

import msgspec

from gateway.catalog.directory import Directory
from gateway.catalog.folding import Folding
from gateway.catalog.pages import EMPTY, ListPage, ListQuery, no_rows
from gateway.catalog.people import People
from gateway.catalog.plan import Plan, named, plan, traits_of
from gateway.catalog.reports import Reports
from gateway.catalog.resolve import Meaning
from gateway.catalog.search import OnCandidates, Search, Walked
from gateway.catalog.totals import total
from gateway.catalog.twins import Twins, twins_of
from gateway.catalog.window_search import WindowSearch
from gateway.model.filters import MeetingFilter
from gateway.model.order import RANK, moment
from gateway.model.records import Meeting, Source
from gateway.paging.window import Page
from gateway.sources.base import Ports
from gateway.upstream.request import Clock, Request


class MeetingQuery(ListQuery[MeetingFilter], frozen=True, kw_only=True):
    """What is asked of a list of meetings."""

    wanted: MeetingFilter = MeetingFilter()


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


class Answer:
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
    listings: list[Walked] = []
    for port in steps.listings:
        meant, errors = await meaning.filter_for([port.source])
        reports.unknown(errors, meant)
        if port.listing is not None:
            listings.append(Walked(port.source, port.listing, meant, not errors))
    twins = await joined.twins(request)
    windows = [
        WindowSearch(
            request,
            joined.ports,
            port.source,
            plan=steps,
            meaning=meaning,
            twins=twins,
            reports=reports,
            now=joined.now(),
        )
        for port in steps.windows
    ]
    return Search(
        request,
        plan=steps,
        listings=listings,
        windows=windows,
        twins=twins,
        folding=folding,
        reports=reports,
        on_candidates=on_candidates,
    )


def _tell(steps: Plan, ports: Iterable[Ports], reports: Reports) -> None:
    """Reports which sources are asked, and why others are not."""
    for port in ports:
        traits = traits_of(port)
        if port.source in steps.skipped and port.source not in steps.together:
            reports.skip(port.source, steps.skipped[port.source])
        elif traits is not None:
            reports.ok(port.source, reaches_back=traits.reaches_back)
            if port.source in steps.together:
                reports.note(port.source, TOGETHER.format(named(sorted(steps.together, key=RANK.__getitem__))))
