"""graphql-core's executors: one built from a document for each operation, then copied for each request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from graphql import Executor, GraphQLError, GraphQLSchema, Undefined, coerce_input_value, is_leaf_type, is_non_null_type
from graphql.execution import get_variable_values
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

from gateway.execution.plans import Known
from gateway.execution.readings import Context

MOST_WRONG = 50
"""Errors of variables that are told."""
NO_VALUES = VariableValues({}, {})


@dataclasses.dataclass(frozen=True, slots=True)
class Template:
    """What every request of an operation has in common.

    Attributes:
        executor: An executor of it, with nobody's context and no values.
        signatures: Its variables, where all of them are leaves; None where graphql-core has to look at each anew.
    """

    executor: Executor[Any]
    signatures: tuple[GraphQLVariableSignature, ...] | None


class Templates:
    """Makes the executors of a schema's operations.

    Args:
        schema: The schema.
        executor_class: graphql-core's executor, or one made of it.
        hide_suggestions: Whether errors leave out what the schema has instead.
    """

    def __init__(self, schema: GraphQLSchema, executor_class: type[Executor[Any]], *, hide_suggestions: bool) -> None:
        self._schema = schema
        self._class = executor_class
        self._hide_suggestions = hide_suggestions

    def build(
        self,
        known: Known,
        context: Context,
        variables: Mapping[str, Any],
        operation_name: str | None,
        middleware: list[Callable[..., Any]] | None = None,
    ) -> Executor[Any] | list[GraphQLError]:
        """An executor for graphql-core to run, or what is wrong with the request."""
        return self._class.build(
            self._schema,
            known.document,
            context_value=context,
            raw_variable_values=dict(variables),
            operation_name=operation_name,
            max_coercion_errors=MOST_WRONG,
            hide_suggestions=self._hide_suggestions,
            middleware=middleware,
        )

    def copied(
        self, known: Known, context: Context, variables: Mapping[str, Any], operation_name: str | None
    ) -> Executor[Any] | list[GraphQLError]:
        """An executor that knows the request but is not run: all copies of one share what a run would write to."""
        kept = known.templates.get(operation_name)
        if kept is None:
            built = self.build(known, context, variables, operation_name)
            if isinstance(built, Executor):
                blank = _with(built, None, NO_VALUES)
                known.templates[operation_name] = Template(blank, _leaves(self._schema, blank))
            return built
        values: VariableValues | list[GraphQLError] | None = _usual(kept, variables)
        if values is None:
            values = get_variable_values(
                self._schema,
                kept.executor.operation.variable_definitions or (),
                dict(variables),
                max_errors=MOST_WRONG,
                hide_suggestions=self._hide_suggestions,
            )
        return values if isinstance(values, list) else _with(kept.executor, context, values)


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


def _with(executor: Executor[Any], context: Context, values: VariableValues) -> Executor[Any]:
    """A shallow copy, as graphql-core makes one for each event of a subscription."""
    copied = object.__new__(type(executor))
    copied.__dict__.update(executor.__dict__)
    copied.context_value = context
    copied.variable_values = values
    return copied
