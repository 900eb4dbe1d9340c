"""Which records of several sources are one calendar event, and the meeting that they are shown as.

A record is held by those of higher sources that are its event; its twins are those of lower ones. Each is looked up at
most once a request, upwards (`screen`) and downwards (`seek`).
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from gateway.catalog.directory import Directory
from gateway.errors import GatewayError
from gateway.model.identity import FALLBACK, EventIndex, choose, contenders, fold, has_event, shows
from gateway.model.order import RANK
from gateway.model.records import Kind, Meeting, Ref, Source
from gateway.request import Request
from gateway.sources.base import Found, MeetingListing, Ports, Traits

TWIN_FIELDS = frozenset({"alternate_ids", *(source.value.lower() for source in Source)})
"""Fields that only a twin can fill."""
SOURCES = "sources"


class ReadAhead(Protocol):
    """Loads what rows need besides while the page waits for something else."""

    def candidates(self, rows: Sequence[Meeting]) -> None:
        """Begins with the people of rows that are about to be screened, some of which may prove duplicates."""
        ...

    def rows(self, rows: Sequence[Meeting]) -> None:
        """Begins with all that rows refer to which are going to be shown."""
        ...


NOTHING: Mapping[Ref, Meeting] = {}


def meeting_ref(meeting: Meeting) -> Ref:
    """The reference of a meeting's own record."""
    return Ref(meeting.source, Kind.MEETING, meeting.source_id)


class Twins:
    """What is known in one request of records that are one event.

    Args:
        request: The request.
        ports: Every source, in order of rank, asked for its own rows or not.
        directory: Who is whom, for rows that several records of one event could hold.
        users_for: For whom that is looked up, where it is another request.

    Attributes:
        request: The request.
        errors: Sources whose users could not be looked up though it mattered whose a record is.
        answers: What look-ups answered that made calls, for what could not be read of it.
        details: What of some sources' meetings takes calls of its own.
    """

    def __init__(
        self, request: Request, ports: Sequence[Ports], directory: Directory, users_for: Request | None = None
    ) -> None:
        self.errors: dict[Source, GatewayError] = {}
        self.answers: dict[Source, list[Found[Meeting]]] = {}
        self._listings = {port.source: port.meetings for port in ports if port.meetings is not None}
        self.details = {port.source: port.details for port in ports if port.details is not None}
        self._above = {source: [o for o in self._listings if RANK[o] < RANK[source]] for source in self._listings}
        self._below = {source: [o for o in self._listings if RANK[o] > RANK[source]] for source in self._listings}
        self.request = request
        self._directory = directory
        self._users_for = users_for or request
        self._holders: dict[Source, dict[Ref, list[Meeting]]] = {source: {} for source in self._listings}
        self._twins: dict[Source, EventIndex] = {source: EventIndex() for source in self._listings}
        self._sought: dict[Source, set[Ref]] = {source: set() for source in self._listings}
        self._failed: dict[Source, GatewayError] = {}
        self._upwards, self._downwards = asyncio.Lock(), asyncio.Lock()

    def above(self, source: Source) -> list[Source]:
        """The sources that may hold a source's events, in order of rank."""
        return self._above[source]

    def below(self, source: Source) -> list[Source]:
        """The sources that may have twins of a source's records, in order of rank."""
        return self._below[source]

    @property
    def read_whole(self) -> frozenset[Source]:
        """The sources that are read in parts which serve every further look-up of the request."""
        traits = {source: listing.traits for source, listing in self._listings.items()}
        return frozenset(source for source, each in traits.items() if each.in_memory or each.reads_once)

    def traits(self, source: Source) -> Traits:
        """What a source can tell of its meetings."""
        return self._listings[source].traits

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
        async with self._upwards:
            for source in reversed(self._listings):  # upwards, for what holds a row may be held in turn
                if scope is None or source in scope:
                    waiting += await self._look_up(source, waiting, failures)
        return failures

    async def duplicates(
        self, rows: Sequence[Meeting], scope: Collection[Source], most_units: float, request: Request | None = None
    ) -> tuple[frozenset[Ref], dict[Source, GatewayError]] | None:
        """Which of many rows higher sources (of a scope) hold, and no more of them than that: a count takes no other.

        Args:
            rows: The rows.
            scope: The sources that are looked into.
            most_units: Units that it has to stay below.
            request: For whom it is found out, where that is another than the twins are of.

        Returns:
            The rows' references, and the sources that did not answer; None where it would take too many units.
        """
        failures: dict[Source, GatewayError] = {}
        found: dict[Ref, Meeting] = {meeting_ref(row): row for row in rows}
        duplicates: set[Ref] = set()
        for source, listing in self._listings.items():
            waiting = [row for ref, row in found.items() if ref not in duplicates and RANK[source] < RANK[row.source]]
            events = [row for row in waiting if has_event(row)]
            if source not in scope or not events:
                continue
            try:
                whose = self.request if request is None or source in self.read_whole else request
                holders = await listing.any_of_events(whose, events, most_units)
            except GatewayError as error:
                failures[source] = error
                continue
            if holders is None:
                return None
            index = EventIndex(holders)
            duplicates.update(meeting_ref(row) for row in events if index.of(row))
        return frozenset(duplicates), failures

    async def seek(
        self, rows: Iterable[Meeting], sources: Collection[Source] | None = None
    ) -> dict[Source, GatewayError]:
        """Looks up the twins of those rows whose twins were not looked for yet, in lower sources (of those given).

        Returns:
            The sources that did not answer; they are not asked again.
        """
        waiting = list(rows)
        failures: dict[Source, GatewayError] = {}
        async with self._downwards:
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
                twins = (twin for twin in self._twins[source].of(known) if self._close(known, twin))
                found.update((meeting_ref(twin), twin) for twin in twins)
        return list(found.values())[1:]

    def _close(self, row: Meeting, twin: Meeting) -> bool:
        """Whether looking for a row's twins would find one: it may be known because others were looked for."""
        near = self._listings[twin.source].traits.near
        if near is None:
            return True
        one, other = row.start_time, twin.start_time
        return one is not None and other is not None and abs(one - other) <= near

    async def target(self, row: Meeting) -> Meeting | None:
        """The record that a screened row folds into; None where no higher source holds its event."""
        holders = self.holders(row)
        if not holders:
            return None
        rivals = contenders(row, holders)
        best = await self._chosen(rivals, row) if len(rivals) > 1 else rivals[0]
        return await self.target(best) or best

    async def whole(self, row: Meeting, better: Mapping[Ref, Meeting] = NOTHING) -> Meeting:
        """A record with its twins folded in.

        Args:
            row: The record.
            better: Records of which more is known than was looked up, by their references.
        """
        return fold(row, [better.get(meeting_ref(twin), twin) for twin in await self.own(row)])

    async def own(self, row: Meeting) -> list[Meeting]:
        """Those of a record's twins that fold into no other; they were looked for and screened."""
        mine: list[Meeting] = []
        for twin in self.near(row):
            target = await self.target(twin)
            if target is not None and meeting_ref(target) == meeting_ref(row):
                mine.append(twin)
        return mine

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
        """One source's records that hold the events of rows, which are looked up where they were not yet."""
        known = self._holders[source]
        below = {meeting_ref(row): row for row in rows if RANK[source] < RANK[row.source]}
        waiting = {ref: row for ref, row in below.items() if ref not in known}
        found = await self._same_events(source, waiting, failures) if waiting else None
        if found is not None:
            index = EventIndex(found)
            known.update((ref, index.of(row)) for ref, row in waiting.items())
        return [holder for ref in below for holder in known.get(ref, ())]

    async def _look_for(
        self, source: Source, rows: Sequence[Meeting], failures: dict[Source, GatewayError]
    ) -> list[Meeting]:
        """One source's twins of rows, which are looked for where they were not yet."""
        sought, twins = self._sought[source], self._twins[source]
        above = {meeting_ref(row): row for row in rows if RANK[source] > RANK[row.source]}
        waiting = {ref: row for ref, row in above.items() if ref not in sought}
        found = await self._same_events(source, waiting, failures) if waiting else None
        if found is not None:
            sought.update(waiting)
            twins.add(found)
        return [twin for ref, row in above.items() if ref in sought for twin in twins.of(row)]

    async def _same_events(
        self, source: Source, rows: Mapping[Ref, Meeting], failures: dict[Source, GatewayError]
    ) -> Sequence[Meeting] | None:
        """One source's records of the events of some rows; None, with a report, if it does not answer."""
        events = [row for row in rows.values() if has_event(row)]
        if source not in self._failed and events:
            listing = self._listings[source]
            try:
                answer = await listing.same_events(self.request, events)
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
        team, errors = await self._directory.team(self._users_for)
        self.errors |= errors
        return choose(rivals, team.aliases([row.owner]), team.addresses(row.owner))


async def twins_of(
    request: Request, ports: Sequence[Ports], directory: Directory, users_for: Request | None = None
) -> Twins:
    """The request's own `Twins`."""

    async def make() -> Twins:
        return Twins(request, ports, directory, users_for)

    return await request.once("twins", make)


class Folding:
    """Folds twins into the meetings that are about to be shown, where the fields selected can tell the difference.

    Args:
        twins: Who holds which event, whichever sources a filter asks: a meeting's fields depend on its id alone.
        fields: Names of the fields of `Meeting` that are selected.
        ahead: Loads what the rows need besides while they are read further.

    Attributes:
        unscreened: Sources that rows could not be looked up in.
        unread: Sources that twins could not be looked for in.
    """

    def __init__(self, twins: Twins, fields: frozenset[str], ahead: ReadAhead | None = None) -> None:
        self._twins = twins
        self._read_ahead = ahead
        self._fields = fields
        self._fallback = fields.intersection(FALLBACK) - twins.blank
        self._details = {source: each for source, each in twins.details.items() if each.fields & fields}
        self._reading: dict[Ref, asyncio.Task[Sequence[Meeting]]] = {}
        self.unscreened: dict[Source, GatewayError] = {}
        self.unread: dict[Source, GatewayError] = {}

    def detailed(self, row: Meeting) -> bool:
        """Whether showing a row takes calls of its own."""
        return row.source in self._details

    def unverified(self, rows: Iterable[Meeting]) -> list[Meeting]:
        """The known twins whose folding into one of `rows` could show, and which no one has screened yet."""
        found: list[Meeting] = []
        for row in filter(self._may_show, rows):
            near = self._twins.near(row)
            # One that would show nothing itself may still be the newest, and so keep another from showing.
            if any(self._shows(row, twin) for twin in near):
                found += [twin for twin in near if not self._twins.known(twin)]
        return found

    async def seek(self, rows: Iterable[Meeting], among: Collection[Source] | None = None) -> None:
        """Looks for the rows' twins in the sources (of those given) whose records could show in them."""
        concerned: dict[frozenset[Source], list[Meeting]] = {}
        for row in filter(self._may_show, rows):
            concerned.setdefault(self._showing(row), []).append(row)
        for sources, mine in concerned.items():
            self.unread |= await self._twins.seek(mine, sources if among is None else sources.intersection(among))

    async def waiting(self, rows: Sequence[Meeting]) -> list[Meeting]:
        """What has to be screened before the rows can be folded; their twins are looked for."""
        await self.seek(rows)
        waiting = self.unverified(rows)
        if SOURCES in self._fields:  # rows that are listed under their own ids may be held all the same
            waiting += [row for row in rows if not self._twins.known(row)]
        return waiting

    async def fold(self, rows: Sequence[Meeting], *, mark: bool = False) -> list[Meeting]:
        """The rows, folded. What could not be looked for is reported and, with `mark`, noted on the rows."""
        if not any(map(self._may_show, rows)):
            filled = await self._filled(rows, rows)
            return [filled.get(meeting_ref(row), row) for row in rows]
        self.unscreened = await self._twins.screen(await self.waiting(rows))
        twins = [await self._twins.own(row) for row in rows]
        adding = [twin for row, mine in zip(rows, twins, strict=True) for twin in mine if self._adds(row, twin)]
        known = (fold(row, mine) for row, mine in zip(rows, twins, strict=True))
        filled = await self._filled([*rows, *adding], known)
        folded = [self._folded(row, mine, filled) for row, mine in zip(rows, twins, strict=True)]
        first = next(iter((self.unread | self.unscreened).values()), None)
        if first is None or not mark:
            return folded
        return [msgspec.structs.replace(row, unfolded=first) if self._may_show(row) else row for row in folded]

    def begin(self, rows: Iterable[Meeting]) -> None:
        """Begins to read the details of records, each once; that goes on until the request ends."""
        request = self._twins.request
        for source, details in self._details.items():
            mine = {ref: row for row in rows if row.source is source and (ref := meeting_ref(row)) not in self._reading}
            if mine:
                fill = functools.partial(details.fill, request, [*mine.values()])
                task = asyncio.ensure_future(request.once((self, *mine), fill))
                self._reading.update(dict.fromkeys(mine, task))

    async def _filled(self, rows: Sequence[Meeting], known: Iterable[Meeting]) -> Mapping[Ref, Meeting]:
        """Those of some records that take calls of their own, with what these tell.

        Args:
            rows: The records.
            known: What will be shown, as far as it is known without that.
        """
        self.begin(rows)
        refs = {meeting_ref(row) for row in rows}
        tasks = {self._reading[ref]: None for ref in refs if ref in self._reading}
        if tasks and self._read_ahead is not None:
            self._read_ahead.rows([*known])
        answers = await asyncio.gather(*tasks)
        return {ref: row for rows in answers for row in rows if (ref := meeting_ref(row)) in refs}

    def _folded(self, row: Meeting, twins: Iterable[Meeting], filled: Mapping[Ref, Meeting]) -> Meeting:
        ref = meeting_ref(row)
        whole = fold(filled.get(ref, row), [filled.get(meeting_ref(twin), twin) for twin in twins])
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

    def _showing(self, row: Meeting) -> frozenset[Source]:
        """The sources whose records could show in a row, and those above them: what is theirs is found through them."""
        below = self._twins.below(row.source)
        if self._fields & {SOURCES, "alternate_ids"}:
            return frozenset(below)
        lacking = {name for name in self._fallback if getattr(row, name) is None}
        last = max(
            (
                place
                for place, source in enumerate(below)
                if source.value.lower() in self._fields or lacking - self._twins.traits(source).blank
            ),
            default=-1,
        )
        return frozenset(below[: last + 1])

    def _adds(self, row: Meeting, twin: Meeting) -> bool:
        """Whether what takes calls of a twin's own would show in a row."""
        details = self._details.get(twin.source)
        selected = frozenset[str]() if details is None else details.fields & self._fields
        return any("." in name or (name in self._fallback and getattr(row, name) is None) for name in selected)

    def _shows(self, row: Meeting, twin: Meeting) -> bool:
        return bool(self._fields & TWIN_FIELDS) or self._adds(row, twin) or shows(row, twin, self._fallback)
