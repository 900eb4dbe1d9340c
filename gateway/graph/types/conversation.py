"""`Conversation`: the chat that a meeting was booked in."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.fields import Node, face_of, field, node_face_of, relation, relations
from gateway.graph.merged_records import id_in, row_in
from gateway.graph.types.drift import DriftConversation
from gateway.graph.types.person import Person
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.records import Kind


@strawberry.type(description="A tag of a conversation.")
@face_of(records.ConversationTag)
class ConversationTag:
    name: str | None = field("The tag's name.")
    color: str | None = field("Its colour: six hexadecimal digits.")


@strawberry.type(description="A Drift conversation: the chat that a meeting was booked in.")
@node_face_of(records.Conversation, Kind.CONVERSATION)
class Conversation(Node):
    drift_id: strawberry.ID | None = field("The id in Drift.", id_in(records.Source.DRIFT))
    status: str | None = field("The state, in Drift's words: `open`, `closed`, `pending` and others.")
    contact: Person | None = relation(
        "person_by_ref",
        "contact",
        "The person who wrote, found by the contact's e-mail address.",
        only=records.Source.DRIFT,
    )
    participants: list[User] | None = relations(
        "user_by_ref",
        "participants",
        "The team members taking part.",
        only=records.Source.DRIFT,
    )
    inbox_id: strawberry.ID | None = field("The id of the inbox that it is in.")
    related_playbook_id: strawberry.ID | None = field("The id of the playbook that started it.")
    tags: list[ConversationTag] | None = field("Tags.")
    created_at: dt.datetime | None = field("When it started.")
    updated_at: dt.datetime | None = field("When it was last updated.")
    drift: DriftConversation | None = field(
        "The record as Drift sends it, with the fields that only Drift has.", row_in(records.Source.DRIFT)
    )
