"""Meetings as their changes are reported: each record as it is shown, and whether a filter admits it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from gateway.catalog.answer import Joined
from gateway.catalog.events import SOURCES, TWIN_FIELDS, Folding, meeting_ref
from gateway.catalog.plan import FilterPeople, plan
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.identity import FALLBACK
from gateway.model.records import Meeting, Ref, Source
from gateway.request import Request

EVERY_FIELD = TWIN_FIELDS | {SOURCES, *FALLBACK}
"""With these selected, whatever twins could add is folded in."""


class Shown(msgspec.Struct, frozen=True):
    """A record as clients see it.

    Attributes:
        own: The record under its own id, with its twins folded in.
        meeting: The meeting that it is shown as: itself, or the one of a higher source that holds it.
    """

    own: Meeting
    meeting: Meeting


async def shown(joined: Joined, request: Request, rows: Iterable[Meeting]) -> dict[Ref, Shown]:
    """How records are shown. Where a twin cannot be looked up, a record is shown by itself, as in lists."""
    twins = await joined.twins(request)
    mine = {meeting_ref(row): row for row in rows}
    await twins.screen(mine.values())
    targets = {ref: (await twins.target(row) if twins.known(row) else None) or row for ref, row in mine.items()}
    every = {meeting_ref(row): row for row in (*mine.values(), *targets.values())}
    folded = dict(zip(every, await Folding(twins, EVERY_FIELD).fold(list(every.values()), mark=True), strict=True))
    return {ref: Shown(folded[ref], folded[meeting_ref(targets[ref])]) for ref in mine}


async def of_same_events(joined: Joined, request: Request, rows: Sequence[Meeting]) -> dict[Ref, Meeting]:
    """The records of other sources that hold the events of some, or are part of them; those themselves are left out."""
    if not rows:
        return {}
    apart = Request(request.deadline, request.priority, origin=request)  # they bear the ids of records as they are now
    try:
        twins = await joined.twins(apart)
        await twins.screen(rows)
        await twins.seek(rows)
    finally:
        await apart.close()
    mine = {meeting_ref(row) for row in rows}
    found = {meeting_ref(each): each for row in rows for each in (*twins.holders(row), *twins.near(row))}
    return {ref: row for ref, row in found.items() if ref not in mine}


class Admission:
    """Whether meetings are what a filter asks for; whom it means is found out once.

    Args:
        joined: The sources.
        wanted: The filter, with whom it means.
        fixed: Whether it means nobody who could have to be looked up again.
    """

    def __init__(self, joined: Joined, wanted: MeetingFilter, *, fixed: bool = False) -> None:
        self._listings = {source: port.meetings for source, port in joined.ports.items() if port.meetings is not None}
        self._joined = joined
        self.wanted = wanted
        self.fixed = fixed
        self._impossible = wanted.impossible

    @property
    def including_canceled(self) -> Admission:
        """The same, were cancelled meetings not excluded."""
        return Admission(self._joined, msgspec.structs.replace(self.wanted, canceled=Canceled.INCLUDE))

    @classmethod
    async def of(cls, joined: Joined, request: Request, wanted: MeetingFilter) -> Admission:
        """The admission by a filter.

        Raises:
            GatewayError: The people in it are unknown, since a source that knows them does not answer.
        """
        steps = plan(wanted, list(joined.ports.values()))
        meaning = FilterPeople(request, wanted, joined.people, joined.directory)
        await meaning.find_users(steps.shown)
        meant, errors = await meaning.filter_for(list(joined.ports))
        for error in errors.values():
            raise error
        return cls(joined, meant, fixed=meant is wanted)

    def shown(self, own: Meeting, meeting: Meeting) -> Meeting | None:
        """What a filter by sources lets see of a record: its meeting, the record itself, or nothing."""
        sources: Collection[Source] | None = self.wanted.sources
        if sources is None or meeting.source in sources:
            return meeting
        return own if own.source in sources else None

    def admits(self, meeting: Meeting) -> bool:
        """Whether every condition holds on a folded meeting: each source's own on its own, newest record."""
        if self._impossible or not self.wanted.admits(meeting):
            return False
        if not self.wanted.own:
            return True
        newest: Mapping[Source, Meeting] = {row.source: row for row in (*reversed(meeting.twins), meeting)}
        for source in self.wanted.own:
            listing, row = self._listings.get(source), newest.get(source)
            if listing is None or row is None or not listing.admits(self.wanted, row):
                return False
        return True
