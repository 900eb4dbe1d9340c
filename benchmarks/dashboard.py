"""What a dashboard that is polled every minute for an hour takes of the vendors' limits: units, which are exact counts.

python benchmarks/dashboard.py      prints a line of JSON

Eight weeks by owner and status, of the demo's world, over the emulated vendors on loopback sockets; the clock is moved
on by hand.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

import msgspec  # noqa: E402 - found beside this folder

from gateway.catalog.catalog import Catalog  # noqa: E402
from gateway.emulator.salesloft.api import SalesloftOptions  # noqa: E402
from gateway.emulator.server import Emulators  # noqa: E402
from gateway.emulator.world import World  # noqa: E402
from gateway.graph.documents import Prepared  # noqa: E402
from gateway.graph.engine import Engine  # noqa: E402
from gateway.request import Request  # noqa: E402
from gateway.sources.vendor import SourceOptions, vendors  # noqa: E402
from gateway.upstream.budget import Budget  # noqa: E402
from gateway.upstream.client import Client  # noqa: E402
from gateway.upstream.clock import ManualClock  # noqa: E402
from gateway.upstream.credentials import Secret, StaticToken  # noqa: E402
from gateway.upstream.http import Upstream, open_session  # noqa: E402

NOW = dt.datetime(2026, 3, 18, 15, 20, 23, tzinfo=dt.UTC)
SOURCES = ("SALESLOFT", "DRIFT", "CALENDLY")
MINUTES = 60
TURNS = 50
"""Turns of the loop that what is fetched behind an answer is given to begin."""

DASHBOARD = """{ meetingStats(
  filter: { startTime: { gte: "2026-01-26T00:00:00Z", lt: "2026-03-23T00:00:00Z" } }, groupBy: [OWNER, STATUS]
) { total { meetings noShowRate } groups { owner { id name } status counts { meetings } } } }"""


async def measure(sources: Sequence[str]) -> Mapping[str, float]:
    """Units of the first answer; of the dearest minute after it; of a minute on average; and meetings counted.

    Each vendor has a limit of its own: where it matters, what is asked of the one that is asked most counts too.
    """
    world, clock = World.seeded(NOW), ManualClock(NOW.timestamp(), jumps=True)

    def tell() -> dt.datetime:
        return dt.datetime.fromtimestamp(clock.time(), dt.UTC)

    async with (
        Emulators.start(clock=tell, world=world, salesloft=SalesloftOptions(rate_limit=None)) as emulators,
        open_session() as session,
    ):
        of_source = {name: emulators.of(name.lower()) for name in sources}
        ports = []
        for name, emulated in of_source.items():
            upstream = Upstream(name=name, base_url=emulated.url, forbidden=vendors()[name].forbidden)
            token = StaticToken(Secret(emulated.token))
            client = Client(upstream, token, Budget(name, 300, clock), session, clock)
            ports.append(vendors()[name].open(client, clock, SourceOptions()))
        engine = Engine(Catalog(ports, clock))
        prepared = engine.prepare(DASHBOARD)
        if not isinstance(prepared, Prepared):
            raise TypeError("the query is not valid")
        spent: list[list[int]] = []
        meetings = 0
        for _ in range(MINUTES + 1):
            begun = {name: len(emulated.calls) for name, emulated in of_source.items()}
            answer = await engine.execute(
                prepared, variables={}, operation_name=None, request=Request(clock.monotonic() + 25)
            )
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if answer.errors:
                raise AssertionError(str(answer.errors))
            # Not every vendor says what a call costs: one.
            spent.append([sum(call.cost or 1 for call in each.calls[begun[n] :]) for n, each in of_source.items()])
            meetings = msgspec.json.decode(msgspec.json.encode(answer.data))["meetingStats"]["total"]["meetings"]
            clock.advance(60)
    return {
        "meetings": meetings,
        "cold": sum(spent[0]),
        "cold, of one vendor": max(spent[0]),
        "dearest minute": max(map(sum, spent[1:])),
        "dearest minute, of one vendor": max(map(max, spent[1:])),
        "minute on average": round(sum(map(sum, spent[1:])) / MINUTES, 2),
    }


async def both() -> Mapping[str, float]:
    """The same without Calendly, and with it."""
    return {**await measure(SOURCES[:2]), **{f"{k}, three sources": v for k, v in (await measure(SOURCES)).items()}}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(both())))
