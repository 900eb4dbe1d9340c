"""A real Redis for all tests here, empty for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from gateway.upstream.clock import ManualClock
from gateway.upstream.replicas.link import AnyRedis, Link
from tests.upstream.replicas.redis_server import RedisServer, redis_server

T = TypeVar("T")
MakeLink = Callable[..., "CountedLink"]


class CountedLink(Link):
    """A link that knows how many answers are waited for, so that time is not moved on meanwhile."""

    asking = 0

    async def ask(self, question: Callable[[AnyRedis], Awaitable[T]]) -> T | None:
        self.asking += 1
        try:
            return await super().ask(question)
        finally:
            self.asking -= 1


@pytest.fixture(scope="session")
def one_redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def make_link(one_redis: RedisServer, clock: ManualClock) -> AsyncIterator[MakeLink]:
    """Links to one empty Redis, as replicas have them."""
    links: list[CountedLink] = []

    def make(*, patience: float = 5.0) -> CountedLink:
        links.append(CountedLink(one_redis.url, clock, patience=patience))
        return links[-1]

    assert await make().ask(lambda redis: redis.flushall())
    yield make
    for link in links:
        await link.close()


@pytest.fixture
def link(make_link: MakeLink) -> Link:
    return make_link()
