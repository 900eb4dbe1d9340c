"""Whether somebody in this process listens to changes: sources are polled only then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from gateway.request import Clock

LISTENED = 60.0
"""Seconds after the log was last read for which its reader counts as listening."""


class Audience:
    """The open streams, and the clients that read the log page by page.

    Args:
        clock: For how long ago the log was read.

    Attributes:
        streams: How many streams are open.
    """

    def __init__(self, clock: Clock) -> None:
        self.streams = 0
        self._clock = clock
        self._read_at = float("-inf")
        self._arrived = asyncio.Event()

    @property
    def present(self) -> bool:
        """Whether a stream is open, or the log was read within the last minute."""
        return self.streams > 0 or self._clock.monotonic() - self._read_at < LISTENED

    def note_read(self) -> None:
        """Notes that somebody reads the log."""
        self._read_at = self._clock.monotonic()
        self._arrived.set()

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        """Counts a stream within the block."""
        self.streams += 1
        self._arrived.set()
        try:
            yield
        finally:
            self.streams -= 1
            self._read_at = self._clock.monotonic()

    async def wait(self) -> None:
        """Waits until somebody listens; nobody's clock is needed for that."""
        while not self.present:
            self._arrived.clear()
            await self._arrived.wait()
