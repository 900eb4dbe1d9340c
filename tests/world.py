"""A running world: both vendors emulated on loopback, clients of them, the catalog and the graph over all of it.

Tests import the fixtures that they want; `ask` runs a query on a cold cache and keeps the upstream calls that it made.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from gateway.catalog.catalog import Catalog
from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.conditions import VENDORS as EMULATED
from gateway.emulator.door import Call
from gateway.emulator.drift import DriftOptions
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulated, Emulators
from gateway.emulator.world import World
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine, OperationResult
from gateway.graph.errors import InternalError
from gateway.model.scopes import Principal
from gateway.request import Request
from gateway.sources.base import Ports
from gateway.sources.vendor import SourceOptions, vendors
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.http import Session, Upstream, open_session
from tests.seeded import seeded

NOW = dt.datetime(2026, 3, 18, 15, 20, tzinfo=dt.UTC)
PLENTY = 1_000_000
"""Units a minute, where a test is not about the budget."""

STILL = 0.15
"""Real seconds without a call after which the clock is moved on: longer than any time-out of a test."""

VENDORS = vendors()


@dataclasses.dataclass(frozen=True)
class Made:
    """One upstream call.

    Attributes:
        source: Its name, such as `SALESLOFT`.
        endpoint: The emulator's name of it.
        params: Its parameters, each name with its values in the order sent.
        cost: Units.
    """

    source: str
    endpoint: str
    params: dict[str, list[str]]
    cost: int
    status: int

    def __getitem__(self, name: str) -> str | None:
        """The one value of a parameter; None where it was not sent."""
        values = self.params.get(name, [])
        assert len(values) <= 1, f"{name} was sent {len(values)} times"
        return values[0] if values else None


@dataclasses.dataclass(frozen=True)
class Asked:
    """A query's answer, and what it took."""

    data: Any
    errors: list[dict[str, Any]]
    calls: list[Made]
    request: Request

    @property
    def ok(self) -> Any:
        """The data of an answer without errors."""
        assert self.errors == []
        return self.data

    @property
    def endpoints(self) -> Counter[str]:
        """How often each endpoint was called."""
        return Counter(call.endpoint for call in self.calls)

    def to(self, endpoint: str) -> list[Made]:
        """The calls of one endpoint."""
        return [call for call in self.calls if call.endpoint == endpoint]

    @property
    def codes(self) -> list[str]:
        """The codes of the errors."""
        return [error["extensions"]["code"] for error in self.errors]


@dataclasses.dataclass
class Gateway:
    """The graph over emulated upstreams.

    Attributes:
        cold: Whether each query has clients of its own, and so nothing that was kept.
        timeout: Seconds for one upstream call: real ones.
        timeouts: The same for single sources.
        deadline: Seconds for one operation, of the injected clock.
        extra: Ports of further sources.
        max_body: Bytes of an upstream answer that are read.
        strict: Whether a parameter that an emulator would have ignored is a fault of ours.
        principal: Who asks; None where access control is off.
        units: What each source's budget has a minute.
        stats_rows: Meetings that are read at most to be counted.
    """

    emulators: Emulators
    session: Session
    clock: ManualClock
    cold: bool = True
    timeout: float = 10.0
    timeouts: dict[str, float] = dataclasses.field(default_factory=dict)
    deadline: float = 25.0
    extra: Sequence[Ports] = ()
    max_body: int = 32 * 1024 * 1024
    strict: bool = True
    principal: Principal | None = None
    units: int = PLENTY
    stats_rows: int = 5_000
    sources: tuple[str, ...] = ("SALESLOFT", "DRIFT")
    faults: list[InternalError] = dataclasses.field(default_factory=list)
    _engine: Engine | None = None
    _catalog: Catalog = dataclasses.field(default_factory=lambda: Catalog([], ManualClock()))

    @property
    def world(self) -> World:
        return self.emulators.world

    def engine(self) -> Engine:
        """The engine, a new one where it is to be cold."""
        if self._engine is None or self.cold:
            ports = [
                VENDORS[client.upstream.name].open(client, self.clock, SourceOptions()) for client in self._clients()
            ]
            self._engine = shared_engine()
            self._catalog = Catalog([*ports, *self.extra], self.clock, stats_rows=self.stats_rows)
        self._engine._catalog = self._catalog
        self._engine._on_internal_error = self.faults.append
        return self._engine

    async def ask(self, query: str, **variables: Any) -> Asked:
        """Runs a query; the document has to be valid."""
        engine = self.engine()
        prepared = engine.prepare(query)
        assert isinstance(prepared, Prepared), prepared
        begun = {name: len(emulated.calls) for name, emulated in self._emulated.items()}
        request = Request(self.clock.monotonic() + self.deadline)
        running = engine.execute(
            prepared, variables=variables, operation_name=None, request=request, principal=self.principal
        )
        answer = await self._moved(asyncio.ensure_future(running))
        calls = [(name, call) for name, emulated in self._emulated.items() for call in emulated.calls[begun[name] :]]
        if self.strict:
            assert [(call.endpoint, call.unknown_params) for _, call in calls if call.unknown_params] == []
        assert self.faults == []
        return Asked(
            msgspec.json.decode(msgspec.json.encode(answer.data)),
            answer.errors,
            [_made(name, call) for name, call in calls],
            request,
        )

    async def _moved(self, running: asyncio.Future[OperationResult]) -> OperationResult:
        """What runs, with the clock moved on wherever nothing goes on any more but waiting for it."""
        done: tuple[int, ...] = ()
        while not running.done():
            await asyncio.wait({running}, timeout=STILL)
            before, done = done, tuple(len(emulated.calls) for emulated in self._emulated.values())
            due = self.clock.next_due()
            if before == done and due is not None and due < self.deadline / 2:
                self.clock.advance(due)
        return await running

    @property
    def _emulated(self) -> dict[str, Emulated]:
        return {name.upper(): self.emulators.of(name) for name in EMULATED}

    def _clients(self) -> Iterator[Client]:
        for name in self.sources:
            emulated = self._emulated[name]
            yield Client(
                Upstream(
                    name=name,
                    base_url=emulated.url,
                    timeout=self.timeouts.get(name, self.timeout),
                    max_body=self.max_body,
                    forbidden=VENDORS[name].forbidden,
                    reset_header=VENDORS[name].reset_header,
                ),
                StaticToken(Secret(emulated.token)),
                Budget(name, self.units, self.clock),
                self.session,
                self.clock,
            )


@functools.cache
def shared_engine() -> Engine:
    """One engine for all tests, since a schema takes a tenth of a second to build; each query brings its catalog."""
    return Engine(Catalog([], ManualClock()))


def _made(source: str, call: Call) -> Made:
    params: dict[str, list[str]] = {}
    for name, value in call.params:
        params.setdefault(name, []).append(value)
    return Made(source, call.endpoint, params, call.cost, call.status)


@contextlib.asynccontextmanager
async def running(
    world: World,
    *,
    salesloft: SalesloftOptions | None = None,
    drift: DriftOptions | None = None,
    calendly: CalendlyOptions | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway over a world, its clock standing at the world's present."""
    clock = ManualClock(world.now.timestamp(), jumps=True)

    def tell() -> dt.datetime:
        return dt.datetime.fromtimestamp(clock.time(), dt.UTC)

    options = salesloft or SalesloftOptions(rate_limit=None)
    async with (
        Emulators.start(clock=tell, world=world, salesloft=options, drift=drift, calendly=calendly) as emulators,
        open_session() as session,
    ):
        yield Gateway(emulators, session, clock)


@pytest.fixture(scope="session")
def world() -> World:
    """The full-sized world; not to be changed."""
    return seeded(NOW)


@pytest.fixture
def small() -> World:
    """A world for a test to change."""
    return seeded(
        NOW, users=12, accounts=12, people=80, cadences=8, tasks=30, salesloft_meetings=220, drift_meetings=80
    )


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[Gateway]:
    """A gateway over the full world."""
    async with running(world) as gateway:
        yield gateway


@pytest.fixture
async def little(small: World) -> AsyncIterator[Gateway]:
    """A gateway over a world of the test's own."""
    async with running(small) as gateway:
        yield gateway
