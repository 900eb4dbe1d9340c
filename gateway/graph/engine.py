"""Runs operations: documents prepared once, each run in a context of its own, errors told as the contract has them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from graphql import DocumentNode, GraphQLError, GraphQLSchema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.catalog.catalog import Catalog
from gateway.errors import GatewayError, OperationTooCostly
from gateway.execution.executor import WAYS, Operations
from gateway.execution.plans import Plans
from gateway.execution.size import AnswerTooLarge
from gateway.graph.context import Context
from gateway.graph.cost.estimate import Costs
from gateway.graph.declarations import GraphDeclarations
from gateway.graph.documents import Prepared, PreparedDocuments, Verdict
from gateway.graph.faults import Fault, fault_of, formatted, once_a_field
from gateway.graph.federation.subgraph import Subgraph, schemas
from gateway.graph.joining import Joining
from gateway.graph.reuse import Asked, Reuse
from gateway.graph.status import SourceStatus
from gateway.graph.variants import Variant
from gateway.model.scopes import Principal
from gateway.upstream.request import Request

LONG = 50_000
"""Fields of an answer above which it is not written before it is sent, for others or to be given again: it would hold
the event loop for some ten milliseconds, and take megabytes."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation came to.

    Attributes:
        data: The answer, as `msgspec.json` writes it, or already written; None where a null went all the way up.
        errors: As they are sent: message, locations, path, extensions with a code.
        started: Whether it ran; where not, there is no `data` at all and the request was wrong.
        interpreted: Why it was not a compiled plan that ran; None where it was one.
        expected: Upstream cost units that it was expected to take at most.
        fields: How many fields the data has, at most; 0 where it was written before.
    """

    data: Any
    errors: list[dict[str, Any]]
    started: bool = True
    interpreted: str | None = None
    expected: int = 0
    fields: int = 0


def written_once(answer: Answer) -> Answer:
    """The same answer, for several to be given: its data written, where nobody has to look into it."""
    if answer.errors or answer.fields > LONG or isinstance(answer.data, msgspec.Raw):
        return answer
    return msgspec.structs.replace(answer, data=msgspec.Raw(msgspec.json.encode(answer.data)))


class Engine:
    """The schema over a catalog.

    Args:
        catalog: The sources, joined.
        statuses: What `Query.sources` answers.
        introspection: Whether the schema may be asked about.
        on_fault: Told of every error that is nobody's but ours.
        max_tokens: Tokens that a document may have; None is no limit.
        max_cost: Upstream cost units that an operation may be expected to take; None is no limit.
        max_fields: Fields that an answer may have; None is no limit.
        check_text: Looks at a document before it is parsed; what it returns is the refusal.
        guard: Looks at a document before it is validated, since validation is what attackers burn; likewise.
        plans: Where compiled operations are kept; plans of its own, unless a test brings others.
        federation: How routers are answered; None where they are not.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        statuses: Callable[[], Sequence[SourceStatus]] = tuple,
        introspection: bool = True,
        on_fault: Callable[[Fault], None] = lambda _fault: None,
        max_tokens: int | None = None,
        max_cost: int | None = None,
        max_fields: int | None = None,
        check_text: Callable[[str], GatewayError | None] = lambda _text: None,
        guard: Callable[[DocumentNode], GatewayError | None] = lambda _document: None,
        plans: Plans | None = None,
        federation: Subgraph | None = None,
    ) -> None:
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
                on_surprise=lambda surprise: on_fault(fault_of(surprise, ())),
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
        self._on_fault = on_fault
        self.reuse = Reuse()
        self.joining: Joining[Answer] = Joining(written_once)

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
    ) -> Answer:
        """Runs one operation of a document.

        Args:
            prepared: The document.
            variables: As the client sent them.
            operation_name: Which operation, where there are several.
            request: The request as upstream calls see it; what it started, and nobody else waits for, has ended when
                this returns or is cancelled.
            principal: Who asks; None where access control is off.
            router: Whether a router asks that has proved to be one.

        Raises:
            OperationTooCostly: It is expected to take more than is allowed; nothing was asked upstream.
        """
        scopes = None if principal is None else principal.scopes
        asked = Asked(self._catalog, prepared, variables, operation_name, scopes, router)
        key = asked.key()
        kept = await self.reuse.find(key, request)
        if kept is not None:
            return Answer(data=kept.data, errors=[], interpreted=kept.interpreted, expected=kept.expected)
        checked = prepared.variant.operations.check(
            prepared.document, variables=variables, operation_name=operation_name
        )
        if isinstance(checked, list):
            return Answer(data=None, errors=[formatted(error, self._on_fault) for error in checked], started=False)
        cost = prepared.variant.costs.expected(checked.operation, checked.variables)
        expected = cost.units
        if self._max_cost is not None and expected > self._max_cost:
            raise OperationTooCostly(
                f"The operation is expected to cost {expected} upstream units; {self._max_cost} are allowed.",
                measured=expected,
                allowed=self._max_cost,
            )

        if self._max_fields is not None and cost.fields > self._max_fields:
            text = f"The answer may have {cost.fields} fields; {self._max_fields} are allowed. Ask for smaller pages."
            return self._too_large(text, cost.fields, self._max_fields, expected)

        async def run(shared: Request) -> Answer:
            context = Context(self._catalog, shared, checked.operation, self._statuses, principal, router=router)
            try:
                outcome = await prepared.variant.operations.run(checked, context)
            except AnswerTooLarge as error:
                text = f"The answer has more than {error.allowed} fields. Ask for smaller pages."
                return self._too_large(text, error.measured, error.allowed, expected)
            finally:
                await context.close()
            errors = [formatted(error, self._on_fault) for error in once_a_field(outcome.errors)]
            answer = Answer(
                data=outcome.data,
                errors=errors,
                started=outcome.started,
                interpreted=outcome.interpreted,
                expected=expected,
                fields=outcome.fields,
            )
            if errors or not outcome.started or outcome.fields > LONG:
                return answer
            data = self.reuse.keep(key, asked, shared, outcome.data, expected=expected, interpreted=outcome.interpreted)
            return msgspec.structs.replace(answer, data=data)

        return await self.joining.run(key, request, run)

    def _too_large(self, text: str, measured: int, allowed: int, expected: int) -> Answer:
        """What an operation comes to whose answer is too large: nothing, and one error."""
        refusal = OperationTooCostly(text, measured=measured, allowed=allowed)
        error = formatted(GraphQLError(text, original_error=refusal), self._on_fault)
        return Answer(data=None, errors=[error], expected=expected)
