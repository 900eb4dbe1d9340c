"""`SalesloftMeeting`: a meeting as Salesloft sends it (Salesloft: List meetings)."""

from __future__ import annotations

import datetime as dt

import strawberry
from strawberry.scalars import JSON

from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.graph.salesloft.reference import SalesloftReference
from gateway.sources.salesloft import wire


@strawberry.type(description="An attendee as Salesloft sends them.")
@face_of_row(wire.Attendee)
class SalesloftAttendee:
    email: str | None = field("The invited address.", personal=True)
    name: str | None = field("The name.", personal=True)
    organizer: bool | None = field("Whether they called the meeting.")
    status: str | None = field("`needsAction`, `accepted`, `tentative`, `declined`, or a word added since.")
    status_changed: bool | None = field("Whether they changed their answer.")
    person: SalesloftReference | None = field("The person that Salesloft takes them for.")
    deleted_at: dt.datetime | None = field("When they were taken off.")
    affiliation: str | None = field("`internal` or `external`.")


@strawberry.type(description="Whose calendar a meeting is kept in.")
@face_of_row(wire.MeetingsSettings)
class SalesloftMeetingsSettings:
    email_address: str | None = field("The calendar owner's address.", personal=True)


@strawberry.type(description="A meeting as Salesloft sends it: every documented field, in the vendor's words.")
@face_of_row(wire.Meeting)
class SalesloftMeeting:
    id: strawberry.ID = field("The id in Salesloft.", name="vendorId")
    title: str | None = field("The title.")
    start_time: dt.datetime | None = field("When it starts.")
    end_time: dt.datetime | None = field("When it ends.")
    calendar_id: str | None = field("The owner's calendar; often, but not always, their address.", personal=True)
    calendar_type: str | None = field("`gmail`, `azure`, `nylas`, `linkedin_azure`, `cerebro`, `external` or others.")
    meeting_type_id: strawberry.ID | None = field("The meeting type's id.")
    meeting_type: str | None = field("The meeting type.")
    recipient_name: str | None = field("The invited person's name.", personal=True)
    recipient_email: str | None = field(
        "The invited person's address; may differ from the person's own.", personal=True
    )
    location: str | None = field("The place, or a link; may be empty.")
    description: str | None = field("The description; may be HTML, or empty.", personal=True)
    event_id: str | None = field("The calendar event's id; absent while the booking is pending.")
    account_id: strawberry.ID | None = field("The account of the invited person.")
    task_id: strawberry.ID | None = field("The task that it came from.")
    created_at: dt.datetime | None = field("When it was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    guests: list[str] | None = field("Addresses of attendees.", personal=True)
    attendees: list[SalesloftAttendee] | None = field("The attendees.")
    person: SalesloftReference | None = field("The invited person.")
    cadence: SalesloftReference | None = field("The cadence that it belongs to.")
    step: SalesloftReference | None = field("The cadence's step that it belongs to.")
    owned_by_user: SalesloftReference | None = field("The owner, by GUID; absent from older rows.")
    booked_by_user: SalesloftReference | None = field("Who booked it, by GUID.")
    crm_references: JSON | None = field("What it is called in the CRM.")
    crm: JSON | None = field("CRM fields from the intake form.", personal=True)
    event_source: str | None = field("`internal`: made in Salesloft; `external`: read from a calendar.")
    canceled_at: dt.datetime | None = field("When it was called off.")
    all_day: bool | None = field("Whether it takes whole days.")
    no_show: bool | None = field("Whether it is a no-show.")
    crm_custom_fields: JSON | None = field("Custom fields that are logged to the CRM.", personal=True)
    strict_attribution: bool | None = field("Whether it is certain which cadence led to it.")
    i_cal_uid: str | None = field("The calendar event's UID; a series shares one.")
    status: str | None = field("The state of the booking: `pending`, `booked`, `failed`, `retry`.")
    reschedule_status: str | None = field("The state of a rescheduling: `pending`, `booked`, `failed`, `retry`.")
    owned_by_meetings_settings: SalesloftMeetingsSettings | None = field("The owner's calendar.")
    booked_by_meetings_settings: SalesloftMeetingsSettings | None = field("The booker's calendar.")
    reschedule_guid: str | None = field("What a link for rescheduling is asked for by.")
    recurring: bool | None = field("Whether it is one of a series.")
    recurrence: list[str] | None = field("RRULE lines of RFC 5545; absent from occurrences.")
    recurring_interval: str | None = field("`Daily`, `Weekly`, `Monthly`, `Yearly`.")
    last_occurrence_at: dt.datetime | None = field("When the series ends.")
    undo_completion_count: int | None = field("How often it was rescheduled after its completion.")
    count_towards_meetings_attended_metric: bool | None = field("Whether it counts as attended.")
    count_towards_meetings_booked_metric: bool | None = field("Whether it counts as booked.")
    created_on_demand: bool | None = field("Whether it was made on demand.")
    notes: str | None = field("Notes on it.", personal=True)
