"""What lists and records cost upstream, put together from what each source's ports say of their part. Pure; no calls.

Every figure is an upper estimate for a gateway that has cached nothing: each page comes full, and any source may be the
one that holds an event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from gateway.catalog.answer import MAX_SCREENED
from gateway.catalog.lists_under_records import MAX_TOGETHER
from gateway.catalog.people import MAX_SINGLY
from gateway.catalog.shared_walk import FEW, SPARE
from gateway.catalog.whole_list import STATS_ROWS
from gateway.model.conditions import naming
from gateway.model.cost import How, ListPrice, ListShape, Needs
from gateway.model.filters import LINKED_INPUTS, RESOLVED_UNDER, Canceled, MeetingFilter
from gateway.model.order import RANK
from gateway.model.records import Kind, Record, Source
from gateway.sources.base import Lookup, MeetingListing, PeopleLookup, Ports

ENDS = 2
"""Calls that tell how far a listing goes, where a walk reaches its end."""


SEVERAL = 10
"""Records of which the price tells whether they go together in calls."""

LOOKUPS = {
    Kind.CADENCE: "cadences",
    Kind.STEP: "steps",
    Kind.ACCOUNT: "accounts",
    Kind.TASK: "tasks",
    Kind.CONVERSATION: "conversations",
}
"""The port that looks up records of a kind which the source alone knows."""
MAX_UNMATCHED = 500
"""Rows of lower sources, of those that are counted, whose event is not among the rows that are read of higher ones."""


class Prices:
    """The price of every list, and of records however they are looked up.

    Args:
        ports: Each source's ports, in any order.
        stats_rows: Meetings that are read at most to be counted.

    Attributes:
        details: What of some sources' meetings takes calls of its own.
    """

    def __init__(self, ports: Sequence[Ports], stats_rows: int = STATS_ROWS) -> None:
        self._stats_rows = stats_rows
        self._ports = sorted(ports, key=lambda port: RANK[port.source])
        self.details = [port.details for port in self._ports if port.details is not None]
        self._meetings: dict[Source, MeetingListing] = {
            port.source: port.meetings for port in self._ports if port.meetings is not None
        }

    def meetings(self, shape: ListShape) -> Needs:
        """A page of one list of meetings."""
        needs: Needs = []
        for listing in self._meetings.values():
            price = listing.price(shape)
            needs.append((price.ask, price.calls))
        screened = max(shape.rows, self._brought(shape, 1), MAX_SCREENED * (shape.total and self._counts(shape)))
        return [*needs, *self._events(screened), *self.team(), *self._people(shape), *self._decided(shape)]

    def counted_meetings(self, shape: ListShape) -> Needs:
        """Every meeting of one list, in parts: the next begins up to a quarter before the end of what was read."""
        shape = msgspec.structs.replace(shape, rows=min(shape.rows, self._stats_rows))
        needs: Needs = []
        for listing in self._meetings.values():
            price = listing.price(shape)
            needs.append((price.ask, price.calls + math.ceil(price.calls / 3) * bool(price.walks) + price.walks))
        screened = min(shape.rows, MAX_UNMATCHED) * self._counts(shape) + self._brought(shape, 1)
        return [*needs, *self._events(screened), *self.team(), *self._people(shape), *self._decided(shape)]

    def meetings_under(self, shape: ListShape, kind: Kind, records: int) -> Needs:
        """Such a page under each of several records of a kind; its condition is among the shape's."""
        needs: Needs = []
        for listing in self._meetings.values():
            price = listing.price(shape)
            together = self._together(listing, price, shape, kind, records)
            calls = together if not price.walks else min(together, records * price.calls + SPARE * price.walks)
            needs.append((price.ask, calls))
        parts = math.ceil(records / MAX_TOGETHER)
        some = min(records, MAX_TOGETHER)
        screened = max(shape.rows * some, self._brought(shape, some) * (kind is Kind.USER))
        events = [(ask, keys * parts) for ask, keys in self._events(screened)]
        singly = [(ask, keys * records) for ask, keys in (*self.team(), *self._people(shape))]
        return [*needs, *events, *singly, *self._decided(shape)]

    def people(self, shape: ListShape) -> Needs:
        """A page of people."""
        return self._listed([port.person_list.price(shape) for port in self._ports if port.person_list], shape)

    def accounts(self, shape: ListShape) -> Needs:
        """A page of accounts."""
        return self._listed([port.account_list.price(shape) for port in self._ports if port.account_list], shape)

    def cadences(self, shape: ListShape) -> Needs:
        """A page of cadences."""
        return self._listed([port.cadence_list.price(shape) for port in self._ports if port.cadence_list], shape)

    def team(self) -> Needs:
        """The users of every source: a page of them, and who is whom."""
        return [need for port in self._ports if port.users is not None for need in port.users.price_of_all()]

    def _listed(self, prices: Sequence[ListPrice], shape: ListShape) -> Needs:
        team = self.team() if shape.given("owner_ids") else []
        return [*((price.ask, price.calls) for price in prices), *team]

    def _together(self, listing: MeetingListing, price: ListPrice, shape: ListShape, kind: Kind, records: int) -> int:
        """Calls of the lists under several records, which are walked a hundred at a time."""
        if not price.walks:
            return price.calls
        some = min(records, MAX_TOGETHER)
        page = listing.traits.page_rows
        pages = math.ceil((shape.rows + 1) / page)
        if RESOLVED_UNDER[kind] in listing.traits.many:
            walked = SPARE + math.ceil((shape.rows * some + some) / page) + ENDS + min(some, FEW) * pages
        else:  # no call asks for several
            walked = SPARE + some * pages
        alone = 2 * records * (shape.total or shape.turns)
        return price.walks * (math.ceil(records / MAX_TOGETHER) * walked + alone)

    def _events(self, rows: int) -> Needs:
        """Looking so many rows up in every other source."""
        called = [listing for listing in self._meetings.values() if not listing.traits.in_memory]
        return [need for listing in called for need in listing.price_of_events(rows)] if len(self._meetings) > 1 else []

    def _lower(self) -> dict[Source, MeetingListing]:
        """The sources whose records may be held by others'."""
        return dict([*self._meetings.items()][1:])

    def _brought(self, shape: ListShape, lists: int) -> int:
        """Rows of lower sources that have to be looked up before a page can be put together: they may bring others in.

        Args:
            shape: What is asked.
            lists: How many such lists are answered together.
        """
        return sum(
            listing.most_touching(shape, lists)
            for source, listing in self._lower().items()
            if shape.given("ids", _own(source), *(LINKED_INPUTS.keys() - listing.traits.lacks(MeetingFilter)))
        )

    def _counts(self, shape: ListShape) -> int:
        """How many lower sources' rows are among those that a total counts."""
        no_shows = bool(shape.conditions.get("no_show"))
        return sum(
            (listing.traits.tells_no_show or not no_shows)
            and not shape.given(
                *listing.traits.lacks(MeetingFilter),
                *(_own(other) for other in self._meetings if other is not source),
            )
            for source, listing in self._lower().items()
        )

    def _decided(self, shape: ListShape) -> Needs:
        """What deciding conditions takes that only what takes calls of its own can tell; bounded for a request."""
        return [need for each in self.details for need in each.price_of_conditions(shape)]

    def _people(self, shape: ListShape) -> Needs:
        """What finding out takes whom a filter means."""
        named = shape.values(*naming(MeetingFilter, Kind.PERSON))
        ports = self._people_ports() if named else []
        addresses = named * max((port.most_addresses for port in ports), default=0)
        return [need for port in ports for need in (*port.price_of_ids(named), *port.price_of_emails(addresses))]

    def by_refs(self, kind: Kind, number: int, source: Source | None = None) -> Needs:
        """Records by reference.

        Args:
            kind: Their kind.
            number: How many.
            source: The source of all of them; None where any may be of any.
        """
        match kind:
            case Kind.MEETING:
                return self._meetings_by_refs(number, source)
            case Kind.PERSON:
                return self._people_by_refs(number, source)
            case Kind.USER:
                return self._users_by_refs(number, source)
        ports = [getattr(port, LOOKUPS[kind]) for port in self._ports if source in {None, port.source}]
        lookups: list[Lookup[Record]] = [port for port in ports if port is not None]
        return [need for lookup in lookups for need in lookup.price_of_ids(number)]

    def takes_calls_each(self, kind: Kind, source: Source) -> bool:
        """Whether each record of a kind, by reference, takes a call of its own to its source."""
        needs = self.by_refs(kind, SEVERAL, source)
        return any(ask.source is source and ask.how is How.EACH and calls >= SEVERAL for ask, calls in needs)

    def meetings_by_event(self, number: int) -> Needs:
        """Meetings by the ids of their calendar events."""
        events = {"calendar_event_ids": [None] * number, "canceled": Canceled.INCLUDE.name}
        return self.meetings(ListShape(rows=number, conditions=events))

    def people_by_email(self, number: int) -> Needs:
        """People by their addresses: in the first source, and those that it does not have in the others."""
        needs: Needs = []
        for place, port in enumerate(self._people_ports()):
            needs += port.price_of_emails(min(number, MAX_SINGLY) if place else number)
        return needs

    def people_below(self, number: int, source: Source | None = None) -> Needs:
        """What lower sources, or one of them, have of so many people of the first one."""
        ports = [(port.source, port.people) for port in self._ports if port.people is not None]
        addresses = number * max((people.most_addresses for _, people in ports[:1]), default=0)
        asked = [people for each, people in ports[1:] if source in {None, each}]
        return [need for people in asked for need in people.price_of_emails(addresses)]

    def steps_of_cadences(self, number: int) -> Needs:
        """The steps of so many cadences."""
        ports = [port.cadence_steps for port in self._ports if port.cadence_steps is not None]
        return [need for port in ports for need in port.price_of_cadences(number)]

    def _meetings_by_refs(self, number: int, source: Source | None) -> Needs:
        """The meetings, their duplicates in the other sources, and the team: the owner's record of an event leads."""
        own = [listing for each, listing in self._meetings.items() if source in {None, each}]
        if not own:
            return []
        others = [*self._meetings.values()] if len(self._meetings) > 1 else []
        return [
            *(need for listing in own for need in listing.price_of_ids(number)),
            *(need for listing in others for need in listing.price_of_events(number)),
            *self.team(),
        ]

    def _people_by_refs(self, number: int, source: Source | None) -> Needs:
        """The people, those of lower sources in the higher ones as well, by their addresses."""
        needs: Needs = []
        higher: list[PeopleLookup] = []
        for each in self._ports:
            if each.people is not None:
                if source in {None, each.source}:
                    needs += each.people.price_of_ids(number)
                    addresses = number * each.people.most_addresses
                    needs += [need for port in higher for need in port.price_of_emails(addresses)]
                higher.append(each.people)
        return needs

    def _users_by_refs(self, number: int, source: Source | None) -> Needs:
        """The users; those of lower sources are looked up in the whole team."""
        needs: Needs = []
        users = [port for port in self._ports if port.users is not None]
        for place, each in enumerate(users):
            if each.users is not None and source in {None, each.source}:
                needs += self.team() if place else each.users.price_of_refs(number)
        return needs

    def _people_ports(self) -> list[PeopleLookup]:
        return [port.people for port in self._ports if port.people is not None]


def _own(source: Source) -> str:
    """Where a shape has a source's own conditions."""
    return source.value.lower()
