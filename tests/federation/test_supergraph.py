"""Others' routers over a supergraph with our subgraph in it: what they show, and the upstream calls that it costs."""

from __future__ import annotations

import pytest

from gateway.emulator.faults import Status
from gateway.graph.federation.entities import KEYS
from gateway.model.records import Kind
from tests.federation.stage import every_key
from tests.federation.supergraph import MEETINGS, Supergraph, booked, shown
from tests.federation.supergraph import graph as graph

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


# Fields both ways


async def test_ours_alone_costs_what_it_costs_without_a_router(graph: Supergraph) -> None:
    answer = await graph.ask(
        "{ meetings(first: 5, filter: {sources: [SALESLOFT]}) { nodes { id title owner { name } } } }"
    )
    assert len(answer.ok["meetings"]["nodes"]) == 5
    assert answer.calls == {"meetings": 1, "users": 1}


async def test_theirs_alone_costs_nothing(graph: Supergraph) -> None:
    answer = await graph.ask("{ orders(first: 2) { edges { node { id total } } pageInfo { hasNextPage endCursor } } }")
    assert [edge["node"]["total"] for edge in answer.ok["orders"]["edges"]] == [0, 10]
    assert answer.calls == {}


async def test_a_page_of_a_hundred_foreign_entities_is_one_call(graph: Supergraph) -> None:
    answer = await graph.ask("{ orders(first: 100) { edges { node { buyer { name email } } } } }")
    found = [edge["node"]["buyer"]["email"] for edge in answer.ok["orders"]["edges"]]
    assert found == [row["email_address"] for row in shown(graph.world)][:100]
    assert answer.calls == {"people": 2}, "a hundred addresses make more URL than one call may have"
    answer = await graph.ask("{ orders(first: 100) { edges { node { account { name } } } } }")
    assert all(edge["node"]["account"]["name"] for edge in answer.ok["orders"]["edges"])
    assert answer.calls == {"accounts": 1}


async def test_two_kinds_of_a_foreign_page_are_a_call_each(graph: Supergraph) -> None:
    answer = await graph.ask("{ orders(first: 60) { edges { node { buyer { name } account { name revenue } } } } }")
    nodes = [edge["node"] for edge in answer.ok["orders"]["edges"]]
    assert all(node["buyer"]["name"] and node["account"]["name"] and node["account"]["revenue"] for node in nodes)
    assert answer.calls == {"people": 1, "accounts": 1}


async def test_their_fields_on_our_page_cost_nothing_more(graph: Supergraph) -> None:
    page = "meetings(first: 20, filter: {sources: [SALESLOFT]})"
    answer = await graph.ask("{ %s { nodes { title sourceId score } } }" % page)
    assert all(node["score"] == len(node["sourceId"]) for node in answer.ok["meetings"]["nodes"])
    assert answer.calls == {"meetings": 1}
    answer = await graph.ask("{ %s { nodes { account { revenue } } } }" % page)
    assert [node["account"]["revenue"] for node in answer.ok["meetings"]["nodes"] if node["account"]]
    again = (
        2 if graph.name == "hive" else 1
    )  # Hive asks for the accounts of the page's meetings once more, by their keys
    assert answer.calls == {"meetings": again, "accounts": again}


async def test_theirs_ours_theirs(graph: Supergraph) -> None:
    answer = await graph.ask("{ scorecards(first: 30) { id meeting { title person { name mood } } } }")
    people = [card["meeting"]["person"] for card in answer.ok["scorecards"] if card["meeting"]["person"]]
    assert people
    assert all(person["mood"].startswith("mood of ") for person in people)
    assert answer.calls == {"meetings": 1, "people": 1}


async def test_ours_theirs_ours(graph: Supergraph) -> None:
    answer = await graph.ask(
        '{ node(id: "order-7") { ... on Order { total buyer { name meetings(first: 2) { nodes { id } } } } } }'
    )
    assert answer.ok["node"]["total"] == 70
    assert answer.ok["node"]["buyer"]["name"]
    assert len(answer.ok["node"]["buyer"]["meetings"]["nodes"]) <= 2
    assert answer.calls["people"] == 2, "by address, and for whom the meetings are listed"


async def test_both_page_infos_in_one_answer(graph: Supergraph) -> None:
    page = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    answer = await graph.ask("{ orders(first: 1) { %s } accounts(first: 1) { %s } }" % (page, page))
    assert answer.ok["orders"]["pageInfo"]["endCursor"] == "0"
    assert answer.ok["accounts"]["pageInfo"]["hasNextPage"] is True


async def test_one_operation_over_every_subgraph(graph: Supergraph) -> None:
    answer = await graph.ask(
        """{ sources { source } orders(first: 1) { edges { node { buyer { name mood } } } }
             scorecards(first: 1) { meeting { id } } point1(name: "Cadence") { cadence { name } } }"""
    )
    assert answer.ok["point1"][0]["cadence"]["name"]
    assert answer.calls == {"people": 1, "meetings": 1, "cadences": 1}


# @requires


async def test_a_field_that_requires_two_of_ours(graph: Supergraph) -> None:
    answer = await graph.ask(
        "{ meetings(first: 10, filter: {sources: [SALESLOFT]}) { nodes { title startTime prep } } }"
    )
    nodes = answer.ok["meetings"]["nodes"]
    assert [node["prep"] for node in nodes] == [f"{node['title']} at {node['startTime']}" for node in nodes]


async def test_what_is_required_is_fetched_though_nobody_selects_it(graph: Supergraph) -> None:
    answer = await graph.ask("{ scorecards(first: 40) { meeting { prep } } }")
    titles = [row["title"] for row in booked(graph.world)][:40]
    assert [card["meeting"]["prep"].rpartition(" at ")[0] for card in answer.ok["scorecards"]] == titles
    assert answer.calls == {"meetings": 1}


async def test_requires_on_a_user_and_on_a_person(graph: Supergraph) -> None:
    answer = await graph.ask(
        "{ users(first: 3) { nodes { name badge } } orders(first: 3) { edges { node { buyer { reach } } } } }"
    )
    assert [user["badge"] for user in answer.ok["users"]["nodes"] if user["badge"]]
    assert all(user["badge"] in {None, f"{user['name']}, coached"} for user in answer.ok["users"]["nodes"])
    assert all(edge["node"]["buyer"]["reach"] >= 1 for edge in answer.ok["orders"]["edges"])


# Every key


EVERY = [(kind.value, place) for kind, keys in KEYS.items() for place in range(len(keys))]


@pytest.mark.parametrize(("kind", "place"), EVERY, ids=lambda value: value if isinstance(value, str) else str(value))
async def test_every_key_leads_to_its_record(graph: Supergraph, kind: str, place: int) -> None:
    answer = await graph.ask('{ point%d(name: "%s") { %s { id } } }' % (place, kind, kind.lower()))
    fields = {*KEYS[Kind(kind)][place].fields}
    expected = [
        id_ for case, id_ in every_key(graph.world) if case["__typename"] == kind and {*case} - {"__typename"} == fields
    ]
    assert answer.data[f"point{place}"][0][kind.lower()]["id"] == expected[0]


# Trouble


async def test_null_entities_are_null_without_errors(graph: Supergraph) -> None:
    answer = await graph.ask("{ orders(first: 3, from: 149) { edges { node { id buyer { name } } } } }")
    assert [edge["node"]["buyer"] and bool(edge["node"]["buyer"]["name"]) for edge in answer.ok["orders"]["edges"]] == [
        True,
        False,
        None,
    ]
    assert answer.calls == {"people": 1, "contacts": 1}


async def test_a_wrong_reference_of_theirs_touches_no_other(graph: Supergraph) -> None:
    answer = await graph.ask('{ point0(name: "Meeting") { meeting { title } } }')
    assert [row["meeting"] and bool(row["meeting"]["title"]) for row in answer.data["point0"]] == [True, False, False]
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_our_upstream_failing_takes_its_fields_alone(graph: Supergraph) -> None:
    graph.emulators.salesloft.faults.add(Status(503), endpoint="people")
    try:
        answer = await graph.ask(
            "{ orders(first: 5) { edges { node { total buyer { name } account { name revenue } } } } }"
        )
    finally:
        graph.emulators.salesloft.faults.clear()
    nodes = [edge["node"] for edge in answer.data["orders"]["edges"]]
    assert [node["total"] for node in nodes] == [0, 10, 20, 30, 40]
    assert all(node["buyer"] is None or node["buyer"]["name"] is None for node in nodes)
    assert all(node["account"]["name"] and node["account"]["revenue"] for node in nodes)
    assert set(answer.codes) == {"UPSTREAM_UNAVAILABLE"}


async def test_one_of_theirs_failing_leaves_ours_whole(graph: Supergraph) -> None:
    answer = await graph.ask("{ scorecards(first: 3) { meeting { title score } } }")
    cards = [card["meeting"] for card in answer.data["scorecards"]]
    assert all(card["title"] for card in cards)
    assert [card["score"] is None for card in cards] == [False, True, False]
    assert len(answer.errors) == 1


async def test_their_subgraph_out_of_order_leaves_ours_whole(graph: Supergraph) -> None:
    answer = await graph.ask(
        "{ meetings(first: 3, filter: {sources: [SALESLOFT]}) { nodes { title score } } }", **{"x-no-coach": "1"}
    )
    assert all(node["title"] and node["score"] is None for node in answer.data["meetings"]["nodes"])
    assert answer.errors


async def test_our_typed_errors_arrive_through_the_router(graph: Supergraph) -> None:
    answer = await graph.ask("{ meetings(first: -1) { nodes { id } } sources { source } }")
    assert answer.codes == ["BAD_USER_INPUT"]
    assert len(answer.data["sources"]) == 3


# A thousand


async def test_a_thousand_entities_take_a_call_a_hundred(graph: Supergraph) -> None:
    answer = await graph.ask("{ scorecards(first: 1000) { meeting { title } } }")
    assert [card["meeting"]["title"] for card in answer.ok["scorecards"]] == [
        row["title"] for row in booked(graph.world)[:1000]
    ]
    assert answer.calls == {"meetings": 10}


# Who asks


async def test_a_client_without_a_credential_gets_theirs_alone(graph: Supergraph) -> None:
    answer = await graph.ask("{ orders(first: 2) { edges { node { total buyer { name } } } } }", key="")
    nodes = [edge["node"] for edge in answer.data["orders"]["edges"]]
    assert [node["total"] for node in nodes] == [0, 10]
    assert all(not node["buyer"] or node["buyer"]["name"] is None for node in nodes)
    assert answer.errors
    assert answer.calls == {}


async def test_the_clients_scopes_hold_through_the_router(graph: Supergraph) -> None:
    answer = await graph.ask("{ scorecards(first: 2) { meeting { title person { name } } } }", key=MEETINGS)
    assert all(card["meeting"]["title"] and card["meeting"]["person"] is None for card in answer.data["scorecards"])
    assert answer.codes == ["FORBIDDEN"]
    assert answer.calls == {"meetings": 1}


async def test_entities_are_refused_without_a_router_s_key(graph: Supergraph) -> None:
    answer = await graph.ask("{ scorecards(first: 2) { id meeting { title } } }", **{"x-no-key": "1"})
    assert [card["id"] for card in answer.data["scorecards"]] == ["card-0", "card-1"]
    assert set(answer.codes) == {"FORBIDDEN"}
    assert answer.calls == {}
