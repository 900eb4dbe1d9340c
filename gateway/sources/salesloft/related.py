"""Salesloft's related records, which meetings refer to, into the model's: people, users, cadences and so on; pure.

Their times come with US Eastern offsets, and they name users by numeric id.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any, TypeVar, get_args

import msgspec

from gateway.model.records import (
    NO_FIELDS,
    Account,
    Cadence,
    CadenceCounts,
    Kind,
    Person,
    Record,
    Source,
    Step,
    Task,
    User,
)
from gateway.sources.decode import Row
from gateway.sources.problems import Names, named
from gateway.sources.readers import within
from gateway.sources.salesloft import wire
from gateway.sources.salesloft.translate import addresses, full_name, ref, user_ref, utc

R = TypeVar("R", bound=Record)
W = TypeVar("W", bound=msgspec.Struct)

PERSON_NAMES: Names = {
    "display_name": "name",
    "first_name": ("first_name", "name"),
    "last_name": ("last_name", "name"),
    "email_address": ("email", "emails"),
    "secondary_email_address": ("email", "emails"),
    "personal_email_address": ("email", "emails"),
    "mobile_phone": "phone",
    "home_phone": "phone",
    "person_company_name": "company_name",
    "locale": "time_zone",
}
USER_NAMES: Names = {
    "first_name": ("first_name", "name"),
    "last_name": ("last_name", "name"),
    "email": ("email", "emails"),
    "email_client_email_address": ("email", "emails"),
    "sending_email_address": ("email", "emails"),
    "from_address": ("email", "emails"),
}
CADENCE_NAMES: Names = {"cadence_function": "function"}
ACCOUNT_NAMES: Names = {
    "counts": "people_count",
    "counts.people": "people_count",
    "archived_at": ("archived_at", "archived"),
}
TASK_NAMES: Names = {"created_by_user": "created_by"}


def person(row: Row[wire.Person]) -> Person:
    """A person (Salesloft: List people); `locale` is a time zone upstream."""
    sent = row.value
    emails = addresses(sent.email_address, sent.secondary_email_address, sent.personal_email_address)
    record = Person(
        source=Source.SALESLOFT,
        source_id=str(sent.id),
        raw=sent,
        crm_id=sent.crm_id,
        name=full_name(sent.display_name, sent.first_name, sent.last_name),
        first_name=sent.first_name,
        last_name=sent.last_name,
        email=emails[0] if emails else None,
        emails=emails,
        phone=sent.phone or sent.mobile_phone or sent.home_phone,
        title=sent.title,
        company_name=sent.person_company_name,
        city=sent.city,
        state=sent.state,
        country=sent.country,
        linkedin_url=sent.linkedin_url,
        crm_url=sent.crm_url,
        do_not_contact=sent.do_not_contact,
        time_zone=sent.locale,
        tags=sent.tags,
        custom_fields=sent.custom_fields,
        owner=user_ref(sent.owner),
        account=ref(Kind.ACCOUNT, sent.account),
        cadences=None if sent.cadences is None else tuple(r for c in sent.cadences if (r := ref(Kind.CADENCE, c))),
        last_contacted_at=utc(sent.last_contacted_at),
        created_at=utc(sent.created_at),
        updated_at=utc(sent.updated_at),
    )
    return named(record, _unreadable(row), PERSON_NAMES)


def user(row: Row[wire.User]) -> User:
    """A user (Salesloft: List users). No telephone number and no picture are sent."""
    sent = row.value
    emails = addresses(sent.email, sent.email_client_email_address, sent.sending_email_address, sent.from_address)
    record = User(
        source=Source.SALESLOFT,
        source_id=str(sent.id),
        raw=sent,
        guid=sent.guid or None,
        name=full_name(sent.name, sent.first_name, sent.last_name),
        first_name=sent.first_name,
        last_name=sent.last_name,
        email=emails[0] if emails else None,
        emails=emails,
        job_role=sent.job_role,
        active=sent.active,
        time_zone=sent.time_zone,
        updated_at=utc(sent.updated_at),
    )
    return named(record, _unreadable(row), USER_NAMES)


def cadence(row: Row[wire.Cadence]) -> Cadence:
    """A cadence (Salesloft: List cadences); older answers tell of archiving by its time alone."""
    sent = row.value
    record = Cadence(
        source=Source.SALESLOFT,
        source_id=str(sent.id),
        raw=sent,
        name=sent.name,
        archived=sent.archived if sent.archived is not None else _archived(row, sent.archived_at),
        current_state=sent.current_state,
        function=sent.cadence_function,
        team_cadence=sent.team_cadence,
        shared=sent.shared,
        tags=sent.tags,
        owner=user_ref(sent.owner),
        creator=user_ref(sent.creator),
        counts=_counts(row),
        created_at=utc(sent.created_at),
        updated_at=utc(sent.updated_at),
    )
    return named(record, _unreadable(row), CADENCE_NAMES)


def _counts(row: Row[wire.Cadence]) -> CadenceCounts | None:
    if row.value.counts is None:
        return None
    counts = msgspec.convert(row.value.counts, CadenceCounts, from_attributes=True)
    odd = within(row.unreadable, "counts") if row.unreadable else NO_FIELDS
    return msgspec.structs.replace(counts, unreadable=odd, source=Source.SALESLOFT) if odd else counts


def step(row: Row[wire.Step]) -> Step:
    """A step of a cadence (Salesloft: List steps)."""
    sent = row.value
    record = Step(
        source=Source.SALESLOFT,
        source_id=str(sent.id),
        raw=sent,
        name=sent.name,
        display_name=sent.display_name,
        type=sent.type,
        day=sent.day,
        step_number=sent.step_number,
        disabled=sent.disabled,
        multitouch_enabled=sent.multitouch_enabled,
        cadence=ref(Kind.CADENCE, sent.cadence),
        created_at=utc(sent.created_at),
        updated_at=utc(sent.updated_at),
    )
    return named(record, _unreadable(row), {})


def account(row: Row[wire.Account]) -> Account:
    """An account (Salesloft: List accounts); it is archived where it has a time of that."""
    sent = row.value
    record = Account(
        source=Source.SALESLOFT,
        source_id=str(sent.id),
        raw=sent,
        crm_id=sent.crm_id,
        name=sent.name,
        domain=sent.domain,
        conversational_name=sent.conversational_name,
        description=sent.description,
        phone=sent.phone,
        website=sent.website,
        linkedin_url=sent.linkedin_url,
        street=sent.street,
        city=sent.city,
        state=sent.state,
        postal_code=sent.postal_code,
        country=sent.country,
        industry=sent.industry,
        company_type=sent.company_type,
        founded=sent.founded,
        revenue_range=sent.revenue_range,
        size=sent.size,
        crm_url=sent.crm_url,
        do_not_contact=sent.do_not_contact,
        archived=_archived(row, sent.archived_at),
        archived_at=utc(sent.archived_at),
        tags=sent.tags,
        custom_fields=sent.custom_fields,
        owner=user_ref(sent.owner),
        creator=user_ref(sent.creator),
        people_count=None if sent.counts is None else sent.counts.people,
        last_contacted_at=utc(sent.last_contacted_at),
        created_at=utc(sent.created_at),
        updated_at=utc(sent.updated_at),
    )
    return named(record, _unreadable(row), ACCOUNT_NAMES)


def task(row: Row[wire.Task]) -> Task:
    """A task (Salesloft: List tasks)."""
    sent = row.value
    record = Task(
        source=Source.SALESLOFT,
        source_id=str(sent.id),
        raw=sent,
        subject=sent.subject,
        description=sent.description,
        task_type=sent.task_type,
        current_state=sent.current_state,
        due_date=sent.due_date,
        due_at=utc(sent.due_at),
        remind_at=utc(sent.remind_at),
        expires_after=utc(sent.expires_after),
        completed_at=utc(sent.completed_at),
        person=ref(Kind.PERSON, sent.person),
        user=user_ref(sent.user),
        completed_by=user_ref(sent.completed_by),
        created_by=user_ref(sent.created_by_user),
        created_at=utc(sent.created_at),
        updated_at=utc(sent.updated_at),
    )
    return named(record, _unreadable(row), TASK_NAMES)


def _archived(row: Row[W], archived_at: dt.datetime | None) -> bool:
    """Whether there is a time of archiving, be it one that cannot be read."""
    return archived_at is not None or "archived_at" in row.unreadable


def _unreadable(row: Row[W]) -> frozenset[str]:
    """What of the row could not be read, times that fall off the calendar in UTC included."""
    sent = row.value
    lost = [name for name in _times(type(sent)) if (at := getattr(sent, name)) is not None and utc(at) is None]
    return row.unreadable.union(lost) if lost else row.unreadable


@functools.cache
def _times(row: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a row that are times."""
    return tuple(field.name for field in msgspec.structs.fields(row) if _is_time(field.type))


def _is_time(wanted: Any) -> bool:
    return wanted is dt.datetime or any(map(_is_time, get_args(wanted)))
