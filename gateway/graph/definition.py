"""What Strawberry knows of what it made for graphql-core."""

from __future__ import annotations

from graphql import GraphQLField
from strawberry.types.field import StrawberryField

DEFINITION = "strawberry-definition"
"""Where Strawberry leaves its own definition on what it makes."""


def declared(field: GraphQLField) -> StrawberryField | None:
    """A field's declaration; None where it has none, as those of introspection."""
    found: StrawberryField | None = field.extensions.get(DEFINITION)
    return found
