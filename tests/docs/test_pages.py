"""The queries of the README and of the pages under docs/ (but the cookbook, which has a test of its own), executed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_nullable_type

from gateway.emulator.world import World
from gateway.graph.schema import build, core
from tests.world import Gateway, running, shared_engine
from tests.world import world as world

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "cookbook.md")]
QUERY = re.compile(r"^```graphql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIABLES: dict[str, Any] = {
    "since": "2026-03-17T00:00:00Z",
    "from": "2026-01-26T00:00:00Z",
    "to": "2026-03-23T00:00:00Z",
}
"""Values for the variables that a page leaves to its reader."""

QUERIES = [
    pytest.param(query, id=f"{path.name}-{place}")
    for path in PAGES
    for place, query in enumerate(QUERY.findall(path.read_text(encoding="utf-8")))
    if "meetingChang" not in query  # tests/live answers these: they need a gateway that runs
]


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[Gateway]:
    """A gateway over every source, as the demo is."""
    async with running(world) as gateway:
        gateway.sources = ("SALESLOFT", "DRIFT", "CALENDLY")
        yield gateway


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_of_a_page_answers(gateway: Gateway, query: str) -> None:
    variables = {name: value for name, value in VARIABLES.items() if f"${name}:" in query}
    answer = (await gateway.ask(query, **variables)).ok
    assert answer["meetingStats"]["groups"] if "meetingStats" in answer else answer["meetings"]["nodes"]


async def test_the_readmes_answer_is_what_its_query_gives(gateway: Gateway) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (query,) = QUERY.findall(text)
    (answer,) = re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert (await gateway.ask(query)).ok == json.loads(answer)["data"]


def test_the_page_on_filters_names_every_condition() -> None:
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", (ROOT / "docs/filters.md").read_text("utf-8")))))
    inputs = [kind for name, kind in core(build()).type_map.items() if name.endswith("Filter")]
    conditions = {field for kind in inputs if isinstance(kind, GraphQLInputObjectType) for field in kind.fields}
    assert len(conditions) > 50
    assert conditions - named == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_apollo_is_told_of_every_record_that_lies_within_another() -> None:
    """Else two queries that select different fields of a vendor's record lose each other's."""
    types = [kind for kind in shared_engine().schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
    nodes = [kind for kind in types if "id" in kind.fields]
    held = (get_nullable_type(field.type) for kind in nodes for field in kind.fields.values())
    within = {each.name for each in held if isinstance(each, GraphQLObjectType) and "id" not in each.fields}
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    (merged,) = re.findall(r"const merged = \[(.*?)\];", page, re.DOTALL)
    assert set(re.findall(r'"(\w+)"', merged)) == {name for name in within if not name.endswith("Connection")}
