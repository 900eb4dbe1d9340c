"""Several gateways over one Redis and the same vendors."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from gateway.emulator.salesloft.api import SalesloftOptions
from tests.upstream.replicas.redis_server import RedisServer, redis_server
from tests.upstream_e2e.stage import NOW, Product, Reply, gateway, product, world
from tests.upstream_e2e.test_storm import check, storm

PAGE = """
query($since: DateTime) {
  meetings(first: 2, filter: {startTime: {gte: $since}}, orderBy: {field: START_TIME, direction: ASC}) {
    nodes { title person { name } }
    sourceReports { source status }
  }
}
"""


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@contextlib.asynccontextmanager
async def replicas(
    redis: RedisServer, *, large: bool = False, limit: int = 600
) -> AsyncIterator[tuple[list[Product], list[contextlib.AsyncExitStack]]]:
    """Four of them, each with the stack that ends it."""
    settings = {"GATEWAY_CACHE_URL": redis.url, "SALESLOFT_RATE_LIMIT": str(limit), "GATEWAY_REPLICAS": "4"}
    limited = SalesloftOptions(rate_limit=limit)
    async with product(world(large=large), salesloft=limited, settings=settings, jumps=False) as first:
        stages, stacks = [first], [contextlib.AsyncExitStack()]
        for _ in range(3):
            stack = contextlib.AsyncExitStack()
            made = gateway(first.emulators, first.clock, settings, links=first.links)
            caller, session = await stack.enter_async_context(made)
            stages.append(Product(caller, first.emulators, first.clock, session, first.links))
            stacks.append(stack)
        try:
            yield stages, stacks
        finally:
            for stack in stacks:
                await stack.aclose()


def page(stage: Product, number: int) -> asyncio.Future[Reply]:
    """A page that nobody else asks for."""
    since = NOW - dt.timedelta(days=20, minutes=7 * number)
    return asyncio.ensure_future(stage.ask(PAGE, since=since.isoformat()))


def whole(reply: Reply) -> bool:
    return bool(reply.ok["meetings"]["nodes"]) and {each["status"] for each in reply.reports().values()} == {"OK"}


async def shared(stage: Product) -> object:
    """What a replica says of the Redis."""
    return (await stage.caller.ask("GET", "/readyz")).json["shared"]


@pytest.mark.slow
async def test_four_replicas_in_a_storm_spend_one_limit(redis: RedisServer) -> None:
    async with replicas(redis, large=True) as (stages, _):
        first = stages[0]
        first.clock.advance(40)
        check(await storm(stages))
        calls = first.emulators.salesloft.calls
    assert {call.status for call in calls} == {200}, "the vendor refuses whatever is over 600 in a minute of its own"
    assert sum(call.cost for call in calls) >= 1000


async def test_redis_dies_and_no_request_is_lost(redis: RedisServer) -> None:
    async with replicas(redis) as (stages, _):
        first = stages[0]
        first.clock.advance(7)
        assert [await shared(stage) for stage in stages] == ["OK"] * 4
        asked = [page(stages[number % 4], number) for number in range(40)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        redis.kill()
        replies = await first.drive(asked)
        assert all(whole(reply) for reply in replies)
        assert await first.drive([page(stages[0], 50)])
        assert await shared(first) == "UNAVAILABLE"
        assert 429 not in {call.status for call in first.calls}


@pytest.mark.parametrize("wrong", ["wrong", ""])
async def test_a_wrong_password_is_reported_at_the_start_and_no_request_fails(
    caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    with redis_server("--requirepass", "right") as guarded:
        url = f"redis://:{wrong}@127.0.0.1:{guarded.port}/0"
        async with product(world(), settings={"GATEWAY_CACHE_URL": url}, jumps=False) as stage:
            said = [record.getMessage() for record in caplog.records if "Redis" in record.getMessage()]
            (reply,) = await stage.drive([page(stage, 1)])
            assert await shared(stage) == "UNAVAILABLE"
    assert said == ["Redis refuses the user or password of GATEWAY_CACHE_URL; this process goes on alone"]
    assert whole(reply)


@pytest.mark.slow
async def test_a_burst_is_no_outage_of_redis(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """Each query has questions for Redis: more at once than there are connections."""
    async with product(world(), settings={"GATEWAY_CACHE_URL": redis.url}, jumps=False) as stage:
        replies = await stage.drive([page(stage, number) for number in range(120)])
        assert await shared(stage) == "OK"
    assert all(whole(reply) for reply in replies)
    assert [record.getMessage() for record in caplog.records if "Redis" in record.getMessage()] == []


@pytest.mark.slow
async def test_redis_is_emptied_again_and_again_and_no_minute_is_spent_twice(redis: RedisServer) -> None:
    """Two replicas that always want more, over two minutes' edges, on a Redis that forgets everything."""
    limit, settings = 60, {"GATEWAY_CACHE_URL": redis.url, "SALESLOFT_RATE_LIMIT": "60"}
    limited = SalesloftOptions(rate_limit=limit)
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            product(world(large=True), salesloft=limited, settings=settings, jumps=False)
        )
        made = gateway(first.emulators, first.clock, settings, links=first.links)
        caller, session = await stack.enter_async_context(made)
        second = Product(caller, first.emulators, first.clock, session, first.links)
        first.clock.advance(40)
        asked, kills = [], iter((45, 58, 59.7, 61, 90, 118, 119.9, 121))
        kill_at = next(kills, None)
        for number in range(100):
            asked.append(page((first, second)[number % 2], number))
            first.clock.advance(1)
            await asyncio.wait(asked, timeout=0.01)
            if kill_at is not None and 40 + number >= kill_at:
                redis.kill()
                await asyncio.wait(asked, timeout=0.01)
                redis.start()
                kill_at = next(kills, None)
        replies = await first.drive(asked)
    calls = first.emulators.salesloft.calls
    assert {call.status for call in calls} == {200}
    assert sum(call.cost for call in calls) > limit, "and there was something to be had"
    assert {code for reply in replies for code in reply.codes} <= {"UPSTREAM_RATE_LIMITED", "DEADLINE_EXCEEDED"}


async def test_a_replica_dies_and_loses_only_its_own(redis: RedisServer) -> None:
    async with replicas(redis) as (stages, stacks):
        first = stages[0]
        first.clock.advance(7)
        asked = [page(stages[number % 4], number) for number in range(40)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        await stacks[3].aclose()
        others = [each for number, each in enumerate(asked) if number % 4 != 3]
        assert all(whole(reply) for reply in await first.drive(others))
        for end in await asyncio.gather(*asked[3::4], return_exceptions=True):
            assert isinstance(end, Reply | aiohttp.ClientError | asyncio.CancelledError)
