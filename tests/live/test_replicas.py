"""Two gateways that share a real Redis: one log, one poller, cursors that are good at either, and an emptied Redis."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis import Redis

from gateway.app import create_app
from gateway.commands.demo import variables
from gateway.runtime import changes
from gateway.runtime.changes import SharedCoordination
from gateway.settings.settings import Settings
from gateway.upstream.replicas.link import Link, Script
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


def evict(redis: RedisServer, pattern: str) -> None:
    """Has Redis lose some keys, as it does where its memory is full."""
    with Redis.from_url(redis.url) as client:
        lost = list(client.scan_iter(pattern))
        assert lost
        client.delete(*lost)


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
        await other.page()
        await other.quiet(5)  # the first look has every list read anew
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
        await other.quiet(5)  # until every replica has noticed it
        (change,) = await other.changes(cursor)
        assert change["kind"] == "RESET"
        await one.deliver(one.edit(active(one), title="Told again"))
        (change,) = await other.changes(change["cursor"])
        assert change["meeting"]["title"] == "Told again"


async def test_several_processes_without_redis_have_no_live_updates() -> None:
    async with staged(GATEWAY_REPLICAS="2") as stage:
        reply = await stage.caller.post("{ meetingChanges { cursor } }")
        assert reply.code == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("killed", [False, True])
async def test_what_a_replica_was_delivered_and_has_not_read_another_reads(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    if killed:  # it says nothing, and is taken for dead at once

        async def nothing(*_: object) -> None:
            return None

        monkeypatch.setattr(SharedCoordination, "leave", nothing)
        monkeypatch.setattr(changes, "ADOPTED", 0.0)
    empty(redis)
    async with staged(GATEWAY_CACHE_URL=redis.url) as one:
        cursor = (await one.page())["cursor"]
        asked = {**variables(one.emulators), **SETTINGS, "GATEWAY_CACHE_URL": redis.url}
        settings = Settings.read({name: value for name, value in asked.items() if not name.startswith("CALENDLY")})
        async with calling(create_app(settings, clock=one.clock)) as caller:
            row = one.edit(active(one), title="Taken, and left")
            assert (await Stage(one.emulators, caller, one.clock).deliver(row)).status == 202
        assert (await one.deliver(row)).status == 202  # the vendor does not deliver it again: this one costs nothing
        (change,) = await one.changes(cursor)
        assert change["meeting"]["title"] == "Taken, and left"


async def test_what_cannot_be_logged_is_read_again(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pair(redis) as (one, other):
        cursor = (await one.page())["cursor"]
        run, failures = Link.run, iter([True])

        async def failing(link: Link, script: Script, *given: Any) -> Any:
            return None if script is changes.APPEND and next(failures, False) else await run(link, script, *given)

        monkeypatch.setattr(Link, "run", failing)
        await one.deliver(one.edit(active(one), title="At the second attempt"))
        (change,) = await other.changes(cursor)
        assert change["meeting"]["title"] == "At the second attempt"
        assert next(failures, None) is None


@pytest.mark.parametrize("evicted", ["*:epoch", "*:log"])
async def test_a_log_that_was_evicted_in_part_begins_anew(redis: RedisServer, evicted: str) -> None:
    async with pair(redis) as (one, other):
        cursor = (await one.page())["cursor"]
        await one.deliver(one.edit(active(one), title="Lost"))
        await other.changes(cursor)
        evict(redis, evicted)
        await other.quiet(5)
        (change,) = await other.changes(cursor)
        assert change["kind"] == "RESET"
        await one.deliver(one.edit(active(one), title="Told again"))
        (change,) = await other.changes(change["cursor"])
        assert change["meeting"]["title"] == "Told again"


async def test_what_nothing_is_known_to_compare_with_begins_anew(redis: RedisServer) -> None:
    async with pair(redis) as (one, other):
        cursor = (await one.page())["cursor"]
        slug, row = next((slug, row) for slug, row in one.world.drift.meetings.items() if row["status"] == "ACTIVE")
        await one.deliver_drift(slug)
        await one.quiet(3)
        evict(redis, "*:place:DRIFT")
        row.update(meetingNotes="Who knows what it was", updatedAt=int(one.clock.time() * 1000))
        one.world.touch()
        await one.deliver_drift(slug)
        (change,) = await other.changes(cursor)
        assert change["kind"] == "RESET"


async def test_lists_are_read_anew_where_the_log_was_lost(redis: RedisServer) -> None:
    query = "{ meetings(first: 200, filter: {sources: [SALESLOFT]}) { nodes { id title } } }"
    async with pair(redis) as (one, other):
        cursor = (await one.page())["cursor"]
        row = active(one)
        by_id = f'{{ meeting(by: {{id: "{meeting_id(row)}"}}) {{ title }} }}'
        await other.ask(query)
        await other.ask(by_id)
        one.clock.advance(1)
        one.edit(row, title="Logged, and lost before anybody read it")
        empty(redis)
        await other.quiet(5)  # until every replica has noticed it
        (change,) = await other.changes(cursor)
        assert change["kind"] == "RESET"
        listed = {each["id"]: each["title"] for each in (await other.ask(query))["meetings"]["nodes"]}
        assert listed[meeting_id(row)] == row["title"]
        assert (await other.ask(by_id))["meeting"]["title"] == row["title"]
