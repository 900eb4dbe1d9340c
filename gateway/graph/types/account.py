"""`Account`: a company that is sold to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry
from strawberry.scalars import JSON

from gateway.graph.folded import id_in, row_in
from gateway.graph.node import Node, node_face_of
from gateway.graph.relation import field, relation
from gateway.graph.types.salesloft import SalesloftAccount
from gateway.graph.types.user import User
from gateway.graph.under import meetings_of
from gateway.model import records
from gateway.model.records import Kind


@strawberry.type(description="A Salesloft account: a company that is sold to.")
@node_face_of(records.Account, Kind.ACCOUNT)
class Account(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    crm_id: str | None = field("The id in the CRM.")
    name: str | None = field("The company's name.")
    domain: str | None = field("Its internet domain.")
    conversational_name: str | None = field("What it is called in talk.")
    description: str | None = field("What it does.", personal=True)
    phone: str | None = field("Its telephone number.", personal=True)
    website: str | None = field("Its site.")
    linkedin_url: str | None = field("Its LinkedIn profile.")
    street: str | None = field("The street.")
    city: str | None = field("The city.")
    state: str | None = field("The state or region.")
    postal_code: str | None = field("The postal code.")
    country: str | None = field("The country.")
    industry: str | None = field("Its industry.")
    company_type: str | None = field("What kind of company it is.")
    founded: str | None = field("When it was founded, as it was written down.")
    revenue_range: str | None = field("Its revenue, as it was written down.")
    size: str | None = field("How many work there, as it was written down.")
    crm_url: str | None = field("The record in the CRM.")
    do_not_contact: bool | None = field("Whether it must not be contacted.")
    archived: bool | None = field("Whether it is put away.")
    archived_at: dt.datetime | None = field("When it was put away.")
    tags: list[str] | None = field("Labels.")
    custom_fields: JSON | None = field("The team's own fields, by name.", personal=True)
    owner: User | None = relation(
        "user_by_ref",
        "owner",
        "The team member whose account it is.",
        only=records.Source.SALESLOFT,
    )
    creator: User | None = relation(
        "user_by_ref", "creator", "The team member who made it.", only=records.Source.SALESLOFT
    )
    people_count: int | None = field("How many people Salesloft knows there.")
    last_contacted_at: dt.datetime | None = field("When anybody there was last contacted.")
    created_at: dt.datetime | None = field("When the record was made.")
    updated_at: dt.datetime | None = field("When the record last changed.")
    salesloft: SalesloftAccount | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
    meetings: Any = meetings_of("The meetings with people of this account.")
