"""What operations are expected to cost: never less than they do, never absurdly more, and estimated in no time."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLObjectType, parse

from gateway.catalog.prices import Prices
from gateway.errors import OperationTooCostly
from gateway.execution.collected import Operation
from gateway.execution.resolvers import Batch, Called
from gateway.graph.cost.estimate import Cost, Costs
from gateway.graph.cost.prices import PRICE
from gateway.graph.declarations import GraphDeclarations
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine
from gateway.graph.fields import declared
from gateway.graph.ids import global_id
from gateway.graph.loaders import LOADERS
from gateway.model.records import Kind, Source
from gateway.request import Request
from gateway.runtime.upstreams import unconnected
from gateway.upstream.clock import ManualClock
from tests.docs.test_cookbook import Recipe, recipes
from tests.graph.test_three_sources import IN_MARCH
from tests.world import Gateway, shared_engine
from tests.world import gateway as gateway
from tests.world import world as world

PRICES = Prices([port for port in unconnected(ManualClock()) if port.source in {Source.SALESLOFT, Source.DRIFT}])
"""Those of the sources that the gateway of these tests has."""

CPU = 0.1
"""Seconds of CPU that telling one cost may take."""
SLACK = 15
"""Units by which an estimate may lie above what is spent, beside Drift's contacts: those come one to a call, and any
row may have one."""


def operation(document: DocumentNode, name: str | None = None, **variables: Any) -> Operation:
    checked = shared_engine().operations.check(document, variables=variables, operation_name=name)
    assert not isinstance(checked, list)
    return checked.operation


def expected(query: str, costs: Costs | None = None, **variables: Any) -> Cost:
    return (costs or Costs(shared_engine().schema, PRICES)).expected(operation(parse(query), **variables), variables)


def calls(query: str, **variables: Any) -> dict[str, int]:
    return {f"{each.source} {each.endpoint}": each.calls for each in expected(query, **variables).calls}


QUERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "everything of a page": (
        """query ($first: Int) { meetings(first: $first) { pageInfo { hasNextPage hasPreviousPage endCursor } nodes {
        id title salesloft { vendorId } drift { slug } notes timeZone person { name emails }
        owner { name drift { vendorId } }
        bookedBy { name } cadence { name owner { name } } step { name } account { name owner { name } }
        attendees { person { name } user { name } } task { subject } conversation { status } } } }""",
        {"first": 100},
    ),
    "a small page": ("{ meetings(first: 1) { nodes { id } } }", {}),
    "everything counted": ("{ meetings(filter: {canceled: INCLUDE}) { totalCount nodes { id } } }", {}),
    "the last by change": (
        "{ meetings(last: 30, orderBy: {field: UPDATED_AT, direction: ASC}) { nodes { id updatedAt } } }",
        {},
    ),
    "both edges and nodes": (
        "{ meetings(first: 60) { edges { node { person { name } } } nodes { owner { name } } } }",
        {},
    ),
    "people and theirs": (
        """{ people(first: 10) { nodes { name drift { vendorId } owner { name } account { name } cadences { name }
        meetings(first: 3) { nodes { title owner { name } } } } } }""",
        {},
    ),
    "many people and theirs": (
        "{ people(first: 25) { nodes { name meetings(first: 5) { nodes { title } pageInfo { hasNextPage } } } } }",
        {},
    ),
    "the team and what it holds": ("{ users(first: 5) { nodes { name meetings(first: 5) { nodes { title } } } } }", {}),
    "the whole team and what it holds": (
        "{ users(first: 25) { nodes { name meetings(first: 5) { nodes { title } } } } }",
        {},
    ),
    "whatever drift holds": (
        '{ meetings(first: 5, filter: {drift: {status: ["ACTIVE"]}}) { nodes { title } } }',
        {},
    ),
    "cadences and their steps": ("{ cadences(first: 20) { totalCount nodes { name steps { name } } } }", {}),
    "accounts and theirs": (
        "{ accounts(first: 4) { totalCount nodes { name meetings(first: 2) { nodes { id } } } } }",
        {},
    ),
    "meetings of eight weeks counted": (
        """query ($f: MeetingFilter) { meetingStats(filter: $f, groupBy: [OWNER, STATUS]) { total { meetings }
        groups { owner { name } status counts { meetings } } } }""",
        {"f": {"startTime": {"gte": "2026-01-26T00:00:00Z", "lt": "2026-03-23T00:00:00Z"}}},
    ),
    "no-shows": ("{ meetings(first: 10, filter: {noShow: true}) { nodes { cadence { name } } } }", {}),
    "a page deep down": ("{ users(first: 3) { nodes { name drift { vendorId } } } sources { state } }", {}),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", QUERIES)
async def test_no_query_costs_more_than_expected(gateway: Gateway, name: str) -> None:
    query, variables = QUERIES[name]
    answer = await gateway.ask(query, **variables)
    assert answer.ok
    compare(answer.request, expected(query, **variables))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.title)
async def test_no_documented_query_costs_more_than_expected(gateway: Gateway, recipe: Recipe) -> None:
    gateway.principal = recipe.principal
    answer = await gateway.ask(recipe.query, **recipe.variables)
    compare(answer.request, expected(recipe.query, **recipe.variables))


THREE: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: each for name, each in QUERIES.items() if name != "everything of a page"},
    "invitees of a page": (
        """query ($f: MeetingFilter) { meetings(first: 25, filter: $f) { nodes { person { name } timeZone noShow
        attendees { email person { name } } rescheduledTo { title person { name } } } } }""",
        {"f": IN_MARCH},
    ),
    "no-shows of a month": (
        "query ($f: MeetingFilter) { meetings(first: 25, filter: $f) { totalCount nodes { id } } }",
        {"f": {**IN_MARCH, "noShow": True}},
    ),
    "by domain": (
        "query ($f: MeetingFilter) { meetings(first: 25, filter: $f) { nodes { id } } }",
        {"f": {**IN_MARCH, "attendeeDomains": ["nowhere.example"]}},
    ),
    "by invitees": (
        "query ($f: MeetingFilter) { meetings(first: 25, filter: $f) { nodes { id } } }",
        {"f": {"calendly": {"inviteeEmails": ["a@nowhere.example", "b@nowhere.example"]}}},
    ),
    "by change, counted": (
        "{ meetings(first: 25, orderBy: {field: UPDATED_AT}) { totalCount nodes { id noShow timeZone } } }",
        {},
    ),
    "people in every source": ("{ people(first: 10) { nodes { sources driftId } } }", {}),
    "no-shows counted": (
        "query ($f: MeetingFilter) { meetingStats(filter: $f, groupBy: [WEEK]) { total { meetings } } }",
        {"f": {**IN_MARCH, "noShow": True}},
    ),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", THREE)
async def test_no_query_over_three_sources_costs_more_than_expected(gateway: Gateway, name: str) -> None:
    gateway.sources = ("SALESLOFT", "DRIFT", "CALENDLY")
    costs = Costs(shared_engine().schema, Prices([*unconnected(ManualClock())]))
    query, variables = THREE[name]
    answer = await gateway.ask(query, **variables)
    assert answer.ok
    compare(answer.request, expected(query, costs, **variables), times=9)


async def test_records_by_id_cost_no_more_than_expected(gateway: Gateway) -> None:
    found = await gateway.ask(
        "{ meetings(first: 80, filter: {canceled: INCLUDE}) { nodes { id person { id } owner { id } } } }"
    )
    rows = found.ok["meetings"]["nodes"]
    ids = [row["id"] for row in rows[:50]]
    ids += [row[name]["id"] for name in ("person", "owner") for row in rows[50:] if row[name]]
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Meeting { person { name } account { name } }
        ... on Person { owner { name } drift { vendorId } } } }"""
    asked = await gateway.ask(query, ids=ids[:100])
    compare(asked.request, expected(query, ids=ids[:100]))


def compare(request: Request, cost: Cost, times: int = 5) -> None:
    """Holds what was spent against what was expected, endpoint by endpoint.

    Args:
        request: What was spent.
        cost: What was expected.
        times: How many times as much may be expected as was spent.
    """
    spent: Counter[str] = Counter()
    for entry in request.ledger.calls():
        if entry.endpoint != "/users/me":  # asked once a day
            spent[f"{entry.source} {entry.endpoint}"] += entry.cost
    reported = {f"{each.source} {each.endpoint}": each.units for each in cost.calls}
    assert {name: units for name, units in spent.items() if units > reported.get(name, 0)} == {}, reported
    one_by_one = ("/contacts", "/conversations", "/scheduled_events")
    rest = {name: units for name, units in reported.items() if not name.partition(" ")[2].startswith(one_by_one)}
    assert sum(rest.values()) <= times * sum(spent[name] for name in rest) + SLACK


def fields() -> Iterator[tuple[str, Any, Any]]:
    """Every field of every object type, with how its value is had and what Strawberry knows of it."""
    schema = shared_engine().schema
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                reading = GraphDeclarations().resolver(kind, name, field)
                yield f"{kind.name}.{name}", reading, declared(field)


@pytest.mark.parametrize("kind", Kind)
def test_a_record_of_a_source_that_is_not_there_is_expected_to_cost_nothing(kind: Kind) -> None:
    query = "query ($id: ID!) { node(id: $id) { __typename } }"
    assert expected(query, id=global_id(kind, Source.CALENDLY, "AAAA")).units == 0


def test_whatever_asks_upstream_has_a_price() -> None:
    for coordinate, reading, reported in fields():
        if isinstance(reading, Called):
            assert PRICE in reported.metadata, f"{coordinate} has no price"
        if isinstance(reading, Batch):
            assert LOADERS[reading.name].price, f"{coordinate} is loaded by what has no price"


def test_what_a_page_of_a_hundred_is_expected_to_cost() -> None:
    query, variables = QUERIES["everything of a page"]
    assert calls(query, **variables) == {
        "DRIFT /contacts/{id}": 100,
        "DRIFT /conversations/{id}": 100,
        "DRIFT /users/list": 1,
        "DRIFT /users/meetings/org": 1,
        "SALESLOFT /v2/accounts": 1,
        "SALESLOFT /v2/cadences": 1,
        "SALESLOFT /v2/meetings": 6,
        "SALESLOFT /v2/people": 12,
        "SALESLOFT /v2/steps": 1,
        "SALESLOFT /v2/tasks": 1,
        "SALESLOFT /v2/users": 5,
    }


def test_pages_multiply() -> None:
    query = "query ($n: Int) { people(first: $n) { nodes { meetings(first: $n) { nodes { person { name } } } } } }"
    few, many = expected(query, n=5).units, expected(query, n=50).units
    assert calls(query, n=50)["DRIFT /contacts/{id}"] >= 2500
    assert many > 50 * few / 2


def test_what_is_left_out_costs_nothing() -> None:
    query = "query ($b: Boolean!) { meetings(first: 9) { nodes { id person @include(if: $b) { name } } } }"
    assert calls(query, b=True)["DRIFT /contacts/{id}"] == 9
    assert "DRIFT /contacts/{id}" not in calls(query, b=False)
    assert calls("{ sources { state } __typename }") == {}
    assert calls("{ people(first: 0) { nodes { drift { vendorId } } } }").keys() == {"SALESLOFT /v2/people"}


def test_defaults_of_variables_count() -> None:
    query = "query ($n: Int = 30) { meetings(first: $n) { nodes { person { name } } } }"
    assert calls(query)["DRIFT /contacts/{id}"] == 30
    assert calls(query, n=3)["DRIFT /contacts/{id}"] == 3


def test_ids_tell_whom_to_ask() -> None:
    ids = [global_id(Kind.PERSON, Source.SALESLOFT, str(number)) for number in range(100)]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert calls(query, ids=ids) == {"SALESLOFT /v2/people": 1}
    contacts = [global_id(Kind.PERSON, Source.DRIFT, str(number)) for number in range(40)]
    assert calls(query, ids=contacts) == {"DRIFT /contacts/{id}": 40, "SALESLOFT /v2/people": 1}
    assert calls(query, ids=["rubbish", "", "SGk"]) == {}


def test_a_source_that_is_off_costs_nothing() -> None:
    query, variables = QUERIES["everything of a page"]
    alone = expected(query, Costs(shared_engine().schema, PRICES, [Source.SALESLOFT]), **variables)
    assert alone.by_source().keys() == {"SALESLOFT"}
    assert alone.units == sum(each.units for each in alone.calls if each.source == "SALESLOFT") > 0


def test_a_cost_is_that_of_its_variables_and_operation() -> None:
    costs = Costs(shared_engine().schema, PRICES)
    document = parse(
        "query A($n: Int, $after: String) { meetings(first: $n, after: $after) {"
        " pageInfo { hasPreviousPage } nodes { person { name } } } }"
        "query B { sources { state } }"
    )
    first, second = operation(document, "A"), operation(document, "B")
    sizes = [costs.expected(first, {"n": size}).units for size in (10, 20, 10, 500)]
    assert sizes[0] == sizes[2] < sizes[1] < sizes[3]
    assert costs.expected(second, {}).units == 0
    further = [costs.expected(first, {"n": 10, "after": cursor}).units for cursor in ("x", "y")]
    assert further[0] == further[1] > sizes[0]


def fan_out(levels: int) -> str:
    spreads = [f"fragment f{n} on Meeting {{ ...f{n + 1} person {{ name }} ...f{n + 1} }}" for n in range(levels)]
    return " ".join(
        ["{ meetings { nodes { ...f0 } } }", *spreads, f"fragment f{levels} on Meeting {{ owner {{ name }} }}"]
    )


def crossed(levels: int) -> str:
    """Two ways down at each level."""
    spreads = [
        f"fragment f{n} on User {{ a: meetings {{ nodes {{ owner {{ ...f{n + 1} }} }} }} "
        f"b: meetings {{ nodes {{ owner {{ ...f{n + 1} }} }} }} }}"
        for n in range(levels)
    ]
    return " ".join(["{ users { nodes { ...f0 } } }", *spreads, f"fragment f{levels} on User {{ name }}"])


@pytest.mark.parametrize("document", [fan_out(60), crossed(15)], ids=["fragments", "aliases"])
def test_telling_the_cost_is_cheap(document: str) -> None:
    parsed, costs = parse(document), Costs(shared_engine().schema, PRICES)
    began = time.process_time()
    costs.expected(operation(parsed), {})
    assert time.process_time() - began < CPU


async def test_what_costs_too_much_is_refused_before_any_call(gateway: Gateway) -> None:
    query = "{ people(first: 100) { nodes { meetings(first: 100) { nodes { person { name } } } } } }"
    engine = Engine(gateway.engine()._catalog, max_cost=1000)
    prepared = engine.prepare(query)
    assert isinstance(prepared, Prepared)
    request = Request(ManualClock().monotonic() + 25)
    with pytest.raises(OperationTooCostly) as refused:
        await engine.execute(prepared, variables=None, operation_name=None, request=request)
    reported = refused.value.extensions()
    assert reported["code"] == "OPERATION_TOO_COSTLY"
    assert reported["allowed"] == 1000
    assert reported["measured"] == expected(query).units > 10_000
    assert re.search(rf"{reported['measured']} upstream units; 1000 are allowed", refused.value.message)
    assert request.ledger.entries == []
