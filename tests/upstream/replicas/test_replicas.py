"""Several processes' worth of gateways over one Redis and one vendor."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.request import Request
from gateway.upstream.attempts import Backoff
from gateway.upstream.budget import Budget
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.credentials import Secret, StaticToken
from gateway.upstream.http import Session, Upstream
from gateway.upstream.oauth import ClientCredentials, Token
from gateway.upstream.replicas.counter import SharedCounter
from gateway.upstream.replicas.link import Link
from gateway.upstream.replicas.store import SharedVault
from tests.upstream.replicas.conftest import CountedLink, MakeLink
from tests.upstream.replicas.redis_server import RedisServer
from tests.upstream.replicas.test_counter import Crew
from tests.upstream.server import Received, Server, reply
from tests.upstream.test_storm import storm
from tests.upstream.turns import drive, turn
from tests.upstream.vendor import Vendor

NOON = 1_800_000_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON + 45)


def replica(link: Link, server: Server, session: Session, clock: ManualClock, *, limit: int) -> Client:
    upstream = Upstream(
        name="SALESLOFT", base_url=server.url, timeout=5, cost_header="x-cost", remaining_header="x-left"
    )
    counter = SharedCounter(link, "SALESLOFT", Crew(size=4))
    budget = Budget("SALESLOFT", limit, clock, counter=counter)
    return Client(upstream, StaticToken(Secret("t")), budget, session, clock, backoff=Backoff(base=0.0))


def waited_for(replicas: list[Client], links: list[CountedLink]) -> int:
    """How many answers of the vendor and of Redis are under way."""
    return sum(client.sending for client in replicas) + sum(link.asking for link in links)


@pytest.mark.slow
async def test_four_replicas_in_a_storm_spend_one_limit(
    make_link: MakeLink, server: Server, session: Session, clock: ManualClock
) -> None:
    vendor = server.otherwise = Vendor(clock)
    links = [make_link() for _ in range(4)]
    replicas = [replica(link, server, session, clock, limit=600) for link in links]

    ends = await storm(replicas, clock, lambda: waited_for(replicas, links))

    assert vendor.refused == 0
    assert max(vendor.spent.values()) <= 600
    assert ends.keys() <= {"ok", "UpstreamRateLimited"}
    assert sum(ends.values()) == 300
    assert ends["ok"] >= 10


async def test_redis_dies_in_a_storm_and_no_query_fails_for_it(
    make_link: MakeLink, one_redis: RedisServer, server: Server, session: Session, clock: ManualClock
) -> None:
    vendor = server.otherwise = Vendor(clock)
    links = [make_link(patience=0.1) for _ in range(4)]
    replicas = [replica(link, server, session, clock, limit=600) for link in links]

    async def query(name: int) -> None:
        request = Request(clock.monotonic() + 25)
        for call in range(4):
            await replicas[name % 4].get(request, "/things/{id}", f"/things/{name}-{call}")

    queries = [asyncio.ensure_future(query(name)) for name in range(40)]
    await server.asked(20)
    one_redis.kill()
    try:
        await drive(clock, lambda: waited_for(replicas, links), queries)
        assert await asyncio.gather(*queries) == [None] * 40
        assert vendor.refused == 0
    finally:
        one_redis.start()
    clock.advance(30)
    await drive(clock, lambda: waited_for(replicas, links), [asyncio.ensure_future(query(99))])


class TokenServer:
    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await asyncio.sleep(0.02)
        body = {"access_token": f"at-{self.asked}-not-to-be-seen", "expires_in": 7200}
        await reply(200, json.dumps(body).encode())(request, writer)


async def test_one_replica_asks_for_the_token_of_all(
    make_link: MakeLink, server: Server, session: Session, clock: ManualClock
) -> None:
    tokens = server.otherwise = TokenServer()
    secret = Secret("cs-not-to-be-seen")
    endpoint = Upstream(name="SALESLOFT", base_url=f"{server.url}/oauth/token", timeout=5)

    def credential(link: Link) -> ClientCredentials:
        vault = SharedVault(link, "identity", secret)
        return ClientCredentials(endpoint, "client-1", secret, session, clock, vault=vault)

    credentials = [credential(make_link()) for _ in range(4)]

    async def all_ask() -> set[str]:
        asks = [asyncio.ensure_future(each.token(Request(clock.monotonic() + 25))) for each in credentials]
        while not all(ask.done() for ask in asks):
            await asyncio.sleep(0.01)
            clock.advance(0.2)
        return {ask.result().reveal() for ask in asks}

    assert await all_ask() == {"at-1-not-to-be-seen"}
    clock.advance(3601)
    assert await all_ask() == {"at-2-not-to-be-seen"}
    assert tokens.asked == 2

    link = make_link()
    keys = await link.ask(lambda redis: redis.keys("*"))
    assert keys
    values = await link.ask(lambda redis: redis.mget(keys))
    assert "not-to-be-seen" not in f"{keys}{values}"
    assert await SharedVault(link, "identity", Secret("another")).load() is None


async def test_without_redis_each_asks_for_its_own_token(
    make_link: MakeLink, one_redis: RedisServer, server: Server, session: Session, clock: ManualClock
) -> None:
    server.otherwise = TokenServer()
    secret = Secret("cs-not-to-be-seen")
    endpoint = Upstream(name="SALESLOFT", base_url=f"{server.url}/oauth/token", timeout=5)
    link = make_link(patience=0.1)
    vault = SharedVault(link, "identity", secret)
    credential = ClientCredentials(endpoint, "client-1", secret, session, clock, vault=vault)
    with one_redis.frozen():
        token = await credential.token(Request(clock.monotonic() + 25))
        assert token.reveal() == "at-1-not-to-be-seen"
    await turn()


async def test_a_claim_that_ran_out_is_nothing_to_release(make_link: MakeLink) -> None:
    """Who took too long neither frees the claim of its successor nor puts an older token in its place."""
    links = [make_link() for _ in range(3)]
    late, second, third = (SharedVault(link, "identity", Secret("secret")) for link in links)
    assert await late.claim(60)
    claims = await links[0].ask(lambda redis: redis.keys("*:claim"))
    assert claims
    assert await links[0].ask(lambda redis: redis.delete(*claims))  # as its time-out does
    assert await second.claim(60)
    await second.save(Token(Secret("new"), NOON, 600))

    await late.save(Token(Secret("old"), NOON - 60, 600))
    await late.release()
    assert not await third.claim(60), "the second still asks"
    token = await third.load()
    assert token is not None
    assert token.secret.reveal() == "new"

    await second.release()
    assert await third.claim(60)
    await third.release()


async def test_a_claim_lasts_longer_than_a_question_may(
    make_link: MakeLink, server: Server, session: Session, clock: ManualClock
) -> None:
    link, secret = make_link(), Secret("secret")
    endpoint = Upstream(name="SALESLOFT", base_url=f"{server.url}/oauth/token", timeout=120)
    left: list[object] = []

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        claims = await link.ask(lambda redis: redis.keys("*:claim"))
        assert claims
        left.append(await link.ask(lambda redis: redis.pttl(claims[0])))
        await reply(200, b'{"access_token": "at-1"}')(request, writer)

    server.otherwise = answer
    vault = SharedVault(link, "identity", secret)
    credential = ClientCredentials(endpoint, "client-1", secret, session, clock, vault=vault)
    await credential.token(Request(clock.monotonic() + 25))
    (milliseconds,) = left
    assert isinstance(milliseconds, int)
    assert 100_000 < milliseconds <= 130_000
    assert await link.ask(lambda redis: redis.keys("*:claim")) == []


async def test_a_token_from_a_replica_that_is_ahead_is_taken_for_new(
    make_link: MakeLink, server: Server, session: Session, clock: ManualClock
) -> None:
    server.otherwise = TokenServer()
    secret = Secret("cs-not-to-be-seen")
    endpoint = Upstream(name="SALESLOFT", base_url=f"{server.url}/oauth/token", timeout=5)
    vault = SharedVault(make_link(), "identity", secret)
    await vault.save(Token(Secret("theirs"), clock.time() + 600, 1000))
    credential = ClientCredentials(endpoint, "client-1", secret, session, clock, vault=vault)
    assert (await credential.token(Request(clock.monotonic() + 25))).reveal() == "theirs"
    clock.set_back(3600)
    clock.advance(501)
    assert (await credential.token(Request(clock.monotonic() + 25))).reveal() == "theirs"
