"""A window of 20,000 events of Calendly's: calls and memory of the first read, CPU of a page once it is read.

python benchmarks/window.py [EVENTS]      prints a line of JSON

The events come from the emulator on a loopback socket of the same process; its rows, and their JSON, are made before
memory is looked at. Pages are of different sizes, so that no answer is one that was rendered before.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import json
import sys
import time
import tracemalloc
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from gateway.catalog.catalog import Catalog  # noqa: E402 - found beside this folder
from gateway.emulator.calendly.team import uri  # noqa: E402
from gateway.emulator.server import Emulators  # noqa: E402
from gateway.emulator.world import World  # noqa: E402
from gateway.graph.documents import Prepared  # noqa: E402
from gateway.graph.engine import Engine  # noqa: E402
from gateway.request import Request  # noqa: E402
from gateway.sources.calendly import source as calendly  # noqa: E402
from gateway.upstream.budget import Budget  # noqa: E402
from gateway.upstream.client import Client  # noqa: E402
from gateway.upstream.clock import SystemClock  # noqa: E402
from gateway.upstream.credentials import Secret, StaticToken  # noqa: E402
from gateway.upstream.http import Upstream, open_session  # noqa: E402

EVENTS = 20_000
NODES = "{ nodes { sourceId title startTime endTime status location owner { name } guests } }"
PAGES = {
    "by start": f"{{ meetings(first: %d) {NODES} }}",
    "by change": f"{{ meetings(first: %d, orderBy: {{field: UPDATED_AT, direction: DESC}}) {NODES} }}",
}
WHOLE = "{ meetings(first: 1) { totalCount } }"
EMPTY = "{ meetings(first: 1, filter: {ids: []}) { totalCount nodes { id } } }"
"""What no event has a part in, so that all else that an engine makes once is there."""
SAMPLES = 15


def crowded(now: dt.datetime, events: int) -> World:
    """A small team with so many events, spread over the window."""
    world = World.seeded(
        now, users=20, accounts=2, people=20, cadences=2, tasks=0, salesloft_meetings=0, drift_meetings=0
    )
    table = world.calendly.events.data
    rows = list(table.values())
    apart = dt.timedelta(days=260) / events
    for number in range(events - len(rows)):
        key, start = f"{number:08d}-0000-4000-8000-000000000000", now - dt.timedelta(days=85) + number * apart
        times = {"start_time": start, "end_time": start + dt.timedelta(minutes=30)}
        text = {name: f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}" for name, moment in times.items()}
        table[key] = rows[number % len(rows)] | {"uri": uri("scheduled_events", key), "status": "active"} | text
    world.calendly.events.touch()
    return world


async def measure(events: int) -> dict[str, float]:
    """Calls, megabytes, and milliseconds of CPU by page."""
    world, clock = crowded(dt.datetime.now(dt.UTC), events), SystemClock()
    async with Emulators.start(world=world) as emulators, open_session() as session:
        upstream = Upstream(name="CALENDLY", base_url=emulators.calendly.url)
        credential = StaticToken(Secret(emulators.calendly.token))

        def opened() -> tuple[Client, Engine]:
            client = Client(upstream, credential, Budget("CALENDLY", 1_000_000, clock), session, clock)
            return client, Engine(Catalog([calendly.open(client, clock)], clock))

        async def ask(engine: Engine, query: str) -> None:
            prepared = engine.prepare(query)
            assert isinstance(prepared, Prepared)
            request = Request(clock.monotonic() + 120)
            answer = await engine.execute(prepared, variables={}, operation_name=None, request=request)
            assert not answer.errors, answer.errors
            await request.close()

        client, engine = opened()  # whose read leaves what the emulator makes of its rows
        await ask(engine, WHOLE)
        await client.close()
        client, engine = opened()
        await ask(engine, EMPTY)
        before = len(emulators.calendly.calls)
        gc.collect()
        tracemalloc.start()
        await ask(engine, WHOLE)
        gc.collect()
        found = {
            "upstream calls of the first read": float(len(emulators.calendly.calls) - before),
            "memory, MB": tracemalloc.get_traced_memory()[0] / 1e6,
        }
        tracemalloc.stop()
        for name, query in PAGES.items():
            await ask(engine, query % 100)
            spent: list[float] = []
            for number in range(SAMPLES):
                started = time.process_time()
                await ask(engine, query % (99 - number))
                spent.append((time.process_time() - started) * 1_000)
            found[f"a page {name}, CPU ms"] = sorted(spent)[SAMPLES // 2]
        await client.close()
        return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS))))
