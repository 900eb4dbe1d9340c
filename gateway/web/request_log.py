"""The record of each request for logs, metrics and traces, and its line in the log.

It has no personal data, and no text of a client but two names.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from starlette.types import Scope

from gateway.errors import RefusalReason
from gateway.graph.engine import OperationResult
from gateway.logs import log_event
from gateway.request import Ledger, Span
from gateway.web.http_errors import RequestError

KEY = "gateway.record"
MAX_ERROR_IDS = 5
"""Ids of masked errors that are recorded for a request; an error at a field may occur once a row."""


@dataclass(slots=True)
class RequestRecord:
    """One request's.

    Attributes:
        request_id: The id that logs and the answer have.
        operation: The operation's name.
        type: `query`, `mutation` or `subscription`; `unknown` where it is not known.
        text: The operation's document.
        ledger: The upstream calls made for it; None where it did not come to be looked at.
        outcome: What it came to; None where nothing, or another answer than GraphQL's.
        errors: How often each code is among the answer's errors.
        error_ids: Ids of the first masked ones.
        client: Whose credential it came with: a key's name, or a hash of a token's subject; None where there is none.
        refused: Why its credential was refused; None where it was not.
        router: Whether a router sends it that has proved to be one.
        gone: Whether the client went away before its answer.
        span: What traces tell of it; None where it is not traced.
        trace_id: The trace's id; None where it is not sampled.
    """

    request_id: str = ""
    operation: str | None = None
    type: str = "unknown"
    text: str | None = None
    ledger: Ledger | None = None
    outcome: OperationResult | RequestError | None = None
    errors: Counter[str] = field(default_factory=Counter)
    error_ids: list[str] = field(default_factory=list)
    client: str | None = None
    refused: RefusalReason | None = None
    router: bool = False
    gone: bool = False
    span: Span | None = None
    trace_id: str | None = None

    def add_errors(self, errors: Iterable[Mapping[str, object]]) -> None:
        """Adds errors of the response, in GraphQL's form."""
        for error in errors:
            extensions = error.get("extensions")
            if not isinstance(extensions, Mapping):
                continue
            self.errors[str(extensions.get("code"))] += 1
            if "errorId" in extensions and len(self.error_ids) < MAX_ERROR_IDS:
                self.error_ids.append(str(extensions["errorId"]))


def record_of(scope: Scope) -> RequestRecord:
    """The record of the request that a scope belongs to."""
    record = scope.get(KEY)
    if record is None:
        record = scope[KEY] = RequestRecord()
    return cast("RequestRecord", record)


End: TypeAlias = Callable[[int, float], None]
"""Called at the end of a request with its status (0 where there was no response) and its duration in seconds."""

Observer: TypeAlias = Callable[[Scope, RequestRecord], End]
"""Called at the start of a request: by the log, the metrics and the traces."""


log = logging.getLogger(__name__)

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that machines poll; logged only where something is wrong."""

CLIENT_GONE = 499
"""The status in logs where the client has disconnected."""

SERVER_ERROR = 500
ID_HEADER = b"x-request-id"
ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Ids that are accepted from clients; other text could forge log lines."""

STATES_GOOD = 1.0
"""Seconds for which the sources' states are reused in log lines where no call was made."""

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
States: TypeAlias = Callable[[], Mapping[str, str]]


class RequestLog:
    """Logs each request in one line under its id.

    The id is the one that the client, or a proxy before it, sends as `X-Request-Id`, else a new one; the answer has it
    too.

    Args:
        paths: The paths that may be logged as they are; any other could hold anything.
        states: How each source that is on is doing.
        seconds: A clock for how long that is known.
    """

    def __init__(self, paths: frozenset[str], states: States, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._paths = paths
        self._states = states
        self._seconds = seconds
        self._known: Mapping[str, str] = {}
        self._good_until = 0.0

    def __call__(self, scope: Scope, record: RequestRecord) -> End:
        """Sets a request's id, and logs it at the end."""
        record.request_id = id_of(scope)

        def end(status: int, seconds: float) -> None:
            if scope["path"] not in QUIET or status >= SERVER_ERROR:
                self._write(scope, record, CLIENT_GONE if record.gone else status, seconds)

        return end

    def _write(self, scope: Scope, record: RequestRecord, status: int, seconds: float) -> None:
        level = logging.WARNING if status >= SERVER_ERROR else logging.INFO
        if not log.isEnabledFor(level):
            return
        line: dict[str, object] = {
            "requestId": record.request_id,
            "method": scope["method"] if scope["method"] in METHODS else "other",
            "path": scope["path"] if scope["path"] in self._paths else "other",
            "status": status,
            "ms": round(seconds * 1000, 1),
            **operation_fields(record),
        }
        if record.ledger is not None:
            line["sources"] = self._states_now(after=record)
        log_event(log, level, "request", line)

    def _states_now(self, *, after: RequestRecord) -> Mapping[str, str]:
        """The sources' states; read again where a request could have changed them, else once a second."""
        now = self._seconds()
        if now >= self._good_until or after.errors or (after.ledger is not None and after.ledger.calls()):
            self._known, self._good_until = self._states(), now + STATES_GOOD
        return self._known


def id_of(scope: Scope) -> str:
    """The request's own id where it is safe, else a new one."""
    for name, value in scope["headers"]:
        if name == ID_HEADER and ID.fullmatch(value):
            given: bytes = value
            return given.decode()
    return secrets.token_hex(16)


def operation_fields(record: RequestRecord) -> dict[str, object]:
    """The fields of a log line about an operation; empty ones are left out."""
    line: dict[str, object] = {}
    if record.client is not None:
        line["client"] = record.client
    if record.refused is not None:
        line["refused"] = record.refused
    if record.operation is not None:
        line["operation"] = record.operation
    if record.ledger is not None:
        line.update(cost_fields(record.ledger))
    if record.errors:
        line["errors"] = dict(record.errors)
    if record.error_ids:
        line["errorIds"] = record.error_ids
    if record.trace_id is not None:
        line["traceId"] = record.trace_id
    return line


def cost_fields(ledger: Ledger) -> dict[str, object]:
    """An operation's upstream calls, units and cache hits."""
    calls = ledger.calls()
    return {
        "upstreamCalls": len(calls),
        "cost": sum(entry.cost for entry in calls),
        "cacheHits": len(ledger.entries) - len(calls),
    }
