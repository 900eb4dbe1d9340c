"""`Task`: a thing to be done that a meeting was booked from."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.fields import Node, field, node_face_of, relation
from gateway.graph.merged_records import id_in, row_in
from gateway.graph.types.person import Person
from gateway.graph.types.salesloft import SalesloftTask
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.records import Kind


@strawberry.type(description="A Salesloft task: something to do for a person, from which a meeting may be booked.")
@node_face_of(records.Task, Kind.TASK)
class Task(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    subject: str | None = field("The subject.")
    description: str | None = field("What has to be done.", personal=True)
    task_type: str | None = field("The type, in Salesloft's words: `call`, `email` or `general`.")
    current_state: str | None = field("The state, in Salesloft's words: `scheduled` or `completed`.")
    due_date: dt.date | None = field("The date on which it is due.")
    due_at: dt.datetime | None = field("The time at which it is due.")
    remind_at: dt.datetime | None = field("When a reminder is sent.")
    expires_after: dt.datetime | None = field("When it expires.")
    completed_at: dt.datetime | None = field("When it was completed.")
    person: Person | None = relation(
        "person_by_ref", "person", "The person it is about.", only=records.Source.SALESLOFT
    )
    user: User | None = relation(
        "user_by_ref", "user", "The team member who is assigned to it.", only=records.Source.SALESLOFT
    )
    completed_by: User | None = relation(
        "user_by_ref", "completed_by", "The team member who completed it.", only=records.Source.SALESLOFT
    )
    created_by: User | None = relation(
        "user_by_ref", "created_by", "The team member who created it.", only=records.Source.SALESLOFT
    )
    created_at: dt.datetime | None = field("When it was created.")
    updated_at: dt.datetime | None = field("When it was last updated.")
    salesloft: SalesloftTask | None = field(
        "The record as Salesloft sends it, with the fields that only Salesloft has.", row_in(records.Source.SALESLOFT)
    )
