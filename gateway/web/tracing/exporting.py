"""Where spans go: to an OTLP collector over HTTP, as OpenTelemetry's own variables say, never in anybody's way."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from gateway.settings.telemetry import TracingSettings
from gateway.web.request_log import Observer
from gateway.web.tracing.requests import Traces

NAME = "meeting-gateway"
UNNAMED = "unknown_service"
CLOSING = 3.0
"""Seconds that the last spans are given to be sent; a collector that is gone holds nobody up."""


class Exporting:
    """A tracer whose spans a thread of OpenTelemetry's own sends in batches; what its queue cannot hold is dropped.

    `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME` and their like are read here.

    Args:
        settings: What a span holds.
        release: The gateway's.
    """

    def __init__(self, settings: TracingSettings, release: str) -> None:
        self._settings = settings
        resource = Resource.create({SERVICE_VERSION: release})
        if str(resource.attributes[SERVICE_NAME]).startswith(UNNAMED):
            resource = resource.merge(Resource({SERVICE_NAME: NAME}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(NAME, release)

    def observer(self, path: str, *, names: bool) -> Observer:
        """What traces requests to a path, with operations' names as names of spans where these are few."""
        documents, propagate = self._settings.documents, self._settings.propagate
        return Traces(path, self._tracer, documents=documents, names=names, propagate=propagate)

    @contextlib.asynccontextmanager
    async def closing(self) -> AsyncIterator[None]:
        """Sends what is left when the block ends, and stops the thread."""
        try:
            yield
        finally:
            ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
            ending.start()
            await asyncio.to_thread(ending.join, CLOSING)
