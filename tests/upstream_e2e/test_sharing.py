"""What many clients cost together: what one asks for, others need not ask for again."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gateway.emulator.world import World
from tests.upstream_e2e.stage import Product, product, world

EVERYTHING = """
query($first: Int = 100, $after: String) {
  meetings(first: $first, after: $after) {
    nodes {
      title startTime sources owner { name } bookedBy { name } person { name } cadence { name } step { name }
      account { name } attendees { email person { name } }
    }
    pageInfo { hasNextPage endCursor }
    sourceReports { source status asOf }
  }
}
"""

LISTS = {"/v2/meetings", "/users/meetings/org"}


@pytest.fixture(scope="module")
def large() -> World:
    return world(large=True)


def asked(stage: Product) -> Counter[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every call with its parameters."""
    return Counter((call.path, tuple(sorted(call.params))) for call in stage.calls)


async def cursors(large: World, pages: int, first: int) -> list[str | None]:
    """Where pages begin."""
    found: list[str | None] = [None]
    async with product(large) as stage:
        while len(found) < pages:
            page = (await stage.ask(EVERYTHING, first=first, after=found[-1])).ok["meetings"]
            found.append(page["pageInfo"]["endCursor"])
    return found


async def test_32_equal_queries_at_once_cost_what_one_does(large: World) -> None:
    async with product(large) as stage:
        alone = await stage.ask(EVERYTHING)
        cost_of_one = asked(stage)
    async with product(large) as stage:
        replies = await asyncio.gather(*(stage.ask(EVERYTHING) for _ in range(32)))
        assert asked(stage) == cost_of_one
    assert len(alone.ok["meetings"]["nodes"]) == 100
    assert {reply.text.partition(b',"extensions"')[0] for reply in replies} == {
        alone.text.partition(b',"extensions"')[0]
    }
    assert sum(reply.upstream["calls"] for reply in replies) == sum(cost_of_one.values())


@pytest.mark.slow
async def test_32_queries_that_differ_in_a_name_share_every_call(large: World) -> None:
    """Equal operations are run once; these are not equal, so that it is their calls which are shared."""
    async with product(large) as stage:
        await stage.ask(EVERYTHING)
        cost_of_one = asked(stage)
    renamed = [EVERYTHING.replace("meetings(", f"m{turn}: meetings(", 1) for turn in range(32)]
    async with product(large) as stage:
        replies = await asyncio.gather(*map(stage.ask, renamed))
        assert asked(stage) == cost_of_one
    assert [len(reply.ok[f"m{turn}"]["nodes"]) for turn, reply in enumerate(replies)] == [100] * 32


async def test_8_queries_for_8_pages_share_their_look_ups(large: World) -> None:
    first = 12  # few enough that what all of them refer to fits into a call
    starts = await cursors(large, 8, first)
    async with product(large) as stage:
        replies = await asyncio.gather(*(stage.ask(EVERYTHING, first=first, after=start) for start in starts))
        calls = stage.calls
    titles = [[node["title"] for node in reply.ok["meetings"]["nodes"]] for reply in replies]
    assert len({tuple(page) for page in titles}) == 8
    kinds: dict[tuple[str, str], list[set[tuple[str, str]]]] = {}
    for call in calls:
        keys = {(name, value) for name, value in call.params if name.endswith("[]")}
        kind = f"{call.endpoint} {sorted({name for name, _ in keys})}", dict(call.params).get("show_deleted", "")
        kinds.setdefault(kind if keys else (call.endpoint, ""), []).append(keys)
    lists = kinds.pop(("meetings", ""))
    contacts = kinds.pop(("contacts/{id}", ""))
    assert len(lists) == 8
    assert len(contacts) == len({call.path for call in calls if call.endpoint == "contacts/{id}"})
    assert len(kinds) >= 9
    for kind, parts in kinds.items():
        asked = set().union(*parts)
        assert sum(map(len, parts)) == len(asked), f"{kind}: a key is asked for twice"
        assert len(parts) == max(1, -(-len(asked) // 100)), f"{kind}: {list(map(len, parts))}"


@pytest.mark.slow
async def test_1000_queries_on_a_warm_cache_cost_the_lists_alone(large: World) -> None:
    starts = await cursors(large, 8, 25)
    async with product(large) as stage:
        for start in starts:
            await stage.ask(EVERYTHING, first=25, after=start)
        await stage.settle()
        stage.forget()
        begun = stage.clock.time()
        for burst in range(100):
            replies = await asyncio.gather(
                *(stage.ask(EVERYTHING, first=25, after=starts[(burst + place) % 8]) for place in range(10))
            )
            assert all(reply.ok["meetings"]["nodes"] for reply in replies)
            stage.clock.advance(0.3)
        await stage.settle()
        assert stage.clock.time() - begun == pytest.approx(30)
        lists = {name for name in stage.endpoints if f"/{name}" in LISTS or f"/v2/{name}" in LISTS}
        assert set(stage.endpoints) == lists
        # Eight pages, and the two listings that Drift's rows are looked up in, each anew every ten seconds or so.
        assert stage.endpoints["meetings"] <= (8 + 2 * 8) * 3
        assert stage.endpoints["users/meetings/org"] <= 1
