"""One span a request, with those of its batches and its calls below it, named as the semantic conventions have it.

No span has a variable, an argument, a query string, a token, an address of a client or a vendor's text.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

from gateway import request as port
from gateway.web.request import RequestHeaders
from gateway.web.request_log import End, RequestRecord

NOWHERE = Context()
"""A context with nothing in it: the thread's current one is not ours."""

PROPAGATOR = TraceContextTextMapPropagator()


class ActiveSpan:
    """A span that is open, as upstream calls see it.

    Args:
        tracer: Begins its children.
        span: OpenTelemetry's.
        propagate: Whether calls below it bear a `traceparent`.
    """

    def __init__(self, tracer: Tracer, span: Span, *, propagate: bool) -> None:
        self._tracer = tracer
        self.span = span
        self._propagate = propagate

    @property
    def trace_id(self) -> str | None:
        """The trace's id in hex, where the trace is sampled."""
        context = self.span.get_span_context()
        return f"{context.trace_id:032x}" if context.trace_flags.sampled else None

    def batch(self, endpoint: str) -> port.Span:
        """Begins a batch, from its first key on."""
        return self._child(f"batch {endpoint}", SpanKind.INTERNAL, {"url.template": endpoint})

    def call(self, source: str, endpoint: str, host: str | None, port: int | None) -> port.Span:
        """Begins a call, each try for itself."""
        attributes: dict[str, str | int] = {
            "http.request.method": "GET",
            "url.template": endpoint,
            "gateway.source": source,
        }
        if host is not None:
            attributes["server.address"] = host
        if port is not None:
            attributes["server.port"] = port
        return self._child(f"GET {endpoint}", SpanKind.CLIENT, attributes)

    def headers(self) -> Mapping[str, str]:
        """`traceparent` and `tracestate`, where they are sent along."""
        carrier: dict[str, str] = {}
        if self._propagate:
            PROPAGATOR.inject(carrier, set_span_in_context(self.span, NOWHERE))
        return carrier

    def joined(self, other: port.Span) -> None:
        """Links both ways, so that either trace leads to what it shares."""
        if isinstance(other, ActiveSpan) and other.span is not self.span:
            self.span.add_link(other.span.get_span_context())
            other.span.add_link(self.span.get_span_context())

    def end(self, *, error: str | None = None, **attributes: str | int) -> None:
        """Ends it; an error is an error, and all else is left unset."""
        for name, value in attributes.items():
            self.span.set_attribute(ATTRIBUTES[name], value)
        if error is not None:
            self.span.set_attribute("error.type", error)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()

    def _child(self, name: str, kind: SpanKind, attributes: Mapping[str, str | int]) -> ActiveSpan:
        parent = set_span_in_context(self.span, NOWHERE)
        child = self._tracer.start_span(name, parent, kind, attributes)
        return ActiveSpan(self._tracer, child, propagate=self._propagate)


ATTRIBUTES: Mapping[str, str] = {
    "status": "http.response.status_code",
    "cost": "gateway.upstream.cost",
    "keys": "gateway.batch.keys",
}
"""What the attributes of `Span.end` are called in traces."""


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

    def __call__(self, scope: Scope, record: RequestRecord) -> End:
        """Begins a request's span, and ends it with the request."""
        if scope["path"] != self._path:
            return lambda _status, _seconds: None
        live = self._begin(scope)
        if live.trace_id is not None or self._propagate:
            record.span, record.trace_id = live, live.trace_id

        def end(status: int, _seconds: float) -> None:
            if live.span.is_recording():
                self._describe(live, record, status)
            live.span.end()

        return end

    def _begin(self, scope: Scope) -> ActiveSpan:
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": self._path,
            "url.path": self._path,
            "url.scheme": scope["scheme"],
            "network.protocol.version": scope["http_version"],
        }
        if scope.get("server"):
            attributes["server.address"], attributes["server.port"] = scope["server"]
        span = self._tracer.start_span(f"{method} {self._path}", parent_of(scope), SpanKind.SERVER, attributes)
        return ActiveSpan(self._tracer, span, propagate=self._propagate)

    def _describe(self, live: ActiveSpan, record: RequestRecord, status: int) -> None:
        span = live.span
        span.set_attributes(attributes_of(record, status))
        if self._documents and record.text is not None:
            span.set_attribute("graphql.document", record.text)
        if record.type == "query":
            span.update_name(f"query {record.operation}" if self._names and record.operation else "query")
        wrong = error_of(record, status)
        if wrong is not None:
            span.set_attribute("error.type", wrong)
            span.set_status(Status(StatusCode.ERROR))


def parent_of(scope: Scope) -> Context:
    """The span that a request names as its cause; no span where it names none, or none that can be read."""
    headers = RequestHeaders(scope=scope)
    carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
    return PROPAGATOR.extract(carrier, NOWHERE)


def attributes_of(record: RequestRecord, status: int) -> Mapping[str, str | int | list[str]]:
    """What there is to be said of a request that has ended."""
    attributes: dict[str, str | int | list[str]] = {}
    if record.gone:
        attributes["gateway.client_gone"] = True
    elif status:
        attributes["http.response.status_code"] = status
    if record.type != "unknown":
        attributes["graphql.operation.type"] = record.type
    if record.operation is not None:
        attributes["graphql.operation.name"] = record.operation
    if record.ledger is not None:
        attributes["gateway.upstream.calls"] = len(record.ledger.calls())
        attributes["gateway.upstream.cost"] = record.ledger.cost()
    if record.errors:
        attributes["gateway.errors"] = sorted(record.errors)
    if record.error_ids:
        attributes["gateway.error_ids"] = record.error_ids
    return attributes


def error_of(record: RequestRecord, status: int) -> str | None:
    """What went wrong here or at a vendor, a code or else the status, whatever was answered; None where nothing did."""
    ours = sorted(code for code in record.errors if code not in BY_CLIENTS)
    if ours:
        return ours[0]
    return str(status) if status >= SERVER_ERROR else None
