"""Records and lists as fresh as promised: used, fetched anew behind the scenes, forgotten."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from gateway.errors import UpstreamUnavailable
from gateway.request import Hit, Request
from gateway.upstream.cache import ListCache, RecordCache
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.freshness import Age, CachePolicy, Lifetimes
from gateway.upstream.store import MsgpackCodec
from tests.upstream.server import Handler, Received, Server, reply
from tests.upstream.things import LIFETIMES, THINGS, UNKNOWN, Ask, Thing, World, kept, things


async def test_fresh_then_stale_while_fetched_anew(client: Client, world: World, ask: Ask, clock: ManualClock) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    fetched = clock.time()

    clock.advance(9)
    world.version = 2
    fresh = ask()
    answers = await records.get(fresh, ["1"])
    assert (answers.found["1"].version, answers.stale, kept(fresh)) == (1, False, [Hit.FRESH])
    assert fresh.freshness.max_age == pytest.approx(1)

    clock.advance(2)
    stale = ask()
    answers = await records.get(stale, ["1"])
    assert (answers.found["1"].version, answers.stale, kept(stale)) == (1, True, [Hit.STALE])
    assert (answers.as_of, stale.freshness.as_of("SALESLOFT")) == (fetched, fetched)
    assert stale.freshness.stale("SALESLOFT")
    assert stale.freshness.max_age == 0
    await client.wait_for_background()

    anew = ask()
    assert (await records.get(anew, ["1"])).found["1"].version == 2
    assert kept(anew) == [Hit.FRESH]
    assert len(world.asked) == 2


async def test_many_readers_of_a_stale_record_cause_one_call(
    client: Client, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1", "2"])
    clock.advance(15)

    await asyncio.gather(*(records.get(ask(), ["1", "2"]) for _ in range(20)))
    await client.wait_for_background()
    assert world.asked == [["1", "2"], ["1", "2"]]


async def test_a_failed_revalidation_is_not_begun_by_every_reader(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    assert world.asked
    clock.advance(15)
    server.otherwise = reply(403)
    for _ in range(10):
        assert (await records.get(ask(), ["1"])).stale
        await client.wait_for_background()
    assert len(server.received) == 2

    clock.advance(5)
    await records.get(ask(), ["1"])
    await client.wait_for_background()
    assert len(server.received) == 3


async def test_what_does_not_exist_is_left_out_and_remembered(
    client: Client, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    assert (await records.get(ask(), [UNKNOWN, "1"])).found == {"1": Thing("1", 1)}

    clock.advance(4)
    assert (await records.get(ask(), [UNKNOWN])).found == {}
    assert len(world.asked) == 1
    clock.advance(2)
    assert (await records.get(ask(), [UNKNOWN])).found == {}
    assert world.asked[1:] == [[UNKNOWN]]


async def test_what_could_not_be_read_whole_is_soon_fetched_anew(
    client: Client, world: World, server: Server, ask: Ask, clock: ManualClock
) -> None:
    kind = msgspec.structs.replace(THINGS, doubtful=lambda thing: thing.version == 1)

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        if server.otherwise is not world:
            raise UpstreamUnavailable("x", source="SALESLOFT")
        world.asked.append(list(keys))
        return {key: Thing(key, world.version) for key in keys}

    records: RecordCache[str, Thing] = RecordCache(client, kind, fetch)
    await records.get(ask(), ["1"])
    clock.advance(4)
    request = ask()
    assert not (await records.get(request, ["1"])).stale
    assert request.freshness.max_age == pytest.approx(1)
    clock.advance(2)
    server.otherwise = reply(500)
    assert (await records.get(ask(), ["1"])).stale
    server.otherwise = world
    world.version = 2
    assert (await records.get(ask(), ["1"])).found["1"].version == 2
    clock.advance(8)
    assert not (await records.get(ask(), ["1"])).stale
    assert world.asked == [["1"], ["1"]]


async def test_an_entry_with_a_ttl_of_zero_is_not_stale(client: Client, ask: Ask) -> None:
    kind = msgspec.structs.replace(THINGS, lifetimes=Lifetimes(fresh=0, stale=0, fallback=0, absent=0))
    calls = itertools.count(1)

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        return {key: Thing(key, next(calls)) for key in keys}

    records: RecordCache[str, Thing] = RecordCache(client, kind, fetch)
    for version in (1, 2):
        request = ask()
        answers = await records.get(request, ["1"])
        assert (answers.found["1"].version, answers.stale) == (version, False)
        assert request.freshness.max_age == 0
        assert not request.freshness.stale("SALESLOFT")


async def test_lists_are_cached_by_their_parameters(client: Client, ask: Ask, clock: ManualClock) -> None:
    versions = itertools.count(1)
    kind = CachePolicy(name="pages", endpoint="/pages", codec=MsgpackCodec(list[Thing]), lifetimes=LIFETIMES)

    async def fetch(_: Request, key: tuple[str, int]) -> list[Thing]:
        return [Thing(key[0], next(versions))]

    pages: ListCache[tuple[str, int], list[Thing]] = ListCache(client, kind, fetch)
    both = await asyncio.gather(*(pages.get(ask(), ("a", 1)) for _ in range(5)))
    assert {held.value[0].version for held in both} == {1}
    assert (await pages.get(ask(), ("a", 2))).value == [Thing("a", 2)]
    clock.advance(15)
    request = ask()
    assert (await pages.get(request, ("a", 1))).value == [Thing("a", 1)]
    assert request.freshness.stale("SALESLOFT")
    await client.wait_for_background()
    assert (await pages.get(ask(), ("a", 1))).value == [Thing("a", 3)]


async def test_an_empty_list_is_a_list(client: Client, ask: Ask) -> None:
    kind = CachePolicy(name="pages", endpoint="/pages", codec=MsgpackCodec(list[Thing]), lifetimes=LIFETIMES)

    async def fetch(_: Request, __: str) -> list[Thing]:
        return []

    pages: ListCache[str, list[Thing]] = ListCache(client, kind, fetch)
    assert (await pages.get(ask(), "a")).value == []
    assert (await pages.get(ask(), "a")).value == []


async def test_a_stop_leaves_nothing_running(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    assert world.asked
    clock.advance(15)
    gate = asyncio.Event()

    async def never(_: Received, __: asyncio.StreamWriter) -> None:
        await gate.wait()

    handler: Handler = never
    server.otherwise = handler
    await records.get(ask(), ["1"])
    await client.close()
    assert client.traffic.busy() == set()


@pytest.mark.parametrize(
    ("seconds", "absent", "age"),
    [
        (0, False, Age.FRESH),
        (9.9, False, Age.FRESH),
        (10, False, Age.STALE),
        (30, False, Age.FALLBACK),
        (99.9, False, Age.FALLBACK),
        (100, False, Age.EXPIRED),
        (4.9, True, Age.FRESH),
        (5, True, Age.FALLBACK),
        (99.9, True, Age.FALLBACK),
        (100, True, Age.EXPIRED),
    ],
)
def test_what_an_age_allows(seconds: float, absent: bool, age: Age) -> None:
    assert LIFETIMES.age(seconds, absent=absent) is age
