"""What replicas share through a real Redis: a client's rate and cost, and documents that one of them was given."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from gateway.app import create_app
from gateway.emulator.server import Emulators
from gateway.errors import RateLimited
from gateway.runtime.replicas import SharedDocuments, SharedRates
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from gateway.upstream.replicas.link import Link
from gateway.web.persisted import MemoryDocumentStore
from gateway.web.rate_limit import ClientRateLimits
from tests.http.attacks import KEY
from tests.http.harness import Caller, calling
from tests.two_sources import variables
from tests.upstream.replicas.redis_server import RedisServer, redis_server

PATIENT = 5.0
"""Seconds that a busy machine's Redis may take where it is to answer."""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000.0)


@pytest.fixture
async def links(redis: RedisServer, clock: ManualClock) -> AsyncIterator[list[Link]]:
    made = [Link(redis.url, clock, patience=PATIENT) for _ in range(2)]
    assert await made[0].ask(lambda server: server.flushall())
    assert all([await link.time() for link in made])  # no time of the clock that tests move has passed yet
    yield made
    for link in made:
        await link.close()


def rates_over(links: list[Link], clock: ManualClock, *, operations: int = 6, cost: int = 60) -> list[SharedRates]:
    return [SharedRates(link, ClientRateLimits(operations, cost, clock)) for link in links]


async def test_replicas_count_a_client_together(links: list[Link], clock: ManualClock) -> None:
    one, other = rates_over(links, clock)
    admitted = await asyncio.gather(*(each.admit("zoe") for each in [one, other] * 6), return_exceptions=True)
    assert len([outcome for outcome in admitted if outcome is None]) == 6
    with pytest.raises(RateLimited, match="6 operations a minute") as refused:
        await other.admit("zoe")
    assert refused.value.retry_after == pytest.approx(10.0, abs=1)
    await other.admit("somebody else")
    clock.advance(11.0)
    await one.admit("zoe")
    with pytest.raises(RateLimited):
        await other.admit("zoe")


async def test_replicas_charge_a_client_together(links: list[Link], clock: ManualClock) -> None:
    one, other = rates_over(links, clock, operations=100)
    await one.admit("zoe")
    await one.charge("zoe", 50)
    await other.admit("zoe")
    await other.charge("zoe", 40)
    with pytest.raises(RateLimited, match="60 units of upstream cost") as refused:
        await one.admit("zoe")
    assert refused.value.retry_after == pytest.approx(30.0, abs=1)
    clock.advance(31.0)
    await one.admit("zoe")


async def test_no_bucket_outlives_its_use(links: list[Link], clock: ManualClock) -> None:
    one, _ = rates_over(links, clock)
    await one.admit("zoe")
    await one.charge("zoe", 600)
    names = await links[0].ask(lambda server: server.keys("*"))
    assert names is not None
    (name,) = names
    assert b"zoe" not in name
    left = await links[0].ask(lambda server: server.pttl(name))
    assert left is not None
    assert 60_000 < left <= 601_000


async def test_without_redis_each_process_counts_alone(clock: ManualClock) -> None:
    link = Link("redis://127.0.0.1:1/0", clock)
    (rates,) = rates_over([link], clock, operations=2)
    for _ in range(2):
        await rates.admit("zoe")
    with pytest.raises(RateLimited):
        await rates.admit("zoe")
    clock.advance(60)
    await rates.charge("zoe", 1000)
    with pytest.raises(RateLimited, match="upstream cost"):
        await rates.admit("zoe")
    await link.close()


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def documents_over(links: list[Link], *, most_bytes: int = 1000) -> list[SharedDocuments]:
    return [SharedDocuments(link, MemoryDocumentStore(), most_bytes=most_bytes) for link in links]


async def test_a_document_is_known_to_all(links: list[Link], clock: ManualClock) -> None:
    one, other = documents_over(links)
    text = "query Ü { hello }"
    assert await other.get(digest_of(text)) is None
    await one.put(digest_of(text), text)
    assert await other.get(digest_of(text)) == text
    await links[1].ask(lambda server: server.flushall())
    assert await other.get(digest_of(text)) == text, "and from then on here"


async def test_documents_are_bounded_the_least_used_forgotten(links: list[Link], clock: ManualClock) -> None:
    one, _ = documents_over(links)
    texts = [f"query Q{number} {{ {'a' * 180} }}" for number in range(8)]
    for number, text in enumerate(texts):
        clock.advance(1)
        await one.put(digest_of(text), text)
        if number == 3:  # the first is used again, by a replica that has not kept it
            clock.advance(1)
            assert await documents_over(links)[1].get(digest_of(texts[0])) == texts[0]
    fresh = documents_over(links)[1]
    known = [number for number, text in enumerate(texts) if await fresh.get(digest_of(text)) is not None]
    assert known == [0, 4, 5, 6, 7]
    size = await links[0].ask(lambda server: server.get("gateway:{documents:1}:bytes"))
    assert size is not None
    assert 0 < int(size) <= 1000


@pytest.mark.parametrize("part", ["texts", "used", "bytes"])
async def test_redis_may_give_anything_up(links: list[Link], clock: ManualClock, part: str) -> None:
    one, other = documents_over(links)
    texts = [f"query Q{number} {{ {'b' * 180} }}" for number in range(12)]
    for number, text in enumerate(texts):
        clock.advance(1)
        if number == 4:
            await links[0].ask(lambda server: server.delete(f"gateway:{{documents:1}}:{part}"))
        await one.put(digest_of(text), text)
    assert await other.get(digest_of(texts[-1])) == texts[-1]
    size = await links[0].ask(lambda server: server.get("gateway:{documents:1}:bytes"))
    assert 0 < int(size or 0) <= 1000


async def test_nothing_else_runs_under_a_documents_name(links: list[Link], clock: ManualClock) -> None:
    one, _ = documents_over(links)
    digest = digest_of("query A { hello }")
    await links[0].ask(lambda server: server.hset("gateway:{documents:1}:texts", digest, "query B { hello }"))
    assert await one.get(digest) is None


async def test_without_redis_documents_are_known_here(clock: ManualClock) -> None:
    link = Link("redis://127.0.0.1:1/0", clock)
    (documents,) = documents_over([link])
    await documents.put(digest_of("{ a }"), "{ a }")
    assert await documents.get(digest_of("{ a }")) == "{ a }"
    assert await documents.get(digest_of("{ b }")) is None
    await link.close()


async def test_two_gateways_over_one_redis(redis: RedisServer) -> None:
    given = {"GATEWAY_CACHE_URL": redis.url, "GATEWAY_API_KEYS": f"web:{KEY}", "GATEWAY_CLIENT_RATE": "4"}
    query = "query Shared { sources { source } }"
    named = {"persistedQuery": {"version": 1, "sha256Hash": digest_of(query)}}
    async with AsyncExitStack() as stack:
        emulators = await stack.enter_async_context(Emulators.start())
        settings = Settings.read({**variables(emulators), **given})
        one, other = [await stack.enter_async_context(calling(create_app(settings))) for _ in range(2)]

        async def ask(caller: Caller, **body: object) -> str:
            reply = await caller.ask("POST", json=body, headers={"X-API-Key": KEY})
            return "" if "errors" not in reply.json else reply.code

        assert await ask(other, extensions=named) == "PERSISTED_QUERY_NOT_FOUND"
        assert await ask(one, query=query, extensions=named) == ""
        assert await ask(other, extensions=named) == ""
        assert await ask(one, extensions=named) == ""
        assert {await ask(one, query=query), await ask(other, query=query)} == {"RATE_LIMITED"}
