"""Metrics of requests and of upstream calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import Scope

from gateway import errors
from gateway.graph.engine import OperationResult
from gateway.request import Hit, Ledger
from gateway.web.http_errors import RequestError
from gateway.web.request_log import End, Observer, RequestRecord

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
AMOUNTS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
SERVER_ERROR = 500
CLIENT_GONE = 499
"""The status that is counted where the client has disconnected."""

OTHER = "other"
ANONYMOUS = "anonymous"
MAX_NAMES = 200
"""Operation names that get a label of their own; whatever else there is counts as one."""

MAX_CLIENTS = 200
"""Names of keys, and as many subjects of tokens, that get a label of their own; all others count as one."""

MAX_CHILDREN = 4096
"""Combinations of labels that are found without a look-up in the library; there are far fewer."""


def codes_of(kind: type[errors.GatewayError]) -> set[str]:
    """The codes of an error and of all that are derived from it."""
    own = {code} if isinstance(code := getattr(kind, "code", None), str) else set()
    return own.union(*map(codes_of, kind.__subclasses__()))


CODES = codes_of(errors.GatewayError) | {
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "INTERNAL_SERVER_ERROR",
}


@dataclass(slots=True)
class OperationLabels:
    """Which operation names may become labels; clients choose them, and each is a time series for ever.

    Args:
        listed: Those that an operator has listed.
        trusted: Whether only operations of a manifest run, so that names are the operator's as well.
    """

    listed: frozenset[str] = frozenset()
    trusted: bool = False
    _met: set[str] = field(default_factory=set, init=False)

    def label(self, name: str | None) -> str:
        """The label of an operation."""
        if name is None:
            return ANONYMOUS
        if name in self.listed or name in self._met:
            return name
        if self.trusted and len(self._met) < MAX_NAMES:
            self._met.add(name)
            return name
        return OTHER


class ClientLabels:
    """Which clients get a label of their own: names of keys are an operator's, subjects of tokens are not."""

    def __init__(self) -> None:
        self._met: tuple[set[str], set[str]] = (set(), set())

    def label(self, name: str | None) -> str:
        """The label of a client."""
        if name is None:
            return ANONYMOUS
        met = self._met[":" in name]  # only a subject's hash has a colon in it
        if name not in met and len(met) >= MAX_CLIENTS:
            return OTHER
        met.add(name)
        return name


def outcome_of(outcome: OperationResult | RequestError | None, status: int, *, gone: bool) -> str:
    """The outcome of an operation, in one word."""
    if gone:
        return "gone"
    if isinstance(outcome, OperationResult) and outcome.started:
        if not outcome.errors:
            return "ok"
        return "failed" if empty(outcome.data) else "partial"
    if status >= SERVER_ERROR:
        return "failed" if isinstance(outcome, RequestError) else "fault"
    return "refused"


def empty(data: object) -> bool:
    """Whether no field at an answer's root has a value: every root field may be null, so `data` itself hardly is."""
    if data is None:
        return True
    values = data.values() if isinstance(data, Mapping) else msgspec.structs.astuple(cast("msgspec.Struct", data))
    return all(value is None for value in values)


class Requests:
    """Metrics of requests and operations.

    Args:
        registry: Where they are registered.
        names: Which operation names become labels.
    """

    def __init__(self, registry: CollectorRegistry, names: OperationLabels) -> None:
        self._names = names
        self._clients = ClientLabels()
        operations = Counter(
            "gateway_operations",
            "GraphQL operations that ended, by type, outcome and allow-listed name.",
            ("type", "outcome", "name"),
            registry=registry,
        )
        seconds = Histogram(
            "gateway_operation_duration_seconds",
            "From an operation's arrival to the end of its answer.",
            ("name",),
            buckets=SECONDS,
            registry=registry,
        )
        units = Histogram(
            "gateway_operation_cost_units",
            "Units of the sources' rate limits that an operation spent.",
            ("name",),
            buckets=AMOUNTS,
            registry=registry,
        )
        calls = Histogram(
            "gateway_operation_upstream_calls",
            "Upstream calls that were made for an operation.",
            ("name",),
            buckets=AMOUNTS,
            registry=registry,
        )
        by_client = Counter(
            "gateway_client_operations",
            "GraphQL operations that ended, by the name of the key or the hash of the token's subject.",
            ("client",),
            registry=registry,
        )
        units_by_client = Counter(
            "gateway_client_cost_units",
            "Units of the sources' rate limits that operations spent, by client.",
            ("client",),
            registry=registry,
        )
        refused = Counter(
            "gateway_credentials_refused", "Credentials that were refused, by reason.", ("reason",), registry=registry
        )
        errors_sent = Counter("gateway_errors", "Errors that clients were sent, by code.", ("code",), registry=registry)
        responses = Counter(
            "gateway_http_responses",
            "HTTP answers, by path and status; 499 where the client left.",
            ("path", "status"),
            registry=registry,
        )
        self._in_flight = Gauge(
            "gateway_http_requests_in_flight",
            "Requests that are being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        cached = lru_cache(MAX_CHILDREN)
        self._operations, self._seconds = cached(operations.labels), cached(seconds.labels)
        self._units, self._calls = cached(units.labels), cached(calls.labels)
        self._by_client, self._units_by_client = cached(by_client.labels), cached(units_by_client.labels)
        self._refused = cached(refused.labels)
        self._errors_sent, self._responses = cached(errors_sent.labels), cached(responses.labels)

    def observer(self, paths: frozenset[str]) -> Observer:
        """Counts each request while it is in progress, and its outcome at the end.

        Args:
            paths: The paths that are shown as they are; any other could be anything.
        """

        def begin(scope: Scope, record: RequestRecord) -> End:
            self._in_flight.inc()

            def end(status: int, seconds: float) -> None:
                self._in_flight.dec()
                self._ended(scope["path"] if scope["path"] in paths else OTHER, status, record, seconds)

            return end

        return begin

    def _ended(self, path: str, status: int, record: RequestRecord, seconds: float) -> None:
        gone = record.gone or not status
        self._responses(path, str(CLIENT_GONE if gone else status)).inc()
        if record.refused is not None:
            self._refused(record.refused).inc()
        for code, times in record.errors.items():
            self._errors_sent(code if code in CODES else OTHER).inc(times)
        if record.ledger is not None:
            self._operation(record, record.ledger, outcome_of(record.outcome, status, gone=gone), seconds)

    def _operation(self, record: RequestRecord, ledger: Ledger, outcome: str, seconds: float) -> None:
        name = self._names.label(record.operation)
        self._operations(record.type, outcome, name).inc()
        self._seconds(name).observe(seconds)
        cost, client = sum(entry.cost for entry in ledger.entries), self._clients.label(record.client)
        self._units(name).observe(cost)
        self._by_client(client).inc()
        self._units_by_client(client).inc(cost)
        self._calls(name).observe(len(ledger.calls()))


CALL_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
QUEUE_SECONDS = (0.001, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 25, 60)
KEYS = (1, 2, 5, 10, 25, 50, 75, 100)


class UpstreamMetrics:
    """Metrics of upstream calls, those in the background included; the `Meter` of upstream clients.

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
        cached = lru_cache(MAX_CHILDREN)
        self._calls, self._seconds, self._units = cached(calls.labels), cached(seconds.labels), cached(units.labels)
        self._troubles = cached(troubles.labels)
        self._queue, self._lookups = cached(queue.labels), cached(lookups.labels)
        self._batches, self._saves = cached(batches.labels), cached(saves.labels)

    def called(self, source: str, endpoint: str, status: str, *, units: int, seconds: float) -> None:
        """An attempt on the wire: its HTTP status or what came instead, its cost and duration."""
        self._calls(source, endpoint, status).inc()
        self._seconds(source, endpoint).observe(seconds)
        self._units(source, endpoint).inc(units)

    def troubled(self, source: str, endpoint: str, trouble: str) -> None:
        """An attempt that failed, by the kind of trouble (`Trouble`)."""
        self._troubles(source, endpoint, trouble).inc()

    def queued(self, source: str, outcome: str, seconds: float) -> None:
        """A wait for units."""
        self._queue(source, outcome).observe(seconds)

    def looked_up(self, source: str, kind: str, state: Hit, keys: int) -> None:
        """Keys of one kind that were looked up, by where their records came from."""
        self._lookups(source, kind, state.value).inc(keys)

    def batched(self, source: str, kind: str, keys: int) -> None:
        """A call for a batch of keys of one kind."""
        self._batches(source, kind).observe(keys)

    def joined(self, source: str, endpoint: str) -> None:
        """A call that was not made, since an equal one was in flight."""
        self._saves(source, endpoint).inc()
