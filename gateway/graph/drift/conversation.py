"""`DriftConversation`: a chat as Drift sends it (Drift: Conversation model)."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.drift.reading import instant
from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.sources.drift import wire


@strawberry.type(description="A label of a chat.")
@face_of_row(wire.Tag)
class DriftTag:
    name: str | None = field("The label.")
    color: str | None = field("Its colour: six hexadecimal digits.")


@strawberry.type(description="A chat as Drift sends it, in the vendor's words.")
@face_of_row(wire.Conversation)
class DriftConversation:
    id: strawberry.ID = field("The id in Drift.", name="vendorId")
    status: str | None = field("`open`, `closed`, `pending` or others.")
    participants: list[strawberry.ID] | None = field("The Drift users who take part.")
    contact_id: strawberry.ID | None = field("The contact.")
    inbox_id: strawberry.ID | None = field("The inbox.")
    related_playbook_id: strawberry.ID | None = field("The playbook that began it.")
    conversation_tags: list[DriftTag] | None = field("Labels.")
    created_at: dt.datetime | None = field("When it began.", instant("created_at"))
    updated_at: dt.datetime | None = field("When it last changed.", instant("updated_at"))
