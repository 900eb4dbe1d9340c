"""The kinds of records; for each, the filters and sort keys of its list (Salesloft: List people, users, …)."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gateway.emulator.calendar import EASTERN, instant
from gateway.emulator.salesloft.filters import (
    Filter,
    Get,
    Keep,
    Param,
    Scene,
    Shape,
    among,
    between,
    column,
    equal,
    flag,
    known_to_world,
    loose_flag,
    lower,
    moment,
    number,
    number_or_null,
    ref,
    refs,
    sharing,
    text,
    word,
)
from gateway.emulator.table import Row

PERSONAL = "default_personal_meeting"
SETTINGS = ("owned_by_meetings_settings", "booked_by_meetings_settings")


def _canceled(wanted: bool | None) -> Keep | None:
    return None if wanted is None else lambda row: (row["canceled_at"] is not None) is wanted


def _no_show(wanted: bool, scene: Scene) -> Keep | None:
    if not wanted:
        return lambda row: not row["no_show"]
    return (lambda row: bool(row["no_show"])) if scene.no_show_only else None


def _type(value: str) -> int | str:
    return value if value == PERSONAL else number(value)


def _of_type(values: list[Any], _: Scene) -> Keep:
    return lambda row: row.get("meeting_type_id") in values or (PERSONAL in values and row["meeting_type"] == PERSONAL)


def _of_users(guids: list[str], scene: Scene) -> Keep:
    names = {"owner": ("owned_by_user",), "booker": ("booked_by_user",)}
    stubs = [ref(name) for name in names.get(scene.guids_of, ("owned_by_user", "booked_by_user"))]
    return lambda row: any(stub(row) in guids for stub in stubs)


def _of_guids(guids: list[str], scene: Scene) -> Keep:
    if not scene.any_case:
        return lambda row: row["guid"] in guids
    wanted = {guid.lower() for guid in guids}
    return lambda row: row["guid"].lower() in wanted


def _event(name: str) -> Filter:
    plain = among(column(name), text)
    return Filter(plain.param, plain.make, either="event")


FILTERS: Mapping[str, Filter] = {
    "ids": among(column("id"), number),
    "status": equal(column("status"), word("pending", "booked", "failed", "retry")),
    "person_id": among(ref("person"), number, Shape.EITHER),
    "account_id": among(column("account_id"), number, Shape.EITHER),
    "person_ids": among(ref("person"), number),
    "event_ids": _event("event_id"),
    "i_cal_uids": _event("i_cal_uid"),
    "task_ids": among(column("task_id"), number),
    "include_meetings_settings": Filter(Param(Shape.ONE, flag), lambda *_: None),
    "start_time": between("start_time", moment),
    "created_at": between("created_at", moment),
    "user_guids": Filter(Param(Shape.MANY, text), _of_users),
    "show_deleted": Filter(
        Param(Shape.ONE, flag),
        lambda wanted, _: _canceled(wanted),
        absent=lambda scene: _canceled(scene.deleted_by_default),
    ),
    "booked_by_user_uuid": equal(ref("booked_by_user"), text),
    "no_show": Filter(Param(Shape.ONE, flag), _no_show),
    "meeting_type_id": Filter(Param(Shape.EITHER, _type), _of_type),
    "cadence_id": equal(ref("cadence"), number),
    "step_id": equal(ref("step"), number),
}


def without_settings(row: Row) -> Row:
    """Show a meeting as it is without `include_meetings_settings`."""
    return {name: value for name, value in row.items() if name not in SETTINGS}


def when(name: str) -> Get:
    """Get a time field to sort by."""
    return lambda row: instant(row[name]) if row.get(name) else None


@dataclass(frozen=True)
class Kind:
    """How one kind of record is listed.

    Attributes:
        filters: by parameter name.
        sorts: by sort key; None from one of these comes last.
        default_sort: the key taken where none is sent.
        descending: the default direction.
        paged: False for users, who come all at once unless a page is asked for.
        single: whether `/{id}` is documented.
    """

    filters: Mapping[str, Filter]
    sorts: Mapping[str, Get]
    default_sort: str
    scope: str
    descending: bool = True
    paged: bool = True
    single: bool = True


_EMAILS = ("email_address", "secondary_email_address", "personal_email_address")


def _emails(row: Row, scene: Scene) -> Iterable[str]:
    for name in _EMAILS if scene.match_every_email else _EMAILS[:1]:
        if row.get(name):
            yield str(row[name]).strip().lower()


def _guid(row: Row, scene: Scene) -> str | None:
    user = scene.world.users.data.get(ref("owner")(row))
    return str(user["guid"]) if user else None


def _search(wanted: str, _: Scene) -> Keep:
    words = wanted.lower().split()

    def keep(row: Row) -> bool:
        hay = " ".join(str(row.get(name) or "") for name in ("first_name", "last_name", "email")).lower()
        return all(part in hay for part in words)

    return keep


def _visible(wanted: bool, scene: Scene) -> Keep | None:
    return (lambda row: row["id"] not in scene.world.hidden_users) if wanted else None


def _group_ids(raw: str) -> list[int]:
    """Read one id, or a JSON array of ids, as the document allows."""
    try:
        value = json.loads(raw)
        return [int(item) for item in (value if isinstance(value, list) else [value])]
    except (TypeError, ValueError):
        raise ValueError("must be an id or a JSON array of ids") from None


def _of_groups(wanted: list[int], _: Scene) -> Keep:
    return lambda row: not set(wanted).isdisjoint(refs("groups")(row))


def _due(interval: str, scene: Scene) -> Keep:
    today = scene.now.astimezone(EASTERN).date()
    monday = today - timedelta(days=today.weekday())
    first, last = {
        "overdue": (date.min, today - timedelta(days=1)),
        "today": (today, today),
        "tomorrow": (today + timedelta(days=1),) * 2,
        "this_week": (monday, monday + timedelta(days=6)),
        "next_week": (monday + timedelta(days=7), monday + timedelta(days=13)),
    }[interval]
    return lambda row: first <= date.fromisoformat(row["due_date"]) <= last and row["current_state"] == "scheduled"


def _account_of(row: Row, scene: Scene) -> int | None:
    person = scene.world.people.data.get(ref("person")(row))
    account: int | None = ref("account")(person) if person else None
    return account


def _count(name: str) -> Get:
    return lambda row: row["counts"][name]


def _one(make: Callable[[Any, Scene], Keep | None], read: Callable[[str], Any]) -> Filter:
    return Filter(Param(Shape.ONE, read), make)


def _archived(wanted: bool | None, _: Scene) -> Keep | None:
    return None if wanted is None else lambda row: (row["archived_at"] is not None) is wanted


_IDS = among(column("id"), number)
_UPDATED = between("updated_at", moment)
_TIMES = {"created_at": when("created_at"), "updated_at": when("updated_at")}

KINDS: Mapping[str, Kind] = {
    "meetings": Kind(
        FILTERS,
        {"start_time": when("start_time"), **_TIMES},
        default_sort="start_time",
        scope="meetings:read",
        single=False,
    ),
    "people": Kind(
        {
            "ids": _IDS,
            "updated_at": _UPDATED,
            "created_at": between("created_at", moment),
            "last_contacted": between("last_contacted_at", moment),
            "email_addresses": sharing(_emails, lower),
            "account_id": among(ref("account"), number_or_null),
            "cadence_id": sharing(lambda row, _: refs("cadences")(row), number_or_null),
            "owner_id": among(ref("owner"), number_or_null),
            "owned_by_guid": known_to_world(_guid, text, Shape.MANY),
            "crm_id": among(column("crm_id"), text),
        },
        {
            **_TIMES,
            "last_contacted_at": when("last_contacted_at"),
            "name": column("display_name"),
            "title": column("title"),
            "job_seniority": column("job_seniority"),
            "call_count": _count("calls"),
            "sent_emails": _count("emails_sent"),
            "clicked_emails": _count("emails_clicked"),
            "replied_emails": _count("emails_replied_to"),
            "viewed_emails": _count("emails_viewed"),
            "account": column("person_company_name"),
        },
        default_sort="updated_at",
        scope="people:read",
    ),
    "users": Kind(
        {
            "ids": _IDS,
            "guid": Filter(Param(Shape.MANY, text), _of_guids),
            "group_id": among(ref("group"), number_or_null),
            "role_id": among(ref("role"), text),
            "search": _one(_search, text),
            "active": equal(column("active"), flag),
            "visible_only": Filter(Param(Shape.ONE, flag), _visible, absent=lambda scene: _visible(True, scene)),
            "has_crm_user": equal(column("crm_connected"), flag),
            "work_country": among(column("work_country"), text),
            "seat_package": among(column("seat_package"), text),
            "manager_user_guid": known_to_world(
                lambda row, scene: scene.world.managers.get(row["id"]), text, Shape.MANY
            ),
        },
        {
            "id": column("id"),
            "email": column("email"),
            "name": column("name"),
            "group": ref("group"),
            "role": ref("role"),
            "seat_package": column("seat_package"),
        },
        default_sort="id",
        scope="team:read",
        paged=False,
    ),
    "cadences": Kind(
        {
            "ids": _IDS,
            "updated_at": _UPDATED,
            "team_cadence": equal(column("team_cadence"), flag),
            "shared": equal(column("shared"), flag),
            "owned_by_guid": known_to_world(_guid, text, Shape.MANY),
            "name": among(column("name"), text),
            "archived": equal(column("archived"), flag),
            "group_ids": _one(_of_groups, _group_ids),
        },
        {**_TIMES, "name": column("name")},
        default_sort="updated_at",
        scope="cadences:read",
    ),
    "steps": Kind(
        {
            "ids": _IDS,
            "cadence_id": equal(ref("cadence"), number),
            "type": equal(column("type"), text),
            "has_due_actions": known_to_world(lambda row, scene: row["id"] in scene.world.due_steps, flag),
        },
        _TIMES,
        default_sort="updated_at",
        scope="cadences:read",
    ),
    "accounts": Kind(
        {
            "ids": _IDS,
            "domain": equal(column("domain"), text),
            "website": among(column("website"), text),
            "name": among(column("name"), text),
            "crm_id": among(column("crm_id"), text),
            "owner_id": among(ref("owner"), number_or_null),
            "updated_at": _UPDATED,
            "created_at": between("created_at", moment),
            "archived": _one(_archived, loose_flag),
        },
        {
            **_TIMES,
            "last_contacted_at": when("last_contacted_at"),
            "name": column("name"),
            "account_stage": ref("company_stage"),
            "account_tier": ref("account_tier"),
            "counts_people": _count("people"),
        },
        default_sort="updated_at",
        scope="accounts:read",
    ),
    "tasks": Kind(
        {
            "ids": _IDS,
            "user_id": among(ref("user"), number),
            "person_id": among(ref("person"), number),
            "account_id": known_to_world(_account_of, number, Shape.MANY),
            "current_state": among(column("current_state"), word("scheduled", "completed")),
            "task_type": among(column("task_type"), word("call", "email", "general")),
            "time_interval_filter": _one(_due, word("overdue", "today", "tomorrow", "this_week", "next_week")),
            "idempotency_key": _one(
                lambda key, scene: lambda row: scene.world.idempotency_keys.get(key) == row["id"], text
            ),
        },
        {"due_date": column("due_date"), "due_at": when("due_at")},
        default_sort="due_date",
        scope="tasks:read",
        descending=False,
    ),
}
