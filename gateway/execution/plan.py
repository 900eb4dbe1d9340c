"""What an operation selects, merged and decided: the tree that is compiled, explained and walked for errors.

Made with graphql-core's own `collect_fields`, so that fragments, merging and `@skip`/`@include` are right by
construction. A plan holds for the values of the variables that its `@skip` and `@include` name, and no others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from graphql import (
    Executor,
    FieldNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet, collect_fields, collect_subfields

from gateway.execution.readings import Called, Context, Declarations, Reading

MOST_FIELDS = 2_000
"""Fields that a plan may have; what selects more is not worth compiling, and bounds what one costs."""
TYPENAME = "__typename"


class NotCovered(Exception):
    """The operation is graphql-core's to run; the message says why."""


@dataclasses.dataclass(eq=False, slots=True)
class Field:
    """A field of a selection.

    Attributes:
        name: Its name in the answer.
        definition: What the schema says of it.
        details: Its nodes in the document: several where selections were merged.
        reading: How its value is had.
        within: The selection that it is part of.
        refusal: Why nobody of this plan's audience is given it.
        below: What is selected below it; None for a leaf.
    """

    name: str
    definition: GraphQLField
    details: FieldDetailsList
    reading: Reading
    within: Selection
    refusal: Exception | None = None
    below: Selection | Choice | None = None

    @property
    def nodes(self) -> list[FieldNode]:
        """Where it stands in the document."""
        return [detail.node for detail in self.details]

    @property
    def field_name(self) -> str:
        """Its name in the schema."""
        return self.details[0].node.name.value

    @property
    def coordinate(self) -> str:
        """Its place in the schema: `Meeting.person`."""
        return f"{self.within.kind.name}.{self.field_name}"

    def selections(self) -> Iterator[Selection]:
        """What is selected below it, for each object type that it may lead to."""
        if isinstance(self.below, Selection):
            yield self.below
        elif self.below is not None:
            yield from self.below.selections.values()


@dataclasses.dataclass(eq=False, slots=True)
class Selection:
    """The fields selected of an object type; `owner` is the field that leads there, None at the top."""

    kind: GraphQLObjectType
    owner: Field | None
    fields: list[Field] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(eq=False, slots=True)
class Choice:
    """The selections of a field that leads to an interface or a union, by name of the object type."""

    kind: GraphQLAbstractType
    selections: dict[str, Selection] = dataclasses.field(default_factory=dict)


class Planner:
    """Plans one operation.

    Args:
        executor: graphql-core's executor of the operation, with its variables.
        declarations: What is known about the schema.
    """

    def __init__(self, executor: Executor[Any], declarations: Declarations) -> None:
        self._executor = executor
        self._declarations = declarations
        self._context: Context = executor.context_value
        self._count = 0

    def plan(self) -> Selection:
        """The operation's tree.

        Raises:
            NotCovered: It is graphql-core's to run.
        """
        executor = self._executor
        root = executor.schema.query_type
        if executor.operation.operation is not OperationType.QUERY or root is None:
            raise NotCovered(f"it is a {executor.operation.operation.value}")
        collected = collect_fields(
            executor.schema, executor.fragments, executor.variable_values, root, executor.operation
        )
        return self._selection(root, None, collected.grouped_field_set)

    def _selection(self, kind: GraphQLObjectType, owner: Field | None, grouped: GroupedFieldSet) -> Selection:
        selection = Selection(kind, owner)
        for name, details in grouped.items():
            selection.fields.append(self._field(selection, name, details))
        return selection

    def _field(self, within: Selection, name: str, details: FieldDetailsList) -> Field:
        self._count += 1
        if self._count > MOST_FIELDS:
            raise NotCovered(f"it selects more than {MOST_FIELDS} fields")
        kind, field_name = within.kind, details[0].node.name.value
        if field_name in {"__schema", "__type"}:
            raise NotCovered("it asks about the schema")
        definition = self._executor.schema.get_field(kind, field_name)
        if definition is None:
            raise NotCovered(f"{kind.name} has no field {field_name}")
        if field_name == TYPENAME:
            return Field(name, definition, details, Called(), within)
        reading = self._declarations.reading(kind, field_name, definition)
        refusal = self._declarations.refusal(self._context, kind, field_name, definition)
        field = Field(name, definition, details, reading, within, refusal)
        if refusal is None:
            field.below = self._below(field)
        return field

    def _below(self, field: Field) -> Selection | Choice | None:
        leads_to = get_named_type(field.definition.type)
        if is_object_type(leads_to):
            return self._selection(leads_to, field, self._collected(leads_to, field))
        if is_abstract_type(leads_to):
            choice = Choice(leads_to)
            for kind in self._executor.schema.get_possible_types(leads_to):
                choice.selections[kind.name] = self._selection(kind, field, self._collected(kind, field))
            return choice
        return None

    def _collected(self, kind: GraphQLObjectType, field: Field) -> GroupedFieldSet:
        executor = self._executor
        return collect_subfields(
            executor.schema,
            executor.fragments,
            executor.variable_values,
            executor.operation,
            kind,
            field.details,
        ).grouped_field_set
