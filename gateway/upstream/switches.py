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

LOOK = 1.0
"""Seconds between two looks at the file; also how long a switch takes at most."""

LONGEST = 10_000
"""Characters of the file that are read; it holds a few names."""

log = logging.getLogger(__name__)


class Switches:
    """Switches sources off as long as anybody says so, and on again when nobody does any more.

    Args:
        clients: The sources that are set up.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = {client.upstream.name: client for client in clients}
        self._said: dict[str, frozenset[str]] = {}

    def say(self, who: str, off: Collection[str]) -> None:
        """Learns which sources somebody wants off; names of others mean nothing.

        Args:
            who: Where that is said, in words for the log.
            off: The sources' names, all of them.
        """
        self._said[who] = frozenset(off)
        wanted = frozenset().union(*self._said.values())
        for name, client in self._clients.items():
            on = name not in wanted
            if client.on is not on:
                log.warning("%s is switched %s by %s", name, "on" if on else "off", who)
                client.switch(on=on)


class OffFile:
    """A file that names the sources which are off, `#` before a comment; where there is no file, none is off.

    Args:
        path: Where it is, or will be.
        clock: Tells when to look again.
    """

    def __init__(self, path: Path, clock: Timer) -> None:
        self._path = path
        self._clock = clock
        self._readable = True

    @contextlib.asynccontextmanager
    async def followed(self, switches: Switches) -> AsyncIterator[None]:
        """Obeys the file within the block, as it stands at the start and as it changes."""
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
        switches.say("GATEWAY_OFF_FILE", names)

    async def _follow(self, switches: Switches) -> None:
        while True:
            await self._clock.sleep(LOOK)
            await self.look(switches)

    def _names(self) -> set[str]:
        try:
            with self._path.open(encoding="utf-8") as file:
                text = file.read(LONGEST)
        except FileNotFoundError:
            return set()
        return {word.upper() for line in text.splitlines() for word in re.findall(r"\w+", line.partition("#")[0])}
