"""Opens what the sources are asked through: one client each, and what all of them share."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from gateway.graph.status import EndpointTrouble, SourceState, SourceStatus
from gateway.model.records import Source
from gateway.settings.lifetimes import RecordLifetimes
from gateway.settings.settings import Settings
from gateway.settings.sources import OAuthClient, SourceSettings
from gateway.sources.base import Ports
from gateway.sources.drift import api as drift_api
from gateway.sources.drift import source as drift
from gateway.sources.salesloft import endpoints as salesloft_endpoints
from gateway.sources.salesloft import source as salesloft
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client, State
from gateway.upstream.clock import Timer, every
from gateway.upstream.credentials import Credential, Secret, StaticToken
from gateway.upstream.meter import Meter, Unmetered
from gateway.upstream.oauth import ClientCredentials
from gateway.upstream.replicas.counter import SharedCounter
from gateway.upstream.replicas.fleet import Fleet
from gateway.upstream.replicas.link import Link
from gateway.upstream.replicas.store import SharedStore
from gateway.upstream.replicas.vault import SharedVault
from gateway.upstream.rotation import RotatingCredential
from gateway.upstream.session import Session, open_session
from gateway.upstream.settings import Upstream
from gateway.upstream.store import SWEPT, MemoryStore, Store
from gateway.upstream.switches import OffFile, Switches
from gateway.web.metrics.gauges import Reading, SourceReading

log = logging.getLogger(__name__)

OPEN: Mapping[str, Callable[[Client, Timer, RecordLifetimes], Ports]] = {
    "SALESLOFT": lambda client, _, lives: salesloft.open(client, lives),
    "DRIFT": drift.open,
}
"""Each source's ports over a client of it."""


def unconnected(clock: Timer) -> Sequence[Ports]:
    """The ports of every source over no connection: what asking them costs can be told, nothing can be asked."""
    ports: list[Ports] = []
    for name, open_ports in OPEN.items():
        upstream = Upstream(name=name, base_url="http://127.0.0.1")
        session = cast("Session", None)
        client = Client(upstream, StaticToken(Secret("")), Budget(name, 1, clock), session, clock)
        ports.append(open_ports(client, clock, RecordLifetimes()))
    return ports


RATE_HEADERS: Mapping[str, tuple[str, str]] = {
    "SALESLOFT": ("x-ratelimit-endpoint-cost", "x-ratelimit-remaining-minute"),
}
"""Response headers with a call's cost and what is left of the limit, of those sources that send them."""

A_MINUTE = 60.0
"""Seconds of the rate window of those sources."""

UNKNOWN_WINDOW = 120.0
"""Seconds that a rate window is taken for at most where the source does not tell its own."""

VITAL: Mapping[str, frozenset[str]] = {"SALESLOFT": salesloft_endpoints.VITAL, "DRIFT": drift_api.VITAL}
"""Each source's endpoints without which there are no meetings."""

STATES: Mapping[State, SourceState] = {
    State.OK: SourceState.OK,
    State.DEGRADED: SourceState.DEGRADED,
    State.LIMITED: SourceState.RATE_LIMITED,
    State.FAILING: SourceState.UNAVAILABLE,
    State.REFUSED: SourceState.REFUSED,
    State.OFF: SourceState.OFF,
}
"""How an upstream is doing, as clients are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the clients have in common.

    Attributes:
        session: The pool of connections.
        clock: Where time comes from.
        store: Where records are kept.
        memory: What of them this process has at hand.
        meter: Who is told what goes on.
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
    """The sources that are on.

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
        shared: Shared,
        credentials: Mapping[str, RotatingCredential],
        look_at_switches: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self.clients = clients
        self.look_at_switches = look_at_switches
        self._settings = settings
        self._shared = shared
        self._credentials = credentials

    def look_when_refused(self, look: Callable[[], Awaitable[object]]) -> None:
        """Has somebody look for another credential, for `rotate`, when a source refuses the one in use."""
        for credential in self._credentials.values():
            credential.look = look

    def rotate(self, settings: Settings) -> None:
        """Puts the credentials that are set now, of sources and of Redis, in the place of those in use."""
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
        lives = self._settings.lifetimes
        return [OPEN[name](client, self._shared.clock, lives) for name, client in self.clients.items()]

    def statuses(self) -> list[SourceStatus]:
        """How each source is doing; one without a credential is off."""
        return [self._status(source) for source in self._settings.sources]

    @property
    def link(self) -> Link | None:
        """The Redis of the replicas, where there is one."""
        return self._shared.link

    def together(self) -> bool | None:
        """Whether the replicas' Redis answers; None where there is none."""
        return None if self._shared.link is None else self._shared.link.up

    def reading(self) -> Reading:
        """How everything is right now, for metrics."""
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
    """What is wrong with which endpoint of a source."""
    return {
        endpoint: EndpointTrouble(reason.trouble.value, reason.status) for endpoint, reason in client.troubles.items()
    }


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, clock: Timer, *, workers: int, meter: Meter | None = None
) -> AsyncIterator[Upstreams]:
    """The sources that are on, for as long as the block runs.

    Args:
        settings: What is set.
        clock: Where time comes from.
        workers: How many processes of this replica share the upstream budgets.
        meter: Who is told what goes on upstream; nobody where not given.
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
                await stack.enter_async_context(every(clock, SWEPT, client.sweep))
                credentials[source.name].follow(client.credential_replaced)
                clients[source.name] = client
        switches, look = Switches(clients.values()), None
        if settings.server.off_file is not None:
            off_file = OffFile(settings.server.off_file, clock)
            await stack.enter_async_context(off_file.followed(switches))
            look = partial(off_file.look, switches)
        if shared.link is not None and shared.fleet is not None:
            await shared.link.probe()  # what is wrong with it is told now, rather than by the first query
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
) -> Shared:
    memory = MemoryStore(settings.cache.bytes, clock)
    await stack.enter_async_context(every(clock, SWEPT, memory.sweep))
    if settings.cache.url is None:
        return Shared(session=session, clock=clock, store=memory, memory=memory, meter=meter)
    link = Link(settings.cache.url.reveal(), clock)
    stack.push_async_callback(link.close)
    store = SharedStore(link, memory)
    fleet = Fleet(link, clock, expected=processes)
    return Shared(session=session, clock=clock, store=store, memory=memory, meter=meter, link=link, fleet=fleet)


def release() -> str:
    """Which gateway this is: another one may lay out what it keeps in another way."""
    try:
        return importlib.metadata.version("meeting-gateway")
    except importlib.metadata.PackageNotFoundError:  # run from its sources, without being installed
        return "unreleased"


def _client(source: SourceSettings, credential: RotatingCredential, shared: Shared, processes: int) -> Client:
    cost, remaining = RATE_HEADERS.get(source.name, (None, None))
    upstream = Upstream(
        name=source.name,
        base_url=source.url,
        timeout=source.timeout,
        cost_header=cost,
        remaining_header=remaining,
        longest_wait=A_MINUTE if source.name in RATE_HEADERS else UNKNOWN_WINDOW,
        vital=VITAL.get(source.name),
    )
    budget = _budget(source, credential, shared, processes)
    return Client(upstream, credential, budget, shared.session, shared.clock, store=shared.store, meter=shared.meter)


def _budget(source: SourceSettings, credential: RotatingCredential, shared: Shared, processes: int) -> Budget:
    """A source's budget: all of it where replicas count together, else this process's share.

    One that does not tell its limit is asked less once it refuses.
    """
    adapts = source.name not in RATE_HEADERS
    link, fleet = shared.link, shared.fleet
    if link is None or fleet is None:
        limit = source.rate_limit // processes
        level = logging.INFO if limit else logging.WARNING
        log.log(level, "%s: this process may spend %d units a minute, one of %d", source.name, limit, processes)
        return Budget(source.name, limit, shared.clock, adapts=adapts)

    def name() -> str:
        return f"{credential.identity}:{source.name}"

    counter = SharedCounter(link, name(), fleet)
    credential.follow(lambda: counter.rename(name()))
    budget = Budget(source.name, source.rate_limit, shared.clock, adapts=adapts, counter=counter)
    fleet.keep_synced(budget)
    return budget


def _credential(source: SourceSettings, shared: Shared) -> Credential:
    if source.token is not None:
        return StaticToken(source.token)
    client = source.client
    assert client is not None  # it is on
    return _client_credentials(source, client, shared)


def _client_credentials(source: SourceSettings, client: OAuthClient, shared: Shared) -> ClientCredentials:
    identity = client.secret.fingerprint(f"token {client.id}")
    return ClientCredentials(
        Upstream(name=source.name, base_url=client.token_url, timeout=source.timeout),
        client.id,
        client.secret,
        shared.session,
        shared.clock,
        vault=None if shared.link is None else SharedVault(shared.link, identity, client.secret),
        meter=shared.meter,
    )
