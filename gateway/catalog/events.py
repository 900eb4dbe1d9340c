"""Which records of several sources are one calendar event, and the meeting that they are shown as.

A record is held by those of higher sources that are its event; its twins are those of lower ones. Each is looked up at
most once a request, upwards (`screen`) and downwards (`seek`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from gateway.catalog.directory import Directory
from gateway.errors import GatewayError
from gateway.model.identity import FALLBACK, EventIndex, choose, contenders, fold, has_event, shows
from gateway.model.order import RANK
from gateway.model.records import Kind, Meeting, Ref, Source
from gateway.sources.base import Found, MeetingListing, Ports
from gateway.upstream.request import Request

TWIN_FIELDS = frozenset({"alternate_ids", *(source.value.lower() for source in Source)})
"""Fields that only a twin can fill."""
SOURCES = "sources"


def meeting_ref(meeting: Meeting) -> Ref:
    """The reference of a meeting's own record."""
    return Ref(meeting.source, Kind.MEETING, meeting.source_id)


class Twins:
    """What is known in one request of records that are one event.

    Args:
        request: The request.
        ports: Every source, in order of rank, asked for its own rows or not.
        directory: Who is whom, for rows that several records of one event could hold.

    Attributes:
        errors: Sources whose users could not be looked up though it mattered whose a record is.
        answers: What look-ups answered that made calls, for what could not be read of it.
    """

    def __init__(self, request: Request, ports: Sequence[Ports], directory: Directory) -> None:
        self.errors: dict[Source, GatewayError] = {}
        self.answers: dict[Source, list[Found[Meeting]]] = {}
        self._listings = {port.source: port.meetings for port in ports if port.meetings is not None}
        self._above = {source: [o for o in self._listings if RANK[o] < RANK[source]] for source in self._listings}
        self._below = {source: [o for o in self._listings if RANK[o] > RANK[source]] for source in self._listings}
        self._request = request
        self._directory = directory
        self._holders: dict[Source, dict[Ref, list[Meeting]]] = {source: {} for source in self._listings}
        self._twins: dict[Source, EventIndex] = {source: EventIndex() for source in self._listings}
        self._sought: dict[Source, set[Ref]] = {source: set() for source in self._listings}
        self._failed: dict[Source, GatewayError] = {}
        self._lock = asyncio.Lock()

    def above(self, source: Source) -> list[Source]:
        """The sources that may hold a source's events, in order of rank."""
        return self._above[source]

    def below(self, source: Source) -> list[Source]:
        """The sources that may have twins of a source's records, in order of rank."""
        return self._below[source]

    @property
    def blank(self) -> frozenset[str]:
        """Names of the attributes that no twin has a value of."""
        blanks = [listing.traits.blank for listing in [*self._listings.values()][1:]]
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
            for source in reversed(self._listings):  # upwards, for what holds a row may be held in turn
                if scope is None or source in scope:
                    waiting += await self._look_up(source, waiting, failures)
        return failures

    async def seek(
        self, rows: Iterable[Meeting], sources: Collection[Source] | None = None
    ) -> dict[Source, GatewayError]:
        """Looks up the twins of those rows whose twins were not looked for yet, in lower sources (of those given).

        Returns:
            The sources that did not answer; they are not asked again.
        """
        waiting = list(rows)
        failures: dict[Source, GatewayError] = {}
        async with self._lock:
            for source in self._listings:  # downwards, for a twin may have twins in turn
                if sources is None or source in sources:
                    waiting += await self._look_for(source, waiting, failures)
        return failures

    def near(self, row: Meeting) -> list[Meeting]:
        """The twins of a row and the twins of those, as far as they were looked for."""
        below = self._below[row.source]
        if not any(self._sought[source] for source in below):
            return []
        found = {meeting_ref(row): row}
        for source in below:
            for known in list(found.values()):
                found.update((meeting_ref(twin), twin) for twin in self._twins[source].of(known))
        return list(found.values())[1:]

    async def target(self, row: Meeting) -> Meeting | None:
        """The record that a screened row folds into; None where no higher source holds its event."""
        holders = self.holders(row)
        if not holders:
            return None
        rivals = contenders(row, holders)
        best = await self._chosen(rivals, row) if len(rivals) > 1 else rivals[0]
        return await self.target(best) or best

    async def whole(self, row: Meeting) -> Meeting:
        """A record with those of its twins folded in that fold into no other; they were looked for and screened."""
        mine: list[Meeting] = []
        for twin in self.near(row):
            target = await self.target(twin)
            if target is not None and meeting_ref(target) == meeting_ref(row):
                mine.append(twin)
        return fold(row, mine)

    def fitting(
        self, rows: Sequence[Meeting], following: Iterable[Meeting], scope: Collection[Source]
    ) -> list[Meeting]:
        """Those of the following rows that can be screened in the calls that the rows take."""
        called = (each for source, each in self._listings.items() if source in scope and not each.traits.in_memory)
        listing: MeetingListing | None = next(called, None)
        return [] if listing is None else listing.fitting(rows, following)

    async def _look_up(
        self, source: Source, rows: Sequence[Meeting], failures: dict[Source, GatewayError]
    ) -> list[Meeting]:
        """One source's records that hold the events of those rows that were not screened against it yet."""
        known = self._holders[source]
        waiting = {
            ref: row for row in rows if RANK[source] < RANK[row.source] and (ref := meeting_ref(row)) not in known
        }
        if not waiting:
            return []
        found = await self._same_events(source, waiting, failures)
        if found is None:
            return []
        index = EventIndex(found)
        known.update((ref, index.of(row)) for ref, row in waiting.items())
        return [holder for ref in waiting for holder in known[ref]]

    async def _look_for(
        self, source: Source, rows: Sequence[Meeting], failures: dict[Source, GatewayError]
    ) -> list[Meeting]:
        """One source's twins of those rows whose twins were not looked for in it yet."""
        sought = self._sought[source]
        waiting = {
            ref: row for row in rows if RANK[source] > RANK[row.source] and (ref := meeting_ref(row)) not in sought
        }
        if not waiting:
            return []
        found = await self._same_events(source, waiting, failures)
        if found is None:
            return []
        sought.update(waiting)
        self._twins[source].add(found)
        return [twin for row in waiting.values() for twin in self._twins[source].of(row)]

    async def _same_events(
        self, source: Source, rows: Mapping[Ref, Meeting], failures: dict[Source, GatewayError]
    ) -> Sequence[Meeting] | None:
        """One source's records of the events of some rows; None where it does not answer, which is told."""
        events = [row for row in rows.values() if has_event(row)]
        if source not in self._failed and events:
            listing = self._listings[source]
            try:
                answer = await listing.same_events(self._request, events)
            except GatewayError as error:
                self._failed[source] = error
            else:
                if not listing.traits.in_memory:
                    self.answers.setdefault(source, []).append(answer)
                return answer.rows
        if source in self._failed:
            failures[source] = self._failed[source]
            return None
        return ()

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


class Folding:
    """Folds twins into the meetings that are about to be shown, where the fields selected can tell the difference.

    Args:
        twins: Who holds which event, whichever sources a filter asks: a meeting's fields depend on its id alone.
        fields: Names of the fields of `Meeting` that are selected.

    Attributes:
        unscreened: Sources that rows could not be looked up in.
        unread: Sources that twins could not be looked for in.
    """

    def __init__(self, twins: Twins, fields: frozenset[str]) -> None:
        self._twins = twins
        self._fields = fields
        self._fallback = fields.intersection(FALLBACK) - twins.blank
        self.unscreened: dict[Source, GatewayError] = {}
        self.unread: dict[Source, GatewayError] = {}

    def unverified(self, rows: Iterable[Meeting]) -> list[Meeting]:
        """The known twins whose folding into one of `rows` could show, and which no one has screened yet."""
        found: list[Meeting] = []
        for row in filter(self._may_show, rows):
            near = self._twins.near(row)
            # One that would show nothing itself may still be the newest, and so keep another from showing.
            if any(self._shows(row, twin) for twin in near):
                found += [twin for twin in near if not self._twins.known(twin)]
        return found

    async def waiting(self, rows: Sequence[Meeting]) -> list[Meeting]:
        """What has to be screened before the rows can be folded; their twins are looked for."""
        concerned = list(filter(self._may_show, rows))
        if not concerned:
            return []
        self.unread |= await self._twins.seek(concerned)
        waiting = self.unverified(concerned)
        if SOURCES in self._fields:  # rows that are listed under their own ids may be held all the same
            waiting += [row for row in rows if not self._twins.known(row)]
        return waiting

    async def fold(self, rows: Sequence[Meeting], *, mark: bool = False) -> list[Meeting]:
        """The rows, folded. What could not be looked for is told and, with `mark`, noted on the rows."""
        if not any(map(self._may_show, rows)):
            return list(rows)
        self.unscreened = await self._twins.screen(await self.waiting(rows))
        folded = [await self._folded(row) for row in rows]
        first = next(iter((self.unread | self.unscreened).values()), None)
        if first is None or not mark:
            return folded
        return [msgspec.structs.replace(row, unfolded=first) if self._may_show(row) else row for row in folded]

    async def _folded(self, row: Meeting) -> Meeting:
        whole = await self._twins.whole(row)
        if SOURCES not in self._fields:
            return whole
        holding = [*self._twins.holders(row), row, *self._twins.near(row)]
        return msgspec.structs.replace(whole, sources=tuple(dict.fromkeys(each.source for each in holding)))

    def _may_show(self, row: Meeting) -> bool:
        if SOURCES in self._fields:
            return True
        if not self._twins.below(row.source):
            return False
        return bool(self._fields & TWIN_FIELDS) or any(getattr(row, name) is None for name in self._fallback)

    def _shows(self, row: Meeting, twin: Meeting) -> bool:
        return bool(self._fields & TWIN_FIELDS) or shows(row, twin, self._fallback)
