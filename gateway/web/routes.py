"""The routes of the HTTP API, health included, and its middleware."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.graph.errors import InternalError
from gateway.model.status import SourceState, SourceStatus
from gateway.web import agenda, explorer
from gateway.web.addresses import ANY, AllowedHosts, Network, TrustedProxies
from gateway.web.explorer import Explorer
from gateway.web.http_errors import HTTPError, error_response
from gateway.web.metrics.page import Metrics
from gateway.web.middleware import CORS, RequestMiddleware
from gateway.web.request import RequestHeaders
from gateway.web.request_log import Observer, RequestLog, record_of

UNUSABLE = frozenset({SourceState.OFF, SourceState.REFUSED, SourceState.UNAVAILABLE})
"""States of a source whose meetings cannot be read."""

UNWELL = frozenset({SourceState.DEGRADED, SourceState.REFUSED, SourceState.UNAVAILABLE})
"""States that an operator has to look at; a spent budget recovers by itself, and off is intended."""


@dataclass(slots=True)
class Health:
    """The health of this process and of its sources.

    Args:
        statuses: How each source is doing now.
        together: Whether what replicas share can be reached; None where they share nothing.
        started: Whether requests are answered yet.
    """

    statuses: Callable[[], Sequence[SourceStatus]]
    together: Callable[[], bool | None] = field(default=lambda: None)
    started: bool = True
    closing: bool = field(default=False, init=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set when streams have to end."""

    def states(self) -> dict[str, str]:
        """The state of each source that is on, by its name."""
        return {status.source.value: status.state.value for status in self.statuses() if status.enabled}

    async def live(self, _: Request) -> Response:
        """`/healthz`: 200 while there is a process to answer."""
        return _json(200, {"status": "OK"})

    async def ready(self, _: Request) -> Response:
        """`/readyz`: 200 while requests are served, whatever the vendors do; the body says what they do.

        Were it not, an outage of theirs would take every replica out of service, with its caches. One that is cut
        off from the others' Redis goes on alone, and says so.
        """
        sources = self.statuses()
        body: dict[str, object] = {
            "status": self._status(sources),
            "sources": {source.source.value: source.state.value for source in sources},
        }
        troubles = {source.source.value: dict(source.troubles) for source in sources if source.troubles}
        if troubles:
            body["troubles"] = troubles
        together = self.together()
        if together is not None:
            body["shared"] = "OK" if together else "UNAVAILABLE"
        return _json(200 if self.started and not self.closing else 503, body)

    def _status(self, sources: Sequence[SourceStatus]) -> str:
        if not self.started:
            return "STARTING"
        if self.closing:
            return "CLOSING"
        if all(source.state in UNUSABLE for source in sources):
            return "NO_SOURCE"
        return "DEGRADED" if any(source.state in UNWELL for source in sources) else "OK"


def _json(status: int, body: Mapping[str, object]) -> Response:
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store"}, media_type="application/json")


GRAPHQL = "/graphql"
NOT_FOUND = 404
WEBHOOKS = "/webhooks/{source}"
STATE, DELIVERIES, SOCKETS = "graphql", "webhooks", "sockets"
"""Where the lifespan leaves the endpoints, which need what is opened there."""

Lifespan: TypeAlias = Callable[[Starlette], AbstractAsyncContextManager[dict[str, ASGIApp]]]


def site(
    lifespan: Lifespan,
    health: Health,
    page: Explorer | None,
    on_internal_error: Callable[[InternalError], None],
    *,
    origins: frozenset[str] = frozenset(),
    hosts: frozenset[str] = frozenset({ANY}),
    proxies: tuple[Network, ...] = (),
    metrics: Metrics | None = None,
    observers: Sequence[Observer] = (),
    page_folder: Path | None = None,
) -> Starlette:
    """The application: `/graphql`, `/healthz`, `/readyz`, and where there are any, `/metrics` and the explorer's files.

    Args:
        lifespan: Opens what requests need; yields the `/graphql` endpoint as `graphql`.
        health: Answers for the process.
        page: The explorer; None where browsers get none.
        on_internal_error: Told of errors that are nobody's but ours.
        origins: Origins that may call from a browser.
        hosts: Host names that are answered.
        proxies: Networks of proxies that are believed.
        metrics: What is counted; None where nothing is.
        observers: Who follows requests, beside the log and the metrics.
        page_folder: The built example page; None where there is none.
    """
    routes = [
        Route(GRAPHQL, Endpoint(STATE)),
        Route(f"{GRAPHQL}/", Endpoint(STATE)),
        Route(WEBHOOKS, Endpoint(DELIVERIES)),
        Route("/healthz", health.live),
        Route("/readyz", health.ready),
    ]
    if metrics is not None:
        routes.append(Route("/metrics", metrics.page))
    if page is not None:
        routes += [Route("/", to_explorer), Route(f"{explorer.PREFIX}/{{name}}", page.file)]
    paths = frozenset(route.path for route in routes)
    counted = [] if metrics is None else [metrics.requests.observer(paths)]
    application = Starlette(
        routes=[
            *routes,
            WebSocketRoute(GRAPHQL, Endpoint(SOCKETS)),
            *([] if page_folder is None else agenda.routes(page_folder)),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPError: refused, HTTPException: refused},
        middleware=[
            Middleware(
                RequestMiddleware,
                observers=[*observers, *counted, RequestLog(paths, health.states)],
                hosts=AllowedHosts(hosts),
                proxies=TrustedProxies(proxies),
                cors=CORS(origins),
                closing=lambda: health.closing,
                on_internal_error=on_internal_error,
            )
        ],
    )
    application.router.redirect_slashes = False  # its redirects name the scheme and host that a proxy was asked by
    return application


async def to_explorer(_: Request) -> Response:
    """Redirects from the bare address to the explorer."""
    return RedirectResponse("graphql")


class Endpoint:
    """Passes a request to the endpoint that the lifespan has opened.

    Args:
        name: Where it leaves it.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls it."""
        await scope["state"][self._name](scope, receive, send)


async def refused(request: Request, error: Exception) -> Response:
    """The response to a request that is refused before GraphQL, in JSON."""
    if isinstance(error, HTTPException) and error.status_code == NOT_FOUND:
        error = HTTPError(NOT_FOUND, f"There is nothing at this path; the graph is at {GRAPHQL}.")
    elif isinstance(error, HTTPException):
        error = HTTPError(error.status_code, f"{error.detail}.", error.headers)
    assert isinstance(error, HTTPError)
    record_of(request.scope).add_errors([error.error])
    return error_response(error, RequestHeaders(scope=request.scope).get("accept"))
