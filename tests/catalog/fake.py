"""A third source over plain lists in memory, and the catalog over all three.

It gives what it has in parts that a request reads once each, and reads of each meeting who was invited where it
matters: as the window of months does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from gateway.catalog.catalog import Catalog
from gateway.errors import GatewayError
from gateway.model.cost import ListPrice, ListShape, Needs
from gateway.model.filters import MeetingFilter
from gateway.model.identity import EventIndex
from gateway.model.order import Walk
from gateway.model.records import Kind, Meeting, Person, Ref, Source
from gateway.paging.memory import DeferredLane, MemoryLane, Snapshot
from gateway.paging.merge import Lane
from gateway.request import Request
from gateway.sources.base import Found, Ports
from gateway.sources.calendly.addresses import AddressIds
from gateway.sources.calendly.meetings import NEAR, TRAITS
from tests.catalog.fakes import (
    LITTLE,
    FakeClock,
    FakeListing,
    FakePeople,
    FakeUsers,
    FakeWindow,
    Log,
    Rows,
    once,
    own_admits,
)

EVERY = tuple(Source)
"""All sources, in order of rank."""

ID_SECRET = "a key"
ADDRESS_IDS = AddressIds(ID_SECRET)
"""The ids of those whom the third source alone knows."""

DETAILS = frozenset({"person", "attendees", "time_zone", "no_show"})
"""What of the third source's meetings takes calls of its own."""


def addressed(email: str) -> Ref:
    """The third source's reference of whoever has an address."""
    return Ref(Source.CALENDLY, Kind.PERSON, ADDRESS_IDS.id_of(email))


class FakeBookings:
    """Meetings that a request reads once, and whose invitees it reads where they matter.

    Attributes:
        details: Reads these.
    """

    traits = TRAITS
    fields = DETAILS

    def __init__(self, rows: Rows, log: Log) -> None:
        self.rows = rows
        self.log = log

    async def _read(self, request: Request) -> list[Meeting]:
        """Every meeting; the same ones throughout a request."""

        async def read() -> list[Meeting]:
            self.log.call(self.rows.source, "events")
            return list(self.rows.meetings)

        return await request.once((self, "events"), read)

    def lanes(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:
        async def open_lane() -> Lane[Meeting]:
            rows = await self._read(request)
            conditions = (wanted.persons, wanted.attendee_emails, wanted.attendee_domains, wanted.no_show)
            if any(each is not None for each in conditions):
                self.log.call(self.rows.source, "invitees")
                return MemoryLane(Snapshot(rows), walk, admits=lambda row: self.admitted(wanted, row))
            return MemoryLane(Snapshot([*map(bare, rows)]), walk, admits=lambda row: self.admitted(wanted, row))

        return (DeferredLane(open_lane),)

    async def count(self, request: Request, wanted: MeetingFilter) -> int | None:
        if wanted.attendee_domains is not None or wanted.no_show is not None:
            return None
        return sum(self.admitted(wanted, row) for row in await self._read(request))

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Meeting]:
        self.log.call(self.rows.source, "by_ids")
        return Found(rows=[bare(row) for row in self.rows.meetings if row.source_id in ids])

    async def same_events(self, request: Request, meetings: Sequence[Meeting]) -> Found[Meeting]:
        rows = await self._read(request)
        index = EventIndex(map(bare, rows))
        found = [each for row in meetings for each in index.of(row) if close(each, row)]
        return Found(rows=list({each.source_id: each for each in found}.values()))

    async def any_of_events(
        self, request: Request, meetings: Sequence[Meeting], most_units: float
    ) -> Sequence[Meeting] | None:
        return (await self.same_events(request, meetings)).rows

    def fitting(self, meetings: Sequence[Meeting], following: Iterable[Meeting]) -> list[Meeting]:
        return [*following]

    async def has_people(self, request: Request, wanted: MeetingFilter) -> bool:
        return True

    async def fill(self, request: Request, meetings: Sequence[Meeting]) -> list[Meeting]:
        try:
            self.log.call(self.rows.source, "invitees")
        except GatewayError as error:
            return [msgspec.structs.replace(row, failed=dict.fromkeys(DETAILS, error)) for row in meetings]
        known = {row.source_id: row for row in await self._read(request)}
        return [known.get(row.source_id, row) for row in meetings]

    def price(self, shape: Any) -> Any:
        if isinstance(shape, int):
            return [(once(self.rows.source, "invitees"), shape)]
        return ListPrice(ask=once(self.rows.source, "events"), calls=1)

    def price_of_conditions(self, shape: ListShape) -> Needs:
        return []

    def price_of_ids(self, ids: int) -> Needs:
        return [(once(self.rows.source, "by_ids"), ids)]

    def price_of_events(self, rows: int) -> Needs:
        return [(once(self.rows.source, "events"), 1)]

    def most_touching(self, shape: ListShape, lists: int) -> int:
        return lists * shape.rows

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        return own_admits(wanted, meeting)

    def admitted(self, wanted: MeetingFilter, row: Meeting) -> bool:
        return wanted.admits(row) and own_admits(wanted, row)


def bare(row: Meeting) -> Meeting:
    """A meeting of the third source without what only its invitees tell."""
    return msgspec.structs.replace(row, **dict.fromkeys(DETAILS))


def close(one: Meeting, other: Meeting) -> bool:
    """Whether two records start so near each other that one is found from the other."""
    starts = one.start_time, other.start_time
    return starts[0] is not None and starts[1] is not None and abs(starts[0] - starts[1]) <= NEAR


class FakeInvitees(FakePeople):
    """People who are nothing but addresses."""

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Person]:
        self.log.call(self.rows.source, "people.by_ids")
        addresses = [address for key in ids if (address := ADDRESS_IDS.address_of(key)) is not None]
        return Found(rows=[invitee(address) for address in addresses])

    def ref_of(self, address: str) -> Ref:
        return addressed(address)

    def address_of(self, ref: Ref) -> str | None:
        return ADDRESS_IDS.address_of(ref.id)


def invitee(address: str) -> Person:
    """Whoever has an address."""
    return Person(source=Source.CALENDLY, source_id=ADDRESS_IDS.id_of(address), emails=(address,))


class Fake:
    """Three sources, the one walked, the next a window, the last read in parts; and the catalog over them.

    Args:
        listed: Whether the second one is walked as well.
        off: The sources that are not there.

    Attributes:
        rows: What each source that is there holds, in order of rank.
        listing: The first one's meetings.
        window: The second one's.
        bookings: The third one's.
        log: The calls.
    """

    def __init__(self, *, listed: bool = False, off: Collection[Source] = (Source.CALENDLY,)) -> None:
        self.log = Log()
        every = {source: Rows(source) for source in EVERY}
        self.salesloft, self.drift, self.calendly = every.values()
        self.rows = [rows for source, rows in every.items() if source not in off]
        self.listing = FakeListing(self.salesloft, self.log)
        self.window = FakeWindow(self.drift, self.log)
        self.bookings = FakeBookings(self.calendly, self.log)
        self.clock = FakeClock()
        invitees = FakeInvitees(self.calendly, self.log)
        ports = [
            Ports(
                source=Source.DRIFT,
                meetings=FakeListing(self.drift, self.log, traits=LITTLE) if listed else self.window,
                people=FakePeople(self.drift, self.log),
                users=FakeUsers(self.drift, self.log),
            ),
            Ports(
                source=Source.CALENDLY,
                meetings=self.bookings,
                details=self.bookings,
                people=invitees,
                addressed=invitees,
                users=FakeUsers(self.calendly, self.log),
            ),
            Ports(
                source=Source.SALESLOFT,
                meetings=self.listing,
                people=FakePeople(self.salesloft, self.log),
                users=FakeUsers(self.salesloft, self.log),
            ),
        ]
        self.catalog = Catalog([port for port in ports if port.source not in off], self.clock)
