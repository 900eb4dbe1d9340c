"""The whole gateway over HTTP, both vendors emulated on loopback, and a clock that tests move."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from unittest import mock

import aiohttp

from gateway.app import create_app
from gateway.emulator.door import Call
from gateway.emulator.drift import DriftOptions
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulated, Emulators
from gateway.emulator.world import World
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock, Timer
from gateway.upstream.http import Session, open_session
from tests.http.harness import Caller, calling
from tests.seeded import seeded
from tests.two_sources import variables
from tests.upstream.replicas.conftest import CountedLink

T = TypeVar("T")

NOW = dt.datetime(2026, 3, 18, 15, 20, tzinfo=dt.UTC)

PLENTY = {"GATEWAY_CLIENT_RATE": "1000000", "GATEWAY_CLIENT_COST": "1000000"}
"""Limits of one client, which are not what is tested here."""

MUCH = 1_000_000
UNLIMITED = {"SALESLOFT_RATE_LIMIT": str(MUCH), "DRIFT_RATE_LIMIT": str(MUCH)}

NO_LOG = {"GATEWAY_LIVE": "off"}
"""Replicas look at the log that they share by the clock, and a clock that jumps would run away with it."""

LONGEST = 10.0
"""Seconds that a Redis is waited for."""

HOUR = 3600.0
"""Seconds of the machine's own time that an operation may take: deadlines are measured by the clock that tests move."""

SOON = 0.1
"""Seconds within which a timer of the event loop counts as work: batches are open for less."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer to a query.

    Attributes:
        upstream: `extensions.upstream`.
    """

    status: int
    headers: Mapping[str, str]
    data: Any
    errors: list[dict[str, Any]]
    upstream: dict[str, Any]
    text: bytes

    @property
    def ok(self) -> Any:
        """The data of an answer without errors."""
        assert self.errors == [], self.errors
        return self.data

    @property
    def codes(self) -> set[str]:
        """The codes of the errors."""
        return {error["extensions"]["code"] for error in self.errors}

    def reports(self, name: str = "meetings") -> dict[str, dict[str, Any]]:
        """What a connection says of each source."""
        return {report["source"]: report for report in self.data[name]["sourceReports"]}


@dataclasses.dataclass
class Product:
    """One gateway process, and the vendors."""

    caller: Caller
    emulators: Emulators
    clock: ManualClock
    session: Session
    links: list[CountedLink] = dataclasses.field(default_factory=list)

    async def ask(self, query: str, headers: Mapping[str, str] | None = None, **values: Any) -> Reply:
        """Asks by POST, with the trace."""
        reply = await self.caller.ask(
            "POST", json={"query": query, "variables": values}, headers={"X-Gateway-Trace": "1", **(headers or {})}
        )
        body = reply.json
        return Reply(
            reply.status,
            reply.headers,
            body.get("data"),
            body.get("errors", []),
            body.get("extensions", {}).get("upstream", {}),
            reply.body,
        )

    @property
    def vendors(self) -> tuple[Emulated, ...]:
        return self.emulators.salesloft, self.emulators.drift, self.emulators.calendly

    @property
    def calls(self) -> list[Call]:
        """Every call that the vendors got."""
        return [call for vendor in self.vendors for call in vendor.calls]

    @property
    def endpoints(self) -> Counter[str]:
        """How often each endpoint was called."""
        return Counter(call.endpoint for call in self.calls)

    def forget(self) -> None:
        """Forgets calls and faults."""
        self.emulators.reset()

    def forget_addresses(self) -> None:
        """Has the gateway look names up anew."""
        for connector in self._connectors:
            connector.clear_dns_cache()

    @property
    def _connectors(self) -> list[aiohttp.TCPConnector]:
        found = (session.connector for session in (self.session.pooled, self.session.fresh))
        return [connector for connector in found if isinstance(connector, aiohttp.TCPConnector)]

    async def drive(self, works: Sequence[Awaitable[T]]) -> list[T]:
        """What works come to; time moves on whenever nothing but time is waited for."""
        tasks = [asyncio.ensure_future(work) for work in works]
        together = asyncio.gather(*tasks, return_exceptions=True)
        quiet = 0
        while not together.done():
            await asyncio.wait([together], timeout=0.001)
            wait = self.clock.next_due()
            quiet = quiet + 1 if wait is not None and self._idle() else 0
            if quiet >= 3 and wait is not None:
                self.clock.advance(wait)
                quiet = 0
        return [task.result() for task in tasks]

    async def settle(self) -> None:
        """Lets everything end that needs no time to pass."""
        quiet = 0
        while quiet < 5:
            await asyncio.sleep(0.001)
            quiet = quiet + 1 if self._idle() else 0

    def _idle(self) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        ready, timers = loop._ready, loop._scheduled  # type: ignore[attr-defined]  # what the loop has still to do
        busy = any(vendor.listener._state.tasks for vendor in self.vendors)
        busy = busy or any(link.asking for link in self.links)
        busy = busy or any(connector._resolve_host_tasks for connector in self._connectors)  # threads look names up
        busy = busy or any(connector._acquired for connector in self._connectors)  # bytes are on the way
        return not ready and not busy and not any(now < timer.when() < now + SOON for timer in timers)


def world(*, large: bool = False) -> World:
    """A world of the test's own."""
    if large:
        return seeded(NOW)
    return seeded(
        NOW, users=12, accounts=12, people=80, cadences=8, tasks=30, salesloft_meetings=220, drift_meetings=80
    )


@contextlib.asynccontextmanager
async def product(
    world: World,
    *,
    settings: Mapping[str, str] | None = None,
    salesloft: SalesloftOptions | None = None,
    drift: DriftOptions | None = None,
    jumps: bool = True,
    names: bool = False,
    more: Callable[[Emulators], Mapping[str, str]] | None = None,
    rereads: bool = False,
) -> AsyncIterator[Product]:
    """A gateway over a world, its clock standing at the world's present.

    Args:
        world: What the vendors hold.
        settings: Further settings.
        salesloft: The vendor's options; without a limit, where not given.
        drift: Likewise.
        jumps: Whether a sleep moves time on by itself.
        names: Whether the vendors are reached by name, rather than by address.
        more: Settings that go by where the vendors are.
        rereads: Whether files that settings name are looked at again; time may not jump then.
    """
    clock = ManualClock(world.now.timestamp(), jumps=jumps)
    links: list[CountedLink] = []
    async with (
        Emulators.start(
            clock=lambda: dt.datetime.fromtimestamp(clock.time(), dt.UTC),
            world=world,
            salesloft=salesloft or SalesloftOptions(rate_limit=MUCH),
            drift=drift,
        ) as emulators,
        gateway(
            emulators,
            clock,
            {
                **(by_name(emulators) if names else {}),
                **(settings or {}),
                **(more(emulators) if more is not None else {}),
            },
            links=links,
            rereads=rereads,
        ) as (caller, session),
    ):
        yield Product(caller, emulators, clock, session, links)


def by_name(emulators: Emulators) -> dict[str, str]:
    """Where the vendors are, in words."""
    urls = {"SALESLOFT_URL": emulators.salesloft.url, "DRIFT_URL": emulators.drift.url}
    return {name: url.replace("127.0.0.1", "localhost") for name, url in urls.items()}


def with_calendly(emulators: Emulators) -> dict[str, str]:
    """Settings of a third source, which says whose organization it is."""
    vendor, world = emulators.calendly, emulators.world.calendly
    return {
        "CALENDLY_URL": vendor.url,
        "CALENDLY_TOKEN": vendor.token,
        "CALENDLY_ORGANIZATION": world.users[world.me]["current_organization"],
        "CALENDLY_RATE_LIMIT": str(MUCH),
    }


def client_of(emulators: Emulators) -> dict[str, str]:
    """Settings with client credentials instead of a token."""
    return {
        "SALESLOFT_TOKEN": "",
        "SALESLOFT_CLIENT_ID": "emulated-client",
        "SALESLOFT_CLIENT_SECRET": "emulated-secret",
        "SALESLOFT_TOKEN_URL": f"{emulators.salesloft.url}/oauth/token",
    }


@contextlib.asynccontextmanager
async def gateway(
    emulators: Emulators,
    clock: ManualClock,
    settings: Mapping[str, str] | None = None,
    *,
    links: list[CountedLink] | None = None,
    rereads: bool = False,
) -> AsyncIterator[tuple[Caller, Session]]:
    """A process over the vendors, and its pool of connections to them; its links to a Redis are added to `links`."""
    known = {**PLENTY, **UNLIMITED, **NO_LOG, **variables(emulators), **(settings or {})}
    sessions: list[Session] = []

    def opening() -> Session:
        sessions.append(open_session())
        return sessions[-1]

    def linked(url: str, clock: Timer) -> CountedLink:
        """Patient, since the machine may be busier than the Redis; one that is gone says so at once."""
        made = CountedLink(url, clock, patience=LONGEST)
        if links is not None:
            links.append(made)
        return made

    with (
        mock.patch("gateway.runtime.upstreams.open_session", opening),
        mock.patch("gateway.upstream.replicas.link.Link", linked),
        mock.patch("gateway.web.graphql.GRACE", HOUR),
    ):
        async with calling(
            create_app(Settings.read(known), clock=clock, environment=known if rereads else None)
        ) as caller:
            yield caller, sessions[0]
