"""A client's connection: within its bounds, and ended where the client does not read what it is sent.

uvicorn waits for ever for a client that has stopped reading: its answer lies in memory, and a stop waits for it. The
transport here has no buffer of its own to fill, so that whatever the kernel does not take pauses the writing, and the
writing may not stay paused for long.
"""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.upstream.clock import Handle, SystemClock, Timer
from gateway.web.connections import BoundedProtocol

PATIENCE = 30.0
"""Seconds in which a client has to take what is to be written, which is a piece of an answer at most."""
LAST_PATIENCE = 2.0
"""The same while the process stops."""


class Connection(BoundedProtocol):
    """A connection of a client.

    Args:
        clock: What patience is told by.
        given: What uvicorn makes a connection with.
    """

    def __init__(self, *, clock: Timer | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._clock = clock or SystemClock()
        self._patience = PATIENCE
        self._end: Handle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Takes note of the transport."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets it."""
        self._be_patient()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Gives the client its time: the kernel has not taken all that was written."""
        super().pause_writing()
        self._be_impatient()

    def resume_writing(self) -> None:
        """Takes the time back: everything was taken."""
        self._be_patient()
        super().resume_writing()

    def shutdown(self) -> None:
        """Ends the connection when its answer is out, which a client that does not read does not hold up."""
        super().shutdown()
        self._patience = LAST_PATIENCE
        if self._end is not None:
            self._be_impatient()

    def _be_impatient(self) -> None:
        self._be_patient()
        self._end = self._clock.call_later(self._patience, self.transport.abort)

    def _be_patient(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
