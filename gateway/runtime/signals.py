"""SIGHUP: what a serving process does on it, from its first moment to its last."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

import uvicorn

log = logging.getLogger(__name__)

STREAMS = (0, 1, 2)
"""Standard input, output and error."""


class Hangup:
    """Takes SIGHUP: of a terminal that has gone it ends the process, of anybody else it has files read again.

    Attributes:
        reload: Has them read; None while the process starts, in which case that is done as soon as it can be.
    """

    def __init__(self) -> None:
        self.reload: Callable[[], object] | None = None
        self.came_early = False
        self._terminal = [stream for stream in STREAMS if os.isatty(stream)]

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Takes the signal."""
        if self.is_of_the_terminal():
            signal.raise_signal(signal.SIGTERM)
        elif self.reload is None:
            self.came_early = True
        else:
            self.reload()

    def is_of_the_terminal(self) -> bool:
        """Whether there was a terminal, and is none any more: nobody is left to end the process.

        What is written to it goes nowhere from then on, rather than fail.
        """
        gone = [stream for stream in self._terminal if not os.isatty(stream)]
        for stream in gone:
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        return bool(gone)


@contextlib.contextmanager
def hangups_taken() -> Iterator[None]:
    """Keeps a SIGHUP from ending the process within the block, also while it starts."""
    before = signal.signal(signal.SIGHUP, Hangup())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextlib.contextmanager
def reloading(reload: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Has SIGHUP read files again within the block; one that comes while they are read has them read once more.

    Where the process is not run by uvicorn's signal handling (a test, an embedding), nothing is touched.
    """
    if not isinstance(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), uvicorn.Server):
        yield
        return
    loop, again = asyncio.get_running_loop(), asyncio.Event()

    async def follow() -> None:
        while True:
            await again.wait()
            again.clear()
            try:
                await reload()
            except Exception:
                log.exception("reload: failed")

    following = asyncio.ensure_future(follow())
    before = signal.getsignal(signal.SIGHUP)
    hangup = before if isinstance(before, Hangup) else Hangup()  # workers begin without one
    hangup.reload = lambda: loop.call_soon_threadsafe(again.set)
    signal.signal(signal.SIGHUP, hangup)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # workers inherit it blocked
    if hangup.came_early:
        again.set()
    try:
        yield
    finally:
        hangup.reload = None
        following.cancel()
