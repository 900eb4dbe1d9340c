"""Runs operations: documents are prepared once, each operation runs in a context of its own, errors have codes."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from graphql import DocumentNode, GraphQLError, GraphQLSchema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.catalog.catalog import Catalog
from gateway.errors import CostLimitReached, GatewayError, OperationTooCostly
from gateway.execution.executor import WAYS, Checked, Operations
from gateway.execution.explain import described
from gateway.execution.plans import Plans
from gateway.execution.size import AnswerTooLarge
from gateway.graph.answers import AnswerCache, AnswerIdentity, Key, SharedOperations
from gateway.graph.context import Context
from gateway.graph.cost.advice import advice
from gateway.graph.cost.estimate import Costs
from gateway.graph.declarations import GraphDeclarations
from gateway.graph.documents import Prepared, PreparedDocuments, Variant, Verdict
from gateway.graph.errors import InternalError, formatted, internal_error_of, once_a_field, once_an_operation
from gateway.graph.event_selection import EventSelections
from gateway.graph.federation.subgraph import Subgraph, schemas
from gateway.live.feed import Subscriber
from gateway.live.follower import Event
from gateway.live.live import Live
from gateway.model.scopes import Principal
from gateway.model.status import SourceStatus
from gateway.request import Request

LONG = 50_000
"""Fields of an answer above which it is not encoded to be shared or cached: that would hold the event loop for some ten
milliseconds, and take megabytes."""


class OperationResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an operation.

    Attributes:
        data: For `msgspec.json` to encode, or already encoded; None where a null propagated to the root.
        errors: As they are sent: message, locations, path, extensions with a code.
        started: Whether it ran; where not, there is no `data` and the request was wrong.
        interpreted: Why no compiled plan ran; None where one did.
        expected: Upstream cost units that it was expected to take at most, before it ran.
        fields: How many fields the data has, at most; 0 where it was encoded before.
        cost: Upstream cost units that it took, of an event.
    """

    data: Any
    errors: list[dict[str, Any]]
    started: bool = True
    interpreted: str | None = None
    expected: int = 0
    fields: int = 0
    cost: int = 0


def encoded_once(answer: OperationResult) -> OperationResult:
    """The same result for several requests: its data is encoded, unless somebody has to look into it."""
    if answer.errors or answer.fields > LONG or isinstance(answer.data, msgspec.Raw):
        return answer
    return msgspec.structs.replace(answer, data=msgspec.Raw(msgspec.json.encode(answer.data)))


@dataclass(frozen=True)
class Audience:
    """As much of a context as a plan depends on: who asks; None for somebody who may see everything."""

    principal: Principal | None = None


class Engine:
    """The schema over a catalog.

    Args:
        catalog: The sources, joined.
        statuses: What `Query.sources` answers.
        introspection: Whether the schema may be asked about.
        on_internal_error: Called with every error that is a bug of the gateway's.
        max_tokens: Tokens that a document may have; None is no limit.
        max_cost: Upstream cost units that an operation may be expected to take, and may spend; None is no limit.
        max_fields: Fields that an answer may have; None is no limit.
        check_text: Looks at a document before it is parsed; what it returns is the refusal.
        guard: Looks at a document before it is validated, since validation is what attackers burn; likewise.
        plans: The cache of compiled operations; one of its own, unless a test brings another.
        federation: How routers are answered; None where they are not.
        live: The source of changes; None where live updates are off.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        statuses: Callable[[], Sequence[SourceStatus]] = tuple,
        introspection: bool = True,
        on_internal_error: Callable[[InternalError], None] = lambda _error: None,
        max_tokens: int | None = None,
        max_cost: int | None = None,
        max_fields: int | None = None,
        check_text: Callable[[str], GatewayError | None] = lambda _text: None,
        guard: Callable[[DocumentNode], GatewayError | None] = lambda _document: None,
        plans: Plans | None = None,
        federation: Subgraph | None = None,
        live: Live | None = None,
    ) -> None:
        self.live = live
        self._catalog = catalog
        plans = Plans(GraphDeclarations(), time.perf_counter) if plans is None else plans
        counts: Counter[str] = Counter(dict.fromkeys(WAYS, 0))

        def variant(schema: GraphQLSchema) -> Variant:
            operations = Operations(
                schema,
                GraphDeclarations(),
                executor_class=StrawberryGraphQLCoreExecutionContext,
                hide_suggestions=not introspection,
                max_fields=max_fields,
                plans=plans,
                counts=counts,
                on_surprise=lambda surprise: on_internal_error(internal_error_of(surprise, ())),
            )
            return Variant(schema, operations, Costs(schema, catalog.prices, catalog.sources))

        self._variants = [variant(schema) for schema in schemas(federation)]
        self.schema = self._variants[0].schema
        self.operations = self._variants[0].operations
        self.documents = PreparedDocuments(
            self._variants, introspection=introspection, max_tokens=max_tokens, check_text=check_text, guard=guard
        )
        self._max_cost = max_cost
        self._max_fields = max_fields
        self._statuses = statuses
        self._on_internal_error = on_internal_error
        self._selections = EventSelections()
        self.answer_cache = AnswerCache()
        self.shared_operations: SharedOperations[OperationResult] = SharedOperations(encoded_once)

    def explain(
        self,
        query: str,
        *,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        principal: Principal | None,
    ) -> str:
        """How an operation that can be run would be run for somebody; empty where it cannot."""
        prepared = self.documents.prepare(query)
        if isinstance(prepared, list):
            return ""
        operations = prepared.variant.operations
        checked = operations.check(prepared.document, variables=variables, operation_name=operation_name)
        if isinstance(checked, list):
            return ""
        return described(operations.plans.selection(checked.operation, Audience(principal)))

    def prepare(self, query: str) -> Verdict:
        """A document ready to run, or what is wrong with it."""
        return self.documents.prepare(query)

    async def execute(
        self,
        prepared: Prepared,
        *,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        request: Request,
        principal: Principal | None = None,
        router: bool = False,
    ) -> OperationResult:
        """Runs one operation of a document.

        Args:
            prepared: The document.
            variables: As the client sent them.
            operation_name: Which operation, where there are several.
            request: The request as upstream calls see it; what it started, and nobody else waits for, has ended when
                this returns or is cancelled.
            principal: The client; None where access control is off.
            router: Whether a router asks that has proved to be one.

        Raises:
            OperationTooCostly: It is expected to take more than is allowed; nothing was asked upstream.
        """
        identity = AnswerIdentity.of(self._catalog, prepared, variables, operation_name, principal, router)
        key = identity.key()
        cached = await self.answer_cache.get(key, request)
        if cached is not None:
            return OperationResult(
                data=cached.data, errors=[], interpreted=cached.interpreted, expected=cached.expected
            )
        checked = prepared.variant.operations.check(
            prepared.document, variables=variables, operation_name=operation_name
        )
        if isinstance(checked, list):
            return OperationResult(
                data=None, errors=[formatted(error, self._on_internal_error) for error in checked], started=False
            )
        expected = self._expected(prepared, checked)
        if isinstance(expected, OperationResult):
            return expected

        async def run(shared: Request) -> OperationResult:
            context = Context(
                self._catalog, shared, checked.operation, self._statuses, principal, router=router, live=self.live
            )
            answer = await self.run(prepared, checked, context, expected)
            if answer.errors or not answer.started or answer.fields > LONG:
                return answer
            data = self.answer_cache.put(
                key, identity, shared, answer.data, expected=expected, interpreted=answer.interpreted
            )
            return msgspec.structs.replace(answer, data=data)

        return await self.shared_operations.run(key, request, run)

    async def subscribe(
        self,
        prepared: Prepared,
        *,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        request: Request,
        new_request: Callable[[], Request],
        principal: Principal | None = None,
        router: bool = False,
        resume: str | None = None,
    ) -> tuple[OperationResult, Subscriber[OperationResult] | None]:
        """Begins a subscription: its first event, and what those after it come from; None where it has not begun.

        Args:
            prepared: The document.
            variables: As the client sent them.
            operation_name: Which operation, where there are several.
            request: What the first event is answered for.
            new_request: Makes the request that a later event is answered for.
            principal: The client; None where access control is off.
            router: Whether a router asks that has proved to be one.
            resume: The cursor to begin at, whatever the variables say; None where they do.

        Raises:
            OperationTooCostly: An event is expected to take more than is allowed.
        """
        operations = prepared.variant.operations

        def check() -> Checked | list[GraphQLError]:
            return operations.check(prepared.document, variables=variables, operation_name=operation_name)

        checked = check()
        if isinstance(checked, list):
            errors = [formatted(error, self._on_internal_error) for error in checked]
            return OperationResult(data=None, errors=errors, started=False), None
        expected = self._expected(prepared, checked)
        if isinstance(expected, OperationResult):
            return expected, None

        def context_of(asked: Request, checked: Checked, event: Event | None) -> Context:
            operation = checked.operation
            return Context(
                self._catalog,
                asked,
                operation,
                self._statuses,
                principal,
                router=router,
                live=self.live,
                event=event,
            )

        context = context_of(request, checked, None)
        context.resume = resume
        first = await self.run(prepared, checked, context, expected)
        if self.live is None or context.follower is None or first.errors:
            return first, None

        async def render(event: Event) -> OperationResult:
            again = check()
            assert isinstance(again, Checked)  # as it was before
            asked = new_request()
            result = await self.run(prepared, again, context_of(asked, again, event), expected)
            return msgspec.structs.replace(encoded_once(result), cost=asked.ledger.cost())

        def key_of(own: Mapping[str, Any]) -> Key | None:
            return AnswerIdentity.of(self._catalog, prepared, own, operation_name, principal, router).key()

        resumed = {name for name, uses in checked.operation.uses.arguments.items() if uses <= {"since"}}
        operation = key_of({name: value for name, value in (variables or {}).items() if name not in resumed})
        selected = self._selections.of(prepared, checked.executor.operation)
        selection = None
        if selected is not None and (key := key_of(selected.values(variables))) is not None:
            selection = (selected.text, id(prepared.variant), *key[2:])  # after the catalog and the document
        subscriber = self.live.subscriber(context.follower, render, operation=operation, selection=selection)
        return first, subscriber

    async def run(self, prepared: Prepared, checked: Checked, context: Context, expected: int) -> OperationResult:
        """Runs an operation in a context, and closes that."""
        request = context.request
        request.ledger.allowed = self._max_cost
        try:
            outcome = await prepared.variant.operations.run(checked, context)
        except AnswerTooLarge as error:
            text = f"The answer has more than {error.allowed} fields. Ask for smaller pages."
            return self._too_large(text, error.measured, error.allowed, expected)
        finally:
            await context.close()
        found = once_a_field(outcome.errors)
        if request.ledger.refused and self._max_cost is not None:
            request.freshness.mark_uncacheable()
            found = once_an_operation(found, CostLimitReached(self._max_cost))
        errors = [formatted(error, self._on_internal_error) for error in found]
        return OperationResult(
            data=outcome.data,
            errors=errors,
            started=outcome.started,
            interpreted=outcome.interpreted,
            expected=expected,
            fields=outcome.fields,
        )

    def _expected(self, prepared: Prepared, checked: Checked) -> int | OperationResult:
        """The units that an operation is expected to cost; what is answered where it has too many fields.

        Raises:
            OperationTooCostly: It is expected to take more than is allowed; nothing was asked upstream.
        """
        cost = prepared.variant.costs.expected(checked.operation, checked.variables)
        expected = cost.units
        if self._max_cost is not None and expected > self._max_cost:
            raise OperationTooCostly(
                f"The operation is expected to cost {expected} upstream units; {self._max_cost} are allowed."
                f"{self._advice(prepared.variant, checked)}",
                measured=expected,
                allowed=self._max_cost,
            )
        if self._max_fields is not None and cost.fields > self._max_fields:
            text = f"The answer may have {cost.fields} fields; {self._max_fields} are allowed."
            text += self._advice(prepared.variant, checked) or " Ask for smaller pages."
            return self._too_large(text, cost.fields, self._max_fields, expected)
        return expected

    def _advice(self, variant: Variant, checked: Checked) -> str:
        """What would make an operation fit that is over a limit."""
        most_units = math.inf if self._max_cost is None else self._max_cost
        most_fields = math.inf if self._max_fields is None else self._max_fields
        return advice(
            variant.costs,
            checked.operation,
            checked.variables,
            lambda cost: cost.units <= most_units and cost.fields <= most_fields,
        )

    def _too_large(self, text: str, measured: int, allowed: int, expected: int) -> OperationResult:
        """The result of an operation whose answer is too large: no data, and one error."""
        refusal = OperationTooCostly(text, measured=measured, allowed=allowed)
        error = formatted(GraphQLError(text, original_error=refusal), self._on_internal_error)
        return OperationResult(data=None, errors=[error], expected=expected)
