"""Salesloft behind the protocols of `sources.base`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from gateway.model.cost import ListPrice, ListShape, Needs
from gateway.model.filters import MeetingFilter, fold_email
from gateway.model.identity import derived_uid
from gateway.model.order import Walk
from gateway.model.records import Meeting, Person, Record, Ref, Source, User, UserKey
from gateway.paging.merge import Lane
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.sources.base import Found, Ports, Probe, Sample, Traits
from gateway.sources.bounds import is_number
from gateway.sources.kept import Translated, spoilt
from gateway.sources.memory import MemoryListing
from gateway.sources.salesloft import conditions, prices, wire
from gateway.sources.salesloft.api import OLDEST_FIRST, SalesloftApi, joined, together
from gateway.sources.salesloft.endpoints import (
    ACCOUNTS,
    CADENCES,
    MEETINGS,
    MOST_ROWS,
    PEOPLE,
    STEPS,
    TASKS,
    USERS,
    ListEndpoint,
    RecordRows,
)
from gateway.sources.salesloft.examine import examine
from gateway.sources.salesloft.filters import Params, account_listings, meeting_listings, person_listings
from gateway.sources.salesloft.keyed import IDS, Key, RecordsByKey, keys
from gateway.sources.salesloft.lists import NewestFirst, StepLists, all_cadences, count, meeting_lanes
from gateway.sources.sampling import sample
from gateway.upstream.client import Client
from gateway.upstream.lifetimes import Lifetimes
from gateway.upstream.lists import Lists
from gateway.upstream.records import Kind
from gateway.upstream.request import Request

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

ACTIVE = ("show_deleted", "false")
CANCELED = ("show_deleted", "true")

EVERYBODY: Params = (("visible_only", "false"),)
"""Without it users are hidden by group privacy (Salesloft: List users)."""

EMAILS, GUIDS, EVENTS, UIDS = "email_addresses[]", "guid[]", "event_ids[]", "i_cal_uids[]"

EVENT_VALUES = 100
EVENT_CHARS = 5600
"""Values, and characters of URL, up to which a look-up of events takes in those of meetings that come next: few enough
to fit the call that is made in any case."""

MOST_USER_PAGES = 100
"""Pages of the team that are read at most, where it does not come whole: 10,000 users."""


class SalesloftMeetings:
    """`/v2/meetings`, the only way to a meeting: there is no call for a single one."""

    traits = Traits(many=frozenset({"persons", "owners"}), page_rows=MOST_ROWS)

    def __init__(self, api: SalesloftApi) -> None:
        pages = api.lives.pages
        self._api = api
        self._active = RecordsByKey(api, MEETINGS, pages, name="active meetings", extra=(ACTIVE,))
        self._canceled = RecordsByKey(api, MEETINGS, pages, name="canceled meetings", extra=(CANCELED,))
        self._of_events = [
            RecordsByKey(api, MEETINGS, pages, name=name, keys_of=_events, extra=(listing, *OLDEST_FIRST))
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
        active = await self._active.get(request, keys(IDS, wanted))
        missing = wanted - {row.source_id for row in active.rows} - active.failures.keys()
        return joined([active, await self._canceled.get(request, keys(IDS, missing))])

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


class SalesloftPeople:
    """`/v2/people`."""

    def __init__(self, api: SalesloftApi) -> None:
        people = api.lives.people
        self._by_id = RecordsByKey(api, PEOPLE, people, name="people")
        self._by_email = RecordsByKey(api, PEOPLE, people, name="people by email", keys_of=_addresses)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Person]:
        """The people with these ids."""
        return await self._by_id.get(request, keys(IDS, filter(is_number, ids)))

    def price_of_people(self, people: int) -> Needs:
        """What so many people cost, by ids and by addresses: a hundred a call each."""
        return [(prices.PEOPLE_BY_ID, people), (prices.PEOPLE_BY_EMAIL, people)]

    async def by_emails(self, request: Request, emails: Sequence[str]) -> Found[Person]:
        """Everybody who has one of these addresses, in any of their three fields."""
        return await self._by_email.get(request, keys(EMAILS, filter(None, map(fold_email, emails))))


class SalesloftUsers:
    """`/v2/users`: by GUID for a meeting's owner and booker, by number for everything else."""

    traits = Traits()

    def __init__(self, api: SalesloftApi) -> None:
        users = api.lives.users
        self._api = api
        self._by_id = RecordsByKey(api, USERS, users, name="users", extra=EVERYBODY)
        self._by_guid = RecordsByKey(api, USERS, users, name="users by guid", keys_of=_guid, extra=EVERYBODY)
        team = Kind(
            name="team", endpoint=USERS.path, codec=USERS.founds, lifetimes=api.lives.directories, doubtful=spoilt
        )
        self._team = Lists(api.client, team, self._everybody)

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> Found[User]:
        """The users named by GUID or by id, those that group privacy hides included."""
        ours = [ref for ref in refs if ref.source is Source.SALESLOFT]
        guids = {ref.id.lower(): ref.id for ref in ours if ref.key is UserKey.GUID and ref.id}
        ids = [ref.id for ref in ours if ref.key is UserKey.ID and is_number(ref.id)]
        by_guid = self._by_guid.get(request, keys(GUIDS, guids))
        found = joined(await together((by_guid, self._by_id.get(request, keys(IDS, ids)))))
        failures = {guids.get(key, key): failure for key, failure in found.failures.items()}
        return msgspec.structs.replace(found, failures=failures)

    async def all(self, request: Request) -> Found[User]:
        """The whole team, in one answer where Salesloft gives it so."""
        return (await self._team.get(request, EVERYBODY)).value.value

    def price_of_all(self) -> Needs:
        """What the whole team costs: one call, where it comes whole."""
        return [(prices.TEAM, 1)]

    async def _everybody(self, request: Request, params: Params) -> Translated[RecordRows[wire.User], Found[User]]:
        whole = await self._api.unpaged(request, USERS, params)
        return await self._api.whole(request, USERS, params, MOST_USER_PAGES) if whole is None else whole


class IdLookup(Generic[W, R]):
    """Records of one list by their ids.

    Args:
        api: The calls.
        endpoint: The list.
        lifetimes: How long they may be used.
    """

    def __init__(self, api: SalesloftApi, endpoint: ListEndpoint[W, R], lifetimes: Lifetimes) -> None:
        self._by_id = RecordsByKey(api, endpoint, lifetimes, name=endpoint.path)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[R]:
        """The records with these ids."""
        return await self._by_id.get(request, keys(IDS, filter(is_number, ids)))


PROBES: Mapping[str, ListEndpoint[Any, Any]] = {
    "people:read": PEOPLE,
    "team:read": USERS,
    "cadences:read": CADENCES,
    "accounts:read": ACCOUNTS,
    "tasks:read": TASKS,
}
"""Scopes beside `meetings:read`, each with a list that takes it; that for cadences covers their steps."""


def open(client: Client, lives: RecordLifetimes = DEFAULT) -> Ports:  # noqa: A001 - a source is opened
    """Salesloft's ports over a client.

    Args:
        client: Calls `https://api.salesloft.com`, or what stands for it.
        lives: How long what it gave may be used.
    """
    api = SalesloftApi(client, lives)

    async def look(request: Request) -> Sample:
        params = [("show_deleted", "false"), ("per_page", "1"), ("page", "1")]
        seen = await client.get(request, MEETINGS.path, MEETINGS.path, params, read=_sample)
        assert seen is not None  # a list
        return seen

    def probe(endpoint: ListEndpoint[W, R]) -> Probe:
        return lambda request: api.page(request, endpoint, (), per_page=1)

    people = SalesloftPeople(api)
    accounts = IdLookup(api, ACCOUNTS, lives.accounts)
    cadences = IdLookup(api, CADENCES, lives.cadences)
    return Ports(
        source=Source.SALESLOFT,
        meetings=SalesloftMeetings(api),
        people=people,
        users=SalesloftUsers(api),
        cadences=cadences,
        steps=IdLookup(api, STEPS, lives.steps),
        accounts=accounts,
        tasks=IdLookup(api, TASKS, lives.tasks),
        person_list=NewestFirst(api, PEOPLE, person_listings, people, prices.PricedList(PEOPLE.path)),
        account_list=NewestFirst(
            api, ACCOUNTS, account_listings, accounts, prices.PricedList(ACCOUNTS.path, fanned="domains")
        ),
        cadence_list=MemoryListing(all_cadences(api), ask=prices.ALL_CADENCES, lookup=cadences),
        cadence_steps=StepLists(api),
        sample=look,
        scope="meetings:read",
        probes={scope: probe(endpoint) for scope, endpoint in PROBES.items()},
        examine=examine,
    )


async def _sample(sent: bytes) -> Sample:
    return sample(sent, wire.Meeting, source=Source.SALESLOFT.value)


def _addresses(person: Person) -> list[Key]:
    return keys(EMAILS, map(fold_email, person.emails or ()))


def _guid(user: User) -> list[Key]:
    return [] if user.guid is None else [(GUIDS, user.guid.lower())]


def _events(meeting: Meeting) -> list[Key]:
    """The keys that a meeting is found by, its event's own."""
    keys = ((EVENTS, meeting.calendar_event_id), (UIDS, meeting.i_cal_uid))
    return [(name, value) for name, value in keys if value]


def _keys_of(meeting: Meeting) -> list[Key]:
    """The keys that records of a meeting's event are found by: the iCalendar UID may follow from the event's id."""
    event = meeting.calendar_event_id
    derived = None if event is None else derived_uid(event)
    return _events(meeting) + ([(UIDS, derived)] if derived else [])
