"""Leaves: which values are the answer as they are, and how all others become it.

A value of the right class needs no more than a look; graphql-core's own `coerce_output_value` takes the rest, and says
what is wrong with what is neither.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any

from graphql import (
    Executor,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLOutputType,
    GraphQLString,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from gateway.execution.resolvers import Memo

MAX_TEXTS = 8_192
"""Texts cached for one scalar."""
NONE = type(None)


class Unusual(Exception):
    """A value that needs the careful way."""


class Texts(dict[Any, Any]):
    """The texts of a scalar's values, so that each is written once; None is itself.

    Args:
        scalar: The scalar.
        memo: Which of its values have texts that may be cached.
    """

    def __init__(self, scalar: GraphQLLeafType, memo: Memo) -> None:
        super().__init__({None: None})
        self._scalar = scalar
        self._memo = memo

    def __missing__(self, value: Any) -> Any:
        if value.__class__ is not self._memo.of:
            raise Unusual
        text = Executor.complete_leaf_value(self._scalar, value)
        if self._memo.admits(value):
            if len(self) > MAX_TEXTS:
                self.clear()
                self[None] = None
            self[value] = text
        return text


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """How a leaf type's values become the answer.

    Attributes:
        kind: The type.
        native: The class whose instances are the answer as they are; None where there is none.
        bounds: A further condition on `v` for that, as Python source.
        texts: The texts of those whose texts may be cached.
    """

    kind: GraphQLLeafType
    native: type[Any] | None = None
    bounds: str = ""
    texts: Texts | None = None

    def complete(self, value: Any) -> Any:
        """What a value is in the answer, the way graphql-core has it.

        Raises:
            Exception: It is not of the type.
        """
        return Executor.complete_leaf_value(self.kind, value)

    def all_native(self, classes: set[type[Any]]) -> bool:
        """Whether values of these classes are the answer as they are."""
        return self.native is not None and not self.bounds and classes <= {self.native, NONE}


_NATIVE: dict[GraphQLLeafType, tuple[type[Any], str]] = {
    GraphQLString: (str, ""),
    GraphQLID: (str, ""),
    GraphQLBoolean: (bool, ""),
    GraphQLInt: (int, "-2147483648 <= v <= 2147483647"),
    GraphQLFloat: (float, "v - v == 0.0"),  # neither infinite nor no number
}


def leaf(kind: GraphQLLeafType, memo: Memo | None) -> Leaf:
    """How a leaf type's values become the answer."""
    if kind in _NATIVE:
        return Leaf(kind, *_NATIVE[kind])
    if isinstance(kind, GraphQLEnumType):
        return Leaf(kind, _members(kind))
    return Leaf(kind, texts=None if memo is None else Texts(kind, memo))


def _members(kind: GraphQLEnumType) -> type[Any] | None:
    """The Python enum whose members, all of them, are written as this type's names: JSON has a member's value."""
    members = [value.value for value in kind.values.values()]
    written = all(
        isinstance(each, enum.Enum) and each.value == name for name, each in zip(kind.values, members, strict=True)
    )
    classes: set[type[enum.Enum]] = {type(member) for member in members}
    if written and len(classes) == 1 and set(next(iter(classes))) == set(members):
        return classes.pop()
    return None


class Constants:
    """The objects that generated source names."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {"Unusual": Unusual, "unusual": _unusual}
        self._names: dict[int, str] = {}

    def name(self, value: Any) -> str:
        """The name that stands for an object."""
        known = self._names.get(id(value))
        if known is None:
            known = self._names[id(value)] = f"c{len(self._names)}"
            self.named[known] = value
        return known


def expression(kind: GraphQLOutputType, made: Leaf, source: str, constants: Constants) -> str:
    """Python source of a leaf in the answer, or a list of them; evaluating it raises where the value is unusual.

    Args:
        kind: The field's type.
        made: The leaf.
        source: Source of the value.
        constants: Takes what the source has to name.
    """
    required = is_non_null_type(kind)
    inner = kind.of_type if is_non_null_type(kind) else kind
    if is_leaf_type(inner) and made.native is not None:
        condition = f"(v := {source}).__class__ is {constants.name(made.native)}"
        bounds = f" and {made.bounds}" if made.bounds else ""
        absent = "" if required else " or v is None"
        return f"(v if {condition}{bounds}{absent} else unusual())"
    if is_leaf_type(inner) and made.texts is not None:
        text = f"{constants.name(made.texts)}[{source}]"
        return f"(v if (v := {text}) is not None else unusual())" if required else text
    return f"{constants.name(_quick(kind, made))}({source})"


def _unusual() -> None:
    raise Unusual


def _quick(kind: GraphQLOutputType, made: Leaf) -> Callable[[Any], Any]:
    """A function that completes usual values of a type."""
    if is_non_null_type(kind):
        inside = _quick(kind.of_type, made)

        def required(value: Any) -> Any:
            return _unusual() if value is None else inside(value)

        return required
    if is_list_type(kind):
        return _quick_list(kind.of_type, made)

    def single(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Exception):
            raise Unusual
        return made.complete(value)

    return single


def _quick_list(kind: GraphQLOutputType, made: Leaf) -> Callable[[Any], Any]:
    item = _quick(kind, made)
    plain = is_leaf_type(kind.of_type if is_non_null_type(kind) else kind)
    required = is_non_null_type(kind)

    def items(values: Any) -> Any:
        if values is None:
            return None
        if values.__class__ is not tuple and values.__class__ is not list:
            raise Unusual
        classes = {*map(type, values)}
        if plain and made.all_native(classes) and not (required and NONE in classes):
            return values
        return [item(value) for value in values]

    return items
