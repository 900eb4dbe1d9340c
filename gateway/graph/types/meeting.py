"""`Meeting`: a meeting, and who is invited to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import strawberry

from gateway.errors import UpstreamMalformed
from gateway.graph.enums import AttendeeStatus, MeetingStatus, Source
from gateway.graph.fields import Node, explain, face_of, field, node_face_of, read, relation
from gateway.graph.ids import global_id
from gateway.graph.meeting_lists import rescheduled_to
from gateway.graph.merged_records import row_in, twin_row_in
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence, Step
from gateway.graph.types.calendly import CalendlyMeeting
from gateway.graph.types.conversation import Conversation
from gateway.graph.types.drift import DriftMeeting
from gateway.graph.types.person import Person
from gateway.graph.types.salesloft import SalesloftAttendee, SalesloftMeeting
from gateway.graph.types.task import Task
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.filters import fold_email
from gateway.model.records import Kind

MAX_MINUTES = 2**31 - 1
"""What GraphQL's `Int` bears."""


@strawberry.type(description="How a meeting recurs.")
@face_of(records.Recurrence)
class Recurrence:
    recurring: bool | None = field("Whether it is part of a series.")
    rules: list[str] | None = field(
        "RRULE lines as defined in RFC 5545; only the record of the series itself has them."
    )
    interval: str | None = field("The interval, in the source's words: `Daily`, `Weekly`, `Monthly` or `Yearly`.")
    last_occurrence_at: dt.datetime | None = field("When the series ends.")


def _duration(meeting: records.Meeting) -> int | None:
    start, end = _time(meeting, "start_time"), _time(meeting, "end_time")
    if start is None or end is None:
        return None
    minutes = round((end - start).total_seconds() / 60)
    if abs(minutes) > MAX_MINUTES:
        raise UpstreamMalformed(
            "The meeting's duration in minutes is too large for an Int.", source=meeting.source.value
        )
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
        "A calendar event, shown once. If several sources have it, Salesloft's record is shown, "
        "with the others merged into it. Times and status are those of the shown record; any "
        "other field that it lacks is filled from the merged ones."
    )
)
@node_face_of(records.Meeting, Kind.MEETING)
class Meeting(Node):
    source: Source = field("The source whose record is shown.")
    source_id: str = field(
        "The record's id in that source: a number in Salesloft, a slug in Drift, the last part of a URI in Calendly."
    )
    sources: list[Source] | None = field("Every source that has this event.", _sources)
    alternate_ids: list[strawberry.ID] | None = field(
        ("Global ids of the records merged into this one; each of them still resolves to this meeting."), _alternate_ids
    )
    title: str | None = field("The title. Meetings in Drift have none.")
    description: str | None = field("The description; may contain HTML.", personal=True)
    location: str | None = field("Where it takes place: an address, a room or a link.")
    notes: str | None = field("Notes in Salesloft, or what the visitor wrote when booking in chat.", personal=True)
    start_time: dt.datetime | None = field("When it starts.")
    end_time: dt.datetime | None = field("When it ends.")
    duration_minutes: int | None = field("The duration in minutes.", _duration)
    all_day: bool | None = field("Whether it is an all-day meeting.")
    start_date: dt.date | None = field(
        "The first day of an all-day meeting: the UTC date, as the source sent it.", _date_of("start_time")
    )
    end_date: dt.date | None = field(
        "The day on which an all-day meeting ends: the UTC date, as the source sent it.", _date_of("end_time")
    )
    time_zone: str | None = field("The invitee's time zone. Salesloft does not provide it.")
    status: MeetingStatus = field("The status.")
    no_show: bool | None = field("Whether the invitee did not show up; null if the source cannot tell.")
    canceled_at: dt.datetime | None = field("When it was cancelled.")
    created_at: dt.datetime | None = field("When it was booked.")
    updated_at: dt.datetime | None = field("When the record was last updated, not necessarily by a person.")
    calendar_event_id: str | None = field("The event's id in the calendar; null while the booking is pending.")
    i_cal_uid: str | None = field("The iCalendar UID, which all meetings of a series may share.")
    conference_url: str | None = field("The link to the video call.")
    recurrence: Recurrence | None = field("How it recurs.")
    owner: User | None = relation("user_by_ref", "owner", "The team member who owns the meeting.")
    booked_by: User | None = relation("user_by_ref", "booked_by", "The team member who booked it, if one did.")
    person: Person | None = relation(
        "person_by_ref", "person", "The person who was invited, or the contact who booked."
    )
    attendees: list[Attendee] | None = field("The people who are invited; may be empty even if `person` is set.")
    guests: list[str] | None = field("E-mail addresses of additional guests.", personal=True)
    cadence: Cadence | None = relation(
        "cadence_by_ref", "cadence", "The cadence that it came from; null if it is hidden from the gateway."
    )
    step: Step | None = relation("step_by_ref", "step", "The step of the cadence that it came from.")
    account: Account | None = relation("account_by_ref", "account", "The account of the person who was invited.")
    task: Task | None = relation("task_by_ref", "task", "The task from which it was booked.")
    conversation: Conversation | None = relation(
        "conversation_by_ref", "conversation", "The Drift conversation in which it was booked."
    )
    rescheduled_to: Any = rescheduled_to(
        "The meeting that replaced this one: a booking that is moved in Calendly becomes a new event."
    )
    salesloft: SalesloftMeeting | None = field(
        "The record as Salesloft sends it, if Salesloft has this event.", row_in(records.Source.SALESLOFT)
    )
    drift: DriftMeeting | None = field(
        ("The record as Drift sends it, if Drift has this event; of several records, the one that was updated last."),
        twin_row_in(records.Source.DRIFT),
    )
    calendly: CalendlyMeeting | None = field(
        "The record as Calendly sends it, if Calendly has this event; of several records, the one updated last.",
        twin_row_in(records.Source.CALENDLY),
    )


def _address(attendee: records.Attendee) -> str | None:
    email: str | None = read(attendee, "email")
    return fold_email(email) if email else None


@strawberry.type(
    description="Someone invited to a meeting, by e-mail address. Salesloft and Calendly have attendees, Drift has not."
)
@face_of(records.Attendee)
class Attendee:
    email: str | None = field("The e-mail address that was invited.", personal=True)
    name: str | None = field("The name in the invitation.", personal=True)
    organizer: bool | None = field("Whether they are the organizer.")
    status: AttendeeStatus = field("Their response to the invitation.")
    status_changed: bool | None = field("Whether they changed their response.")
    deleted_at: dt.datetime | None = field("When they were removed from the invitation.")
    person: Person | None = relation(
        "person_by_ref",
        "person",
        "The person that Salesloft matched them to; for invitees of Calendly, whoever has the address.",
        # Calendly's were read with the meeting; most of them are its `person`, who is counted there.
        only=records.Source.SALESLOFT,
    )
    user: User | None = relation(
        "user_by_email",
        _address,
        ("The team member who has this address among their addresses. Costs one call for the whole team."),
    )
    salesloft: SalesloftAttendee | None = field(
        "The record as Salesloft sends it, with the fields that only Salesloft has.", row_in(records.Source.SALESLOFT)
    )
