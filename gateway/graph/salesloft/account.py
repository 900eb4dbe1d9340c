"""`SalesloftAccount`: an account as Salesloft sends it (Salesloft: List accounts)."""

from __future__ import annotations

import datetime as dt

import strawberry
from strawberry.scalars import JSON

from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.graph.salesloft.reference import SalesloftReference
from gateway.sources.salesloft import wire


@strawberry.type(description="Salesloft's counters of an account.")
@face_of_row(wire.AccountCounts)
class SalesloftAccountCounts:
    people: int | None = field("People of the account.")


@strawberry.type(description="An account as Salesloft sends it, in the vendor's words.")
@face_of_row(wire.Account)
class SalesloftAccount:
    id: strawberry.ID = field("The id in Salesloft.", name="vendorId")
    created_at: dt.datetime | None = field("When the record was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    archived_at: dt.datetime | None = field("When it was put away.")
    name: str | None = field("The name.")
    domain: str | None = field("The internet domain.")
    conversational_name: str | None = field("What it is called in talk.")
    description: str | None = field("The description.", personal=True)
    phone: str | None = field("The telephone number.", personal=True)
    website: str | None = field("The site.")
    linkedin_url: str | None = field("The LinkedIn profile.")
    twitter_handle: str | None = field("The Twitter handle.")
    street: str | None = field("The street.")
    city: str | None = field("The city.")
    state: str | None = field("The state or region.")
    postal_code: str | None = field("The postal code.")
    country: str | None = field("The country.")
    locale: str | None = field("The time zone.")
    industry: str | None = field("The industry.")
    company_type: str | None = field("The kind of company.")
    founded: str | None = field("When it was founded, as it was written down.")
    revenue_range: str | None = field("The revenue, as it was written down.")
    size: str | None = field("How many work there, as it was written down.")
    crm_id: str | None = field("The id in the CRM.")
    crm_url: str | None = field("The record in the CRM.")
    crm_object_type: str | None = field("What it is in the CRM.")
    owner_crm_id: str | None = field("The owner's id in the CRM.")
    last_contacted_at: dt.datetime | None = field("When it was last contacted.")
    last_contacted_type: str | None = field("How it was last contacted.")
    do_not_contact: bool | None = field("Whether it must not be contacted.")
    custom_fields: JSON | None = field("The team's own fields.", personal=True)
    user_relationships: JSON | None = field("Which user is what to it.")
    tags: list[str] | None = field("Labels.")
    counts: SalesloftAccountCounts | None = field("Counters.")
    owner: SalesloftReference | None = field("The owner, by numeric id.")
    creator: SalesloftReference | None = field("Who made it.")
    last_contacted_by: SalesloftReference | None = field("Who contacted it last.")
    last_contacted_person: SalesloftReference | None = field("Who of it was contacted last.")
    company_stage: SalesloftReference | None = field("The stage that it is in.")
    account_tier: SalesloftReference | None = field("The tier that it is in.")
    prospector_engagement_level: str | None = field("How engaged it is.")
    prospector_engagement_score: float | None = field("How engaged it is, as a number.")
