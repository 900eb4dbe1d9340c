"""One filter over the sources in one request: its lanes, and which of their rows are to be shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from gateway.catalog.events import Folding, Twins, meeting_ref
from gateway.catalog.lower import LowerSearch
from gateway.catalog.pages import Pages
from gateway.catalog.plan import SearchPlan
from gateway.catalog.reports import Reports
from gateway.model.filters import MeetingFilter
from gateway.model.identity import EventIndex
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.merge import Lane
from gateway.upstream.request import Request

OnCandidates = Callable[[Sequence[Meeting]], None]


class Walkable(Protocol):
    """A source's meetings in order, or one list's part of them; see `MeetingListing`."""

    def lanes(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:
        """The lanes whose union is every meeting that the filter admits along the walk."""
        ...

    async def count(self, request: Request, wanted: MeetingFilter) -> int | None:
        """How many meetings the filter admits."""
        ...

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        """Whether the source's own part of the filter holds on one of its records."""
        ...


class Walked(msgspec.Struct, frozen=True):
    """A source that is walked upstream.

    Attributes:
        source: The source.
        listing: Its listing.
        wanted: The filter as it is meant for that source.
        exact: Whether that is known for certain.
    """

    source: Source
    listing: Walkable
    wanted: MeetingFilter
    exact: bool = True

    def lanes(self, request: Request, walk: Walk) -> list[tuple[Source, Lane[Meeting]]]:
        """Its lanes along a walk; none where nothing can match."""
        if self.wanted.impossible:
            return []
        return [(self.source, lane) for lane in self.listing.lanes(request, walk, self.wanted)]


class Search:
    """A filter's answer: its lanes, and the screen that their rows pass; see `pages.Screen`.

    Args:
        request: The request.
        plan: How the filter is answered.
        walked: The sources that are walked upstream.
        lower: The searches of those that are looked through.
        twins: Who holds which event.
        folding: Folds what is shown.
        reports: Where trouble is told.
        on_candidates: Told of rows before they are screened, where that would be one wave too many, so that what they
            need can load meanwhile.

    Attributes:
        pages: The pages of the list.
    """

    def __init__(
        self,
        request: Request,
        *,
        plan: SearchPlan,
        walked: Sequence[Walked],
        lower: Sequence[LowerSearch],
        twins: Twins,
        folding: Folding,
        reports: Reports,
        on_candidates: OnCandidates | None = None,
    ) -> None:
        self.plan = plan
        self.walked = walked
        self.lower = lower
        self.twins = twins
        self.reports = reports
        self._request = request
        self._folding = folding
        self._on_candidates = on_candidates
        self._in_memory = frozenset(search.source for search in lower if search.in_memory)
        self.pages: Pages[Meeting] = Pages(self.lanes, reports, self)

    def lanes(self, walk: Walk) -> list[tuple[Source, Lane[Meeting]]]:
        """Every lane along a walk, with the source it reads."""
        lanes = [lane for walked in self.walked for lane in walked.lanes(self._request, walk)]
        return lanes + [(search.source, search.lane(walk)) for search in self.lower]

    def unsure(self, source: Source) -> bool:
        """Whether a source's rows may still turn out to be held by a higher one."""
        if self.plan.by_links and source in self._in_memory:
            return False  # all of them were screened before one is shown
        return any(other in self.plan.scope for other in self.twins.above(source))

    async def shown(
        self,
        rows: Sequence[Meeting],
        read: Sequence[Meeting],
        following: Sequence[Meeting],
        *,
        for_page: bool,
        late: bool,
    ) -> list[Meeting]:
        """The rows without those whose event a higher source holds; see `Screen.shown`.

        What was read needs no call. Where reading took more than one wave, what the rows need had better load
        meanwhile; rows that come next fill up the call.
        """
        unsure = any(map(self.unsure, {row.source for row in rows}))
        if not unsure and (self.plan.by_links or not self._in_memory):
            return list(rows)
        held = await self._held(rows, read)
        waiting = self._waiting(rows, held)
        if waiting and for_page and late and self._on_candidates is not None:
            self._on_candidates(waiting)
        if for_page:
            waiting += self._folding.unverified(rows)
        if waiting:
            next_ones = self._ahead(following, held) if for_page else iter(())
            fitting = self.twins.fitting(waiting, next_ones, self.plan.scope)
            self.reports.unscreened(await self.twins.screen([*waiting, *fitting], self.plan.scope))
        return [row for row in rows if meeting_ref(row) not in held and not self.twins.holders(row, self.plan.scope)]

    async def _held(self, rows: Sequence[Meeting], read: Sequence[Meeting]) -> set[Ref]:
        """The rows that are known to be held by one that was read."""
        await self.twins.seek(read, self._in_memory)  # what is in memory costs no call; its failures are its lane's
        held = {meeting_ref(twin) for row in read for twin in self.twins.near(row)}
        for source in {row.source for row in rows} - self._in_memory:
            if self.unsure(source):
                index = EventIndex(row for row in rows if row.source is source)
                higher = (row for row in read if row.source in self.twins.above(source))
                held |= {meeting_ref(twin) for row in higher for twin in index.of(row)}
        return held

    def _waiting(self, rows: Sequence[Meeting], held: Collection[Ref]) -> list[Meeting]:
        """Those of the rows that have to be looked up before it is known whether they are shown."""
        return [
            row
            for row in rows
            if self.unsure(row.source) and meeting_ref(row) not in held and not self.twins.known(row, self.plan.scope)
        ]

    def _ahead(self, following: Iterable[Meeting], held: Collection[Ref]) -> Iterator[Meeting]:
        """What has to be looked up should the page, once twins are dropped, reach into the rows that follow."""
        for row in following:
            yield from self._waiting([row], held)
            yield from self._folding.unverified([row])
