"""Errors in their places: marked where they happen, and located, with nulls propagated, in a second pass.

The pass is made only over the fields that errors were marked in, and those above them. A row of what is loaded may
stand in many places of an answer, so it is copied before a null is written into it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import is_not
from typing import Any, TypeAlias

import msgspec
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    is_list_type,
    is_non_null_type,
    located_error,
)

from gateway.execution.plan import Field, Selection
from gateway.execution.resolvers import Batch

Row: TypeAlias = Any
"""An object of the answer: an instance of the class that was made for its selection, a slot a field."""
Path: TypeAlias = tuple[Any, ...]
"""A place in the answer as nested pairs: `(above, key)`; the empty one is the top."""


def slot_of(place: int) -> str:
    """The attribute of a row that holds the field at that place of its selection."""
    return f"f{place}"


class Surprise(Exception):
    """Something that the compiled way is not made for; graphql-core takes over. The message says what."""


class FieldError:
    """What stands where a value could not be had; without an error, once the run is over.

    Args:
        error: Why.
        once: Whether it is reported at one of its places for all of them.
    """

    __slots__ = ("error", "once", "reported")

    def __init__(self, error: Exception, *, once: bool = False) -> None:
        self.error = error
        self.once = once
        self.reported = False


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns or raises."""
    try:
        return function(*arguments)
    except Surprise:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a field's value ends with is the field's error
        return error


def with_fields_above(fields: Iterable[Field]) -> set[Field]:
    """These fields, and those that lead to them."""
    marked: set[Field] = set()
    for each in fields:
        field: Field | None = each
        while field is not None and field not in marked:
            marked.add(field)
            field = field.within.owner
    return marked


class Look(msgspec.Struct, frozen=True):
    """A slot that the second pass looks at.

    Attributes:
        slot: The slot.
        name: The field's name in the answer.
        nodes: Where it stands in the document.
        kind: Its type.
        deeper: Whether there are marks below the field too.
        flat: Whether a mark can only be the slot's whole value.
    """

    slot: str
    name: str
    nodes: list[FieldNode]
    kind: GraphQLOutputType
    deeper: bool
    flat: bool

    @classmethod
    def at(cls, place: int, field: Field, *, deeper: bool) -> Look:
        """The look at a field's slot."""
        kind = field.definition.type
        listed = is_list_type(kind.of_type if is_non_null_type(kind) else kind)
        return cls(slot_of(place), field.name, field.nodes, kind, deeper, not (deeper or listed))


class Settling:
    """The second pass over an answer.

    Args:
        failed: The fields that errors were marked in.
        selections: What each class of rows was made for.
    """

    def __init__(self, failed: Iterable[Field], selections: Mapping[type[Any], Selection]) -> None:
        marked = with_fields_above(failed)
        above = {field.within.owner for field in marked}
        self._looks = {
            row: [
                Look.at(place, field, deeper=field in above)
                for place, field in enumerate(selection.fields)
                if field in marked
            ]
            for row, selection in selections.items()
        }
        self._shared = {row for row, selection in selections.items() if _shared(selection)}
        self._clean: set[int] = set()
        self.errors: list[GraphQLError] = []

    def settle(self, root: Row) -> Row | None:
        """The answer without marks; None where a null went all the way up."""
        try:
            return self._row(root, ())
        except GraphQLError as error:
            self._note(error)
            return None

    def _row(self, row: Row, path: Path) -> Row:
        if id(row) in self._clean:
            return row
        known, settled = len(self.errors), row
        for look in self._looks[type(row)]:
            value = getattr(row, look.slot)
            if value is None or (look.flat and value.__class__ is not FieldError):
                continue
            settled_value = self._value(value, look.kind, look, (path, look.name))
            if settled_value is not value:
                settled = copy.copy(row) if settled is row and type(row) in self._shared else settled
                setattr(settled, look.slot, settled_value)
        if settled is row and known == len(self.errors):
            self._clean.add(id(row))
        return settled

    def _value(self, value: Any, kind: GraphQLOutputType, look: Look, path: Path) -> Any:
        """A value without marks.

        Raises:
            GraphQLError: It may not be null, and came to nothing.
        """
        family = value.__class__
        try:
            if family in self._looks:
                return self._row(value, path) if look.deeper else value
            if family is list or family is tuple:
                inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
                return self._items(value, inner, look, path) if isinstance(inner, GraphQLList) else value
            if family is FieldError:
                return self._field_error(value, kind, look, path)
        except GraphQLError as error:
            if isinstance(kind, GraphQLNonNull):
                raise
            self._note(error)
            return None
        return value

    def _field_error(self, mark: FieldError, kind: GraphQLOutputType, look: Look, path: Path) -> None:
        """What stands for a mark, with its error noted."""
        if mark.reported and not isinstance(kind, GraphQLNonNull):
            return
        error = _located(mark.error, look.nodes, _keys(path))
        if isinstance(kind, GraphQLNonNull):
            raise error
        mark.reported = mark.once
        self._note(error)

    def _items(self, values: Sequence[Any], kind: GraphQLList[Any], look: Look, path: Path) -> Sequence[Any]:
        item = kind.of_type
        settled = [
            None if value is None else self._value(value, item, look, (path, place))
            for place, value in enumerate(values)
        ]
        return settled if any(map(is_not, settled, values)) else values

    def _note(self, error: GraphQLError) -> None:
        """Keeps an error, without the frames that it came through: they hold rows."""
        self.errors.append(error.with_traceback(None))


def _shared(selection: Selection) -> bool:
    """Whether a row of it may stand in several places: what is loaded does, with all below it."""
    owner = selection.owner
    return owner is not None and (isinstance(owner.resolver, Batch) or _shared(owner.within))


def _located(error: Exception, nodes: list[FieldNode], path: list[str | int]) -> GraphQLError:
    """As `located_error` does, which finds out by failing that hardly an exception has attributes of a GraphQLError."""
    if isinstance(error, GraphQLError) or hasattr(error, "nodes") or hasattr(error, "positions"):
        return located_error(error, nodes, path)
    return GraphQLError(str(getattr(error, "message", error)), nodes, path=path, original_error=error)


def _keys(path: Path) -> list[str | int]:
    keys: list[str | int] = []
    while path:
        path, key = path
        keys.append(key)
    return keys[::-1]
