"""Sources that an operator has switched off while the gateway runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Collection, Iterable
from pathlib import Path

from gateway.upstream.client import Client
from gateway.upstream.clock import Timer

POLL_INTERVAL = 1.0
"""Seconds between two looks at the file, and so until a switch takes effect."""

MAX_CHARS = 10_000
"""Characters of the file that are read; it contains a few names."""

log = logging.getLogger(__name__)


class Switches:
    """Switches sources off while at least one place names them.

    Args:
        clients: The configured sources.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = {client.upstream.name: client for client in clients}
        self._off: dict[str, frozenset[str]] = {}

    def turn_off(self, place: str, off: Collection[str]) -> None:
        """Sets the sources that one place wants off; unknown names are ignored.

        Args:
            place: The place's name, for the log.
            off: The names of all sources that are to be off.
        """
        self._off[place] = frozenset(off)
        wanted = frozenset().union(*self._off.values())
        for name, client in self._clients.items():
            on = name not in wanted
            if client.on is not on:
                log.warning("%s is switched %s by %s", name, "on" if on else "off", place)
                client.switch(on=on)


class OffFile:
    """A file with the names of the sources that are off, and comments after `#`; without the file, none is off.

    Args:
        path: The file, which need not exist yet.
        clock: Times the looks at it.
    """

    def __init__(self, path: Path, clock: Timer) -> None:
        self._path = path
        self._clock = clock
        self._readable = True

    @contextlib.asynccontextmanager
    async def followed(self, switches: Switches) -> AsyncIterator[None]:
        """Applies the file within the block, at once and after every change."""
        await self.look(switches)
        following = asyncio.ensure_future(self._follow(switches))
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def look(self, switches: Switches) -> None:
        """Reads the file; one that cannot be read changes nothing."""
        try:
            names = await asyncio.to_thread(self._names)
        except (OSError, UnicodeDecodeError) as error:
            if self._readable:
                log.warning("GATEWAY_OFF_FILE cannot be read (%s); the switches stay as they are", type(error).__name__)
            self._readable = False
            return
        self._readable = True
        switches.turn_off("GATEWAY_OFF_FILE", names)

    async def _follow(self, switches: Switches) -> None:
        while True:
            await self._clock.sleep(POLL_INTERVAL)
            await self.look(switches)

    def _names(self) -> set[str]:
        try:
            with self._path.open(encoding="utf-8") as file:
                text = file.read(MAX_CHARS)
        except FileNotFoundError:
            return set()
        return {word.upper() for line in text.splitlines() for word in re.findall(r"\w+", line.partition("#")[0])}
