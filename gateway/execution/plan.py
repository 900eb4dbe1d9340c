"""What of an operation is to be done for one audience: the tree that is compiled, explained and walked for errors.

Made of what the operation selects (`collected`), and so for the same values of its conditions, and no others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from graphql import (
    FieldNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    OperationType,
    get_named_type,
    is_abstract_type,
)
from graphql.execution.collect_fields import FieldDetailsList

from gateway.execution.collected import Operation, SelectedField, SelectionSet
from gateway.execution.resolvers import Called, Context, Declarations, Resolver

MAX_FIELDS = 2_000
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
        resolver: How its value is had.
        within: The selection that it is part of.
        refusal: Why nobody of this plan's audience is given it.
        below: What is selected below it; None for a leaf.
    """

    name: str
    definition: GraphQLField
    details: FieldDetailsList
    resolver: Resolver
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
        operation: The operation.
        declarations: What is known about the schema.
        context: Whose context decides what is refused.
    """

    def __init__(self, operation: Operation, declarations: Declarations, context: Context) -> None:
        self._operation = operation
        self._declarations = declarations
        self._context = context
        self._count = 0

    def plan(self) -> Selection:
        """The operation's tree.

        Raises:
            NotCovered: It is graphql-core's to run.
        """
        kind, root = self._operation.node.operation, self._operation.root
        if kind is OperationType.MUTATION or root is None:
            raise NotCovered(f"it is a {kind.value}")
        return self._selection(root, None)

    def _selection(self, selected: SelectionSet, owner: Field | None) -> Selection:
        selection = Selection(selected.kind, owner)
        for each in selected.fields:
            selection.fields.append(self._field(selection, each))
        return selection

    def _field(self, within: Selection, selected: SelectedField) -> Field:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise NotCovered(f"it selects more than {MAX_FIELDS} fields")
        kind, name, definition = within.kind, selected.field_name, selected.definition
        if name in {"__schema", "__type"}:
            raise NotCovered("it asks about the schema")
        if name == TYPENAME:
            return Field(selected.name, definition, selected.details, Called(), within)
        resolver = self._declarations.resolver(kind, name, definition)
        refusal = self._declarations.refusal(self._context, kind, name, definition)
        field = Field(selected.name, definition, selected.details, resolver, within, refusal)
        if refusal is None:
            field.below = self._below(selected, field)
        return field

    def _below(self, selected: SelectedField, field: Field) -> Selection | Choice | None:
        leads_to = get_named_type(field.definition.type)
        below = {each.kind.name: self._selection(each, field) for each in selected.below()}
        if is_abstract_type(leads_to):
            return Choice(leads_to, below)
        return next(iter(below.values()), None)
