"""A meeting as Salesloft sends it."""

from __future__ import annotations

import msgspec

from gateway.sources.bounds import Id, Int
from gateway.sources.salesloft.wire.common import JSON, Instant, Stub


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """One invited address (Salesloft: List meetings; `affiliation` was added since, `internal` or `external`)."""

    email: str | None = None
    name: str | None = None
    organizer: bool | None = None
    status: str | None = None
    status_changed: bool | None = None
    person: Stub | None = None
    deleted_at: Instant | None = None
    affiliation: str | None = None


class MeetingsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whose calendar it is; only there when asked for."""

    email_address: str | None = None


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting (Salesloft: List meetings; what stands after `undo_completion_count` was added since).

    Attributes:
        status: The state of the booking: `pending`, `booked`, `failed`, `retry`.
        canceled_at: What a cancellation is known by.
        event_id: The calendar event's id; null while the booking is pending.
        owned_by_user: By GUID, like `booked_by_user`; absent from older rows.
        task_id: Documented as text, sent as an integer, like `account_id` and `meeting_type_id`.
    """

    id: Id
    title: str | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    calendar_id: str | None = None
    calendar_type: str | None = None
    meeting_type_id: Id | None = None
    meeting_type: str | None = None
    recipient_name: str | None = None
    recipient_email: str | None = None
    location: str | None = None
    description: str | None = None
    event_id: str | None = None
    account_id: Id | None = None
    task_id: Id | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    guests: tuple[str, ...] | None = None
    attendees: tuple[Attendee, ...] | None = None
    person: Stub | None = None
    cadence: Stub | None = None
    step: Stub | None = None
    owned_by_user: Stub | None = None
    booked_by_user: Stub | None = None
    crm_references: JSON = None
    crm: JSON = None
    event_source: str | None = None
    canceled_at: Instant | None = None
    all_day: bool | None = None
    no_show: bool | None = None
    crm_custom_fields: JSON = None
    strict_attribution: bool | None = None
    i_cal_uid: str | None = None
    status: str | None = None
    reschedule_status: str | None = None
    owned_by_meetings_settings: MeetingsSettings | None = None
    booked_by_meetings_settings: MeetingsSettings | None = None
    reschedule_guid: str | None = None
    recurring: bool | None = None
    recurrence: tuple[str, ...] | None = None
    recurring_interval: str | None = None
    last_occurrence_at: Instant | None = None
    undo_completion_count: Int | None = None
    count_towards_meetings_attended_metric: bool | None = None
    count_towards_meetings_booked_metric: bool | None = None
    created_on_demand: bool | None = None
    notes: str | None = None
