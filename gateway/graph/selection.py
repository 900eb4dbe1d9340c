"""Which fields an operation selects below a field, so that nothing else is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    VariableNode,
)
from strawberry import Info

_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


def attribute(name: str) -> str:
    """The attribute that a field's name stands for: `startTime` -> `start_time`."""
    return _HUMP.sub("_", name).lower()


class Selection:
    """The fields selected below some fields, whatever types they are selected on.

    Args:
        nodes: The selections.
        fragments: The document's fragments.
        variables: The values of its variables, for `@skip` and `@include`.
    """

    def __init__(
        self, nodes: Iterable[FieldNode], fragments: dict[str, FragmentDefinitionNode], variables: Any
    ) -> None:
        self._fragments = fragments
        self._variables = variables
        self._fields: dict[str, list[FieldNode]] = {}
        self._spread: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self._collect(node.selection_set.selections)

    @classmethod
    def of(cls, info: Info[Any, Any]) -> Selection:
        """The selection below the field that is being resolved."""
        raw = info._raw_info  # noqa: SLF001 - Strawberry wraps what graphql-core gives, and `selected_fields` converts all of it
        return cls(raw.field_nodes, raw.fragments, raw.variable_values)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __getitem__(self, name: str) -> Selection:
        return Selection(self._fields.get(name, ()), self._fragments, self._variables)

    def attributes(self) -> frozenset[str]:
        """The attributes that the selected fields stand for."""
        return frozenset(attribute(name) for name in self._fields)

    def _collect(self, selections: Iterable[SelectionNode]) -> None:
        for node in selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                self._fields.setdefault(node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect(node.selection_set.selections)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in self._spread:
                self._spread.add(node.name.value)
                self._collect(self._fragments[node.name.value].selection_set.selections)

    def _included(self, node: SelectionNode) -> bool:
        conditions = {directive.name.value: directive for directive in node.directives or ()}
        skip, include = conditions.get("skip"), conditions.get("include")
        return not (skip and self._condition(skip)) and (include is None or self._condition(include))

    def _condition(self, directive: DirectiveNode) -> bool:
        """The value of `if`; of the variables, Strawberry hands on no more than their values."""
        (condition,) = (argument.value for argument in directive.arguments or ())
        if isinstance(condition, VariableNode):
            return bool(self._variables[condition.name.value])
        return isinstance(condition, BooleanValueNode) and condition.value
