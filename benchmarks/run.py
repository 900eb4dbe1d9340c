"""Every benchmark beside its peers; `make bench` runs it.

    python -m benchmarks.run                       everything; writes RESULTS.md, results.json and plots/ here
    python -m benchmarks.run --parts engine growth    some parts; those not run keep what results.json has of them
    python -m benchmarks.run --quick               everything for a moment, to see that it runs; writes nothing

What the peers need is installed first, by their locks; who cannot be installed or started is named in the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import emulators, goals, growth, report
from benchmarks.gateways import bench
from benchmarks.gateways.peers import OURS
from tools import bootstrap

HERE = Path(__file__).resolve().parent
PARTS = (
    "engine",
    "entities",
    "tracing",
    "tuning",
    "endless",
    "bombs",
    "odd",
    "stats",
    "dashboard",
    "gateways",
    "growth",
    "window",
    "emulators",
    "live",
    "memory",
    "crowd",
)
NPM = ("node", "hive", "tailcall")
MOST_TOLD = 500
"""Characters of why a part could not be measured."""

ENGINE_ROUNDS = 5
"""Rounds of the engines for one of the gateways."""

ENGINE_LIMIT = 900
"""Seconds that the engines may take."""


def prepare() -> dict[str, str]:
    """Installs what the peers need of npm, by Node.js of the lock; why not, by folder."""
    unable: dict[str, str] = {}
    try:
        bootstrap.reach(bootstrap.install(bootstrap.TOOLS / "node", "node"))
        bootstrap.npm("Looking for npm", "--version")
    except (SystemExit, OSError) as error:
        return dict.fromkeys(NPM, f"needs Node.js, which could not be installed ({error})")
    for name in NPM:
        folder = HERE / name
        done = folder / "node_modules" / ".package-lock.json"
        if done.exists() and done.stat().st_mtime > (folder / "package-lock.json").stat().st_mtime:
            continue
        try:
            bootstrap.npm(f"Installing benchmarks/{name}", "ci", "--prefix", str(folder))
            done.touch()
        except (SystemExit, OSError) as error:
            unable[name] = f"could not be installed ({error})"
    return unable


def engine(unable: dict[str, str], rounds: int, *, quick: bool) -> dict[str, Any]:
    """The engines, in a process of their own."""
    command = [
        sys.executable,
        str(HERE / "engine" / "bench.py"),
        "--rounds",
        "1" if quick else str(rounds * ENGINE_ROUNDS),
    ]
    command += ["--share", "0.01" if quick else "1"]
    reason = unable.get("node")
    command += ["--without-node"] if reason else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=ENGINE_LIMIT)
    return {"engine": json.loads(done.stdout), "engine_missing": reason}


def script(name: str, *arguments: str) -> str:
    """What another benchmark of this folder prints, run by itself."""
    command = [sys.executable, str(HERE / f"{name}.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=ENGINE_LIMIT)
    return done.stdout.strip()


def tracing(*, quick: bool) -> dict[str, Any]:
    """What tracing adds."""
    told = script("tracing", *(("--rounds", "1", "--requests", "2") if quick else ()))
    return {"tracing": json.loads(told.splitlines()[0])}


def measure(parts: Sequence[str], unable: dict[str, str], rounds: int, *, quick: bool) -> dict[str, Any]:
    """What was measured, by part."""
    plan = bench.Plan(rounds=1, seconds=0.2, warming=0.1, connections=(1, 8)) if quick else bench.Plan(rounds)
    growing = growth.Plan(rounds=1, seconds=0.05, ends=True) if quick else growth.Plan(rounds)
    how: dict[str, Callable[[], dict[str, Any]]] = {
        "engine": lambda: engine(unable, rounds, quick=quick),
        "entities": lambda: {"entities": script("entities", *(("1",) if quick else ()))},
        "tracing": lambda: tracing(quick=quick),
        "tuning": lambda: {"tuning": script("tuning", *(("1", "0.05") if quick else ("4", "0.6")))},
        "endless": lambda: {"endless": script("endless", "50" if quick else "1000")},
        "bombs": lambda: {"bombs": json.loads(script("bombs", *(("1",) if quick else ())))},
        "odd": lambda: {"odd": json.loads(script("odd_answers", *(("2",) if quick else ())))},
        "stats": lambda: {"stats": json.loads(script("stats", *(("2",) if quick else ())))},
        "dashboard": lambda: {"dashboard": json.loads(script("dashboard"))},
        "gateways": lambda: {"gateways": bench.measure(plan, unable)},
        "growth": lambda: {"growth": growth.measure(growing)},
        "window": lambda: {"window": json.loads(script("window", *(("2000",) if quick else ())))},
        "emulators": lambda: {"emulators": emulators.run(5 if quick else 20)},
        "live": lambda: {"live": json.loads(script("live", *(("20", "2", "0.5") if quick else ())))},
        "memory": lambda: {"memory": json.loads(script("memory", *(("1000",) if quick else ())))},
        "crowd": lambda: {"crowd": json.loads(script("crowd", *(("20",) if quick else ())))},
    }
    results: dict[str, Any] = {"machine": report.machine()}
    for part in parts:
        bootstrap.say(f"Measuring: {part}")
        began = time.monotonic()
        try:
            results |= how[part]()
        except (subprocess.SubprocessError, AssertionError, OSError) as error:
            why = f"{type(error).__name__}: {error}".replace(sys.executable, "python").replace(f"{HERE.parent}/", "")
            results["failed"] = {**results.get("failed", {}), part: why[:MOST_TOLD]}
        print(f"    {time.monotonic() - began:.0f} s", flush=True)
    return results


def faults(results: dict[str, Any]) -> list[str]:
    """What must not be, however fast it was: queries answered wrongly by us, and us missing."""
    gateways = results.get("gateways", {"cells": [], "missing": {}})
    found = [
        f"{cell['wrong']} queries answered wrongly by {cell['peer']}"
        for cell in gateways["cells"]
        if cell["wrong"] and cell["peer"].startswith(OURS)
    ]
    found += [f"{name} {why}" for name, why in gateways["missing"].items() if name.startswith(OURS)]
    return found + [f"{part} could not be measured: {why}" for part, why in results.get("failed", {}).items()]


def main() -> int:
    """Measures and writes; 1 where something was answered wrongly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="everything for a moment")
    parser.add_argument("--rounds", type=int, default=3, help="how often each cell is measured (3)")
    parser.add_argument("--without-npm", action="store_true", help="only what needs no Node.js")
    parser.add_argument("--out", type=Path, help="where to write; here, or nowhere with --quick")
    options = parser.parse_args()
    unable = dict.fromkeys(NPM, "was left out (--without-npm)") if options.without_npm else prepare()
    results = measure(options.parts, unable, options.rounds, quick=options.quick)
    out = options.out or (None if options.quick else HERE)
    committed = HERE / "results.json"
    before = json.loads(committed.read_text(encoding="utf-8")) if committed.exists() else {}
    if out is not None:
        kept = out / "results.json"
        others = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        results = {**others, "failed": {}} | results
        report.write(results, out)
    print(goals.table(results))
    for line in () if options.quick else goals.worse(results, before):
        print(f"worse than before: {line}")
    wrong = faults(results)
    print("\n".join(wrong), file=sys.stderr, end="\n" * bool(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
