"""Runs operations: compiled where a plan covers them, by graphql-core where none does."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
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

from gateway.execution.collected import Operation
from gateway.execution.compiler import Plan
from gateway.execution.conditions import null_conditions, uses_of
from gateway.execution.errors import Row, Settling, Surprise
from gateway.execution.inputs import MAX_SUGGESTED, MAX_WRONG, wrong_variables
from gateway.execution.interpreter import Interpreter
from gateway.execution.plan import Selection
from gateway.execution.plans import Known, Plans, PreparedExecutor
from gateway.execution.resolvers import Context, Declarations
from gateway.execution.run import Run
from gateway.execution.size import AnswerTooLarge, FieldCount

NO_VALUES = VariableValues({}, {})
COMPILED, INTERPRETED, SURPRISE = "compiled", "interpreted", "surprise"
WAYS = (COMPILED, INTERPRETED, SURPRISE)
"""How an operation was run: by its plan, or by graphql-core, as it has no plan or its plan broke off."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation came to.

    Attributes:
        data: The answer, as `msgspec.json` writes it; None where a null went all the way up.
        errors: The errors in their places.
        started: Whether it ran; where not, the request was wrong.
        interpreted: Why graphql-core ran it; None where a plan did.
        fields: How many fields the data has, at most.
    """

    data: Row | dict[str, Any] | None
    errors: list[GraphQLError]
    started: bool = True
    interpreted: str | None = None
    fields: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """A request that nothing is wrong with, to be run once.

    Attributes:
        known: What is known of its document.
        operation: What it selects.
        executor: An executor of it that has its variables, and no context yet.
        variables: As the client sent them.
        operation_name: Which operation, where there are several.
    """

    known: Known
    operation: Operation
    executor: Executor[Any]
    variables: Mapping[str, Any]
    operation_name: str | None

    @property
    def request(self) -> tuple[Known, Mapping[str, Any], str | None]:
        """What an executor is built from."""
        return self.known, self.variables, self.operation_name


class Operations:
    """Runs the operations of a schema.

    Args:
        schema: The schema.
        declarations: What is known about it.
        executor_class: graphql-core's executor, or one made of it.
        hide_suggestions: Whether errors leave out what the schema has instead.
        max_fields: Fields that an answer may have; None is no limit.
        plans: Where plans are cached.
        counts: Where operations are counted, with those of others; a count of its own unless given.
        on_surprise: Told of what should not happen: a plan that could not go through; graphql-core then answers.

    Attributes:
        counts: How many operations were run each of the `WAYS`.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        declarations: Declarations,
        *,
        executor_class: type[Executor[Any]] = Executor,
        hide_suggestions: bool = False,
        max_fields: int | None = None,
        plans: Plans | None = None,
        counts: Counter[str] | None = None,
        on_surprise: Callable[[Exception], None] = lambda _surprise: None,
    ) -> None:
        self._executors = Executors(schema, executor_class, hide_suggestions=hide_suggestions)
        self._declarations = declarations
        self._max_fields = max_fields
        self._on_surprise = on_surprise
        self.plans = Plans(declarations, time.perf_counter) if plans is None else plans
        self.counts: Counter[str] = Counter(dict.fromkeys(WAYS, 0)) if counts is None else counts

    async def execute(
        self,
        document: DocumentNode,
        *,
        context: Context,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> Outcome:
        """Runs an operation of a valid document.

        Args:
            document: The document.
            context: What resolvers are given.
            variables: As the client sent them.
            operation_name: Which operation, where there are several.

        Raises:
            AnswerTooLarge: The answer has more fields than are allowed.
        """
        checked = self.check(document, variables=variables, operation_name=operation_name)
        if isinstance(checked, list):
            return Outcome(data=None, errors=checked, started=False)
        return await self.run(checked, context)

    def check(
        self, document: DocumentNode, *, variables: Mapping[str, Any] | None = None, operation_name: str | None = None
    ) -> Checked | list[GraphQLError]:
        """A request that can be run, once, or what is wrong with it. The arguments are those of `execute`."""
        return self._checked(self.plans.known(document), variables or {}, operation_name)

    async def run(self, checked: Checked, context: Context) -> Outcome:
        """Runs what was checked, in a context.

        Raises:
            AnswerTooLarge: The answer has more fields than are allowed.
        """
        executor = checked.executor
        executor.context_value = context
        found = self.plans.find(checked.known, checked.operation, context)
        if isinstance(found, str):
            self.counts[INTERPRETED] += 1
            return await self._interpreted(checked, context, found)
        run = Run(executor, FieldCount(self._max_fields))
        try:
            outcome = await _compiled(found, run)
        except AnswerTooLarge:
            self.counts[COMPILED] += 1
            raise
        except Exception as surprise:  # noqa: BLE001 - whatever it was, the client gets an answer all the same
            reason = str(surprise) if isinstance(surprise, Surprise) else "its plan failed"
            self.counts[SURPRISE] += 1
            self._on_surprise(surprise)
            return await self._interpreted(checked, context, reason, [_replaying(run.known)])
        finally:
            run.forget()
        self.counts[COMPILED] += 1
        return outcome

    def plan(
        self,
        document: DocumentNode,
        *,
        context: Context,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> Selection | str | list[GraphQLError]:
        """What a plan of an operation would be made of, or why there would be none, or what is wrong with the request.

        Nothing is run, counted or cached. The arguments are those of `execute`.
        """
        checked = self._checked(Known(document), variables or {}, operation_name)
        return checked if isinstance(checked, list) else self.plans.selection(checked.operation, context)

    def _checked(
        self, known: Known, variables: Mapping[str, Any], operation_name: str | None
    ) -> Checked | list[GraphQLError]:
        executor = self._executors.copied(known, variables, operation_name)
        if isinstance(executor, list):
            return executor
        uses = self._executors.prepared(known, operation_name, executor).uses
        return Checked(known, self.plans.operation(known, executor, uses), executor, variables, operation_name)

    async def _interpreted(
        self,
        checked: Checked,
        context: Context,
        reason: str,
        middleware: list[Callable[..., Any]] | None = None,
    ) -> Outcome:
        executor = self._executors.build(*checked.request, context, middleware)
        if isinstance(executor, list):
            return Outcome(data=None, errors=executor, started=False)
        executor.size = size = FieldCount(self._max_fields)
        executor.refusal = partial(self._declarations.refusal, context)
        result = executor.execute_operation()
        finished: Any = await result if executor.is_awaitable(result) else result
        if not isinstance(finished, ExecutionResult):
            raise TypeError("Operations answer once.")
        return Outcome(data=finished.data, errors=finished.errors or [], interpreted=reason, fields=size.made)


class Executors:
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
            max_coercion_errors=MAX_WRONG,
            hide_suggestions=True,  # its errors of variables are not reported as they are
            middleware=middleware,
        )
        if isinstance(built, list):
            return self._typed(built, known, variables, operation_name)
        built.hide_suggestions = self._hide_suggestions
        conditions = self.prepared(known, operation_name, built).uses.conditions
        return null_conditions(conditions, built.variable_values) or cast("Interpreter", built)

    def copied(
        self, known: Known, variables: Mapping[str, Any], operation_name: str | None
    ) -> Executor[Any] | list[GraphQLError]:
        """An executor that knows the request, its context still to come, and that no run may write to.

        All copies of one share what graphql-core's own run would write to.
        """
        prepared = known.executors.get(operation_name)
        if prepared is None:
            return self.build(known, variables, operation_name)
        definitions = prepared.executor.operation.variable_definitions or ()
        values: VariableValues | list[GraphQLError] | None = _usual(prepared, variables)
        if values is None:
            values = get_variable_values(
                self._schema,
                definitions,
                dict(variables),
                max_errors=MAX_WRONG,
                hide_suggestions=True,
            )
        if isinstance(values, list):
            return self._wrong(definitions, variables) or values
        return null_conditions(prepared.uses.conditions, values) or _with(prepared.executor, values)

    def prepared(self, known: Known, operation_name: str | None, built: Executor[Any]) -> PreparedExecutor:
        """What is cached of an operation that was built."""
        prepared = known.executors.get(operation_name)
        if prepared is None:
            blank = _with(built, NO_VALUES)
            # Else they lead to what was built, and to all that its request has looked up.
            blank.async_helpers = GraphQLResolveInfoHelpers(blank.gather_async_work, blank.track_async_work)
            uses = uses_of(built.operation, built.fragments)
            prepared = known.executors[operation_name] = PreparedExecutor(blank, _leaves(self._schema, blank), uses)
        return prepared

    def _typed(
        self, errors: list[GraphQLError], known: Known, variables: Mapping[str, Any], operation_name: str | None
    ) -> list[GraphQLError]:
        """The errors of a request, those of variables worded as everywhere else."""
        operation = get_operation_ast(known.document, operation_name)
        return (self._wrong(operation.variable_definitions or (), variables) if operation else []) or errors

    def _wrong(self, definitions: Iterable[VariableDefinitionNode], variables: Mapping[str, Any]) -> list[GraphQLError]:
        wrong = wrong_variables(self._schema, definitions, variables, hide_suggestions=True)
        if self._hide_suggestions or not 0 < len(wrong) <= MAX_SUGGESTED:
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


def _usual(prepared: PreparedExecutor, variables: Mapping[str, Any]) -> VariableValues | None:
    """The values of variables where nothing is wrong or defaulted; None where graphql-core has to look at them."""
    if prepared.signatures is None:
        return None
    values = VariableValues({}, {})
    for signature in prepared.signatures:
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


async def _compiled(plan: Plan, run: Run) -> Outcome:
    (root,) = plan.root.make([run.executor.root_value], run)
    await run.finish()
    run.mark_refusals()
    settling = Settling(run.failed, plan.selections) if run.failed else None
    data = root if settling is None else settling.settle(root)
    run.size.check(data, plan.selections)
    return Outcome(data=data, errors=[] if settling is None else settling.errors, fields=run.size.bound)


def _replaying(known: Mapping[str, Any]) -> Callable[..., Any]:
    """Middleware that answers fields of the root with what they have already come to."""

    def answer(following: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
        if info.path.prev is None and info.path.key in known:
            value = known[info.path.key]
            if isinstance(value, Exception):
                raise value
            return value
        return following(source, info, **arguments)

    return answer
