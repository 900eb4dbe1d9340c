"""A task as Salesloft sends it."""

from __future__ import annotations

import datetime as dt

import msgspec

from gateway.sources.bounds import Id
from gateway.sources.salesloft.wire.common import Instant, Stub


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A thing to be done (Salesloft: List tasks); `due_date` is a bare date, `due_at` an instant."""

    id: Id
    subject: str | None = None
    description: str | None = None
    task_type: str | None = None
    current_state: str | None = None
    due_date: dt.date | None = None
    due_at: Instant | None = None
    remind_at: Instant | None = None
    expires_after: Instant | None = None
    completed_at: Instant | None = None
    completed_by: Stub | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    created_by_user: Stub | None = None
    person: Stub | None = None
    user: Stub | None = None
    opportunity: Stub | None = None
