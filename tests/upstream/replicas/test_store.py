"""Records that replicas share, and what is left when the place where they do is gone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import pytest

from gateway.request import Request
from gateway.upstream.cache import RecordCache
from gateway.upstream.clock import ManualClock
from gateway.upstream.freshness import CachePolicy, Lifetimes
from gateway.upstream.replicas.link import Link
from gateway.upstream.replicas.store import SharedStore
from gateway.upstream.store import MemoryStore, MsgpackCodec
from tests.upstream.conftest import TOKEN, MakeClient
from tests.upstream.replicas.conftest import MakeLink
from tests.upstream.replicas.redis_server import RedisServer


class Thing(msgspec.Struct, frozen=True):
    id: str
    version: int


THINGS = CachePolicy(
    name="things",
    endpoint="/things",
    codec=MsgpackCodec(Thing),
    lifetimes=Lifetimes(fresh=10, stale=20, fallback=70, absent=5),
)
MakeReplica = Callable[..., RecordCache[str, Thing]]


@pytest.fixture
def fetched() -> list[str]:
    return []


@pytest.fixture
def make_replica(make_link: MakeLink, make_client: MakeClient, fetched: list[str]) -> MakeReplica:
    """A process with a memory of its own; each fetch of a record is a new version of it."""
    versions = itertools.count(1)

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        fetched.extend(keys)
        return {key: Thing(key, next(versions)) for key in keys if key != "nobody"}

    def make(*, patience: float = 5.0) -> RecordCache[str, Thing]:
        store = SharedStore(make_link(patience=patience), MemoryStore())
        return RecordCache(make_client(store=store), THINGS, fetch)

    return make


@pytest.fixture
def ask(clock: ManualClock) -> Callable[[RecordCache[str, Thing], str], Awaitable[int | None]]:
    async def version(records: RecordCache[str, Thing], key: str) -> int | None:
        thing = (await records.get(Request(clock.monotonic() + 25), [key])).found.get(key)
        return None if thing is None else thing.version

    return version


Version = Callable[[RecordCache[str, Thing], str], Awaitable[int | None]]


async def test_what_one_fetched_the_others_have(make_replica: MakeReplica, fetched: list[str], ask: Version) -> None:
    one, other = make_replica(), make_replica()
    assert await ask(one, "1") == 1
    assert await ask(other, "1") == 1
    assert await ask(one, "nobody") is None
    assert await ask(other, "nobody") is None
    assert fetched == ["1", "nobody"]


async def test_what_one_fetched_anew_the_others_need_not(
    make_replica: MakeReplica, fetched: list[str], ask: Version, clock: ManualClock
) -> None:
    one, other = make_replica(), make_replica()
    assert [await ask(one, "1"), await ask(other, "1")] == [1, 1]
    clock.advance(40)
    assert await ask(one, "1") == 2
    assert await ask(other, "1") == 2
    assert fetched == ["1", "1"]


async def test_nothing_fails_when_redis_hangs_and_comes_back(
    make_replica: MakeReplica, one_redis: RedisServer, fetched: list[str], ask: Version, clock: ManualClock
) -> None:
    one, other = make_replica(patience=0.1), make_replica(patience=0.1)
    assert await ask(one, "1") == 1
    with one_redis.frozen():
        assert await ask(one, "1") == 1
        assert await ask(one, "2") == 2
        assert await ask(one, "2") == 2
        assert await ask(other, "1") == 3
    clock.advance(1)
    assert await ask(one, "3") == 4
    assert await ask(other, "3") == 4
    assert fetched == ["1", "2", "1", "3"]


async def test_another_layout_is_as_good_as_none(
    make_replica: MakeReplica, link: Link, fetched: list[str], ask: Version
) -> None:
    assert await ask(make_replica(), "1") == 1
    keys = await link.ask(lambda redis: redis.keys("*"))
    assert keys
    for junk in (b"", b"\xc1", msgspec.msgpack.encode((1.0, b"\x91\x01"))):
        assert await link.ask(lambda redis, junk=junk: redis.set(keys[0], junk))  # type: ignore[misc]  # bound early
        await ask(make_replica(), "1")
    assert fetched == ["1"] * 4


async def test_redis_holds_neither_token_nor_what_was_asked(
    make_replica: MakeReplica, link: Link, ask: Version
) -> None:
    await ask(make_replica(), "jane.doe@customer.example")
    keys = await link.ask(lambda redis: redis.keys("*"))
    assert keys
    (key,) = keys
    assert await link.ask(lambda redis: redis.pttl(key)) in range(90_000, 100_001)
    value = await link.ask(lambda redis: redis.get(key))
    assert TOKEN not in f"{key!r}{value!r}"
    assert "jane" not in f"{key!r}"


async def test_a_link_asks_a_silent_server_once_in_a_while(
    make_link: MakeLink, one_redis: RedisServer, clock: ManualClock
) -> None:
    link, asked = make_link(patience=0.1), 0

    async def ping() -> bool | None:
        async def question(redis: object) -> bool:
            nonlocal asked
            asked += 1
            return bool(await redis.ping())  # type: ignore[attr-defined]  # a Redis

        return await link.ask(question)

    assert await ping()
    with one_redis.frozen():
        assert [await ping() for _ in range(20)] == [None] * 20
        assert (asked, link.up) == (2, False)
        clock.advance(1)
        assert await asyncio.gather(*(ping() for _ in range(20))) == [None] * 20
        assert asked == 3
    clock.advance(1)
    assert await ping()
    assert link.up


async def test_a_record_that_cannot_be_encoded_stays_with_the_process_that_fetched_it(
    make_link: MakeLink, make_client: MakeClient, fetched: list[str], ask: Version
) -> None:
    class Beyond(MsgpackCodec[Thing]):
        def encode(self, value: Thing, /) -> bytes:
            raise OverflowError(value.id)

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        fetched.extend(keys)
        return {key: Thing(key, 1) for key in keys}

    kind = msgspec.structs.replace(THINGS, codec=Beyond(Thing))
    one, other = (
        RecordCache(make_client(store=SharedStore(make_link(patience=5.0), MemoryStore())), kind, fetch)
        for _ in range(2)
    )
    assert [await ask(records, "1") for records in (one, one, other)] == [1, 1, 1]
    assert fetched == ["1", "1"]
