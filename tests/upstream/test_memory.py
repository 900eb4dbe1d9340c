"""What this process keeps: by credential, and no more than it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from gateway.request import Request
from gateway.upstream.cache import RecordCache
from gateway.upstream.store import MemoryStore, MsgpackCodec
from tests.upstream.conftest import MakeClient
from tests.upstream.things import THINGS, Ask, Thing, World, things


async def test_one_credential_never_sees_what_another_fetched(make_client: MakeClient, world: World, ask: Ask) -> None:
    store = MemoryStore()
    one, other = make_client(store=store), make_client(store=store, token="another")
    await things(one).get(ask(), ["1"])
    await things(other).get(ask(), ["1"])
    await things(one).get(ask(), ["1"])
    assert world.asked == [["1"], ["1"]]


async def test_memory_is_bounded_and_keeps_what_is_used(make_client: MakeClient, world: World, ask: Ask) -> None:
    store = MemoryStore(max_bytes=50_000)
    records = things(make_client(store=store))
    for n in range(200):
        await records.get(ask(), ["used", f"{n}"])
        assert store.size <= 50_000
    assert sum("used" in asked for asked in world.asked) == 1
    await records.get(ask(), ["0"])
    assert world.asked[-1] == ["0"]


class Beyond(MsgpackCodec[Thing]):
    """A codec that can write none of its records."""

    def encode(self, value: Thing, /) -> bytes:
        raise OverflowError(value.id)


async def test_a_record_that_cannot_be_encoded_is_shown_and_cached_all_the_same(
    make_client: MakeClient, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    fetched: list[str] = []

    async def fetch(_: Request, keys: Sequence[str]) -> Mapping[str, Thing]:
        fetched.extend(keys)
        return {key: Thing(key, 1) for key in keys}

    store = MemoryStore(max_bytes=200_000)
    kind = msgspec.structs.replace(THINGS, codec=Beyond(Thing))
    records = RecordCache(make_client(store=store), kind, fetch)
    for _ in range(2):
        assert (await records.get(ask(), ["secret-1"])).found == {"secret-1": Thing("secret-1", 1)}
    assert fetched == ["secret-1"]
    for n in range(10):
        await records.get(ask(), [f"{n}"])
        assert 0 < store.size <= 200_000
    assert "OverflowError" in caplog.text
    assert "secret-1" not in caplog.text
