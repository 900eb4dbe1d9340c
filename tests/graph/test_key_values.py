"""What a key may look like is the same at every door: `by:`, filters, global ids, representations of a router."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from gateway.errors import BadUserInput
from gateway.graph.federation.entities import wanted
from gateway.model.records import Kind, Ref
from tests.world import Gateway

Door: TypeAlias = tuple[str, Callable[[str], dict[str, Any]], str]
"""A query, its variables for a value, and the argument that the value is."""


def by(record: str, key: str) -> Door:
    query = f"query($v: {record.capitalize()}By!) {{ {record}(by: $v) {{ id }} }}"
    return query, lambda value: {"v": {key: value}}, f"by.{key}"


def listed(door: str, filter_: str, *path: str, one: bool = False) -> Door:
    query = f"query($v: {filter_}) {{ {door}(first: 500, filter: $v) {{ nodes {{ id }} }} }}"
    argument = ".".join(("filter", *path)) + ("" if one else "[0]")

    def variables(value: str) -> dict[str, Any]:
        built: Any = value if one else [value]
        for name in reversed(path):
            built = {name: built}
        return {"v": {**built, **BOUND} if "attendeeEmails" in path else built}

    return query, variables, argument


BOUND = {"startTime": {"gte": "2026-03-01T00:00:00Z"}}


def node(kind: str, source: str) -> Door:
    def variables(value: str) -> dict[str, Any]:
        return {"v": base64.urlsafe_b64encode(f"{kind}:{source}:{value}".encode()).decode().rstrip("=")}

    return "query($v: ID!) { node(id: $v) { id } }", variables, "id"


NUMBERS = [
    *(by(record, "salesloftId") for record in ("meeting", "person", "user", "cadence", "step", "account")),
    *(by(record, "driftId") for record in ("person", "user")),
    *(node(kind, "SALESLOFT") for kind in ("Meeting", "Person", "User", "Cadence", "Step", "Account", "Task")),
    *(node(kind, "DRIFT") for kind in ("Person", "User", "Conversation")),
    listed("people", "PersonFilter", "salesloftIds"),
    listed("users", "UserFilter", "salesloftIds"),
    listed("cadences", "CadenceFilter", "salesloftIds"),
    listed("accounts", "AccountFilter", "salesloftIds"),
    *(listed("meetings", "MeetingFilter", "salesloft", name) for name in ("ids", "personId", "personIds", "accountId")),
    *(listed("meetings", "MeetingFilter", "salesloft", name) for name in ("taskIds", "meetingTypeId")),
    *(listed("meetings", "MeetingFilter", "salesloft", name, one=True) for name in ("cadenceId", "stepId")),
    *(listed("meetings", "MeetingFilter", "drift", name) for name in ("agentIds", "schedulerIds", "bookedByIds")),
    listed("meetings", "MeetingFilter", "drift", "conversationIds"),
]
NO_NUMBERS = [
    "",
    " ",
    "x",
    "7x",
    "-7",
    "+7",
    "7.0",
    "0x7",
    "1e3",
    " 7",
    "7 ",
    "\u0667",
    "\uff17",
    "\u00b2",
    str(2**63),
    "9" * 100,
]

ADDRESSES = [
    by("person", "email"),
    by("user", "email"),
    listed("people", "PersonFilter", "emails"),
    listed("users", "UserFilter", "emails"),
    *(listed("meetings", "MeetingFilter", name) for name in ("personEmails", "ownerEmails", "attendeeEmails")),
]
NO_ADDRESSES = [
    "",
    " ",
    "@",
    "a@",
    "@b.example",
    "a@b@c",
    "a b@c",
    "a\n@b",
    "a@b\u2028c",
    "nobody",
    "x" * 1100 + "@b.example",
]

GUIDS = [
    by("user", "guid"),
    listed("users", "UserFilter", "guids"),
    listed("meetings", "MeetingFilter", "salesloft", "userGuids"),
    listed("meetings", "MeetingFilter", "salesloft", "bookedByUserUuid", one=True),
]
GUID = "0b1e5a1c-9c1d-4c39-9d0e-5b2c6a7f8e90"
NO_GUIDS = ["", "nobody", "7", GUID[:-1], GUID + "0", GUID.replace("-", ""), "{%s}" % GUID, GUID.replace("0", "g")]

TEXTS = [
    *(by(record, "crmId") for record in ("person", "account")),
    by("account", "domain"),
    by("meeting", "driftSlug"),
    by("meeting", "calendlyId"),
    by("user", "calendlyId"),
    node("Meeting", "CALENDLY"),
    by("meeting", "calendarEventId"),
    node("Meeting", "DRIFT"),
    *(listed("people", "PersonFilter", name) for name in ("crmIds",)),
    *(listed("accounts", "AccountFilter", name) for name in ("crmIds", "domains", "names")),
    listed("cadences", "CadenceFilter", "name", one=True),
    *(listed("meetings", "MeetingFilter", name) for name in ("calendarEventIds", "iCalUids")),
    *(listed("meetings", "MeetingFilter", "salesloft", name) for name in ("eventIds", "iCalUids")),
    *(listed("meetings", "MeetingFilter", "drift", name) for name in ("status", "meetingSource", "meetingType")),
]
NO_TEXTS = ["", " ", "\n", "a\tb", "a\u2028b", "\x00", "x" * 1100]


@pytest.mark.parametrize(
    ("doors", "values"),
    [(NUMBERS, NO_NUMBERS), (ADDRESSES, NO_ADDRESSES), (GUIDS, NO_GUIDS), (TEXTS, NO_TEXTS)],
    ids=["numbers", "addresses", "guids", "texts"],
)
async def test_an_invalid_key_finds_nothing_at_any_door(little: Gateway, doors: list[Door], values: list[str]) -> None:
    for query, variables, argument in doors:
        for value in values:
            answer = await little.ask(query, **variables(value))
            assert answer.codes == ["BAD_USER_INPUT"], (argument, value)
            assert answer.errors[0]["extensions"]["argument"] == argument, value
            assert answer.calls == []


REPRESENTATIONS = [
    *((kind, "salesloftId", NO_NUMBERS) for kind in ("Person", "User", "Cadence", "Step", "Account")),
    *((kind, "email", NO_ADDRESSES) for kind in ("Person", "User")),
    ("User", "guid", NO_GUIDS),
    ("Person", "crmId", NO_TEXTS),
    ("Meeting", "calendarEventId", NO_TEXTS),
    ("Meeting", "sourceId", NO_TEXTS),
]


@pytest.mark.parametrize(("kind", "key", "values"), REPRESENTATIONS)
def test_nor_is_it_in_a_representation(kind: str, key: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(BadUserInput) as refused:
            wanted({"__typename": kind, key: value}, "representations[0]")
        assert refused.value.argument == f"representations[0].{key}", value


def found(answer: Any) -> list[str]:
    """The ids in an answer."""
    (field,) = answer.ok.values()
    return [row["id"] for row in field["nodes"]] if "nodes" in (field or {}) else [field and field["id"]]


async def test_leading_zeros_find_nothing_at_any_door(little: Gateway) -> None:
    tables = {"person": "people", "user": "users", "cadence": "cadences", "account": "accounts"}
    for record, table in tables.items():
        key = str(next(iter(getattr(little.world.salesloft, table))))
        doors = [
            by(record, "salesloftId"),
            listed(table, f"{record.capitalize()}Filter", "salesloftIds"),
            node(record.capitalize(), "SALESLOFT"),
        ]
        for query, variables, _ in doors:
            (plain,) = found(await little.ask(query, **variables(key)))
            assert plain is not None
            assert found(await little.ask(query, **variables(f"000{key}"))) == [plain]
        asked = wanted({"__typename": record.capitalize(), "salesloftId": f"000{key}"}, "r")
        assert asked.value == Ref(asked.value.source, Kind(record.capitalize()), key)  # type: ignore[union-attr]  # it is a reference


async def test_a_guid_is_one_whatever_its_case(little: Gateway) -> None:
    user = next(iter(little.world.salesloft.users.values()))
    for query, variables, _ in GUIDS[:2]:
        (plain,) = found(await little.ask(query, **variables(user["guid"])))
        assert plain is not None
        assert found(await little.ask(query, **variables(f" {user['guid'].upper()} "))) == [plain]
    query, variables, _ = GUIDS[2]
    rows = found(await little.ask(query, **variables(user["guid"])))
    assert rows
    assert found(await little.ask(query, **variables(user["guid"].upper()))) == rows


async def test_the_largest_id_is_asked_for(little: Gateway) -> None:
    largest = str(2**63 - 1)
    for query, variables, argument in NUMBERS:
        answer = await little.ask(query, **variables(largest))
        assert answer.errors == [], argument
        assert found(answer) in ([None], []), argument
    for query, variables, argument in (
        by("person", "salesloftId"),
        by("step", "salesloftId"),
        node("Task", "SALESLOFT"),
    ):
        answer = await little.ask(query, **variables(largest))
        assert {"ids[]": [largest]}.items() <= answer.calls[0].params.items(), argument
    query, variables, _ = by("person", "driftId")
    assert (await little.ask(query, **variables(largest))).endpoints == {"contacts/{id}": 1}


async def test_an_invalid_guid_is_in_no_call_that_others_share(little: Gateway) -> None:
    user = next(iter(little.world.salesloft.users.values()))
    query = """query($good: ID!, $bad: ID!) {
      good: user(by: {guid: $good}) { id } bad: user(by: {guid: $bad}) { id } }"""
    answer = await little.ask(query, good=user["guid"], bad="nobody")
    assert answer.data["good"] is not None
    assert answer.data["bad"] is None
    sent = [value for call in answer.calls for values in call.params.values() for value in values]
    assert "nobody" not in sent


def doors() -> Iterator[Door]:
    yield from (*NUMBERS, *ADDRESSES, *GUIDS, *TEXTS)


def test_every_key_has_a_door_here(little: Gateway) -> None:
    """So that a new key is tried with the others: each field of a `by:` input and each text or id of a filter."""
    schema = little.engine().schema
    tried = {argument.removesuffix("[0]") for _, _, argument in doors()}
    for name in ("MeetingBy", "PersonBy", "UserBy", "CadenceBy", "StepBy", "AccountBy"):
        for key in schema.type_map[name].fields:  # type: ignore[attr-defined]  # an input object
            assert key == "id" or f"by.{key}" in tried, f"{name}.{key}"
