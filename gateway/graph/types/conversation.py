"""`Conversation`: the chat that a meeting was booked in."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.folded import id_in, row_in
from gateway.graph.node import Node, face_of, node_face_of
from gateway.graph.relation import field, relation, relations
from gateway.graph.types.drift import DriftConversation
from gateway.graph.types.person import Person
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.records import Kind


@strawberry.type(description="A label of a chat.")
@face_of(records.ConversationTag)
class ConversationTag:
    name: str | None = field("The label.")
    color: str | None = field("Its colour: six hexadecimal digits.")


@strawberry.type(description="A Drift conversation: the chat that a meeting was booked in.")
@node_face_of(records.Conversation, Kind.CONVERSATION)
class Conversation(Node):
    drift_id: strawberry.ID | None = field("The id in Drift.", id_in(records.Source.DRIFT))
    status: str | None = field("Its state, in Drift's word: `open`, `closed`, `pending` and others.")
    contact: Person | None = relation(
        "person_by_ref",
        "contact",
        "Who wrote: the person with the contact's address.",
        only=records.Source.DRIFT,
    )
    participants: list[User] | None = relations(
        "user_by_ref",
        "participants",
        "The team members who take part.",
        only=records.Source.DRIFT,
    )
    inbox_id: strawberry.ID | None = field("The inbox that it is in.")
    related_playbook_id: strawberry.ID | None = field("The playbook that began it.")
    tags: list[ConversationTag] | None = field("Labels.")
    created_at: dt.datetime | None = field("When it began.")
    updated_at: dt.datetime | None = field("When it last changed.")
    drift: DriftConversation | None = field("Drift's own fields.", row_in(records.Source.DRIFT))
