"""What the compiler of operations needs to know of the graph: how each field is resolved, from its one declaration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any

from graphql import GraphQLField, GraphQLLeafType, GraphQLObjectType
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from gateway.errors import Forbidden
from gateway.execution.resolvers import Attribute, Batch, Called, Computed, Face, Memo, Resolver
from gateway.graph.access import EXTENSION, Guarded, check
from gateway.graph.fields import BATCH, COMPUTED, DEFINITION, FACES, Batched, read

SPOILING = ("unreadable", "unfolded", "failed")
"""Attributes of records that, where they hold anything, may have a null explained by an error."""
MEMOS = {
    "DateTime": Memo(dt.datetime, lambda value: value.tzinfo is dt.UTC),
    "Date": Memo(dt.date, lambda _: True),
}


class GraphDeclarations:
    """The graph's declarations."""

    def resolver(self, _parent: GraphQLObjectType, _name: str, field: GraphQLField) -> Resolver:
        """How a field's value is had."""
        declared: StrawberryField | None = field.extensions.get(DEFINITION)
        if declared is None or declared.extensions:
            return Called()
        batched: Batched | None = declared.metadata.get(BATCH)
        if batched is not None:
            return _batch(batched)
        if COMPUTED in declared.metadata:
            return Computed(declared.metadata[COMPUTED])
        if declared.is_basic_field:
            return Attribute(declared.python_name, read)
        resolver = declared.base_resolver
        if resolver is not None and callable(resolver.wrapped_func) and _of_record_alone(resolver):
            return Computed(resolver.wrapped_func)
        return Called()

    def face(self, kind: GraphQLObjectType) -> Face | None:
        """The class of an object type's records."""
        declared = kind.extensions.get(DEFINITION)
        made_of = () if declared is None else declared.origin.__mro__  # a type made of a generic one derives from it
        record = next((FACES[each] for each in made_of if each in FACES), None)
        return None if record is None else Face(record, _soundness(record))

    def memo(self, scalar: GraphQLLeafType) -> Memo | None:
        """The values of a scalar whose texts may be cached."""
        return MEMOS.get(scalar.name)

    def audience(self, context: Guarded) -> Hashable:
        """The client's scopes."""
        return None if context.principal is None else context.principal.scopes

    def refusal(
        self, context: Guarded, _parent: GraphQLObjectType, _name: str, field: GraphQLField
    ) -> Exception | None:
        """That a scope is missing, where one is."""
        try:
            check(context.principal, field.extensions.get(EXTENSION, frozenset()))
        except Forbidden as refusal:
            return refusal
        return None


def _batch(batched: Batched) -> Batch:
    return Batch(
        name=batched.loader,
        loader=attrgetter(f"loaders.{batched.loader}"),
        key=batched.key,
        many=batched.many,
        ready=batched.ready,
        pick=batched.pick,
        explain=batched.explain,
    )


def _of_record_alone(resolver: StrawberryResolver[Any]) -> bool:
    """Whether a resolver takes nothing but the record."""
    parameters = resolver.signature.parameters
    return not resolver.is_async and len(parameters) == 1 and resolver.parent_parameter is not None


def _soundness(record: type[Any]) -> Callable[[Sequence[Any]], bool] | None:
    """What finds out whether none of some records has a null that an error explains."""
    spoiling = [attrgetter(name) for name in SPOILING if name in getattr(record, "__struct_fields__", ())]
    if not spoiling:
        return None
    (first, *others) = spoiling
    if not others:
        return lambda records: not any(map(first, records))
    return lambda records: not any(any(map(spoilt, records)) for spoilt in spoiling)
