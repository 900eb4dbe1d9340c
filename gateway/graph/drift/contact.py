"""`DriftContact`: a contact as Drift sends it, as far as the white-list goes (Drift: Contact model)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import strawberry

from gateway.graph.drift.reading import instant
from gateway.graph.folded import face_of_row
from gateway.graph.relation import explain, field
from gateway.sources.drift import wire


def _of_attributes(name: str, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Reads off a contact's attributes, which it may lack as a whole, or which could not be read."""

    def resolve(contact: Any) -> Any:
        if contact.attributes is None:
            explain(contact, "attributes")
            return None
        value = read(contact.attributes)
        if value is None:
            explain(contact, f"attributes.{name}")
        return value

    return resolve


def _attribute(name: str) -> Callable[[Any], Any]:
    return _of_attributes(name, lambda attributes: getattr(attributes, name))


def _moment(name: str) -> Callable[[Any], Any]:
    return _of_attributes(name, instant(name))


def _tags(attributes: wire.Attributes) -> list[str] | None:
    """A tag comes as a text, or as an object with a name."""
    if attributes.tags is None:
        return None
    names = (tag if isinstance(tag, str) else tag.name for tag in attributes.tags)
    return [name for name in names if name is not None]


@strawberry.type(
    description=(
        "A contact as Drift sends it. Attributes are free-form there and hold much that is nobody's business; these "
        "are all that are read: network addresses, whereabouts and pages visited are dropped on arrival."
    )
)
@face_of_row(wire.Contact)
class DriftContact:
    id: strawberry.ID = field("The id in Drift.", name="vendorId")
    created_at: dt.datetime | None = field("When the contact was made.", instant("created_at"))
    name: str | None = field("The full name.", _attribute("name"))
    first_name: str | None = field("The first name; often the full one.", _attribute("first_name"))
    last_name: str | None = field("The last name.", _attribute("last_name"))
    email: str | None = field("The address.", _attribute("email"), personal=True)
    phone: str | None = field("The telephone number.", _attribute("phone"), personal=True)
    title: str | None = field("The job title.", _attribute("title"))
    company: str | None = field("The company.", _attribute("company"))
    city: str | None = field("The city.", _attribute("city"))
    state: str | None = field("The state or region.", _attribute("state"))
    country: str | None = field("The country.", _attribute("country"))
    external_id: strawberry.ID | None = field("The id in the organization's own system.", _attribute("external_id"))
    tags: list[str] | None = field("Labels.", _of_attributes("tags", _tags))
    last_active: dt.datetime | None = field("When they were last on the site.", _moment("last_active"))
    last_contacted: dt.datetime | None = field("When they were last written to.", _moment("last_contacted"))
    start_date: dt.datetime | None = field("When they were first seen.", _moment("start_date"))
