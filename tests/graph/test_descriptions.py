"""What people read in GraphiQL: every part of the graph is described, in sentences, and so is the graph as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    graphql_sync,
)

from gateway.graph.schema import sdl
from gateway.model.records import Source
from tests.world import shared_engine

DIALECT = re.compile(
    r"\b(put away|written down|told|tells|is none|bears?|kept|learnt|anew|in any case|in the vendor's words?)\b"
)
"""Phrases that a native speaker would stumble over, which this graph once had."""


def described() -> Iterator[tuple[str, str | None]]:
    """Every part of the graph by its coordinate, with its description."""
    for name, kind in shared_engine().schema.type_map.items():
        if name.startswith("__"):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value}", each.description) for value, each in kind.values.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument, each in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument}:)", each.description


def test_every_part_is_described_in_a_sentence() -> None:
    assert [coordinate for coordinate, description in described() if not description] == []
    texts = {coordinate: description.rstrip() for coordinate, description in described() if description}
    assert len(texts) > 800
    assert {coordinate: text for coordinate, text in texts.items() if not text.endswith((".", ")", "`"))} == {}
    begins = re.compile(r"[A-Z`]|iCal")
    assert {coordinate: text for coordinate, text in texts.items() if not begins.match(text)} == {}
    assert {coordinate: text for coordinate, text in texts.items() if DIALECT.search(text)} == {}


def test_the_graph_describes_itself_in_its_text_and_in_introspection() -> None:
    schema = shared_engine().schema
    answer = graphql_sync(schema, "{ __schema { description } }")
    assert answer.errors is None
    assert answer.data is not None
    description = answer.data["__schema"]["description"]
    text = build_schema(sdl())
    assert text.description == description.rstrip()
    for source in Source:
        assert source.value.title() in description
    for word in ("sourceReports", "PARTIAL", "cursor", "extensions.code"):
        assert word in description
