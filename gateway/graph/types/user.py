"""`User`: a member of the sales team."""

from __future__ import annotations

from typing import Any

import strawberry

from gateway.graph.context import Keyed
from gateway.graph.enums import Source
from gateway.graph.folded import holding, id_in, own_or_twins, row_in
from gateway.graph.node import Node, node_face_of
from gateway.graph.relation import field, relation
from gateway.graph.types.drift import DriftUser
from gateway.graph.types.salesloft import SalesloftUser
from gateway.graph.under import meetings_of
from gateway.model import records
from gateway.model.records import Kind


def _whole(name: str, description: str, *, personal: bool = False) -> Any:
    """A field that another source may fill where this one lacks it; asked for only then."""
    return relation(
        "whole_user_by_user",
        Keyed,
        description,
        ready=lambda user: getattr(user, name),
        pick=own_or_twins(name),
        personal=personal,
    )


@strawberry.type(description="A member of the sales team, once, whichever sources know them.")
@node_face_of(records.User, Kind.USER)
class User(Node):
    salesloft_id: strawberry.ID | None = field("The numeric id in Salesloft.", id_in(records.Source.SALESLOFT))
    guid: strawberry.ID | None = field("Salesloft's GUID, by which its meetings name their owners.")
    drift_id: strawberry.ID | None = relation(
        "whole_user_by_user",
        Keyed,
        "The id in Drift. Looked up by e-mail address where it is not known: one call for the whole team.",
        ready=id_in(records.Source.DRIFT),
        pick=id_in(records.Source.DRIFT),
    )
    sources: list[Source] | None = relation(
        "whole_user_by_user", Keyed, "Every source that has this user.", pick=holding
    )
    name: str | None = field("The full name.")
    first_name: str | None = _whole("first_name", "The first name.")
    last_name: str | None = _whole("last_name", "The last name.")
    email: str | None = field("The address that they log in with.", personal=True)
    emails: list[str] | None = field("Every address of theirs, each once.", personal=True)
    job_role: str | None = field("What they do, in Salesloft's words.")
    active: bool | None = field("Whether they can log in.")
    time_zone: str | None = _whole("time_zone", "The time zone's name, as the source writes it.")
    phone: str | None = _whole("phone", "The telephone number.", personal=True)
    avatar_url: str | None = _whole("avatar_url", "Where their picture is.")
    salesloft: SalesloftUser | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
    drift: DriftUser | None = relation(
        "whole_user_by_user",
        Keyed,
        "Drift's own fields: one call for the whole team.",
        ready=row_in(records.Source.DRIFT),
        pick=row_in(records.Source.DRIFT),
    )
    meetings: Any = meetings_of("The meetings that they hold.")
