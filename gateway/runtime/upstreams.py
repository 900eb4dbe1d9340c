"""Opens the sources' clients, and what all of them share."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from gateway.model.records import Source
from gateway.model.status import EndpointTrouble, SourceState, SourceStatus
from gateway.settings.settings import Settings
from gateway.settings.sources import OAuthClient, SourceSettings
from gateway.sources.base import Ports
from gateway.sources.vendor import SourceOptions, vendors
from gateway.upstream.attempts import Meter, Unmetered
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client, UpstreamState
from gateway.upstream.clock import Timer, every
from gateway.upstream.credentials import Credential, RotatingCredential, Secret, StaticToken
from gateway.upstream.http import Session, Upstream, open_session
from gateway.upstream.oauth import ClientCredentials
from gateway.upstream.store import SWEEP_INTERVAL, MemoryStore, Store
from gateway.upstream.switches import OffFile, Switches
from gateway.web.metrics.gauges import Reading, SourceReading

if TYPE_CHECKING:
    from gateway.upstream.replicas.fleet import Fleet
    from gateway.upstream.replicas.link import Link

log = logging.getLogger(__name__)

VENDORS = vendors()
"""What each source's folder declares."""


def unconnected(clock: Timer) -> Sequence[Ports]:
    """The ports of every source without a connection: they can price calls, but make none."""
    ports: list[Ports] = []
    for name, vendor in VENDORS.items():
        upstream = Upstream(name=name, base_url="http://127.0.0.1")
        session = cast("Session", None)
        client = Client(upstream, StaticToken(Secret("")), Budget(name, 1, clock), session, clock)
        ports.append(vendor.open(client, clock, SourceOptions()))
    return ports


A_MINUTE = 60.0
"""Seconds of the rate window of sources that tell what is left of it."""

UNKNOWN_WINDOW = 120.0
"""The longest rate window in seconds that is assumed for other sources."""

STATES: Mapping[UpstreamState, SourceState] = {
    UpstreamState.OK: SourceState.OK,
    UpstreamState.DEGRADED: SourceState.DEGRADED,
    UpstreamState.LIMITED: SourceState.RATE_LIMITED,
    UpstreamState.FAILING: SourceState.UNAVAILABLE,
    UpstreamState.REFUSED: SourceState.REFUSED,
    UpstreamState.OFF: SourceState.OFF,
}
"""An upstream's health as clients see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedResources:
    """What all clients share.

    Attributes:
        session: The pool of connections.
        clock: The source of time.
        store: The cache of records.
        memory: The part of the cache in this process.
        meter: Counts calls.
        link: The Redis of the replicas, where there is one.
        fleet: The replicas, where they share a Redis.
    """

    session: Session
    clock: Timer
    store: Store
    memory: MemoryStore
    meter: Meter
    link: Link | None = None
    fleet: Fleet | None = None


class Upstreams:
    """The enabled sources.

    Args:
        settings: What is set.
        clients: A client for each of them.
        shared: What they have in common.
        credentials: What each client proves itself with.
        look_at_switches: Looks which sources are switched off by now.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Mapping[str, Client],
        shared: SharedResources,
        credentials: Mapping[str, RotatingCredential],
        look_at_switches: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self.clients = clients
        self.look_at_switches = look_at_switches
        self._settings = settings
        self._shared = shared
        self._credentials = credentials

    def look_when_refused(self, look: Callable[[], Awaitable[object]]) -> None:
        """Sets what looks for a new credential, for `rotate`, when a source refuses the current one."""
        for credential in self._credentials.values():
            credential.look = look

    def rotate(self, settings: Settings) -> None:
        """Replaces the credentials of sources and of Redis by those in new settings."""
        for name, credential in self._credentials.items():
            before, now = self._settings.source(name), settings.source(name)
            if (before.token, before.client) != (now.token, now.client) and now.enabled:
                credential.replace(_credential(now, self._shared))
        url, link = settings.cache.url, self._shared.link
        if link is not None and url is not None and url != self._settings.cache.url:
            link.use(url.reveal())
        self._settings = settings

    def ports(self) -> Sequence[Ports]:
        """The ports of each."""
        return [
            VENDORS[name].open(client, self._shared.clock, self._options(name)) for name, client in self.clients.items()
        ]

    def _options(self, name: str) -> SourceOptions:
        source = self._settings.source(name)
        key = self._settings.access.id_key or source.token or Secret("")
        return SourceOptions(settings=source, lifetimes=self._settings.lifetimes, id_key=key)

    def statuses(self) -> list[SourceStatus]:
        """The health of each source; one without a credential is off."""
        return [self._status(source) for source in self._settings.sources]

    @property
    def link(self) -> Link | None:
        """The Redis of the replicas, where there is one."""
        return self._shared.link

    def together(self) -> bool | None:
        """Whether the replicas' Redis answers; None where there is none."""
        return None if self._shared.link is None else self._shared.link.up

    def reading(self) -> Reading:
        """The current state, for metrics."""
        fleet = self._shared.fleet
        return Reading(
            sources=[
                SourceReading(
                    name=name,
                    limit=client.budget.limit,
                    remaining=client.budget.remaining,
                    waiting=client.budget.waiting,
                    circuits=client.circuits,
                )
                for name, client in self.clients.items()
            ],
            statuses=self.statuses(),
            kept_bytes=self._shared.memory.size,
            together=self.together(),
            processes=None if fleet is None else fleet.size,
        )

    def _status(self, source: SourceSettings) -> SourceStatus:
        client = self.clients.get(source.name)
        return SourceStatus(
            source=Source(source.name),
            enabled=client is not None and client.on,
            state=STATES[client.state] if client else SourceState.OFF,
            budget_remaining=client.budget.remaining if client else None,
            troubles=troubles_of(client) if client and client.on else {},
        )


def troubles_of(client: Client) -> dict[str, EndpointTrouble]:
    """The troubles of a source's endpoints."""
    return {
        endpoint: EndpointTrouble(reason.trouble.value, reason.status) for endpoint, reason in client.troubles.items()
    }


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, clock: Timer, *, workers: int, meter: Meter | None = None
) -> AsyncIterator[Upstreams]:
    """Opens the enabled sources for as long as the block runs.

    Args:
        settings: What is set.
        clock: Where time comes from.
        workers: How many processes of this replica share the upstream budgets.
        meter: Counts upstream calls, where given.
    """
    processes = settings.cache.replicas * workers
    async with open_session() as session, contextlib.AsyncExitStack() as stack:
        shared = await _shared(settings, session, clock, meter=meter or Unmetered(), processes=processes, stack=stack)
        clients: dict[str, Client] = {}
        credentials: dict[str, RotatingCredential] = {}
        for source in settings.sources:
            if source.enabled:
                credentials[source.name] = RotatingCredential(_credential(source, shared))
                client = _client(source, credentials[source.name], shared, processes)
                stack.push_async_callback(client.close)
                await stack.enter_async_context(every(clock, SWEEP_INTERVAL, client.sweep))
                credentials[source.name].follow(client.credential_replaced)
                clients[source.name] = client
        switches, look = Switches(clients.values()), None
        if settings.server.off_file is not None:
            off_file = OffFile(settings.server.off_file, clock)
            await stack.enter_async_context(off_file.followed(switches))
            look = partial(off_file.look, switches)
        if shared.link is not None and shared.fleet is not None:
            await shared.link.probe()  # logs what is wrong at start rather than at the first query
            await stack.enter_async_context(shared.fleet.joined(switches))
        yield Upstreams(settings, clients, shared, credentials, look)


async def _shared(
    settings: Settings,
    session: Session,
    clock: Timer,
    *,
    meter: Meter,
    processes: int,
    stack: contextlib.AsyncExitStack,
) -> SharedResources:
    memory = MemoryStore(settings.cache.bytes, clock)
    await stack.enter_async_context(every(clock, SWEEP_INTERVAL, memory.sweep))
    if settings.cache.url is None:
        return SharedResources(session=session, clock=clock, store=memory, memory=memory, meter=meter)
    from gateway.upstream.replicas.fleet import Fleet  # noqa: PLC0415 - redis takes 7 MB, not paid for where it is not used
    from gateway.upstream.replicas.link import Link  # noqa: PLC0415 - likewise
    from gateway.upstream.replicas.store import SharedStore  # noqa: PLC0415 - likewise

    link = Link(settings.cache.url.reveal(), clock)
    stack.push_async_callback(link.close)
    store = SharedStore(link, memory)
    fleet = Fleet(link, clock, expected=processes)
    return SharedResources(
        session=session, clock=clock, store=store, memory=memory, meter=meter, link=link, fleet=fleet
    )


def release() -> str:
    """The installed version of the gateway."""
    try:
        return importlib.metadata.version("meeting-gateway")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout, without being installed
        return "unreleased"


def _client(source: SourceSettings, credential: RotatingCredential, shared: SharedResources, processes: int) -> Client:
    vendor = VENDORS[source.name]
    upstream = Upstream(
        name=source.name,
        base_url=source.url,
        timeout=source.timeout,
        cost_header=vendor.cost_header,
        remaining_header=vendor.remaining_header,
        reset_header=vendor.reset_header,
        longest_wait=UNKNOWN_WINDOW if vendor.remaining_header is None else A_MINUTE,
        vital=vendor.vital,
        forbidden=vendor.forbidden,
    )
    budget = _budget(source, credential, shared, processes)
    return Client(upstream, credential, budget, shared.session, shared.clock, store=shared.store, meter=shared.meter)


def _budget(source: SourceSettings, credential: RotatingCredential, shared: SharedResources, processes: int) -> Budget:
    """A source's budget: all of it where replicas count together, else this process's share.

    The budget of one that does not tell its limit shrinks after refusals.
    """
    adapts = VENDORS[source.name].remaining_header is None
    link, fleet = shared.link, shared.fleet
    if link is None or fleet is None:
        limit = source.rate_limit // processes
        level = logging.INFO if limit else logging.WARNING
        log.log(level, "%s: this process may spend %d units a minute, one of %d", source.name, limit, processes)
        return Budget(source.name, limit, shared.clock, adapts=adapts)

    from gateway.upstream.replicas.counter import SharedCounter  # noqa: PLC0415 - see `_shared`

    def name() -> str:
        return f"{credential.identity}:{source.name}"

    counter = SharedCounter(link, name(), fleet)
    credential.follow(lambda: counter.rename(name()))
    budget = Budget(source.name, source.rate_limit, shared.clock, adapts=adapts, counter=counter)
    fleet.keep_synced(budget)
    return budget


def _credential(source: SourceSettings, shared: SharedResources) -> Credential:
    if source.token is not None:
        return StaticToken(source.token)
    client = source.client
    assert client is not None  # it is on
    return _client_credentials(source, client, shared)


def _client_credentials(source: SourceSettings, client: OAuthClient, shared: SharedResources) -> ClientCredentials:
    identity = client.secret.fingerprint(f"token {client.id}")
    vault = None
    if shared.link is not None:
        from gateway.upstream.replicas.store import SharedVault  # noqa: PLC0415 - see `_shared`

        vault = SharedVault(shared.link, identity, client.secret)
    return ClientCredentials(
        Upstream(name=source.name, base_url=client.token_url, timeout=source.timeout),
        client.id,
        client.secret,
        shared.session,
        shared.clock,
        vault=vault,
        meter=shared.meter,
    )
