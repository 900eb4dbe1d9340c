"""Start-up tuning, measured: event loop, HTTP parser and garbage collector of one served process, warm records.

python benchmarks/tuning.py [ROUNDS [SECONDS]]      prints a table

Each variant is the real application in a process of its own over the emulated upstreams, asked by 32 connections for
100 meetings with what is around them, and for nothing. Rounds are interleaved; figures are medians of CPU a request
(the process's own, which other load does not change) and of the 99th percentile of a request's time.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

import aiohttp  # noqa: E402
import uvicorn  # noqa: E402

from gateway.app import create_app  # noqa: E402 - found beside this folder
from gateway.commands.demo import emulated, variables  # noqa: E402
from gateway.runtime.server import GC_THRESHOLDS, tune  # noqa: E402
from gateway.settings.settings import Settings  # noqa: E402

FIELDS = """title startTime endTime status sources person { name email account { name } } owner { name }
  cadence { name } attendees { email name status }"""
WORK = {
    "100 meetings": f"""query Q($first: Int!, $b: Int!, $c: Int!) {{
      meetings(first: $first) {{ nodes {{ {FIELDS} }} }}
      b: meetings(first: $b) {{ nodes {{ id }} }} c: meetings(first: $c) {{ nodes {{ id }} }}
    }}""",
    "nothing": "{ __typename }",
}
"""What is asked: 90 to 99 meetings, and a few more by turns, lest an answer is given again; and what is HTTP alone."""
MORE = 30
VARIANTS: dict[str, tuple[str, str, str]] = {
    "as served": ("uvloop", "httptools", "both"),
    "collector as Python has it": ("uvloop", "httptools", "none"),
    "thresholds only": ("uvloop", "httptools", "thresholds"),
    "freeze only": ("uvloop", "httptools", "freeze"),
    "asyncio's loop": ("asyncio", "httptools", "both"),
    "h11": ("uvloop", "h11", "both"),
}
CONNECTIONS = 32
GOOD = 200
TURNS = itertools.count()


def freeze() -> None:
    """Half of `tune`."""
    gc.collect()
    gc.freeze()


COLLECTORS: dict[str, Callable[[], None]] = {
    "both": tune,
    "none": lambda: None,
    "thresholds": lambda: gc.set_threshold(*GC_THRESHOLDS),
    "freeze": freeze,
}


def serve(loop: str, http: str, collector: str) -> None:
    """Serves in this process; prints its port."""
    app = create_app(Settings.read(os.environ), started=COLLECTORS[collector])
    config = uvicorn.Config(app, port=0, loop=loop, http=http, lifespan="on", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    print(listener.getsockname()[1], flush=True)
    server.run(sockets=[listener])


def cpu(process: subprocess.Popen[str]) -> float:
    """Seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(session: aiohttp.ClientSession, url: str, query: str, seconds: float) -> list[float]:
    """Times of all requests of that many seconds, each connection one after another."""
    headers = {"Content-Type": "application/json"}
    ends, times = time.perf_counter() + seconds, list[float]()

    async def ask() -> None:
        while (began := time.perf_counter()) < ends:
            turn = next(TURNS)
            given = {"first": 90 + turn % 10, "b": 1 + turn % MORE, "c": 1 + turn // MORE % MORE}
            body = json.dumps({"query": query, "variables": given})
            async with session.post(url, data=body, headers=headers) as response:
                text = await response.read()
                assert response.status == GOOD, text[:200]
                assert b'"errors"' not in text, text[:200]
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return times


async def measure(rounds: int, seconds: float, settings: dict[str, str]) -> dict[str, dict[str, tuple[float, float]]]:
    """Milliseconds of CPU a request and 99th percentile, by variant and work."""
    told: dict[str, dict[str, tuple[list[float], list[float]]]] = {
        name: {work: ([], []) for work in WORK} for name in VARIANTS
    }
    processes = {name: started(variant, settings) for name, variant in VARIANTS.items()}
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
            for turn in range(rounds + 1):
                for name, (process, url) in processes.items():
                    for work, query in WORK.items():
                        before = cpu(process)
                        times = await load(session, url, query, seconds)
                        used = (cpu(process) - before) / len(times) * 1e3
                        if turn:  # the first is for warming up
                            told[name][work][0].append(used)
                            told[name][work][1].append(statistics.quantiles(times, n=100)[98] * 1e3)
    finally:
        for process, _ in processes.values():
            process.terminate()
            process.wait(30)
    return {
        name: {work: (statistics.median(used), statistics.median(slow)) for work, (used, slow) in figures.items()}
        for name, figures in told.items()
    }


def started(variant: tuple[str, str, str], settings: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    """A serving process, and its address."""
    process = subprocess.Popen(
        [sys.executable, __file__, "serve", *variant], env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, f"http://127.0.0.1:{int(process.stdout.readline())}/graphql"


def table(told: dict[str, dict[str, tuple[float, float]]]) -> str:
    """The figures as Markdown."""
    lines = [
        "| | " + " | ".join(f"{work}: ms CPU | p99, ms" for work in WORK) + " |",
        "|---" * (1 + 2 * len(WORK)) + "|",
    ]
    for name, figures in told.items():
        lines.append(f"| {name} | " + " | ".join(f"{used:.2f} | {slow:.0f}" for used, slow in figures.values()) + " |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Measures, or serves for who measures."""
    if arguments[:1] == ["serve"]:
        serve(*arguments[1:])
        return
    numbers: list[Any] = [*map(float, arguments), *(5, 1.0)[len(arguments) :]]
    limits = {"GATEWAY_CLIENT_RATE": "1000000", "GATEWAY_CLIENT_COST": "1000000", "GATEWAY_DRAIN": "0"}
    with emulated() as emulators:
        print(table(asyncio.run(measure(int(numbers[0]), numbers[1], {**variables(emulators), **limits}))))


if __name__ == "__main__":
    main(sys.argv[1:])
