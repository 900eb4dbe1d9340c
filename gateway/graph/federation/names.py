"""The names of a subgraph whose types bear a prefix: the graph is the same, and no name of it is another subgraph's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLNamedType,
    GraphQLSchema,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    Visitor,
    is_scalar_type,
    visit,
)

from gateway.graph.fields import OWN_NAME


class Prefixed:
    """The names of a schema with a prefix before each: types, inputs and enums, and in camelCase the root fields.

    Scalars, the root types and what Federation itself names (`_Service`, `_Entity`) have theirs in common with every
    other subgraph, and keep them.

    Args:
        schema: The schema, as it is without.
        prefix: The prefix; empty where there is none.
    """

    def __init__(self, schema: GraphQLSchema, prefix: str) -> None:
        self._prefix = prefix
        self._schema = schema
        self._roots = {kind.name for kind in (schema.query_type, schema.subscription_type) if kind is not None}

    def type(self, name: str) -> str:
        """The name of a type."""
        kind = self._schema.type_map[name]
        own = is_scalar_type(kind) or name in self._roots or name.startswith("_")
        return name if own else f"{self._prefix}{name}"

    def field(self, parent: str, name: str) -> str:
        """The name of a field of a type, both by their names without a prefix."""
        if parent not in self._roots or name.startswith("_") or not self._prefix:
            return name
        following = name if self._prefix.endswith("_") else f"{name[0].upper()}{name[1:]}"
        return f"{self._prefix[0].lower()}{self._prefix[1:]}{following}"

    def rename(self) -> GraphQLSchema:
        """The schema with these names; its types are those of the schema without, which is of no use afterwards."""
        if not self._prefix:
            return self._schema
        kinds = [kind for kind in self._schema.type_map.values() if not kind.name.startswith("__")]
        names: Mapping[GraphQLNamedType, str] = {kind: self.type(kind.name) for kind in kinds}
        for root in (self._schema.query_type, self._schema.subscription_type):
            if root is not None:
                root.fields = {self.field(root.name, name): field for name, field in root.fields.items()}
        for kind, name in names.items():
            kind.extensions = {**kind.extensions, OWN_NAME: kind.name}
            kind.name = name
        return GraphQLSchema(**self._schema.to_kwargs())

    def text(self, document: DocumentNode) -> DocumentNode:
        """The schema's text with these names."""
        renamed: DocumentNode = visit(document, _Renaming(self)) if self._prefix else document
        return renamed


class _Renaming(Visitor):
    """Renames where types are defined and named; what is below a root type's definition, its fields as well."""

    def __init__(self, names: Prefixed) -> None:
        super().__init__()
        self._names = names

    def leave(self, node: Any, *_: Any) -> Any:
        match node:
            case NamedTypeNode():
                return _named(node, self._names.type(node.name.value))
            case ObjectTypeDefinitionNode():
                parent = node.name.value
                fields = [self._field(parent, field) for field in node.fields or ()]
                return dataclasses.replace(_named(node, self._names.type(parent)), fields=tuple(fields))
            case TypeDefinitionNode():
                return _named(node, self._names.type(node.name.value))
            case _:
                return None

    def _field(self, parent: str, node: FieldDefinitionNode) -> FieldDefinitionNode:
        named: FieldDefinitionNode = _named(node, self._names.field(parent, node.name.value))
        return named


def _named(node: Any, name: str) -> Any:
    return dataclasses.replace(node, name=NameNode(value=name))
