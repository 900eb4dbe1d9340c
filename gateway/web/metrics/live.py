"""What is counted of streams and of vendors' deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.model.changes import ChangeKind

LAG = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 120)
"""Seconds from a change to its events: half a second is what hints are collected for, a poll may take a minute."""


TRANSPORTS = ("sse", "multipart", "websocket")
ENDS = ("gone", "stopping", "credential")
"""Why a stream ended; a WebSocket connection ends with a close code besides."""

VERDICTS = ("accepted", "repeated", "ignored", "forged", "stale", "refused")
"""What a delivery was found to be: new, known, of no interest, not the vendor's, too old, or not read at all."""


class LiveMetrics:
    """Streams and deliveries.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "gateway_subscriptions_open",
            "Subscriptions that are open, by transport.",
            ("transport",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._events = Counter(
            "gateway_subscription_events", "Events sent to subscriptions, by kind.", ("kind",), registry=registry
        )
        self._sent = {kind: self._events.labels(kind.value) for kind in ChangeKind}
        self._ended = Counter(
            "gateway_subscriptions_ended",
            "Streams and connections that ended, by reason.",
            ("reason",),
            registry=registry,
        )
        self._joined = Counter(
            "gateway_subscriptions_behind",
            "Times that a client was too slow, and got several changes as one.",
            registry=registry,
        )
        self._lag = Histogram(
            "gateway_subscription_lag_seconds",
            "From a meeting's change, as its source has it, to its event at the first subscriber.",
            buckets=LAG,
            registry=registry,
        )
        self._deliveries = Counter(
            "gateway_webhook_deliveries",
            "Vendors' deliveries, by what they were found to be.",
            ("source", "verdict"),
            registry=registry,
        )
        self._delivered_at = Gauge(
            "gateway_webhook_last_delivery_timestamp_seconds",
            "When a source last delivered, in seconds since 1970.",
            ("source",),
            registry=registry,
            multiprocess_mode="max",
        )

    def start(self, sources: Iterable[str]) -> None:
        """Shows every series at zero: a rate cannot see the step from no series to one.

        Args:
            sources: Those that deliver or are polled.
        """
        for transport in TRANSPORTS:
            self._open.labels(transport)
        for reason in ENDS:
            self._ended.labels(reason)
        for source in sources:
            self._delivered_at.labels(source)
            for verdict in VERDICTS:
                self._deliveries.labels(source, verdict)

    def opened(self, transport: str, change: int) -> None:
        """A subscription begins (1) or ends (-1)."""
        self._open.labels(transport).inc(change)

    def event(self, kind: ChangeKind) -> None:
        """An event was sent."""
        self._sent[kind].inc()

    def lag(self, seconds: float) -> None:
        """An event was sent to the first of its subscribers, so many seconds after its change."""
        self._lag.observe(seconds)

    def ended(self, reason: str) -> None:
        """A stream, or a connection, has ended."""
        self._ended.labels(reason).inc()

    def behind(self, times: int) -> None:
        """A client was too slow so many times."""
        self._joined.inc(times)

    def delivered(self, source: str, verdict: str, now: Callable[[], float]) -> None:
        """A delivery was taken, or was not."""
        self._deliveries.labels(source, verdict).inc()
        if verdict in {"accepted", "repeated", "ignored"}:
            self._delivered_at.labels(source).set(now())
