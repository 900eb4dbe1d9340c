"""The loaders are aiodataloader's `DataLoader` in all that it promises, and keep what it does not."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Sequence
from typing import Any

import pytest
from aiodataloader import DataLoader

from gateway.errors import DeadlineExceeded
from gateway.graph.level_loader import LevelLoader

NOTHING: dict[int, Any] = {}


class Batches:
    """Loads ten times a number; what is in `odd` comes instead; remembers what it was asked for."""

    def __init__(self, odd: dict[int, Any] = NOTHING, gate: asyncio.Event | None = None) -> None:
        self.odd = odd
        self.gate = gate
        self.asked: list[list[int]] = []

    async def __call__(self, keys: Sequence[int]) -> dict[int, Any]:
        self.asked.append(list(keys))
        if self.gate is not None:
            await self.gate.wait()
        return {key: self.odd.get(key, key * 10) for key in keys}


def loader(batches: Batches) -> LevelLoader[int, Any]:
    return LevelLoader(batches)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_it_is_a_data_loader_that_loads_each_key_once() -> None:
    batches = Batches()
    numbers = loader(batches)
    assert isinstance(numbers, DataLoader)
    assert [*await asyncio.gather(numbers.load(1), numbers.load(2), numbers.load(1))] == [10, 20, 10]
    assert await numbers.load(2) == 20
    assert batches.asked == [[1, 2]]


async def test_many_come_in_their_order_and_the_first_error_is_raised() -> None:
    batches = Batches({3: LookupError("three"), 4: None})
    numbers = loader(batches)
    assert await numbers.load_many([2, 4, 1, 2]) == [20, None, 10, 20]
    assert await numbers.load_many([]) == []
    with pytest.raises(LookupError, match="three"):
        await numbers.load_many([1, 3])
    with pytest.raises(LookupError, match="three"):
        await numbers.load(3)
    assert batches.asked == [[2, 4, 1], [3]]
    with pytest.raises(TypeError):
        numbers.load_many(5)  # type: ignore[arg-type]  # what a caller may get wrong


async def test_what_was_cleared_is_loaded_anew() -> None:
    batches = Batches()
    numbers = loader(batches)
    await numbers.load_many([1, 2])
    assert numbers.clear(1).clear(9) is numbers
    assert await numbers.load_many([1, 2]) == [10, 20]
    assert batches.asked == [[1, 2], [1]]
    assert numbers.clear_all() is numbers
    assert await numbers.load_level([2, 1]) == [20, 10]
    assert batches.asked[2:] == [[2, 1]]


async def test_what_is_cleared_while_it_is_loaded_is_loaded_anew_for_those_who_come_later() -> None:
    gate = asyncio.Event()
    batches = Batches(gate=gate)
    numbers = loader(batches)
    early = numbers.load_many([1, 2])
    await turns(3)
    numbers.clear(1)
    batches.odd = {1: "new"}
    late = numbers.load_many([1, 2])
    await turns(3)
    assert batches.asked == [[1, 2], [1]]
    gate.set()
    assert await early == ["new", 20], "the gate opened after the change, for both"
    assert await late == ["new", 20]
    assert await numbers.load_many([1, 2]) == ["new", 20]
    assert len(batches.asked) == 2


async def test_what_was_cleared_is_not_cached_by_the_batch_that_was_under_way() -> None:
    gate = asyncio.Event()
    batches = Batches(gate=gate)
    numbers = loader(batches)
    early = numbers.load_many([1, 2])
    await turns(3)
    numbers.clear_all()
    gate.set()
    assert await early == [10, 20]
    batches.odd = {1: "new"}
    assert await numbers.load_many([1, 2]) == ["new", 20]
    assert batches.asked == [[1, 2], [1, 2]]


async def test_what_is_primed_is_not_loaded() -> None:
    batches = Batches()
    numbers = loader(batches)
    assert numbers.prime(1, "one").prime(2, None).prime(3, LookupError("three")) is numbers
    numbers.prime(1, "another")
    assert await numbers.load_many([1, 2]) == ["one", None]
    with pytest.raises(LookupError, match="three"):
        await numbers.load(3)
    assert await numbers.load_level([4, 1]) == [40, "one"]
    assert batches.asked == [[4]]
    numbers.clear(1).prime(1, "another")
    assert await numbers.load(1) == "another"


async def test_what_is_being_loaded_is_not_primed() -> None:
    gate = asyncio.Event()
    numbers = loader(Batches(gate=gate))
    loading = numbers.load(1)
    await turns(3)
    numbers.prime(1, "one")
    gate.set()
    assert (await loading, await numbers.load(1)) == (10, 10)


async def test_one_that_stops_waiting_takes_no_other_with_it() -> None:
    gate = asyncio.Event()
    numbers = loader(Batches(gate=gate))
    waiting = [numbers.load(1), numbers.load(1), numbers.load(2)]
    await turns(3)
    waiting[0].cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert await asyncio.gather(*waiting[1:]) == [10, 20]


async def test_a_batch_that_ends_cancelled_answers_all_the_same() -> None:
    class Cancelled(Batches):
        async def __call__(self, keys: Sequence[int]) -> dict[int, Any]:
            raise asyncio.CancelledError

    numbers = loader(Cancelled())
    outcomes = await numbers.load_level([1, 2])
    assert [type(outcome) for outcome in outcomes] == [DeadlineExceeded] * 2
    assert numbers.idle


async def test_a_batch_that_fails_fails_each_key_once() -> None:
    class Broken(Batches):
        async def __call__(self, keys: Sequence[int]) -> dict[int, Any]:
            self.asked.append(list(keys))
            raise LookupError("broken")

    batches = Broken()
    numbers = loader(batches)
    for _ in range(2):
        with pytest.raises(LookupError, match="broken"):
            await numbers.load(1)
    assert batches.asked == [[1]]


async def test_keys_that_come_a_turn_apart_go_in_one_batch() -> None:
    batches = Batches()
    numbers = loader(batches)

    async def later(key: int, count: int) -> Any:
        await turns(count)
        return await numbers.load(key)

    waiting = (later(key, count) for key, count in enumerate([0, 0, 1, 2, 9]))
    assert await asyncio.gather(*waiting) == [0, 10, 20, 30, 40]
    assert batches.asked == [[0, 1, 2, 3], [4]]


async def test_levels_and_loads_go_in_one_batch_too() -> None:
    batches = Batches()
    numbers = loader(batches)
    level, one, many = numbers.load_level([1, 2]), numbers.load(3), numbers.load_many([2, 4])
    assert (await level, await one, await many) == ([10, 20], 30, [20, 40])
    assert batches.asked == [[1, 2, 3, 4]]


async def test_what_is_under_way_is_not_asked_for_again() -> None:
    gate = asyncio.Event()
    batches = Batches(gate=gate)
    numbers = loader(batches)
    early = numbers.load_level([1, 2])
    await turns(3)
    late = numbers.load_level([2, 3])
    await turns(3)
    assert batches.asked == [[1, 2], [3]]
    gate.set()
    assert (await early, await late) == ([10, 20], [20, 30])


async def test_what_ends_is_answered_and_leaves_nothing_behind() -> None:
    numbers = loader(Batches(gate=asyncio.Event()))
    loading = numbers.load_level([1])
    await turns(3)
    soon = numbers.load_level([2])
    await numbers.close()
    assert [type(outcome) for outcome in (*await loading, *await soon)] == [DeadlineExceeded] * 2
    assert numbers.idle


async def test_an_error_that_nobody_waits_for_is_not_complained_of(caplog: pytest.LogCaptureFixture) -> None:
    numbers = loader(Batches({1: LookupError("one")}))
    numbers.load(1)
    await turns(5)
    gc.collect()
    assert caplog.records == []


class Plain(DataLoader[int, Any]):
    """aiodataloader's own, over the same batches."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self._batches = batches

    async def batch_load_fn(self, keys: list[int]) -> list[Any]:
        found = await self._batches(keys)
        return [found[key] for key in keys]


@pytest.mark.parametrize("seed", range(40))
async def test_step_by_step_it_does_what_a_data_loader_does(seed: int) -> None:
    dice, odd = random.Random(seed), {2: None, 3: LookupError("three")}
    ours, theirs = Batches(odd), Batches(odd)
    mine, plain = loader(ours), Plain(theirs)
    for step in range(30):
        key, others = dice.randrange(6), [dice.choice([0, 1, 2, 4]) for _ in range(dice.randrange(4))]
        match dice.choice(["load", "load_many", "clear", "clear_all", "prime"]):
            case "load":
                answers = [await asyncio.gather(each.load(key), return_exceptions=True) for each in (mine, plain)]
                assert repr(answers[0]) == repr(answers[1])
            case "load_many":
                assert await mine.load_many(others) == await plain.load_many(others)
            case "clear":
                assert (mine.clear(key), plain.clear(key)) == (mine, plain)
            case "clear_all" if not step % 3:
                mine.clear_all()
                plain.clear_all()
            case _:
                mine.prime(key, f"primed at {step}")
                plain.prime(key, f"primed at {step}")
        assert ours.asked == theirs.asked
