"""Reading the log for all feeds: a fault ends every feed, and a later one is served again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.live.dispatcher import Dispatcher
from gateway.live.log import Change, MemoryLog
from gateway.live.states import MOST_STATES, Place, State, States
from gateway.model.changes import ChangeKind
from gateway.model.records import Kind, Ref, Source
from gateway.upstream.clock import ManualClock

REF = Ref(Source.SALESLOFT, Kind.MEETING, "1")


class BrokenStates:
    async def load(self, places: Sequence[Place]) -> Mapping[Place, State]:
        raise KeyError("a fault of ours")


class Feed:
    def __init__(self) -> None:
        self.follower: Any = SimpleNamespace(reads=self, more=False, lost=False, places=list)
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def advance(self) -> None:
        raise AssertionError("nothing was loaded")

    def fail(self, failure: BaseException) -> None:
        self.failed.set_result(failure)


async def test_a_fault_ends_every_feed_and_later_ones_are_served() -> None:
    log = MemoryLog(100, ManualClock(0))
    dispatcher = Dispatcher(log, cast("States", BrokenStates()))
    for _ in range(2):
        feeds = [Feed(), Feed()]
        for feed in feeds:
            dispatcher.add(feed)
        await asyncio.sleep(0)
        await log.append([Change(kind=ChangeKind.UPDATED, meeting=REF, record=REF, at=0.0)])
        for feed in feeds:
            assert isinstance(await asyncio.wait_for(feed.failed, 60), KeyError)
        for feed in feeds:
            await dispatcher.remove(feed)


async def test_more_states_than_are_cached_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> dict[Ref, Any]:
        return {}

    async def close() -> None:
        return None

    monkeypatch.setattr(States, "_shown", nothing)
    states = States(cast("Any", None), lambda _: cast("Any", SimpleNamespace(close=close)))
    places = [(REF, cast("Any", number)) for number in range(MOST_STATES + 1)]
    await states.load(places[:1])
    assert (await states.load(places)).keys() == set(places)
