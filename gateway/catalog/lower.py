"""What of a source a filter admits where its rows are looked through, and which meetings of higher ones they bring in.

A source in memory is looked through in any case. One that is not is so only where links decide, for the meetings that
its rows bring in: its own rows are walked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from gateway.catalog.events import Twins, meeting_ref
from gateway.catalog.pages import Stretch
from gateway.catalog.plan import FilterPeople, SearchPlan, out_of_reach
from gateway.catalog.reports import Reports
from gateway.errors import GatewayError
from gateway.model.conditions import TimeRange, conditions_of
from gateway.model.filters import LINKS, Canceled, MeetingFilter
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.memory import DeferredLane, MemoryLane, Snapshot
from gateway.paging.merge import Lane
from gateway.request import Request
from gateway.sources.base import MeetingListing

MAX_BROUGHT = 500
"""Rows of a source that is not in memory that are looked through at most, for what they may bring in."""

EVERYTHING = 1_000_000
"""More rows than any source holds in memory."""


class LowerSearch:
    """One filter over one source that is looked through, in one request.

    Args:
        request: The request.
        listings: The meetings of every source.
        source: The one that is looked through.
        plan: How the filter is answered.
        meaning: The filter.
        twins: Who holds which event.
        reports: Where failures are reported.
        now: The time of the request.

    Attributes:
        in_memory: Whether its own rows are found here as well, and not walked.
        exact: Whether nothing has stood in the way of finding everything.
        beforehand: Done before candidates are screened: the look-ups of several searches in one.
    """

    def __init__(
        self,
        request: Request,
        listings: Mapping[Source, MeetingListing],
        source: Source,
        *,
        plan: SearchPlan,
        meaning: FilterPeople,
        twins: Twins,
        reports: Reports,
        now: dt.datetime,
    ) -> None:
        self.source = source
        self.in_memory = listings[source].traits.in_memory
        self.exact = True
        self.beforehand: Callable[[], Awaitable[None]] = nothing
        self._request = request
        self._listings = listings
        self._listing = listings[source]
        self._plan = plan
        self._meaning = meaning
        self._twins = twins
        self._reports = reports
        self._now = now

    def lane(self, walk: Walk) -> Lane[Meeting]:
        """The rows as a lane; nothing is asked before it is read."""

        async def open_lane() -> Lane[Meeting]:
            if self._plan.by_links:
                return MemoryLane(Snapshot(await self.rows()), walk, admits=lambda _: True)
            return await self._own(walk)

        return DeferredLane(open_lane)

    async def rows(self) -> list[Meeting]:
        """The rows that the filter admits, and the meetings that they bring in, in no order.

        Where the links decide they are screened already, else each may still turn out to be a twin.

        Raises:
            UpstreamError: The source could not be read.
            DeadlineExceeded: Likewise.
        """
        return await self._request.once((self, "rows"), self._find)

    async def candidates(self) -> list[Meeting]:
        """The rows to be screened before it is known which meetings they bring in; none where no links decide.

        Raises:
            UpstreamError: The source could not be read.
            DeadlineExceeded: Likewise.
        """
        return await self._request.once((self, "candidates"), self._touching) if self._plan.by_links else []

    async def siblings(self) -> list[Meeting]:
        """All twins of those that hold the candidates, or hold one that does, which are screened already."""
        holders: dict[Ref, Meeting] = {}
        waiting = await self.candidates()
        while waiting:
            above = {meeting_ref(h): h for row in waiting for h in self._twins.holders(row, self._plan.scope)}
            waiting = [holder for ref, holder in above.items() if ref not in holders]
            holders |= above
        await self._seek(holders.values())
        return [twin for holder in holders.values() for twin in self._twins.near(holder)]

    async def _find(self) -> list[Meeting]:
        try:
            if not self._plan.by_links:
                return await self._take([await self._own(Walk())])
            candidates = await self.candidates()
            await self.beforehand()
            await self._screen(candidates, self._plan.scope)
            await self._screen(await self.siblings(), None)
            return await self._by_links(candidates)
        except GatewayError:
            self.exact = False
            raise
        finally:
            if self._plan.by_links and not self.exact:
                self._reports.unbrought(self.source, self._plan.listed | self._plan.together)

    async def _own(self, walk: Walk) -> Lane[Meeting]:
        """The source's own rows along a walk, where no links decide."""
        if out_of_reach(self._meaning.wanted, self._listing.traits, self._now):
            return MemoryLane(Snapshot[Meeting](()), walk, admits=lambda _: True)
        (lane,) = self._listing.lanes(self._request, walk, await self._meant())
        return lane

    async def _touching(self) -> list[Meeting]:
        wanted = await self._meant()
        lanes = [lane for part in self._parts(wanted) for lane in self._listing.lanes(self._request, Walk(), part)]
        return await self._take(lanes)

    def _parts(self, wanted: MeetingFilter) -> Iterator[MeetingFilter]:
        """Filters of one condition each, by any of which a row may meet part of the filter."""
        near = self._listing.traits.near
        start = None if near is None else widened(wanted.starts, near)
        own = MeetingFilter(canceled=Canceled.INCLUDE, start_time=start, own=wanted.own)
        if self.source in wanted.own:
            yield own
            return
        lacks = self._listing.traits.lacks(MeetingFilter)
        given = {name: values for name, _, values in wanted.given() if name in LINKS and name not in lacks}
        # A record may come along several lanes; the first stays, and so has to be one that bears what takes calls.
        for name in sorted(given, key=self._without_details):
            yield msgspec.structs.replace(own, **{name: given[name]})

    def _without_details(self, name: str) -> int:
        """How little of what takes calls of its own a record bears that is found by a condition."""
        details = self._twins.details.get(self.source)
        if details is None or details.fields.isdisjoint(conditions_of(MeetingFilter)[name].about):
            return 2
        return int(name != "persons")

    async def _take(self, lanes: Sequence[Lane[Meeting]]) -> list[Meeting]:
        """The rows of some lanes, as far as they are looked through; what is missing of them is reported."""
        if self.in_memory:
            found = [row for lane in lanes for row in await self._all(lane)]
            return found if len(lanes) == 1 else list({meeting_ref(row): row for row in found}.values())
        stretch = Stretch([(self.source, lane) for lane in lanes], Walk())
        rows = await stretch.take(MAX_BROUGHT)
        for error, nothing_read in stretch.errors().values():
            if nothing_read:
                raise error
        stretch.report(self._reports)
        self.exact = self.exact and len(rows) < MAX_BROUGHT and stretch.whole
        return rows

    async def _all(self, lane: Lane[Meeting]) -> list[Meeting]:
        """All rows of a lane in memory, which take no merging."""
        rows: list[Meeting] = []
        done = False
        while not done:
            chunk = await lane.read(EVERYTHING)
            rows += chunk.rows
            done = chunk.done or chunk.paused
            self._reports.problems(self.source, chunk.problems)
            if chunk.incomplete is not None:
                self._reports.incomplete(self.source, chunk.incomplete)
            whole = chunk.incomplete is None and not any(problem.lost for problem in chunk.problems)
            self.exact = self.exact and whole and not chunk.paused
        return rows

    async def _by_links(self, candidates: Sequence[Meeting]) -> list[Meeting]:
        """The rows that nobody holds, and those that hold the others, as far as the filter admits them whole."""
        wanted = await self._meant()
        found: list[Meeting] = []
        holders: dict[Ref, Meeting] = {}
        for row in candidates:
            if self._twins.holders(row, self._plan.scope):
                target = await self._twins.target(row)
                if target is not None and target.source in self._plan.scope:
                    holders[meeting_ref(target)] = target
            elif self.in_memory and self.source not in self._plan.skipped and wanted.admits(row):
                found.append(row)
        await self._seek(holders.values())
        known = {meeting_ref(row): row for row in candidates}
        for target in holders.values():
            if not all(map(self._twins.known, self._twins.near(target))):
                continue  # what it would show is unknown; the screening that failed is reported
            whole = await self._twins.whole(target, known)
            self.exact = self.exact and not self._twins.errors
            if await self._admits(whole):
                found.append(target)  # as it was read: what it shows of its twins says nothing of its own event
        return found

    async def _seek(self, rows: Iterable[Meeting]) -> None:
        for source, error in (await self._twins.seek(rows)).items():
            self.exact = False
            self._reports.partial(source, error)

    async def _screen(self, rows: Iterable[Meeting], scope: Collection[Source] | None) -> None:
        failures = await self._twins.screen(rows, scope)
        self._reports.unscreened(failures)
        self.exact = self.exact and not failures

    async def _admits(self, whole: Meeting) -> bool:
        """Whether the filter admits a folded meeting: each source's own conditions on its own (newest) record."""
        newest = {row.source: row for row in (*reversed(whole.twins), whole)}
        wanted = await self._wanted(list(newest))
        for source in wanted.own:
            listing, row = self._listings.get(source), newest.get(source)
            if listing is None or row is None or not listing.admits(wanted, row):
                return False
        return wanted.admits(whole)

    async def _meant(self) -> MeetingFilter:
        """The filter as it is meant for the source's own rows; people are looked up only where one could be meant."""

        async def find() -> MeetingFilter:
            people = await self._listing.has_people(self._request, self._meaning.wanted)
            return await self._wanted([self.source], people=people)

        return await self._request.once((self, "meant"), find)

    async def _wanted(self, sources: Collection[Source], *, people: bool = True) -> MeetingFilter:
        wanted, errors = await self._meaning.filter_for(sources, people=people)
        self._reports.unknown(errors, wanted)
        self.exact = self.exact and not errors
        return wanted


def widened(spans: Iterable[TimeRange], by: dt.timedelta) -> TimeRange | None:
    """What lies within all of some ranges, with so much more at either end; None where that is open at both."""
    every = list(spans)
    firsts = [_shifted(each, -by) for span in every for each in (span.gt, span.gte) if each is not None]
    lasts = [_shifted(each, by) for span in every for each in (span.lt, span.lte) if each is not None]
    return TimeRange(gte=max(firsts, default=None), lte=min(lasts, default=None)) if firsts or lasts else None


def _shifted(moment: dt.datetime, by: dt.timedelta) -> dt.datetime:
    """A moment so much later; the moment itself at either end of all time."""
    try:
        return moment + by
    except OverflowError:
        return moment


async def nothing() -> None:
    """What is done beforehand for a search that stands alone."""
