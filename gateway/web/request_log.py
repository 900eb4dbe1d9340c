"""The log line of each request, and its id."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from starlette.types import Scope

from gateway.logs import tell
from gateway.upstream.request import Ledger
from gateway.web.middleware import End
from gateway.web.notes import Notes

log = logging.getLogger(__name__)

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged only where something is wrong."""

CLIENT_GONE = 499
"""What logs call an answer that nobody waited for."""

SERVER_ERROR = 500
ID_HEADER = b"x-request-id"
ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Ids that are taken over from whoever asks; any other text could be made to look like a line of a log."""

STATES_GOOD = 1.0
"""Seconds for which sources' states are told again, where nothing has been asked of them."""

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

    def __call__(self, scope: Scope, notes: Notes) -> End:
        """Gives a request its id, and a line when it has ended."""
        notes.request_id = id_of(scope)

        def end(status: int, seconds: float) -> None:
            if scope["path"] not in QUIET or status >= SERVER_ERROR:
                self._write(scope, notes, CLIENT_GONE if notes.gone else status, seconds)

        return end

    def _write(self, scope: Scope, notes: Notes, status: int, seconds: float) -> None:
        level = logging.WARNING if status >= SERVER_ERROR else logging.INFO
        if not log.isEnabledFor(level):
            return
        line: dict[str, object] = {
            "requestId": notes.request_id,
            "method": scope["method"] if scope["method"] in METHODS else "other",
            "path": scope["path"] if scope["path"] in self._paths else "other",
            "status": status,
            "ms": round(seconds * 1000, 1),
            **told(notes),
        }
        if notes.ledger is not None:
            line["sources"] = self._states_now(after=notes)
        tell(log, level, "request", line)

    def _states_now(self, *, after: Notes) -> Mapping[str, str]:
        """The sources' states; asked for anew where a request could have changed them, else once a second."""
        now = self._seconds()
        if now >= self._good_until or after.errors or (after.ledger is not None and after.ledger.calls()):
            self._known, self._good_until = self._states(), now + STATES_GOOD
        return self._known


def id_of(scope: Scope) -> str:
    """The id that a request comes with, where it may be taken over; else a new one."""
    for name, value in scope["headers"]:
        if name == ID_HEADER and ID.fullmatch(value):
            given: bytes = value
            return given.decode()
    return secrets.token_hex(16)


def told(notes: Notes) -> dict[str, object]:
    """What a line says of an operation: only what there is to be said."""
    line: dict[str, object] = {}
    if notes.client is not None:
        line["client"] = notes.client
    if notes.refused is not None:
        line["refused"] = notes.refused
    if notes.operation is not None:
        line["operation"] = notes.operation
    if notes.ledger is not None:
        line.update(spent(notes.ledger))
    if notes.errors:
        line["errors"] = dict(notes.errors)
    if notes.error_ids:
        line["errorIds"] = notes.error_ids
    if notes.trace_id is not None:
        line["traceId"] = notes.trace_id
    return line


def spent(ledger: Ledger) -> dict[str, object]:
    """What an operation took of the sources: calls, units, and answers that saved calls."""
    calls = ledger.calls()
    return {
        "upstreamCalls": len(calls),
        "cost": sum(entry.cost for entry in calls),
        "cacheHits": len(ledger.entries) - len(calls),
    }
