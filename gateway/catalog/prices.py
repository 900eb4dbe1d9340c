"""What lists cost upstream, put together from what each source says of its own part. Pure; no call is made to tell.

Every figure is an upper estimate for a gateway that has cached nothing: each page comes full, and either source may be
the one that holds an event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gateway.catalog.answer import MOST_SCREENED
from gateway.catalog.lists_under_records import CONDITIONS, MOST_TOGETHER
from gateway.catalog.plan import LINKS
from gateway.catalog.shared_walk import FEW, SPARE
from gateway.model import filters
from gateway.model.cost import ListPrice, ListShape, Needs
from gateway.model.order import RANK
from gateway.model.records import Kind, Source
from gateway.sources.base import MeetingListing, Ports

ENDS = 2
"""Calls that tell how far a listing goes, where a walk reaches its end."""

OF_PEOPLE = ("person_ids", "person_emails")


class ListPrices:
    """The price of every list.

    Args:
        ports: Each source's ports, in any order.
    """

    def __init__(self, ports: Sequence[Ports]) -> None:
        self._ports = sorted(ports, key=lambda port: RANK[port.source])
        self._meetings: dict[Source, MeetingListing] = {
            port.source: port.meetings for port in self._ports if port.meetings is not None
        }

    def meetings(self, shape: ListShape) -> Needs:
        """A page of one list of meetings."""
        needs: Needs = []
        for listing in self._meetings.values():
            price = listing.price(shape)
            needs.append((price.ask, price.calls))
        screened = max(shape.rows, self._brought(shape, 1), MOST_SCREENED * (shape.total and self._counts(shape)))
        return [*needs, *self._events(screened), *self.team(), *self._people(shape)]

    def meetings_under(self, shape: ListShape, kind: Kind, records: int) -> Needs:
        """Such a page under each of several records of a kind; its condition is among the shape's."""
        needs: Needs = []
        for listing in self._meetings.values():
            price = listing.price(shape)
            together = self._together(listing, price, shape, kind, records)
            calls = together if not price.walks else min(together, records * price.calls + SPARE * price.walks)
            needs.append((price.ask, calls))
        parts = math.ceil(records / MOST_TOGETHER)
        some = min(records, MOST_TOGETHER)
        screened = max(shape.rows * some, self._brought(shape, some) * (kind is Kind.USER))
        events = [(ask, keys * parts) for ask, keys in self._events(screened)]
        singly = [(ask, keys * records) for ask, keys in (*self.team(), *self._people(shape))]
        return [*needs, *events, *singly]

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
        some = min(records, MOST_TOGETHER)
        page = listing.traits.page_rows
        pages = math.ceil((shape.rows + 1) / page)
        if CONDITIONS[kind] in listing.traits.many:
            walked = SPARE + math.ceil((shape.rows * some + some) / page) + ENDS + min(some, FEW) * pages
        else:  # no call asks for several
            walked = SPARE + some * pages
        alone = 2 * records * (shape.total or shape.turns)
        return price.walks * (math.ceil(records / MOST_TOGETHER) * walked + alone)

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
            if shape.given("ids", _own(source), *(name for name in LINKS if name not in listing.traits.lacks))
        )

    def _counts(self, shape: ListShape) -> bool:
        """Whether rows of lower sources are among those that a total counts."""
        return any(
            not shape.given(*listing.traits.lacks, *(_own(other) for other in self._meetings if other is not source))
            for source, listing in self._lower().items()
        )

    def _people(self, shape: ListShape) -> Needs:
        """What finding out takes whom a filter means."""
        named = shape.values(*OF_PEOPLE)
        ports = [port.people for port in self._ports if port.people is not None] if named else []
        return [need for port in ports for need in port.price_of_people(named)]


def condition_of(kind: Kind) -> str:
    """The condition that a list under a record of some kind adds to its filter."""
    return filters.CONDITIONS[kind]


def _own(source: Source) -> str:
    """Where a shape has a source's own conditions."""
    return source.value.lower()
