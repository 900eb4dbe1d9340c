"""The schema, and its text."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter

from gateway.graph.definition import DEFINITION
from gateway.graph.query import Query
from gateway.graph.relation import read
from gateway.graph.scalars import DateTime


class Names(NameConverter):
    """Strawberry's own names; it asks for those of arguments whenever a resolver is called."""

    def __init__(self) -> None:
        super().__init__()
        self.apply_naming_config = functools.cache(super().apply_naming_config)  # type: ignore[method-assign]  # the same, remembered: names are the schema's


def build(query: type[Any] = Query, scalars: Mapping[Any, Any] = MappingProxyType({})) -> strawberry.Schema:
    """The graph's schema.

    Args:
        query: The type of its root.
        scalars: Scalars that only this root has, by the Python types that stand for them.
    """
    return strawberry.Schema(
        query=query,
        config=StrawberryConfig(
            default_resolver=read, scalar_map={dt.datetime: DateTime, **scalars}, name_converter=Names()
        ),
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
