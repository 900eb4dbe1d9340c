"""What of a window a filter admits, and which meetings of a higher source its rows bring in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from gateway.catalog.plan import Plan, out_of_reach
from gateway.catalog.reports import Reports
from gateway.catalog.resolve import Meaning
from gateway.catalog.twins import Twins, meeting_ref
from gateway.catalog.windows import Held, WindowLane, held
from gateway.errors import GatewayError
from gateway.model.filters import MeetingFilter
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.merge import Chunk
from gateway.sources.base import Ports
from gateway.upstream.request import Request


class WindowSearch:
    """One filter over one window, in one request.

    Args:
        request: The request.
        ports: Every source.
        source: The one whose window it is.
        plan: How the filter is answered.
        meaning: The filter.
        twins: Who holds which event.
        reports: Where trouble is told.
        now: The time of the request.

    Attributes:
        held: The window, once it was read.
        exact: Whether nothing has stood in the way of finding everything.
        beforehand: Done before candidates are screened: the look-ups of several searches in one.
    """

    def __init__(
        self,
        request: Request,
        ports: Mapping[Source, Ports],
        source: Source,
        *,
        plan: Plan,
        meaning: Meaning,
        twins: Twins,
        reports: Reports,
        now: dt.datetime,
    ) -> None:
        self.source = source
        self.held: Held | None = None
        self.exact = True
        self.beforehand: Callable[[], Awaitable[None]] = nothing
        self._request = request
        self._ports = ports
        self._plan = plan
        self._meaning = meaning
        self._twins = twins
        self._reports = reports
        self._now = now

    def lane(self, walk: Walk) -> Deferred:
        """The rows as a lane; nothing is asked before it is read."""
        return Deferred(self, walk)

    async def rows(self) -> list[Meeting]:
        """The window's rows that the filter admits, and the meetings that they bring in, in no order.

        Where the links decide they are screened already, else each may still turn out to be a twin.

        Raises:
            UpstreamError: The window could not be had.
            DeadlineExceeded: Likewise.
        """
        return await self._request.once((self, "rows"), self._find)

    async def _find(self) -> list[Meeting]:
        window = self._ports[self.source].window
        if window is None or (not self._plan.by_links and out_of_reach(self._meaning.wanted, window.traits, self._now)):
            return []
        try:
            rows = await self._look_through()
        except GatewayError:
            self.exact = False
            raise
        finally:
            if self._plan.by_links and not self.exact:
                self._reports.unbrought(self.source, self._plan.listed)
        return rows

    async def candidates(self) -> list[Meeting]:
        """The rows to be screened before it is known which meetings they bring in; none where no links decide.

        Raises:
            UpstreamError: The window could not be had.
            DeadlineExceeded: Likewise.
        """
        return (await self._request.once((self, "candidates"), self._touching))[1] if self._plan.by_links else []

    async def siblings(self) -> list[Meeting]:
        """All twins of those that hold the candidates, which are screened already."""
        scope = self._plan.scope
        holders = {meeting_ref(h): h for row in await self.candidates() for h in self._twins.holders(row, scope)}
        windows = await self._windows() if holders else []
        return [twin for holder in holders.values() for twin in self._twins.near(holder, windows)]

    async def _look_through(self) -> list[Meeting]:
        wanted, rows = await self._request.once((self, "candidates"), self._touching)
        if not self._plan.by_links:
            return list(filter(wanted.admits if wanted.linked else wanted.admits_state, rows))
        await self.beforehand()
        await self._screen(rows, self._plan.scope)
        await self._screen(await self.siblings(), None)
        return await self._by_links(wanted, rows)

    async def _touching(self) -> tuple[MeetingFilter, list[Meeting]]:
        """The filter as it is meant for the window's own rows, and those of them that may meet part of it."""
        window = self._ports[self.source].window
        self.held = await held(self._request, self._ports[self.source])
        self._note(self.held)
        own = [row for row in self.held.found.rows if window is None or window.admits(self._meaning.wanted, row)]
        # Contacts are asked for one by one, and only where somebody could be meant.
        wanted = await self._wanted([self.source], people=any(row.person is not None for row in own))
        if not self._plan.by_links or self.source in wanted.own:
            return wanted, own
        return wanted, [row for row in own if wanted.touches(row)]

    async def _by_links(self, wanted: MeetingFilter, candidates: Iterable[Meeting]) -> list[Meeting]:
        """The rows that nobody holds, and those that hold the others, as far as the filter admits them whole."""
        found: list[Meeting] = []
        held: dict[Ref, Meeting] = {}
        for row in candidates:
            if self._twins.holders(row, self._plan.scope):
                target = await self._twins.target(row)
                if target is not None and target.source in self._plan.scope:
                    held[meeting_ref(target)] = target
            elif self.source not in self._plan.skipped and wanted.admits(row):
                found.append(row)
        windows = await self._windows()
        for target in held.values():
            if not all(map(self._twins.known, self._twins.near(target, windows))):
                continue  # what it would show cannot be told; the screening that failed is reported
            whole = await self._twins.whole(target, windows)
            self.exact = self.exact and not self._twins.errors
            if await self._admits(whole):
                found.append(whole)
        return found

    async def _windows(self) -> list[Held]:
        windows, failures = await self._twins.windows()
        for source, error in failures.items():
            self.exact = False
            self._reports.partial(source, error)
        return windows

    async def _screen(self, rows: Iterable[Meeting], scope: Collection[Source] | None) -> None:
        failures = await self._twins.screen(rows, scope)
        self._reports.unscreened(failures)
        self.exact = self.exact and not failures

    async def _admits(self, whole: Meeting) -> bool:
        """Whether the filter admits a folded meeting: each source's own conditions on its own (newest) record."""
        newest = {row.source: row for row in (*reversed(whole.twins), whole)}
        wanted = await self._wanted(list(newest))
        for source in wanted.own:
            port, row = self._ports.get(source), newest.get(source)
            meetings = None if port is None else port.listing or port.window
            if meetings is None or row is None or not meetings.admits(wanted, row):
                return False
        return wanted.admits(whole)

    async def _wanted(self, sources: Collection[Source], *, people: bool = True) -> MeetingFilter:
        wanted, errors = await self._meaning.filter_for(sources, people=people)
        self._reports.unknown(errors, wanted)
        self.exact = self.exact and not errors
        return wanted

    def _note(self, window: Held) -> None:
        found = window.found
        self._reports.problems(self.source, found.problems)
        if found.incomplete is not None:
            self._reports.incomplete(self.source, found.incomplete)
        if found.incomplete is not None or any(problem.lost for problem in found.problems):
            self.exact = False


async def nothing() -> None:
    """What is done beforehand for a search that stands alone."""


class Deferred:
    """A lane whose rows are found when it is first read."""

    def __init__(self, search: WindowSearch, walk: Walk) -> None:
        self._search = search
        self._walk = walk
        self._lane: WindowLane | None = None

    async def read(self, want: int) -> Chunk[Meeting]:
        """The next rows; see `Lane.read`."""
        if self._lane is None:
            self._lane = WindowLane(await self._search.rows(), self._walk, self._search.held)
        return await self._lane.read(want)
