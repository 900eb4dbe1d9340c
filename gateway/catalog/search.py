"""One filter over the sources in one request: its lanes, and which of their rows are to be shown."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from gateway.catalog.events import Folding, ReadAhead, Twins, meeting_ref
from gateway.catalog.lower import LowerSearch
from gateway.catalog.pages import Pages
from gateway.catalog.plan import SearchPlan
from gateway.catalog.reports import Reports
from gateway.model.filters import MeetingFilter
from gateway.model.identity import EventIndex, has_event
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.merge import Lane
from gateway.request import Request


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
        alone: The source's listing, where `listing` is one list's part of it.
    """

    source: Source
    listing: Walkable
    wanted: MeetingFilter
    alone: Walkable
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
        reports: Where failures are reported.
        ahead: Given rows before they are screened, where waiting for what they need would be one wave too many.

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
        ahead: ReadAhead | None = None,
    ) -> None:
        self.plan = plan
        self.walked = walked
        self.lower = lower
        self.twins = twins
        self.reports = reports
        self._request = request
        self._folding = folding
        self._read_ahead = ahead
        self._in_memory = frozenset(search.source for search in lower if search.in_memory)
        # Looking for twins there row by row takes no more calls than for all rows at once.
        self._whole = twins.read_whole
        self.pages: Pages[Meeting] = Pages(self.lanes, reports, self)

    def lanes(self, walk: Walk) -> list[tuple[Source, Lane[Meeting]]]:
        """Every lane along a walk, with the source it reads."""
        lanes = [lane for walked in self.walked for lane in walked.lanes(self._request, walk)]
        return lanes + [(search.source, search.lane(walk)) for search in self.lower]

    def unsure(self, source: Source) -> bool:
        """Whether a source's rows may still turn out to be duplicates of a higher one's."""
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
        duplicates = await self._duplicates(rows, read)
        waiting = self._waiting(rows, duplicates)
        if not for_page:
            await self._look_up(waiting, ())
        else:
            pending = {meeting_ref(row) for row in waiting}
            likely = [row for row in rows if meeting_ref(row) not in duplicates]
            await self._folding.seek((row for row in likely if meeting_ref(row) not in pending), self._whole)
            self._load_ahead(likely, late=late)
            waiting += self._folding.unverified(likely)
            screening = self._look_up(waiting, self._ahead(following, duplicates))
            await asyncio.gather(screening, *([self._folding.seek(likely, self._whole)] if waiting else ()))
        shown = [
            row for row in rows if meeting_ref(row) not in duplicates and not self.twins.holders(row, self.plan.scope)
        ]
        if for_page:
            self._folding.begin(shown)
        return shown

    async def _look_up(self, waiting: Sequence[Meeting], following: Iterable[Meeting]) -> None:
        """Screens rows, and with them those of the following that fit into the call."""
        if waiting:
            fitting = self.twins.fitting(waiting, following, self.plan.scope)
            self.reports.unscreened(await self.twins.screen([*waiting, *fitting], self.plan.scope))

    def _load_ahead(self, rows: Sequence[Meeting], *, late: bool) -> None:
        """Begins to load what rows need that will probably be shown, where the answer would have to wait for it."""
        self._folding.begin(row for row in rows if not has_event(row))  # nobody holds these
        if self._read_ahead is not None and (late or any(map(self._folding.detailed, rows))):
            near = (twin for row in rows if row.person is None for twin in self.twins.near(row))
            self._read_ahead.candidates([*(row for row in rows if self.unsure(row.source)), *near])

    async def _duplicates(self, rows: Sequence[Meeting], read: Sequence[Meeting]) -> set[Ref]:
        """The rows that are known to be duplicates of one that was read."""
        await self.twins.seek(read, self._in_memory)  # what is in memory costs no call; its failures are its lane's
        duplicates = {meeting_ref(twin) for row in read for twin in self.twins.near(row)}
        for source in {row.source for row in rows} - self._in_memory:
            if self.unsure(source):
                index = EventIndex(row for row in rows if row.source is source)
                higher = (row for row in read if row.source in self.twins.above(source))
                duplicates |= {meeting_ref(twin) for row in higher for twin in index.of(row)}
        return duplicates

    def _waiting(self, rows: Sequence[Meeting], duplicates: Collection[Ref]) -> list[Meeting]:
        """Those of the rows that have to be looked up before it is known whether they are shown."""
        return [
            row
            for row in rows
            if self.unsure(row.source)
            and meeting_ref(row) not in duplicates
            and not self.twins.known(row, self.plan.scope)
        ]

    def _ahead(self, following: Iterable[Meeting], duplicates: Collection[Ref]) -> Iterator[Meeting]:
        """What has to be looked up should the page, once twins are dropped, reach into the rows that follow."""
        for row in following:
            yield from self._waiting([row], duplicates)
            yield from self._folding.unverified([row])
