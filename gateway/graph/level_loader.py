"""Batches the loads of one request: one guarded `DataLoader` for every `<What>By<Key>` loader.

aiodataloader's own batching leaves loads pending for ever when a batch is cancelled, lets one cancelled waiter cancel
its siblings, and splits a batch whose keys come one loop turn apart. Here every waiter has a future of its own, every
way in which a batch can end answers its keys, and a batch leaves once a loop turn brings no further keys. All else is
as a `DataLoader` has it: `load`, `load_many`, `clear`, `clear_all`, `prime`.

The primitive is a level: all the keys that one level of an operation needs, one future. An ordinary resolver's `load`
is a level of one key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, Self, TypeAlias, TypeVar

from aiodataloader import DataLoader

from gateway.errors import DeadlineExceeded

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Outcome: TypeAlias = V | Exception | None
Batch: TypeAlias = Callable[[Sequence[K]], Awaitable[Mapping[K, Any]]]
Level: TypeAlias = tuple[Sequence[K], dict[K, None], asyncio.Future[list[Outcome[V]]]]
"""Keys, the distinct ones among them, and who waits for their outcomes."""

MAX_TURNS = 8
"""Loop turns that a batch waits for further keys at the most."""


class InFlight(Generic[K, V]):
    """A batch that is being loaded.

    Attributes:
        keys: Its keys, but those that were cleared since.
        task: What loads it.
        outcomes: The outcome of every key, once there are any.
    """

    __slots__ = ("keys", "outcomes", "task")

    def __init__(self, keys: Mapping[K, None], task: asyncio.Task[None]) -> None:
        self.keys = dict(keys)
        self.task = task
        self.outcomes: Mapping[K, Outcome[V]] = {}


class LevelLoader(DataLoader[K, V | None], Generic[K, V]):
    """Loads values by key, each key once a request.

    Args:
        batch: Loads many keys; the answer maps each to its value, its error or None, and may leave keys out.
    """

    def __init__(self, batch: Batch[K]) -> None:
        # As `DataLoader` begins, but for its look at the batch function: loaders are made for every request.
        self.loop = asyncio.get_running_loop()
        self._cache: dict[K, Outcome[V]] = {}  # type: ignore[assignment]  # of outcomes, where aiodataloader keeps futures
        self._load_batch = batch
        self._in_flight: list[InFlight[K, V]] = []
        self._waiting: list[Level[K, V]] = []
        self._collector: asyncio.Task[None]
        self._tasks: set[asyncio.Task[None]] = set()

    def get_cache_key(self, key: K) -> K:
        """What a key's outcome is cached under: itself."""
        return key

    async def batch_load_fn(self, keys: list[K]) -> list[Outcome[V]]:  # type: ignore[override]  # an attribute there
        """A level, the way aiodataloader spells it."""
        return await self.load_level(keys)

    def load_level(self, keys: Sequence[K]) -> asyncio.Future[list[Outcome[V]]]:
        """The outcome of each key, in the order of `keys`; errors stay with their keys."""
        waiter: asyncio.Future[list[Outcome[V]]] = self.loop.create_future()
        cache, distinct = self._cache, dict.fromkeys(keys)
        if cache and all(map(cache.__contains__, distinct)):
            waiter.set_result([*map(cache.__getitem__, keys)])
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
                answer.exception()  # raised to the callers that wait; there may be none
            else:
                answer.set_result(outcome)

        self.load_level([key]).add_done_callback(hand_over)
        return answer

    def clear(self, key: K) -> Self:
        """Forgets a key, so that it is loaded again when it is next asked for; who waits for it now gets what comes."""
        self._cache.pop(key, None)
        for batch in self._in_flight:
            batch.keys.pop(key, None)
        return self

    def clear_all(self) -> Self:
        """Forgets every key."""
        self._cache.clear()
        for batch in self._in_flight:
            batch.keys.clear()
        return self

    def prime(self, key: K, value: Outcome[V]) -> Self:
        """Makes a value, or an error, known that came another way; one that is known or being loaded stays."""
        if not any(key in batch.keys for batch in self._in_flight):
            self._cache.setdefault(key, value)
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
        self._tasks -= tasks  # one that had not begun could not do so itself
        waiting, self._waiting = self._waiting, []
        _answer(waiting, {})

    async def _collect(self) -> None:
        """Waits for a loop turn that brings no further keys, loads them all, and answers."""
        waiting: list[Level[K, V]] = []
        outcomes: Mapping[K, Outcome[V]] = {}
        task = self._collector
        try:
            before, turns = 1, MAX_TURNS
            while len(self._waiting) > before and turns:
                before, turns = len(self._waiting), turns - 1
                await asyncio.sleep(0)
            waiting, self._waiting = self._waiting, []
            (_, wanted, _), *more = waiting
            for _, distinct, _ in more:
                wanted.update(distinct)
            outcomes = await self._load(wanted, task)
        except asyncio.CancelledError:
            if not waiting:
                waiting, self._waiting = self._waiting, []
            raise
        finally:
            self._tasks.discard(task)
            _answer(waiting, outcomes)

    async def _load(self, wanted: Mapping[K, None], task: asyncio.Task[None]) -> Mapping[K, Outcome[V]]:
        """The outcomes of keys: known ones, those of batches under way, and those of a batch of what is left."""
        cache = self._cache
        others = [batch for batch in self._in_flight if not wanted.keys().isdisjoint(batch.keys)]
        if not cache and not others:
            return await self._load_fresh(wanted, task)
        outcomes = {key: cache[key] for key in wanted if key in cache}
        fresh = [key for key in wanted if key not in cache and not any(key in batch.keys for batch in others)]
        shared = {batch: [key for key in wanted if key in batch.keys] for batch in others}
        if fresh:
            outcomes.update(await self._load_fresh(dict.fromkeys(fresh), task))
        if shared:
            await asyncio.wait({batch.task for batch in shared})
        for batch, keys in shared.items():
            outcomes.update((key, batch.outcomes[key]) for key in keys)
        return outcomes

    async def _load_fresh(self, fresh: Mapping[K, None], task: asyncio.Task[None]) -> Mapping[K, Outcome[V]]:
        batch: InFlight[K, V] = InFlight(fresh, task)
        self._in_flight.append(batch)
        try:
            found = await self._load_batch([*fresh])
            batch.outcomes = dict(zip(fresh, map(found.get, fresh), strict=True))
        except asyncio.CancelledError:
            batch.outcomes = dict.fromkeys(fresh, _too_late())
        except Exception as error:  # noqa: BLE001 - whatever a batch ends with is the answer to its keys
            batch.outcomes = dict.fromkeys(fresh, error)
        finally:
            self._in_flight.remove(batch)
        cleared = len(batch.keys) < len(fresh)
        self._cache.update({key: batch.outcomes[key] for key in batch.keys} if cleared else batch.outcomes)
        return batch.outcomes


def _answer(waiting: Sequence[Level[K, V]], outcomes: Mapping[K, Outcome[V]]) -> None:
    for keys, _, waiter in waiting:
        if waiter.done():
            continue
        try:
            waiter.set_result([*map(outcomes.__getitem__, keys)])
        except KeyError:
            waiter.set_result([outcomes[key] if key in outcomes else _too_late() for key in keys])


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded("The request ended before this was loaded.")
