"""A clean end on SIGTERM: readiness is dropped first, so that nobody sends any more, and only then is it closed.

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
from collections.abc import Iterator
from types import FrameType

import uvicorn

from gateway.web.health import Health

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
        loop.call_later(seconds, lambda: asyncio.ensure_future(end(number)))

    def drain(number: int, frame: FrameType | None) -> None:
        if health.closing:
            stop(number, frame)
            return
        health.closing = True
        loop.call_soon_threadsafe(begin, number)

    signal.signal(signal.SIGTERM, drain)
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
