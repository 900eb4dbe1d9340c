"""Salesloft behind the protocols of `sources.base`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from gateway.model.cost import ListPrice, ListShape, Needs
from gateway.model.filters import MeetingFilter
from gateway.model.identity import EventIndex, derived_uid
from gateway.model.order import Walk
from gateway.model.record_filters import AccountFilter, PersonFilter
from gateway.model.records import Meeting, Record, Source
from gateway.paging.merge import Lane
from gateway.request import Request
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.sources.base import Found, Ports, Probe, Sample, Traits
from gateway.sources.bounds import is_number
from gateway.sources.decode import sample
from gateway.sources.memory import MemoryListing
from gateway.sources.salesloft import conditions, parameters, prices, wire
from gateway.sources.salesloft.api import OLDEST_FIRST, SalesloftApi, joined, together
from gateway.sources.salesloft.examine import examine
from gateway.sources.salesloft.filters import meeting_listings, record_listings
from gateway.sources.salesloft.lists import NewestFirst, StepLists, all_cadences, count, meeting_lanes
from gateway.sources.salesloft.live import SalesloftLive
from gateway.sources.salesloft.lookups import (
    IDS,
    IdLookup,
    Key,
    RecordsByKey,
    SalesloftPeople,
    SalesloftUsers,
    keys,
)
from gateway.sources.salesloft.resources import (
    ACCOUNTS,
    CADENCES,
    MEETINGS,
    MOST_ROWS,
    PEOPLE,
    PROBES,
    STEPS,
    TASKS,
    VITAL,
    Resource,
)
from gateway.sources.salesloft.subscriptions import SalesloftSubscriptions
from gateway.sources.vendor import Vendor
from gateway.upstream.client import Client

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

ACTIVE = ("show_deleted", "false")
CANCELED = ("show_deleted", "true")

EVENTS, UIDS = parameters.EVENT_IDS.name, parameters.UIDS.name

EVENT_VALUES = 100
EVENT_CHARS = 5600
"""Values, and characters of URL, up to which a look-up of events takes in those of meetings that come next: few enough
to fit the call that is made in any case."""


class SalesloftMeetings:
    """`/v2/meetings`, the only way to a meeting: there is no call for a single one."""

    traits = Traits(many=parameters.asked_by_many(MeetingFilter), page_rows=MOST_ROWS)

    def __init__(self, api: SalesloftApi) -> None:
        self._api = api
        outdated = api.client.outdated
        self.active, self.canceled = (
            RecordsByKey(
                api,
                MEETINGS,
                name=name,
                changed_at=lambda key: outdated.record(key[1]),
                extra=(listing,),
            )
            for name, listing in (("active meetings", ACTIVE), ("canceled meetings", CANCELED))
        )
        self._of_events = [
            RecordsByKey(
                api,
                MEETINGS,
                name=name,
                keys_of=_events,
                changed_at=lambda _: outdated.lists(),
                extra=(listing, *OLDEST_FIRST),
            )
            for name, listing in (("active events", ACTIVE), ("canceled events", CANCELED))
        ]

    def lanes(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:
        """One lane a listing; see `filters.meeting_listings`."""
        return meeting_lanes(self._api, request, walk, wanted)

    async def count(self, request: Request, wanted: MeetingFilter) -> int | None:
        """How many meetings the filter admits; None where part of it can only be checked on each row."""
        return await count(self._api, request, MEETINGS, meeting_listings(wanted))

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Meeting]:
        """The meetings with these ids; those that are not among the active ones are looked for among the cancelled."""
        wanted = set(filter(is_number, ids))
        active = await self.active.get(request, keys(IDS, wanted))
        missing = wanted - {row.source_id for row in active.rows} - active.failures.keys()
        return joined([active, await self.canceled.get(request, keys(IDS, missing))])

    async def same_events(self, request: Request, meetings: Sequence[Meeting]) -> Found[Meeting]:
        """Every meeting with the event id of one of these, or with the iCalendar UID that comes of it.

        A series' UID brings all its occurrences. Part of an answer would pass for "held by nobody": a failure of any
        call is raised.
        """
        asked = {key for meeting in meetings for key in _keys_of(meeting)}
        found = joined(await together(listing.get(request, asked) for listing in self._of_events))
        for failure in found.failures.values():
            raise failure
        return found

    async def any_of_events(
        self, request: Request, meetings: Sequence[Meeting], most_units: float
    ) -> Sequence[Meeting] | None:
        """Looked for by event id first, among active meetings first; what is found is not looked for again.

        Where one call takes every key, ids and UIDs are not asked for apart.
        """
        found: list[Meeting] = []
        spent = 0
        every = [key for meeting in meetings for key in _keys_of(meeting)]
        steps = (_keys_of,) if self._of_events[0].calls(dict.fromkeys(every)) <= 1 else (_event_ids, _derived_uids)
        for keys_of in steps:
            for listing in self._of_events:
                index = EventIndex(found)
                asked = sorted({key for meeting in meetings if not index.of(meeting) for key in keys_of(meeting)})
                spent += listing.calls(asked)
                if spent >= most_units:
                    return None
                answer = await listing.get(request, asked)
                for failure in answer.failures.values():
                    raise failure
                found += answer.rows
        return found

    def fitting(self, meetings: Sequence[Meeting], following: Iterable[Meeting]) -> list[Meeting]:
        """Those of the following meetings whose keys still fit into the URL that the meetings' own fill."""
        asked = [pair for meeting in meetings for pair in _keys_of(meeting)]
        places, room = EVENT_VALUES - len(asked), EVENT_CHARS - len(urlencode(asked))
        fitting: list[Meeting] = []
        for meeting in following:
            pairs = _keys_of(meeting)
            places, room = places - len(pairs), room - len(urlencode(pairs)) - len("&")
            if places < 0 or room < 0:
                break
            fitting.append(meeting)
        return fitting

    def price(self, shape: ListShape) -> ListPrice:
        """What a page costs."""
        return prices.meetings(shape)

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost."""
        return prices.meeting_ids(ids)

    def price_of_events(self, rows: int) -> Needs:
        """What looking for the events of so many meetings costs."""
        return prices.events(rows)

    def most_touching(self, shape: ListShape, lists: int) -> int:
        """How many meetings may meet a condition on links: as many as are looked through, in pages of its own."""
        return lists * shape.rows

    async def has_people(self, request: Request, wanted: MeetingFilter) -> bool:  # noqa: ARG002 - see `MeetingListing`
        """Whether any meeting may have a person: most have one."""
        return True

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        """Whether Salesloft's own conditions (`MeetingConditions`) hold on a record that was found another way."""
        return conditions.admits(conditions.conditions(wanted), meeting, conditions.ALL)


def open(client: Client, lifetimes: RecordLifetimes = DEFAULT) -> Ports:  # noqa: A001 - a source is opened
    """Salesloft's ports over a client.

    Args:
        client: Calls `https://api.salesloft.com`, or what stands for it.
        lifetimes: How long what it gave may be used.
    """
    api = SalesloftApi(client, lifetimes)

    async def look(request: Request) -> Sample:
        params = [("show_deleted", "false"), ("per_page", "1"), ("page", "1")]
        seen = await client.get(request, MEETINGS.path, MEETINGS.path, params, read=_sample)
        assert seen is not None  # a list
        return seen

    def probe(resource: Resource[W, R]) -> Probe:
        return lambda request: api.page(request, resource, (), per_page=1)

    meetings = SalesloftMeetings(api)
    people = SalesloftPeople(api)
    accounts = IdLookup(api, ACCOUNTS)
    cadences = IdLookup(api, CADENCES)
    return Ports(
        source=Source.SALESLOFT,
        meetings=meetings,
        people=people,
        users=SalesloftUsers(api),
        cadences=cadences,
        steps=IdLookup(api, STEPS),
        accounts=accounts,
        tasks=IdLookup(api, TASKS),
        person_list=NewestFirst(api, PEOPLE, record_listings, people, prices.PricedList(PEOPLE.path, PersonFilter)),
        account_list=NewestFirst(
            api, ACCOUNTS, record_listings, accounts, prices.PricedList(ACCOUNTS.path, AccountFilter)
        ),
        cadence_list=MemoryListing(all_cadences(api), ask=prices.ALL_CADENCES, lookup=cadences),
        cadence_steps=StepLists(api, prices.STEPS_OF),
        sample=look,
        scope=MEETINGS.scope,
        probes={scope: probe(resource) for scope, resource in PROBES.items()},
        examine=examine,
        live=SalesloftLive(api, meetings.active, meetings.canceled),
        subscriptions=SalesloftSubscriptions(client),
    )


async def _sample(sent: bytes) -> Sample:
    return sample(sent, wire.Meeting, source=Source.SALESLOFT.value)


def _events(meeting: Meeting) -> list[Key]:
    """The keys that a meeting is found by, its event's own."""
    keys = ((EVENTS, meeting.calendar_event_id), (UIDS, meeting.i_cal_uid))
    return [(name, value) for name, value in keys if value]


def _event_ids(meeting: Meeting) -> list[Key]:
    """The key of a meeting's event itself."""
    return keys(EVENTS, filter(None, [meeting.calendar_event_id]))


def _derived_uids(meeting: Meeting) -> list[Key]:
    """Its other keys."""
    return [(name, value) for name, value in _keys_of(meeting) if name == UIDS]


def _keys_of(meeting: Meeting) -> list[Key]:
    """The keys that records of a meeting's event are found by: the iCalendar UID may follow from the event's id."""
    event = meeting.calendar_event_id
    derived = None if event is None else derived_uid(event)
    return _events(meeting) + ([(UIDS, derived)] if derived else [])


VENDOR = Vendor(
    open=lambda client, _, options: open(client, options.lifetimes),
    vital=VITAL,
    cost_header="x-ratelimit-endpoint-cost",
    remaining_header="x-ratelimit-remaining-minute",
)
