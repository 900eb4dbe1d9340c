"""What the gateway says of itself to Prometheus and OpenTelemetry, as it is set."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from gateway.settings.api_keys import KEYS, ApiKey
from gateway.settings.environment import BadSetting
from gateway.settings.kinds import InvalidValue, ValueKind, listed
from gateway.settings.table import SettingsGroup, SettingsTable

NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
MOST_NAMES = 200
NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise InvalidValue
    return text


NAMES = listed(
    ValueKind(read=_name, expected="an operation name"),
    most=MOST_NAMES,  # each is a time series for ever
    what="operation names",
    example="MeetingList,PersonPage",
)


class MetricsSettings(SettingsGroup, frozen=True, kw_only=True):
    """What is set of metrics."""

    keys: Annotated[
        tuple[ApiKey, ...],
        KEYS,
        Meta(
            title="GATEWAY_METRICS_KEYS",
            description="what `/metrics` asks for, one of them, in the form of `GATEWAY_API_KEYS`; scopes mean nothing "
            "there; without it anybody may read it",
        ),
    ] = ()
    operations: Annotated[
        frozenset[str],
        NAMES,
        Meta(
            title="GATEWAY_METRICS_OPERATIONS",
            description="names of operations that metrics show by their names; with trusted documents all of theirs "
            f"are ({MOST_NAMES} at most)",
        ),
    ] = frozenset()


class TracingSettings(SettingsGroup, frozen=True, kw_only=True):
    """How requests are traced; where they are not, nothing of OpenTelemetry is imported."""

    enabled: Annotated[
        bool,
        Meta(
            title="GATEWAY_OTEL",
            description="whether requests are [traced](operations/tracing.md) by OpenTelemetry, which comes with "
            "`meeting-gateway[tracing]`; where to, how many and as whose, its own variables (`OTEL_…`) say",
        ),
    ] = False
    documents: Annotated[
        bool,
        Meta(
            title="GATEWAY_OTEL_DOCUMENTS",
            description="whether traces have operations' texts, with whatever stands in them",
        ),
    ] = False
    propagate: Annotated[
        bool, Meta(title="GATEWAY_OTEL_PROPAGATE", description="whether calls to the vendors bear a `traceparent`")
    ] = False

    def check(self) -> Iterator[BadSetting]:
        """What tracing takes is installed, where it is on."""
        if self.enabled and not all(map(_installed, NEEDED)):
            wrong = "OpenTelemetry is not installed; it comes with 'meeting-gateway[tracing]'"
            yield BadSetting("GATEWAY_OTEL", wrong)


METRICS = SettingsTable(
    "Metrics",
    MetricsSettings,
    about="See [metrics](operations/metrics.md).",
    example="GATEWAY_METRICS_KEYS_FILE=/run/secrets/metrics_keys\nGATEWAY_METRICS_OPERATIONS=MeetingList,PersonPage",
)
TRACING = SettingsTable(
    "Traces",
    TracingSettings,
    example="GATEWAY_OTEL=on\nOTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318",
)


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
