"""Salesloft's JSON, typed; the only place that knows its field names, which the attributes bear unchanged.

What is here is what the documents and captured answers name, but for `_href` links. Every field may be null or absent,
which mean the same, so each but a row's id has a default. Ids are as they came: documented as text here and as
integers there, they come as either. Words are as sent, since new ones arrive unannounced.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeAlias

import msgspec

from gateway.model.records import MOST_ID
from gateway.sources.bounds import Count, Int, RecordId
from gateway.sources.bounds import Id as Id

Instant: TypeAlias = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""A time with its offset: UTC on meetings, US Eastern on everything else."""

_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
UserId: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=0, le=MOST_ID)]
    | Annotated[str, msgspec.Meta(pattern=rf"\A(?:0|[1-9][0-9]{{0,18}}|{_GUID})\Z")]
)
"""A user's number or GUID."""

JSON: TypeAlias = Any
"""A JSON value that is passed on as it is: custom fields, CRM references."""


class Stub(msgspec.Struct, frozen=True, gc=False):
    """A related record: its id alone."""

    id: Id


class RecordStub(Stub, frozen=True, gc=False):
    """One that is looked up by its number."""

    id: RecordId


class UserStub(Stub, frozen=True, gc=False):
    """A user: by GUID on meetings, by number everywhere else."""

    id: UserId


class Paging(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where an answer stands among its pages; the counts only come when asked for."""

    per_page: Count | None = None
    current_page: Count | None = None
    next_page: Count | None = None
    prev_page: Count | None = None
    total_pages: Count | None = None
    total_count: Count | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What stands beside the rows; `paging` is absent where an answer is not paged (users without `page`)."""

    paging: Paging | None = None


class Attendee(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One invited address (Salesloft: List meetings; `affiliation` was added since, `internal` or `external`)."""

    email: str | None = None
    name: str | None = None
    organizer: bool | None = None
    status: str | None = None
    status_changed: bool | None = None
    person: RecordStub | None = None
    deleted_at: Instant | None = None
    affiliation: str | None = None


class MeetingsSettings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whose calendar it is; only there when asked for."""

    email_address: str | None = None


class Meeting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A meeting (Salesloft: List meetings; what stands after `undo_completion_count` was added since).

    Attributes:
        status: The state of the booking: `pending`, `booked`, `failed`, `retry`.
        canceled_at: What a cancellation is known by.
        event_id: The calendar event's id; null while the booking is pending.
        owned_by_user: By GUID, like `booked_by_user`; absent from older rows.
        task_id: Documented as text, sent as an integer, like `account_id` and `meeting_type_id`.
    """

    id: RecordId
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
    account_id: RecordId | None = None
    task_id: RecordId | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    guests: tuple[str, ...] | None = None
    attendees: tuple[Attendee, ...] | None = None
    person: RecordStub | None = None
    cadence: RecordStub | None = None
    step: RecordStub | None = None
    owned_by_user: UserStub | None = None
    booked_by_user: UserStub | None = None
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


class PersonCounts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Counters of a person."""

    emails_sent: Int | None = None
    emails_viewed: Int | None = None
    emails_clicked: Int | None = None
    emails_replied_to: Int | None = None
    emails_bounced: Int | None = None
    calls: Int | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A prospect (Salesloft: List people). Three fields may hold an address, three a telephone number.

    Attributes:
        locale: A time zone, such as `US/Pacific`.
        import_: The import that brought them, `import` upstream.
    """

    id: RecordId
    created_at: Instant | None = None
    updated_at: Instant | None = None
    last_contacted_at: Instant | None = None
    last_replied_at: Instant | None = None
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    email_address: str | None = None
    full_email_address: str | None = None
    secondary_email_address: str | None = None
    personal_email_address: str | None = None
    phone: str | None = None
    phone_extension: str | None = None
    home_phone: str | None = None
    mobile_phone: str | None = None
    linkedin_url: str | None = None
    title: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    work_city: str | None = None
    work_state: str | None = None
    work_country: str | None = None
    crm_url: str | None = None
    crm_id: str | None = None
    account_crm_id: str | None = None
    crm_object_type: str | None = None
    owner_crm_id: str | None = None
    person_company_name: str | None = None
    person_company_website: str | None = None
    person_company_industry: str | None = None
    do_not_contact: bool | None = None
    bouncing: bool | None = None
    locale: str | None = None
    locale_utc_offset: Int | None = None
    eu_resident: bool | None = None
    personal_website: str | None = None
    twitter_handle: str | None = None
    last_contacted_type: str | None = None
    job_seniority: str | None = None
    job_function: str | None = None
    custom_fields: dict[str, JSON] | None = None
    tags: tuple[str, ...] | None = None
    contact_restrictions: tuple[str, ...] | None = None
    success_count: Int | None = None
    starred: bool | None = None
    untouched: bool | None = None
    hot_lead: bool | None = None
    external_source: str | None = None
    counts: PersonCounts | None = None
    account: RecordStub | None = None
    owner: UserStub | None = None
    last_contacted_by: Stub | None = None
    import_: Stub | None = msgspec.field(default=None, name="import")
    person_stage: Stub | None = None
    most_recent_cadence: Stub | None = None
    last_completed_step_cadence: Stub | None = None
    last_completed_step: Stub | None = None
    cadences: tuple[RecordStub, ...] | None = None


class User(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A member of the team (Salesloft: List users). Four fields may hold an address, and they differ.

    Attributes:
        guid: What meetings know the user by.
        role: Its id is `Admin`, `User` or a GUID.
        private_fields: `_private_fields` upstream.
    """

    id: RecordId
    guid: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    job_role: str | None = None
    active: bool | None = None
    time_zone: str | None = None
    locale_utc_offset: Int | None = None
    slack_username: str | None = None
    twitter_handle: str | None = None
    email: str | None = None
    email_client_email_address: str | None = None
    sending_email_address: str | None = None
    from_address: str | None = None
    full_email_address: str | None = None
    bcc_email_address: str | None = None
    work_country: str | None = None
    seat_package: str | None = None
    email_signature: str | None = None
    email_signature_type: str | None = None
    email_signature_click_tracking_disabled: bool | None = None
    team_admin: bool | None = None
    local_dial_enabled: bool | None = None
    click_to_call_enabled: bool | None = None
    email_client_configured: bool | None = None
    crm_connected: bool | None = None
    external_feature_flags: dict[str, JSON] | None = None
    private_fields: dict[str, JSON] | None = msgspec.field(default=None, name="_private_fields")
    phone_client: Stub | None = None
    phone_number_assignment: Stub | None = None
    group: Stub | None = None
    team: Stub | None = None
    role: Stub | None = None


class CadenceCounts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Counters of a cadence."""

    cadence_people: Int | None = None
    people_acted_on_count: Int | None = None
    target_daily_people: Int | None = None
    opportunities_created: Int | None = None
    meetings_booked: Int | None = None


class Cadence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sequence of steps (Salesloft: List cadences).

    Attributes:
        cadence_function: `outbound`, `inbound`, `event`, `other`.
        archived_by: In whatever form it comes: no document shows one.
    """

    id: RecordId
    name: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    archived: bool | None = None
    archived_at: Instant | None = None
    archived_by: JSON = None
    latest_active_date: Instant | None = None
    team_cadence: bool | None = None
    shared: bool | None = None
    remove_bounces_enabled: bool | None = None
    remove_replies_enabled: bool | None = None
    opt_out_link_included: bool | None = None
    draft: bool | None = None
    current_state: str | None = None
    override_contact_restrictions: bool | None = None
    cadence_framework_id: Id | None = None
    cadence_function: str | None = None
    external_identifier: Id | None = None
    tags: tuple[str, ...] | None = None
    knowledge_library_document_ids: tuple[Id, ...] | None = None
    creator: UserStub | None = None
    owner: UserStub | None = None
    bounced_stage: Stub | None = None
    replied_stage: Stub | None = None
    added_stage: Stub | None = None
    finished_stage: Stub | None = None
    cadence_priority: Stub | None = None
    groups: tuple[Stub, ...] | None = None
    counts: CadenceCounts | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A step of a cadence (Salesloft: List steps).

    Attributes:
        type: `email`, `phone`, `integration`, `other`.
        details: What is done in it, in a resource of its own.
    """

    id: RecordId
    created_at: Instant | None = None
    updated_at: Instant | None = None
    disabled: bool | None = None
    type: str | None = None
    name: str | None = None
    display_name: str | None = None
    day: Int | None = None
    step_number: Int | None = None
    multitouch_enabled: bool | None = None
    details: Stub | None = None
    cadence: RecordStub | None = None


class AccountCounts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Counters of an account."""

    people: Int | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A company (Salesloft: List accounts)."""

    id: RecordId
    created_at: Instant | None = None
    updated_at: Instant | None = None
    archived_at: Instant | None = None
    name: str | None = None
    domain: str | None = None
    conversational_name: str | None = None
    description: str | None = None
    phone: str | None = None
    website: str | None = None
    linkedin_url: str | None = None
    twitter_handle: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    locale: str | None = None
    industry: str | None = None
    company_type: str | None = None
    founded: str | None = None
    revenue_range: str | None = None
    size: str | None = None
    crm_id: str | None = None
    crm_url: str | None = None
    crm_object_type: str | None = None
    owner_crm_id: str | None = None
    last_contacted_at: Instant | None = None
    last_contacted_type: str | None = None
    do_not_contact: bool | None = None
    custom_fields: dict[str, JSON] | None = None
    user_relationships: JSON = None
    tags: tuple[str, ...] | None = None
    counts: AccountCounts | None = None
    owner: UserStub | None = None
    creator: UserStub | None = None
    last_contacted_by: Stub | None = None
    last_contacted_person: Stub | None = None
    company_stage: Stub | None = None
    account_tier: Stub | None = None
    prospector_engagement_level: str | None = None
    prospector_engagement_score: float | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A thing to be done (Salesloft: List tasks); `due_date` is a bare date, `due_at` an instant."""

    id: RecordId
    subject: str | None = None
    description: str | None = None
    task_type: str | None = None
    current_state: str | None = None
    due_date: dt.date | None = None
    due_at: Instant | None = None
    remind_at: Instant | None = None
    expires_after: Instant | None = None
    completed_at: Instant | None = None
    completed_by: UserStub | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    created_by_user: UserStub | None = None
    person: RecordStub | None = None
    user: UserStub | None = None
    opportunity: Stub | None = None
