"""Drift's rows into records; pure.

What of a row could not be read is named on its record: by the record's attribute where there is one, and always as
`drift.<field>`, for the vendor's own type.
"""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from gateway.model.order import moment
from gateway.model.records import (
    NO_FIELDS,
    Conversation,
    ConversationTag,
    Kind,
    Meeting,
    MeetingStatus,
    Person,
    Record,
    Recurrence,
    Ref,
    Source,
    User,
)
from gateway.sources.decode import Row
from gateway.sources.drift import wire
from gateway.sources.problems import Names, named
from gateway.sources.readers import within

R = TypeVar("R", bound=Record)

STATUS = {
    "active": MeetingStatus.BOOKED,
    "canceled": MeetingStatus.CANCELED,
    "cancelled": MeetingStatus.CANCELED,
}
"""The known words for a meeting's state, in lower case; no list of them is documented."""

MEETING_NAMES: Names = {
    "agent_id": "owner",
    "scheduler_id": "person",
    "event_id": "calendar_event_id",
    "slot_start": "start_time",
    "slot_end": "end_time",
    "scheduled_at": "created_at",
    "conversation_id": "conversation",
    "end_user_time_zone": "time_zone",
    "meeting_notes": "notes",
    "conference_details": "conference_url",
    "is_recurring": "recurrence",
}
USER_NAMES: Names = {"email": ("email", "emails")}
PERSON_NAMES: Names = {
    "attributes": (
        *("name", "first_name", "last_name", "email", "emails", "phone", "title", "company_name"),
        *("city", "state", "country", "tags", "last_contacted_at"),
    ),
    "attributes.name": "name",
    "attributes.first_name": ("name", "first_name"),
    "attributes.last_name": ("name", "last_name"),
    "attributes.email": ("email", "emails"),
    "attributes.phone": "phone",
    "attributes.title": "title",
    "attributes.company": "company_name",
    "attributes.city": "city",
    "attributes.state": "state",
    "attributes.country": "country",
    "attributes.external_id": (),
    "attributes.tags": "tags",
    "attributes.last_active": (),
    "attributes.last_contacted": "last_contacted_at",
    "attributes.start_date": (),
}
CONVERSATION_NAMES: Names = {"contact_id": "contact", "conversation_tags": "tags"}
"""The fields that go by another name in the record, or whose parts do."""


def meeting(row: Row[wire.Meeting]) -> Meeting:
    """A meeting (Drift: Meeting model). It has no title and no attendees, and no no-show."""
    sent = row.value
    record = Meeting(
        source=Source.DRIFT,
        source_id=sent.slug,
        raw=sent,
        notes=sent.meeting_notes,
        start_time=_instant(sent.slot_start),
        end_time=_instant(sent.slot_end),
        time_zone=sent.end_user_time_zone,
        status=STATUS.get((sent.status or "").strip().lower(), MeetingStatus.UNKNOWN),
        created_at=_instant(sent.scheduled_at),
        updated_at=_instant(sent.updated_at),
        calendar_event_id=sent.event_id or None,  # an empty one would make twins of strangers
        conference_url=_conference_url(sent.conference_details),
        recurrence=None if sent.is_recurring is None else Recurrence(recurring=sent.is_recurring),
        owner=_ref(Kind.USER, sent.agent_id),
        booked_by=_ref(Kind.USER, sent.booked_by),
        person=_ref(Kind.PERSON, sent.scheduler_id),
        conversation=_ref(Kind.CONVERSATION, sent.conversation_id),
    )
    return named(record, row.unreadable, MEETING_NAMES)


def user(row: Row[wire.User]) -> User:
    """A user (Drift: User model). Nothing says whether one is active."""
    sent = row.value
    record = User(
        source=Source.DRIFT,
        source_id=str(sent.id),
        raw=sent,
        name=sent.name,
        email=sent.email,
        emails=_emails(sent.email),
        time_zone=sent.time_zone,
        phone=sent.phone,
        avatar_url=sent.avatar_url,
        updated_at=_instant(sent.updated_at),
    )
    return named(record, row.unreadable, USER_NAMES)


def person(row: Row[wire.Contact]) -> Person:
    """A contact (Drift: Contact model)."""
    sent = row.value
    attributes = sent.attributes or wire.Attributes()
    name, first_name = _names(attributes)
    record = Person(
        source=Source.DRIFT,
        source_id=str(sent.id),
        raw=sent,
        name=name,
        first_name=first_name,
        last_name=attributes.last_name,
        email=attributes.email,
        emails=_emails(attributes.email),
        phone=attributes.phone,
        title=attributes.title,
        company_name=attributes.company,
        city=attributes.city,
        state=attributes.state,
        country=attributes.country,
        tags=_tags(attributes.tags),
        last_contacted_at=_instant(attributes.last_contacted),
        created_at=_instant(sent.created_at),
    )
    return named(record, row.unreadable, PERSON_NAMES)


def conversation(row: Row[wire.Conversation]) -> Conversation:
    """A chat (Drift: Conversation model)."""
    sent = row.value
    tags = sent.conversation_tags
    participants = sent.participants
    record = Conversation(
        source=Source.DRIFT,
        source_id=str(sent.id),
        raw=sent,
        status=sent.status,
        contact=_ref(Kind.PERSON, sent.contact_id),
        participants=None
        if participants is None
        else tuple(Ref(Source.DRIFT, Kind.USER, str(participant)) for participant in participants),
        inbox_id=_text(sent.inbox_id),
        related_playbook_id=_text(sent.related_playbook_id),
        tags=None if tags is None else tuple(_tag(row, place) for place in range(len(tags))),
        created_at=_instant(sent.created_at),
        updated_at=_instant(sent.updated_at),
    )
    return named(record, row.unreadable, CONVERSATION_NAMES)


def _tag(row: Row[wire.Conversation], place: int) -> ConversationTag:
    tag = (row.value.conversation_tags or ())[place]
    odd = within(row.unreadable, f"conversation_tags.{place}") if row.unreadable else NO_FIELDS
    return ConversationTag(name=tag.name, color=tag.color, unreadable=odd, source=Source.DRIFT if odd else None)


def _instant(milliseconds: int | None) -> dt.datetime | None:
    return None if milliseconds is None else moment(milliseconds * 1000)


def _text(value: wire.Id | None) -> str | None:
    return None if value is None else str(value)


def _ref(kind: Kind, value: wire.Id | None) -> Ref | None:
    return None if value is None else Ref(Source.DRIFT, kind, str(value))


def _emails(email: str | None) -> tuple[str, ...] | None:
    return (email,) if email else None


def _names(attributes: wire.Attributes) -> tuple[str | None, str | None]:
    """The full name and the first one: Drift keeps the full one in `first_name` where it knows no other."""
    first, last = attributes.first_name, attributes.last_name
    if last is None and first is not None and " " in first.strip():
        return attributes.name or first, None
    return attributes.name or " ".join(part for part in (first, last) if part) or None, first


def _tags(tags: list[str | wire.Tag] | None) -> tuple[str, ...] | None:
    if tags is None:
        return None
    names = (tag if isinstance(tag, str) else tag.name for tag in tags)
    return tuple(name for name in names if name)


def _conference_url(details: wire.ConferenceDetails | None) -> str | None:
    if details is None:
        return None
    for url in (details.join_url, details.camel_join_url):
        if url is not None and url.lower().startswith(("https://", "http://")):
            return url
    return None
