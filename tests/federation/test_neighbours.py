"""The subgraph beside nine made-up ones of other teams whose names collide with its own, with a prefix and without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    InputObjectTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    parse,
)

from gateway.graph.federation.sdl import LEFT_OUT, subgraph_sdl
from gateway.graph.schema import build, core
from gateway.settings.federation import options
from tests.federation.node import HERE, run
from tests.federation.test_composition import COMPOSERS

pytestmark = pytest.mark.slow

NEIGHBOURS = sorted(path.stem for path in (HERE / "neighbours").glob("*.graphql"))
COMPOSE_ALL_THE_SAME = {"reporting", "helpdesk"}
"""Those whose like-named types do not keep the supergraph from being composed: the docs say what becomes of them."""
PREFIX = "Sales"


async def compositions(composer: str, folder: Path, sets: list[list[str]], prefix: str = "") -> list[Any]:
    """What a composer makes of our subgraph with each set of neighbours."""
    ours = folder / "meetings.graphql"
    ours.write_text(subgraph_sdl(options(prefix=prefix)), encoding="utf-8")
    given = [
        " ".join([f"meetings={ours}", *(f"{name}={HERE / 'neighbours' / name}.graphql" for name in neighbours)])
        for neighbours in sets
    ]
    lines = await run("compose.mjs", composer, *" and ".join(given).split())
    return [json.loads(line) for line in lines.splitlines()]


def members(document: DocumentNode) -> set[tuple[str, str]]:
    """Fields of types and inputs, and values of enums, each with its type."""
    found: set[tuple[str, str]] = set()
    for node in document.definitions:
        match node:
            case ObjectTypeDefinitionNode() | InputObjectTypeDefinitionNode():
                found |= {(node.name.value, each.name.value) for each in node.fields or ()}
            case EnumTypeDefinitionNode():
                found |= {(node.name.value, each.name.value) for each in node.values or ()}
    return found


def prefixed_members() -> set[tuple[str, str]]:
    """All that our subgraph has, by its prefixed names."""
    found: set[tuple[str, str]] = set()
    for kind in core(build()).type_map.values():
        names: list[str] = []
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            names = [name for name in kind.fields if (kind.name, name) not in LEFT_OUT]
        elif isinstance(kind, GraphQLEnumType):
            names = [*kind.values]
        if kind.name in {"Query", "Subscription"}:
            found |= {(kind.name, f"sales{name[0].upper()}{name[1:]}") for name in names}
        elif not kind.name.startswith("__"):
            found |= {(f"{PREFIX}{kind.name}", name) for name in names}
    return found


def test_there_are_nine() -> None:
    assert len(NEIGHBOURS) == 9


@pytest.mark.parametrize("composer", COMPOSERS)
async def test_with_a_prefix_it_composes_with_each_and_with_all_and_nothing_is_lost(
    composer: str, tmp_path: Path
) -> None:
    sets = [*([name] for name in NEIGHBOURS), NEIGHBOURS]
    for neighbours, composed in zip(sets, await compositions(composer, tmp_path, sets, PREFIX), strict=True):
        assert composed["errors"] == [], neighbours
        document = parse(composed["supergraph"])
        theirs = [parse((HERE / "neighbours" / f"{name}.graphql").read_text(encoding="utf-8")) for name in neighbours]
        lost = prefixed_members().union(*map(members, theirs)) - members(document)
        assert lost == set(), neighbours


@pytest.mark.parametrize("composer", COMPOSERS)
async def test_by_its_own_names_it_collides_as_the_docs_say(composer: str, tmp_path: Path) -> None:
    composed = await compositions(composer, tmp_path, [[name] for name in NEIGHBOURS])
    results = dict(zip(NEIGHBOURS, composed, strict=True))
    assert {name for name, each in results.items() if not each["errors"]} == COMPOSE_ALL_THE_SAME
    left = {name for kind, name in members(parse(results["reporting"]["supergraph"])) if kind == "DateTimeRange"}
    assert left == {"gte", "lte"}, "what only one of two like-named inputs has is silently lost"
    merged = {name for kind, name in members(parse(results["helpdesk"]["supergraph"])) if kind == "Task"}
    assert {"salesloft", "done"} <= merged, "like-named types of one key are one type"
