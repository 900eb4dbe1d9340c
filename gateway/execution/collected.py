"""An operation understood once: what it selects, for the values that a request sends for its conditions.

Whoever has to know what an operation selects reads this one tree: what it costs, what resolvers look ahead for, and
what is compiled. It is collected by graphql-core's own `collect_fields`, so that fragments, merging, `@skip` and
`@include` are right by construction, and each merged selection is collected once, when somebody first looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from graphql import (
    Executor,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FieldDetailsList,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from gateway.execution.conditions import Uses

Place: TypeAlias = tuple[GraphQLObjectType, tuple[int, ...]]
"""A type, and the selection sets on it, by their identities."""


class SelectedField:
    """A field of a selection.

    Attributes:
        name: Its name in the answer.
        definition: What the schema says of it.
        details: Its nodes in the document: several where selections were merged.
    """

    __slots__ = ("_operation", "definition", "details", "name")

    def __init__(self, operation: Operation, name: str, definition: GraphQLField, details: FieldDetailsList) -> None:
        self.name = name
        self.definition = definition
        self.details = details
        self._operation = operation

    @property
    def field_name(self) -> str:
        """Its name in the schema."""
        return self.details[0].node.name.value

    @property
    def nodes(self) -> list[FieldNode]:
        """Where it stands in the document."""
        return [detail.node for detail in self.details]

    def below(self) -> Iterator[SelectionSet]:
        """What is selected below it, for each object type that it may lead to."""
        return self._operation.below(self.definition.type, self.nodes)

    def on(self, kind: GraphQLObjectType) -> SelectionSet:
        """What is selected below it on one of the object types that it may lead to."""
        return self._operation.selected(kind, self.nodes)


class SelectionSet:
    """The fields selected on an object type, in the order of the answer; a field that the type has not is left out."""

    __slots__ = ("fields", "kind")

    def __init__(self, kind: GraphQLObjectType, fields: Sequence[SelectedField]) -> None:
        self.kind = kind
        self.fields = fields


class Operation:
    """One operation, for the values of its conditions.

    Args:
        executor: graphql-core's executor of it, with the request's variables, of which only the conditions are cached.
        uses: What it does with variables.

    Attributes:
        node: It, in the document.
        uses: What it does with variables.
    """

    def __init__(self, executor: Executor[Any], uses: Uses) -> None:
        self.node: OperationDefinitionNode = executor.operation
        self.uses = uses
        self._schema: GraphQLSchema = executor.schema
        self._fragments = executor.fragments
        self._values = _of_conditions(executor.variable_values, uses)
        self._known: dict[Place, SelectionSet] = {}

    @property
    def root(self) -> SelectionSet | None:
        """What is selected at the top; None where the schema has no such operations."""
        kind = self._schema.get_root_type(self.node.operation)
        if kind is None:
            return None
        place = kind, (id(self.node.selection_set),)
        known = self._known.get(place)
        if known is None:
            collected = collect_fields(self._schema, self._fragments, self._values, kind, self.node)
            known = self._known[place] = self._selection(kind, collected.grouped_field_set)
        return known

    def below(self, kind: GraphQLOutputType, nodes: Sequence[FieldNode]) -> Iterator[SelectionSet]:
        """What is selected below a field, for each object type that it may lead to; nothing below a leaf.

        Args:
            kind: The field's type.
            nodes: Where it stands in the document.
        """
        leads_to = get_named_type(kind)
        if is_object_type(leads_to):
            yield self.selected(leads_to, nodes)
        elif is_abstract_type(leads_to):
            for each in self._schema.get_possible_types(leads_to):
                yield self.selected(each, nodes)

    def selected(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> SelectionSet:
        """What the selection sets of some nodes select on an object type."""
        place = kind, tuple([id(node.selection_set) for node in nodes])
        known = self._known.get(place)
        if known is None:
            details = [FieldDetails(node, None) for node in nodes]
            collected = collect_subfields(self._schema, self._fragments, self._values, self.node, kind, details)
            known = self._known[place] = self._selection(kind, collected.grouped_field_set)
        return known

    def _selection(self, kind: GraphQLObjectType, grouped: GroupedFieldSet) -> SelectionSet:
        fields: list[SelectedField] = []
        for name, details in grouped.items():
            definition = self._schema.get_field(kind, details[0].node.name.value)
            if definition is not None:
                fields.append(SelectedField(self, name, definition, details))
        return SelectionSet(kind, fields)


def _of_conditions(values: VariableValues, uses: Uses) -> VariableValues:
    """The values of the variables that conditions look at, and no others: nothing else that clients send is cached."""
    names = {condition.variable.name.value for condition in uses.conditions}
    sources = {name: source for name, source in values.sources.items() if name in names}
    coerced = {name: value for name, value in values.coerced.items() if name in names}
    return VariableValues(sources, coerced)
