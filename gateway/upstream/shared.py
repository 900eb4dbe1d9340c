"""One piece of work that several requests wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar, cast

from gateway.errors import DeadlineExceeded, GatewayError
from gateway.upstream.clock import Timer, until
from gateway.upstream.request import Request

T = TypeVar("T")


class Shared(Generic[T]):
    """Work that goes on as long as anybody waits for it.

    It runs under a request of its own, which lives as long as the most patient waiter and counts as the most urgent.
    The first waiter's ledger has the calls.

    Args:
        clock: Tells deadlines.
        first: The request that causes the work.
        work: Does it.
        ended: Called as soon as nobody should join any more: the work is done, or dropped.
    """

    def __init__(
        self,
        clock: Timer,
        first: Request,
        work: Callable[[Request], Awaitable[T]],
        ended: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._ended = ended
        self._waiting = 0
        self._result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._result.add_done_callback(_seen)
        self.request = Request(first.deadline, first.priority, origin=first)
        self.task = asyncio.ensure_future(self._run(work))

    async def wait(self, request: Request) -> T:
        """What the work yields or raises.

        Raises:
            DeadlineExceeded: Not before the request's deadline.
        """
        self.request.serve_too(request)
        self._waiting += 1
        try:
            async with until(self._clock, request.deadline):
                return await asyncio.shield(self._result)
        except TimeoutError:
            raise DeadlineExceeded("The operation's time is up.") from None
        finally:
            self._waiting -= 1
            if not self._waiting and not self._result.done():
                self._ended()
                self.task.cancel()

    def fail(self, error: GatewayError) -> None:
        """Ends the work, and the wait of everybody, with an error."""
        if not self._result.done():
            self._ended()
            self._result.set_exception(error)
            self.task.cancel()

    async def _run(self, work: Callable[[Request], Awaitable[T]]) -> None:
        try:
            result = await work(self.request)
        except asyncio.CancelledError:
            self._result.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the waiters'
            if not self._result.done():
                self._ended()
                self._result.set_exception(error)
        else:
            if not self._result.done():
                self._ended()
                self._result.set_result(result)
        finally:
            await self.request.close()


def _seen(result: asyncio.Future[T]) -> None:
    """Keeps asyncio from complaining of an error that came when everybody had just left."""
    if not result.cancelled():
        result.exception()


class Flights:
    """Equal pieces of work, done once for all who want them at the same time.

    Args:
        clock: Tells deadlines.
    """

    def __init__(self, clock: Timer) -> None:
        self._clock = clock
        self._known: dict[Hashable, Shared[object]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def under_way(self, key: Hashable) -> bool:
        """Whether there is such work to join."""
        return key in self._known

    async def join(self, key: Hashable, request: Request, work: Callable[[Request], Awaitable[T]]) -> T:
        """What the work of that name yields or raises, begun by whoever comes first.

        Raises:
            DeadlineExceeded: Not before the request's deadline.
        """
        shared = self._known.get(key)
        if shared is None:
            shared = self.begin(key, request, work)
        return cast("T", await shared.wait(request))

    def begin(self, key: Hashable, request: Request, work: Callable[[Request], Awaitable[T]]) -> Shared[object]:
        """Begins work that others may join; whoever calls this waits for it."""
        shared: Shared[object]

        def ended() -> None:
            if self._known.get(key) is shared:
                del self._known[key]

        shared = Shared(self._clock, request, work, ended)
        self._known[key] = shared
        self._tasks.add(shared.task)
        shared.task.add_done_callback(self._tasks.discard)
        return shared

    def fail(self, error: Callable[[], GatewayError]) -> None:
        """Ends all work with an error."""
        for shared in list(self._known.values()):
            shared.fail(error())

    async def close(self) -> None:
        """Ends all work; whoever still waits for it is cancelled."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
