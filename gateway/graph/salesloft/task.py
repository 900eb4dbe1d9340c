"""`SalesloftTask`: a task as Salesloft sends it (Salesloft: List tasks)."""

from __future__ import annotations

import datetime as dt

import strawberry

from gateway.graph.folded import face_of_row
from gateway.graph.relation import field
from gateway.graph.salesloft.reference import SalesloftReference
from gateway.sources.salesloft import wire


@strawberry.type(description="A task as Salesloft sends it, in the vendor's words.")
@face_of_row(wire.Task)
class SalesloftTask:
    id: strawberry.ID = field("The id in Salesloft.", name="vendorId")
    subject: str | None = field("What it is about.")
    description: str | None = field("What is to be done.", personal=True)
    task_type: str | None = field("`call`, `email`, `general`.")
    current_state: str | None = field("`scheduled`, `completed`.")
    due_date: dt.date | None = field("The day that it is due.")
    due_at: dt.datetime | None = field("The instant that it is due.")
    remind_at: dt.datetime | None = field("When to be reminded.")
    expires_after: dt.datetime | None = field("When it expires.")
    completed_at: dt.datetime | None = field("When it was done.")
    completed_by: SalesloftReference | None = field("Who did it.")
    created_at: dt.datetime | None = field("When it was made.")
    updated_at: dt.datetime | None = field("When it last changed.")
    created_by_user: SalesloftReference | None = field("Who made it.")
    person: SalesloftReference | None = field("Whom it is about.")
    user: SalesloftReference | None = field("Whose it is.")
    opportunity: SalesloftReference | None = field("The opportunity that it is about.")
