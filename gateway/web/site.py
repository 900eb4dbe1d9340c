"""Every path of the HTTP face, and what each request passes on its way to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.graph.faults import Fault
from gateway.web import explorer
from gateway.web.addresses import ANY, AllowedHosts, Network, TrustedProxies
from gateway.web.cors import CrossOrigin
from gateway.web.explorer import Explorer
from gateway.web.health import Health
from gateway.web.message import RequestHeaders
from gateway.web.metrics.page import Metrics
from gateway.web.middleware import EveryRequest, Observer
from gateway.web.notes import notes_of
from gateway.web.problem import HTTPProblem, problem_response
from gateway.web.request_log import RequestLog

GRAPHQL = "/graphql"
STATE = "graphql"
"""Where the lifespan leaves the endpoint, which needs what is opened there."""

Lifespan: TypeAlias = Callable[[Starlette], AbstractAsyncContextManager[dict[str, ASGIApp]]]


def site(
    lifespan: Lifespan,
    health: Health,
    page: Explorer | None,
    on_fault: Callable[[Fault], None],
    *,
    origins: frozenset[str] = frozenset(),
    hosts: frozenset[str] = frozenset({ANY}),
    proxies: tuple[Network, ...] = (),
    metrics: Metrics | None = None,
    observers: Sequence[Observer] = (),
) -> Starlette:
    """The application: `/graphql`, `/healthz`, `/readyz`, and where there are any, `/metrics` and the explorer's files.

    Args:
        lifespan: Opens what requests need; yields the `/graphql` endpoint as `graphql`.
        health: Answers for the process.
        page: The explorer; None where browsers get none.
        on_fault: Told of errors that are nobody's but ours.
        origins: Origins that may call from a browser.
        hosts: Host names that are answered.
        proxies: Networks of proxies that are believed.
        metrics: What is counted; None where nothing is.
        observers: Who follows requests, beside the log and the metrics.
    """
    routes = [
        Route(GRAPHQL, Endpoint()),
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
        routes=routes,
        lifespan=lifespan,
        exception_handlers={HTTPProblem: refused, HTTPException: refused},
        middleware=[
            Middleware(
                EveryRequest,
                observers=[*observers, *counted, RequestLog(paths, health.states)],
                hosts=AllowedHosts(hosts),
                proxies=TrustedProxies(proxies),
                cors=CrossOrigin(origins),
                closing=lambda: health.closing,
                on_fault=on_fault,
            )
        ],
    )
    application.router.redirect_slashes = False  # its redirects name the scheme and host that a proxy was asked by
    return application


async def to_explorer(_: Request) -> Response:
    """Sends a browser that was given the bare address to the explorer."""
    return RedirectResponse("graphql")


class Endpoint:
    """Hands a request to the endpoint that the lifespan has opened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls it."""
        await scope["state"][STATE](scope, receive, send)


async def refused(request: Request, error: Exception) -> Response:
    """What was refused before it came to GraphQL, in JSON."""
    if isinstance(error, HTTPException):
        error = HTTPProblem(error.status_code, f"{error.detail}.", error.headers)
    assert isinstance(error, HTTPProblem)
    notes_of(request.scope).tell([error.error])
    return problem_response(error, RequestHeaders(scope=request.scope).get("accept"))
