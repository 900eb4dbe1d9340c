"""Spans of one request, its batches and its calls, named as the semantic conventions for GraphQL and HTTP have it.

No span has a variable, an argument, a query string, a token, an address of a client or a vendor's text.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.upstream import span as port

NOWHERE = Context()
"""A context with nothing in it: the thread's current one is none of ours."""

PROPAGATOR = TraceContextTextMapPropagator()


class Live:
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
        """The trace's id in hex, where the trace is kept."""
        context = self.span.get_span_context()
        return f"{context.trace_id:032x}" if context.trace_flags.sampled else None

    def batch(self, endpoint: str) -> port.Span:
        """Begins a batch, from its first key on."""
        return self._child(f"batch {endpoint}", SpanKind.INTERNAL, {"url.template": endpoint})

    def call(self, source: str, endpoint: str, host: str | None, port: int | None) -> port.Span:
        """Begins a call, each try for itself."""
        facts: dict[str, str | int] = {
            "http.request.method": "GET",
            "url.template": endpoint,
            "gateway.source": source,
        }
        if host is not None:
            facts["server.address"] = host
        if port is not None:
            facts["server.port"] = port
        return self._child(f"GET {endpoint}", SpanKind.CLIENT, facts)

    def headers(self) -> Mapping[str, str]:
        """`traceparent` and `tracestate`, where they are sent along."""
        carrier: dict[str, str] = {}
        if self._propagate:
            PROPAGATOR.inject(carrier, set_span_in_context(self.span, NOWHERE))
        return carrier

    def joined(self, other: port.Span) -> None:
        """Links both ways, so that either trace leads to what it shares."""
        if isinstance(other, Live) and other.span is not self.span:
            self.span.add_link(other.span.get_span_context())
            other.span.add_link(self.span.get_span_context())

    def end(self, *, error: str | None = None, **facts: str | int) -> None:
        """Ends it; an error is an error, and all else is left unset."""
        for name, value in facts.items():
            self.span.set_attribute(ATTRIBUTES[name], value)
        if error is not None:
            self.span.set_attribute("error.type", error)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()

    def _child(self, name: str, kind: SpanKind, facts: Mapping[str, str | int]) -> Live:
        parent = set_span_in_context(self.span, NOWHERE)
        child = self._tracer.start_span(name, parent, kind, facts)
        return Live(self._tracer, child, propagate=self._propagate)


ATTRIBUTES: Mapping[str, str] = {
    "status": "http.response.status_code",
    "cost": "gateway.upstream.cost",
    "keys": "gateway.batch.keys",
}
"""What the facts of `Span.end` are called in traces."""
