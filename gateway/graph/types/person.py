"""`Person`: a contact or prospect."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry
from strawberry.scalars import JSON

from gateway.graph.enums import Source
from gateway.graph.fields import Node, field, node_face_of, relation, relations
from gateway.graph.loaders import Keyed
from gateway.graph.meeting_lists import meetings_of
from gateway.graph.merged_records import holding, id_in, row_in
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence
from gateway.graph.types.drift import DriftContact
from gateway.graph.types.salesloft import SalesloftPerson
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.records import Kind


def _in_drift(person: records.Person) -> Keyed[records.Person]:
    """A person whom Drift alone is asked for."""
    return Keyed(person, records.Source.DRIFT)


@strawberry.type(
    description=(
        "A contact or prospect, shown once: as Salesloft's record if it has one of their addresses, otherwise as the "
        "Drift contact, otherwise as the invitee of Calendly's events. The fields are those of that record alone."
    )
)
@node_face_of(records.Person, Kind.PERSON)
class Person(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    drift_id: strawberry.ID | None = relation(
        "whole_person_by_person",
        _in_drift,
        "The id of the Drift contact with one of their addresses. Costs one call per address.",
        ready=id_in(records.Source.DRIFT),
        pick=id_in(records.Source.DRIFT),
        only=records.Source.DRIFT,
    )
    crm_id: str | None = field("The id in the CRM.")
    sources: list[Source] | None = relation(
        "whole_person_by_person",
        Keyed,
        "Every source that has this person. Costs one call per address in Drift, and up to two in Calendly.",
        pick=holding,
    )
    name: str | None = field("The full name.")
    first_name: str | None = field("The first name.")
    last_name: str | None = field("The last name.")
    email: str | None = field("The primary e-mail address.", personal=True)
    emails: list[str] | None = field("All of their e-mail addresses.", personal=True)
    phone: str | None = field(
        "The phone number: the primary one, otherwise the mobile or the home number.", personal=True
    )
    title: str | None = field("The job title.")
    company_name: str | None = field("The company's name.")
    city: str | None = field("The city.")
    state: str | None = field("The state or region.")
    country: str | None = field("The country.")
    linkedin_url: str | None = field("URL of the LinkedIn profile.")
    crm_url: str | None = field("URL of the record in the CRM.")
    do_not_contact: bool | None = field("Whether they must not be contacted.")
    time_zone: str | None = field("The time zone's name, as the source writes it.")
    tags: list[str] | None = field("Tags.")
    custom_fields: JSON | None = field("Custom fields that the team has defined, by name.", personal=True)
    owner: User | None = relation("user_by_ref", "owner", "The team member who owns this contact.")
    account: Account | None = relation("account_by_ref", "account", "The account of their company.")
    cadences: list[Cadence] | None = relations(
        "cadence_by_ref", "cadences", "The cadences that they are in, except hidden ones."
    )
    last_contacted_at: dt.datetime | None = field("When they were last contacted.")
    created_at: dt.datetime | None = field("When the record was created.")
    updated_at: dt.datetime | None = field("When the record was last updated.")
    salesloft: SalesloftPerson | None = field(
        "The record as Salesloft sends it, with the fields that only Salesloft has.", row_in(records.Source.SALESLOFT)
    )
    drift: DriftContact | None = relation(
        "whole_person_by_person",
        _in_drift,
        ("The contact as Drift sends it, limited to a documented list of attributes. Costs one call per address."),
        ready=row_in(records.Source.DRIFT),
        pick=row_in(records.Source.DRIFT),
        only=records.Source.DRIFT,
    )
    meetings: Any = meetings_of("Meetings that they were invited to or booked, in every source.")
