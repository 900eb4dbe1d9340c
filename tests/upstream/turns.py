"""Turning the event loop and the clock by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from gateway.upstream.clock import ManualClock

T = TypeVar("T")


async def turn(times: int = 30) -> None:
    """Lets everything run that can run now."""
    for _ in range(times):
        await asyncio.sleep(0)


async def pass_time(clock: ManualClock, seconds: float) -> None:
    """Moves time on, from one moment at which something is due to the next."""
    end = clock.monotonic() + seconds
    await turn()
    while (wait := clock.next_due()) is not None and clock.monotonic() + wait <= end:
        clock.advance(wait)
        await turn()
    clock.advance(end - clock.monotonic())
    await turn()


def outcomes(tasks: Iterable[asyncio.Future[T]]) -> list[str]:
    """How each ended: `ok`, the name of its error, or `waits`."""
    reported = []
    for task in tasks:
        if not task.done():
            reported.append("waits")
        else:
            error = task.exception()
            reported.append("ok" if error is None else type(error).__name__)
    return reported


async def drive(clock: ManualClock, busy: Callable[[], int], tasks: Iterable[asyncio.Future[T]]) -> None:
    """Lets tasks run over real sockets to their end; time moves on whenever nothing but time is waited for.

    Args:
        clock: What is moved.
        busy: How many answers are waited for.
        tasks: What runs.
    """
    waiting = set(tasks)
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # what the loop has still to do
    while waiting:
        _, waiting = await asyncio.wait(waiting, timeout=0.001)
        wait = clock.next_due()
        if wait is not None and not ready and not busy():
            clock.advance(wait)
