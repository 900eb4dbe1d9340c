"""graphql-core's executors: one built from a document for each operation, then copied for each request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from graphql import (
    Executor,
    GraphQLError,
    GraphQLResolveInfoHelpers,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    coerce_input_value,
    get_operation_ast,
    is_leaf_type,
    is_non_null_type,
)
from graphql.execution import get_variable_values
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

from gateway.execution.conditions import Uses, null_conditions, uses_of
from gateway.execution.inputs import MOST_SUGGESTED, MOST_WRONG, wrong_variables
from gateway.execution.interpreter import Interpreter
from gateway.execution.plans import Known
from gateway.execution.readings import Context

NO_VALUES = VariableValues({}, {})


@dataclasses.dataclass(frozen=True, slots=True)
class Template:
    """What every request of an operation has in common.

    Attributes:
        executor: An executor of it, with nobody's context and no values.
        signatures: Its variables, where all of them are leaves; None where graphql-core has to look at each anew.
        uses: What it does with its variables.
    """

    executor: Executor[Any]
    signatures: tuple[GraphQLVariableSignature, ...] | None
    uses: Uses


class Templates:
    """Makes the executors of a schema's operations.

    Args:
        schema: The schema.
        executor_class: graphql-core's executor, or one made of it.
        hide_suggestions: Whether errors leave out what the schema has instead.
    """

    def __init__(self, schema: GraphQLSchema, executor_class: type[Executor[Any]], *, hide_suggestions: bool) -> None:
        self._schema = schema
        self._class: type[Interpreter] = type("Interpreting", (Interpreter, executor_class), {})
        self._hide_suggestions = hide_suggestions

    def build(
        self,
        known: Known,
        variables: Mapping[str, Any],
        operation_name: str | None,
        context: Context = None,
        middleware: list[Callable[..., Any]] | None = None,
    ) -> Interpreter | list[GraphQLError]:
        """An executor for graphql-core to run, or what is wrong with the request."""
        built = self._class.build(
            self._schema,
            known.document,
            context_value=context,
            raw_variable_values=dict(variables),
            operation_name=operation_name,
            max_coercion_errors=MOST_WRONG,
            hide_suggestions=True,  # its errors of variables are not told as they are
            middleware=middleware,
        )
        if isinstance(built, list):
            return self._typed(built, known, variables, operation_name)
        built.hide_suggestions = self._hide_suggestions
        conditions = self.template(known, operation_name, built).uses.conditions
        return null_conditions(conditions, built.variable_values) or cast("Interpreter", built)

    def copied(
        self, known: Known, variables: Mapping[str, Any], operation_name: str | None
    ) -> Executor[Any] | list[GraphQLError]:
        """An executor that knows the request, its context still to come, and that no run may write to.

        All copies of one share what graphql-core's own run would write to.
        """
        kept = known.templates.get(operation_name)
        if kept is None:
            return self.build(known, variables, operation_name)
        definitions = kept.executor.operation.variable_definitions or ()
        values: VariableValues | list[GraphQLError] | None = _usual(kept, variables)
        if values is None:
            values = get_variable_values(
                self._schema,
                definitions,
                dict(variables),
                max_errors=MOST_WRONG,
                hide_suggestions=True,
            )
        if isinstance(values, list):
            return self._wrong(definitions, variables) or values
        return null_conditions(kept.uses.conditions, values) or _with(kept.executor, values)

    def template(self, known: Known, operation_name: str | None, built: Executor[Any]) -> Template:
        """What is kept of an operation that was built."""
        kept = known.templates.get(operation_name)
        if kept is None:
            blank = _with(built, NO_VALUES)
            # Else they lead to what was built, and to all that its request has looked up.
            blank.async_helpers = GraphQLResolveInfoHelpers(blank.gather_async_work, blank.track_async_work)
            uses = uses_of(built.operation, built.fragments)
            kept = known.templates[operation_name] = Template(blank, _leaves(self._schema, blank), uses)
        return kept

    def _typed(
        self, errors: list[GraphQLError], known: Known, variables: Mapping[str, Any], operation_name: str | None
    ) -> list[GraphQLError]:
        """The errors of a request, those of variables as every other way tells of them."""
        operation = get_operation_ast(known.document, operation_name)
        return (self._wrong(operation.variable_definitions or (), variables) if operation else []) or errors

    def _wrong(self, definitions: Iterable[VariableDefinitionNode], variables: Mapping[str, Any]) -> list[GraphQLError]:
        wrong = wrong_variables(self._schema, definitions, variables, hide_suggestions=True)
        if self._hide_suggestions or not 0 < len(wrong) <= MOST_SUGGESTED:
            return wrong
        return wrong_variables(self._schema, definitions, variables, hide_suggestions=False)


def _leaves(schema: GraphQLSchema, executor: Executor[Any]) -> tuple[GraphQLVariableSignature, ...] | None:
    """The signatures of an operation's variables, where each is a leaf."""
    signatures: list[GraphQLVariableSignature] = []
    for declared in executor.operation.variable_definitions or ():
        signature = get_variable_signature(schema, declared)
        if isinstance(signature, GraphQLError):
            return None
        kind = signature.type
        if not is_leaf_type(kind.of_type if is_non_null_type(kind) else kind):
            return None
        signatures.append(signature)
    return tuple(signatures)


def _usual(template: Template, variables: Mapping[str, Any]) -> VariableValues | None:
    """The values of variables where nothing is wrong or defaulted; None where graphql-core has to look at them."""
    if template.signatures is None:
        return None
    values = VariableValues({}, {})
    for signature in template.signatures:
        given = variables.get(signature.name, Undefined)
        if given is Undefined:
            if signature.default is not None or is_non_null_type(signature.type):
                return None
            values.sources[signature.name] = VariableValueSource(signature)
            continue
        value = coerce_input_value(given, signature.type)
        if value is Undefined:
            return None
        values.sources[signature.name] = VariableValueSource(signature, given)
        values.coerced[signature.name] = value
    return values


def _with(executor: Executor[Any], values: VariableValues) -> Executor[Any]:
    """A shallow copy, as graphql-core makes one for each event of a subscription."""
    copied = object.__new__(type(executor))
    copied.__dict__.update(executor.__dict__)
    copied.context_value = None
    copied.variable_values = values
    return copied
