"""`User`: a member of the sales team."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry

from gateway.graph.enums import Source
from gateway.graph.fields import Node, field, node_face_of, reader, relation
from gateway.graph.loaders import Keyed
from gateway.graph.meeting_lists import meetings_of
from gateway.graph.merged_records import holding, id_in, own_or_twins, row_in, twin_row_in
from gateway.graph.types.drift import DriftUser
from gateway.graph.types.salesloft import SalesloftUser
from gateway.model import records
from gateway.model.records import Kind


def _whole(name: str, description: str, *, personal: bool = False) -> Any:
    """A field that another source may fill where this one lacks it; asked for only then."""
    return relation(
        "whole_user_by_user",
        Keyed,
        description,
        ready=reader(records.User, name),
        pick=own_or_twins(records.User, name),
        personal=personal,
    )


@strawberry.type(description="A member of the sales team, shown once even if several sources have them.")
@node_face_of(records.User, Kind.USER)
class User(Node):
    salesloft_id: strawberry.ID | None = field("The numeric id in Salesloft.", id_in(records.Source.SALESLOFT))
    guid: strawberry.ID | None = field("The GUID in Salesloft, by which its meetings refer to their owners.")
    drift_id: strawberry.ID | None = relation(
        "whole_user_by_user",
        Keyed,
        (
            "The id in Drift. If it is not known, it is looked up by e-mail address, which costs one "
            "call for the whole team."
        ),
        ready=id_in(records.Source.DRIFT),
        pick=id_in(records.Source.DRIFT),
    )
    calendly_id: strawberry.ID | None = relation(
        "whole_user_by_user",
        Keyed,
        (
            "The id in Calendly. If it is not known, it is looked up by e-mail address, which costs "
            "one call for the whole organization."
        ),
        ready=id_in(records.Source.CALENDLY),
        pick=id_in(records.Source.CALENDLY),
    )
    sources: list[Source] | None = relation(
        "whole_user_by_user", Keyed, "Every source that has this user.", pick=holding
    )
    name: str | None = field("The full name.")
    first_name: str | None = _whole("first_name", "The first name.")
    last_name: str | None = _whole("last_name", "The last name.")
    email: str | None = field("The e-mail address that they log in with.", personal=True)
    emails: list[str] | None = field("All of their e-mail addresses.", personal=True)
    job_role: str | None = field("The job role, in Salesloft's words.")
    active: bool | None = field("Whether they can log in.")
    time_zone: str | None = _whole("time_zone", "The time zone's name, as the source writes it.")
    phone: str | None = _whole("phone", "The phone number.", personal=True)
    avatar_url: str | None = _whole("avatar_url", "URL of their picture.")
    updated_at: dt.datetime | None = field("When the record was last updated.")
    salesloft: SalesloftUser | None = field(
        "The record as Salesloft sends it, with the fields that only Salesloft has.", row_in(records.Source.SALESLOFT)
    )
    drift: DriftUser | None = relation(
        "whole_user_by_user",
        Keyed,
        "The user as Drift sends them. Costs one call for the whole team.",
        ready=row_in(records.Source.DRIFT),
        pick=twin_row_in(records.Source.DRIFT),
    )
    meetings: Any = meetings_of("Meetings that they own.")
