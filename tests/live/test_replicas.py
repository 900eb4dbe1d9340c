"""Two gateways that share a real Redis: one log, one poller, cursors that are good at either, and an emptied Redis."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis

from gateway.app import create_app
from gateway.commands.demo import variables
from gateway.settings.settings import Settings
from gateway.upstream.replicas.link import Link
from tests.http.harness import calling
from tests.live.stage import SETTINGS, Stage, meeting_id, staged
from tests.live.streams import next_of, sse
from tests.live.test_changes import active
from tests.upstream.replicas.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may take long on a busy machine; it is not what these tests are about."""
    monkeypatch.setattr(Link.__init__, "__kwdefaults__", {**(Link.__init__.__kwdefaults__ or {}), "patience": 10.0})


def empty(redis: RedisServer) -> None:
    with Redis.from_url(redis.url) as client:
        client.flushall()


@contextlib.asynccontextmanager
async def pair(redis: RedisServer, **settings: str) -> AsyncIterator[tuple[Stage, Stage]]:
    """Two gateways over one world and one Redis, which knows nothing yet."""
    empty(redis)
    async with staged(GATEWAY_CACHE_URL=redis.url, **settings) as one:
        asked = {**variables(one.emulators), **SETTINGS, "GATEWAY_CACHE_URL": redis.url, **settings}
        asked = {name: value for name, value in asked.items() if not name.startswith("CALENDLY")}
        async with calling(create_app(Settings.read(asked), clock=one.clock)) as caller:
            yield one, Stage(one.emulators, caller, one.clock)


async def test_what_one_is_delivered_the_other_tells(redis: RedisServer) -> None:
    async with pair(redis) as (one, other), sse(other) as stream:
        cursor = (await next_of(other, stream))["cursor"]
        row = one.edit(active(one), title="Delivered to the first")
        await one.deliver(row)
        change = await next_of(other, stream)
        assert (change["kind"], change["meetingId"]) == ("UPDATED", meeting_id(row))
        assert [each["cursor"] for each in (await one.page(cursor))["changes"]] == [change["cursor"]]


async def test_lists_are_read_anew_in_both(redis: RedisServer) -> None:
    query = "{ meetings(first: 200, filter: {sources: [SALESLOFT]}) { nodes { id title } } }"
    async with pair(redis) as (one, other):
        cursor = (await other.page())["cursor"]
        await other.ask(query)
        row = one.edit(active(one), title="Fresh")
        await one.deliver(row)
        await other.changes(cursor)
        listed = {each["id"]: each["title"] for each in (await other.ask(query))["meetings"]["nodes"]}
        assert listed[meeting_id(row)] == "Fresh"


async def test_a_delivery_to_both_is_read_again_once(redis: RedisServer) -> None:
    async with pair(redis) as (one, other):
        cursor = (await other.page())["cursor"]
        row = one.edit(active(one), title="Twice")
        before = one.calls()
        await one.deliver(row)
        await other.deliver(row)
        await other.changes(cursor)
        await other.quiet(3)
        asked = [call for call in one.emulators.salesloft.calls[before:] if ("ids[]", str(row["id"])) in call.params]
        assert len(asked) == 1


async def test_one_of_both_looks(redis: RedisServer) -> None:
    nothing = {"SALESLOFT_WEBHOOK_SECRETS": "", "DRIFT_WEBHOOK_SECRETS": ""}
    async with pair(redis, **nothing) as (one, other), sse(one) as first, sse(other) as second:
        await next_of(one, first)
        await next_of(other, second)
        await one.quiet(60)
        before = one.calls("drift")
        await one.quiet(300)
        assert 8 <= one.calls("drift") - before <= 12


async def test_a_redis_that_lost_everything_begins_anew(redis: RedisServer) -> None:
    async with pair(redis) as (one, other):
        cursor = (await one.page())["cursor"]
        await one.deliver(one.edit(active(one), title="Lost"))
        await other.changes(cursor)
        empty(redis)
        (change,) = await other.changes(cursor)
        assert change["kind"] == "RESET"
        await one.deliver(one.edit(active(one), title="Told again"))
        (change,) = await other.changes(change["cursor"])
        assert change["meeting"]["title"] == "Told again"


async def test_several_processes_without_redis_have_no_live_updates() -> None:
    async with staged(GATEWAY_REPLICAS="2") as stage:
        reply = await stage.caller.post("{ meetingChanges { cursor } }")
        assert reply.code == "GRAPHQL_VALIDATION_FAILED"
