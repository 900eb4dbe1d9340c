"""The notebook's rows into records; pure."""

from __future__ import annotations

import datetime as dt

from gateway.model.records import (
    Account,
    Cadence,
    Conversation,
    Kind,
    Meeting,
    MeetingStatus,
    Person,
    Ref,
    Source,
    Step,
    Task,
    User,
)
from gateway.sources.decode import Row
from gateway.sources.problems import named

from . import wire

NOTEBOOK = Source["NOTEBOOK"]


def meeting(row: Row[wire.Page]) -> Meeting:
    """A meeting; what is in the notebook is booked."""
    sent = row.value
    record = Meeting(
        source=NOTEBOOK,
        source_id=str(sent.id),
        raw=sent,
        title=sent.title,
        notes=sent.title,
        start_time=None if sent.start is None else sent.start.astimezone(dt.UTC),
        calendar_event_id=sent.event,
        status=MeetingStatus.BOOKED,
        person=ref(Kind.PERSON, sent.guest),
        owner=ref(Kind.USER, sent.writer),
    )
    return named(record, row.unreadable, {"start": "start_time", "event": "calendar_event_id", "guest": "person"})


def person(row: Row[wire.Name]) -> Person:
    """A guest."""
    sent = row.value
    emails = None if sent.email is None else (sent.email,)
    record = Person(source=NOTEBOOK, source_id=str(sent.id), raw=sent, name=sent.name, email=sent.email, emails=emails)
    return named(record, row.unreadable, {})


def user(row: Row[wire.Name]) -> User:
    """Somebody who writes in it."""
    sent = row.value
    emails = None if sent.email is None else (sent.email,)
    record = User(source=NOTEBOOK, source_id=str(sent.id), raw=sent, name=sent.name, email=sent.email, emails=emails)
    return named(record, row.unreadable, {})


def cadence(row: Row[wire.Name]) -> Cadence:
    """A habit."""
    return Cadence(source=NOTEBOOK, source_id=str(row.value.id), raw=row.value, name=row.value.name)


def step(row: Row[wire.Name]) -> Step:
    """A step of a habit."""
    sent = row.value
    return Step(
        source=NOTEBOOK, source_id=str(sent.id), raw=sent, name=sent.name, cadence=ref(Kind.CADENCE, sent.part_of)
    )


def account(row: Row[wire.Name]) -> Account:
    """A company."""
    return Account(source=NOTEBOOK, source_id=str(row.value.id), raw=row.value, name=row.value.name)


def task(row: Row[wire.Name]) -> Task:
    """A reminder."""
    return Task(source=NOTEBOOK, source_id=str(row.value.id), raw=row.value, subject=row.value.name)


def conversation(row: Row[wire.Name]) -> Conversation:
    """A talk."""
    return Conversation(source=NOTEBOOK, source_id=str(row.value.id), raw=row.value, status=row.value.name)


def ref(kind: Kind, value: int | str | None) -> Ref | None:
    """What an id points to."""
    return None if value is None else Ref(NOTEBOOK, kind, str(value))
