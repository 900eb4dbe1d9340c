"""Meetings of every source as one ordered list, each event once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

from gateway.catalog.answer import Joined, MeetingAnswer, MeetingQuery, search_of
from gateway.catalog.counted_rows import Readings
from gateway.catalog.directory import Directory
from gateway.catalog.events import Folding, ReadAhead, Twins, meeting_ref
from gateway.catalog.lists import MAX_MATCHES, KeyMatches, lowest_matches
from gateway.catalog.lists_under_records import pages
from gateway.catalog.pages import ListPage
from gateway.catalog.people import People
from gateway.catalog.plan import in_memory
from gateway.catalog.whole_list import WholeList, whole_list
from gateway.errors import GatewayError
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref
from gateway.paging.window import Window
from gateway.request import Clock, Request
from gateway.sources.base import Found, Ports, lost_in


class Meetings:
    """The meetings of every source.

    Args:
        ports: The sources, in order of rank.
        people: Their people.
        directory: Their users.
        clock: Where time comes from.

    Attributes:
        joined: The sources, as one list's answer sees them.
        tell_no_show: The sources whose meetings tell no-shows without further calls.
    """

    def __init__(self, ports: Sequence[Ports], people: People, directory: Directory, clock: Clock) -> None:
        self.tell_no_show = frozenset(
            port.source
            for port in ports
            if port.meetings is not None
            and port.meetings.traits.tells_no_show
            and (port.details is None or "no_show" not in port.details.fields)
        )
        self._ports = {port.source: port for port in ports}
        self.joined = Joined(self._ports, people, directory, clock)

    def now(self) -> dt.datetime:
        """The present, to the microsecond."""
        return self.joined.now()

    async def page(self, request: Request, query: MeetingQuery, ahead: ReadAhead | None = None) -> ListPage[Meeting]:
        """A page of the list.

        Raises:
            UpstreamError: No source that was asked answered.
            DeadlineExceeded: Likewise, for the request's time is up.
        """
        answer = MeetingAnswer(self.joined, request, query, await self.joined.twins(request), ahead)
        if query.wanted.impossible:
            return answer.empty()
        await answer.begin()
        await answer.read()
        return await answer.finish()

    async def pages(
        self, request: Request, query: MeetingQuery, records: Sequence[Ref]
    ) -> dict[Ref, ListPage[Meeting] | GatewayError]:
        """A page of the list under each of several records, which differ in nothing else; see `together.pages`."""
        return await pages(self.joined, request, query, records)

    async def whole(self, request: Request, wanted: MeetingFilter, fields: frozenset[str], most: int) -> WholeList:
        """Every meeting that a filter admits, to be counted; see `whole_list`."""
        return await whole_list(self.joined, request, wanted, fields, most)

    def readings(self, request: Request) -> Readings:
        """A request as it reads what goes with the meetings that are counted; to be closed."""
        return Readings(request, self.joined.timetable())

    async def by_refs(
        self, request: Request, refs: Sequence[Ref], fields: frozenset[str] = frozenset()
    ) -> dict[Ref, Meeting | GatewayError | None]:
        """The meetings that references name; a folded record's names the meeting that holds it."""
        twins = await self.joined.twins(request)
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
        found = (await self.by_calendar_events(request, [event_id], fields))[event_id]
        if isinstance(found, GatewayError):
            raise found
        return found

    async def by_calendar_events(
        self, request: Request, event_ids: Sequence[str], fields: frozenset[str]
    ) -> dict[str, Meeting | GatewayError | None]:
        """The same for many calendar events, a hundred in one look-up; each by itself, or why it is unknown."""

        async def read(chunk: Sequence[str]) -> KeyMatches[Meeting]:
            wanted = MeetingFilter(calendar_event_ids=frozenset(chunk), canceled=Canceled.INCLUDE)
            reports = self.joined.reports(request)
            # A record that has no event id shows its twin's.
            folding = Folding(await self.joined.twins(request), fields | {"calendar_event_id"})
            search = await search_of(self.joined, request, wanted, folding, reports)
            page = await search.pages.page(Window(Walk(), MAX_MATCHES), ahead=len(chunk) > 1)
            errors = {source: error for source in self._ports if (error := reports.error_of(source)) is not None}
            return KeyMatches(await folding.fold(page.rows, mark=True), page.ahead, errors)

        return await lowest_matches(event_ids, read, lambda meeting: meeting.calendar_event_id)

    async def _of_source(
        self, request: Request, port: Ports, refs: Sequence[Ref], twins: Twins
    ) -> dict[Ref, Meeting | GatewayError | None]:
        """The meetings that one source's references name: its own, or those that hold them."""
        try:
            if port.meetings is None:
                found = Found[Meeting](rows=[])
            else:
                found = await port.meetings.by_ids(request, [ref.id for ref in refs])
        except GatewayError as error:
            return dict.fromkeys(refs, error)
        by_id = {row.source_id: row for row in found.rows}
        rows = {ref: by_id[ref.id] for ref in refs if ref.id in by_id}
        failures = await twins.screen(rows.values())
        lost = lost_in(found, port.source) if in_memory(port) else None
        answers: dict[Ref, Meeting | GatewayError | None] = {ref: found.failures.get(ref.id, lost) for ref in refs}
        for ref, row in rows.items():
            unknown = None if twins.known(row) else next(iter(failures.values()), None)
            answers[ref] = unknown or await twins.target(row) or row
        return answers
