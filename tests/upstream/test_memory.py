"""What this process keeps: by credential, and no more than it may."""

from __future__ import annotations

from gateway.upstream.store import MemoryStore
from tests.upstream.conftest import MakeClient
from tests.upstream.things import Ask, World, things


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
