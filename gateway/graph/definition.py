"""What is known of the parts of a schema that Strawberry made for graphql-core."""

from __future__ import annotations

from graphql import GraphQLField, GraphQLNamedType
from strawberry.types.field import StrawberryField

DEFINITION = "strawberry-definition"
"""Where Strawberry leaves its own definition on what it makes."""


OWN_NAME = "own-name"
"""Where a type that is shown by another name has its own."""


def own_name(kind: GraphQLNamedType) -> str:
    """The name of a type in the graph, whatever name it is shown by."""
    name: str = kind.extensions.get(OWN_NAME, kind.name)
    return name


def declared(field: GraphQLField) -> StrawberryField | None:
    """A field's declaration; None where it has none, as those of introspection."""
    found: StrawberryField | None = field.extensions.get(DEFINITION)
    return found
