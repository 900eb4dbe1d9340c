"""Salesloft's meetings into records, and its single values into the model's; pure. See `related` for all others."""

from __future__ import annotations

import datetime as dt
import functools
from urllib.parse import urlsplit

from gateway.model.filters import fold_email
from gateway.model.records import (
    NO_FIELDS,
    Attendee,
    AttendeeStatus,
    Kind,
    Meeting,
    MeetingStatus,
    Recurrence,
    Ref,
    Source,
    UserKey,
)
from gateway.sources.decode import Row
from gateway.sources.problems import named
from gateway.sources.readers import within
from gateway.sources.salesloft import wire
from gateway.sources.salesloft.wire import Id, Stub

BOOKING = {
    "pending": MeetingStatus.PENDING,
    "retry": MeetingStatus.PENDING,
    "booked": MeetingStatus.BOOKED,
    "failed": MeetingStatus.FAILED,
}
"""The words for the state of a booking."""

ANSWERS = {
    "needsAction": AttendeeStatus.NEEDS_ACTION,
    "accepted": AttendeeStatus.ACCEPTED,
    "tentative": AttendeeStatus.TENTATIVE,
    "declined": AttendeeStatus.DECLINED,
}
"""The words for an attendee's answer."""

MOST_REFS = 8192
"""References of which there is one each."""

VENDOR = "salesloft"
NO_RECURRENCE = (None, None, None, None)

TIMES = ("start_time", "end_time", "created_at", "updated_at", "canceled_at", "last_occurrence_at")
NAMES = {
    "event_id": "calendar_event_id",
    "owned_by_user": "owner",
    "booked_by_user": "booked_by",
    "account_id": "account",
    "task_id": "task",
    "recurring": "recurrence",
    "recurring_interval": "recurrence",
    "last_occurrence_at": "recurrence",
}
"""The meeting's fields that go by another name in the record."""

RECURRENCE_NAMES = {
    "recurring": "recurring",
    "recurrence": "rules",
    "recurring_interval": "interval",
    "last_occurrence_at": "last_occurrence_at",
}
"""Those that say how it repeats, by their names there."""


def meeting(row: Row[wire.Meeting]) -> Meeting:
    """A meeting (Salesloft: List meetings).

    Empty texts stay as they were sent, but for ids and keys, which cannot be empty.
    """
    sent = row.value
    times = {name: utc(getattr(sent, name)) for name in TIMES}
    lost = [name for name in TIMES if times[name] is None and getattr(sent, name) is not None]
    lost += [
        f"attendees.{place}.deleted_at"
        for place, attendee in enumerate(sent.attendees or ())
        if attendee.deleted_at is not None and utc(attendee.deleted_at) is None
    ]
    unreadable = row.unreadable.union(lost) if lost else row.unreadable
    record = Meeting(
        source=Source.SALESLOFT,
        source_id=str(sent.id),
        raw=sent,
        title=sent.title,
        description=sent.description,
        location=sent.location,
        notes=sent.notes,
        start_time=times["start_time"],
        end_time=times["end_time"],
        all_day=sent.all_day,
        status=MeetingStatus.UNKNOWN if "canceled_at" in unreadable else status(sent),
        no_show=sent.no_show,
        canceled_at=times["canceled_at"],
        created_at=times["created_at"],
        updated_at=times["updated_at"],
        calendar_event_id=sent.event_id or None,
        i_cal_uid=sent.i_cal_uid or None,
        conference_url=web_address(sent.location),
        recurrence=_recurrence(sent, times["last_occurrence_at"], unreadable),
        owner=user_ref(sent.owned_by_user),
        booked_by=user_ref(sent.booked_by_user),
        person=ref(Kind.PERSON, sent.person),
        attendees=_attendees(sent, unreadable),
        guests=sent.guests,
        cadence=ref(Kind.CADENCE, sent.cadence),
        step=ref(Kind.STEP, sent.step),
        account=ref(Kind.ACCOUNT, sent.account_id),
        task=ref(Kind.TASK, sent.task_id),
        calendar_address=address(sent.calendar_id),
    )
    return named(record, unreadable, NAMES)


def status(sent: wire.Meeting) -> MeetingStatus:
    """The one status: a cancellation outranks a no-show, which outranks the state of the booking."""
    if sent.canceled_at is not None:
        return MeetingStatus.CANCELED
    if sent.no_show:
        return MeetingStatus.NO_SHOW
    return BOOKING.get(sent.status or "", MeetingStatus.UNKNOWN)


def _recurrence(sent: wire.Meeting, last: dt.datetime | None, unreadable: frozenset[str]) -> Recurrence | None:
    """How a meeting repeats; left out upstream for single events, but for `recurring: false`."""
    if (sent.recurring, sent.recurrence, sent.recurring_interval, last) == NO_RECURRENCE:
        return None
    odd = frozenset(name for path, name in RECURRENCE_NAMES.items() if path in unreadable)
    return Recurrence(
        recurring=sent.recurring,
        rules=sent.recurrence,
        interval=sent.recurring_interval,
        last_occurrence_at=last,
        unreadable=odd,
        source=Source.SALESLOFT if odd else None,
    )


def _attendees(sent: wire.Meeting, unreadable: frozenset[str]) -> tuple[Attendee, ...] | None:
    if sent.attendees is None:
        return None
    odd = within(unreadable, "attendees") if unreadable else NO_FIELDS
    return tuple(
        [_attendee(each, within(odd, str(place)) if odd else NO_FIELDS) for place, each in enumerate(sent.attendees)]
    )


def _attendee(sent: wire.Attendee, unreadable: frozenset[str]) -> Attendee:
    return Attendee(
        email=sent.email,
        name=sent.name,
        organizer=sent.organizer,
        status=ANSWERS.get(sent.status or "", AttendeeStatus.UNKNOWN),
        status_changed=sent.status_changed,
        deleted_at=utc(sent.deleted_at),
        person=ref(Kind.PERSON, sent.person),
        raw=sent,
        unreadable=_told(unreadable) if unreadable else NO_FIELDS,
        source=Source.SALESLOFT if unreadable else None,
    )


def _told(unreadable: frozenset[str]) -> frozenset[str]:
    """What of an attendee could not be read: as the vendor's fields, and as attributes where there are such."""
    own = (name for name in unreadable if name in Attendee.__struct_fields__)
    return frozenset((*own, *(f"{VENDOR}.{name}" for name in unreadable)))


def utc(value: dt.datetime | None) -> dt.datetime | None:
    """The instant in UTC; None for one that falls off the calendar there."""
    if value is None or value.tzinfo is dt.UTC:
        return value
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        return None


def ref(kind: Kind, value: Id | Stub | None) -> Ref | None:
    """What a stub or an id points to."""
    if value is None:
        return None
    text = _text(value)
    return None if text is None else _ref(kind, text)


def user_ref(value: Id | Stub | None) -> Ref | None:
    """The user that a stub points to: by GUID, whatever its case, or by id where it is a number."""
    text = _text(value)
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return _ref(Kind.USER, text)
    return _ref(Kind.USER, text.lower(), UserKey.GUID)


@functools.lru_cache(maxsize=MOST_REFS)
def _ref(kind: Kind, text: str, key: UserKey = UserKey.ID) -> Ref:
    """A reference, the same one for all records that bear it: thousands of them name the same few."""
    return Ref(Source.SALESLOFT, kind, text, key)


def full_name(name: str | None, first: str | None, last: str | None) -> str | None:
    """The name as given, else its parts joined."""
    return name or " ".join(part for part in (first, last) if part) or None


def addresses(*values: str | None) -> tuple[str, ...] | None:
    """The addresses among the values as they were sent, each once whatever its case; None where there is none."""
    known: dict[str, str] = {}
    for value in values:
        if value is not None and value.strip():
            known.setdefault(fold_email(value), value)
    return tuple(known.values()) or None


def address(text: str | None) -> str | None:
    """The text, folded, where it is an e-mail address: a calendar's id is one, or `external_<guid>`, or anything."""
    folded = fold_email(text or "")
    name, at, domain = folded.partition("@")
    return folded if name and at and "." in domain and "@" not in domain else None


def web_address(text: str | None) -> str | None:
    """The text where it is the address of a page, which is where an online meeting is held."""
    address = (text or "").strip()
    if not address:
        return None
    if any(character.isspace() for character in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def _text(value: Id | Stub | None) -> str | None:
    text = str(value.id if isinstance(value, Stub) else value) if value is not None else ""
    return text or None
