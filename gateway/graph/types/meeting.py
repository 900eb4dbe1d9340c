"""`Meeting`: a meeting, and who is invited to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import strawberry

from gateway.errors import UpstreamMalformed
from gateway.graph.enums import AttendeeStatus, MeetingStatus, Source
from gateway.graph.folded import row_in
from gateway.graph.ids import global_id
from gateway.graph.node import Node, face_of, node_face_of
from gateway.graph.relation import explain, field, read, relation
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence, Step
from gateway.graph.types.conversation import Conversation
from gateway.graph.types.drift import DriftMeeting
from gateway.graph.types.person import Person
from gateway.graph.types.salesloft import SalesloftAttendee, SalesloftMeeting
from gateway.graph.types.task import Task
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.filters import fold_email
from gateway.model.records import Kind

MOST_MINUTES = 2**31 - 1
"""What GraphQL's `Int` bears."""


@strawberry.type(description="How a meeting repeats.")
@face_of(records.Recurrence)
class Recurrence:
    recurring: bool | None = field("Whether it is one of a series.")
    rules: list[str] | None = field("RRULE lines of RFC 5545; only the series' own record has them.")
    interval: str | None = field("`Daily`, `Weekly`, `Monthly` or `Yearly`, in the source's word.")
    last_occurrence_at: dt.datetime | None = field("When the series ends.")


def _duration(meeting: records.Meeting) -> int | None:
    start, end = _time(meeting, "start_time"), _time(meeting, "end_time")
    if start is None or end is None:
        return None
    minutes = round((end - start).total_seconds() / 60)
    if abs(minutes) > MOST_MINUTES:
        raise UpstreamMalformed("The meeting takes longer than can be told in minutes.", source=meeting.source.value)
    return minutes


def _time(meeting: records.Meeting, name: str) -> dt.datetime | None:
    time: dt.datetime | None = read(meeting, name)
    return time


def _alternate_ids(meeting: records.Meeting) -> list[str]:
    explain(meeting, "alternate_ids")
    return [global_id(Kind.MEETING, twin.source, twin.source_id) for twin in meeting.twins]


def _sources(meeting: records.Meeting) -> Any:
    explain(meeting, "sources")
    return meeting.sources


_drift_row = row_in(records.Source.DRIFT)


def _drift(meeting: records.Meeting) -> Any:
    row = _drift_row(meeting)
    if row is None:
        explain(meeting, "drift")
    return row


def _date_of(name: str) -> Callable[[records.Meeting], dt.date | None]:
    """Reads the UTC date of an all-day meeting's time."""

    def read_date(meeting: records.Meeting) -> dt.date | None:
        if not read(meeting, "all_day"):
            return None
        time = _time(meeting, name)
        return None if time is None else time.date()

    return read_date


@strawberry.type(
    description=(
        "A calendar event, once: where two sources hold it, Salesloft's record with Drift's folded in. Times and state "
        "are that record's alone; any other field that it lacks shows the folded one's."
    )
)
@node_face_of(records.Meeting, Kind.MEETING)
class Meeting(Node):
    source: Source = field("Whose record is shown.")
    source_id: str = field("Its id there: Salesloft's number, Drift's slug.")
    sources: list[Source] | None = field("Every source that holds this calendar event.", _sources)
    alternate_ids: list[strawberry.ID] | None = field(
        "Global ids of the records folded into this one; each of them still finds it.", _alternate_ids
    )
    title: str | None = field("The title. Drift's meetings have none.")
    description: str | None = field("The description; may hold HTML.", personal=True)
    location: str | None = field("Where it takes place: an address, a room or a link.")
    notes: str | None = field("What the visitor wrote when booking in chat, or notes kept in Salesloft.", personal=True)
    start_time: dt.datetime | None = field("When it starts.")
    end_time: dt.datetime | None = field("When it ends.")
    duration_minutes: int | None = field("How long it takes, in minutes.", _duration)
    all_day: bool | None = field("Whether it takes whole days.")
    start_date: dt.date | None = field(
        "The first day of an all-day meeting: the UTC date as sent.", _date_of("start_time")
    )
    end_date: dt.date | None = field("The day an all-day meeting ends: the UTC date as sent.", _date_of("end_time"))
    time_zone: str | None = field("The invitee's time zone. Only Drift knows it.")
    status: MeetingStatus = field("Its state.")
    no_show: bool | None = field("Whether the other side did not come; null where the source cannot tell.")
    canceled_at: dt.datetime | None = field("When it was called off.")
    created_at: dt.datetime | None = field("When it was booked.")
    updated_at: dt.datetime | None = field("When its record last changed; not always by a person.")
    calendar_event_id: str | None = field("The calendar's id of the event; absent while a booking is pending.")
    i_cal_uid: str | None = field("The iCalendar UID; a whole series may share it.")
    conference_url: str | None = field("The link of the video call.")
    recurrence: Recurrence | None = field("How it repeats.")
    owner: User | None = relation("user_by_ref", "owner", "The team member who holds it.")
    booked_by: User | None = relation("user_by_ref", "booked_by", "The team member who booked it, if one did.")
    person: Person | None = relation(
        "person_by_ref", "person", "The recipient of the invitation, or the contact who booked."
    )
    attendees: list[Attendee] | None = field("Who is invited; may be empty though there is a person.")
    guests: list[str] | None = field("Addresses of further guests.", personal=True)
    cadence: Cadence | None = relation(
        "cadence_by_ref", "cadence", "The cadence that led to it; null where it is hidden."
    )
    step: Step | None = relation("step_by_ref", "step", "The cadence's step that led to it.")
    account: Account | None = relation("account_by_ref", "account", "The account of the recipient.")
    task: Task | None = relation("task_by_ref", "task", "The task that it was booked from.")
    conversation: Conversation | None = relation(
        "conversation_by_ref", "conversation", "The chat that it was booked in."
    )
    salesloft: SalesloftMeeting | None = field(
        "Salesloft's own fields, where it holds this event.", row_in(records.Source.SALESLOFT)
    )
    drift: DriftMeeting | None = field(
        "Drift's own fields, where it holds this event; of several records the one changed last.", _drift
    )


def _address(attendee: records.Attendee) -> str | None:
    email: str | None = read(attendee, "email")
    return fold_email(email) if email else None


@strawberry.type(description="One invited address of a meeting. Only Salesloft knows attendees.")
@face_of(records.Attendee)
class Attendee:
    email: str | None = field("The invited address.", personal=True)
    name: str | None = field("The name in the invitation.", personal=True)
    organizer: bool | None = field("Whether they called the meeting.")
    status: AttendeeStatus = field("Their answer to the invitation.")
    status_changed: bool | None = field("Whether they changed their answer.")
    deleted_at: dt.datetime | None = field("When they were taken off the invitation.")
    person: Person | None = relation(
        "person_by_ref",
        "person",
        "The contact that Salesloft takes them for.",
        only=records.Source.SALESLOFT,
    )
    user: User | None = relation(
        "user_by_email",
        _address,
        "The team member with this address, in any of their addresses: one call for the whole team.",
    )
    salesloft: SalesloftAttendee | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
