"""An account as Salesloft sends it."""

from __future__ import annotations

import msgspec

from gateway.sources.bounds import Id, Int
from gateway.sources.salesloft.wire.common import JSON, Instant, Stub


class AccountCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of an account."""

    people: Int | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A company (Salesloft: List accounts)."""

    id: Id
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
    owner: Stub | None = None
    creator: Stub | None = None
    last_contacted_by: Stub | None = None
    last_contacted_person: Stub | None = None
    company_stage: Stub | None = None
    account_tier: Stub | None = None
    prospector_engagement_level: str | None = None
    prospector_engagement_score: float | None = None
