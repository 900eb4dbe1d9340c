"""A collector of traces on loopback: takes OTLP over HTTP, and gives what came as plain values."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

KINDS = {1: "internal", 2: "server", 3: "client"}
ERROR = 2


@dataclass(frozen=True)
class Told:
    """One span.

    Attributes:
        parent: Its parent's id; empty where it has none.
        links: Ids of the spans that it is linked to.
        error: Whether its status is an error; all others are unset.
    """

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: frozenset[str]
    error: bool
    facts: Mapping[str, Any]
    service: str


class Collector:
    """What came so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Told]:
        """Every span, in the order in which they came."""
        reported = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {fact.key: plain(fact.value) for fact in resource.resource.attributes}["service.name"]
                reported += [span_of(span, service) for scope in resource.scope_spans for span in scope.spans]
        return reported

    def of(self, kind: str) -> list[Told]:
        """The spans of one kind."""
        return [span for span in self.spans if span.kind == kind]


def span_of(span: Any, service: str) -> Told:
    assert span.status.code in {0, ERROR}
    return Told(
        span.name,
        KINDS[span.kind],
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        frozenset(link.span_id.hex() for link in span.links),
        span.status.code == ERROR,
        {fact.key: plain(fact.value) for fact in span.attributes},
        service,
    )


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(part) for part in value.array_value.values]
    return getattr(value, str(kind))


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - likewise
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
