"""`/graphql`: GraphQL over HTTP. A request in, one JSON answer out; what is in between is the engine's."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, OperationType
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import BadUserInput, DeadlineExceeded, Forbidden, GatewayError, RateLimited, Unauthenticated
from gateway.graph.engine import Answer, Engine
from gateway.graph.faults import Fault, formatted
from gateway.model.scopes import Principal
from gateway.settings.api_keys import ApiKey
from gateway.upstream.request import Clock, Ledger, Request
from gateway.web import trace
from gateway.web.authentication import Authenticator, challenge, client_of, is_router
from gateway.web.document_limits import check_length, check_variables
from gateway.web.explorer import Explorer
from gateway.web.http_errors import HTTPError, RequestError, status_of
from gateway.web.negotiation import MediaType, answer_type, prefers_html
from gateway.web.persisted import DocumentSource, RequestedDocument
from gateway.web.rate_limit import RateLimits
from gateway.web.request import (
    Background,
    ClientGone,
    GraphQLRequest,
    RequestHeaders,
    check_content,
    from_query_string,
    needs_preflight,
    read,
    while_connected,
)
from gateway.web.request_log import record_of
from gateway.web.response import cache_control, graphql_response
from gateway.web.tokens import PAUSE, KeysUnavailable

LONGEST_NAME = 64
"""Characters of an operation's name that logs and metrics keep; clients choose it."""


class UnsupportedOperation(GatewayError):
    """A mutation or a subscription; the graph has neither.

    Args:
        kind: Which.
    """

    code = "GRAPHQL_VALIDATION_FAILED"

    def __init__(self, kind: OperationType) -> None:
        super().__init__(f"The graph is read-only: it has no {kind.value}s.")
        self.kind = kind.value


def chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run: the only one, or the one of that name.

    Raises:
        BadUserInput: There is none, or it is not said which.
        UnsupportedOperation: It is not a query.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        found = [node for node in operations if node.name is not None and node.name.value == name]
        if not found:
            raise BadUserInput("The document has no operation of that name.", argument="operationName")
    else:
        found = operations
        if len(found) > 1:
            raise BadUserInput("The document has several operations: say which.", argument="operationName")
        if not found:
            raise BadUserInput("The document has no operation.", argument="query")
    check_kind(found[0])
    return found[0]


def check_kind(operation: OperationDefinitionNode) -> None:
    """Makes sure that an operation is a query.

    Raises:
        UnsupportedOperation: It is not.
    """
    if operation.operation is not OperationType.QUERY:
        raise UnsupportedOperation(operation.operation)


def check_kinds(errors: Sequence[GraphQLError]) -> None:
    """Finds the mutation or subscription among what validation holds against a document.

    Raises:
        UnsupportedOperation: There is one.
    """
    for node in chain.from_iterable(error.nodes or () for error in errors):
        if isinstance(node, OperationDefinitionNode):
            check_kind(node)


def short_name(operation: OperationDefinitionNode) -> str | None:
    """Its name, cut to a length that logs can bear."""
    return operation.name.value[:LONGEST_NAME] if operation.name else None


METHODS = ("GET", "HEAD", "POST")
ALLOW = {"Allow": ", ".join(METHODS)}
TRACE_HEADER = "x-gateway-trace"
COST_HEADER = "x-gateway-cost"
GRACE = 1.0
"""Seconds past the deadline before an operation is ended from outside; in time, each of its waits ends by itself and
the answer is partial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLEndpoint:
    """The ASGI application behind `/graphql`.

    Args:
        engine: Prepares and runs operations.
        documents: Finds what a request asks to run.
        access: Who may ask.
        origins: Origins that may call from a browser.
        rates: How often.
        clock: What deadlines are measured by.
        deadline: Seconds for one operation.
        trace: Whether `extensions.upstream` may be asked for.
        explorer: The page for browsers; None where it is off.
        on_fault: Told of errors that are nobody's but ours.
        router_keys: What routers prove to be such by.
        max_document: Characters that a document may have.
        charging: What is charged when nobody waits any more.
    """

    engine: Engine
    documents: DocumentSource
    access: Authenticator
    origins: frozenset[str]
    rates: RateLimits
    clock: Clock
    deadline: float
    trace: bool
    explorer: Explorer | None
    on_fault: Callable[[Fault], None]
    router_keys: Sequence[ApiKey] = ()
    max_document: int = 100_000
    charging: Background = field(default_factory=Background)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        try:
            response = await self._respond(scope, RequestHeaders(scope=scope), receive)
            await response(scope, receive, send)
        except ClientGone:
            record_of(scope).gone = True

    async def _respond(self, scope: Scope, headers: Headers, receive: Receive) -> Response:
        accept = headers.get("accept")
        method: str = scope["method"]
        if method not in METHODS:
            raise HTTPError(405, "Use GET or POST.", ALLOW)
        get = method != "POST"
        if get and self.explorer is not None and prefers_html(accept):
            return self.explorer.page()
        kind = answer_type(accept)
        if kind is None:
            names = " or ".join(each.value for each in (MediaType.RESPONSE, MediaType.JSON))
            raise HTTPError(406, f"Answers are {names}.")
        if get and needs_preflight(headers, self.origins):
            raise HTTPError(403, Forbidden("Another site's page sends this GET; it needs X-Gateway-Preflight."))
        principal = await self._admit(scope, headers)
        if not get:
            check_content(headers)
        asked = from_query_string(scope["query_string"]) if get else await read(receive, headers)
        request = Request(self.clock.monotonic() + self.deadline)
        request.span = record_of(scope).span
        outcome = await while_connected(self._run(scope, asked, request, principal), receive)
        record = record_of(scope)
        record.outcome = outcome
        record.add_errors(outcome.errors)
        return await graphql_response(
            outcome,
            kind,
            headers,
            extensions=self._extensions(headers, outcome, request.ledger),
            caching=cache_control(
                request.freshness.max_age, good=not outcome.errors, private=principal is not None or record.router
            ),
            get=get,
        )

    def _extensions(self, headers: Headers, outcome: Answer | RequestError, ledger: Ledger) -> Mapping[str, object]:
        """What the answer's `extensions` hold: what the request asks to know of how it was answered.

        Args:
            headers: The request's.
            outcome: What it came to.
            ledger: The upstream calls made for it.
        """
        extensions: dict[str, object] = {}
        traced = self.trace and headers.get(TRACE_HEADER) == "1"
        ran = outcome if isinstance(outcome, Answer) and outcome.started else None
        if traced:
            extensions["upstream"] = trace.summary(ledger)
        if ran is not None and traced:
            extensions["execution"] = trace.execution(ran.interpreted)
        if ran is not None and (traced or headers.get(COST_HEADER) == "1"):
            extensions["cost"] = {"expected": ran.expected, "actual": ledger.cost()}
        return extensions

    async def _admit(self, scope: Scope, headers: Headers) -> Principal | None:
        """Whoever asks, where they may.

        Raises:
            HTTPError: 401, 403, 429 or 503.
        """
        record = record_of(scope)
        try:
            principal = await self.access.principal(headers)
            record.client = None if principal is None else principal.name
            await self.rates.admit(client_of(principal, scope))
            record.router = is_router(headers, self.router_keys)
        except Unauthenticated as error:
            record.refused = error.reason
            raise HTTPError(401, error, {"WWW-Authenticate": challenge(headers)}) from None
        except KeysUnavailable:
            record.refused = "unavailable"
            later = {"Retry-After": str(math.ceil(PAUSE))}
            raise HTTPError(503, "Tokens cannot be checked right now.", later) from None
        except RateLimited as error:
            raise HTTPError(429, error, {"Retry-After": str(math.ceil(error.retry_after))}) from None
        if principal is not None and not principal.scopes:
            lacking = f'{challenge(headers).partition(",")[0]}, error="insufficient_scope"'
            raise HTTPError(403, Forbidden("The credential has no scope here."), {"WWW-Authenticate": lacking})
        return principal

    async def _run(
        self, scope: Scope, asked: GraphQLRequest, request: Request, principal: Principal | None
    ) -> Answer | RequestError:
        record = record_of(scope)
        record.ledger = request.ledger
        try:
            if asked.query is not None:
                check_length(asked.query, self.max_document)
            check_variables(asked.variables)
            requested = await self._document(asked)
            record.text = requested.text
            prepared = self.engine.prepare(requested.text)
            if isinstance(prepared, list):
                check_kinds(prepared)
                errors = [formatted(error, self.on_fault) for error in prepared]
                return RequestError(errors, status_of(errors))
            operation = chosen(prepared.document, asked.operation_name)
            record.operation, record.type = short_name(operation), operation.operation.value
            await self.documents.store(requested)
            async with asyncio.timeout(self.deadline + GRACE):
                return await self.engine.execute(
                    prepared,
                    variables=asked.variables,
                    operation_name=asked.operation_name,
                    request=request,
                    principal=principal,
                    router=record.router,
                )
        except UnsupportedOperation as error:
            record.type = error.kind
            if scope["method"] == "POST":
                raise HTTPError(400, error) from None
            raise HTTPError(405, error, ALLOW) from None
        except GatewayError as error:
            return RequestError.of(error)
        except TimeoutError:
            return RequestError.of(DeadlineExceeded(f"The operation took longer than {self.deadline:g} seconds."))
        finally:
            await self._charge(client_of(principal, scope), request.ledger)

    async def _charge(self, client: str, ledger: Ledger) -> None:
        """Takes from a client's bucket what its operation has cost, and what it will have when its last call has ended.

        A client that leaves early leaves calls behind that others wait for too.
        """
        ledger.tell_costs(lambda cost: self.charging.start(self.rates.charge(client, cost)))
        await self.rates.charge(client, ledger.cost())

    async def _document(self, asked: GraphQLRequest) -> RequestedDocument:
        """The document that is asked for; where none is, the request itself is malformed."""
        try:
            return await self.documents.find(asked)
        except BadUserInput as error:
            raise HTTPError(400, error) from None
