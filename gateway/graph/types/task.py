"""`Task`: a thing to be done that a meeting was booked from."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.folded import id_in, row_in
from gateway.graph.node import Node, node_face_of
from gateway.graph.relation import field, relation
from gateway.graph.types.person import Person
from gateway.graph.types.salesloft import SalesloftTask
from gateway.graph.types.user import User
from gateway.model import records
from gateway.model.records import Kind


@strawberry.type(description="A Salesloft task: something to be done for a person, which a meeting may come of.")
@node_face_of(records.Task, Kind.TASK)
class Task(Node):
    salesloft_id: strawberry.ID | None = field("The id in Salesloft.", id_in(records.Source.SALESLOFT))
    subject: str | None = field("What it is about.")
    description: str | None = field("What is to be done.", personal=True)
    task_type: str | None = field("What kind it is, in Salesloft's word: `call`, `email`, `general`.")
    current_state: str | None = field("Its state, in Salesloft's word: `scheduled`, `completed`.")
    due_date: dt.date | None = field("The day that it is due.")
    due_at: dt.datetime | None = field("The instant that it is due.")
    remind_at: dt.datetime | None = field("When to be reminded of it.")
    expires_after: dt.datetime | None = field("When it is no longer worth doing.")
    completed_at: dt.datetime | None = field("When it was done.")
    person: Person | None = relation("person_by_ref", "person", "Whom it is about.", only=records.Source.SALESLOFT)
    user: User | None = relation(
        "user_by_ref", "user", "The team member whose task it is.", only=records.Source.SALESLOFT
    )
    completed_by: User | None = relation(
        "user_by_ref", "completed_by", "The team member who did it.", only=records.Source.SALESLOFT
    )
    created_by: User | None = relation(
        "user_by_ref", "created_by", "The team member who made it.", only=records.Source.SALESLOFT
    )
    created_at: dt.datetime | None = field("When it was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    salesloft: SalesloftTask | None = field("Salesloft's own fields.", row_in(records.Source.SALESLOFT))
