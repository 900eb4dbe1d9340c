"""Signals of a serving process: SIGHUP has files read again, SIGTERM drains it before it closes.

Measured on uvicorn: on SIGTERM it closes the listening socket at once and resets what waits in its backlog. Balancers
need a moment to hear of it, and that moment is `GATEWAY_DRAIN`. What is in the backlog at its end is answered too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

import uvicorn

from gateway.web.routes import Health

log = logging.getLogger(__name__)

STREAMS = (0, 1, 2)
"""Standard input, output and error."""


class Hangup:
    """The handler of SIGHUP: from a terminal that is closed it ends the process, otherwise files are read again.

    Attributes:
        reload: Has them read; None while the process starts, in which case that is done as soon as it can be.
    """

    def __init__(self) -> None:
        self.reload: Callable[[], object] | None = None
        self.came_early = False
        self._terminal = [stream for stream in STREAMS if os.isatty(stream)]

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Handles the signal."""
        if self.is_of_the_terminal():
            signal.raise_signal(signal.SIGTERM)
        elif self.reload is None:
            self.came_early = True
        else:
            self.reload()

    def is_of_the_terminal(self) -> bool:
        """Whether there was a terminal, and is not any more: nobody is left to end the process.

        What is written to it goes nowhere from then on, rather than fail.
        """
        gone = [stream for stream in self._terminal if not os.isatty(stream)]
        for stream in gone:
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        return bool(gone)


@contextlib.contextmanager
def hangups_taken() -> Iterator[None]:
    """Keeps SIGHUP from ending the process within the block, also during start-up."""
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


log = logging.getLogger(__name__)


@contextlib.contextmanager
def draining(health: Health, seconds: float, *, alone: bool = True) -> Iterator[None]:
    """Puts `seconds` of refused readiness between SIGTERM and uvicorn's own handling of it; a second SIGTERM ends them.

    A process that is alone says in its log that it stops; of several workers their supervisor does. Where the process
    is not run by uvicorn's signal handling (a test, an embedding), nothing is touched.
    """
    stop = signal.getsignal(signal.SIGTERM)
    server = getattr(stop, "__self__", None)
    if not isinstance(server, uvicorn.Server):
        yield
        return
    assert callable(stop)
    loop = asyncio.get_running_loop()

    async def end(number: int) -> None:
        await _accept_the_last(server)
        stop(number, None)

    def begin(number: int) -> None:
        if alone:
            log.info("stopping", extra={"drain": seconds})
        health.stopping.set()
        loop.call_later(seconds, lambda: asyncio.ensure_future(end(number)))

    def drain(number: int, frame: FrameType | None) -> None:
        if health.closing:
            stop(number, frame)
            return
        health.closing = True
        loop.call_soon_threadsafe(begin, number)

    interrupt = signal.getsignal(signal.SIGINT)

    def leave(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(health.stopping.set)  # uvicorn waits for streams as for any other answer
        if callable(interrupt):
            interrupt(number, frame)

    signal.signal(signal.SIGTERM, drain)
    signal.signal(signal.SIGINT, leave)
    yield
    if alone and not health.closing:  # by Ctrl-C, which does not wait
        log.info("stopping", extra={"drain": 0})


async def _accept_the_last(server: uvicorn.Server) -> None:
    """Closes the listening sockets, and takes what their backlogs hold: the kernel would reset it."""
    loop = asyncio.get_running_loop()
    listening = [each for each in server.servers if each.is_serving()]
    backlogs = [socket.socket(fileno=os.dup(sock.fileno())) for each in listening for sock in each.sockets]
    for each in listening:
        each.close()
    accepted = []
    for backlog in backlogs:
        with backlog:
            backlog.setblocking(False)
            with contextlib.suppress(OSError):  # BlockingIOError: there are no more
                while True:
                    accepted.append(backlog.accept()[0])
    for connection in accepted:
        with contextlib.suppress(OSError):  # it has gone meanwhile
            await loop.connect_accepted_socket(lambda: _protocol(server, loop), connection)


def _protocol(server: uvicorn.Server, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
    """A connection's protocol, made as uvicorn makes it."""
    make = server.config.http_protocol_class
    return make(  # type: ignore[call-arg]  # of uvicorn's own kind
        config=server.config, server_state=server.server_state, app_state=server.lifespan.state, _loop=loop
    )
