"""Engines side by side on one workload: medians of interleaved runs, each answer checked to be the same.

    python benchmarks/engine/bench.py [--rounds 15] [--share 1] [--without-node]

Prints milliseconds a run as JSON, by work and engine; `python -m benchmarks.run` makes tables of it.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import obvious  # noqa: E402 - found beside this file
import plain  # noqa: E402
import uvloop  # noqa: E402
import workload  # noqa: E402
from ours import BATCHES, Ours  # noqa: E402

from gateway.runtime.server import tune  # noqa: E402

Run: TypeAlias = Callable[[], Awaitable[bytes]]
OURS, JIT = "this project", "graphql-jit"
NODE = ["graphql-js", "graphql-yoga's executor", JIT]
SLOW = {"Strawberry", "graphql-core"}
"""What is run a tenth as often."""

WORK: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "M100": ("meetings", workload.QUERY, {"first": 100}, 20),
    "M10": ("meetings", workload.QUERY, {"first": 10}, 400),
    "tiny": ("tiny", workload.TINY, {}, 400),
}
"""What is asked: kind, text, variables, and how often in one stretch."""


class Node:
    """The engines of Node.js, in a process of their own that runs what it is asked for."""

    def __init__(self) -> None:
        given = {"sdl": workload.SDL, "query": workload.QUERY, "tiny": workload.TINY, "most": workload.MOST}
        self._process = subprocess.Popen(
            ["node", HERE.parent / "node" / "engine.cjs", json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def ask(self, engine: str, what: str, variables: dict[str, Any], count: int) -> dict[str, Any]:
        """Runs an engine some times: milliseconds a run; with no count, its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"engine": engine, "what": what, "variables": variables, "count": count}
        self._process.stdin.write(json.dumps(asked) + "\n")
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def end(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


async def broken(keys: Any) -> Any:
    """People of whom every fifth fails."""
    return {key: LookupError("no such person") if key % 5 == 0 else workload.PEOPLE[key] for key in keys}


def contenders(text: str, variables: dict[str, Any]) -> dict[str, Run]:
    """What runs in this process."""
    ours, core = Ours(text), plain.Plain(text)
    runs: dict[str, Run] = {
        "Strawberry": lambda: obvious.answer(text, variables),
        "graphql-core": lambda: core.answer(variables),
        OURS: lambda: ours.answer(variables),
    }
    if variables:
        runs["by hand"] = lambda: plain.by_hand(variables)
        runs["this project, every fifth person failing"] = lambda: ours.answer(variables, {**BATCHES, "person": broken})
    return runs


def same(answer: str) -> Any:
    """An answer, however it spells instants."""
    return json.loads(re.sub(r"(T\d\d:\d\d:\d\d)(?:\.000Z|\+00:00)", r"\1Z", answer))


async def measure(rounds: int, share: float, node: Node | None) -> dict[str, dict[str, float]]:
    """Milliseconds a run, by work and engine; `share` is how much of each stretch is run."""
    told: dict[str, dict[str, float]] = {}
    for name, (what, text, variables, most) in WORK.items():
        count = max(1, round(most * share))
        runs = contenders(text, variables)
        expected = same((await runs["Strawberry"]()).decode())
        for engine, run in runs.items():
            answer = same((await run()).decode())
            assert answer == expected or "failing" in engine, engine
        others = NODE if node else []
        for engine in others:
            assert node is not None
            assert same(node.ask(engine, what, variables, 0)["json"]) == expected, engine
            node.ask(engine, what, variables, max(1, round((1_000 if engine == JIT else 200) * share)))
        times: dict[str, list[float]] = {engine: [] for engine in (*runs, *others)}
        for _ in range(rounds):
            for engine, run in runs.items():
                times[engine].append(await stretch(run, count // 10 if engine in SLOW else count))
            for engine in others:
                assert node is not None
                times[engine].append(node.ask(engine, what, variables, count)["ms"])
        told[name] = {engine: statistics.median(each) for engine, each in times.items()}
    return told


async def stretch(run: Run, count: int) -> float:
    """Milliseconds of CPU a run."""
    count = max(1, count)
    gc.collect()  # what the engine before it left behind is not this one's to clear away
    started = time.process_time()
    for _ in range(count):
        await run()
    return (time.process_time() - started) / count * 1_000


def main() -> None:
    """Prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--without-node", action="store_true")
    options = parser.parse_args()
    node = None if options.without_node else Node()
    tune()  # as every process that serves does; all engines here have it alike
    print(json.dumps(uvloop.run(measure(options.rounds, options.share, node))))
    if node:
        node.end()


if __name__ == "__main__":
    main()
