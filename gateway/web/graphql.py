"""`/graphql`: GraphQL over HTTP. A request in, one JSON response out; the engine is in between."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from graphql import OperationType
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import (
    BadUserInput,
    DeadlineExceeded,
    Forbidden,
    GatewayError,
    LiveUpdatesOff,
    RateLimited,
    Unauthenticated,
)
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine, OperationResult
from gateway.graph.errors import InternalError, formatted
from gateway.model.scopes import Principal
from gateway.request import IN_PROGRESS, Clock, Ledger, Request
from gateway.settings.api_keys import ApiKey
from gateway.web.authentication import Authenticator, challenge, client_of, is_router
from gateway.web.document_limits import check_length, check_variables
from gateway.web.explorer import Explorer
from gateway.web.extensions import extensions_of
from gateway.web.framing import FRAMINGS, Framing, result_bytes
from gateway.web.http_errors import HTTPError, RequestError, status_of
from gateway.web.negotiation import MediaType, answer_type, prefers_html, stream_type, takes_json
from gateway.web.operation import UnsupportedOperation, check_kinds, chosen, short_name
from gateway.web.persisted import DocumentSource, RequestedDocument, is_unknown_hash
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
from gateway.web.request_log import RequestRecord, record_of
from gateway.web.response import cache_control, graphql_response
from gateway.web.streams import OneResult, Stream, StreamResponse, Subscriptions
from gateway.web.tokens import PAUSE, KeysUnavailable

TRANSPORTS = (
    "A subscription is answered by a stream: accept text/event-stream (graphql-sse) or "
    'multipart/mixed;subscriptionSpec="1.0" (Apollo), or connect by WebSocket (graphql-transport-ws).'
)
METHODS = ("GET", "HEAD", "POST")
ALLOW = {"Allow": ", ".join(METHODS)}
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
        on_internal_error: Told of errors that are nobody's but ours.
        router_keys: What routers prove to be such by.
        max_document: Characters that a document may have.
        charging: What is charged when nobody waits any more.
        subscriptions: What streams have in common; None where there are none.
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
    on_internal_error: Callable[[InternalError], None]
    router_keys: Sequence[ApiKey] = ()
    max_document: int = 100_000
    charging: Background = field(default_factory=Background)
    subscriptions: Subscriptions | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        try:
            response = await self._respond(scope, RequestHeaders(scope=scope), receive)
            await response(scope, receive, send)
        except ClientGone:
            record_of(scope).gone = True

    async def _respond(self, scope: Scope, headers: Headers, receive: Receive) -> ASGIApp:
        accept = headers.get("accept")
        method: str = scope["method"]
        if method not in METHODS:
            raise HTTPError(405, "Use GET or POST.", ALLOW)
        get = method != "POST"
        if get and self.explorer is not None and prefers_html(accept):
            return self.explorer.answer(scope)
        kind, framing = answer_type(accept), FRAMINGS.get(stream_type(accept) or "")
        if kind is None and framing is None:
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
        begin = self._begin(scope, headers, asked, request, principal, framing=framing)
        with IN_PROGRESS.one():
            outcome = await while_connected(begin, receive)
        record = record_of(scope)
        if isinstance(outcome, StreamResponse):
            return outcome
        record.outcome = outcome
        record.add_errors(outcome.errors)
        if kind is None:
            assert framing is not None
            return OneResult(framing, result_bytes(outcome))
        if takes_json(accept) and is_unknown_hash(outcome.errors):
            kind = MediaType.JSON  # with its 200: a step of Apollo's protocol, which browsers would show as failed
        return await graphql_response(
            outcome,
            kind,
            headers,
            extensions=extensions_of(
                headers,
                outcome,
                request.ledger,
                traces=self.trace,
                plan=lambda: self._plan(scope, asked, principal),
            ),
            caching=cache_control(
                request.freshness.max_age, good=not outcome.errors, private=principal is not None or record.router
            ),
            get=get,
        )

    def _plan(self, scope: Scope, asked: GraphQLRequest, principal: Principal | None) -> str:
        """How a request's operation runs, as `meeting-gateway explain` says it."""
        text = record_of(scope).text or ""
        return self.engine.explain(
            text, variables=asked.variables, operation_name=asked.operation_name, principal=principal
        )

    async def _admit(self, scope: Scope, headers: Headers) -> Principal | None:
        """The authenticated client.

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

    async def _begin(
        self,
        scope: Scope,
        headers: Headers,
        asked: GraphQLRequest,
        request: Request,
        principal: Principal | None,
        *,
        framing: Framing | None,
    ) -> OperationResult | RequestError | StreamResponse:
        """The response to an HTTP request.

        Raises:
            HTTPError: It is not one of GraphQL over HTTP, or asks for a stream that it may not have.
        """
        record = record_of(scope)
        record.ledger = request.ledger
        try:
            prepared = await self.prepare(asked, record)
            if isinstance(prepared, RequestError):
                return prepared
            if record.type != OperationType.SUBSCRIPTION.value:
                return await self.run(prepared, asked, request, principal, scope)
            if framing is None or scope["method"] == "HEAD":
                raise HTTPError(406, TRANSPORTS)
            begun = await self.subscribe(
                prepared,
                asked,
                request,
                principal,
                scope,
                transport=framing.name,
                check=lambda: self.access.principal(headers),
                resume=headers.get("last-event-id"),
            )
            return StreamResponse(framing, begun) if isinstance(begun, Stream) else begun
        except UnsupportedOperation as error:
            record.type = error.kind
            if scope["method"] == "POST":
                raise HTTPError(400, error) from None
            raise HTTPError(405, error, ALLOW) from None
        except RateLimited as error:
            raise HTTPError(429, error, {"Retry-After": str(math.ceil(error.retry_after))}) from None

    async def prepare(self, asked: GraphQLRequest, record: RequestRecord) -> Prepared | RequestError:
        """The document to run, valid, or what is wrong with it.

        Raises:
            HTTPError: The request is malformed.
            UnsupportedOperation: It is a mutation.
        """
        try:
            if asked.query is not None:
                check_length(asked.query, self.max_document)
            check_variables(asked.variables)
            requested = await self._document(asked)
            record.text = requested.text
            prepared = self.engine.prepare(requested.text)
            if isinstance(prepared, list):
                check_kinds(prepared)
                errors = [formatted(error, self.on_internal_error) for error in prepared]
                return RequestError(errors, status_of(errors))
            operation = chosen(prepared.document, asked.operation_name)
            record.operation, record.type = short_name(operation), operation.operation.value
            await self.documents.store(requested)
        except UnsupportedOperation:
            raise
        except GatewayError as error:
            return RequestError.of(error)
        return prepared

    async def run(
        self,
        prepared: Prepared,
        asked: GraphQLRequest,
        request: Request,
        principal: Principal | None,
        scope: Scope,
    ) -> OperationResult | RequestError:
        """Runs a query."""
        try:
            async with asyncio.timeout(self.deadline + GRACE):
                return await self.engine.execute(
                    prepared,
                    variables=asked.variables,
                    operation_name=asked.operation_name,
                    request=request,
                    principal=principal,
                    router=record_of(scope).router,
                )
        except GatewayError as error:
            return RequestError.of(error)
        except TimeoutError:
            return RequestError.of(DeadlineExceeded(f"The operation took longer than {self.deadline:g} seconds."))
        finally:
            await self._charge(client_of(principal, scope), request.ledger)

    async def subscribe(
        self,
        prepared: Prepared,
        asked: GraphQLRequest,
        request: Request,
        principal: Principal | None,
        scope: Scope,
        *,
        transport: str,
        check: Callable[[], Awaitable[Principal | None]],
        resume: str | None = None,
    ) -> Stream | OperationResult | RequestError:
        """Begins a subscription, or says why it cannot.

        Args:
            prepared: The document.
            asked: What is asked.
            request: What its first event is answered for.
            principal: The client; None where access control is off.
            scope: The connection's.
            transport: What it is counted under.
            check: Authenticates the credential again.
            resume: Where to go on, whatever the variables say.

        Raises:
            RateLimited: There is no room for another one.
        """
        client = client_of(principal, scope)
        shared = self.subscriptions
        if shared is None or self.engine.live is None:
            return RequestError.of(LiveUpdatesOff())

        async def check_again() -> None:
            try:
                now = await check()
            except KeysUnavailable:
                return
            if (None if now is None else now.scopes) != (None if principal is None else principal.scopes):
                raise Forbidden("The credential's scopes have changed.")

        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(shared.place(client, transport))
            try:
                async with asyncio.timeout(self.deadline + GRACE):
                    first, subscriber = await self.engine.subscribe(
                        prepared,
                        variables=asked.variables,
                        operation_name=asked.operation_name,
                        request=request,
                        new_request=lambda: Request(self.clock.monotonic() + self.deadline),
                        principal=principal,
                        router=record_of(scope).router,
                        resume=resume,
                    )
            except GatewayError as error:
                return RequestError.of(error)
            except TimeoutError:
                return RequestError.of(DeadlineExceeded(f"It took longer than {self.deadline:g} seconds to begin."))
            finally:
                await self._charge(client, request.ledger)
            if subscriber is None:
                return first
            stack.enter_context(self.engine.live.listening())
            await stack.enter_async_context(subscriber)
            return Stream(
                first=first,
                subscriber=subscriber,
                check=check_again,
                charge=lambda cost: self.rates.charge(client, cost),
                subscriptions=shared,
                resources=stack.pop_all(),
            )
        raise AssertionError("Nothing above is suppressed.")

    async def _charge(self, client: str, ledger: Ledger) -> None:
        """Charges a client's bucket for its operation, also for calls that end later.

        A client that disconnects early may leave calls that others wait for too.
        """
        ledger.report_costs(lambda cost: self.charging.start(self.rates.charge(client, cost)))
        await self.rates.charge(client, ledger.cost())

    async def _document(self, asked: GraphQLRequest) -> RequestedDocument:
        """The requested document; a request without one is malformed."""
        try:
            return await self.documents.find(asked)
        except BadUserInput as error:
            raise HTTPError(400, error) from None
