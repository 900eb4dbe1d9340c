"""`SalesloftPerson`: a person as Salesloft sends them (Salesloft: List people)."""

from __future__ import annotations

import datetime as dt

import strawberry
from strawberry.scalars import JSON

from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.graph.salesloft.reference import SalesloftReference
from gateway.sources.salesloft import wire


@strawberry.type(description="Salesloft's counters of a person.")
@face_of_row(wire.PersonCounts)
class SalesloftPersonCounts:
    emails_sent: int | None = field("E-mails sent to them.")
    emails_viewed: int | None = field("E-mails that they looked at.")
    emails_clicked: int | None = field("E-mails with a link that they followed.")
    emails_replied_to: int | None = field("E-mails that they answered.")
    emails_bounced: int | None = field("E-mails that came back.")
    calls: int | None = field("Calls made to them.")


@strawberry.type(description="A person as Salesloft sends them, in the vendor's words.")
@face_of_row(wire.Person)
class SalesloftPerson:
    id: strawberry.ID = field("The id in Salesloft.", name="vendorId")
    created_at: dt.datetime | None = field("When the record was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    last_contacted_at: dt.datetime | None = field("When they were last contacted.")
    last_replied_at: dt.datetime | None = field("When they last answered.")
    first_name: str | None = field("The first name.")
    last_name: str | None = field("The last name.")
    display_name: str | None = field("The full name.")
    email_address: str | None = field("The main address.", personal=True)
    full_email_address: str | None = field("Name and address as in a letter's head.", personal=True)
    secondary_email_address: str | None = field("A second address.", personal=True)
    personal_email_address: str | None = field("A private address.", personal=True)
    phone: str | None = field("The telephone number.", personal=True)
    phone_extension: str | None = field("Its extension.", personal=True)
    home_phone: str | None = field("The number at home.", personal=True)
    mobile_phone: str | None = field("The mobile number.", personal=True)
    linkedin_url: str | None = field("The LinkedIn profile.")
    title: str | None = field("The job title.")
    city: str | None = field("The city.")
    state: str | None = field("The state or region.")
    country: str | None = field("The country.")
    work_city: str | None = field("The city that they work in.")
    work_state: str | None = field("The state that they work in.")
    work_country: str | None = field("The country that they work in.")
    crm_url: str | None = field("The record in the CRM.")
    crm_id: str | None = field("The id in the CRM.")
    account_crm_id: str | None = field("The account's id in the CRM.")
    crm_object_type: str | None = field("What they are in the CRM: `contact`, `lead`.")
    owner_crm_id: str | None = field("The owner's id in the CRM.")
    person_company_name: str | None = field("The company's name.")
    person_company_website: str | None = field("The company's site.")
    person_company_industry: str | None = field("The company's industry.")
    do_not_contact: bool | None = field("Whether they must not be contacted.")
    bouncing: bool | None = field("Whether their address bounces.")
    locale: str | None = field("The time zone, such as `US/Pacific`.")
    locale_utc_offset: int | None = field("The time zone's distance from UTC, in minutes.")
    eu_resident: bool | None = field("Whether they live in the European Union.")
    personal_website: str | None = field("Their own site.")
    twitter_handle: str | None = field("The Twitter handle.")
    last_contacted_type: str | None = field("How they were last contacted.")
    job_seniority: str | None = field("How senior they are.")
    job_function: str | None = field("What they work on.")
    custom_fields: JSON | None = field("The team's own fields.", personal=True)
    tags: list[str] | None = field("Labels.")
    contact_restrictions: list[str] | None = field("Ways in which they must not be contacted.")
    success_count: int | None = field("Successes with them.")
    starred: bool | None = field("Whether they are starred.")
    untouched: bool | None = field("Whether nobody contacted them yet.")
    hot_lead: bool | None = field("Whether they are a hot lead.")
    external_source: str | None = field("Where they come from.")
    counts: SalesloftPersonCounts | None = field("Counters.")
    account: SalesloftReference | None = field("The account.")
    owner: SalesloftReference | None = field("The owner, by numeric id.")
    last_contacted_by: SalesloftReference | None = field("Who contacted them last.")
    import_: SalesloftReference | None = field("The import that they came with.", name="import")
    person_stage: SalesloftReference | None = field("The stage that they are in.")
    most_recent_cadence: SalesloftReference | None = field("The cadence that they were last put into.")
    last_completed_step_cadence: SalesloftReference | None = field("The cadence of the step last completed.")
    last_completed_step: SalesloftReference | None = field("The step last completed.")
    cadences: list[SalesloftReference] | None = field("The cadences that they are in.")
