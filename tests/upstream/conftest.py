"""A server to talk to, a client that talks to it, and a clock turned by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from gateway.request import Request
from gateway.upstream.attempts import Backoff
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Credential, Secret, StaticToken
from gateway.upstream.http import Session, Upstream, open_session
from gateway.upstream.store import Store
from tests.upstream.server import Server, serving
from tests.upstream.things import World

TOKEN = "ak-9f1c-not-to-be-seen"

MakeClient = Callable[..., Client]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    async with open_session() as session:
        yield session


@pytest.fixture
def make_client(server: Server, session: Session, clock: ManualClock) -> MakeClient:
    """A client of `server`; other keyword arguments are settings of its upstream."""

    def make(
        *,
        limit: int = 300,
        token: str = TOKEN,
        credential: Credential | None = None,
        store: Store | None = None,
        **settings: object,
    ) -> Client:
        known: dict[str, object] = {"name": "SALESLOFT", "base_url": server.url, "timeout": 5}
        upstream = Upstream(**(known | settings))  # type: ignore[arg-type]  # each test names its own settings
        budget = Budget(upstream.name, limit, clock)
        known_by = credential or StaticToken(Secret(token))
        return Client(upstream, known_by, budget, session, clock, store=store, backoff=Backoff(base=0.0))

    return make


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()


@pytest.fixture
def request_(clock: ManualClock) -> Request:
    return Request(deadline=clock.monotonic() + 25)


@pytest.fixture
def world(server: Server) -> World:
    """What `server` answers with."""
    world = World()
    server.otherwise = world
    return world


@pytest.fixture
def ask(clock: ManualClock) -> Callable[[], Request]:
    """Makes a client's request."""
    return lambda: Request(clock.monotonic() + 25)
