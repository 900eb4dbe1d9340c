"""What records cost while they are cached: memory of a person, a full collection of garbage, and a process at rest.

python benchmarks/memory.py [PEOPLE]      prints a line of JSON
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.gateways import rows
from benchmarks.gateways.bench import Upstream, ask
from benchmarks.gateways.peers import SAME, ours
from gateway.catalog.catalog import Catalog
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.request import Request
from gateway.runtime.server import tune
from gateway.runtime.upstreams import opened
from gateway.settings.settings import Settings
from gateway.upstream.clock import SystemClock

QUERY = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Person { name } } }"
CALL = 100
"""People of a call."""

DEADLINE = 60.0
PEOPLE = 33_000
"""As many as the default store has room for."""


def resident(pid: int | str = "self") -> float:
    """Bytes of a process's memory."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) * 1024


async def cached(url: str, people: int) -> dict[str, float]:
    """Bytes of a cached person, and milliseconds of CPU of a full collection with so many."""
    clock = SystemClock()
    settings = Settings.read({"SALESLOFT_URL": url, "SALESLOFT_TOKEN": "benchmark", "SALESLOFT_RATE_LIMIT": "1000000"})
    async with opened(settings, clock, workers=1) as upstreams:
        engine = Engine(Catalog(upstreams.ports(), clock))
        prepared = engine.prepare(QUERY)
        assert isinstance(prepared, Prepared)

        async def load(first: int) -> None:
            ids = [global_id(Kind.PERSON, Source.SALESLOFT, str(number)) for number in range(first, first + CALL)]
            request = Request(clock.monotonic() + DEADLINE)
            found = await engine.execute(prepared, variables={"ids": ids}, operation_name=None, request=request)
            if found.errors:
                raise AssertionError(found.errors)

        await load(1)
        tune()
        before = resident()
        for first in range(1 + CALL, people, CALL):
            await load(first)
        gc.collect()
        each = (resident() - before) / (people - CALL)
        taken = []
        for _ in range(3):
            began = time.process_time()
            gc.collect()
            taken.append((time.process_time() - began) * 1_000)
    return {"bytes of a person": each, "collection, ms": statistics.median(taken)}


def measure(people: int) -> dict[str, float]:
    """The same, and the megabytes of a process that has answered one query."""
    upstream = Upstream()
    try:
        with tempfile.TemporaryDirectory() as made:
            server = ours({})(upstream.url, Path(made))
            try:
                server.wait()
                ask(server, SAME.body())
                rest = sum(map(resident, server.pids())) / 1e6
            finally:
                server.end()
        found = asyncio.run(cached(upstream.url, people))
    finally:
        upstream.end()
    return {
        **found,
        "bytes of its JSON": float(len(json.dumps(rows.person(1), separators=(",", ":")))),
        "at rest, MB": rest,
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)))
