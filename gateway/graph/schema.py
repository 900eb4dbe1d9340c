"""The schema, and its text."""

from __future__ import annotations

import datetime as dt

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from gateway.graph.query import Query
from gateway.graph.relation import read
from gateway.graph.scalars import DateTime

DEFINITION = "strawberry-definition"
"""Where Strawberry keeps its own definition of a type."""


def build() -> strawberry.Schema:
    """The graph's schema."""
    return strawberry.Schema(
        query=Query,
        config=StrawberryConfig(default_resolver=read, scalar_map={dt.datetime: DateTime}),
    )


def core(schema: strawberry.Schema) -> GraphQLSchema:
    """The schema as graphql-core has it, for parsing, validating and executing."""
    inner: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry offers no public door to it
    for kind in inner.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            kind.is_one_of = kind.extensions[DEFINITION].is_one_of  # Strawberry tells it only in the text
    return inner


def sdl() -> str:
    """The schema's text, as `schema.graphql` holds it."""
    return build().as_str().rstrip() + "\n"
