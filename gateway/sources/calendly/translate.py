"""Calendly's rows into records; pure.

What of a row could not be read is named on its record: by the record's attribute where there is one, and always as
`calendly.<field>`, for the vendor's own type.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from gateway.model.filters import fold_email
from gateway.model.order import EPOCH
from gateway.model.records import Attendee, AttendeeStatus, Kind, Meeting, MeetingStatus, Person, Ref, Source, User
from gateway.sources.calendly import wire
from gateway.sources.calendly.wire import id_of
from gateway.sources.decode import Row
from gateway.sources.problems import Names, named

STATUS = {"active": MeetingStatus.BOOKED, "canceled": MeetingStatus.CANCELED, "cancelled": MeetingStatus.CANCELED}

SHARED_CALENDARS = frozenset({"google", "outlook", "exchange"})
"""Kinds of calendar whose event ids other sources can know."""

PLACES = frozenset({"physical", "custom", "inbound_call"})
"""Types of location whose text the team wrote; of any other it may be the invitee's telephone number."""

EVENT_NAMES: Names = {
    "name": "title",
    "meeting_notes_plain": "notes",
    "cancellation": "canceled_at",
    "location": ("location", "conference_url"),
    "calendar_event": "calendar_event_id",
    "event_memberships": "owner",
    "event_guests": "guests",
}
USER_NAMES: Names = {
    "user": ("name", "email", "emails", "time_zone", "avatar_url", "updated_at"),
    "user.email": ("email", "emails"),
    "user.timezone": "time_zone",
    "user.name": "name",
    "user.avatar_url": "avatar_url",
    "user.updated_at": "updated_at",
}
"""The fields that go by another name in the record, or whose parts do."""

INVITEE_NAMES: Names = {
    "timezone": "time_zone",
    "questions_and_answers": "custom_fields",
}
"""The same of an invitee's fields in a person."""

INVITEES_OF = re.compile(r"/scheduled_events/([^/]+)/invitees/")
"""Where an invitee's URI names its event (Calendly: Get event invitee)."""


def meeting(row: Row[wire.Event]) -> Meeting:
    """A meeting (Calendly: Event), without what only its invitees tell."""
    sent = row.value
    location, canceled = sent.location or wire.Location(), sent.cancellation
    record = Meeting(
        source=Source.CALENDLY,
        source_id=id_of(sent.uri),
        raw=sent,
        title=sent.name,
        notes=sent.meeting_notes_plain,
        location=location.location if location.type in PLACES else None,
        conference_url=_url(location.join_url),
        start_time=_utc(sent.start_time),
        end_time=_utc(sent.end_time),
        status=STATUS.get((sent.status or "").strip().lower(), MeetingStatus.UNKNOWN),
        canceled_at=None if canceled is None else _utc(canceled.created_at),
        created_at=_utc(sent.created_at),
        updated_at=_utc(sent.updated_at),
        calendar_event_id=_calendar_event_id(sent.calendar_event),
        owner=_host(sent.event_memberships),
        guests=_guests(sent.event_guests),
        calendar_address=_address(sent.event_memberships),
    )
    return named(record, row.unreadable, EVENT_NAMES)


def with_invitees(
    event: Meeting, invitees: Sequence[Row[wire.Invitee]], person: Callable[[str], Ref], now: dt.datetime
) -> Meeting:
    """A meeting with what its invitees tell.

    Args:
        event: The meeting without that.
        invitees: All invitees.
        person: The reference of whoever has an address.
        now: Nobody has failed to come to what has not begun.
    """
    sent = event.raw
    assert isinstance(sent, wire.Event)
    first = main_invitee(invitees)
    active = [row for row in invitees if row.value.status != "canceled"]
    whether_they_came = tells_no_show(event, now) and bool(active)
    moved = [_event_of(row.value.new_invitee) for row in invitees if row.value.rescheduled and row.value.new_invitee]
    rescheduled_to = next(iter(moved), None)
    unread = {f"calendly.invitees.{place}.{path}" for place, row in enumerate(invitees) for path in row.unreadable}
    if first is not None:
        unread.update(
            name for path, name in (("email", "person"), ("timezone", "time_zone")) if path in first.unreadable
        )
    if whether_they_came and any("no_show" in row.unreadable for row in active):
        unread.add("no_show")
    if rescheduled_to is None and any(row.unreadable & {"rescheduled", "new_invitee"} for row in invitees):
        unread.add("rescheduled_to")
    return msgspec.structs.replace(
        event,
        raw=msgspec.structs.replace(sent, invitees=tuple(row.value for row in invitees)),
        person=person(first.value.email) if first is not None and first.value.email else None,
        attendees=(*_organizers(sent.event_memberships), *(_attendee(row, person) for row in invitees)),
        time_zone=None if first is None else first.value.timezone,
        no_show=None
        if "no_show" in unread
        else whether_they_came and all(row.value.no_show is not None for row in active),
        rescheduled_to=None if rescheduled_to is None else Ref(Source.CALENDLY, Kind.MEETING, rescheduled_to),
        unreadable=event.unreadable | unread,
    )


def with_only_invitee(event: Meeting, address: str, person: Callable[[str], Ref]) -> Meeting:
    """A meeting whose only invitee is known by an address alone."""
    sent = event.raw
    assert isinstance(sent, wire.Event)
    return msgspec.structs.replace(
        event,
        person=person(address),
        attendees=(*_organizers(sent.event_memberships), Attendee(email=address)),
        raw=msgspec.structs.replace(sent, invitees=(wire.Invitee(uri="-", email=address),)),
    )


def with_hosts(event: Meeting) -> Meeting:
    """A meeting with its hosts for attendees, as far as its row tells."""
    sent = event.raw
    assert isinstance(sent, wire.Event)
    return msgspec.structs.replace(event, attendees=tuple(_organizers(sent.event_memberships)))


def tells_no_show(event: Meeting, now: dt.datetime) -> bool:
    """Whether invitees may be marked as not having come: not before the start, nor where it was called off."""
    return event.status is not MeetingStatus.CANCELED and (event.start_time is None or event.start_time <= now)


def main_invitee(invitees: Sequence[Row[wire.Invitee]]) -> Row[wire.Invitee] | None:
    """Who booked: the first who still comes; where nobody does, the first of all."""
    ordered = sorted(invitees, key=lambda row: row.value.created_at or EPOCH)
    return next((row for row in ordered if row.value.status != "canceled"), next(iter(ordered), None))


def person(address: str, id_: str, known: Row[wire.Invitee]) -> Person:
    """Whoever has an address, as their newest record as an invitee has them."""
    sent = known.value
    answers = sent.questions_and_answers
    record = Person(
        source=Source.CALENDLY,
        source_id=id_,
        raw=sent,
        name=sent.name,
        first_name=sent.first_name,
        last_name=sent.last_name,
        email=address,
        emails=(address,),
        time_zone=sent.timezone,
        custom_fields={each.question: each.answer for each in answers if each.question} if answers else None,
    )
    return named(record, known.unreadable, INVITEE_NAMES)


def user(row: Row[wire.Membership]) -> User | None:
    """A team member (Calendly: Organization membership); None where the membership does not say whose it is."""
    sent = row.value.user
    if sent is None:
        return None
    record = User(
        source=Source.CALENDLY,
        source_id=id_of(sent.uri),
        raw=row.value,
        name=sent.name,
        email=sent.email,
        emails=(sent.email,) if sent.email else None,
        time_zone=sent.timezone,
        avatar_url=sent.avatar_url,
        updated_at=_utc(sent.updated_at),
    )
    return named(record, row.unreadable, USER_NAMES)


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment if moment is None or moment.tzinfo is dt.UTC else moment.astimezone(dt.UTC)


def _url(text: str | None) -> str | None:
    return text if text is not None and text.lower().startswith(("https://", "http://")) else None


def _calendar_event_id(event: wire.CalendarEvent | None) -> str | None:
    if event is None or (event.kind or "").lower() not in SHARED_CALENDARS:
        return None
    return event.external_id or None  # an empty one would make one event of strangers


def _host(hosts: Iterable[wire.EventMembership] | None) -> Ref | None:
    uri = next((each.user for each in hosts or () if each.user), None)
    return None if uri is None else Ref(Source.CALENDLY, Kind.USER, id_of(uri))


def _address(hosts: Iterable[wire.EventMembership] | None) -> str | None:
    email = next((each.user_email for each in hosts or () if each.user_email), None)
    return None if email is None else fold_email(email)


def _guests(guests: Iterable[wire.EventGuest] | None) -> tuple[str, ...] | None:
    return None if guests is None else tuple(each.email for each in guests if each.email)


def _organizers(hosts: Iterable[wire.EventMembership] | None) -> list[Attendee]:
    return [
        Attendee(
            email=each.user_email,
            name=each.user_name,
            organizer=True,
            status=AttendeeStatus.ACCEPTED,
            source=Source.CALENDLY,
        )
        for each in hosts or ()
        if each.user_email or each.user_name
    ]


def _attendee(row: Row[wire.Invitee], person: Callable[[str], Ref]) -> Attendee:
    invitee, unread = row.value, row.unreadable & {"email", "name"}
    canceled = invitee.status == "canceled"
    return Attendee(
        person=person(invitee.email) if invitee.email else None,
        email=invitee.email,
        name=invitee.name,
        organizer=False,
        status=AttendeeStatus.UNKNOWN
        if "status" in row.unreadable
        else AttendeeStatus.DECLINED
        if canceled
        else AttendeeStatus.ACCEPTED,
        source=Source.CALENDLY,
        unreadable=unread | {"person"} if "email" in unread else unread,
    )


def _event_of(invitee_uri: str | None) -> str | None:
    found = INVITEES_OF.search(invitee_uri or "")
    return None if found is None else found[1]
