"""A user as Salesloft sends them."""

from __future__ import annotations

import msgspec

from gateway.sources.bounds import Id, Int
from gateway.sources.salesloft.wire.common import JSON, Instant, Stub


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the team (Salesloft: List users). Four fields may hold an address, and they differ.

    Attributes:
        guid: What meetings know the user by.
        role: Its id is `Admin`, `User` or a GUID.
        private_fields: `_private_fields` upstream.
    """

    id: Id
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
