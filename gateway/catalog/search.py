"""One filter over the sources in one request: its lanes, and which of their rows are to be shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Protocol
from urllib.parse import urlencode

import msgspec

from gateway.catalog.folding import Folding
from gateway.catalog.pages import Pages
from gateway.catalog.plan import Plan
from gateway.catalog.reports import Reports
from gateway.catalog.twins import Twins, meeting_ref
from gateway.catalog.window_search import WindowSearch
from gateway.catalog.windows import Held
from gateway.model.filters import MeetingFilter
from gateway.model.identity import derived_uid
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.merge import Lane
from gateway.upstream.request import Request

OnCandidates = Callable[[Sequence[Meeting]], None]

SCREEN_VALUES = 100
SCREEN_CHARS = 5600
"""Values, and characters of URL, that a screening is filled up to with the events that come next anyway: few enough to
fit the call that is made in any case."""


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
    """A source that is walked.

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


class Search:
    """A filter's answer.

    Args:
        request: The request.
        plan: How the filter is answered.
        listings: The sources that are walked.
        windows: The searches of the windows that are looked through.
        twins: Who holds which event.
        folding: Folds what is shown.
        reports: Where trouble is told.
        on_candidates: Told of window rows before they are screened, where that would be one wave too many, so that what
            they need can load meanwhile.

    Attributes:
        pages: The pages of the list.
    """

    def __init__(
        self,
        request: Request,
        *,
        plan: Plan,
        listings: Sequence[Walked],
        windows: Sequence[WindowSearch],
        twins: Twins,
        folding: Folding,
        reports: Reports,
        on_candidates: OnCandidates | None = None,
    ) -> None:
        self.plan = plan
        self.listings = listings
        self.windows = windows
        self.twins = twins
        self.reports = reports
        self._request = request
        self._folding = folding
        self._on_candidates = on_candidates
        self.pages: Pages[Meeting] = Pages(self.lanes, reports, self)

    def lanes(self, walk: Walk) -> list[tuple[Source, Lane[Meeting]]]:
        """Every lane along a walk, with the source it reads."""
        lanes: list[tuple[Source, Lane[Meeting]]] = []
        for walked in self.listings:
            if not walked.wanted.impossible:
                found = walked.listing.lanes(self._request, walk, walked.wanted)
                lanes.extend((walked.source, lane) for lane in found)
        return lanes + [(search.source, search.lane(walk)) for search in self.windows]

    def unsure(self, source: Source) -> bool:
        """Whether a source's rows may still turn out to be held by a higher one."""
        return not self.plan.by_links and any(other in self.plan.scope for other in self.twins.above(source))

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
        if self.plan.by_links or not (self.windows or any(map(self.unsure, {row.source for row in rows}))):
            return list(rows)
        windows = [search.held for search in self.windows if search.held is not None]
        held = {meeting_ref(twin) for row in read for twin in self.twins.near(row, windows)}
        waiting = self._waiting(rows, held)
        if waiting and for_page and late and self._on_candidates is not None:
            self._on_candidates(waiting)
        if for_page:
            waiting += self._folding.unverified(rows, windows)
        if waiting:
            next_ones = filling(waiting, self._ahead(following, held, windows)) if for_page else []
            self.reports.unscreened(await self.twins.screen([*waiting, *next_ones], self.plan.scope))
        return [row for row in rows if meeting_ref(row) not in held and not self.twins.holders(row, self.plan.scope)]

    def _waiting(self, rows: Sequence[Meeting], held: Collection[Ref]) -> list[Meeting]:
        """Those of the rows that have to be looked up before it is known whether they are shown."""
        return [
            row
            for row in rows
            if self.unsure(row.source) and meeting_ref(row) not in held and not self.twins.known(row, self.plan.scope)
        ]

    def _ahead(
        self, following: Iterable[Meeting], held: Collection[Ref], windows: Collection[Held]
    ) -> Iterator[Meeting]:
        """What has to be looked up should the page, once twins are dropped, reach into the rows that follow."""
        for row in following:
            yield from self._waiting([row], held)
            yield from self._folding.unverified([row], windows)


def filling(rows: Sequence[Meeting], following: Iterable[Meeting]) -> list[Meeting]:
    """Those of the following rows that can be looked up in the call that the rows themselves take."""
    asked = [pair for row in rows for pair in _asked_by(row)]
    places, room = SCREEN_VALUES - len(asked), SCREEN_CHARS - len(urlencode(asked))
    fitting: list[Meeting] = []
    for row in following:
        pairs = _asked_by(row)
        places, room = places - len(pairs), room - len(urlencode(pairs)) - len("&")
        if places < 0 or room < 0:
            break
        fitting.append(row)
    return fitting


def _asked_by(row: Meeting) -> list[tuple[str, str]]:
    """What a row's event is asked for by: its id, and the UID that comes of it."""
    event = row.calendar_event_id or ""
    uid = derived_uid(event)
    return [("event_ids[]", event)] + ([] if uid is None else [("i_cal_uids[]", uid)])
