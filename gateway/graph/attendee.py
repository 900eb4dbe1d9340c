"""`Attendee`: one invited address of a meeting."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.enums import AttendeeStatus
from gateway.graph.folded import row_in
from gateway.graph.node import face_of
from gateway.graph.person import Person
from gateway.graph.relation import field, read, relation
from gateway.graph.salesloft.meeting import SalesloftAttendee
from gateway.graph.user import User
from gateway.model import records
from gateway.model.filters import fold_email


def _address(attendee: records.Attendee) -> str | None:
    email: str | None = read(attendee, "email")
    return fold_email(email) if email else None


@strawberry.type(description="One invited address of a meeting. Only Salesloft knows attendees.")
@face_of(records.Attendee)
class Attendee:
    email: str | None = field("The invited address.", personal=True)
    name: str | None = field("The name in the invitation.", personal=True)
    organizer: bool | None = field("Whether they called the meeting.")
    status: AttendeeStatus = field("Their answer to the invitation.")
    status_changed: bool | None = field("Whether they changed their answer.")
    deleted_at: dt.datetime | None = field("When they were taken off the invitation.")
    person: Person | None = relation(
        "person_by_ref",
        "person",
        "The contact that Salesloft takes them for.",
        only=records.Source.SALESLOFT,
    )
    user: User | None = relation(
        "user_by_email",
        _address,
        "The team member with this address, in any of their addresses: one call for the whole team.",
    )
    salesloft: SalesloftAttendee | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
