"""Calendly's JSON, typed; the only file that knows its field names (the attributes here, as they are).

Records are addressed by URI; a record's id is the last part of it, a UUID or sixteen letters. Times are UTC with
microseconds. Every field but a row's `uri` has a default: older rows lack some, and no list of words is closed.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeAlias

import msgspec

from gateway.sources.bounds import Count

Instant: TypeAlias = Annotated[dt.datetime, msgspec.Meta(tz=True)]
Uri: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


def id_of(uri: str) -> str:
    """The id in a URI: what stands after its last slash."""
    return uri.rstrip("/").rpartition("/")[2]


class Location(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where it takes place (Calendly: Event locations).

    Attributes:
        type: Such as `physical`, `outbound_call`, `zoom`; some video services are spelt in two ways.
        location: The place, or the telephone number of a call.
        status: Of a video conference: `initiated`, `processing`, `pushed`, `failed`.
        data: What the video service tells of it, passed on as it is.
    """

    type: str | None = None
    location: str | None = None
    status: str | None = None
    join_url: str | None = None
    data: Any = None


class InviteesCounter(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many were invited, still are, and may be."""

    total: Count | None = None
    active: Count | None = None
    limit: Count | None = None


class EventMembership(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A host; rows of before 2023 have `user` alone."""

    user: str | None = None
    user_email: str | None = None
    user_name: str | None = None
    buffered_start_time: Instant | None = None
    buffered_end_time: Instant | None = None


class EventGuest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody whom the invitee brings along."""

    email: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


class CalendarEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The event in the host's calendar; `kind` is `google`, `outlook`, `exchange`, `icloud` or `outlook_desktop`."""

    kind: str | None = None
    external_id: str | None = None


class Cancellation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who called it off: `canceler_type` is `host` or `invitee`; `created_at` is absent from older rows."""

    canceled_by: str | None = None
    reason: str | None = None
    canceler_type: str | None = None
    created_at: Instant | None = None


class QuestionAndAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was asked in the booking form."""

    question: str | None = None
    answer: str | None = None
    position: Count | None = None


class Tracking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where the invitee came from."""

    utm_campaign: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_content: str | None = None
    utm_term: str | None = None
    salesforce_uuid: str | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was paid for it."""

    external_id: str | None = None
    provider: str | None = None
    amount: float | None = None
    currency: str | None = None
    terms: str | None = None
    successful: bool | None = None


class NoShow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That the invitee was marked as not having come."""

    uri: str | None = None
    created_at: Instant | None = None


class Reconfirmation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That the invitee was asked to confirm, and when they did."""

    created_at: Instant | None = None
    confirmed_at: Instant | None = None


class Invitee(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody who booked an event (Calendly: Event invitee).

    Attributes:
        status: `active` or `canceled`.
        old_invitee: Of a moved event: the invitee of the event that this one replaces; `new_invitee` the reverse.
        cancel_url: Whoever has it can cancel, as `reschedule_url` moves: both are secrets.
    """

    uri: Uri
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    status: str | None = None
    timezone: str | None = None
    event: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    questions_and_answers: tuple[QuestionAndAnswer, ...] | None = None
    tracking: Tracking | None = None
    text_reminder_number: str | None = None
    rescheduled: bool | None = None
    old_invitee: str | None = None
    new_invitee: str | None = None
    cancel_url: str | None = None
    reschedule_url: str | None = None
    routing_form_submission: str | None = None
    cancellation: Cancellation | None = None
    payment: Payment | None = None
    no_show: NoShow | None = None
    reconfirmation: Reconfirmation | None = None
    scheduling_method: str | None = None
    invitee_scheduled_by: str | None = None

    def __repr__(self) -> str:
        return "<Invitee>"  # it holds links that act for whoever has them


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A scheduled event (Calendly: Event).

    Attributes:
        name: That of its event type.
        status: `active` or `canceled`.
        invitees: Who booked it, where that was read; never in the row itself.
    """

    uri: Uri
    name: str | None = None
    meeting_notes_plain: str | None = None
    meeting_notes_html: str | None = None
    status: str | None = None
    booking_method: str | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    event_type: str | None = None
    location: Location | None = None
    invitees_counter: InviteesCounter | None = None
    event_memberships: tuple[EventMembership, ...] | None = None
    event_guests: tuple[EventGuest, ...] | None = None
    calendar_event: CalendarEvent | None = None
    cancellation: Cancellation | None = None
    invitees: tuple[Invitee, ...] | None = msgspec.field(default=None, name="-invitees")

    def __repr__(self) -> str:
        return "<Event>"


class User(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A member of the organization (Calendly: User)."""

    uri: Uri
    name: str | None = None
    slug: str | None = None
    email: str | None = None
    scheduling_url: str | None = None
    timezone: str | None = None
    avatar_url: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    current_organization: str | None = None
    locale: str | None = None


class Membership(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That a user belongs to the organization; `role` is `owner`, `admin` or `user`."""

    uri: Uri
    role: str | None = None
    user: User | None = None
    organization: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


class Pagination(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a page stands; older answers name the next one by its link alone."""

    count: Count | None = None
    next_page: str | None = None
    next_page_token: str | None = None
