"""What every request passes on its way in and out: who follows it, its answer's headers, preflights, the last net."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from graphql import GraphQLError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.graph.faults import Fault, formatted
from gateway.web.addresses import AllowedHosts, TrustedProxies
from gateway.web.cors import CrossOrigin
from gateway.web.message import RequestHeaders
from gateway.web.notes import Notes, notes_of
from gateway.web.problem import HTTPProblem, masked_response, problem_response

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""On every answer that does not say otherwise itself."""

End: TypeAlias = Callable[[int, float], None]
"""Called when a request has ended: its status (0 where there was no answer), and how many seconds it took."""

Observer: TypeAlias = Callable[[Scope, Notes], End]
"""Called when a request begins: the log, the metrics, the traces."""


class EveryRequest:
    """Follows each request from its arrival to the end of its answer, and answers for what nobody else caught.

    An exception that gets here is a fault of ours: `on_fault` is told where it happened, the client an id alone.

    Args:
        app: What is called.
        observers: Who follows requests, the first of them longest.
        hosts: By which names it may be asked.
        proxies: Who is believed to ask for somebody else.
        cors: Which other origins' pages may call.
        closing: Whether the process is about to close; clients are then sent elsewhere.
        on_fault: Told of the exceptions.
        seconds: A clock for durations.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        observers: Sequence[Observer],
        hosts: AllowedHosts,
        proxies: TrustedProxies,
        cors: CrossOrigin,
        closing: Callable[[], bool],
        on_fault: Callable[[Fault], None],
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._observers = observers
        self._hosts = hosts
        self._proxies = proxies
        self._cors = cors
        self._closing = closing
        self._on_fault = on_fault
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, notes, headers = self._seconds(), 0, notes_of(scope), RequestHeaders(scope=scope)
        self._proxies.resolve(scope, headers)
        ends = [observer(scope, notes) for observer in self._observers]

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(MutableHeaders(scope=message), headers, notes)
            await send(message)

        try:
            await self._answer(scope, headers, receive, sent)
        except Exception as error:  # noqa: BLE001 - the last net; whatever it is, the client gets an answer
            told = formatted(GraphQLError("", original_error=error), self._on_fault)
            notes.tell([told])
            if not status:  # else the answer is on its way, and the server breaks it off
                await masked_response(told, headers.get("accept"))(scope, receive, sent)
        finally:
            seconds = self._seconds() - started
            for end in reversed(ends):
                end(status, seconds)

    async def _answer(self, scope: Scope, headers: RequestHeaders, receive: Receive, send: Send) -> None:
        try:
            self._hosts.check(scope, headers)
            answer = self._cors.preflight(scope["method"], headers)
        except HTTPProblem as problem:
            notes_of(scope).tell([problem.error])
            answer = problem_response(problem, headers.get("accept"))
        await (answer or self._app)(scope, receive, send)

    def _complete(self, answer: MutableHeaders, request: RequestHeaders, notes: Notes) -> None:
        for name, value in SECURITY_HEADERS.items():
            answer.setdefault(name, value)
        self._cors.complete(answer, request.get("origin"))
        if self._closing():
            answer["Connection"] = "close"
        answer["X-Request-Id"] = notes.request_id
