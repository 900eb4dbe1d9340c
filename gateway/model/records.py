"""The records that every source is translated into, and that the graph's types are faces of.

Times are timezone-aware datetimes in UTC. Ids are text, since upstream sends 64-bit integers, GUIDs and slugs.
`None` stands for null and for absent alike: no vendor tells them apart reliably.

A record can be part of no cycle, so the garbage collector need not look at it (`gc=False`); those with errors can be.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.errors import GatewayError

JSON = Any
"""A JSON value that is passed on as it is: custom fields, CRM references."""


class Word(enum.Enum):
    """A closed set of words; hashed by identity, since references to records are looked up by the thousand."""

    __hash__ = object.__hash__


MOST_ID = 2**63 - 1
"""The largest number that is an id: a signed one of 64 bits, as databases give them."""


class Source(Word):
    """Where a record comes from, in order of rank: where two hold one event or person, the first one's is shown."""

    SALESLOFT = "SALESLOFT"
    DRIFT = "DRIFT"
    CALENDLY = "CALENDLY"


class Kind(Word):
    """What a record is; part of its global id."""

    MEETING = "Meeting"
    PERSON = "Person"
    USER = "User"
    CADENCE = "Cadence"
    STEP = "Step"
    ACCOUNT = "Account"
    TASK = "Task"
    CONVERSATION = "Conversation"


class UserKey(Word):
    """Which of a user's keys a reference bears: Salesloft's meetings name users by GUID, all else by numeric id."""

    ID = "id"
    GUID = "guid"


class Ref(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """A record of a source, by its id (or, for users, by another key)."""

    source: Source
    kind: Kind
    id: str
    key: UserKey = UserKey.ID


class MeetingStatus(Word):
    """The one status shown: a cancellation outranks a no-show, which outranks the state of the booking."""

    PENDING = "PENDING"
    BOOKED = "BOOKED"
    CANCELED = "CANCELED"
    NO_SHOW = "NO_SHOW"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class AttendeeStatus(Word):
    """An attendee's answer to the invitation."""

    NEEDS_ACTION = "NEEDS_ACTION"
    ACCEPTED = "ACCEPTED"
    TENTATIVE = "TENTATIVE"
    DECLINED = "DECLINED"
    UNKNOWN = "UNKNOWN"


NO_FIELDS: frozenset[str] = frozenset()


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every record has.

    Attributes:
        source: Whose record it is.
        source_id: Its id there.
        raw: The source's own typed row, for the vendor's own fields.
        unreadable: Names of attributes whose upstream value could not be read; each is None.
    """

    source: Source
    source_id: str
    raw: object = None
    unreadable: frozenset[str] = NO_FIELDS


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is part of a record.

    Attributes:
        unreadable: See `Record`.
        source: Whose it is, where something of it could not be read.
    """

    unreadable: frozenset[str] = NO_FIELDS
    source: Source | None = None


class Attendee(Part, frozen=True, kw_only=True):
    """One invited address of a meeting."""

    email: str | None = None
    name: str | None = None
    organizer: bool | None = None
    status: AttendeeStatus = AttendeeStatus.UNKNOWN
    status_changed: bool | None = None
    deleted_at: dt.datetime | None = None
    person: Ref | None = None
    raw: object = None


class Recurrence(Part, frozen=True, kw_only=True):
    """How a meeting repeats; `rules` are RRULE lines of RFC 5545."""

    recurring: bool | None = None
    rules: tuple[str, ...] | None = None
    interval: str | None = None
    last_occurrence_at: dt.datetime | None = None


class Meeting(Record, frozen=True, kw_only=True, gc=True):  # its errors hold the frames that may hold it
    """A calendar event as one source has it, or, with `twins`, folded with what the sources below it hold.

    Attributes:
        twins: Records of lower-ranked sources folded into this one, newest first.
        sources: Every source that holds the event; None where nobody asked.
        unfolded: Why twins could not be looked for though they were asked for, None where they could.
        calendar_address: The e-mail address of the calendar that the record stands in, where its id is one: the
            owner's, as far as is known.
        rescheduled_to: The meeting that it was moved to, where moving one makes another.
        failed: Why attributes are missing that took calls of their own, by name; `<source>.<field>` is the vendor's.
    """

    title: str | None = None
    description: str | None = None
    location: str | None = None
    notes: str | None = None
    start_time: dt.datetime | None = None
    end_time: dt.datetime | None = None
    all_day: bool | None = None
    time_zone: str | None = None
    status: MeetingStatus = MeetingStatus.UNKNOWN
    no_show: bool | None = None
    canceled_at: dt.datetime | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    calendar_event_id: str | None = None
    i_cal_uid: str | None = None
    conference_url: str | None = None
    recurrence: Recurrence | None = None
    owner: Ref | None = None
    booked_by: Ref | None = None
    person: Ref | None = None
    attendees: tuple[Attendee, ...] | None = None
    guests: tuple[str, ...] | None = None
    cadence: Ref | None = None
    step: Ref | None = None
    account: Ref | None = None
    task: Ref | None = None
    conversation: Ref | None = None
    rescheduled_to: Ref | None = None
    twins: tuple[Meeting, ...] = ()
    sources: tuple[Source, ...] | None = None
    unfolded: GatewayError | None = None
    calendar_address: str | None = None
    failed: Mapping[str, GatewayError] = {}


class Person(Record, frozen=True, kw_only=True):
    """A contact or prospect; `emails` are all known addresses, the first one being `email`."""

    crm_id: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    emails: tuple[str, ...] | None = None
    phone: str | None = None
    title: str | None = None
    company_name: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    linkedin_url: str | None = None
    crm_url: str | None = None
    do_not_contact: bool | None = None
    time_zone: str | None = None
    tags: tuple[str, ...] | None = None
    custom_fields: Mapping[str, JSON] | None = None
    owner: Ref | None = None
    account: Ref | None = None
    cadences: tuple[Ref, ...] | None = None
    last_contacted_at: dt.datetime | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    twins: tuple[Person, ...] = ()


class User(Record, frozen=True, kw_only=True, gc=True):  # likewise
    """A member of the sales team.

    Attributes:
        failed: Why attributes, or a source's record of them (by its name in small letters), are not known.
    """

    guid: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    emails: tuple[str, ...] | None = None
    job_role: str | None = None
    active: bool | None = None
    time_zone: str | None = None
    phone: str | None = None
    avatar_url: str | None = None
    updated_at: dt.datetime | None = None
    twins: tuple[User, ...] = ()
    failed: Mapping[str, GatewayError] = {}


class CadenceCounts(Part, frozen=True, kw_only=True):
    """A cadence's counters, as Salesloft keeps them."""

    cadence_people: int | None = None
    people_acted_on_count: int | None = None
    target_daily_people: int | None = None
    opportunities_created: int | None = None
    meetings_booked: int | None = None


class Cadence(Record, frozen=True, kw_only=True):
    """A sequence of steps that prospects are taken through."""

    name: str | None = None
    archived: bool | None = None
    current_state: str | None = None
    function: str | None = None
    team_cadence: bool | None = None
    shared: bool | None = None
    tags: tuple[str, ...] | None = None
    owner: Ref | None = None
    creator: Ref | None = None
    counts: CadenceCounts | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


class Step(Record, frozen=True, kw_only=True):
    """One step of a cadence."""

    name: str | None = None
    display_name: str | None = None
    type: str | None = None
    day: int | None = None
    step_number: int | None = None
    disabled: bool | None = None
    multitouch_enabled: bool | None = None
    cadence: Ref | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


class Account(Record, frozen=True, kw_only=True):
    """A company that is sold to."""

    crm_id: str | None = None
    name: str | None = None
    domain: str | None = None
    conversational_name: str | None = None
    description: str | None = None
    phone: str | None = None
    website: str | None = None
    linkedin_url: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    industry: str | None = None
    company_type: str | None = None
    founded: str | None = None
    revenue_range: str | None = None
    size: str | None = None
    crm_url: str | None = None
    do_not_contact: bool | None = None
    archived: bool | None = None
    archived_at: dt.datetime | None = None
    tags: tuple[str, ...] | None = None
    custom_fields: Mapping[str, JSON] | None = None
    owner: Ref | None = None
    creator: Ref | None = None
    people_count: int | None = None
    last_contacted_at: dt.datetime | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


class Task(Record, frozen=True, kw_only=True):
    """A task that a meeting was booked from."""

    subject: str | None = None
    description: str | None = None
    task_type: str | None = None
    current_state: str | None = None
    due_date: dt.date | None = None
    due_at: dt.datetime | None = None
    remind_at: dt.datetime | None = None
    expires_after: dt.datetime | None = None
    completed_at: dt.datetime | None = None
    person: Ref | None = None
    user: Ref | None = None
    completed_by: Ref | None = None
    created_by: Ref | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


class ConversationTag(Part, frozen=True, kw_only=True):
    """A label of a chat."""

    name: str | None = None
    color: str | None = None


class Conversation(Record, frozen=True, kw_only=True):
    """The chat that a meeting was booked in."""

    status: str | None = None
    contact: Ref | None = None
    participants: tuple[Ref, ...] | None = None
    inbox_id: str | None = None
    related_playbook_id: str | None = None
    tags: tuple[ConversationTag, ...] | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
