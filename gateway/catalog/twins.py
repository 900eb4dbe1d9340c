"""Which records of other sources are the event of a record; each is looked up at most once a request."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.catalog.directory import Directory
from gateway.catalog.windows import Held, held
from gateway.errors import GatewayError
from gateway.model.identity import choose, contenders, fold, has_event, same_event
from gateway.model.order import RANK
from gateway.model.records import Kind, Meeting, Ref, Source
from gateway.sources.base import Found, Ports
from gateway.upstream.request import Request


def meeting_ref(meeting: Meeting) -> Ref:
    """The reference of a meeting's own record."""
    return Ref(meeting.source, Kind.MEETING, meeting.source_id)


class Twins:
    """What is known in one request of records that are one event.

    A record is held by those of higher sources; its twins are those of lower ones.

    Args:
        request: The request.
        ports: Every source, in order of rank, asked for its own rows or not.
        directory: Who is whom, for rows that several records of one event could hold.

    Attributes:
        errors: Sources whose users could not be looked up though it mattered whose a record is.
        answers: What listings answered, for what could not be read of it.
    """

    def __init__(self, request: Request, ports: Sequence[Ports], directory: Directory) -> None:
        self.errors: dict[Source, GatewayError] = {}
        self.answers: dict[Source, list[Found[Meeting]]] = {}
        self._ports = [port for port in ports if port.listing is not None or port.window is not None]
        self._windows = [port for port in self._ports if port.window is not None]
        self._request = request
        self._directory = directory
        self._holders: dict[Source, dict[Ref, list[Meeting]]] = {port.source: {} for port in self._ports}
        self._failed: dict[Source, GatewayError] = {}
        self._lock = asyncio.Lock()

    def above(self, source: Source) -> list[Source]:
        """The sources that may hold a source's events, in order of rank."""
        return [port.source for port in self._ports if RANK[port.source] < RANK[source]]

    def has_below(self, source: Source) -> bool:
        """Whether there are windows that may have twins of a source's records."""
        return any(RANK[port.source] > RANK[source] for port in self._windows)

    @property
    def blank(self) -> frozenset[str]:
        """Names of the attributes that no record of a window has a value of."""
        blanks = [port.window.traits.blank for port in self._windows if port.window is not None]
        return frozenset.intersection(*blanks) if blanks else frozenset()

    def known(self, row: Meeting, scope: Collection[Source] | None = None) -> bool:
        """Whether a row was screened against every higher source (of a scope)."""
        ref = meeting_ref(row)
        return all(
            ref in self._holders[source] for source in self.above(row.source) if scope is None or source in scope
        )

    def holders(self, row: Meeting, scope: Collection[Source] | None = None) -> list[Meeting]:
        """The records of higher sources (of a scope) that hold a screened row's event, in order of rank."""
        ref = meeting_ref(row)
        sources = [source for source in self.above(row.source) if scope is None or source in scope]
        return [holder for source in sources for holder in self._holders[source].get(ref, ())]

    async def screen(
        self, rows: Iterable[Meeting], scope: Collection[Source] | None = None
    ) -> dict[Source, GatewayError]:
        """Looks up who holds the events of those rows that were not screened yet.

        Returns:
            The sources that did not answer; they are not asked again, and their holders stay unknown.
        """
        waiting = list(rows)
        failures: dict[Source, GatewayError] = {}
        async with self._lock:
            for port in reversed(self._ports):  # upwards, for what holds a row may be held in turn
                if scope is None or port.source in scope:
                    waiting += await self._look_up(port, waiting, failures)
        return failures

    async def windows(self) -> tuple[list[Held], dict[Source, GatewayError]]:
        """The windows of every source, and those that cannot be had."""
        answers = await asyncio.gather(*(held(self._request, port) for port in self._windows), return_exceptions=True)
        windows: list[Held] = []
        failures: dict[Source, GatewayError] = {}
        for port, answer in zip(self._windows, answers, strict=True):
            if isinstance(answer, Held):
                windows.append(answer)
            elif isinstance(answer, GatewayError):
                failures[port.source] = answer
            else:
                raise answer
        return windows, failures

    async def target(self, row: Meeting) -> Meeting | None:
        """The record that a screened row folds into; None where no higher source holds its event."""
        holders = self.holders(row)
        if not holders:
            return None
        rivals = contenders(row, holders)
        best = await self._chosen(rivals, row) if len(rivals) > 1 else rivals[0]
        return await self.target(best) or best

    def near(self, row: Meeting, windows: Iterable[Held]) -> list[Meeting]:
        """The windows' records of a row's event, and those of their events in turn."""
        below = [window for window in windows if RANK[window.source] > RANK[row.source]]
        if not below:
            return []
        found = {meeting_ref(row): row}
        for window in sorted(below, key=lambda window: RANK[window.source]):
            for known in list(found.values()):
                found.update((meeting_ref(twin), twin) for twin in window.twins_of(known))
        return list(found.values())[1:]

    async def whole(self, row: Meeting, windows: Sequence[Held]) -> Meeting:
        """A record with those of its twins folded in that fold into no other; they are screened already."""
        mine: list[Meeting] = []
        for twin in self.near(row, windows):
            target = await self.target(twin)
            if target is not None and meeting_ref(target) == meeting_ref(row):
                mine.append(twin)
        return fold(row, mine)

    async def _look_up(
        self, port: Ports, rows: Sequence[Meeting], failures: dict[Source, GatewayError]
    ) -> list[Meeting]:
        """One source's records that hold the events of those rows that were not screened against it yet."""
        known = self._holders[port.source]
        waiting = {
            ref: row for row in rows if RANK[port.source] < RANK[row.source] and (ref := meeting_ref(row)) not in known
        }
        if not waiting:
            return []
        if port.source not in self._failed:
            try:
                found = await self._holding(port, waiting)
            except GatewayError as error:
                self._failed[port.source] = error
            else:
                known.update(found)
                return [holder for holders in found.values() for holder in holders]
        failures[port.source] = self._failed[port.source]
        return []

    async def _holding(self, port: Ports, waiting: Mapping[Ref, Meeting]) -> dict[Ref, list[Meeting]]:
        """One source's records of each row's event."""
        if port.window is not None:
            window = await held(self._request, port)
            return {ref: window.twins_of(row) for ref, row in waiting.items()}
        events = [row for row in waiting.values() if has_event(row)]
        rows: Sequence[Meeting] = ()
        if port.listing is not None and events:
            answer = await port.listing.same_events(self._request, events)
            self.answers.setdefault(port.source, []).append(answer)
            rows = answer.rows
        return {ref: [each for each in rows if same_event(each, row)] for ref, row in waiting.items()}

    async def _chosen(self, rivals: Sequence[Meeting], row: Meeting) -> Meeting:
        """The one that a row's owner holds; where users cannot be looked up, only the row's own reference is known."""
        if row.owner is None:
            return choose(rivals, frozenset())
        team, errors = await self._directory.team(self._request)
        self.errors |= errors
        return choose(rivals, team.aliases([row.owner]), team.addresses(row.owner))


async def twins_of(request: Request, ports: Sequence[Ports], directory: Directory) -> Twins:
    """The request's own `Twins`."""

    async def make() -> Twins:
        return Twins(request, ports, directory)

    return await request.once("twins", make)
