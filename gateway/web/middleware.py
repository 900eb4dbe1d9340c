"""The middleware around every request: observers, response headers, CORS preflights, unhandled exceptions.

Of CORS the origin is what is checked. Headers are not: a page may send whichever its preflight names, since none of
them lets it do anything that its origin may not. Credentials come in headers, never in cookies.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphql import GraphQLError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.graph.errors import InternalError, formatted
from gateway.web.addresses import AllowedHosts, TrustedProxies
from gateway.web.http_errors import HTTPError, error_response, internal_error_response
from gateway.web.request import RequestHeaders, listed
from gateway.web.request_log import Observer, RequestRecord, record_of

METHODS = ("GET", "HEAD", "POST")
EXPOSED_HEADERS = "ETag, Retry-After, WWW-Authenticate, X-Request-Id"
REMEMBERED = "3600"
"""Seconds for which a browser may cache the preflight."""

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
ASKED = "Access-Control-Request-Method"
ASKED_HEADERS = "Access-Control-Request-Headers"
ASKED_NETWORK = "Access-Control-Request-Private-Network"
VARY = f"{ASKED}, {ASKED_HEADERS}, {ASKED_NETWORK}"
"""Request headers that the response to a preflight depends on, beside the origin."""


@dataclass(frozen=True, slots=True)
class CORS:
    """Cross-origin access for the pages of allowed origins.

    Args:
        origins: The origins allowed, in lower case; with none, no header is added and no preflight answered.
    """

    origins: frozenset[str] = frozenset()

    def allows(self, origin: str | None) -> bool:
        """Whether pages of an origin may call."""
        return origin is not None and listed(origin, self.origins)

    def preflight(self, method: str, headers: Headers) -> Response | None:
        """The response to a preflight; None where the request is not one.

        Raises:
            HTTPError: 400, naming what is refused.
        """
        origin = headers.get("origin")
        if not self.origins or method != "OPTIONS" or origin is None or ASKED not in headers:
            return None
        if not self.allows(origin):
            raise HTTPError(400, f'Pages of "{origin[:100]}" may not call: GATEWAY_CORS_ORIGINS does not list it.')
        wanted = headers[ASKED]
        if wanted not in METHODS:
            raise HTTPError(400, f'The method "{wanted[:20]}" may not be used: GET, HEAD and POST may.')
        names = [name.strip() for name in headers.get(ASKED_HEADERS, "").split(",") if name.strip()]
        for name in names:
            if not HEADER_NAME.fullmatch(name):
                raise HTTPError(400, f'"{name[:60]}" is not the name of a header.')
        answer = {"Access-Control-Allow-Methods": ", ".join(METHODS), "Access-Control-Max-Age": REMEMBERED}
        if names:
            answer["Access-Control-Allow-Headers"] = ", ".join(names)
        if headers.get(ASKED_NETWORK) == "true":
            answer["Access-Control-Allow-Private-Network"] = "true"
        return Response(b"", 200, {**answer, "Vary": VARY})

    def complete(self, answer: MutableHeaders, origin: str | None) -> None:
        """Adds the headers that let an allowed origin's page read a response, whatever its status."""
        if not self.origins:
            return
        answer.add_vary_header("Origin")
        if origin is not None and self.allows(origin):
            answer["Access-Control-Allow-Origin"] = origin
            answer["Access-Control-Expose-Headers"] = EXPOSED_HEADERS


SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of every response that does not set them itself."""


class RequestMiddleware:
    """Reports each request to its observers, completes response headers, and handles exceptions that nothing else did.

    An exception that gets here is a fault of ours: `on_internal_error` gets where it happened, the client only an id.

    Args:
        app: What is called.
        observers: Who follows requests, the first of them longest.
        hosts: By which names it may be asked.
        proxies: Who is believed to ask for somebody else.
        cors: Which other origins' pages may call.
        closing: Whether the process is about to close; clients are then sent elsewhere.
        on_internal_error: Told of the exceptions.
        seconds: A clock for durations.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        observers: Sequence[Observer],
        hosts: AllowedHosts,
        proxies: TrustedProxies,
        cors: CORS,
        closing: Callable[[], bool],
        on_internal_error: Callable[[InternalError], None],
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._observers = observers
        self._hosts = hosts
        self._proxies = proxies
        self._cors = cors
        self._closing = closing
        self._on_internal_error = on_internal_error
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, record, headers = self._seconds(), 0, record_of(scope), RequestHeaders(scope=scope)
        self._proxies.resolve(scope, headers)
        ends = [observer(scope, record) for observer in self._observers]

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(MutableHeaders(scope=message), headers, record)
            await send(message)

        try:
            await self._answer(scope, headers, receive, sent)
        except Exception as error:  # noqa: BLE001 - the last net; whatever it is, the client gets an answer
            error_entry = formatted(GraphQLError("", original_error=error), self._on_internal_error)
            record.add_errors([error_entry])
            if not status:  # else the answer is on its way, and the server breaks it off
                await internal_error_response(error_entry, headers.get("accept"))(scope, receive, sent)
        finally:
            seconds = self._seconds() - started
            for end in reversed(ends):
                end(status, seconds)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Opens a WebSocket, unless its host is not answered: then the handshake gets HTTP's 403."""
        headers = RequestHeaders(scope=scope)
        self._proxies.resolve(scope, headers)
        try:
            self._hosts.check(scope, headers)
        except HTTPError:
            await receive()
            await send({"type": "websocket.close"})
            return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, headers: RequestHeaders, receive: Receive, send: Send) -> None:
        try:
            self._hosts.check(scope, headers)
            answer = self._cors.preflight(scope["method"], headers)
        except HTTPError as problem:
            record_of(scope).add_errors([problem.error])
            answer = error_response(problem, headers.get("accept"))
        await (answer or self._app)(scope, receive, send)

    def _complete(self, answer: MutableHeaders, request: RequestHeaders, record: RequestRecord) -> None:
        for name, value in SECURITY_HEADERS.items():
            answer.setdefault(name, value)
        self._cors.complete(answer, request.get("origin"))
        if self._closing():
            answer["Connection"] = "close"
        answer["X-Request-Id"] = record.request_id
