"""What may not be read may not be guessed: no argument, count, cursor or error reveals what needs `pii:read`."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from gateway.emulator.table import Table
from gateway.emulator.world import World
from gateway.graph.access import is_personal, scopes_of
from gateway.graph.federation.entities import KEYS
from gateway.graph.federation.subgraph import Subgraph, schemas
from gateway.graph.schema import build, core
from gateway.model.scopes import PII, SCOPES, Principal
from tests.federation.stage import Asks
from tests.graph.oracle import global_id
from tests.graph.test_key_values import NO_ADDRESSES
from tests.world import Gateway

NOSY = Principal("nosy", SCOPES - {PII})
TRUSTED = Principal("trusted", SCOPES)

NAMES = """id ids first after last before filter orderBy field direction by
salesloftId salesloftIds driftId driftSlug guid guids crmId crmIds calendarEventId calendarEventIds iCalUids
sources status canceled noShow startTime endTime createdAt updatedAt gt gte lt lte salesloft drift
personIds ownerIds bookedByIds cadenceIds stepIds accountIds
personId accountId eventIds taskIds userGuids showDeleted bookedByUserUuid meetingTypeId cadenceId stepId
meetingSource meetingType agentIds schedulerIds conversationIds
calendly calendlyId eventTypeIds userIds
active archived teamCadence shared name names domain domains search representations
groupBy timeZone since overlaps days from to allDay titleContains"""
HARMLESS = frozenset(re.findall(r"\w+", NAMES))
"""Arguments that reveal nothing that `pii:read` is needed for: keys, times, states, and what anyone may read.

An account's domain is the company's, and may be read. `search` is looked into below, as are `representations`.
"""


SWITCHED_OFF = {"meetingChanges": ["GRAPHQL_VALIDATION_FAILED"]}
"""What a field answers that is not refused, where not simply data: this gateway has no live updates."""

ROOTS = {"Query", "Subscription"}
SELECTED = {"totalCount": "{ totalCount }", "total": "{ total { meetings } }", "cursor": "{ cursor }", "id": "{ id }"}
"""What is selected of a type, by a field that it has."""


class Place(NamedTuple):
    """An argument that asks by personal data.

    Attributes:
        parent: The type whose field has it.
        field: The field.
        path: The argument, and the input fields below it.
        each: What the schema says of it.
    """

    parent: GraphQLObjectType
    field: str
    path: tuple[str, ...]
    each: GraphQLArgument | GraphQLInputField


def inputs(each: GraphQLArgument | GraphQLInputField, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """An argument, and every input field below it."""
    yield path, each
    kind = get_named_type(each.type)
    if isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            yield from inputs(field, (*path, name))


def everything(schema: GraphQLSchema) -> Iterator[Place]:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                for argument, each in field.args.items():
                    yield from (Place(kind, name, path, found) for path, found in inputs(each, (argument,)))


SCHEMA = core(build())
PERSONAL = [each for each in everything(SCHEMA) if is_personal(each.each)]


def test_somebody_has_decided_of_every_argument() -> None:
    for schema in schemas(Subgraph()):
        undecided = {
            f"{each.parent.name}.{each.field}({'.'.join(each.path)}:)"
            for each in everything(schema)
            if not is_personal(each.each) and each.path[-1] not in HARMLESS
        }
        assert undecided == set(), "declare it `personal`, or list it above if it reveals nothing"


def test_what_asks_by_an_address_is_personal() -> None:
    suspicious = re.compile(r"e?mail|phone|attendee|guest|invitee|note|address", re.IGNORECASE)
    named = {each.path for each in everything(SCHEMA) if suspicious.search(each.path[-1])}
    described = {
        each.path
        for each in everything(SCHEMA)
        if re.search(r"\baddress(es)?\b", each.each.description or "") and each.path[-1] != "search"
    }
    assert named | described == {each.path for each in PERSONAL} != set()


def asked(each: Place, value: str | None) -> tuple[str, dict[str, Any], list[str]]:
    """A query that gives one argument a value, its variables, and where its error is."""
    kind = get_nullable_type(each.each.type)
    given: Any = [value] if is_list_type(kind) and value is not None else value
    for name in reversed(each.path[1:]):
        given = {name: given}
    argument = each.parent.fields[each.field].args[each.path[0]]
    leads_to = get_named_type(each.parent.fields[each.field].type)
    selected = (
        ""
        if is_leaf_type(leads_to)
        else next(reported for name, reported in SELECTED.items() if name in leads_to.fields)
    )
    field = f"{each.field}({each.path[0]}: $v) {selected}"
    if each.parent.name in ROOTS:
        return f"{each.parent.name.lower()}($v: {argument.type}) {{ {field} }}", {"v": given}, [each.field]
    query = f"query($v: {argument.type}, $id: ID!) {{ node(id: $id) {{ ... on {each.parent.name} {{ id {field} }} }} }}"
    return query, {"v": given, "id": ""}, ["node", each.field]


def parent_id(gateway: Gateway, kind: str) -> str:
    tables = {"Person": "people", "User": "users", "Cadence": "cadences", "Step": "steps", "Account": "accounts"}
    return global_id(kind, "SALESLOFT", next(iter(getattr(gateway.world.salesloft, tables[kind]))))


def named(each: Place) -> str:
    return f"{each.parent.name}.{each.field}({'.'.join(each.path)})"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("each", PERSONAL, ids=named)
async def test_every_argument_by_personal_data_is_refused_by_name(little: Gateway, each: Place) -> None:
    hub = little.world.salesloft
    known = [
        str(next(iter(table.values()))[name]) for table, name in ((hub.people, "email_address"), (hub.users, "email"))
    ]
    values = [*known, "nobody@nowhere.example", *(NO_ADDRESSES if each.parent.name in ROOTS else ["@"])]
    argument = ".".join(each.path)
    little.principal = NOSY
    reported = []
    for value in values:
        query, variables, path = asked(each, value)
        if "id" in variables:
            variables["id"] = parent_id(little, each.parent.name)
        answer = await little.ask(query, **variables)
        (error,) = answer.errors
        assert error["path"] == path
        assert error["extensions"] == {"code": "FORBIDDEN", "argument": argument}
        assert argument in error["message"]
        assert PII in error["message"]
        reported.append((answer.data, answer.errors, [(call.endpoint, call.params) for call in answer.calls]))
    assert all(each == reported[0] for each in reported), "the value makes no difference"
    if each.parent.name in ROOTS:
        assert reported[0][2] == [], "nothing is looked up"


@pytest.mark.parametrize("each", [each for each in PERSONAL if each.parent.name == "Query"], ids=named)
async def test_with_the_scope_or_without_a_value_it_is_not_refused(little: Gateway, each: Place) -> None:
    little.principal = TRUSTED
    query, variables, _ = asked(each, "nowhere.example" if "Domains" in each.path[-1] else "nobody@nowhere.example")
    bounds = {"startTime": {"gte": "2026-03-01T00:00:00Z", "lt": "2026-03-08T00:00:00Z"}}
    if each.path[0] == "filter" and "Meeting" in str(each.parent.fields[each.field].args["filter"].type):
        variables["v"].update(bounds)
    assert (await little.ask(query, **variables)).codes == SWITCHED_OFF.get(each.field, [])
    little.principal = NOSY
    if each.path[0] != "by":
        query, variables, _ = asked(each, None)
        if each.field == "meetingStats":
            variables["v"].update(bounds)
        assert (await little.ask(query, **variables)).codes == SWITCHED_OFF.get(each.field, [])


async def test_a_search_spells_out_no_address(little: Gateway) -> None:
    """What a search finds without the scope, letter by letter, is what it finds in names."""
    rows = little.world.salesloft.users.values()
    query = (
        "query($s: String) { users(first: 500, filter: {search: $s, active: true}) { totalCount nodes { id name } } }"
    )
    target = next(str(row["email"]) for row in rows if row["active"])
    little.principal = NOSY
    tried = [target[:length] for length in range(1, len(target) + 1)] + [
        "@",
        "brightquay",
        "example",
        ".",
        target.upper(),
    ]
    names = (await little.ask(query, s=None)).ok["users"]["nodes"]
    for text in tried:
        shown = (await little.ask(query, s=text)).ok["users"]
        expected = [node for node in names if text.casefold() in node["name"].casefold()]
        assert [node["id"] for node in shown["nodes"]] == [node["id"] for node in expected], text
        assert shown["totalCount"] == len(expected)
    little.principal = TRUSTED
    assert (await little.ask(query, s=target)).ok["users"]["totalCount"] >= 1


PERSONAL_KEYS = [
    (kind.value, key.fields)
    for kind, keys in KEYS.items()
    for key in keys
    if any(PII in scopes_of(SCHEMA.type_map[kind.value].fields[name]) for name in key.fields)  # type: ignore[attr-defined]  # an object type
]


def test_routers_have_keys_that_are_personal() -> None:
    assert set(PERSONAL_KEYS) == {("Person", ("email",)), ("User", ("email",))}


@pytest.mark.parametrize(("kind", "fields"), PERSONAL_KEYS)
async def test_a_router_may_not_point_by_an_address_either(little: Gateway, kind: str, fields: tuple[str, ...]) -> None:
    stage = Asks.of(little)
    known = {"Person": ("people", "email_address"), "User": ("users", "email")}[kind]
    rows = getattr(little.world.salesloft, known[0])
    values = [str(next(iter(rows.values()))[known[1]]), "nobody@nowhere.example"]
    stage.principal = NOSY
    for value in values:
        answer = await stage.entities([{"__typename": kind, **dict.fromkeys(fields, value)}] * 2)
        (error,) = answer.errors
        assert answer.data == {"_entities": [None, None]}
        assert error["path"] == ["_entities", 0]
        assert error["extensions"] == {"code": "FORBIDDEN", "argument": f"representations[0].{fields[0]}"}
        assert fields[0] in error["message"]
        assert answer.calls == []
    stage.principal = TRUSTED
    found = await stage.entities([{"__typename": kind, **dict.fromkeys(fields, values[0])}])
    assert found.ok["_entities"] != [None]


def readable(kind: GraphQLObjectType, depth: int) -> str:
    """Every field of a type that may be read without the scope."""
    parts = []
    for name, field in kind.fields.items():
        below = get_named_type(field.type)
        if PII in scopes_of(field) or field.args:
            continue
        if is_leaf_type(below):
            parts.append(name)
        elif depth and isinstance(below, GraphQLObjectType):
            parts.append(f"{name} {readable(below, depth - 1)}")
    return "{ %s }" % " ".join(parts or ["__typename"])


def addresses(world: World) -> set[str]:
    """Every e-mail address in the world's tables."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)
        elif isinstance(value, str):
            found.update(map(str.lower, re.findall(r"[\w.+-]+@[\w.-]+\.example", value)))

    for side in (world.salesloft, world.drift):
        for table in vars(side).values():
            if isinstance(table, Table):
                look(list(table.values()))
    return found


def opened(value: Any) -> Iterator[str]:
    """Every text of an answer, and what is in it where it is a cursor or an id."""
    if isinstance(value, dict):
        for each in value.values():
            yield from opened(each)
    elif isinstance(value, list):
        for each in value:
            yield from opened(each)
    elif isinstance(value, str):
        yield value.lower()
        with contextlib.suppress(ValueError):
            yield base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode().lower()


@pytest.mark.parametrize(
    "door", [pytest.param("meetings", marks=pytest.mark.slow), "people", "users", "cadences", "accounts"]
)
async def test_nothing_that_may_be_read_has_an_address_in_it(little: Gateway, door: str) -> None:
    little.principal = NOSY
    hidden = addresses(little.world)
    assert len(hidden) > 100
    query = SCHEMA.query_type
    assert query is not None
    answer = await little.ask("{ %s(first: 100) %s }" % (door, readable(get_named_type(query.fields[door].type), 4)))
    assert answer.errors == []
    texts = list(opened(answer.data))
    assert len(texts) > 100
    assert [text for text in texts if any(address in text for address in hidden if "@" in text)] == []
