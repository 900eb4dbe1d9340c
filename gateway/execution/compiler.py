"""From a planned operation to what runs it: a maker of rows for each selection, a completion for each field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLLeafType,
    GraphQLOutputType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from gateway.execution.completion import (
    AbstractCompletion,
    CompletionTarget,
    LeafCompletion,
    ListCompletion,
    ObjectCompletion,
    embedded,
    inner_rows,
)
from gateway.execution.errors import slot_of
from gateway.execution.leaves import Constants, Leaf, expression, leaf
from gateway.execution.plan import TYPENAME, Choice, Field, Selection
from gateway.execution.resolvers import Attribute, Batch, Computed, Declarations, Resolver
from gateway.execution.rows import Column, Rows, RowStep, attribute_source, getter
from gateway.execution.run import Completion
from gateway.execution.steps import Below, Loaded, RefusedField, Resolved


class Plan:
    """A compiled operation.

    Attributes:
        document: The document that it was compiled from; held, since plans are found by its identity.
        selection: What it selects.
        root: What makes the row of the root.
        selections: What each class of rows was made for.
        fields: How many fields it has, which is what it costs to keep.
    """

    def __init__(self, document: DocumentNode, selection: Selection, compiler: Compiler) -> None:
        self.document = document
        self.selection = selection
        self.root = compiler.rows(selection)
        self.selections = compiler.selections
        self.fields = sum(len(each.fields) for each in compiler.selections.values())


class Leaves:
    """The leaf types of a schema, each made once, for all plans.

    Args:
        declarations: Which scalars' texts may be cached.
    """

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        self._made: dict[GraphQLLeafType, Leaf] = {}

    def of(self, kind: GraphQLLeafType) -> Leaf:
        """How a leaf type's values become the answer."""
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = leaf(kind, self._declarations.memo(kind))
        return made


class Compiler:
    """Compiles the selections of one plan.

    Args:
        declarations: What is known about the schema.
        leaves: Its leaf types.
    """

    def __init__(self, declarations: Declarations, leaves: Leaves) -> None:
        self._declarations = declarations
        self._leaves = leaves
        self.selections: dict[type[Any], Selection] = {}

    def rows(self, selection: Selection) -> Rows:
        """What makes the rows of a selection."""
        constants = Constants()
        columns: dict[int, Column] = {}
        steps: list[RowStep] = []
        for place, field in enumerate(selection.fields):
            part = self._leaf(place, field, constants) or self._part(slot_of(place), field, constants)
            if isinstance(part, Column):
                columns[place] = part
            else:
                steps.append(part)
        face = self._declarations.face(selection.kind) if selection.owner is not None else None
        made = Rows(selection, face, columns, steps, constants)
        self.selections[made.row] = selection
        return made

    def _leaf(self, place: int, field: Field, constants: Constants) -> Column | None:
        """The column of a leaf that is read off the record or computed from it; None for any other field."""
        slot = slot_of(place)
        if field.field_name == TYPENAME:
            return self._typename(slot, field, constants)
        kind, leads_to = field.definition.type, get_named_type(field.definition.type)
        if (
            field.refusal is not None
            or not is_leaf_type(leads_to)
            or not isinstance(field.resolver, Attribute | Computed)
        ):
            return None
        careful = _careful(field.resolver)
        plain = attribute_source(field.resolver.name) if isinstance(field.resolver, Attribute) else None
        quick = field.resolver.function if isinstance(field.resolver, Computed) else careful
        source = plain or f"{constants.name(quick)}(o)"
        source = expression(kind, self._leaves.of(leads_to), source, constants)
        return Column(slot, careful, self._completion(field, kind), source)

    def _typename(self, slot: str, field: Field, constants: Constants) -> Column:
        name = field.within.kind.name
        return Column(slot, lambda _: name, self._completion(field, field.definition.type), constants.name(name))

    def _part(self, slot: str, field: Field, constants: Constants) -> Column | RowStep:
        """What fills the slot of any other field: a step, or a column where plain objects lie in the record itself."""
        resolver = field.resolver
        if field.refusal is not None:
            return RefusedField(slot, field, field.refusal)
        completion = self._completion(field, field.definition.type)
        if isinstance(resolver, Batch):
            return Loaded(slot, field, resolver, completion)
        if not isinstance(resolver, Attribute | Computed):
            return Resolved(slot, field, completion)
        careful = _careful(resolver)
        plain = attribute_source(resolver.name) if isinstance(resolver, Attribute) else None
        quick = getter(resolver.name) if isinstance(resolver, Attribute) else careful
        source = embedded(completion, plain or f"{constants.name(quick)}(o)", constants)
        if source is None:
            return Below(slot, quick, careful, completion)
        return Column(
            slot,
            careful,
            completion,
            source,
            quick if isinstance(completion, ListCompletion) else None,
            inner_rows(completion),
        )

    def _completion(self, field: Field, kind: GraphQLOutputType) -> Completion:
        required = is_non_null_type(kind)
        inner = kind.of_type if is_non_null_type(kind) else kind
        target = CompletionTarget(field, required=required)
        if is_list_type(inner):
            return ListCompletion(target, self._completion(field, inner.of_type))
        if is_leaf_type(inner):
            return LeafCompletion(target, self._leaves.of(inner))
        if isinstance(field.below, Choice):
            return self._choice(target, field.below)
        if field.below is None:
            raise TypeError(f"{field.coordinate} leads nowhere.")
        return ObjectCompletion(target, self.rows(field.below), shared=isinstance(field.resolver, Batch))

    def _choice(self, target: CompletionTarget, choice: Choice) -> AbstractCompletion:
        rows = {name: self.rows(selection) for name, selection in choice.selections.items()}
        faces = {name: self._declarations.face(each.kind) for name, each in choice.selections.items()}
        records = Counter(face.record for face in faces.values() if face is not None)
        names = {face.record: name for name, face in faces.items() if face is not None and records[face.record] == 1}
        return AbstractCompletion(target, choice.kind, rows, names)


def _careful(resolver: Resolver) -> Callable[[Any], Any]:
    """The careful way to what is read off a record or computed from it."""
    if isinstance(resolver, Attribute):
        read, name = resolver.read, resolver.name
        return lambda record: read(record, name)
    if isinstance(resolver, Computed):
        return resolver.function
    raise TypeError("Only what is read off a record or computed from it has such a way.")
