"""Who may see what: every type, on every path to it, and every personal field, for every kind of credential.

The paths come from the schema, so that a new type or field cannot be forgotten; what they need is the contract's.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from graphql import GraphQLArgument, GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type

from gateway.app import create_app
from gateway.commands import demo
from gateway.emulator.conditions import VENDORS
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.graph.fields import PERSONAL as DECLARED
from gateway.graph.fields import declared
from gateway.graph.schema import build, core
from gateway.settings.settings import Settings
from tests.http.harness import Caller, calling
from tests.http.not_personal import NOT_PERSONAL

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
NEEDED = TYPES | {"MeetingStats": "meetings:read"}
"""With the types that have no id of their own."""
PII = "pii:read"
SCOPES = sorted({*TYPES.values(), PII})
PERSONAL = re.compile(r"email|phone|notes$|description$|guests|custom_?fields", re.IGNORECASE)
"""E-mail addresses, phone numbers, notes, descriptions, guests and custom fields; attendees' names are added below."""

WRAPPERS = ("Connection", "Edge", "Change", "ChangePage")
ABOUT_ADDRESSES = {("SalesloftUser", "emailSignatureType")}
"""Fields that are named like personal ones and are not personal."""
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
    Step(kind.name, name, target(field) if isinstance(SCHEMA.type_map[target(field)], GraphQLObjectType) else "")
    for kind in objects()
    for name, field in kind.fields.items()
    if (own := declared(field)) is not None and own.metadata.get(DECLARED)
]
TEXTS = [
    Step(kind.name, name, "")
    for kind in objects()
    for name, field in kind.fields.items()
    if get_named_type(field.type).name in {"String", "JSON"}
]


GIVEN = {
    ("Query", "meetings"): "filter: {canceled: INCLUDE, sources: $sources}",
    ("Query", "meetingStats"): "filter: {startTime: {gte: $from, lt: $to}}, groupBy: [STATUS]",
}
"""Arguments without which a field shows nothing of some type below it, or nothing at all."""
VARIABLES = {"id": "ID!", "from": "DateTime!", "to": "DateTime!", "sources": "[Source!]"}
GROUPS = {"OWNER": "User", "BOOKED_BY": "User", "ACCOUNT": "Account", "CADENCE": "Cadence"}
"""Keys of `meetingStats` that are records, and so need their scope even where the groups' records are not selected."""


def arguments_of(step: Step) -> Mapping[str, GraphQLArgument]:
    parent = SCHEMA.type_map[step.parent]
    assert isinstance(parent, GraphQLObjectType)
    arguments: Mapping[str, GraphQLArgument] = parent.fields[step.field].args
    return arguments


def route(to: str, without: str) -> list[Step] | None:
    """The shortest way from the root to a type, through fields that need neither a scope nor a key."""
    waiting: deque[tuple[str, list[Step]]] = deque([("Query", [])])
    seen = {"Query"}
    while waiting:
        at, way = waiting.popleft()
        if at == to:
            return way
        for edge in EDGES:
            refused = NEEDED.get(edge.target) == without or (without == PII and edge in PERSONAL_FIELDS)
            free = not refused and "by" not in arguments_of(edge)
            if edge.parent == at and edge.target not in seen and free:
                seen.add(edge.target)
                waiting.append((edge.target, [*way, edge]))
    return None


def selection(step: Step, inner: str) -> str:
    """A field with its arguments and what is selected of it."""
    takes = arguments_of(step)
    given = [GIVEN.get((step.parent, step.field), "")]
    given += [f"first: {100 if step.parent == 'Query' else 2}"] if "first" in takes else []
    given += ["by: {id: $id}"] if "by" in takes else []
    arguments = ", ".join(filter(None, given))
    called = f"{step.field}({arguments})" if arguments else step.field
    if "first" in takes:
        return f"{called} {{ nodes {{ {inner} }} }}"
    return f"{called} {{ {inner} }}" if inner else called


class Case(NamedTuple):
    """A field, the scope that it needs, and a way to it that needs no other field of that scope."""

    step: Step
    scope: str
    way: list[Step]

    @property
    def sources(self) -> list[str] | None:
        """Calendly alone where its words are asked for: what few bookings have is then among the first meetings."""
        return ["CALENDLY"] if any(step.target == "CalendlyMeeting" for step in self.way) else None

    @property
    def document(self) -> str:
        text = selection(self.step, "__typename" if self.step.target else "")
        for step in reversed(self.way):
            text = selection(step, f"__typename {text}")
        used = ", ".join(f"${name}: {kind}" for name, kind in VARIABLES.items() if re.search(rf"\${name}\b", text))
        return f"query({used}) {{ {text} }}" if used else f"query {{ {text} }}"


def cases() -> Iterator[Case]:
    guarded = [(edge, NEEDED[edge.target]) for edge in EDGES if edge.target in NEEDED]
    for step, scope in [*guarded, *((field, PII) for field in PERSONAL_FIELDS)]:
        way = route(step.parent, scope)
        if way is not None:  # else its parent needs that scope as well, and cannot be reached without
            yield Case(step, scope, way)


CASES = list(cases())


def key_of(missing: str = "") -> str:
    return f"a-key-without-{missing.replace(':', '-')}-in-it"


class Stage(NamedTuple):
    """A gateway with a key for each scope that it lacks, and one that lacks none."""

    caller: Caller
    ids: Mapping[str, str]

    async def ask(self, case: Case, missing: str = "") -> Mapping[str, Any]:
        key = self.ids.get(case.step.target, "")
        return await ask(self.caller, case.document, missing, id=key, sources=case.sources, **month())


def month() -> dict[str, str]:
    """The last thirty days, as variables."""
    now = datetime.now(UTC)
    return {"from": (now - timedelta(days=30)).isoformat(), "to": now.isoformat()}


async def ask(caller: Caller, query: str, missing: str = "", **variables: Any) -> Mapping[str, Any]:
    body = {"query": query, "variables": variables}
    reply = await caller.ask("POST", json=body, headers={"X-API-Key": key_of(missing)})
    assert reply.status == 200, reply.body
    answer: Mapping[str, Any] = reply.json
    return answer


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage() -> AsyncIterator[Stage]:
    keys = [f"all:{key_of()}"]
    keys += [f"{scope.split(':')[0]}:{key_of(scope)}:{'+'.join(s for s in SCOPES if s != scope)}" for scope in SCOPES]
    names = ["GATEWAY_CLIENT_RATE", "GATEWAY_CLIENT_COST", "GATEWAY_MAX_COST"]
    names += [f"{vendor.upper()}_RATE_LIMIT" for vendor in VENDORS]
    plenty = dict.fromkeys(names, "1000000")
    async with Emulators.start(salesloft=SalesloftOptions(rate_limit=1_000_000)) as emulators:
        settings = Settings.read({**demo.variables(emulators), **plenty, "GATEWAY_API_KEYS": ",".join(keys)})
        async with calling(create_app(settings)) as caller:
            yield Stage(caller, await known_ids(caller))


async def known_ids(caller: Caller) -> Mapping[str, str]:
    """The id of a record of each type."""
    names = {"person": "Person", "owner": "User", "cadence": "Cadence", "step": "Step", "account": "Account"}
    names |= {"task": "Task", "conversation": "Conversation"}
    links = " ".join(f"{name} {{ id }}" for name in names)
    answer = await ask(caller, f"{{ meetings(first: 500) {{ nodes {{ id {links} }} }} }}")
    assert "errors" not in answer, answer["errors"][:2]
    rows = answer["data"]["meetings"]["nodes"]
    found = {kind: next(row[name]["id"] for row in rows if row[name]) for name, kind in names.items()}
    return {"Meeting": rows[0]["id"], **found}


def reached(data: Any, case: Case) -> list[Any]:
    """What stands at a field, wherever its parent was found."""
    parents = [data]
    for step in case.way:
        parents = [row for parent in parents for row in rows_of(parent[step.field])]
    return [parent[case.step.field] for parent in parents]


def rows_of(value: Any) -> list[Any]:
    rows = value["nodes"] if isinstance(value, dict) and "nodes" in value else value
    return [row for row in (rows if isinstance(rows, list) else [rows]) if row is not None]


async def test_every_type_with_an_id_of_its_own_needs_a_scope() -> None:
    node = SCHEMA.type_map["Node"]
    assert {kind.name for kind in objects() if node in kind.interfaces} == set(TYPES)


async def test_every_text_is_known_to_be_personal_or_not() -> None:
    plain = {(kind, name) for kind, names in NOT_PERSONAL.items() for name in names.split()}
    personal = {(step.parent, step.field) for step in PERSONAL_FIELDS}
    texts = {(step.parent, step.field) for step in TEXTS}
    assert texts - plain - personal == set(), "declare it `personal`, or list it in not_personal.py"
    assert plain - texts == set(), "listed, and no longer there"
    assert plain & personal == set()


async def test_what_the_contract_calls_personal_is() -> None:
    named = {(step.parent, step.field) for step in TEXTS if PERSONAL.search(step.field)}
    named |= {("Attendee", "name"), ("SalesloftAttendee", "name")}
    assert named - ABOUT_ADDRESSES <= {(step.parent, step.field) for step in PERSONAL_FIELDS}


async def test_the_paths_are_found() -> None:
    assert {case.step.target for case in CASES if case.scope != PII} == set(NEEDED)
    fields = {(case.step.parent, case.step.field) for case in CASES}
    assert {("Attendee", "email"), ("Attendee", "name"), ("Person", "phone"), ("Meeting", "guests")} <= fields
    assert {("Query", "meeting"), ("Query", "people"), ("Meeting", "owner"), ("Person", "meetings")} <= fields


@pytest.mark.parametrize("credential", ["", "a-key-that-is-not-valid"])
async def test_nothing_at_all_without_a_credential(stage: Stage, credential: str) -> None:
    headers = {"X-API-Key": credential} if credential else {}
    for case in CASES:
        reply = await stage.caller.ask("POST", json={"query": case.document}, headers=headers)
        assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")
        assert "data" not in reply.json


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.step.parent}.{case.step.field}")
async def test_a_field_with_and_without_its_scope(stage: Stage, case: Case) -> None:
    allowed = await stage.ask(case)
    assert "errors" not in allowed
    there = reached(allowed["data"], case)
    assert there

    refused = await stage.ask(case, case.scope)
    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert case.scope in error["message"]
    assert error["path"][-1] == case.step.field
    assert reached(refused["data"], case) == [None] * len(there)


@pytest.mark.parametrize("kind", TYPES)
async def test_a_record_by_its_id(stage: Stage, kind: str) -> None:
    key = stage.ids[kind]
    query = "query($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id, $id]) { id } }"
    allowed = await ask(stage.caller, query, id=key)
    assert allowed["data"]["node"] == {"__typename": kind, "id": key}
    refused = await ask(stage.caller, query, TYPES[kind], id=key)
    assert refused["data"] == {"node": None, "nodes": [None, None]}
    assert sorted(error["path"][0] for error in refused["errors"]) == ["node", "nodes"]
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"FORBIDDEN"}


@pytest.mark.parametrize("group", GROUPS)
async def test_groups_by_records_with_and_without_their_scope(stage: Stage, group: str) -> None:
    query = (
        "query($from: DateTime!, $to: DateTime!) { meetingStats(filter: {startTime: {gte: $from, lt: $to}}, "
        f"groupBy: [{group}]) {{ groups {{ counts {{ meetings }} }} }} }}"
    )
    allowed = await ask(stage.caller, query, **month())
    assert "errors" not in allowed
    assert allowed["data"]["meetingStats"]["groups"]
    scope = TYPES[GROUPS[group]]
    refused = await ask(stage.caller, query, scope, **month())
    assert refused["data"] == {"meetingStats": None}
    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert scope in error["message"]


async def test_what_the_links_of_an_invitee_are_made_of_is_as_personal_as_they_are() -> None:
    fields = {step.field for step in PERSONAL_FIELDS if step.parent == "CalendlyInvitee"}
    assert {"cancelUrl", "rescheduleUrl", "vendorId", "uri", "oldInvitee", "newInvitee"} <= fields
