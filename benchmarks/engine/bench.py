"""Engines side by side on one workload: medians of interleaved runs, each answer checked to be the same.

python benchmarks/engine/bench.py [ROUNDS]      prints a table; benchmarks/run.py writes it to RESULTS.md
"""

from __future__ import annotations

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

Run: TypeAlias = Callable[[], Awaitable[bytes]]
OURS, JIT = "this project", "graphql-jit"
NODE = ["graphql-js", "graphql-yoga's executor", JIT]
WORK: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "M100": ("meetings", workload.QUERY, {"first": 100}, 20),
    "M10": ("meetings", workload.QUERY, {"first": 10}, 100),
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


async def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds a run, by work and engine."""
    node, told = Node(), dict[str, dict[str, float]]()
    for name, (what, text, variables, count) in WORK.items():
        runs = contenders(text, variables)
        expected = same(node.ask(JIT, what, variables, 0)["json"])
        for engine, run in runs.items():
            answer = same((await run()).decode())
            assert answer == expected or "failing" in engine, engine
        for engine in NODE:
            assert same(node.ask(engine, what, variables, 0)["json"]) == expected, engine
            node.ask(engine, what, variables, 1_000 if engine == JIT else 200)
        times: dict[str, list[float]] = {engine: [] for engine in (*runs, *NODE)}
        for _ in range(rounds):
            for engine, run in runs.items():
                slow = engine in {"Strawberry", "graphql-core"}
                stretch = max(1, count // (10 if slow else 1))
                started = time.process_time()
                for _ in range(stretch):
                    await run()
                times[engine].append((time.process_time() - started) / stretch * 1_000)
            for engine in NODE:
                times[engine].append(node.ask(engine, what, variables, count)["ms"])
        told[name] = {engine: statistics.median(each) for engine, each in times.items()}
    node.end()
    return told


def table(told: dict[str, dict[str, float]]) -> str:
    """The figures as Markdown."""
    lines = ["| engine | " + " | ".join(f"{name}, ms | × ours" for name in told) + " |"]
    lines.append("|---" * (1 + 2 * len(told)) + "|")
    engines = dict.fromkeys(engine for figures in told.values() for engine in figures)
    for engine in engines:
        cells = []
        for figures in told.values():
            known = engine in figures
            cells.append(f"{figures[engine]:.3f} | {figures[engine] / figures[OURS]:.2f}" if known else " | ")
        lines.append(f"| {engine} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 15))))
