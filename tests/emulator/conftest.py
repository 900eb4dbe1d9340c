"""One world to read, a small one to change, and a plain HTTP client: the emulators are tested through sockets."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gateway.emulator.server import Emulated, Emulators
from gateway.emulator.world import World
from tests.seeded import seeded

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    json: Any

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows = self.json["data"]
        assert isinstance(rows, list)
        return rows

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.rows]


@dataclass
class Client:
    """Asks one emulator; `token=None` sends no credential."""

    session: aiohttp.ClientSession
    emulated: Emulated

    async def get(self, path: str, *params: tuple[str, Any], token: str | None = "", method: str = "GET") -> Reply:
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.emulated.token}"
        pairs = [(name, str(value)) for name, value in params]
        async with self.session.request(method, self.emulated.url + path, params=pairs, headers=headers) as response:
            return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, await response.json())

    async def every(self, path: str, *params: tuple[str, Any]) -> list[dict[str, Any]]:
        """Page through a Salesloft list to its end, and check each page's place on the way."""
        rows: list[dict[str, Any]] = []
        page: int | None = 1
        while page is not None:
            reply = await self.get(path, *params, ("per_page", 100), ("page", page))
            assert reply.status == 200, reply.json
            paging = reply.json["metadata"]["paging"]
            assert paging["current_page"] == page
            rows += reply.rows
            page = paging["next_page"]
        return rows


@pytest.fixture(scope="session")
def world() -> World:
    """The full-sized world; not to be changed."""
    return seeded(NOW)


@pytest.fixture
def small() -> World:
    """A world for a test to change."""
    return seeded(NOW, users=12, accounts=8, people=60, cadences=8, tasks=20, salesloft_meetings=160, drift_meetings=60)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
async def emulators(world: World, clock: Clock) -> AsyncIterator[Emulators]:
    async with Emulators.start(clock=clock, world=world) as emulators:
        emulators.salesloft.app.throttle.per_minute = None
        yield emulators


@pytest.fixture
def hub(emulators: Emulators, session: aiohttp.ClientSession) -> Iterator[Client]:
    """Salesloft over the full world, without its rate limit; any parameter that it ignored fails the test."""
    yield Client(session, emulators.salesloft)
    assert [call.unknown_params for call in emulators.salesloft.calls if call.unknown_params] == []


@pytest.fixture
def chat(emulators: Emulators, session: aiohttp.ClientSession) -> Client:
    """Drift over the full world."""
    return Client(session, emulators.drift)


@pytest.fixture
async def salesloft(small: World, clock: Clock, session: aiohttp.ClientSession) -> AsyncIterator[Client]:
    """Salesloft over a small world of the test's own, with its rate limit."""
    async with Emulators.start(clock=clock, world=small) as emulators:
        yield Client(session, emulators.salesloft)


@pytest.fixture
async def drift(small: World, clock: Clock, session: aiohttp.ClientSession) -> AsyncIterator[Client]:
    """Drift over a small world of the test's own."""
    async with Emulators.start(clock=clock, world=small) as emulators:
        yield Client(session, emulators.drift)
