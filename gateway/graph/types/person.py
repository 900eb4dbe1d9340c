"""`Person`: a contact or prospect."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry
from strawberry.scalars import JSON

from gateway.graph.context import Keyed
from gateway.graph.enums import Source
from gateway.graph.folded import holding, id_in, row_in
from gateway.graph.node import Node, node_face_of
from gateway.graph.relation import field, relation, relations
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence
from gateway.graph.types.drift import DriftContact
from gateway.graph.types.salesloft import SalesloftPerson
from gateway.graph.types.user import User
from gateway.graph.under import meetings_of
from gateway.model import records
from gateway.model.records import Kind


@strawberry.type(
    description=(
        "A contact or prospect, once: Salesloft's record where it has one of their addresses, else the chat contact. "
        "What is shown is that record's alone."
    )
)
@node_face_of(records.Person, Kind.PERSON)
class Person(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    drift_id: strawberry.ID | None = relation(
        "whole_person_by_person",
        Keyed,
        "The id of the Drift contact with one of their addresses: one call an address.",
        ready=id_in(records.Source.DRIFT),
        pick=id_in(records.Source.DRIFT),
    )
    crm_id: str | None = field("The id in the CRM.")
    sources: list[Source] | None = relation(
        "whole_person_by_person", Keyed, "Every source that has this person: one Drift call an address.", pick=holding
    )
    name: str | None = field("The full name.")
    first_name: str | None = field("The first name.")
    last_name: str | None = field("The last name.")
    email: str | None = field("The main address.", personal=True)
    emails: list[str] | None = field("Every address of theirs, each once.", personal=True)
    phone: str | None = field(
        "The telephone number: the main one, else the mobile, else the one at home.", personal=True
    )
    title: str | None = field("The job title.")
    company_name: str | None = field("The company's name.")
    city: str | None = field("The city.")
    state: str | None = field("The state or region.")
    country: str | None = field("The country.")
    linkedin_url: str | None = field("The LinkedIn profile.")
    crm_url: str | None = field("The record in the CRM.")
    do_not_contact: bool | None = field("Whether they must not be contacted.")
    time_zone: str | None = field("The time zone's name, as the source writes it.")
    tags: list[str] | None = field("Labels.")
    custom_fields: JSON | None = field("The team's own fields, by name.", personal=True)
    owner: User | None = relation("user_by_ref", "owner", "The team member whose contact this is.")
    account: Account | None = relation("account_by_ref", "account", "The company's account.")
    cadences: list[Cadence] | None = relations(
        "cadence_by_ref", "cadences", "The cadences that they are in, without those hidden."
    )
    last_contacted_at: dt.datetime | None = field("When they were last contacted.")
    created_at: dt.datetime | None = field("When the record was made.")
    updated_at: dt.datetime | None = field("When the record last changed.")
    salesloft: SalesloftPerson | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
    drift: DriftContact | None = relation(
        "whole_person_by_person",
        Keyed,
        "Drift's own fields, as far as the white-list goes: one call an address.",
        ready=row_in(records.Source.DRIFT),
        pick=row_in(records.Source.DRIFT),
    )
    meetings: Any = meetings_of("The meetings that they are the recipient or booker of, in every source.")
