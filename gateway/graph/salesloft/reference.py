"""`SalesloftReference`: what Salesloft says of a related record."""

from __future__ import annotations

import strawberry

from gateway.graph.node import face_of
from gateway.graph.relation import field
from gateway.sources.salesloft import wire


@strawberry.type(description="A related record as Salesloft names it: its id alone. Meetings name users by GUID.")
@face_of(wire.Stub)
class SalesloftReference:
    id: strawberry.ID = field("The id in Salesloft.", name="vendorId")
