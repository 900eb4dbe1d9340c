"""What the emulated upstreams take for an answer: milliseconds of CPU a page, medians, in this process."""

from __future__ import annotations

import asyncio
import statistics
import time

import aiohttp

from gateway.emulator.server import Emulators

PAGES = {
    "Salesloft, meetings, page 1": ("salesloft", "/v2/meetings?per_page=100&sort_by=start_time"),
    "Salesloft, meetings, page 10": ("salesloft", "/v2/meetings?per_page=100&page=10&sort_by=start_time"),
    "Salesloft, 100 people by id": (
        "salesloft",
        "/v2/people?per_page=100&" + "&".join(f"ids[]={n}" for n in range(1, 101)),
    ),
    "Drift, every meeting of a year": (
        "drift",
        "/users/meetings/org?min_start_time={begin}&max_start_time={end}&limit=1000",
    ),
}
YEAR = 365 * 86_400_000


async def measure(count: int) -> dict[str, float]:
    """Milliseconds by page, each asked for so many times, in turns."""
    taken: dict[str, list[float]] = {name: [] for name in PAGES}
    now = round(time.time() * 1_000)
    async with Emulators.start() as emulators, aiohttp.ClientSession() as session:
        for _ in range(count):
            for name, (vendor, path) in PAGES.items():
                emulator = getattr(emulators, vendor)
                url = emulator.url + path.format(begin=now - YEAR // 2, end=now + YEAR // 2)
                began = time.process_time()
                async with session.get(url, headers={"Authorization": f"Bearer {emulator.token}"}) as answer:
                    await answer.read()
                    if not answer.ok:
                        raise AssertionError(f"{name}: {answer.status}")
                taken[name].append((time.process_time() - began) * 1_000)
    return {name: statistics.median(each) for name, each in taken.items()}


def run(count: int = 20) -> dict[str, float]:
    """The same, for who has no event loop."""
    return asyncio.run(measure(count))
