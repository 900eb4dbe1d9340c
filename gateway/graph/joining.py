"""Equal operations under way are run once: whoever asks the same while one runs waits for its answer.

Many who look at one page when its records have just gone stale would else each pay for reading, joining and rendering
the same rows. Two operations are equal where document, variables, operation and what may be seen are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from gateway.upstream.request import Request

T = TypeVar("T")

JOIN_WITHIN = 0.1
"""Seconds by which the deadlines of those who share an operation may differ, since it has only one."""


class Joint(Generic[T]):
    """One operation that several requests wait for; the first one's ledger has its calls.

    Args:
        first: The request that causes it.
        run: Runs it.

    Attributes:
        request: The request that it runs under.
        waiting: How many wait for it.
        task: It.
    """

    def __init__(self, first: Request, run: Callable[[Joint[T]], Awaitable[T]]) -> None:
        self.request = Request(first.deadline, first.priority, origin=first)
        self.waiting = 0
        self.task: asyncio.Future[T] = asyncio.ensure_future(run(self))


class Joining(Generic[T]):
    """The operations under way.

    Args:
        written: Makes an answer cheap to give to several.

    Attributes:
        joined: How many waited for another's operation.
    """

    def __init__(self, written: Callable[[T], T]) -> None:
        self.joined = 0
        self._written = written
        self._known: dict[Hashable, Joint[T]] = {}

    async def run(self, key: Hashable | None, request: Request, work: Callable[[Request], Awaitable[T]]) -> T:
        """What the operation of that name yields or raises; one without a name is nobody else's."""
        if key is None:
            return await work(request)
        joint = self._known.get(key)
        if joint is None or abs(joint.request.deadline - request.deadline) > JOIN_WITHIN:
            joint = self._known[key] = self._begin(key, request, work)
        else:
            self.joined += 1
        joint.waiting += 1
        try:
            return await asyncio.shield(joint.task)
        finally:
            joint.waiting -= 1
            request.freshness.take(joint.request.freshness)
            if not joint.waiting and not joint.task.done():
                self._forget(key, joint)
                joint.task.cancel()
                await asyncio.gather(joint.task, return_exceptions=True)

    def _begin(self, key: Hashable, request: Request, work: Callable[[Request], Awaitable[T]]) -> Joint[T]:
        async def run(joint: Joint[T]) -> T:
            try:
                answer = await work(joint.request)
            finally:
                self._forget(key, joint)
            return self._written(answer) if joint.waiting > 1 else answer

        return Joint(request, run)

    def _forget(self, key: Hashable, joint: Joint[T]) -> None:
        if self._known.get(key) is joint:
            del self._known[key]
