"""`SalesloftUser`: a user as Salesloft sends them (Salesloft: List users)."""

from __future__ import annotations

import datetime as dt

import strawberry
from strawberry.scalars import JSON

from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.graph.salesloft.reference import SalesloftReference
from gateway.sources.salesloft import wire


@strawberry.type(description="A user as Salesloft sends them, in the vendor's words.")
@face_of_row(wire.User)
class SalesloftUser:
    id: strawberry.ID = field("The numeric id in Salesloft.", name="vendorId")
    guid: strawberry.ID | None = field("The GUID, by which meetings name their owners.")
    created_at: dt.datetime | None = field("When the record was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    name: str | None = field("The full name.")
    first_name: str | None = field("The first name.")
    last_name: str | None = field("The last name.")
    job_role: str | None = field("What they do.")
    active: bool | None = field("Whether they can log in.")
    time_zone: str | None = field("The time zone, such as `US/Eastern`.")
    locale_utc_offset: int | None = field("The time zone's distance from UTC, in minutes.")
    slack_username: str | None = field("The name in Slack.")
    twitter_handle: str | None = field("The Twitter handle.")
    email: str | None = field("The address that they log in with.", personal=True)
    email_client_email_address: str | None = field("The mailbox's address.", personal=True)
    sending_email_address: str | None = field("The address that they send from.", personal=True)
    from_address: str | None = field("The address that their letters bear.", personal=True)
    full_email_address: str | None = field("Name and address as in a letter's head.", personal=True)
    bcc_email_address: str | None = field("The address that gets copies.", personal=True)
    work_country: str | None = field("The country that they work in.")
    seat_package: str | None = field("The licence.")
    email_signature: str | None = field("The signature.", personal=True)
    email_signature_type: str | None = field("The signature's form: `html` or others.")
    email_signature_click_tracking_disabled: bool | None = field("Whether links in the signature go unwatched.")
    team_admin: bool | None = field("Whether they administer the team.")
    local_dial_enabled: bool | None = field("Whether they call from local numbers.")
    click_to_call_enabled: bool | None = field("Whether they call by a click.")
    email_client_configured: bool | None = field("Whether a mailbox is set up.")
    crm_connected: bool | None = field("Whether a CRM is connected.")
    external_feature_flags: JSON | None = field("Features that are switched on.")
    private_fields: JSON | None = field("`_private_fields`: what the vendor keeps to itself.", personal=True)
    phone_client: SalesloftReference | None = field("The telephone.")
    phone_number_assignment: SalesloftReference | None = field("The number's assignment.")
    group: SalesloftReference | None = field("The group.")
    team: SalesloftReference | None = field("The team.")
    role: SalesloftReference | None = field("The role: `Admin`, `User` or a GUID.")
