"""What a gateway holds, looked at from outside: memory and files of its processes, tasks by its own `/metrics`."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import aiohttp

GAUGE = re.compile(r"^gateway_(tasks|cache_bytes) ([0-9.e+]+)$", re.MULTILINE)
READY = 60.0
"""Seconds that the workers may take to start."""

TRIES = 8
"""Looks without a change, half a second apart, that make a gateway one that rests."""

PAGE = os.sysconf("SC_PAGE_SIZE")


class Sample(NamedTuple):
    """One look.

    Attributes:
        second: Seconds from the start.
        memory: Megabytes of resident memory of all workers.
        kept: Megabytes that kept records take of it, as the gateway estimates it.
        files: Their open file descriptors.
        tasks: Their asyncio tasks.
    """

    second: float
    memory: float
    kept: float
    files: int
    tasks: float


class Gauges:
    """Looks at the workers of a gateway.

    Args:
        url: Where it is.
        workers: Their process ids.
        every: Seconds between two looks.

    Attributes:
        samples: What was seen under load.
        resting: What was left before it and after it.
    """

    def __init__(self, url: str, workers: Iterable[int], every: float) -> None:
        self._url = f"{url}/metrics"
        self._workers = [Path(f"/proc/{pid}") for pid in workers]
        self._every = every
        self._started = 0.0
        self.samples: list[Sample] = []
        self.resting: list[Sample] = []

    async def ready(self) -> None:
        """Waits until all of them answer."""
        async with aiohttp.ClientSession() as session, asyncio.timeout(READY):
            while True:
                async with session.get(self._url) as response:
                    if f"gateway_workers {len(self._workers)}.0" in await response.text():
                        return
                await asyncio.sleep(0.2)

    async def watch(self) -> None:
        """Looks at them for ever."""
        self._started = asyncio.get_running_loop().time()
        async with aiohttp.ClientSession() as session:
            while True:
                self.samples.append(await self._look(session))
                await asyncio.sleep(self._every)

    async def at_rest(self) -> None:
        """Looks once at what is left when nobody asks, as soon as no less is to be expected."""
        async with aiohttp.ClientSession() as session:
            least, tries = await self._look(session), 0
            while tries < TRIES:
                await asyncio.sleep(0.5)
                now, tries = await self._look(session), tries + 1
                if now.tasks < least.tasks:
                    least, tries = now, 0
        self.resting.append(least)

    async def _look(self, session: aiohttp.ClientSession) -> Sample:
        async with session.get(self._url) as response:
            page = await response.text()
        told = dict(GAUGE.findall(page))
        pages = sum(int((worker / "statm").read_text().split()[1]) for worker in self._workers)
        files = sum(len(list((worker / "fd").iterdir())) for worker in self._workers)
        second = asyncio.get_running_loop().time() - self._started
        return Sample(second, pages * PAGE / 1e6, float(told["cache_bytes"]) / 1e6, files, float(told["tasks"]))
