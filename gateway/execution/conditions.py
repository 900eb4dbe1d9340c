"""`@skip` and `@include`: which variables they look at, and what a request sends for those."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from gateway.execution.inputs import InvalidInput

CONDITIONS = frozenset({"skip", "include"})


@dataclasses.dataclass(frozen=True, slots=True)
class Conditions:
    """What of a document decides whether, and how often, it is compiled.

    Attributes:
        variables: The variables that `@skip` and `@include` name.
        other: The name of another directive that the document has.
    """

    variables: tuple[str, ...]
    other: str | None


def conditions(document: DocumentNode) -> Conditions:
    """The conditions of a document."""
    found = _Directives()
    visit(document, found)
    return Conditions(tuple(sorted(found.variables)), found.other)


class _Directives(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.other: str | None = None

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value not in CONDITIONS:
            self.other = node.name.value
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.variables.add(argument.value.name.value)


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """A variable that an operation's `@skip` or `@include` looks at.

    Attributes:
        variable: Where it stands.
        directive: The directive's name.
    """

    variable: VariableNode
    directive: str


def conditions_of(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDetails]
) -> tuple[Condition, ...]:
    """The conditions of an operation and of the fragments that it comes to, each variable once."""
    found, seen = _Conditions(), set[str]()
    visit(operation, found)
    while waiting := found.spreads - seen:
        seen |= waiting
        for name in sorted(waiting & fragments.keys()):
            visit(fragments[name].definition, found)
    return tuple(found.conditions.values())


class _Conditions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.conditions: dict[str, Condition] = {}
        self.spreads: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in CONDITIONS:
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    name = argument.value.name.value
                    self.conditions.setdefault(name, Condition(argument.value, node.name.value))

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.spreads.add(node.name.value)


def null_conditions(conditions: Iterable[Condition], values: VariableValues) -> list[GraphQLError]:
    """The conditions that are null, which is found out before the run: it would be too late in the middle of one."""
    errors: list[GraphQLError] = []
    for condition in conditions:
        name = condition.variable.name.value
        if values.coerced.get(name) is None:
            message = f"Variable '${name}' is null, but @{condition.directive}(if:) takes true or false."
            error = InvalidInput(message, f"${name}")
            errors.append(GraphQLError(message, condition.variable, original_error=error))
    return errors
