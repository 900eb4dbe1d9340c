"""The keys that other subgraphs point at our records by, and what a representation names by one."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from gateway.errors import BadUserInput
from gateway.graph.ids import KINDS, SOURCES
from gateway.graph.inputs.values import address, as_number, decode_id, guid, short_text, source_id
from gateway.model.records import Kind, Ref, Source, UserKey

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
    """A source's own id; where the source is not told, Salesloft's are those that are numbers."""
    text = values["sourceId"]
    source = SOURCES.get(values["source"]) if "source" in values else _whose(text)
    if source is None:
        raise BadUserInput(f"{place}.source: not one of {', '.join(SOURCES)}.", argument=f"{place}.source")
    return By.REF, Ref(source, kind, source_id(source, kind, text, f"{place}.sourceId"))


def _whose(text: str) -> Source:
    return Source.DRIFT if as_number(text) is None else Source.SALESLOFT


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
        raise BadUserInput(f"{place}: not an object with `__typename` and a key.", argument=place)
    name = representation.get("__typename")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        where = f"{place}.__typename"
        names = ", ".join(kinds)
        raise BadUserInput(f"{where}: not the name of an entity of this subgraph, which are {names}.", argument=where)
    for key in KEYS[kind]:
        if all(representation.get(field) is not None for field in key.fields):
            values = {field: _text(representation[field], f"{place}.{field}") for field in key.fields}
            return Wanted(kind, *key.read(kind, values, place))
    keys = "; ".join(" and ".join(key.fields) for key in KEYS[kind])
    raise BadUserInput(f"{place}: has no key of {name}, which are: {keys}.", argument=place)


def _text(value: Any, argument: str) -> str:
    """A key's value, which is a text or, where another subgraph has it as a number, a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < BIG:
        return str(value)
    if not isinstance(value, str):
        raise BadUserInput(f"{argument}: has to be a text.", argument=argument)
    return value
