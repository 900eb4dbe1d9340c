"""The composition root: settings in, an ASGI application out. The only place where every room meets."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway import logs
from gateway.catalog.catalog import Catalog
from gateway.gatekeeping import gatekeeping
from gateway.graph.engine import Engine
from gateway.graph.faults import Fault
from gateway.graph.federation.subgraph import Subgraph
from gateway.logs import LogFormat
from gateway.runtime.reload import AcceptedKeys, Reload
from gateway.runtime.signals import draining, reloading
from gateway.settings.api_keys import LiveKeys
from gateway.settings.clients import LimitSettings, allowed_hosts
from gateway.settings.settings import Settings
from gateway.shared.documents import SharedDocuments
from gateway.shared.rates import SharedRates
from gateway.tuning import tune
from gateway.upstream.clock import SystemClock, Timer, every
from gateway.upstream.replicas.link import Link
from gateway.upstream.store import SWEPT
from gateway.upstreams import opened, release
from gateway.web.authentication import Authenticator
from gateway.web.document_limits import guard, text_guard
from gateway.web.explorer import Examples, Explorer, installed_files
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.metrics.gauges import Execution
from gateway.web.metrics.page import Metrics
from gateway.web.metrics.requests import OperationLabels
from gateway.web.persisted import AutomaticDocuments, DocumentStore, MemoryDocumentStore, trusted
from gateway.web.rate_limit import ClientRateLimits, RateLimits
from gateway.web.routes import GRAPHQL, STATE, Health, site

if TYPE_CHECKING:
    from gateway.web.tracing.exporting import Exporting

log = logging.getLogger(__name__)


def from_environment(
    *, workers: int, log_format: LogFormat, log_level: int, examples: Examples, counts: Path | None
) -> Starlette:
    """The application in a process of its own, which reads its settings from its environment.

    Raises:
        BadSetting: One of them cannot be meant.
    """
    logs.configure(log_format, level=log_level)
    return create_app(
        Settings.read(os.environ),
        workers=workers,
        examples=examples,
        counts=counts,
        environment=os.environ,
        started=tune,
    )


def create_app(
    settings: Settings,
    *,
    clock: Timer | None = None,
    workers: int = 1,
    examples: Examples | None = None,
    counts: Path | None = None,
    environment: Mapping[str, str] | None = None,
    started: Callable[[], None] = lambda: None,
) -> Starlette:
    """The gateway as an ASGI application; everything that needs an event loop is opened by its lifespan.

    Args:
        settings: What to serve, and how.
        clock: Where time comes from; the system's, unless a test brings its own.
        workers: How many processes like this one share the port, and so the upstream budgets.
        examples: What the explorer's starting tabs ask about.
        counts: The folder where several workers leave what they count; see `Metrics`.
        environment: Where the settings came from, and are read again while it runs; not read again where not given.
        started: Called when all is made and nothing is answered yet.
    """
    time = clock or SystemClock()
    health = Health(tuple, started=False)
    manifest = trusted(path) if (path := settings.limits.trusted_documents) else None
    keys = AcceptedKeys(settings)
    metrics = counting(settings, counts, keys.metrics)
    tracing = tracing_by(settings)
    explorer = None
    if settings.browsers.graphiql:
        explorer = Explorer(
            installed_files(),
            examples or Examples(),
            lambda: dt.datetime.fromtimestamp(time.time(), dt.UTC),
            asks_for_key=settings.access.required,
        )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, ASGIApp]]:
        async with (
            tracing.closing() if tracing is not None else contextlib.nullcontext(),
            opened(settings, time, workers=workers, meter=metrics.upstream) as upstreams,
            gatekeeping(settings.access, keys.clients, time) as access,
        ):
            health.statuses, health.together = upstreams.statuses, upstreams.together
            engine = Engine(
                Catalog(upstreams.ports(), time),
                statuses=health.statuses,
                introspection=settings.browsers.introspection,
                on_fault=log_fault,
                max_tokens=settings.limits.tokens,
                check_text=text_guard(settings.limits.document),
                guard=guard(settings.limits),
                max_cost=settings.limits.cost,
                max_fields=settings.limits.fields,
                federation=subgraph(settings),
            )
            endpoint = GraphQLEndpoint(
                engine=engine,
                documents=manifest or AutomaticDocuments(documents_of(upstreams.link)),
                access=access,
                origins=settings.browsers.origins,
                rates=rates_of(settings.limits, upstreams.link, time),
                clock=time,
                deadline=settings.server.deadline,
                trace=settings.browsers.trace,
                explorer=explorer,
                on_fault=log_fault,
                router_keys=keys.routers,
                max_document=settings.limits.document,
            )
            reload = Reload(settings, environment, time, keys=keys, upstreams=upstreams, manifest=manifest)
            async with (
                metrics.following(upstreams.reading, partial(execution_of, engine)),
                every(time, SWEPT, engine.reuse.sweep),
                reload.followed(),
            ):
                with reloading(reload.now), draining(health, settings.server.drain, alone=workers == 1):
                    started()
                    health.started = True
                    yield {STATE: endpoint}

    return site(
        lifespan,
        health,
        explorer,
        log_fault,
        origins=settings.browsers.origins,
        hosts=allowed_hosts(settings.browsers, settings.access),
        proxies=tuple(settings.browsers.trusted_proxies),
        metrics=metrics,
        observers=() if tracing is None else [tracing.observer(GRAPHQL, names=bool(settings.limits.trusted_documents))],
    )


def rates_of(limits: LimitSettings, link: Link | None, clock: Timer) -> RateLimits:
    """How much each client may ask for: of all replicas that share a Redis, else of this process."""
    near = ClientRateLimits(limits.client_rate, limits.client_cost, clock)
    return near if link is None else SharedRates(link, near)


def documents_of(link: Link | None) -> DocumentStore:
    """Where automatically persisted documents are kept: for all replicas that share a Redis, else in this process."""
    near = MemoryDocumentStore()
    return near if link is None else SharedDocuments(link, near)


def counting(settings: Settings, folder: Path | None, keys: LiveKeys) -> Metrics:
    """What is counted, and shown on `/metrics`.

    Args:
        settings: Which operations are told by name, and to whom.
        folder: Where several workers leave their counts; None where there is one.
        keys: What the page asks for.
    """
    return Metrics(
        names=OperationLabels(settings.metrics.operations, trusted=bool(settings.limits.trusted_documents)),
        shared=settings.cache.url is not None,
        release=release(),
        access=Authenticator(required=bool(settings.metrics.keys), keys=keys),
        folder=folder,
    )


def subgraph(settings: Settings) -> Subgraph | None:
    """How routers are answered; None where they are not."""
    if not settings.federation.enabled:
        return None
    return Subgraph(
        options=settings.federation.options,
        routers_only=bool(settings.federation.router_keys),
        introspection=settings.browsers.introspection,
    )


def tracing_by(settings: Settings) -> Exporting | None:
    """What sends traces off; None where there are none."""
    if not settings.tracing.enabled:
        return None
    from gateway.web.tracing.exporting import Exporting  # noqa: PLC0415 - an extra, not paid for where it is off

    return Exporting(settings.tracing, release())


def execution_of(engine: Engine) -> Execution:
    """What an engine's executor has done so far."""
    plans = engine.operations.plans
    counts = {**engine.operations.counts, "reused": engine.reuse.given, "joined": engine.joining.joined}
    return Execution(counts, len(plans), plans.weight)


def log_fault(fault: Fault) -> None:
    """Logs an error of ours under the id that the client was given."""
    log.error(
        "fault",
        extra={"errorId": fault.error_id, "kind": fault.kind, "where": fault.where, "field": fault.path},
    )
