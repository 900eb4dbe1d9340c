"""What an operation does with its variables: those that `@skip` and `@include` look at, and what the others are for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    DirectiveNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from gateway.execution.inputs import InvalidInput

CONDITIONS = frozenset({"skip", "include"})
ELSEWHERE = ""
"""The name of the argument that a variable stands in as a part of a value, or as a directive's."""


@dataclasses.dataclass(frozen=True, slots=True)
class SkipCondition:
    """A variable that an operation's `@skip` or `@include` looks at.

    Attributes:
        variable: Where it stands.
        directive: The directive's name.
    """

    variable: VariableNode
    directive: str


@dataclasses.dataclass(frozen=True, slots=True)
class Uses:
    """What an operation, with the fragments that it comes to, does with variables and directives.

    Attributes:
        conditions: The variables that `@skip` and `@include` look at, each once.
        arguments: For each variable the names of the arguments whose whole value it is, and `ELSEWHERE` where it is
            used otherwise.
        other: The name of a directive that is neither `@skip` nor `@include`.
        fields: How many fields stand in it.
    """

    conditions: tuple[SkipCondition, ...]
    arguments: Mapping[str, frozenset[str]]
    other: str | None
    fields: int


def uses_of(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDetails]) -> Uses:
    """What an operation does with variables and directives."""
    found, seen = _Uses(), set[str]()
    visit(operation, found)
    while waiting := found.spreads - seen:
        seen |= waiting
        for name in sorted(waiting & fragments.keys()):
            visit(fragments[name].definition, found)
    arguments = {name: frozenset(places) for name, places in found.arguments.items()}
    return Uses(tuple(found.conditions.values()), arguments, found.other, found.fields)


class _Uses(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.conditions: dict[str, SkipCondition] = {}
        self.arguments: dict[str, set[str]] = {}
        self.other: str | None = None
        self.spreads: set[str] = set()
        self.fields = 0

    def enter_field(self, *_: Any) -> None:
        self.fields += 1

    def enter_directive(self, node: DirectiveNode, *_: Any) -> VisitorAction:
        if node.name.value not in CONDITIONS:
            self.other = node.name.value
            return None
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                name = argument.value.name.value
                self.conditions.setdefault(name, SkipCondition(argument.value, node.name.value))
                self._use(name, ELSEWHERE)
        return SKIP

    def enter_argument(self, node: ArgumentNode, *_: Any) -> VisitorAction:
        if not isinstance(node.value, VariableNode):
            return None
        self._use(node.value.name.value, node.name.value)
        return SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self._use(node.name.value, ELSEWHERE)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> VisitorAction:
        """Where a variable is declared it is not used; directives there are directives all the same."""
        for directive in node.directives or ():
            self.enter_directive(directive)
        return SKIP

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.spreads.add(node.name.value)

    def _use(self, variable: str, argument: str) -> None:
        self.arguments.setdefault(variable, set()).add(argument)


def null_conditions(conditions: Iterable[SkipCondition], values: VariableValues) -> list[GraphQLError]:
    """The conditions that are null, which is found out before the run: it would be too late in the middle of one."""
    errors: list[GraphQLError] = []
    for condition in conditions:
        name = condition.variable.name.value
        if values.coerced.get(name) is None:
            message = f"Variable '${name}' is null, but @{condition.directive}(if:) takes true or false."
            error = InvalidInput(message, f"${name}")
            errors.append(GraphQLError(message, condition.variable, original_error=error))
    return errors
