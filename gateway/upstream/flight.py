"""Single flight: one piece of work that several requests wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gateway.errors import DeadlineExceeded, GatewayError
from gateway.request import Request
from gateway.upstream.clock import Timer, until

T = TypeVar("T")


class Flight(Generic[T]):
    """Work that runs as long as at least one request waits for it.

    It runs under a request of its own, with the latest deadline and the highest priority of those that wait. Its calls
    are in the first one's ledger.

    Args:
        clock: Measures deadlines.
        first: The request that starts the work.
        work: Does the work.
        ended: Called as soon as no other request may join: the work is done, or was dropped.

    Attributes:
        request: The request that the work runs under.
        task: The task that the work runs in.
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
        """Returns or raises what the work does; the work is cancelled once nobody waits for it.

        Raises:
            DeadlineExceeded: The work was not done by the request's deadline.
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
        """Cancels the work, and raises an error from every wait for it."""
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
        except Exception as error:  # noqa: BLE001 - each waiter gets it
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
    """Marks an error as retrieved: asyncio complains of one that comes when everybody has just left."""
    if not result.cancelled():
        result.exception()
