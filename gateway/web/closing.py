"""A clean end on SIGTERM: readiness is dropped first, so that nobody sends any more, and only then is it closed.

Measured on uvicorn: on SIGTERM it closes the listening socket at once and resets what waits in its backlog. Balancers
need a moment to hear of it, and that moment is `GATEWAY_DRAIN`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import uvicorn

from gateway.web.health import Health


@contextlib.contextmanager
def draining(health: Health, seconds: float) -> Iterator[None]:
    """Puts `seconds` of refused readiness between SIGTERM and uvicorn's own handling of it; a second SIGTERM ends them.

    Where the process is not run by uvicorn's signal handling (a test, an embedding), nothing is touched.
    """
    stop = signal.getsignal(signal.SIGTERM)
    if not isinstance(getattr(stop, "__self__", None), uvicorn.Server):
        yield
        return
    assert callable(stop)
    loop = asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        if health.closing:
            stop(number, frame)
            return
        health.closing = True
        loop.call_soon_threadsafe(loop.call_later, seconds, stop, number, None)

    signal.signal(signal.SIGTERM, drain)
    yield
