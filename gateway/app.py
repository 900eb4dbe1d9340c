"""The composition root: settings in, an ASGI application out. The only place where every room meets."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway import logs
from gateway.catalog.catalog import Catalog
from gateway.gatekeeping import gatekeeping
from gateway.graph.engine import Engine
from gateway.graph.faults import Fault
from gateway.logs import LogFormat
from gateway.settings import Settings
from gateway.upstream.clock import SystemClock, Timer
from gateway.upstreams import opened
from gateway.web.closing import draining
from gateway.web.documents import AutomaticDocuments, MemoryDocuments, trusted
from gateway.web.endpoint import GraphQLEndpoint
from gateway.web.explorer import Examples, Explorer, installed_files
from gateway.web.health import Health
from gateway.web.limits import guard
from gateway.web.rate import ClientRates
from gateway.web.site import STATE, site

log = logging.getLogger(__name__)


def from_environment(*, workers: int, log_format: LogFormat, log_level: int, examples: Examples) -> Starlette:
    """The application in a process of its own, which reads its settings from its environment.

    Raises:
        BadSetting: One of them cannot be meant.
    """
    logs.configure(log_format, level=log_level)
    return create_app(Settings.read(os.environ), workers=workers, examples=examples)


def create_app(
    settings: Settings, *, clock: Timer | None = None, workers: int = 1, examples: Examples | None = None
) -> Starlette:
    """The gateway as an ASGI application; everything that needs an event loop is opened by its lifespan.

    Args:
        settings: What to serve, and how.
        clock: Where time comes from; the system's, unless a test brings its own.
        workers: How many processes like this one share the port, and so the upstream budgets.
        examples: What the explorer's starting tabs ask about.
    """
    time = clock or SystemClock()
    health = Health(tuple)
    documents = trusted(path) if (path := settings.trusted_documents) else AutomaticDocuments(MemoryDocuments())
    explorer = None
    if settings.graphiql:
        explorer = Explorer(
            installed_files(),
            examples or Examples(),
            lambda: dt.datetime.fromtimestamp(time.time(), dt.UTC),
            asks_for_key=settings.access.required,
        )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, ASGIApp]]:
        async with (
            opened(settings, time, workers=workers) as upstreams,
            gatekeeping(settings.access, time) as access,
        ):
            health.statuses, health.together = upstreams.statuses, upstreams.together
            engine = Engine(
                Catalog(upstreams.ports(), time),
                statuses=health.statuses,
                introspection=settings.introspection,
                on_fault=log_fault,
                max_tokens=settings.limits.tokens,
                guard=guard(settings.limits),
            )
            endpoint = GraphQLEndpoint(
                engine=engine,
                documents=documents,
                access=access,
                origins=settings.access.origins,
                rates=ClientRates(settings.limits.client_rate, settings.limits.client_cost, time),
                clock=time,
                deadline=settings.deadline,
                trace=settings.trace,
                explorer=explorer,
                on_fault=log_fault,
            )
            with draining(health, settings.drain):
                yield {STATE: endpoint}

    return site(lifespan, health, explorer, log_fault, origins=settings.access.origins)


def log_fault(fault: Fault) -> None:
    """Logs an error of ours under the id that the client was given."""
    log.error(
        "fault",
        extra={"errorId": fault.error_id, "kind": fault.kind, "where": fault.where, "field": fault.path},
    )
