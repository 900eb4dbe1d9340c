"""Records: in few calls, shared by requests, as fresh as promised, and there when the source is not."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamRefused, UpstreamUnavailable
from gateway.upstream.batch import Limits, chunks, encoded_len
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from gateway.upstream.codec import Typed
from gateway.upstream.lifetimes import Age, Lifetimes
from gateway.upstream.records import Kind, Lists, Records
from gateway.upstream.request import Hit, Request
from gateway.upstream.store import MemoryStore
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Handler, Received, Server, reply
from tests.upstream.turns import turn


class Thing(msgspec.Struct, frozen=True):
    id: str
    version: int


LIFETIMES = Lifetimes(fresh=10, stale=20, fallback=70, absent=5)
THINGS = Kind(name="things", endpoint="/things", codec=Typed(Thing), lifetimes=LIFETIMES)
UNKNOWN = "nobody"


class World:
    """Answers `/things?ids[]=...` with a new version of each every time; nobody knows `UNKNOWN`."""

    def __init__(self) -> None:
        self.version = 1
        self.asked: list[list[str]] = []

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        ids = [value for name, value in parse_qsl(urlsplit(request.target).query) if name == "ids[]"]
        self.asked.append(ids)
        rows = [{"id": key, "version": self.version} for key in reversed(ids) if key != UNKNOWN]
        await reply(200, json.dumps(rows).encode())(request, writer)


def things(client: Client, *, limits: Limits | None = None) -> Records[str, Thing]:
    async def fetch(request: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        body = await client.get(request, "/things", "/things", [("ids[]", key) for key in keys])
        assert body is not None
        return {row.id: row for row in msgspec.json.decode(body, type=list[Thing])}

    return Records(client, THINGS, fetch, limits=limits)


@pytest.fixture
def world(server: Server) -> World:
    world = World()
    server.otherwise = world
    return world


@pytest.fixture
def ask(clock: ManualClock) -> Callable[[], Request]:
    return lambda: Request(clock.monotonic() + 25)


Ask = Callable[[], Request]


def kept(request: Request) -> list[Hit]:
    return [entry.cache for entry in request.ledger.entries]


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


async def test_keys_of_several_requests_go_in_one_call(client: Client, world: World, ask: Ask) -> None:
    records = things(client)
    requests = [ask() for _ in range(8)]

    await asyncio.gather(*(records.get(request, [f"{n}", f"{n + 1}"]) for n, request in enumerate(requests)))

    assert world.asked == [[f"{n}" for n in range(9)]]
    assert sorted((kept(request) for request in requests), key=str) == [[Hit.MISS]] + [[Hit.SHARED]] * 7


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

    second: Records[str, Thing] = Records(client, msgspec.structs.replace(THINGS, name="others"), fetch)
    server.otherwise = world

    async def query(name: int) -> None:
        request = ask()
        if name:
            await first.get(request, [f"{name}"])
        await second.get(request, [f"{name}"])

    await asyncio.gather(*(query(name) for name in range(7, -1, -1)))
    assert len(world.asked) == 1
    assert [sorted(keys) for keys in other] == [[f"{name}" for name in range(8)]]


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
    await client.settled()

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
    await client.settled()
    assert world.asked == [["1", "2"], ["1", "2"]]


async def test_an_old_record_stands_in_for_one_that_cannot_be_had(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    clock.advance(99)
    server.otherwise = reply(500)

    request = ask()
    answers = await records.get(request, ["1", "2"])
    assert answers.found == {"1": Thing("1", 1)}
    assert answers.stale
    assert isinstance(answers.failed["2"], UpstreamUnavailable)
    assert request.freshness.max_age == 0
    assert request.freshness.stale("SALESLOFT")

    clock.advance(2)
    with pytest.raises(UpstreamUnavailable):
        await records.get(ask(), ["1"])
    server.otherwise = world
    assert (await records.get(ask(), ["1"])).found  # the failure was not kept


async def test_an_old_record_is_shown_when_a_new_one_takes_long(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records, gate = things(client), asyncio.Event()
    await records.get(ask(), ["1"])
    clock.advance(50)
    world.version = 2

    async def slowly(request: Received, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await world(request, writer)

    server.otherwise = slowly
    request = ask()
    reading = asyncio.ensure_future(records.get(request, ["1"]))
    await server.asked(2)
    clock.advance(2)
    answers = await reading
    assert (answers.found["1"].version, answers.stale) == (1, True)

    gate.set()
    await client.settled()
    assert (await records.get(ask(), ["1"])).found["1"].version == 2
    assert world.asked == [["1"], ["1"]]  # the call that was under way was not dropped
    assert kept(request) == [Hit.STALE, Hit.MISS]


async def test_an_old_record_is_shown_at_once_when_there_are_no_units(
    make_client: MakeClient, world: World, ask: Ask, clock: ManualClock
) -> None:
    client = make_client(limit=2)
    records = things(client)
    await records.get(ask(), ["1"])
    clock.advance(61)
    await records.get(ask(), ["2"])
    await records.get(ask(), ["3"])
    answers = await records.get(ask(), ["1"])
    assert (answers.found["1"].version, answers.stale) == (1, True)
    assert world.asked == [["1"], ["2"], ["3"]]
    clock.advance(61)
    await client.settled()
    assert world.asked == [["1"], ["2"], ["3"], ["1"]]


async def test_a_refused_credential_shows_nothing_old(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    assert world.asked
    clock.advance(50)
    server.otherwise = reply(401)

    with pytest.raises(UpstreamRefused):
        await records.get(ask(), ["1"])


async def test_a_source_that_is_off_shows_nothing_kept(client: Client, world: World, ask: Ask) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    assert world.asked

    client.switch(on=False)
    with pytest.raises(UpstreamUnavailable, match="switched off"):
        await records.get(ask(), ["1"])


async def test_a_failed_revalidation_is_not_begun_by_every_reader(
    client: Client, server: Server, world: World, ask: Ask, clock: ManualClock
) -> None:
    records = things(client)
    await records.get(ask(), ["1"])
    assert world.asked
    clock.advance(15)
    server.otherwise = reply(400)
    for _ in range(10):
        assert (await records.get(ask(), ["1"])).stale
        await client.settled()
    assert len(server.received) == 2

    clock.advance(5)
    await records.get(ask(), ["1"])
    await client.settled()
    assert len(server.received) == 3


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

    records: Records[tuple[str, int], Thing] = Records(client, THINGS, fetch)
    await records.get(ask(), [("a", 1), ("a", 2)])
    answers = await records.get(ask(), [("a", 2), ("a", 1), ("b", 1)])
    assert answers.found == {("a", 2): Thing("a", 2), ("a", 1): Thing("a", 1), ("b", 1): Thing("b", 1)}
    assert seen == [("a", 1), ("a", 2), ("b", 1)]
    assert server.received == []


async def test_what_could_not_be_read_whole_is_soon_fetched_anew(
    client: Client, world: World, server: Server, ask: Ask, clock: ManualClock
) -> None:
    kind = msgspec.structs.replace(THINGS, doubtful=lambda thing: thing.version == 1)

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        if server.otherwise is not world:
            raise UpstreamUnavailable("x", source="SALESLOFT")
        world.asked.append(list(keys))
        return {key: Thing(key, world.version) for key in keys}

    records: Records[str, Thing] = Records(client, kind, fetch)
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


async def test_what_is_kept_for_no_time_is_not_stale(client: Client, ask: Ask) -> None:
    kind = msgspec.structs.replace(THINGS, lifetimes=Lifetimes(fresh=0, stale=0, fallback=0, absent=0))
    calls = itertools.count(1)

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        return {key: Thing(key, next(calls)) for key in keys}

    records: Records[str, Thing] = Records(client, kind, fetch)
    for version in (1, 2):
        request = ask()
        answers = await records.get(request, ["1"])
        assert (answers.found["1"].version, answers.stale) == (version, False)
        assert request.freshness.max_age == 0
        assert not request.freshness.stale("SALESLOFT")


async def test_lists_are_kept_by_what_was_asked(client: Client, ask: Ask, clock: ManualClock) -> None:
    versions = itertools.count(1)
    kind = Kind(name="pages", endpoint="/pages", codec=Typed(list[Thing]), lifetimes=LIFETIMES)

    async def fetch(_: Request, key: tuple[str, int]) -> list[Thing]:
        return [Thing(key[0], next(versions))]

    pages: Lists[tuple[str, int], list[Thing]] = Lists(client, kind, fetch)
    both = await asyncio.gather(*(pages.get(ask(), ("a", 1)) for _ in range(5)))
    assert {held.value[0].version for held in both} == {1}
    assert (await pages.get(ask(), ("a", 2))).value == [Thing("a", 2)]
    clock.advance(15)
    held = await pages.get(ask(), ("a", 1))
    assert (held.value, held.stale) == ([Thing("a", 1)], True)
    await client.settled()
    assert (await pages.get(ask(), ("a", 1))).value == [Thing("a", 3)]


async def test_an_empty_list_is_a_list(client: Client, ask: Ask) -> None:
    kind = Kind(name="pages", endpoint="/pages", codec=Typed(list[Thing]), lifetimes=LIFETIMES)

    async def fetch(_: Request, __: str) -> list[Thing]:
        return []

    pages: Lists[str, list[Thing]] = Lists(client, kind, fetch)
    assert (await pages.get(ask(), "a")).value == []
    assert (await pages.get(ask(), "a")).value == []


async def test_one_credential_never_sees_what_another_fetched(make_client: MakeClient, world: World, ask: Ask) -> None:
    store = MemoryStore()
    one, other = make_client(store=store), make_client(store=store, token="another")
    await things(one).get(ask(), ["1"])
    await things(other).get(ask(), ["1"])
    await things(one).get(ask(), ["1"])
    assert world.asked == [["1"], ["1"]]


async def test_memory_is_bounded_and_keeps_what_is_used(make_client: MakeClient, world: World, ask: Ask) -> None:
    store = MemoryStore(most=50_000)
    records = things(make_client(store=store))
    for n in range(200):
        await records.get(ask(), ["used", f"{n}"])
        assert store.size <= 50_000
    assert sum("used" in asked for asked in world.asked) == 1
    await records.get(ask(), ["0"])
    assert world.asked[-1] == ["0"]


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


@given(st.lists(st.text(max_size=30), max_size=60), st.integers(1, 10), st.integers(1, 50))
def test_chunks_lose_nothing_and_fit(values: list[str], most: int, chars: int) -> None:
    parts = chunks(values, most=most, chars=chars)
    assert [value for part in parts for value in part] == values
    for part in parts:
        assert 0 < len(part) <= most
        assert sum(map(encoded_len, part)) <= chars or len(part) == 1


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
