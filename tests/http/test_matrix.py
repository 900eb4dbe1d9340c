"""Who may see what: every type, on every path to it, and every personal field, for every kind of credential.

The paths come from the schema, so that a new type or field cannot be forgotten; what they need is the contract's.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type

from gateway.app import create_app
from gateway.demo import variables
from gateway.emulator.server import Emulators
from gateway.graph.schema import build, core
from gateway.settings import Settings
from tests.http.harness import Caller, calling

pytestmark = pytest.mark.asyncio(loop_scope="module")

TYPES = {
    "Meeting": "meetings:read",
    "Person": "people:read",
    "User": "users:read",
    "Cadence": "cadences:read",
    "Step": "cadences:read",
    "Account": "accounts:read",
    "Task": "tasks:read",
    "Conversation": "conversations:read",
}
PII = "pii:read"
SCOPES = sorted({*TYPES.values(), PII})
PERSONAL = re.compile(r"email|phone|notes$|description$|guests|custom_?fields", re.IGNORECASE)
"""E-mail addresses, phone numbers, notes, descriptions, guests and custom fields; attendees' names are added below."""

WRAPPERS = ("Connection", "Edge")
PLAIN = frozenset({"Boolean", "Int", "Float", "DateTime", "Date"})
SCHEMA: GraphQLSchema = core(build())


class Step(NamedTuple):
    """A field of a type, and the type that it leads to, connections looked through."""

    parent: str
    field: str
    target: str


def objects() -> Iterator[GraphQLObjectType]:
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__") and not kind.name.endswith(WRAPPERS):
            yield kind


def target(field: GraphQLField) -> str:
    name = get_named_type(field.type).name
    if name.endswith("Connection"):
        connection = SCHEMA.type_map[name]
        assert isinstance(connection, GraphQLObjectType)
        return target(connection.fields["nodes"])
    return name


EDGES = [
    Step(kind.name, name, target(field))
    for kind in objects()
    for name, field in kind.fields.items()
    if isinstance(SCHEMA.type_map[target(field)], GraphQLObjectType)
]
PERSONAL_FIELDS = [
    Step(kind.name, name, "")
    for kind in objects()
    for name, field in kind.fields.items()
    if is_leaf_type(get_named_type(field.type))
    and get_named_type(field.type).name not in PLAIN
    and (PERSONAL.search(name) or (kind.name, name) == ("Attendee", "name"))
]


def route(to: str, without: str) -> list[Step] | None:
    """The shortest way from the root to a type that needs no field of a scope."""
    waiting: deque[tuple[str, list[Step]]] = deque([("Query", [])])
    seen = {"Query"}
    while waiting:
        at, way = waiting.popleft()
        if at == to:
            return way
        for edge in EDGES:
            if edge.parent == at and edge.target not in seen and TYPES.get(edge.target) != without:
                if (edge.parent, edge.field) not in ARGUMENTS and needs_arguments(edge):
                    continue
                seen.add(edge.target)
                waiting.append((edge.target, [*way, edge]))
    return None


def needs_arguments(step: Step) -> bool:
    parent = SCHEMA.type_map[step.parent]
    assert isinstance(parent, GraphQLObjectType)
    return any(
        argument.type.__class__.__name__ == "GraphQLNonNull" for argument in parent.fields[step.field].args.values()
    )


ARGUMENTS: dict[tuple[str, str], str] = {}
"""Of root fields that need some: filled with ids of the demo's world by `gateway`."""


def selection(step: Step, inner: str) -> str:
    """A field with its arguments and what is selected of it."""
    parent = SCHEMA.type_map[step.parent]
    assert isinstance(parent, GraphQLObjectType)
    field = parent.fields[step.field]
    arguments = ARGUMENTS.get((step.parent, step.field), "")
    if get_named_type(field.type).name.endswith("Connection"):
        arguments = f"(first: {100 if step.parent == 'Query' else 2})"
        inner = f"nodes {{ {inner} }}"
    return f"{step.field}{arguments} {{ {inner} }}" if inner else f"{step.field}{arguments}"


def document(way: list[Step], last: Step) -> str:
    text = selection(last, "__typename" if last.target else "")
    for step in reversed(way):
        text = selection(step, f"__typename {text}")
    return f"{{ {text} }}"


class Case(NamedTuple):
    """A field, the scope that it needs, and a query that reaches it without any other field of that scope."""

    step: Step
    scope: str
    way: list[Step]


def cases() -> Iterator[Case]:
    guarded = [(edge, TYPES[edge.target]) for edge in EDGES if edge.target in TYPES]
    for step, scope in [*guarded, *((field, PII) for field in PERSONAL_FIELDS)]:
        way = route(step.parent, scope)
        if way is not None:  # else its parent needs that scope as well, and cannot be reached without
            yield Case(step, scope, way)


def key_of(missing: str = "") -> str:
    return f"a-key-without-{missing.replace(':', '-')}-in-it"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway() -> AsyncIterator[Caller]:
    """A gateway with a key for each scope that it lacks, and one that lacks none."""
    keys = [f"all:{key_of()}"]
    keys += [f"{scope.split(':')[0]}:{key_of(scope)}:{'+'.join(s for s in SCOPES if s != scope)}" for scope in SCOPES]
    plenty = {"GATEWAY_CLIENT_RATE": "1000000", "GATEWAY_CLIENT_COST": "1000000"}
    plenty |= {"SALESLOFT_RATE_LIMIT": "1000000", "DRIFT_RATE_LIMIT": "1000000"}
    async with Emulators.start() as emulators:
        emulators.salesloft.app.throttle_off()
        settings = Settings.read({**variables(emulators), **plenty, "GATEWAY_API_KEYS": ",".join(keys)})
        async with calling(create_app(settings)) as caller:
            await learn(caller)
            yield caller


async def learn(gateway: Caller) -> None:
    """Finds a record of each type to ask for by its id."""
    links = "id person { id } owner { id } cadence { id } step { id } account { id } task { id } conversation { id }"
    answer = await ask(gateway, f"{{ meetings(first: 100) {{ nodes {{ __typename {links} }} }} }}", key_of())
    rows = answer["data"]["meetings"]["nodes"]
    IDS["Meeting"] = rows[0]["id"]
    names = {"person": "Person", "owner": "User", "cadence": "Cadence", "step": "Step", "account": "Account"}
    for name, kind in {**names, "task": "Task", "conversation": "Conversation"}.items():
        IDS[kind] = next(row[name]["id"] for row in rows if row[name])
    for name, field in SCHEMA.query_type.fields.items() if SCHEMA.query_type else ():
        if "by" in field.args:
            ARGUMENTS["Query", name] = f'(by: {{id: "{IDS[target(field)]}"}})'


IDS: dict[str, str] = {}


async def ask(gateway: Caller, query: str, key: str) -> Mapping[str, Any]:
    reply = await gateway.ask("POST", json={"query": query}, headers={"X-API-Key": key})
    assert reply.status == 200
    answer: Mapping[str, Any] = reply.json
    return answer


def reached(data: Any, way: list[Step], last: Step) -> list[Any]:
    """What stands at a field, wherever its parent was found."""
    found = [data]
    for step in [*way, last]:
        below = []
        for parent in found:
            value = parent[step.field]
            value = value["nodes"] if isinstance(value, dict) and "nodes" in value else value
            below += value if isinstance(value, list) and step is not last else [value]
        found = [value for value in below if value is not None or step is last]
    return found


async def test_every_type_with_an_id_of_its_own_needs_a_scope() -> None:
    node = SCHEMA.type_map["Node"]
    assert {kind.name for kind in objects() if node in kind.interfaces} == set(TYPES)


async def test_the_paths_are_found() -> None:
    found = list(cases())
    assert {case.step.target for case in found if case.step.target} == set(TYPES)
    assert len(found) > 60
    assert {("Attendee", "email"), ("Attendee", "name"), ("Person", "phone"), ("Meeting", "guests")} <= {
        (case.step.parent, case.step.field) for case in found
    }


@pytest.mark.parametrize("credential", ["", "a-key-that-is-none"])
async def test_nothing_at_all_without_a_credential(gateway: Caller, credential: str) -> None:
    headers = {"X-API-Key": credential} if credential else {}
    for case in cases():
        reply = await gateway.ask("POST", json={"query": document(case.way, case.step)}, headers=headers)
        assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")
        assert "data" not in reply.json


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.step.parent}.{case.step.field}")
async def test_a_field_with_and_without_its_scope(gateway: Caller, case: Case) -> None:
    case = next(other for other in cases() if other.step == case.step)  # its way, now that arguments are known
    query = document(case.way, case.step)
    allowed = await ask(gateway, query, key_of())
    assert "errors" not in allowed
    assert reached(allowed["data"], case.way, case.step)

    refused = await ask(gateway, query, key_of(case.scope))
    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert case.scope in error["message"]
    assert error["path"][-1] == case.step.field
    values = reached(refused["data"], case.way, case.step)
    assert len(values) == len(reached(allowed["data"], case.way, case.step))
    assert all(value is None for value in values)


@pytest.mark.parametrize("kind", TYPES)
async def test_a_record_by_its_id(gateway: Caller, kind: str) -> None:
    query = f'{{ node(id: "{IDS[kind]}") {{ __typename id }} nodes(ids: ["{IDS[kind]}", "{IDS[kind]}"]) {{ id }} }}'
    allowed = await ask(gateway, query, key_of())
    assert allowed["data"]["node"] == {"__typename": kind, "id": IDS[kind]}
    refused = await ask(gateway, query, key_of(TYPES[kind]))
    assert refused["data"] == {"node": None, "nodes": [None, None]}
    assert sorted(error["path"][0] for error in refused["errors"]) == ["node", "nodes"]
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"FORBIDDEN"}
