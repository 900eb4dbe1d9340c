"""Drift's JSON, typed; the only file that knows its field names (the attributes here, in camelCase).

A field without a value is absent (Drift: Meeting model), so every field but the row's id has a default. Times are
milliseconds since 1970. Ids are integers of up to 64 bits, as they came. Words are as sent: no list of them
is documented whole.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from gateway.sources.bounds import Id as Id
from gateway.sources.bounds import RecordId

Slug: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""An instant that a calendar has, 1970 to 9999; anything else is unreadable."""


class ConferenceDetails(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How to join a video conference; seen in use, documented nowhere, and spelt in either way."""

    join_url: str | None = None
    camel_join_url: str | None = msgspec.field(default=None, name="joinUrl")


class Meeting(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A meeting (Drift: Meeting model; what stands after `booked_by` is seen in use only).

    Attributes:
        slug: The meeting's id, the only one it has.
        agent_id: The user who holds it.
        booked_by: The user who booked it, if a user did.
        scheduler_id: The contact who booked it.
        scheduled_at: When it was booked.
        event_id: The calendar event's id.
    """

    slug: Slug
    agent_id: RecordId | None = None
    org_id: Id | None = None
    status: str | None = None
    meeting_source: str | None = None
    scheduler_id: RecordId | None = None
    event_id: str | None = None
    slot_start: Milliseconds | None = None
    slot_end: Milliseconds | None = None
    updated_at: Milliseconds | None = None
    scheduled_at: Milliseconds | None = None
    meeting_type: str | None = None
    conversation_id: RecordId | None = None
    end_user_time_zone: str | None = None
    meeting_notes: str | None = None
    booked_by: RecordId | None = None
    conference_type: str | None = None
    conference_details: ConferenceDetails | None = None
    is_recurring: bool | None = None
    is_private: bool | None = None
    meeting_slug: str | None = None
    is_org_slug: bool | None = None


class User(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A member of the organization, or a bot of its (Drift: User model)."""

    id: RecordId
    org_id: Id | None = None
    name: str | None = None
    alias: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    availability: str | None = None
    role: str | None = None
    time_zone: str | None = None
    avatar_url: str | None = None
    verified: bool | None = None
    bot: bool | None = None
    created_at: Milliseconds | None = None
    updated_at: Milliseconds | None = None


class Tag(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A label of a conversation or contact; `color` is six hex digits."""

    name: str | None = None
    color: str | None = None


class Attributes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The attributes of a contact that are read: a white-list.

    Attributes are free-form, and hold IP addresses, whereabouts and pages visited; whatever is not named here is
    dropped while decoding and never stored.

    Attributes:
        first_name: Often the full name.
        external_id: The contact's id in the organization's own system.
        last_active: Milliseconds, as `last_contacted` and `start_date` (first seen) are.
    """

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    company: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    external_id: str | None = msgspec.field(default=None, name="externalId")
    tags: list[str | Tag] | None = None
    last_active: Milliseconds | None = None
    last_contacted: Milliseconds | None = None
    start_date: Milliseconds | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A site visitor who is known (Drift: Contact model)."""

    id: RecordId
    created_at: Milliseconds | None = None
    attributes: Attributes | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A chat (Drift: Conversation model); `participants` are users."""

    id: RecordId
    status: str | None = None
    participants: list[Id] | None = None
    contact_id: RecordId | None = None
    inbox_id: Id | None = None
    related_playbook_id: Id | None = None
    conversation_tags: list[Tag] | None = None
    created_at: Milliseconds | None = None
    updated_at: Milliseconds | None = None
