"""What every request passes on its way in and out: its log line, its last safety net, its security headers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from graphql import GraphQLError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.graph.faults import Fault, formatted
from gateway.web.notes import Notes, notes_of
from gateway.web.problem import masked_response

log = logging.getLogger(__name__)

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged only where something is wrong."""

CLIENT_GONE = 499
"""What logs call an answer that nobody waited for."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer that does not say otherwise itself."""


class RequestLog:
    """Logs each request in one line, and answers for what nobody else caught.

    An exception that gets here is a fault of ours: `on_fault` is told where it happened, the client an id alone.

    Args:
        app: What is called.
        paths: The paths that may be logged as they are; any other could hold anything.
        on_fault: Told of the exceptions.
        seconds: A clock for durations.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: frozenset[str],
        on_fault: Callable[[Fault], None],
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._paths = paths
        self._on_fault = on_fault
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the application and notes how that went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = self._seconds(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 - the last net; whatever it is, the client gets an answer
            told = formatted(GraphQLError("", original_error=error), self._on_fault)
            if not status:  # else the answer is on its way, and the server breaks it off
                await masked_response(told, Headers(scope=scope).get("accept"))(scope, receive, sent)
        finally:
            self._write(scope, status, notes_of(scope), self._seconds() - started)

    def _write(self, scope: Scope, status: int, notes: Notes, seconds: float) -> None:
        if scope["path"] in QUIET and status < 500:  # noqa: PLR2004 - the class of server errors
            return
        line: dict[str, object] = {
            "method": scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS"} else "other",
            "path": scope["path"] if scope["path"] in self._paths else "other",
            "status": CLIENT_GONE if notes.gone else status,
            "ms": round(seconds * 1000, 1),
        }
        if notes.operation is not None:
            line["operation"] = notes.operation
        if notes.ledger is not None:
            line["upstreamCalls"] = len(notes.ledger.calls())
        log.info("request", extra=line)


class CommonHeaders:
    """Security headers on every answer; while the process is about to close, clients are sent elsewhere.

    Args:
        app: What is called.
        closing: Whether the process is about to close.
    """

    def __init__(self, app: ASGIApp, closing: Callable[[], bool]) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the application, its answer's headers completed."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._closing():
                    headers["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, sent if scope["type"] == "http" else send)
