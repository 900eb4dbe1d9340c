"""What single records cost upstream: by id, by key, and as federation's representations; see `prices`. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from gateway.errors import BadUserInput
from gateway.graph.cost.prices import (
    CONTACTS_BY_EMAIL,
    FOLDING,
    PAGES,
    PEOPLE_BY_EMAIL,
    Asked,
    Price,
    Priced,
    of_loader,
    salesloft,
    screening,
)
from gateway.graph.inputs.values import decode_id
from gateway.model.cost import CHUNK, Ask, How, Needs
from gateway.model.records import Kind, Source

MOST_IDS = 1_000
"""Ids and representations that are looked at; a field that is given more refuses them all."""

BY_REF = {
    Kind.PERSON: "person_by_ref",
    Kind.USER: "user_by_ref",
    Kind.CADENCE: "cadence_by_ref",
    Kind.STEP: "step_by_ref",
    Kind.ACCOUNT: "account_by_ref",
    Kind.TASK: "task_by_ref",
    Kind.CONVERSATION: "conversation_by_ref",
}
"""The loader of each kind but meetings."""


def node(asked: Asked) -> Priced:
    """`node(id:)`."""
    return _by_refs([asked.arguments.get("id")])


def nodes(asked: Asked) -> Priced:
    """`nodes(ids:)`."""
    ids = asked.arguments.get("ids")
    return _by_refs(ids if isinstance(ids, list) else [ids])


def representations(kinds: Mapping[str, Kind]) -> Price:
    """Federation's `_entities(representations:)`: those of one kind that are named by one key go together.

    Args:
        kinds: The kinds of records, by the names that their types are shown by.
    """
    return lambda asked: _of_representations(asked.arguments.get("representations"), kinds)


def _of_representations(given: object, kinds: Mapping[str, Kind]) -> Priced:
    told = [each for each in given[:MOST_IDS] if isinstance(each, Mapping)] if isinstance(given, list) else []
    found = _by_refs([each["id"] for each in told if "id" in each])
    needs, rows = [*found.needs], dict(found.rows)
    others = Counter(
        (kinds[name], next((key for key in BY_KEY if key in each), "sourceId"))
        for each in told
        if "id" not in each and isinstance(name := each.get("__typename"), str) and name in kinds
    )
    for (kind, key), number in others.items():
        needs += BY_KEY[key](kind, number) if key in BY_KEY else of_reference(kind, number)
        rows[kind.value] = rows.get(kind.value, 0) + number
    return Priced(needs, rows)


def of_reference(kind: Kind, number: int) -> Needs:
    """Records of either source by reference."""
    return _meetings_by_id(number) if kind is Kind.MEETING else of_loader(BY_REF[kind], number)


BY_KEY: Mapping[str, Callable[[Kind, int], Needs]] = {
    "calendarEventId": lambda _, number: [*_meetings_by_id(number), (PAGES, math.ceil(number / CHUNK))],
    "email": lambda kind, number: (
        of_loader("user_by_email", 1)
        if kind is Kind.USER
        else [(PEOPLE_BY_EMAIL, number), (msgspec.structs.replace(CONTACTS_BY_EMAIL, times=1, most=CHUNK), number)]
    ),
    "crmId": lambda kind, number: [(_by_time(kind), math.ceil(number / CHUNK) + 1)],
    "domain": lambda kind, number: [(_by_time(kind), number + 1)],
}
"""What representations take that are named by a key which is no reference, of a kind and so many."""


def _by_time(kind: Kind) -> Ask:
    """Pages of people or accounts."""
    return salesloft("people" if kind is Kind.PERSON else "accounts", "pages", How.EACH)


def by_key(kind: Kind) -> Price:
    """`meeting(by:)` and its like: one record, by any of its keys."""

    def price(asked: Asked) -> Priced:
        by = asked.arguments.get("by")
        keys = [name for name, value in by.items() if value is not None] if isinstance(by, Mapping) else []
        return Priced(_of_key(kind, keys[0] if keys else "id"), {kind.value: 1})

    return price


def _of_key(kind: Kind, key: str) -> Needs:
    only = {"salesloftId": Source.SALESLOFT, "guid": Source.SALESLOFT, "driftId": Source.DRIFT}.get(key)
    if kind is Kind.MEETING:
        return [*_meetings_by_id(1), (PAGES, 2)]  # by calendar event, both listings are walked
    if (kind, key) == (Kind.PERSON, "email"):
        return [(PEOPLE_BY_EMAIL, 1), (msgspec.structs.replace(CONTACTS_BY_EMAIL, times=1), 1)]
    if (kind, key) == (Kind.USER, "email"):
        return of_loader("user_by_email", 1)
    if key in {"crmId", "domain"}:  # of several records that bear it the one of the lowest id
        return [(_by_time(kind), 2)]
    return of_loader(BY_REF[kind], 1, only)


def _by_refs(ids: Sequence[object]) -> Priced:
    """Records by global ids: each kind and source by what it takes. What is no id costs nothing."""
    count: dict[tuple[Kind, Source], int] = {}
    for text in ids[:MOST_IDS]:
        try:
            ref = decode_id(str(text), "id")
        except BadUserInput:
            continue
        count[ref.kind, ref.source] = count.get((ref.kind, ref.source), 0) + 1
    needs: Needs = []
    rows: dict[str, int] = {}
    for (kind, source), number in count.items():
        rows[kind.value] = rows.get(kind.value, 0) + number
        needs += _meetings_by_id(number) if kind is Kind.MEETING else of_loader(BY_REF[kind], number, source)
    return Priced(needs, rows)


def _meetings_by_id(number: int) -> Needs:
    """Among active and cancelled ones, and their twins likewise; Drift's among its window."""
    return [(PAGES, 2 * math.ceil(number / CHUNK) + screening(number)), *FOLDING]
