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
from gateway.graph.engine import Engine
from gateway.graph.errors import InternalError
from gateway.graph.federation.subgraph import Subgraph
from gateway.logs import LogFormat
from gateway.model.status import SourceStatus
from gateway.runtime.authentication import authenticator
from gateway.runtime.live import live_updates
from gateway.runtime.reload import AcceptedKeys, Reload
from gateway.runtime.server import tune
from gateway.runtime.signals import draining, reloading
from gateway.runtime.upstreams import opened, release
from gateway.settings.api_keys import LiveKeys
from gateway.settings.clients import LimitSettings, allowed_hosts
from gateway.settings.settings import Settings
from gateway.upstream.clock import SystemClock, Timer, every
from gateway.upstream.store import SWEEP_INTERVAL
from gateway.web.authentication import Authenticator
from gateway.web.document_limits import guard, text_guard
from gateway.web.explorer import Examples, Explorer, installed_files
from gateway.web.graphql import GraphQLEndpoint
from gateway.web.metrics.gauges import Execution
from gateway.web.metrics.page import Metrics
from gateway.web.metrics.requests import OperationLabels
from gateway.web.persisted import AutomaticDocuments, DocumentStore, MemoryDocumentStore, trusted
from gateway.web.rate_limit import ClientRateLimits, RateLimits
from gateway.web.routes import DELIVERIES, GRAPHQL, SOCKETS, STATE, Health, site
from gateway.web.sockets import SocketEndpoint
from gateway.web.streams import Subscriptions
from gateway.web.webhooks import WebhookEndpoint

if TYPE_CHECKING:
    from gateway.upstream.replicas.link import Link
    from gateway.web.tracing.exporting import Exporting

log = logging.getLogger(__name__)


def from_environment(
    *,
    workers: int,
    log_format: LogFormat,
    log_level: int,
    examples: Examples,
    counts: Path | None,
    page_folder: Path | None = None,
) -> Starlette:
    """The application in a process of its own, which reads its settings from its environment.

    Raises:
        BadSetting: A value is invalid.
    """
    logs.configure(log_format, level=log_level)
    return create_app(
        Settings.read(os.environ),
        workers=workers,
        examples=examples,
        counts=counts,
        environment=os.environ,
        started=tune,
        page_folder=page_folder,
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
    page_folder: Path | None = None,
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
        page_folder: The built example page; None where there is none.
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
            authenticator(settings.access, keys.clients, time) as access,
            contextlib.AsyncExitStack() as opening,
        ):
            health.statuses, health.together = upstreams.statuses, upstreams.together
            catalog = Catalog(upstreams.ports(), time, stats_rows=settings.limits.stats_rows)
            live = await opening.enter_async_context(
                live_updates(
                    settings,
                    catalog,
                    upstreams,
                    time,
                    workers=workers,
                    secrets=lambda source: keys.webhooks.get(source.value, ()),
                )
            )

            def statuses() -> list[SourceStatus]:
                found = upstreams.statuses()
                return found if live is None else [live.described(status) for status in found]

            engine = Engine(
                catalog,
                statuses=statuses,
                introspection=settings.browsers.introspection,
                on_internal_error=log_internal_error,
                max_tokens=settings.limits.tokens,
                check_text=text_guard(settings.limits.document),
                guard=guard(settings.limits),
                max_cost=settings.limits.cost,
                max_fields=settings.limits.fields,
                federation=subgraph(settings),
                live=live,
            )
            if live is not None:
                metrics.live.start(source.value for source in live.sources)
            subscriptions = Subscriptions(
                settings.live.subscriptions, time, settings.server.drain, meter=metrics.live, stopping=health.stopping
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
                on_internal_error=log_internal_error,
                router_keys=keys.routers,
                max_document=settings.limits.document,
                subscriptions=subscriptions,
            )
            deliveries = WebhookEndpoint(
                live, time, lambda source, verdict: metrics.live.delivered(source, verdict, time.time)
            )
            sockets = SocketEndpoint(endpoint, subscriptions)
            reload = Reload(settings, environment, time, keys=keys, upstreams=upstreams, manifest=manifest)
            async with (
                metrics.following(upstreams.reading, partial(execution_of, engine)),
                every(time, SWEEP_INTERVAL, engine.answer_cache.sweep),
                reload.followed(),
                subscriptions.running(),
            ):
                with reloading(reload.now), draining(health, settings.server.drain, alone=workers == 1):
                    started()
                    health.started = True
                    yield {STATE: endpoint, DELIVERIES: deliveries, SOCKETS: sockets}

    return site(
        lifespan,
        health,
        explorer,
        log_internal_error,
        origins=settings.browsers.origins,
        hosts=allowed_hosts(settings.browsers, settings.access),
        proxies=tuple(settings.browsers.trusted_proxies),
        metrics=metrics,
        page_folder=page_folder,
        observers=() if tracing is None else [tracing.observer(GRAPHQL, names=bool(settings.limits.trusted_documents))],
    )


def rates_of(limits: LimitSettings, link: Link | None, clock: Timer) -> RateLimits:
    """Each client's rate limit: shared by replicas with a Redis, else this process's."""
    near = ClientRateLimits(limits.client_rate, limits.client_cost, clock)
    if link is None:
        return near
    from gateway.runtime.replicas import SharedRates  # noqa: PLC0415 - redis takes 7 MB, not paid for where it is not used

    return SharedRates(link, near)


def documents_of(link: Link | None) -> DocumentStore:
    """The store of automatically persisted documents: shared by replicas with a Redis, else this process's."""
    near = MemoryDocumentStore()
    if link is None:
        return near
    from gateway.runtime.replicas import SharedDocuments  # noqa: PLC0415 - likewise

    return SharedDocuments(link, near)


def counting(settings: Settings, folder: Path | None, keys: LiveKeys) -> Metrics:
    """The metrics on `/metrics`.

    Args:
        settings: Which operations are counted by name, and which keys may read the metrics.
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
    """The federation subgraph; None where federation is off."""
    if not settings.federation.enabled:
        return None
    return Subgraph(
        options=settings.federation.options,
        routers_only=bool(settings.federation.router_keys),
        introspection=settings.browsers.introspection,
    )


def tracing_by(settings: Settings) -> Exporting | None:
    """The exporter of traces; None where tracing is off."""
    if not settings.tracing.enabled:
        return None
    from gateway.web.tracing.exporting import Exporting  # noqa: PLC0415 - an extra, not paid for where it is off

    return Exporting(settings.tracing, release())


def execution_of(engine: Engine) -> Execution:
    """An engine's counts of executed operations."""
    plans = engine.operations.plans
    counts = {**engine.operations.counts, "reused": engine.answer_cache.hits, "joined": engine.shared_operations.joined}
    return Execution(counts, len(plans), plans.weight)


def log_internal_error(error: InternalError) -> None:
    """Logs an internal error under the id in the client's response."""
    log.error(
        "fault",
        extra={"errorId": error.error_id, "kind": error.kind, "where": error.where, "field": error.path},
    )
