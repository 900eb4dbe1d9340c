"""Many keys in few calls, whichever requests ask for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.request import IN_PROGRESS, Hit, Request
from gateway.upstream import batch
from gateway.upstream.batch import ALONE, Limits, chunks
from gateway.upstream.cache import RecordCache
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.http import encoded_len
from tests.upstream.server import Received, Server, reply
from tests.upstream.things import THINGS, Ask, Thing, World, kept, things
from tests.upstream.turns import turn


async def test_many_keys_take_few_calls(client: Client, world: World, ask: Ask) -> None:
    keys = [f"{n}" for n in range(250)]

    answers = await things(client).get(ask(), keys)

    assert answers.found == {key: Thing(key, 1) for key in keys}
    assert not answers.failed
    assert sorted(map(len, world.asked)) == [50, 100, 100]


async def test_long_keys_take_more_calls(client: Client, world: World, ask: Ask) -> None:
    keys = [f"{n:03}" + "x" * 997 for n in range(12)]

    await things(client).get(ask(), keys)
    assert sorted(map(len, world.asked)) == [6, 6]


async def test_keys_of_several_requests_go_in_one_call(client: Client, world: World, ask: Ask) -> None:
    records = things(client)
    requests = [ask() for _ in range(8)]

    await asyncio.gather(*(records.get(request, [f"{n}", f"{n + 1}"]) for n, request in enumerate(requests)))

    assert world.asked == [[f"{n}" for n in range(9)]]
    assert sorted((kept(request) for request in requests), key=str) == [[Hit.MISS]] + [[Hit.SHARED]] * 7


@pytest.mark.parametrize("serving", [0, 1, 2])
async def test_a_batch_waits_for_nobody_where_one_request_is_served(
    client: Client, world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch, serving: int
) -> None:
    """Keys that come a few turns of the loop later go in the same call, but for those of one request that is alone."""
    monkeypatch.setattr(batch, "TICK", 1_000)  # so that an open batch goes when it is full
    records = things(client, limits=Limits(keys=2))
    with contextlib.ExitStack() as served:
        for _ in range(serving):
            served.enter_context(IN_PROGRESS.one())
        first = asyncio.ensure_future(records.get(ask(), ["1"]))
        for _ in range(ALONE + 3):
            await turn()
        await asyncio.gather(first, records.get(ask(), ["2"]))
    assert sorted(world.asked) == ([["1"], ["2"]] if serving == 1 else [["1", "2"]])


async def test_keys_of_one_request_go_in_one_call_though_it_is_alone(client: Client, world: World, ask: Ask) -> None:
    records, request = things(client), ask()
    with IN_PROGRESS.one():
        await asyncio.gather(*(records.get(request, [f"{n}"]) for n in range(20)))
    assert sorted(map(len, world.asked)) == [20]


async def test_keys_that_are_under_way_are_not_asked_for_again(client: Client, server: Server, ask: Ask) -> None:
    world, gate = World(), asyncio.Event()

    async def slowly(request: Received, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await world(request, writer)

    server.otherwise = slowly
    records = things(client)
    first = asyncio.ensure_future(records.get(ask(), ["1", "2"]))
    await server.asked()
    second = asyncio.ensure_future(records.get(ask(), ["2", "3"]))
    await server.asked(2)
    gate.set()

    assert set((await first).found) == {"1", "2"}
    assert set((await second).found) == {"2", "3"}
    assert sorted(world.asked) == [["1", "2"], ["3"]]


async def test_a_batch_waits_for_those_who_are_about_to_ask(client: Client, server: Server, ask: Ask) -> None:
    """Two requests read a list each, the second's takes longer; then both look up what their lists name."""
    world, gate = World(), asyncio.Event()

    async def late(request: Received, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await reply()(request, writer)

    server.otherwise = world
    server.script = [reply(), late]
    records = things(client)

    async def query(path: str, key: str) -> None:
        request = ask()
        await client.get(request, "/lists", path)
        await records.get(request, [key])

    first = asyncio.ensure_future(query("/lists/1", "1"))
    await server.asked()
    second = asyncio.ensure_future(query("/lists/2", "2"))
    await server.asked(2)
    asyncio.get_running_loop().call_later(0.01, gate.set)
    await asyncio.gather(first, second)
    assert world.asked == [["1", "2"]]


async def test_a_batch_waits_for_those_who_wait_for_an_earlier_batch(
    client: Client, server: Server, ask: Ask, clock: ManualClock
) -> None:
    """Seven requests look up one kind together and then another; an eighth has skipped the first."""
    first, world = things(client), World()
    other: list[list[str]] = []

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        other.append(list(keys))
        return {key: Thing(key, 1) for key in keys}

    second: RecordCache[str, Thing] = RecordCache(client, msgspec.structs.replace(THINGS, name="others"), fetch)
    server.otherwise = world

    async def query(name: int) -> None:
        request = ask()
        if name:
            await first.get(request, [f"{name}"])
        await second.get(request, [f"{name}"])

    await asyncio.gather(*(query(name) for name in range(7, -1, -1)))
    assert len(world.asked) == 1
    assert [sorted(keys) for keys in other] == [[f"{name}" for name in range(8)]]


async def test_one_batch_that_fails_leaves_the_others(client: Client, server: Server, ask: Ask) -> None:
    world = World()
    server.otherwise = world
    server.script = [reply(400)]

    answers = await things(client, limits=Limits(keys=1, at_once=1)).get(ask(), ["1", "2"])

    assert list(answers.found) == ["2"]
    assert list(answers.failed) == ["1"]


async def test_no_more_calls_at_once_than_allowed(client: Client, server: Server, ask: Ask) -> None:
    world = World()
    now = most = 0

    async def counting(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await turn()
        now -= 1
        await world(request, writer)

    server.otherwise = counting
    await things(client, limits=Limits(keys=1, at_once=3)).get(ask(), [f"{n}" for n in range(12)])
    assert most == 3


async def test_a_caller_who_leaves_takes_nothing_from_the_others(client: Client, server: Server, ask: Ask) -> None:
    world = World()
    server.otherwise = world
    records = things(client)
    leaving = asyncio.ensure_future(records.get(ask(), ["1"]))
    staying = asyncio.ensure_future(records.get(ask(), ["1", "2"]))
    await turn(3)
    leaving.cancel()

    assert set((await staying).found) == {"1", "2"}
    assert world.asked == [["1", "2"]]


async def test_keys_are_tuples_as_well(client: Client, server: Server, ask: Ask) -> None:
    seen: list[tuple[str, int]] = []

    async def fetch(_: Request, keys: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], Thing]:
        seen.extend(keys)
        return {key: Thing(key[0], key[1]) for key in keys}

    records: RecordCache[tuple[str, int], Thing] = RecordCache(client, THINGS, fetch)
    await records.get(ask(), [("a", 1), ("a", 2)])
    answers = await records.get(ask(), [("a", 2), ("a", 1), ("b", 1)])
    assert answers.found == {("a", 2): Thing("a", 2), ("a", 1): Thing("a", 1), ("b", 1): Thing("b", 1)}
    assert seen == [("a", 1), ("a", 2), ("b", 1)]
    assert server.received == []


@given(st.lists(st.text(max_size=30), max_size=60), st.integers(1, 10), st.integers(1, 50))
def test_chunks_lose_nothing_and_fit(values: list[str], most: int, chars: int) -> None:
    parts = chunks(values, most=most, chars=chars)
    assert [value for part in parts for value in part] == values
    for part in parts:
        assert 0 < len(part) <= most
        assert sum(map(encoded_len, part)) <= chars or len(part) == 1
