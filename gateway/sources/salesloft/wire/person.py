"""A person as Salesloft sends them."""

from __future__ import annotations

import msgspec

from gateway.sources.bounds import Id, Int
from gateway.sources.salesloft.wire.common import JSON, Instant, Stub


class PersonCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of a person."""

    emails_sent: Int | None = None
    emails_viewed: Int | None = None
    emails_clicked: Int | None = None
    emails_replied_to: Int | None = None
    emails_bounced: Int | None = None
    calls: Int | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A prospect (Salesloft: List people). Three fields may hold an address, three a telephone number.

    Attributes:
        locale: A time zone, such as `US/Pacific`.
        import_: The import that brought them, `import` upstream.
    """

    id: Id
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
    account: Stub | None = None
    owner: Stub | None = None
    last_contacted_by: Stub | None = None
    import_: Stub | None = msgspec.field(default=None, name="import")
    person_stage: Stub | None = None
    most_recent_cadence: Stub | None = None
    last_completed_step_cadence: Stub | None = None
    last_completed_step: Stub | None = None
    cadences: tuple[Stub, ...] | None = None
