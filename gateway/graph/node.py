"""Relay's `Node`, and how every type of it makes its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from gateway.graph.ids import global_id
from gateway.model.records import Kind, Record

T = TypeVar("T")


def _node_id(root: strawberry.Parent[Any]) -> strawberry.ID:
    record: Record = root
    return strawberry.ID(global_id(KINDS[type(record)], record.source, record.source_id))


KINDS: dict[type[Record], Kind] = {}
"""Which kind of node each type of record is; filled by `node_face_of`."""
FACES: dict[type[Any], type[Any]] = {}
"""Which class of records each graph type is the face of."""


@strawberry.interface(description="Something with a global id, which `node(id:)` finds again.")
class Node:
    """Relay's Node interface."""

    id: strawberry.ID = strawberry.field(
        resolver=_node_id, description="A global id: opaque, stable, accepted by `node`, `nodes` and every `by: {id}`."
    )


def face_of(record: type[Any]) -> Callable[[type[T]], type[T]]:
    """Makes a graph type the face of a record: instances of the record are taken for it."""

    def decorate(cls: type[T]) -> type[T]:
        def is_type_of(_cls: type[T], value: object, _info: Any) -> bool:
            return isinstance(value, record)

        FACES[cls] = record
        cls.is_type_of = classmethod(is_type_of)  # type: ignore[attr-defined]  # the hook that Strawberry looks for
        return cls

    return decorate


def node_face_of(record: type[Record], kind: Kind) -> Callable[[type[T]], type[T]]:
    """Makes a graph type the face of a record that is a node of some kind."""
    KINDS[record] = kind
    return face_of(record)
