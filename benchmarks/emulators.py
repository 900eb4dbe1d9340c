"""What the emulated upstreams take for an answer: milliseconds of CPU of their thread a page, medians.

The client is in a thread of its own, which is not counted. Each page is asked for once before it is measured: lists are
sorted, and rows written as JSON, once a change.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import statistics
import time
from urllib.parse import urlsplit

from gateway.emulator.server import Emulators
from gateway.runtime.server import tune

PAGES = {
    "Salesloft, meetings, page 1": ("salesloft", "/v2/meetings?per_page=100&sort_by=start_time"),
    "Salesloft, meetings, page 10": ("salesloft", "/v2/meetings?per_page=100&page=10&sort_by=start_time"),
    "Salesloft, 100 people by id": (
        "salesloft",
        "/v2/people?per_page=100&{people}",
    ),
    "Calendly, events, page 1": ("calendly", "/scheduled_events?count=100&organization={organization}"),
    "Calendly, events of a month": (
        "calendly",
        "/scheduled_events?count=100&organization={organization}&min_start_time={today}&max_start_time={later}",
    ),
    "Drift, every meeting of a year": (
        "drift",
        "/users/meetings/org?min_start_time={begin}&max_start_time={end}&limit=1000",
    ),
}
OK = 200
MONTH = dt.timedelta(days=30)
YEAR = 365 * 86_400_000


def ask(vendor: http.client.HTTPConnection, path: str, token: str) -> int:
    """Reads an answer whole; its status."""
    vendor.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = vendor.getresponse()
    answer.read()
    return answer.status


async def measure(count: int) -> dict[str, float]:
    """Milliseconds by page, each asked for so many times, in turns."""
    taken: dict[str, list[float]] = {name: [] for name in PAGES}
    now = round(time.time() * 1_000)
    today = dt.datetime.now(dt.UTC).date()
    async with Emulators.start() as emulators:
        calendly = emulators.world.calendly
        given = {
            "begin": now - YEAR // 2,
            "end": now + YEAR // 2,
            "organization": calendly.users[calendly.me]["current_organization"],
            "people": "&".join(f"ids[]={id_}" for id_ in list(emulators.world.salesloft.people)[:100]),
            "today": f"{today}T00:00:00Z",
            "later": f"{today + MONTH}T00:00:00Z",
        }
        connections = {
            vendor: http.client.HTTPConnection(urlsplit(getattr(emulators, vendor).url).netloc)
            for vendor in ("salesloft", "drift", "calendly")
        }
        tune()
        for turn in range(count + 1):
            for name, (vendor, path) in PAGES.items():
                asked = path.format(**given), getattr(emulators, vendor).token
                began = time.thread_time()
                status = await asyncio.to_thread(ask, connections[vendor], *asked)
                if turn:
                    taken[name].append((time.thread_time() - began) * 1_000)
                if status != OK:
                    raise AssertionError(f"{name}: {status}")
        for connection in connections.values():
            connection.close()
    return {name: statistics.median(each) for name, each in taken.items()}


def run(count: int = 20) -> dict[str, float]:
    """The same, for who has no event loop."""
    return asyncio.run(measure(count))
