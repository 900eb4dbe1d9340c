"""All that replicas share, over a Redis cluster whose keys lie on several nodes."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis
from redis.asyncio.cluster import RedisCluster

from gateway.errors import RateLimited
from gateway.request import Request
from gateway.runtime.replicas import SharedDocuments, SharedRates
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret
from gateway.upstream.oauth import Token
from gateway.upstream.replicas.fleet import Fleet
from gateway.upstream.replicas.link import Link
from gateway.upstream.replicas.store import SharedStore, SharedVault
from gateway.upstream.store import MemoryStore
from gateway.upstream.switches import Switches
from gateway.web.persisted import MemoryDocumentStore
from gateway.web.rate_limit import ClientRateLimits
from tests.http.test_shared import digest_of
from tests.upstream.conftest import MakeClient
from tests.upstream.replicas.conftest import CountedLink
from tests.upstream.replicas.redis_server import RedisServer, redis_cluster
from tests.upstream.replicas.test_counter import NOON, all_report, crew, spend, spend_all
from tests.upstream.things import World, things
from tests.upstream_e2e.stage import Product, gateway, product, world

PAGE = "{ meetings(first: 12) { nodes { title person { name } owner { name } } sourceReports { source status } } }"


@pytest.fixture(scope="module", params=[1, 3], ids=["one node", "three nodes"])
def cluster(request: pytest.FixtureRequest) -> Iterator[list[RedisServer]]:
    with redis_cluster(request.param) as servers:
        yield servers


@pytest.fixture
async def links(cluster: list[RedisServer], clock: ManualClock) -> AsyncIterator[list[Link]]:
    """Links to an empty cluster, each by another of its nodes."""
    for server in cluster:
        with Redis.from_url(server.url) as client:
            client.flushall()
    made: list[Link] = [CountedLink(cluster[number % len(cluster)].url, clock, patience=5.0) for number in range(3)]
    yield made
    for link in made:
        await link.close()


async def test_it_does_all_that_is_needed(links: list[Link], cluster: list[RedisServer]) -> None:
    assert [await link.probe() for link in links] == [None] * 3
    for number in range(30):
        assert await links[0].ask(lambda redis, number=number: redis.set(f"gateway:{number}", "x"))  # type: ignore[misc]  # bound early
    assert isinstance(links[0]._redis, RedisCluster) is (len(cluster) > 1)
    assert (
        await asyncio.gather(*(links[1].ask(lambda redis: redis.get("gateway:1")) for _ in range(500))) == [b"x"] * 500
    )


async def test_one_limit(links: list[Link], clock: ManualClock) -> None:
    counters = crew(links)
    await all_report(counters, NOON + 5)
    assert await spend(counters[0], NOON + 5, 20) == 20
    assert 20 + await spend_all(counters, clock, NOON + 6) == 100


async def test_records(links: list[Link], make_client: MakeClient, world: World, clock: ManualClock) -> None:
    one, other = (things(make_client(store=SharedStore(link, MemoryStore()))) for link in links[:2])
    keys = [f"{number}" for number in range(50)]
    request = Request(clock.monotonic() + 25)
    assert len((await one.get(request, keys)).found) == 50
    assert len((await other.get(request, [*keys, "nobody"])).found) == 50
    assert [asked for asked in world.asked if asked != ["nobody"]] == [keys]


async def test_replicas_and_switches(links: list[Link], make_client: MakeClient, clock: ManualClock) -> None:
    fleets, client = [Fleet(link, clock) for link in links], make_client(name="DRIFT")
    switches = Switches([client])
    await links[0].ask(lambda redis: redis.sadd("gateway:off", "DRIFT"))
    for fleet in [*fleets, *fleets]:
        await fleet.beat(switches)
    assert [fleet.size for fleet in fleets] == [3] * 3
    assert not client.on


async def test_a_token_and_the_claim_to_it(links: list[Link]) -> None:
    one, other = (SharedVault(link, "identity", Secret("secret")) for link in links[:2])
    assert await one.claim(60)
    assert not await other.claim(60)
    await one.save(Token(Secret("at-1"), NOON, 600))
    await one.release()
    token = await other.load()
    assert token is not None
    assert token.secret.reveal() == "at-1"
    assert await other.claim(60)
    await other.release()


async def test_documents_and_rates(links: list[Link], clock: ManualClock) -> None:
    one, other = (SharedDocuments(link, MemoryDocumentStore()) for link in links[:2])
    await one.put(digest_of("{ a }"), "{ a }")
    assert await other.get(digest_of("{ a }")) == "{ a }"
    rates = [SharedRates(link, ClientRateLimits(6, 60, clock)) for link in links]
    for number in range(6):
        await rates[number % 3].admit("zoe")
    for each in rates:
        with pytest.raises(RateLimited):
            await each.admit("zoe")


async def test_two_gateways(cluster: list[RedisServer], caplog: pytest.LogCaptureFixture) -> None:
    for server in cluster:
        with Redis.from_url(server.url) as client:
            client.flushall()
    caplog.set_level(logging.WARNING)
    urls = [server.url for server in (cluster * 2)[:2]]
    async with product(world(), settings={"GATEWAY_CACHE_URL": urls[0]}, jumps=False) as first:
        made = gateway(first.emulators, first.clock, {"GATEWAY_CACHE_URL": urls[1]}, links=first.links)
        async with made as (caller, session):
            second = Product(caller, first.emulators, first.clock, session, first.links)
            replies = [(await first.drive([stage.ask(PAGE)]))[0] for stage in (first, second)]
            asked = Counter(call.endpoint for call in first.calls)
            shared = [(await stage.caller.ask("GET", "/readyz")).json["shared"] for stage in (first, second)]
    assert replies[0].ok == replies[1].ok
    assert shared == ["OK", "OK"]
    assert asked["meetings"] <= 3, "what the first has read, the second has"
    assert [record.message for record in caplog.records if "Redis" in record.message] == []
