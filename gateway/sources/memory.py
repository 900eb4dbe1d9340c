"""Listings of records that can only be had all at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar, cast

import msgspec

from gateway.model.conditions import Filter, naming
from gateway.model.cost import Ask, ListPrice, ListShape, Needs
from gateway.model.filters import MeetingFilter
from gateway.model.identity import EventIndex
from gateway.model.order import Walk
from gateway.model.records import Kind, Meeting, Record
from gateway.paging.memory import DeferredLane, MemoryLane, Snapshot
from gateway.paging.merge import Lane
from gateway.request import Request
from gateway.sources.base import Found, Lookup, Traits

D = TypeVar("D")
R = TypeVar("R", bound=Record)
T = TypeVar("T")


F = TypeVar("F", bound=Filter[Any])


class Derived:
    """One thing that was made of another, for as long as that other is the same object."""

    def __init__(self) -> None:
        self._last: tuple[object, object] | None = None

    def of(self, origin: T, make: Callable[[T], D]) -> D:
        """What `make` makes of the origin, made anew only where it is another one than last time."""
        if self._last is None or self._last[0] is not origin:
            self._last = origin, make(origin)
        return cast("D", self._last[1])


class MemoryListing(Generic[R, F]):
    """Every record of a kind, held in memory; see `sources.base.Listing`.

    Args:
        read: Reads them all. What is made of them stays for as long as it gives the same list of rows.
        traits: What the records can tell; that they are in memory is added here.
        ask: What reading them costs.
        lookup: Records by their ids, where that is cheaper.
    """

    def __init__(
        self,
        read: Callable[[Request], Awaitable[Found[R]]],
        traits: Traits | None = None,
        *,
        ask: Ask,
        lookup: Lookup[R] | None = None,
    ) -> None:
        self.traits = msgspec.structs.replace(traits or Traits(), in_memory=True)
        self._read = read
        self._ask = ask
        self._lookup = lookup
        self._snapshot = Derived()

    def lanes(self, request: Request, walk: Walk, wanted: F) -> Sequence[Lane[R]]:
        """One lane; see `Listing.lanes`."""

        async def open_lane() -> Lane[R]:
            found, snapshot = await self.all(request)
            return MemoryLane(
                snapshot, walk, admits=self.check(wanted), problems=found.problems, incomplete=found.incomplete
            )

        return (DeferredLane(open_lane),)

    async def count(self, request: Request, wanted: F) -> int | None:
        """How many records the filter admits."""
        found, _ = await self.all(request)
        return sum(map(self.check(wanted), found.rows))

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[R]:
        """The records with these ids."""
        if self._lookup is not None:
            return await self._lookup.by_ids(request, ids)
        found, snapshot = await self.all(request)
        rows = [snapshot.by_id[key] for key in dict.fromkeys(ids) if key in snapshot.by_id]
        return msgspec.structs.replace(found, rows=rows)

    def admits(self, wanted: F, record: R) -> bool:  # noqa: ARG002 - see `Listing`
        """Whether the source's own part of a filter holds: there is none, unless a source says otherwise."""
        return True

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost: those of a look-up of their own, else all records, once."""
        return [(self._ask, 1)] if self._lookup is None else self._lookup.price_of_ids(ids)

    def price(self, shape: ListShape) -> ListPrice:  # noqa: ARG002 - see `Listing`
        """What a page costs: all of them, once."""
        return ListPrice(ask=self._ask, calls=1)

    def check(self, wanted: F) -> Callable[[R], bool]:
        """Whether a filter admits a record."""
        return wanted.admits

    async def all(self, request: Request) -> tuple[Found[R], Snapshot[R]]:
        """All records; the same ones throughout a request.

        Raises:
            UpstreamError: They could not be read.
            DeadlineExceeded: The request's time is up.
        """

        async def read() -> tuple[Found[R], Snapshot[R]]:
            found = await self._read(request)
            return found, self._snapshot.of(found.rows, Snapshot)

        return await request.once((self, "all"), read)


MANY_MEETINGS = 1_000
"""Meetings that a source held in memory is assumed to have."""

OF_ONE_USER = 100
"""Those of one team member among them."""


class MemoryMeetings(MemoryListing[Meeting, MeetingFilter]):
    """Every meeting of a source, held in memory; see `sources.base.MeetingListing`.

    A source whose filter has a part of its own says in `admits` what that means.
    """

    def __init__(
        self, read: Callable[[Request], Awaitable[Found[Meeting]]], traits: Traits | None = None, *, ask: Ask
    ) -> None:
        super().__init__(read, traits, ask=ask)
        self._events = Derived()

    def check(self, wanted: MeetingFilter) -> Callable[[Meeting], bool]:
        """Whether a filter admits a meeting."""
        common = wanted.admits
        return (lambda row: self.admits(wanted, row) and common(row)) if wanted.own else common

    async def same_events(self, request: Request, meetings: Sequence[Meeting]) -> Found[Meeting]:
        """The meetings that are the event of one of these."""
        _, snapshot = await self.all(request)
        events = self._events.of(snapshot, lambda every: EventIndex(every.rows))
        return Found(rows=list({each.source_id: each for row in meetings for each in events.of(row)}.values()))

    async def any_of_events(
        self,
        request: Request,
        meetings: Sequence[Meeting],
        most_units: float,  # noqa: ARG002 - it takes none
    ) -> Sequence[Meeting]:
        """The same, which costs no call."""
        return (await self.same_events(request, meetings)).rows

    def fitting(self, meetings: Sequence[Meeting], following: Iterable[Meeting]) -> list[Meeting]:  # noqa: ARG002
        """None: what is asked for costs no call."""
        return []

    def price_of_events(self, rows: int) -> Needs:  # noqa: ARG002 - see `MeetingListing`
        """Nothing beyond what reading them costs."""
        return [(self._ask, 1)]

    def most_touching(self, shape: ListShape, lists: int) -> int:
        """How many meetings may meet a condition on links: those of each user that is named."""
        if shape.given(self._ask.source.value.lower()):
            return MANY_MEETINGS
        named = max(1, shape.values(*naming(MeetingFilter, Kind.USER)))
        return min(lists * named * OF_ONE_USER, MANY_MEETINGS)

    async def has_people(self, request: Request, wanted: MeetingFilter) -> bool:
        """Whether any meeting that meets the source's own part of a filter has a person."""
        found, _ = await self.all(request)
        return any(row.person is not None and self.admits(wanted, row) for row in found.rows)
