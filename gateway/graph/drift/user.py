"""`DriftUser`: a user as Drift sends them (Drift: User model)."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.drift.reading import instant
from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.sources.drift import wire


@strawberry.type(description="A user as Drift sends them, in the vendor's words.")
@face_of_row(wire.User)
class DriftUser:
    id: strawberry.ID = field("The id in Drift.", name="vendorId")
    org_id: strawberry.ID | None = field("The organization.")
    name: str | None = field("The full name.")
    alias: str | None = field("What they are called in chats.")
    email: str | None = field("The address.", personal=True)
    phone: str | None = field("The telephone number.", personal=True)
    locale: str | None = field("The language, such as `en-US`.")
    availability: str | None = field("`AVAILABLE`, `OFFLINE`, `ON_CALL` or others.")
    role: str | None = field("`member`, `admin`, `agent` or others.")
    time_zone: str | None = field("The time zone.")
    avatar_url: str | None = field("Where their picture is.")
    verified: bool | None = field("Whether their address is verified.")
    bot: bool | None = field("Whether it is no person at all.")
    created_at: dt.datetime | None = field("When the record was made.", instant("created_at"))
    updated_at: dt.datetime | None = field("When it last changed.", instant("updated_at"))
