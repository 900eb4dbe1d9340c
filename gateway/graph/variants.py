"""The graph by its own names and, where a supergraph asks for others, by those: one graph, found by what is asked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
)

from gateway.execution.executor import Operations
from gateway.graph.cost.estimate import Costs


class Variant(msgspec.Struct, frozen=True):
    """The graph by one set of names.

    Attributes:
        schema: The schema that has them.
        operations: Runs operations of it.
        costs: What they are expected to cost.
    """

    schema: GraphQLSchema
    operations: Operations
    costs: Costs

    def knows(self, names: Sequence[str]) -> int:
        """How many of some names are fields of its root."""
        root = self.schema.query_type
        return sum(root is not None and name in root.fields for name in names)


def variant_of(document: DocumentNode, variants: Sequence[Variant]) -> Variant:
    """The variant that a document is written for: the one that knows most of the fields at its root, else the first."""
    if len(variants) == 1:
        return variants[0]
    names = root_fields(document)
    return max(variants, key=lambda variant: variant.knows(names))


def root_fields(document: DocumentNode) -> list[str]:
    """The names of the fields at the root of a document's operations, those of its fragments included."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    sets = [node.selection_set for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    names: list[str] = []
    while sets:
        for node in sets.pop().selections:
            match node:
                case FieldNode():
                    names.append(node.name.value)
                case InlineFragmentNode():
                    sets.append(node.selection_set)
                case FragmentSpreadNode() if (fragment := fragments.pop(node.name.value, None)) is not None:
                    sets.append(fragment.selection_set)
    return names
