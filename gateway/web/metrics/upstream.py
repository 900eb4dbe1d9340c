"""What is counted of the sources: calls, units, waits, look-ups."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway.upstream.request import Hit
from gateway.web.metrics.operations import MOST_CHILDREN

CALL_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
QUEUE_SECONDS = (0.001, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 25, 60)
KEYS = (1, 2, 5, 10, 25, 50, 75, 100)


class UpstreamMetrics:
    """Metrics of upstream calls, those that nobody waits for included; what clients of upstreams are given to tell.

    Labels are endpoints and kinds that the sources' code names; never a path, an id or a key.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        calls = Counter(
            "gateway_upstream_calls",
            "Calls sent upstream, each try counted, by how they ended.",
            ("source", "endpoint", "status"),
            registry=registry,
        )
        seconds = Histogram(
            "gateway_upstream_call_duration_seconds",
            "How long one try took on the wire.",
            ("source", "endpoint"),
            buckets=CALL_SECONDS,
            registry=registry,
        )
        units = Counter(
            "gateway_upstream_units",
            "Units of the source's rate limit that were spent.",
            ("source", "endpoint"),
            registry=registry,
        )
        troubles = Counter(
            "gateway_upstream_troubles",
            "Calls that came to no answer, each try counted, by the kind of trouble.",
            ("source", "endpoint", "trouble"),
            registry=registry,
        )
        queue = Histogram(
            "gateway_upstream_queue_seconds",
            "Waits for units before a call, by how they ended.",
            ("source", "outcome"),
            buckets=QUEUE_SECONDS,
            registry=registry,
        )
        lookups = Counter(
            "gateway_cache_lookups",
            "Keys looked up, by where their records came from.",
            ("source", "kind", "state"),
            registry=registry,
        )
        batches = Histogram(
            "gateway_batch_keys",
            "Keys in one call for many.",
            ("source", "kind"),
            buckets=KEYS,
            registry=registry,
        )
        saves = Counter(
            "gateway_single_flight_saves",
            "Calls that were not made, an equal one being under way.",
            ("source", "endpoint"),
            registry=registry,
        )
        kept = lru_cache(MOST_CHILDREN)
        self._calls, self._seconds, self._units = kept(calls.labels), kept(seconds.labels), kept(units.labels)
        self._troubles = kept(troubles.labels)
        self._queue, self._lookups = kept(queue.labels), kept(lookups.labels)
        self._batches, self._saves = kept(batches.labels), kept(saves.labels)

    def called(self, source: str, endpoint: str, status: str, *, units: int, seconds: float) -> None:
        """A try on the wire: its HTTP status or what came instead, its cost and how long it took."""
        self._calls(source, endpoint, status).inc()
        self._seconds(source, endpoint).observe(seconds)
        self._units(source, endpoint).inc(units)

    def troubled(self, source: str, endpoint: str, trouble: str) -> None:
        """A try that came to no answer, by the kind of trouble (`Trouble`)."""
        self._troubles(source, endpoint, trouble).inc()

    def queued(self, source: str, outcome: str, seconds: float) -> None:
        """A wait for units."""
        self._queue(source, outcome).observe(seconds)

    def looked_up(self, source: str, kind: str, state: Hit, keys: int) -> None:
        """Keys of one kind, by where their records came from."""
        self._lookups(source, kind, state.value).inc(keys)

    def batched(self, source: str, kind: str, keys: int) -> None:
        """A call for so many keys of one kind."""
        self._batches(source, kind).observe(keys)

    def joined(self, source: str, endpoint: str) -> None:
        """A call that was not made, since an equal one was under way."""
        self._saves(source, endpoint).inc()
