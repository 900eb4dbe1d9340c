"""`/graphql`: GraphQL over HTTP. A request in, one JSON answer out; what is in between is the engine's."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import BadUserInput, DeadlineExceeded, Forbidden, GatewayError, RateLimited, Unauthenticated
from gateway.graph.engine import Answer, Engine
from gateway.graph.faults import Fault, formatted
from gateway.model.scopes import Principal
from gateway.settings.api_keys import ApiKey
from gateway.upstream.request import Clock, Ledger, Request
from gateway.web import body, message, trace
from gateway.web.access import Access, challenge, client_of, is_router
from gateway.web.body import Background, ClientGone
from gateway.web.csrf import needs_preflight
from gateway.web.documents import Documents, Named
from gateway.web.explorer import Explorer
from gateway.web.keyset import PAUSE, KeysUnavailable
from gateway.web.limits import check_length, check_variables
from gateway.web.message import Message, RequestHeaders
from gateway.web.negotiation import MediaType, answer_type, prefers_html
from gateway.web.notes import notes_of
from gateway.web.operation import UnsupportedOperation, check_kinds, chosen, short_name
from gateway.web.problem import HTTPProblem, Refusal, status_of
from gateway.web.rate import Rates
from gateway.web.writing import cache_control, written

METHODS = ("GET", "HEAD", "POST")
ALLOW = {"Allow": ", ".join(METHODS)}
TRACE_HEADER = "x-gateway-trace"
COST_HEADER = "x-gateway-cost"
GZIP = frozenset({"gzip", "x-gzip"})
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
        clock: What deadlines are told by.
        deadline: Seconds for one operation.
        trace: Whether `extensions.upstream` may be asked for.
        explorer: The page for browsers; None where there is none.
        on_fault: Told of errors that are nobody's but ours.
        router_keys: What routers prove to be such by.
        max_document: Characters that a document may have.
        charging: What is charged when nobody waits any more.
    """

    engine: Engine
    documents: Documents
    access: Access
    origins: frozenset[str]
    rates: Rates
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
            notes_of(scope).gone = True

    async def _respond(self, scope: Scope, headers: Headers, receive: Receive) -> Response:
        accept = headers.get("accept")
        method: str = scope["method"]
        if method not in METHODS:
            raise HTTPProblem(405, "GraphQL is asked by GET or POST.", ALLOW)
        get = method != "POST"
        if get and self.explorer is not None and prefers_html(accept):
            return self.explorer.page()
        kind = answer_type(accept)
        if kind is None:
            names = " or ".join(each.value for each in (MediaType.RESPONSE, MediaType.JSON))
            raise HTTPProblem(406, f"Answers are {names}.")
        if get and needs_preflight(headers, self.origins):
            raise HTTPProblem(403, Forbidden("Another site's page sends this GET; it needs X-Gateway-Preflight."))
        principal = await self._admit(scope, headers)
        if not get:
            check_content(headers)
        asked = message.from_query_string(scope["query_string"]) if get else await read(receive, headers)
        request = Request(self.clock.monotonic() + self.deadline)
        request.span = notes_of(scope).span
        outcome = await body.while_connected(self._run(scope, asked, request, principal), receive)
        notes = notes_of(scope)
        notes.outcome = outcome
        notes.tell(outcome.errors)
        return await written(
            outcome,
            kind,
            headers,
            extensions=self._extensions(headers, outcome, request.ledger),
            caching=cache_control(
                request.freshness.max_age, good=not outcome.errors, private=principal is not None or notes.router
            ),
            get=get,
        )

    def _extensions(self, headers: Headers, outcome: Answer | Refusal, ledger: Ledger) -> Mapping[str, object]:
        """What the answer's `extensions` hold: what the request asks to be told of how it was answered.

        Args:
            headers: The request's.
            outcome: What it came to.
            ledger: The upstream calls made for it.
        """
        told: dict[str, object] = {}
        traced = self.trace and headers.get(TRACE_HEADER) == "1"
        ran = outcome if isinstance(outcome, Answer) and outcome.started else None
        if traced:
            told["upstream"] = trace.summary(ledger)
        if ran is not None and traced:
            told["execution"] = trace.execution(ran.interpreted)
        if ran is not None and (traced or headers.get(COST_HEADER) == "1"):
            told["cost"] = {"expected": ran.expected, "actual": ledger.cost()}
        return told

    async def _admit(self, scope: Scope, headers: Headers) -> Principal | None:
        """Whoever asks, where they may.

        Raises:
            HTTPProblem: 401, 403, 429 or 503.
        """
        notes = notes_of(scope)
        try:
            principal = await self.access.principal(headers)
            notes.client = None if principal is None else principal.name
            await self.rates.admit(client_of(principal, scope))
            notes.router = is_router(headers, self.router_keys)
        except Unauthenticated as error:
            notes.refused = error.reason
            raise HTTPProblem(401, error, {"WWW-Authenticate": challenge(headers)}) from None
        except KeysUnavailable:
            notes.refused = "unavailable"
            later = {"Retry-After": str(math.ceil(PAUSE))}
            raise HTTPProblem(503, "Tokens cannot be checked right now.", later) from None
        except RateLimited as error:
            raise HTTPProblem(429, error, {"Retry-After": str(math.ceil(error.retry_after))}) from None
        if principal is not None and not principal.scopes:
            lacking = f'{challenge(headers).partition(",")[0]}, error="insufficient_scope"'
            raise HTTPProblem(403, Forbidden("The credential has no scope here."), {"WWW-Authenticate": lacking})
        return principal

    async def _run(
        self, scope: Scope, asked: Message, request: Request, principal: Principal | None
    ) -> Answer | Refusal:
        notes = notes_of(scope)
        notes.ledger = request.ledger
        try:
            if asked.query is not None:
                check_length(asked.query, self.max_document)
            check_variables(asked.variables)
            named = await self._named(asked)
            notes.text = named.text
            prepared = self.engine.prepare(named.text)
            if isinstance(prepared, list):
                check_kinds(prepared)
                errors = [formatted(error, self.on_fault) for error in prepared]
                return Refusal(errors, status_of(errors))
            operation = chosen(prepared.document, asked.operation_name)
            notes.operation, notes.type = short_name(operation), operation.operation.value
            await self.documents.keep(named)
            async with asyncio.timeout(self.deadline + GRACE):
                return await self.engine.execute(
                    prepared,
                    variables=asked.variables,
                    operation_name=asked.operation_name,
                    request=request,
                    principal=principal,
                    router=notes.router,
                )
        except UnsupportedOperation as error:
            notes.type = error.kind
            if scope["method"] == "POST":
                raise HTTPProblem(400, error) from None
            raise HTTPProblem(405, error, ALLOW) from None
        except GatewayError as error:
            return Refusal.of(error)
        except TimeoutError:
            return Refusal.of(DeadlineExceeded(f"The operation took longer than {self.deadline:g} seconds."))
        finally:
            await self._charge(client_of(principal, scope), request.ledger)

    async def _charge(self, client: str, ledger: Ledger) -> None:
        """Takes from a client's bucket what its operation has cost, and what it will have when its last call has ended.

        A client that leaves early leaves calls behind that others wait for too.
        """
        ledger.tell_costs(lambda cost: self.charging.start(self.rates.charge(client, cost)))
        await self.rates.charge(client, ledger.cost())

    async def _named(self, asked: Message) -> Named:
        """The document that is asked for; where none is, the request itself is malformed."""
        try:
            return await self.documents.find(asked)
        except BadUserInput as error:
            raise HTTPProblem(400, error) from None


async def read(receive: Receive, headers: Headers) -> Message:
    """The message of a POST.

    Raises:
        HTTPProblem: It is too large, or none.
        ClientGone: It broke off.
    """
    received = await body.read(receive, headers)
    return message.from_body(body.unpacked(received) if coding_of_body(headers) in GZIP else received)


def check_content(headers: Headers) -> None:
    """Makes sure that a body can be read: JSON in UTF-8, as it is or packed by gzip.

    Raises:
        HTTPProblem: 415.
    """
    name, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    if name != MediaType.JSON.value or not set(charsets) <= {"utf-8", "utf8"}:
        raise HTTPProblem(415, "Send the request as application/json in UTF-8.", {"Accept": MediaType.JSON.value})
    if coding_of_body(headers) not in {"identity", *GZIP}:
        raise HTTPProblem(415, "Send the body as it is, or packed once by gzip.", {"Accept-Encoding": "gzip"})


def coding_of_body(headers: Headers) -> str:
    """What the body was packed by."""
    return headers.get("content-encoding", "").strip().lower() or "identity"
