"""One span a request: what it asked for by name, what it took, and whether it went wrong here or at a vendor."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from starlette.types import Scope

from gateway.web.message import RequestHeaders
from gateway.web.middleware import End
from gateway.web.notes import Notes
from gateway.web.tracing.spans import NOWHERE, PROPAGATOR, Live

SERVER_ERROR = 500
BY_CLIENTS = frozenset(
    {
        *("BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "PERSISTED_QUERY_NOT_FOUND"),
        *("OPERATION_TOO_COSTLY", "RATE_LIMITED", "UNAUTHENTICATED", "FORBIDDEN"),
    }
)
"""Codes that say that a request was wrong: for a server's span, as the conventions for HTTP have it, no error."""

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


class Traces:
    """Begins a span with each request to one path, as part of the trace that its `traceparent` names, if any.

    Args:
        path: The path; others are not traced.
        tracer: Begins spans.
        documents: Whether a span has the operation's text.
        names: Whether spans bear operations' names, which are few only where documents are trusted.
        propagate: Whether upstream calls bear a `traceparent`.
    """

    def __init__(self, path: str, tracer: Tracer, *, documents: bool, names: bool, propagate: bool) -> None:
        self._path = path
        self._tracer = tracer
        self._documents = documents
        self._names = names
        self._propagate = propagate

    def __call__(self, scope: Scope, notes: Notes) -> End:
        """Begins a request's span, and ends it with the request."""
        if scope["path"] != self._path:
            return lambda _status, _seconds: None
        live = self._begin(scope)
        if live.trace_id is not None or self._propagate:
            notes.span, notes.trace_id = live, live.trace_id

        def end(status: int, _seconds: float) -> None:
            if live.span.is_recording():
                self._tell(live, notes, status)
            live.span.end()

        return end

    def _begin(self, scope: Scope) -> Live:
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        facts: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": self._path,
            "url.path": self._path,
            "url.scheme": scope["scheme"],
            "network.protocol.version": scope["http_version"],
        }
        if scope.get("server"):
            facts["server.address"], facts["server.port"] = scope["server"]
        span = self._tracer.start_span(f"{method} {self._path}", parent_of(scope), SpanKind.SERVER, facts)
        return Live(self._tracer, span, propagate=self._propagate)

    def _tell(self, live: Live, notes: Notes, status: int) -> None:
        span = live.span
        span.set_attributes(told(notes, status))
        if self._documents and notes.text is not None:
            span.set_attribute("graphql.document", notes.text)
        if notes.type == "query":
            span.update_name(f"query {notes.operation}" if self._names and notes.operation else "query")
        wrong = error_of(notes, status)
        if wrong is not None:
            span.set_attribute("error.type", wrong)
            span.set_status(Status(StatusCode.ERROR))


def parent_of(scope: Scope) -> Context:
    """The span that a request names as its cause; no span where it names none, or none that can be read."""
    headers = RequestHeaders(scope=scope)
    carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
    return PROPAGATOR.extract(carrier, NOWHERE)


def told(notes: Notes, status: int) -> Mapping[str, str | int | list[str]]:
    """What there is to be said of a request that has ended."""
    facts: dict[str, str | int | list[str]] = {}
    if notes.gone:
        facts["gateway.client_gone"] = True
    elif status:
        facts["http.response.status_code"] = status
    if notes.type != "unknown":
        facts["graphql.operation.type"] = notes.type
    if notes.operation is not None:
        facts["graphql.operation.name"] = notes.operation
    if notes.ledger is not None:
        facts["gateway.upstream.calls"] = len(notes.ledger.calls())
        facts["gateway.upstream.cost"] = notes.ledger.cost()
    if notes.errors:
        facts["gateway.errors"] = sorted(notes.errors)
    if notes.error_ids:
        facts["gateway.error_ids"] = notes.error_ids
    return facts


def error_of(notes: Notes, status: int) -> str | None:
    """What went wrong here or at a vendor, a code or else the status, whatever was answered; None where nothing did."""
    ours = sorted(code for code in notes.errors if code not in BY_CLIENTS)
    if ours:
        return ours[0]
    return str(status) if status >= SERVER_ERROR else None
