"""graphql-core's executors: one built from a document for each operation, then copied for each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import Executor, GraphQLError, GraphQLSchema
from graphql.execution import get_variable_values
from graphql.execution.values import VariableValues

from gateway.execution.plans import Known
from gateway.execution.readings import Context

MOST_WRONG = 50
"""Errors of variables that are told."""
NO_VALUES = VariableValues({}, {})


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
        kept = known.executors.get(operation_name)
        if kept is None:
            built = self.build(known, context, variables, operation_name)
            if isinstance(built, Executor):
                known.executors[operation_name] = _with(built, None, NO_VALUES)
            return built
        declared = kept.operation.variable_definitions
        values: VariableValues | list[GraphQLError] = NO_VALUES
        if declared:
            values = get_variable_values(
                self._schema,
                declared,
                dict(variables),
                max_errors=MOST_WRONG,
                hide_suggestions=self._hide_suggestions,
            )
        return values if isinstance(values, list) else _with(kept, context, values)


def _with(executor: Executor[Any], context: Context, values: VariableValues) -> Executor[Any]:
    """A shallow copy, as graphql-core makes one for each event of a subscription."""
    copied = object.__new__(type(executor))
    copied.__dict__.update(executor.__dict__)
    copied.context_value = context
    copied.variable_values = values
    return copied
