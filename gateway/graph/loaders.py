"""Batches the loads of one request: one guarded builder over aiodataloader for every `<What>By<Key>` loader.

aiodataloader alone leaves loads pending for ever when a batch is cancelled, lets one cancelled waiter cancel its
siblings, and splits a batch whose keys come one loop turn apart. Here every waiter has a future of its own, every way
in which a batch can end answers its keys, and a batch leaves once a loop turn brings no further keys.

The primitive is a level: all the keys that one level of an operation needs, one future. An ordinary resolver's `load`
is a level of one key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from aiodataloader import DataLoader

from gateway.errors import DeadlineExceeded

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Outcome: TypeAlias = V | Exception | None
Batch: TypeAlias = Callable[[Sequence[K]], Awaitable[Mapping[K, Any]]]
Level: TypeAlias = tuple[Sequence[K], dict[K, None], asyncio.Future[list[Outcome[V]]]]
"""Keys, the distinct ones among them, and who waits for their outcomes."""

MOST_TURNS = 8
"""Loop turns that a batch waits for further keys at the most."""


class LevelLoader(DataLoader[Any, Any], Generic[K, V]):
    """Loads values by key, each key once a request.

    Args:
        batch: Loads many keys; the answer maps each to its value, its error or None, and may leave keys out.
    """

    def __init__(self, batch: Batch[K]) -> None:
        # Not aiodataloader's own: all of its working state is replaced here, and it is made for every request.
        self.loop = asyncio.get_running_loop()
        self._load_batch = batch
        self._known: dict[K, Outcome[V]] = {}
        self._loading: dict[asyncio.Task[None], Mapping[K, None]] = {}
        self._waiting: list[Level[K, V]] = []
        self._collector: asyncio.Task[None]
        self._tasks: set[asyncio.Task[None]] = set()

    async def batch_load_fn(self, keys: list[K]) -> list[Outcome[V]]:
        """A level, the way aiodataloader spells it."""
        return await self.load_level(keys)

    def load_level(self, keys: Sequence[K]) -> asyncio.Future[list[Outcome[V]]]:
        """The outcome of each key, in the order of `keys`; errors stay with their keys."""
        waiter: asyncio.Future[list[Outcome[V]]] = self.loop.create_future()
        known, distinct = self._known, dict.fromkeys(keys)
        if known and all(map(known.__contains__, distinct)):
            waiter.set_result([*map(known.__getitem__, keys)])
            return waiter
        self._waiting.append((keys, distinct, waiter))
        if len(self._waiting) == 1:
            self._collector = self.loop.create_task(self._collect())
            self._tasks.add(self._collector)
        return waiter

    def load(self, key: K) -> asyncio.Future[V | None]:
        """The value of one key; the future raises the key's error."""
        answer: asyncio.Future[V | None] = self.loop.create_future()

        def hand_over(level: asyncio.Future[list[Outcome[V]]]) -> None:
            if answer.done():
                return
            (outcome,) = level.result()
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
                answer.exception()  # told to whoever waits; that nobody does is no fault
            else:
                answer.set_result(outcome)

        self.load_level([key]).add_done_callback(hand_over)
        return answer

    def prime(self, key: K, value: V | None) -> LevelLoader[K, V]:
        """Makes a value known that came another way."""
        self._known.setdefault(key, value)
        return self

    @property
    def idle(self) -> bool:
        """Whether nothing is being loaded."""
        return not self._tasks

    async def close(self) -> None:
        """Ends the batches that nobody waits for any more."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._answer(self._waiting)

    async def _collect(self) -> None:
        """Waits for a loop turn that brings no further keys, loads them all, and answers."""
        waiting: list[Level[K, V]] = []
        task = self._collector
        try:
            before, turns = 1, MOST_TURNS
            while len(self._waiting) > before and turns:
                before, turns = len(self._waiting), turns - 1
                await asyncio.sleep(0)
            waiting, self._waiting = self._waiting, []
            (_, wanted, _), *more = waiting
            for _, distinct, _ in more:
                wanted.update(distinct)
            await self._load(wanted, task)
        except asyncio.CancelledError:
            if not waiting:
                waiting, self._waiting = self._waiting, []
            raise
        finally:
            self._tasks.discard(task)
            self._answer(waiting)

    async def _load(self, wanted: Mapping[K, None], task: asyncio.Task[None]) -> None:
        known, loading, fresh = self._known, self._loading, wanted
        others = [other for other, keys in loading.items() if not wanted.keys().isdisjoint(keys)] if loading else None
        if known or others:
            taken = [known, *(loading[other] for other in others or ())]
            fresh = dict.fromkeys(key for key in wanted if not any(key in keys for keys in taken))
        if fresh:
            loading[task] = fresh
            try:
                found = await self._load_batch([*fresh])
                known.update(zip(fresh, map(found.get, fresh), strict=True))
            except asyncio.CancelledError:
                known.update(dict.fromkeys(fresh, _too_late()))
            except Exception as error:  # noqa: BLE001 - whatever a batch ends with is the answer to its keys
                known.update(dict.fromkeys(fresh, error))
            finally:
                del loading[task]
        if others:
            await asyncio.wait(others)

    def _answer(self, waiting: Sequence[Level[K, V]]) -> None:
        for keys, _, waiter in waiting:
            if waiter.done():
                continue
            try:
                waiter.set_result([*map(self._known.__getitem__, keys)])
            except KeyError:
                waiter.set_result([self._known[key] if key in self._known else _too_late() for key in keys])


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded("The request ended before this was loaded.")
