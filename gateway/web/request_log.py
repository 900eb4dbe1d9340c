"""The log line of each request, its id, and its last safety net."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.graph.faults import Fault, formatted
from gateway.logs import tell
from gateway.upstream.request import Ledger
from gateway.web.notes import Notes, notes_of
from gateway.web.problem import masked_response

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
    """Logs each request in one line under its id, and answers for what nobody else caught.

    The id is the one that the client, or a proxy before it, sends as `X-Request-Id`, else a new one; the answer has it
    too. An exception that gets here is a fault of ours: `on_fault` is told where it happened, the client an id alone.

    Args:
        app: What is called.
        paths: The paths that may be logged as they are; any other could hold anything.
        states: How each source that is on is doing.
        on_fault: Told of the exceptions.
        seconds: A clock for durations.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: frozenset[str],
        states: States,
        on_fault: Callable[[Fault], None],
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._paths = paths
        self._states = states
        self._on_fault = on_fault
        self._seconds = seconds
        self._known: Mapping[str, str] = {}
        self._good_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the application and notes how that went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, request_id, notes = self._seconds(), 0, id_of(scope), notes_of(scope)
        header = (ID_HEADER, request_id.encode())

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 - the last net; whatever it is, the client gets an answer
            told = formatted(GraphQLError("", original_error=error), self._on_fault)
            notes.tell([told])
            if not status:  # else the answer is on its way, and the server breaks it off
                await masked_response(told, Headers(scope=scope).get("accept"))(scope, receive, sent)
        finally:
            if scope["path"] not in QUIET or status >= SERVER_ERROR:
                self._write(scope, request_id, CLIENT_GONE if notes.gone else status, self._seconds() - started)

    def _write(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        level = logging.WARNING if status >= SERVER_ERROR else logging.INFO
        if not log.isEnabledFor(level):
            return
        notes = notes_of(scope)
        line: dict[str, object] = {
            "requestId": request_id,
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
