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

from gateway.graph.fields import DEFINITION, read
from gateway.graph.query import Query
from gateway.graph.scalars import Date, DateTime
from gateway.graph.subscription import Subscription
from gateway.model.records import Source

NAMES = [source.value.title() for source in Source]
DESCRIPTION = f"""\
Meetings from {", ".join(NAMES[:-1])} and {NAMES[-1]} as one graph, with the people, team members, \
cadences, accounts, tasks and conversations that belong to them.

**Records.** An event, a person or a team member that several sources have is shown once: as the record of the \
source that is listed first in the enum `Source`, with the others merged into it. `sources` says which sources \
have it. Fields that only one source has are under that source's name. `node` fetches any record again by its \
global `id`.

**Lists** are Relay connections. A cursor is a position in the order, not an offset: it stays valid when rows come \
and go.

**When a source is down**, only its own rows are missing. A list still answers with the rows of the other sources, \
and `sourceReports` says for each source whether its part is complete (`OK`, `STALE`), incomplete (`PARTIAL`), \
missing (`FAILED`) or not asked for (`SKIPPED`), and why. Fetching again from the same cursor completes the list. \
Only if all sources that were asked fail is the list null, with an error. A field that needs a source which does \
not answer is null, with an error at its path. `sources` tells the state of each source.

**Errors** have a code in `extensions.code`, such as `BAD_USER_INPUT` with the `argument` that is wrong, \
`UPSTREAM_UNAVAILABLE` with the `source`, or `OPERATION_TOO_COSTLY`.\
"""
"""What the schema says of itself, in its text and in introspection; Markdown, as GraphiQL shows it."""


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
        subscription=Subscription,
        config=StrawberryConfig(
            default_resolver=read, scalar_map={dt.datetime: DateTime, dt.date: Date, **scalars}, name_converter=Names()
        ),
    )


def core(schema: strawberry.Schema) -> GraphQLSchema:
    """The schema as graphql-core has it, for parsing, validating and executing."""
    inner: GraphQLSchema = schema._schema  # noqa: SLF001 - Strawberry offers no public door to it
    inner.description = DESCRIPTION
    for kind in inner.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            kind.is_one_of = kind.extensions[DEFINITION].is_one_of  # Strawberry has it only in the text
    return inner


def sdl() -> str:
    """The schema's text, as `schema.graphql` holds it."""
    schema = build()  # whose own text leaves out the schema's definition, and with it its description
    roots = [("query", core(schema).query_type), ("subscription", core(schema).subscription_type)]
    operations = "".join(f"  {name}: {root.name}\n" for name, root in roots if root is not None)
    return f'"""\n{DESCRIPTION}\n"""\nschema {{\n{operations}}}\n\n{schema.as_str().rstrip()}\n'
