"""Asks a gateway of two workers for minutes, over vendors that fail, and says whether it went well.

    python -m benchmarks.soak [--minutes 10] [--rate 10]     writes RESULT.md and soak.svg beside this file
    python -m benchmarks.soak --minutes 0.5                  too short to tell growth; writes nothing

Exit code 1 where a promise was not kept.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import plots
from benchmarks.soak.gauges import Gauges
from benchmarks.soak.load import Load, Outcomes
from benchmarks.soak.questions import questions
from benchmarks.soak.troubles import TROUBLES, keep_failing
from benchmarks.soak.verdict import LONG, Row, judge, windows
from gateway.commands.demo import emulated, variables
from gateway.emulator.server import Emulators
from tests.operations.children import Child, serving, wait_until
from tests.upstream.replicas.redis_server import redis_server

HERE = Path(__file__).resolve().parent
WORKERS = 2
LOOKS = 300
"""Looks at what the gateway holds, at most two a second."""
SETTINGS = {"SALESLOFT_RATE_LIMIT": "300", "DRIFT_RATE_LIMIT": "300", "SALESLOFT_TIMEOUT": "2", "DRIFT_TIMEOUT": "2"}
SETTINGS |= {"GATEWAY_CACHE_SIZE": "8"}  # small enough to be full within minutes
WORDS = {True: "yes", False: "**no**", None: "too short to tell"}


async def soak(child: Child, emulators: Emulators, seconds: float, rate: float) -> tuple[Outcomes, Gauges]:
    """Asks, lets the vendors fail, and looks on; first and last at a gateway that has nothing to do."""
    load = Load(child.url, questions(emulators.world), rate)
    gauges = Gauges(child.url, child.workers(), max(0.5, seconds / LOOKS))
    await gauges.ready()
    await gauges.at_rest()
    beside = [asyncio.create_task(work) for work in (gauges.watch(), keep_failing(emulators))]
    try:
        await load.run(seconds)
    finally:
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
    emulators.reset()
    await gauges.at_rest()
    return load.outcomes, gauges


def table(rows: Sequence[Row]) -> str:
    """The promises as Markdown."""
    lines = [f"| {row.promise} | {row.measured} | {WORDS[row.met]} |" for row in rows]
    return "\n".join(["| Promise | Measured | Kept |", "|---|---|---|", *lines])


def picture(outcomes: Outcomes, gauges: Gauges, seconds: float) -> str:
    """Latency, memory, files and tasks over the minutes."""
    parts = windows(outcomes, seconds)
    thin = gauges.samples[:: max(1, len(gauges.samples) // 60)]
    latency = {
        "p99": [(part.second / 60, part.p99) for part in parts],
        "p50": [(part.second / 60, part.p50) for part in parts],
    }
    memory = {
        "resident": [(sample.second / 60, sample.memory) for sample in thin],
        "kept records, as estimated": [(sample.second / 60, sample.kept) for sample in thin],
    }
    return plots.lines(
        [
            ("milliseconds to the answer", "minutes", latency),
            ("megabytes of memory, all workers", "minutes", memory),
            ("open files, all workers", "minutes", {"": [(s.second / 60, float(s.files)) for s in thin]}),
            ("asyncio tasks, all workers", "minutes", {"": [(s.second / 60, s.tasks) for s in thin]}),
        ]
    )


def write(rows: Sequence[Row], outcomes: Outcomes, gauges: Gauges, seconds: float, rate: float) -> None:
    """The section for RESULTS.md, and its picture."""
    (HERE / "soak.svg").write_text(picture(outcomes, gauges, seconds), encoding="utf-8")
    text = (
        f"`make soak`: {seconds / 60:g} minutes of {rate:g} mixed queries a second, whatever became of those before, "
        f"at a gateway of {WORKERS} workers that share a Redis, over both emulated vendors, with the limits that it "
        "has by default (300 units a minute for each), but a small cache (8 MB). Every minute "
        f"{len(TROUBLES)} things go wrong with the vendors: 5xx, resets, slow, broken, truncated and missing answers, "
        "rows that cannot be read, 429s.\n\n"
        f"{table(rows)}\n\n![Latency, memory, files and tasks over the run](soak/soak.svg)\n"
    )
    (HERE / "RESULT.md").write_text(text, encoding="utf-8")


def main() -> int:
    """Runs it; the exit code."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    options.add_argument("--rate", type=float, default=10.0, help="queries a second (10)")
    given = options.parse_args()
    seconds: float = given.minutes * 60
    with ExitStack() as stack:
        folder, emulators = stack.enter_context(tempfile.TemporaryDirectory()), stack.enter_context(emulated())
        settings = {**variables(emulators), **SETTINGS, "GATEWAY_CACHE_URL": stack.enter_context(redis_server()).url}
        child = stack.enter_context(serving(Path(folder), settings, workers=WORKERS))
        wait_until(lambda: len(child.workers()) == WORKERS, child.process)
        outcomes, gauges = asyncio.run(soak(child, emulators, seconds, given.rate))
        child.process.send_signal(signal.SIGTERM)
        code = child.ended()
        faults = sum(line["level"] == "error" for line in child.lines())
    rows = judge(outcomes, gauges, seconds, code=code, faults=faults)
    print(table(rows))
    if seconds >= LONG:
        write(rows, outcomes, gauges, seconds, given.rate)
    return any(row.met is False for row in rows)


if __name__ == "__main__":
    sys.exit(main())
