"""The subgraph's text is taken by every composer, alone and together with subgraphs of others."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import pytest
import strawberry
from graphql import (
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_input_object_type,
    is_object_type,
    parse,
    print_ast,
)

from gateway.graph.federation.sdl import LEFT_OUT, PII_TAG, personal_fields, subgraph_sdl
from gateway.graph.fields import field
from gateway.graph.schema import build, core
from gateway.settings.federation import options
from tests.federation.node import run

COMPOSERS = ["apollo", "guild", "wundergraph"]
ACCESS = ("authenticated", "requiresScopes")


async def subgraphs(folder: Path, *others: str, version: str = "", directives: tuple[str, ...] = ()) -> list[str]:
    """Our subgraph and some of others, as the scripts take them."""
    texts = {"meetings": subgraph_sdl(options(version, directives))}
    for other in others:
        texts[other] = await run("foreign.mjs", other)
    for name, text in texts.items():
        (folder / f"{name}.graphql").write_text(text, encoding="utf-8")
    return [f"{name}={folder / f'{name}.graphql'}" for name in texts]


async def composed(
    composer: str, folder: Path, *others: str, version: str = "", directives: tuple[str, ...] = ()
) -> str:
    """The supergraph of our subgraph and some of others."""
    given = await subgraphs(folder, *others, version=version, directives=directives)
    reported = json.loads(await run("compose.mjs", composer, *given))
    assert reported["errors"] == []
    return str(reported["supergraph"])


def fields(supergraph: str, kind: str) -> set[str]:
    document = parse(supergraph)
    (found,) = [
        node for node in document.definitions if isinstance(node, ObjectTypeDefinitionNode) and node.name.value == kind
    ]
    return {field.name.value for field in found.fields or ()}


@pytest.mark.slow
@pytest.mark.parametrize("composer", COMPOSERS)
async def test_it_composes_with_a_relay_subgraph_and_one_that_adds_to_our_types(composer: str, tmp_path: Path) -> None:
    supergraph = await composed(composer, tmp_path, "shop", "coach")
    assert {"title", "owner", "score", "prep"} <= fields(supergraph, "Meeting")
    assert {"name", "meetings", "mood", "reach"} <= fields(supergraph, "Person")
    assert {"name", "badge"} <= fields(supergraph, "User")
    assert {"meetings", "person", "orders", "scorecards", "node"} <= fields(supergraph, "Query")
    assert "hasNextPage" in fields(supergraph, "PageInfo")


@pytest.mark.slow
@pytest.mark.parametrize("composer", COMPOSERS)
@pytest.mark.parametrize(
    ("version", "directives"), [("2.0", ()), ("2.5", ACCESS), ("2.8", ()), ("2.9", ACCESS)], ids=str
)
async def test_it_composes_in_every_version_that_all_composers_know(
    composer: str, version: str, directives: tuple[str, ...], tmp_path: Path
) -> None:
    supergraph = await composed(composer, tmp_path, version=version, directives=directives)
    assert "startTime" in fields(supergraph, "Meeting")
    assert ("requiresScopes" in supergraph) == bool(directives)


@pytest.mark.slow
@pytest.mark.parametrize("composer", ["apollo", "wundergraph"])
async def test_later_versions_compose_where_they_are_known(composer: str, tmp_path: Path) -> None:
    supergraph = await composed(composer, tmp_path, version="2.12", directives=ACCESS)
    assert "startTime" in fields(supergraph, "Meeting")


async def test_costs_and_list_sizes_arrive_in_the_supergraph(tmp_path: Path) -> None:
    supergraph = await composed("apollo", tmp_path)
    assert 'slicingArguments: ["first", "last"]' in supergraph
    assert "@cost(weight: 3)" in supergraph
    assert '@tag(name: "pii")' in supergraph


def coordinates(schema: GraphQLSchema) -> set[tuple[str, str]]:
    kinds = [kind for kind in schema.type_map.values() if is_object_type(kind) and not kind.name.startswith("_")]
    return {(kind.name, name) for kind in kinds for name in kind.fields}


def questions(schema: GraphQLSchema) -> set[tuple[str, ...]]:
    """Every argument, and every field of an input."""
    kinds = [kind for kind in schema.type_map.values() if not kind.name.startswith("_")]
    inputs = {(kind.name, name) for kind in kinds if is_input_object_type(kind) for name in kind.fields}
    fields = ((kind.name, name, each) for kind in kinds if is_object_type(kind) for name, each in kind.fields.items())
    return inputs | {(kind, name, argument) for kind, name, each in fields for argument in each.args}


def tagged_questions(text: str) -> set[tuple[str, ...]]:
    """Those of a subgraph's text that bear the tag."""
    found: set[tuple[str, ...]] = set()
    for node in parse(text).definitions:
        if isinstance(node, InputObjectTypeDefinitionNode):
            found |= {(node.name.value, each.name.value) for each in node.fields or () if is_tagged(each)}
        elif isinstance(node, ObjectTypeDefinitionNode):
            found |= {
                (node.name.value, each.name.value, argument.name.value)
                for each in node.fields or ()
                for argument in each.arguments or ()
                if is_tagged(argument)
            }
    return found


def is_tagged(node: InputValueDefinitionNode) -> bool:
    return any(print_ast(directive) == f'@tag(name: "{PII_TAG}")' for directive in node.directives or ())


def reachable(schema: GraphQLSchema, without: Collection[tuple[str, str]]) -> set[str]:
    """The object types that some way leads to that goes through none of the fields; Hive leaves the others out."""
    found: set[str] = set()
    waiting = [kind for kind in (schema.query_type, schema.subscription_type) if kind is not None]
    while waiting:
        kind = waiting.pop()
        if kind.name in found:
            continue
        found.add(kind.name)
        for name, each in kind.fields.items():
            leads = get_named_type(each.type)
            if (kind.name, name) in without:
                continue
            if is_abstract_type(leads):
                waiting += schema.get_possible_types(leads)
            elif is_object_type(leads):
                waiting.append(leads)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("others", [(), ("shop", "coach")], ids=["alone", "with others"])
@pytest.mark.parametrize("maker", ["apollo", "hive", "cosmo"])
async def test_a_contract_leaves_personal_data_out_and_nothing_else(
    maker: str, others: tuple[str, ...], tmp_path: Path
) -> None:
    reported = json.loads(await run("contract.mjs", maker, PII_TAG, *await subgraphs(tmp_path, *others)))
    assert reported["errors"] == []
    ours = core(build())
    personal = personal_fields(ours)
    assert {("Person", "email"), ("SalesloftMeeting", "ownedByMeetingsSettings")} <= personal
    contract = build_schema(reported["schema"])
    left = coordinates(contract)
    assert left & personal == set()
    expected = coordinates(ours) - personal - LEFT_OUT
    if maker == "hive":
        reached = reachable(ours, personal)
        expected = {each for each in expected if each[0] in reached}
    assert expected <= left
    asking = tagged_questions((tmp_path / "meetings.graphql").read_text(encoding="utf-8"))
    assert {("PersonBy", "email"), ("UserFilter", "emails"), ("MeetingFilter", "personEmails")} <= asking
    assert questions(contract) & asking == set()
    gone = {each for each in questions(ours) if each[:2] in personal | LEFT_OUT}
    assert questions(ours) - asking - gone <= questions(contract)


@strawberry.type
class Letter:
    text: str = field("Its text.", personal=True)


@strawberry.type
class Letterbox:
    letters: list[Letter] = field("Those in it.")
    first: Letter | None = field("The first of them.")


@strawberry.type
class House:
    letterbox: Letterbox | None = field("Its letterbox.")
    box_or_letter: Annotated[Letterbox | Letter, strawberry.union("BoxOrLetter")] = field("Either.")
    number: int = field("Its number.")


@strawberry.type
class Street:
    houses: list[House] = field("Those in it.")


def test_what_leads_to_personal_data_alone_is_tagged_however_deep_it_lies() -> None:
    own = {"Letter", "Letterbox", "House", "Street"}
    assert {each for each in personal_fields(core(build(Street))) if each[0] in own} == {
        ("Letter", "text"),
        ("Letterbox", "letters"),
        ("Letterbox", "first"),
        ("House", "letterbox"),
        ("House", "boxOrLetter"),
    }
