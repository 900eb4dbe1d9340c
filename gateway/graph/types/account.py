"""`Account`: a company that is sold to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry
from strawberry.scalars import JSON

from gateway.graph.fields import Node, field, node_face_of, relation
from gateway.graph.meeting_lists import meetings_of
from gateway.graph.merged_records import id_in, row_in
from gateway.graph.other_lists import people_of
from gateway.graph.types.salesloft import SalesloftAccount
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.records import Kind


@strawberry.type(description="A Salesloft account: a company that the team sells to.")
@node_face_of(records.Account, Kind.ACCOUNT)
class Account(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    crm_id: str | None = field("The id in the CRM.")
    name: str | None = field("The company's name.")
    domain: str | None = field("The company's internet domain.")
    conversational_name: str | None = field("The company's informal name.")
    description: str | None = field("What the company does.", personal=True)
    phone: str | None = field("The company's phone number.", personal=True)
    website: str | None = field("URL of the company's website.")
    linkedin_url: str | None = field("URL of the company's LinkedIn page.")
    street: str | None = field("The street address.")
    city: str | None = field("The city.")
    state: str | None = field("The state or region.")
    postal_code: str | None = field("The postal code.")
    country: str | None = field("The country.")
    industry: str | None = field("The company's industry.")
    company_type: str | None = field("The type of company.")
    founded: str | None = field("When the company was founded, as entered.")
    revenue_range: str | None = field("Revenue range, as entered.")
    size: str | None = field("Company size, as entered.")
    crm_url: str | None = field("URL of the record in the CRM.")
    do_not_contact: bool | None = field("Whether the company must not be contacted.")
    archived: bool | None = field("Whether it is archived.")
    archived_at: dt.datetime | None = field("When it was archived.")
    tags: list[str] | None = field("Tags.")
    custom_fields: JSON | None = field("Custom fields that the team has defined, by name.", personal=True)
    owner: User | None = relation(
        "user_by_ref",
        "owner",
        "The team member who owns the account.",
        only=records.Source.SALESLOFT,
    )
    creator: User | None = relation(
        "user_by_ref", "creator", "The team member who created it.", only=records.Source.SALESLOFT
    )
    people_count: int | None = field("Number of people at the company in Salesloft.")
    last_contacted_at: dt.datetime | None = field("When anyone at the company was last contacted.")
    created_at: dt.datetime | None = field("When the record was created.")
    updated_at: dt.datetime | None = field("When the record was last updated.")
    salesloft: SalesloftAccount | None = field(
        "The record as Salesloft sends it, with the fields that only Salesloft has.", row_in(records.Source.SALESLOFT)
    )
    people: Any = people_of("The people at the company, most recently created first.")
    meetings: Any = meetings_of("Meetings with people of this account.")
