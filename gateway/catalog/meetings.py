"""Meetings of every source as one ordered list, each event once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gateway.catalog.directory import Directory
from gateway.catalog.folding import Folding
from gateway.catalog.people import People
from gateway.catalog.plan import plan, traits_of
from gateway.catalog.reports import Reports, SourceReport
from gateway.catalog.resolve import Meaning
from gateway.catalog.search import OnCandidates, Search, Walked
from gateway.catalog.totals import total
from gateway.catalog.twins import Twins, meeting_ref, twins_of
from gateway.catalog.window_search import WindowSearch
from gateway.catalog.windows import held
from gateway.errors import GatewayError
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import RANK, Walk, id_key, moment
from gateway.model.records import Meeting, Ref
from gateway.paging.window import Page, Window
from gateway.sources.base import Found, Ports
from gateway.upstream.request import Clock, Request

T = TypeVar("T")


class MeetingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a list of meetings.

    Attributes:
        window: Walk and count.
        wanted: The filter.
        fields: Names of the fields of `Meeting` that are selected, on any meeting of the list.
        rows: Whether rows, page flags or reports are selected at all.
        ahead: Whether the page flag that the walk faces is selected.
        behind: Whether the other one is.
        total: Whether the total is.
    """

    window: Window
    wanted: MeetingFilter = MeetingFilter()
    fields: frozenset[str] = frozenset()
    rows: bool = True
    ahead: bool = True
    behind: bool = False
    total: bool = False


class MeetingPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of meetings, and what became of the sources.

    Attributes:
        behind: Whether rows lie on the side that the walk came from; False where nobody asked.
        total: How many there are in all; None where that cannot be told, or nobody asked.
    """

    page: Page[Meeting]
    behind: bool = False
    total: int | None = None
    reports: list[SourceReport]


NOTHING: Page[Meeting] = Page(rows=[], start=None, end=None, ahead=False)
EMPTY = "An empty list in the filter matches nothing."


class Meetings:
    """The meetings of every source.

    Args:
        ports: The sources, in order of rank.
        people: Their people.
        directory: Their users.
        clock: Where time comes from.
    """

    def __init__(self, ports: Sequence[Ports], people: People, directory: Directory, clock: Clock) -> None:
        self._ports = {port.source: port for port in ports}
        self._people = people
        self._directory = directory
        self._clock = clock

    async def page(
        self, request: Request, query: MeetingQuery, on_candidates: OnCandidates | None = None
    ) -> MeetingPage:
        """A page of the list.

        Raises:
            UpstreamError: No source that was asked answered.
            DeadlineExceeded: Likewise, for the request's time is up.
        """
        reports = self._reports(request)
        if query.wanted.impossible:
            for port in self._ports.values():
                if traits_of(port) is not None:
                    reports.skip(port.source, EMPTY)
            return MeetingPage(page=NOTHING, total=0 if query.total else None, reports=reports.all())
        folding = Folding(await self._twins(request), query.fields)
        search = await self._search(request, query.wanted, folding, reports, on_candidates)
        window = query.window
        page, behind, count = await asyncio.gather(
            search.page(window, ahead=query.ahead) if query.rows else _given(NOTHING),
            search.behind(window.walk) if query.behind else _given(False),
            total(request, search) if query.total else _given(None),
        )
        page = msgspec.structs.replace(page, rows=await folding.fold(page.rows))
        await self._tell(request, reports, folding)
        reports.raise_if_all_failed()
        return MeetingPage(page=page, behind=behind, total=count, reports=reports.all())

    async def by_refs(
        self, request: Request, refs: Sequence[Ref], fields: frozenset[str] = frozenset()
    ) -> dict[Ref, Meeting | GatewayError | None]:
        """The meetings that references name; a folded record's names the meeting that holds it."""
        twins = await self._twins(request)
        answers = await asyncio.gather(
            *(
                self._of_source(request, port, [ref for ref in refs if ref.source is port.source], twins)
                for port in self._ports.values()
                if any(ref.source is port.source for ref in refs)
            )
        )
        found = {ref: answer for part in answers for ref, answer in part.items()}
        rows = {meeting_ref(row): row for row in found.values() if isinstance(row, Meeting)}
        folding = Folding(twins, fields)
        folded = dict(zip(rows, await folding.fold(list(rows.values()), mark=True), strict=True))
        return {
            ref: folded[meeting_ref(answer)] if isinstance(answer, Meeting) else answer
            for ref in refs
            for answer in (found.get(ref),)
        }

    async def by_calendar_event(self, request: Request, event_id: str, fields: frozenset[str]) -> Meeting | None:
        """The meeting of a calendar event: the first source's record of the lowest id.

        Raises:
            UpstreamError: A source that might hold it did not answer.
            DeadlineExceeded: Likewise.
        """
        wanted = MeetingFilter(calendar_event_ids=frozenset({event_id}), canceled=Canceled.INCLUDE)
        reports = self._reports(request)
        folding = Folding(await self._twins(request), fields)
        search = await self._search(request, wanted, folding, reports, None)
        page = await search.page(Window(Walk(), MOST_OF_AN_EVENT), ahead=False)
        best = min(page.rows, key=lambda row: (RANK[row.source], id_key(row.source_id)), default=None)
        for source in self._ports:
            error = reports.error_of(source)
            if error is not None and (best is None or RANK[source] <= RANK[best.source]):
                raise error
        return None if best is None else (await folding.fold([best], mark=True))[0]

    async def _search(
        self,
        request: Request,
        wanted: MeetingFilter,
        folding: Folding,
        reports: Reports,
        on_candidates: OnCandidates | None,
    ) -> Search:
        """The filter over the sources that can meet it."""
        steps = plan(wanted, list(self._ports.values()))
        for port in self._ports.values():
            traits = traits_of(port)
            if port.source in steps.skipped:
                reports.skip(port.source, steps.skipped[port.source])
            elif traits is not None:
                reports.ok(port.source, reaches_back=traits.reaches_back)
        meaning = Meaning(request, wanted, self._people, self._directory)
        await meaning.find_users(steps.shown)
        listings: list[Walked] = []
        for port in steps.listings:
            meant, errors = await meaning.filter_for([port.source])
            reports.unknown(errors, meant)
            if port.listing is not None:
                listings.append(Walked(port.source, port.listing, meant, not errors))
        twins = await self._twins(request)
        windows = [
            WindowSearch(
                request,
                self._ports,
                port.source,
                plan=steps,
                meaning=meaning,
                twins=twins,
                reports=reports,
                now=self._now(),
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

    async def _of_source(
        self, request: Request, port: Ports, refs: Sequence[Ref], twins: Twins
    ) -> dict[Ref, Meeting | GatewayError | None]:
        """The meetings that one source's references name: its own, or those that hold them."""
        try:
            if port.listing is not None:
                found = await port.listing.by_ids(request, [ref.id for ref in refs])
            elif port.window is not None:
                found = (await held(request, port)).found
            else:
                found = Found(rows=[])
        except GatewayError as error:
            return dict.fromkeys(refs, error)
        by_id = {row.source_id: row for row in found.rows}
        rows = {ref: by_id[ref.id] for ref in refs if ref.id in by_id}
        failures = await twins.screen(rows.values())
        answers: dict[Ref, Meeting | GatewayError | None] = {ref: found.failures.get(ref.id) for ref in refs}
        for ref, row in rows.items():
            unknown = None if twins.known(row) else next(iter(failures.values()), None)
            answers[ref] = unknown or await twins.target(row) or row
        return answers

    async def _tell(self, request: Request, reports: Reports, folding: Folding) -> None:
        """Reports what stood in the way of telling records apart."""
        twins = await self._twins(request)
        for source, error in (folding.unread | twins.errors).items():
            if not reports.failed(source):
                reports.partial(source, error)
        reports.unscreened(folding.unscreened)
        for source, answers in twins.answers.items():
            for answer in answers:
                reports.problems(source, answer.problems)
                if answer.incomplete is not None:
                    reports.incomplete(source, answer.incomplete)

    async def _twins(self, request: Request) -> Twins:
        return await twins_of(request, list(self._ports.values()), self._directory)

    def _reports(self, request: Request) -> Reports:
        return Reports(self._now(), request.freshness)

    def _now(self) -> dt.datetime:
        return moment(int(self._clock.time() * 1_000_000))


MOST_OF_AN_EVENT = 100
"""Records of one calendar event that are looked through for the first."""


async def _given(value: T) -> T:
    return value
