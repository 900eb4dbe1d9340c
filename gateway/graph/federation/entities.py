"""`_entities`: the records that other subgraphs' representations name, each by itself, all of a kind in one batch."""

from __future__ import annotations

import asyncio
import enum
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from gateway.errors import BadUserInput, Forbidden, GatewayError, OperationTooCostly
from gateway.graph.access import check, check_argument
from gateway.graph.context import Context
from gateway.graph.ids import KINDS, SOURCES
from gateway.graph.inputs.values import address, as_number, decode_id, guid, short_text, source_id
from gateway.graph.query import nodes_of_kind
from gateway.model.conditions import ID_FORMS, Form
from gateway.model.record_filters import PersonFilter
from gateway.model.records import Kind, Ref, Source, UserKey
from gateway.model.scopes import KIND_SCOPES, Principal

MAX_REPRESENTATIONS = 1_000
"""Representations of one `_entities`; a router's page of 100 entities has ten fields that lead to others."""
MAX_SINGLY = 100
"""Of those that a source is asked for one a call, such as contacts and conversations."""
ARGUMENT = "representations"

Outcome: TypeAlias = Any
"""A record, the error that stands for it, or None where there is none."""
BIG = 2**64
"""No id is a number beyond; Python would take its time to write it down."""


class By(enum.Enum):
    """What a record is looked up by."""

    REF = "reference"
    EMAIL = "e-mail address"
    CRM_ID = "CRM id"
    EVENT = "calendar event"


class Wanted(msgspec.Struct, frozen=True):
    """What one representation names.

    Attributes:
        kind: The kind of record.
        by: What it is looked up by.
        value: A `Ref`, or the text.
    """

    kind: Kind
    by: By
    value: Ref | str


Read: TypeAlias = Callable[[Kind, Mapping[str, str], str], tuple[By, Ref | str]]
"""Reads a key's values, by field: `read(kind, values, place)`, where `place` is the argument for errors."""


URI_PART = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z]{16}")
"""What parts of URIs look like that are ids: UUIDs, or capitals."""


class Key(msgspec.Struct, frozen=True):
    """A key of a type.

    Attributes:
        fields: Its fields, all of which a representation has to have.
        read: What it names.
    """

    fields: tuple[str, ...]
    read: Read


def _by_id(kind: Kind, values: Mapping[str, str], place: str) -> tuple[By, Ref | str]:
    return By.REF, decode_id(values["id"], f"{place}.id", (kind,))


def _by_salesloft_id(kind: Kind, values: Mapping[str, str], place: str) -> tuple[By, Ref | str]:
    return By.REF, Ref(
        Source.SALESLOFT, kind, source_id(Source.SALESLOFT, kind, values["salesloftId"], f"{place}.salesloftId")
    )


def _by_guid(kind: Kind, values: Mapping[str, str], place: str) -> tuple[By, Ref | str]:
    return By.REF, Ref(Source.SALESLOFT, kind, guid(values["guid"], f"{place}.guid"), UserKey.GUID)


def _by_source_id(kind: Kind, values: Mapping[str, str], place: str) -> tuple[By, Ref | str]:
    """A source's own id; if the source is not given, the form of the id says whose it is."""
    text = values["sourceId"]
    source = SOURCES.get(values["source"]) if "source" in values else _whose(kind, text)
    if source is None:
        raise BadUserInput(f"{place}.source: must be one of {', '.join(SOURCES)}.", argument=f"{place}.source")
    return By.REF, Ref(source, kind, source_id(source, kind, text, f"{place}.sourceId"))


def _whose(kind: Kind, text: str) -> Source | None:
    """The first source whose ids look like this one."""
    number, part = as_number(text) is not None, URI_PART.fullmatch(text)
    form = Form.NUMBER if number else Form.URI_PART if part else Form.TEXT
    return next((source for source in Source if ID_FORMS.get((source, kind), Form.TEXT) is form), None)


def _by_email(_: Kind, values: Mapping[str, str], place: str) -> tuple[By, Ref | str]:
    return By.EMAIL, address(values["email"], f"{place}.email")


def _by_crm_id(_: Kind, values: Mapping[str, str], place: str) -> tuple[By, Ref | str]:
    return By.CRM_ID, short_text(values["crmId"], f"{place}.crmId")


def _by_event(_: Kind, values: Mapping[str, str], place: str) -> tuple[By, Ref | str]:
    return By.EVENT, short_text(values["calendarEventId"], f"{place}.calendarEventId")


ID = Key(("id",), _by_id)
SALESLOFT_ID = Key(("salesloftId",), _by_salesloft_id)
EMAIL = Key(("email",), _by_email)

KEYS: Mapping[Kind, tuple[Key, ...]] = {
    Kind.MEETING: (
        ID,
        Key(("source", "sourceId"), _by_source_id),
        Key(("sourceId",), _by_source_id),
        Key(("calendarEventId",), _by_event),
    ),
    Kind.PERSON: (ID, EMAIL, SALESLOFT_ID, Key(("crmId",), _by_crm_id)),
    Kind.USER: (ID, EMAIL, SALESLOFT_ID, Key(("guid",), _by_guid)),
    Kind.CADENCE: (ID, SALESLOFT_ID),
    Kind.STEP: (ID, SALESLOFT_ID),
    Kind.ACCOUNT: (ID, SALESLOFT_ID),
    Kind.TASK: (ID,),
    Kind.CONVERSATION: (ID,),
}
"""The keys of each kind; of several that a representation has the first one counts."""


def wanted(representation: object, place: str, kinds: Mapping[str, Kind] = KINDS) -> Wanted:
    """What a representation names. Fields that are no key are passed over, and so is a key that is null.

    Args:
        representation: As the router sent it.
        place: The argument that it came in, for errors.
        kinds: The kinds of records, by the names that their types are shown by.

    Raises:
        BadUserInput: It names nothing of ours.
    """
    if not isinstance(representation, Mapping):
        raise BadUserInput(f"{place}: must be an object with `__typename` and a key.", argument=place)
    name = representation.get("__typename")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        where = f"{place}.__typename"
        names = ", ".join(kinds)
        raise BadUserInput(f"{where}: must be an entity of this subgraph: {names}.", argument=where)
    for key in KEYS[kind]:
        if all(representation.get(field) is not None for field in key.fields):
            values = {field: _text(representation[field], f"{place}.{field}") for field in key.fields}
            return Wanted(kind, *key.read(kind, values, place))
    keys = "; ".join(" and ".join(key.fields) for key in KEYS[kind])
    raise BadUserInput(f"{place}: has none of the keys of {name}: {keys}.", argument=place)


def _text(value: Any, argument: str) -> str:
    """A key's value, which is a text or, where another subgraph has it as a number, a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < BIG:
        return str(value)
    if not isinstance(value, str):
        raise BadUserInput(f"{argument}: must be a string.", argument=argument)
    return value


async def entities(
    context: Context, representations: Sequence[Any], fields: frozenset[str], kinds: Mapping[str, Kind] = KINDS
) -> list[Outcome]:
    """The record, error or None of each representation, in their order.

    Args:
        context: The request's.
        representations: As the router sent them.
        fields: The attributes that are selected on any of them.
        kinds: The kinds of records, by the names that their types are shown by.

    Raises:
        OperationTooCostly: They are too many.
    """
    if len(representations) > MAX_REPRESENTATIONS:
        message = f"{ARGUMENT}: has {len(representations)} values; the maximum is {MAX_REPRESENTATIONS}."
        raise OperationTooCostly(message, measured=len(representations), allowed=MAX_REPRESENTATIONS)
    asked = [
        _wanted(each, f"{ARGUMENT}[{place}]", kinds, context.principal) for place, each in enumerate(representations)
    ]
    found = await _found(context, [each for each in asked if isinstance(each, Wanted)], fields)
    return [found[each] if isinstance(each, Wanted) else each for each in asked]


def _wanted(
    representation: object, place: str, kinds: Mapping[str, Kind], principal: Principal | None
) -> Wanted | GatewayError:
    try:
        found = wanted(representation, place, kinds)
        if found.by is By.EMAIL:
            check(principal, frozenset({KIND_SCOPES[found.kind]}))
            check_argument(principal, f"{place}.email", f"{ARGUMENT}[].email")
    except (BadUserInput, Forbidden) as error:
        return error
    return found


async def _found(context: Context, asked: Sequence[Wanted], fields: frozenset[str]) -> dict[Wanted, Outcome]:
    """What each comes to: a look-up a kind and key, all at once."""
    distinct = list(dict.fromkeys(asked))
    beyond = [each for each in distinct if _single(context, each)][MAX_SINGLY:]
    error = OperationTooCostly(
        f"{len(beyond) + MAX_SINGLY} of the {ARGUMENT} would be looked up one by one; the maximum is {MAX_SINGLY}.",
        measured=len(beyond) + MAX_SINGLY,
        allowed=MAX_SINGLY,
    )
    found: dict[Wanted, Outcome] = dict.fromkeys(beyond, error)
    groups: dict[tuple[Kind, By], list[Wanted]] = {}
    for each in distinct:
        if each not in found:
            groups.setdefault((each.kind, each.by), []).append(each)
    answers = await asyncio.gather(
        *(_of_group(context, kind, by, group, fields) for (kind, by), group in groups.items())
    )
    for group, answer in zip(groups.values(), answers, strict=True):
        found.update((each, answer.get(each.value)) for each in group)
    return found


def _single(context: Context, each: Wanted) -> bool:
    """Whether a source has to be asked for it by a call of its own."""
    return isinstance(each.value, Ref) and context.catalog.prices.takes_calls_each(each.kind, each.value.source)


async def _of_group(
    context: Context, kind: Kind, by: By, group: Sequence[Wanted], fields: frozenset[str]
) -> Mapping[Any, Outcome]:
    """What the values of one kind's key come to; an error that stands for all of them is each one's own."""
    values: list[Any] = [each.value for each in group]
    try:
        check(context.principal, frozenset({KIND_SCOPES[kind]}))
        return await _looked_up(context, kind, by, values, fields)
    except (Forbidden, GatewayError) as error:
        return dict.fromkeys(values, error)


def _looked_up(
    context: Context, kind: Kind, by: By, values: list[Any], fields: frozenset[str]
) -> Awaitable[Mapping[Any, Outcome]]:
    catalog, request = context.catalog, context.request
    match kind, by:
        case Kind.MEETING, By.EVENT:
            return catalog.meetings.by_calendar_events(request, values, fields)
        case Kind.PERSON, By.EMAIL:
            return catalog.people.by_emails(request, values)
        case Kind.PERSON, By.CRM_ID:
            return catalog.person_list.lowest_each(
                request, values, lambda some: PersonFilter(crm_ids=some), lambda person: person.crm_id
            )
        case Kind.USER, By.EMAIL:
            return _users_by_email(context, values)
        case _:
            return nodes_of_kind(context, kind, values, fields)


async def _users_by_email(context: Context, emails: Sequence[str]) -> Mapping[str, Outcome]:
    return dict(zip(emails, await context.loaders.user_by_email.load_level(emails), strict=True))
