"""What is told to OpenTelemetry; where to, how much and as whose, its own variables (`OTEL_…`) say."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from gateway.environment import BadSetting, Environment

NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingSettings:
    """How requests are traced.

    Attributes:
        documents: Whether a span has the operation's text, with whatever values stand in it.
        propagate: Whether calls to the vendors bear a `traceparent`.
    """

    documents: bool
    propagate: bool


def read_tracing(env: Environment) -> TracingSettings | None:
    """Whether and how requests are traced; None where they are not, and nothing of OpenTelemetry is imported.

    Raises:
        BadSetting: They should be, and what that takes is not installed.
    """
    on = env.switch("GATEWAY_OTEL", default=False)
    settings = TracingSettings(
        documents=env.switch("GATEWAY_OTEL_DOCUMENTS", default=False),
        propagate=env.switch("GATEWAY_OTEL_PROPAGATE", default=False),
    )
    if not on:
        return None
    if not all(map(_installed, NEEDED)):
        raise BadSetting("GATEWAY_OTEL", "OpenTelemetry is not installed; it comes with 'meeting-gateway[tracing]'")
    return settings


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
