"""A subgraph whose names bear a prefix: the same records by other names, and the graph's own names as ever."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError

from gateway.catalog.prices import Prices
from gateway.emulator.world import World
from gateway.graph.cost.estimate import Cost, Costs
from gateway.graph.documents import Prepared
from gateway.runtime.upstreams import unconnected
from gateway.settings.federation import options
from gateway.settings.kinds import InvalidValue
from gateway.upstream.clock import ManualClock
from tests.federation.stage import Asks, every_key
from tests.federation.supergraph import shown, supergraph
from tests.world import running
from tests.world import small as small

PREFIX = "Team"
TYPES = "Meeting|Person|User|Cadence|Step|Account|Task|Conversation"
ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename %s } }"
IDS = " ".join(f"... on Team{name} {{ id }}" for name in TYPES.split("|"))

PLAIN = """
query($first: Int, $filter: MeetingFilter, $order: MeetingOrder, $by: UserBy!, $id: ID!) {
  __typename
  meetings(first: $first, filter: $filter, orderBy: $order) {
    __typename
    nodes {
      __typename id status source
      owner { ...Who }
      attendees { __typename person { __typename ... on Person { name owner { ...Who } } } }
      salesloft { __typename }
    }
    pageInfo { __typename hasNextPage }
    sourceReports { __typename source status }
  }
  user(by: $by) { ...Who }
  again: node(id: $id) { __typename id ... on User { name } ... on Person { email } }
  nodes(ids: [$id]) { __typename ...Who }
}
fragment Who on User { __typename id name sources }
"""
"""Root fields, fragments, variables of inputs, interfaces, lists: whatever names a type."""


def prefixed(text: str) -> str:
    """A document by prefixed names."""
    text = re.sub(r"\b(MeetingFilter|MeetingOrder|UserBy)\b", rf"{PREFIX}\1", text)
    text = re.sub(rf"(on )({TYPES})\b", rf"\1{PREFIX}\2", text)
    for name in ("meetings", "user", "nodes"):
        text = re.sub(rf"^  {name}\(", rf"  {name}: team{name.capitalize()}(", text, flags=re.MULTILINE)
    return text.replace("again: node(", "again: teamNode(")


def by_own_names(data: Any) -> Any:
    """An answer, with the names of types as they are without a prefix."""
    if isinstance(data, list):
        return [by_own_names(each) for each in data]
    if not isinstance(data, dict):
        return data
    return {
        name: value.removeprefix(PREFIX) if name == "__typename" else by_own_names(value)
        for name, value in data.items()
    }


def names_in(data: Any) -> set[str]:
    """Every type that an answer names."""
    if isinstance(data, list):
        return set().union(*map(names_in, data))
    if not isinstance(data, dict):
        return set()
    below = names_in(list(data.values()))
    return below | {data["__typename"]} if "__typename" in data else below


def cost(prepared: Prepared | list[GraphQLError], variables: dict[str, Any]) -> Cost:
    """What an operation is expected to cost with every source on."""
    assert isinstance(prepared, Prepared)
    checked = prepared.variant.operations.check(prepared.document, variables=variables)
    assert not isinstance(checked, list)
    found = Costs(prepared.variant.schema, Prices(unconnected(ManualClock()))).expected(checked.operation, variables)
    assert found.units
    return found


@pytest.fixture
async def asks(small: World) -> AsyncIterator[Asks]:
    async with running(small) as gateway:
        yield Asks.of(gateway, PREFIX)


async def test_every_key_finds_its_record_by_prefixed_names(asks: Asks) -> None:
    cases = every_key(asks.world)
    representations = [{**case, "__typename": f"{PREFIX}{case['__typename']}"} for case, _ in cases]
    for _ in range(3):  # by graphql-core, then compiled
        found = (await asks.ask(ENTITIES % IDS, r=representations)).ok["_entities"]
        assert [entity["id"] for entity in found] == [id_ for _, id_ in cases]
        assert [entity["__typename"] for entity in found] == [each["__typename"] for each in representations]


async def test_a_type_is_not_known_by_the_name_that_it_has_without(asks: Asks) -> None:
    (case, _), *_ = every_key(asks.world)
    answer = await asks.ask(ENTITIES % IDS, r=[case])
    (error,) = answer.errors
    assert answer.data == {"_entities": [None]}
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "representations[0].__typename"}
    assert "TeamMeeting, TeamPerson" in error["message"]
    wrong = asks.engine().prepare(ENTITIES % "... on Meeting { id }")
    assert isinstance(wrong, list)
    assert wrong[0].message == "Unknown type 'Meeting'."


async def test_the_whole_graph_is_the_same_by_either_names_at_the_same_cost(asks: Asks) -> None:
    user = next(iter(asks.world.salesloft.users.values()))
    me = {"salesloftId": str(user["id"])}
    first = (await asks.ask("query($by: UserBy!) { user(by: $by) { id } }", by=me)).ok["user"]["id"]
    variables = {"first": 30, "by": me, "id": first, "filter": {"canceled": "INCLUDE"}, "order": {"direction": "ASC"}}
    for _ in range(3):
        plain = await asks.ask(PLAIN, **variables)
        other = await asks.ask(prefixed(PLAIN), **variables)
        assert by_own_names(other.ok) == plain.ok
        assert {name for name in names_in(other.data) if not name.startswith(PREFIX)} == {"Query"}
        assert {name for name in names_in(plain.data) if name.startswith(PREFIX)} == set()
        assert sorted(call.endpoint for call in other.calls) == sorted(call.endpoint for call in plain.calls)
    ours, theirs = asks.engine().prepare(PLAIN), asks.engine().prepare(prefixed(PLAIN))
    assert cost(theirs, variables) == cost(ours, variables)


async def test_representations_cost_the_same_by_either_names(asks: Asks) -> None:
    cases = [case for case, _ in every_key(asks.world)]
    renamed = [{**case, "__typename": f"{PREFIX}{case['__typename']}"} for case in cases]
    unprefixed = Asks.of(asks).engine().prepare(ENTITIES % "")
    with_prefix = asks.engine().prepare(ENTITIES % "")
    assert cost(with_prefix, {"r": renamed}) == cost(unprefixed, {"r": cases})


async def test_a_root_field_is_found_in_whichever_fragment_it_stands(asks: Asks) -> None:
    query = """
      query { ...Root ... on Query { ... { b: teamUsers { __typename } } } }
      fragment Root on Query { a: teamUsers { __typename } }
    """
    connection = {"__typename": "TeamUserConnection"}
    assert (await asks.ask(query)).ok == {"a": connection, "b": connection}


def messages(errors: Prepared | list[GraphQLError]) -> list[str]:
    assert isinstance(errors, list)
    return [error.message for error in errors]


async def test_the_two_sets_of_names_are_not_mixed(asks: Asks) -> None:
    prepare = asks.engine().prepare
    assert (
        "Cannot query field 'sources' on type 'Query'."
        in messages(prepare("{ teamUsers { nodes { id } } teamSources { source } sources { source } }"))[0]
    )
    assert messages(prepare("{ _entities(representations: []) { ... on TeamUser { id } } users { nodes { id } } }"))
    assert isinstance(prepare("{ __typename }"), Prepared)
    assert isinstance(prepare('{ __type(name: "Meeting") { name } }'), Prepared)


def test_a_prefix_has_to_begin_a_name() -> None:
    for good in ("S", "sales", "Team_", "Team2", "A_b"):
        assert options(prefix=good).prefix == good
    for bad in ("2S", "_S", "S__", "S-s", "S s", "Ü", "S" * 41, "S\n"):
        with pytest.raises(InvalidValue, match="cannot begin a name"):
            options(prefix=bad)


@pytest.mark.slow
@pytest.mark.parametrize("router", ["apollo", "hive"])
async def test_routers_go_both_ways_by_prefixed_names(router: str, tmp_path: Path) -> None:
    async with supergraph(router, tmp_path, GATEWAY_FEDERATION_PREFIX=PREFIX) as graph:
        query = "{ orders(first: 60) { edges { node { buyer { __typename name email } account { name revenue } } } } }"
        answer = await graph.ask(query)
        nodes = [edge["node"] for edge in answer.ok["orders"]["edges"]]
        found = [node["buyer"] for node in nodes]
        assert {buyer["__typename"] for buyer in found} == {"TeamPerson"}
        assert [buyer["email"] for buyer in found] == [row["email_address"] for row in shown(graph.world)][:60]
        assert all(node["account"]["name"] and node["account"]["revenue"] for node in nodes)
        assert answer.calls == {"people": 1, "accounts": 1}
        variables = {
            "by": {"salesloftId": str(next(iter(graph.world.salesloft.users)))},
            "filter": {"sources": ["SALESLOFT"]},
        }
        answer = await graph.ask_with(
            variables,
            "query($by: TeamUserBy!, $filter: TeamMeetingFilter) {"
            "  teamMeetings(first: 5, filter: $filter) {"
            "    nodes { __typename title score prep owner { __typename name badge } person { mood } }"
            "  }"
            "  teamUser(by: $by) { __typename name }"
            "}",
        )
        meetings = answer.ok["teamMeetings"]["nodes"]
        assert {(node["__typename"], node["owner"]["__typename"]) for node in meetings} == {("TeamMeeting", "TeamUser")}
        assert all(node["score"] and node["prep"].startswith(node["title"]) for node in meetings)
        assert answer.ok["teamUser"]["__typename"] == "TeamUser"
