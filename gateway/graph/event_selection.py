"""What an event of a subscription depends on: what the operation selects, and not whom its filter means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from gateway.graph.documents import Prepared


class EventSelection(msgspec.Struct, frozen=True):
    """The part of an operation that its events depend on.

    Attributes:
        text: The operation without the arguments of its root field.
        variables: The names of the variables in it.
    """

    text: str
    variables: frozenset[str]

    def values(self, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        """Those of a client's variables that are in it."""
        return {name: value for name, value in (variables or {}).items() if name in self.variables}


class EventSelections:
    """The selections of prepared documents, cached for as long as those are."""

    def __init__(self) -> None:
        self._cached: WeakKeyDictionary[Prepared, dict[str | None, EventSelection | None]] = WeakKeyDictionary()

    def of(self, prepared: Prepared, operation: OperationDefinitionNode) -> EventSelection | None:
        """See `selection_of`."""
        known = self._cached.setdefault(prepared, {})
        name = operation.name.value if operation.name else None
        if name not in known:
            known[name] = selection_of(prepared.document, operation)
        return known[name]


def selection_of(document: DocumentNode, operation: OperationDefinitionNode) -> EventSelection | None:
    """The part of a subscription that its events depend on; None where its root field is not written in it."""
    selections = operation.selection_set.selections
    if len(selections) != 1 or not isinstance(selections[0], FieldNode):
        return None
    root = replace(selections[0], arguments=())
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    used = _variables([root, *fragments, *(operation.directives or ())])
    bare = replace(
        operation,
        selection_set=replace(operation.selection_set, selections=(root,)),
        variable_definitions=tuple(
            each for each in operation.variable_definitions or () if each.variable.name.value in used
        ),
    )
    return EventSelection("\n".join(map(print_ast, [bare, *fragments])), frozenset(used))


def _variables(nodes: Iterable[Node]) -> set[str]:
    found = _Variables()
    for node in nodes:
        visit(node, found)
    return found.names


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)
