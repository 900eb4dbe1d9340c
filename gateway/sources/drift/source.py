"""Drift behind the protocols of `sources.base`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gateway.model.cost import Ask, How, Needs
from gateway.model.filters import MeetingFilter, fold_email
from gateway.model.order import id_key
from gateway.model.records import Conversation, Kind, Meeting, MeetingStatus, Person, Record, Ref, Source, User, UserKey
from gateway.request import Clock, Request
from gateway.settings.lifetimes import DEFAULT, RecordLifetimes
from gateway.sources.base import Found, Ports, Traits, lost_in
from gateway.sources.bounds import is_number
from gateway.sources.drift import wire
from gateway.sources.drift.api import (
    CONTACT,
    CONTACTS_OF,
    CONVERSATION,
    MEETINGS,
    MOST_CONTACTS,
    USERS,
    VITAL,
    DriftApi,
    Rows,
    contacts,
    contacts_by_email,
    conversations,
    team,
    windows,
)
from gateway.sources.drift.conditions import MeetingConditions
from gateway.sources.drift.examine import examine
from gateway.sources.drift.live import DriftLive
from gateway.sources.memory import MemoryMeetings
from gateway.sources.problems import another
from gateway.sources.vendor import Vendor
from gateway.upstream.client import Client
from gateway.upstream.freshness import LookupResult

R = TypeVar("R", bound=Record)
S = TypeVar("S", bound=msgspec.Struct)

WHOLE = "all"
"""The key of a list in its cache where there is only one."""

NOBODY = "nobody@gateway.invalid"
"""An address that no contact has."""

TRAITS = Traits(
    statuses=frozenset({MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.UNKNOWN}),
    tells_no_show=False,
    has_all_day=False,
    reaches_back=dt.timedelta(days=30),
    blank=frozenset(
        {
            *("title", "description", "location", "i_cal_uid", "attendees", "guests"),
            *("cadence", "step", "account", "task"),
        }
    ),
)
"""Drift: Meeting model. `slotStart` reaches up to 30 days back."""


WINDOW = Ask(source=Source.DRIFT, endpoint=MEETINGS, how=How.ONCE, keys="window")
TEAM = Ask(source=Source.DRIFT, endpoint=USERS, how=How.ONCE, keys="team")
CONTACTS = Ask(source=Source.DRIFT, endpoint=CONTACT, how=How.EACH, keys="ids")
CONTACTS_BY_EMAIL = Ask(source=Source.DRIFT, endpoint=CONTACTS_OF, how=How.EACH, keys="addresses")
CONVERSATIONS = Ask(source=Source.DRIFT, endpoint=CONVERSATION, how=How.EACH, keys="ids")


class DriftMeetings(MemoryMeetings):
    """The window of meetings that Drift holds: from 30 days ago on."""

    def __init__(self, client: Client, api: DriftApi, clock: Clock, lifetimes: RecordLifetimes) -> None:
        self.window = windows(client, api, clock, lifetimes.window)

        async def read(request: Request) -> Found[Meeting]:
            return (await self.window.get(request, WHOLE)).value.value

        super().__init__(read, TRAITS, ask=WINDOW)

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        """Whether Drift's own conditions (`MeetingConditions`) hold on one of its records."""
        own = wanted.own.get(Source.DRIFT)
        if not isinstance(own, MeetingConditions):
            return True
        return isinstance(meeting.raw, wire.Meeting) and own.admits(meeting.raw)


class DriftPeople:
    """Contacts; there is no batch for them, so each costs a call."""

    most_addresses = 1

    def __init__(self, client: Client, api: DriftApi, lifetimes: RecordLifetimes) -> None:
        self._by_id = contacts(client, api, lifetimes.people)
        self._by_email = contacts_by_email(client, api, lifetimes.people)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Person]:
        """The contacts with these ids; what is no 64-bit number is nobody's id."""
        return _found(await self._by_id.get(request, filter(is_number, ids)))

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost: a call each."""
        return [(CONTACTS, ids)]

    def price_of_emails(self, emails: int) -> Needs:
        """What so many addresses cost: a call each."""
        return [(CONTACTS_BY_EMAIL, emails)]

    async def by_emails(self, request: Request, emails: Sequence[str]) -> Found[Person]:
        """Everybody who has one of these addresses, by id: several contacts may share one, and the lowest id leads."""
        keys = (email for email in map(fold_email, emails) if "@" in email)
        answers = await self._by_email.get(request, keys)
        found = _found(answers)
        full = any(len(rows.sent.rows) + len(rows.sent.lost) >= MOST_CONTACTS for rows in answers.found.values())
        return msgspec.structs.replace(
            found,
            rows=sorted(found.rows, key=lambda person: id_key(person.source_id)),
            incomplete=f"More than {MOST_CONTACTS} Drift contacts may share one address." if full else None,
        )


class DriftUsers:
    """The organization's users; one call lists them all, which is cheaper than any look-up."""

    traits = Traits(blank=frozenset({"active", "guid", "first_name", "last_name", "job_role"}))

    def __init__(self, client: Client, api: DriftApi, lifetimes: RecordLifetimes) -> None:
        self._team = team(client, api, lifetimes.directories)

    async def by_refs(self, request: Request, refs: Sequence[Ref]) -> Found[User]:
        """The users with these ids; other keys and other sources' references name nobody here."""
        ids = {ref.id for ref in refs if (ref.source, ref.kind, ref.key) == (Source.DRIFT, Kind.USER, UserKey.ID)}
        if not ids:
            return Found(rows=[])
        found = await self.all(request)
        rows = [user for user in found.rows if user.source_id in ids]
        lost = lost_in(found, Source.DRIFT)
        missing = ids - {user.source_id for user in rows}
        return msgspec.structs.replace(found, rows=rows, failures=dict.fromkeys(missing, lost) if lost else {})

    async def all(self, request: Request) -> Found[User]:
        """Every user, bots included (`raw` says which); the same ones throughout a request."""
        return await request.once((self, WHOLE), lambda: self._read(request))

    def price_of_refs(self, refs: int) -> Needs:  # noqa: ARG002 - as many as there are
        """What any number of references costs: the whole team."""
        return self.price_of_all()

    def price_of_all(self) -> Needs:
        """What the whole team costs: one call."""
        return [(TEAM, 1)]

    async def _read(self, request: Request) -> Found[User]:
        return (await self._team.get(request, WHOLE)).value.value


class Conversations:
    """Chats, each by a call of its own."""

    def __init__(self, client: Client, api: DriftApi, lifetimes: RecordLifetimes) -> None:
        self._by_id = conversations(client, api, lifetimes.conversations)

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Conversation]:
        """The chats with these ids; what is no 64-bit number is no id of one."""
        return _found(await self._by_id.get(request, filter(is_number, ids)))

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost: a call each."""
        return [(CONVERSATIONS, ids)]


def open(client: Client, clock: Clock, lifetimes: RecordLifetimes = DEFAULT) -> Ports:  # noqa: A001  # always called as `source.open`
    """Drift's ports over a client.

    Args:
        client: Calls `https://driftapi.com`, or what stands for it; 401 and 403 are its refusals.
        clock: Tells what lies ahead and what lies behind.
        lifetimes: How long what it gave may be used.
    """
    api = DriftApi(client)
    meetings = DriftMeetings(client, api, clock, lifetimes)

    return Ports(
        source=Source.DRIFT,
        scope="user_read",
        probes={
            "contact_read": lambda request: api.contacts(request, NOBODY),
            "conversation_read": lambda request: api.conversation(request, "0"),
        },
        meetings=meetings,
        people=DriftPeople(client, api, lifetimes),
        users=DriftUsers(client, api, lifetimes),
        conversations=Conversations(client, api, lifetimes),
        sample=api.sample,
        examine=lambda ask: examine(ask, clock),
        live=DriftLive(client, meetings.window, WHOLE),
    )


def _found(answers: LookupResult[str, Rows[S, R]]) -> Found[R]:
    """The records that came for the keys they were asked by."""
    nothing = [key for key, entry in answers.found.items() if entry.sent.lost and not entry.sent.rows]
    return Found(
        rows=[record for entry in answers.found.values() for record in entry.value.rows],
        problems=tuple(dict.fromkeys(problem for entry in answers.found.values() for problem in entry.value.problems)),
        failures={**answers.failed, **dict.fromkeys(nothing, another(Source.DRIFT))},
    )


VENDOR = Vendor(open=lambda client, clock, options: open(client, clock, options.lifetimes), vital=VITAL)
