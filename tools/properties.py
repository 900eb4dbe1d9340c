"""Tries the properties of paging with many generated cases; says how many there were, and how long it took.

    python tools/properties.py ci
    python tools/properties.py nightly --processes 8
    python tools/properties.py ci --seed 4711

Every run draws new cases and prints its seed first; with `--seed` it draws those of that run again. What was found is
pinned in the tests as an example. The quick profile always draws the same cases.

Fails where a property fails, was tried with fewer cases than it should have been, or all of them took too long.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
USES = "from tests.properties import share"
MINUTES = {"quick": 2.0, "ci": 10.0, "nightly": 240.0}
PROGRESS = 60.0
"""Seconds between two lines about how far a file is."""

LAST_LINES = 60


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one file's properties.

    Attributes:
        file: The file.
        tried: Each property's cases that passed, and how many there should have been.
        seconds: How long it took.
        failure: What pytest printed, where something failed.
    """

    file: str
    tried: dict[str, tuple[int, int]]
    seconds: float
    failure: str | None = None

    @property
    def cases(self) -> int:
        """The cases that passed."""
        return sum(passed for passed, _ in self.tried.values())


def verdict(outcomes: Sequence[Outcome], seconds: float, minutes: float) -> tuple[list[str], bool]:
    """What to say in the end, and whether all is well.

    Args:
        outcomes: Every file's.
        seconds: How long all took.
        minutes: How long they may take.
    """
    lines = [f"{each.file}: failed" for each in outcomes if each.failure is not None]
    for each in outcomes:
        few = {name: tried for name, tried in each.tried.items() if tried[0] < tried[1]}
        lines += [f"{name}: {passed:,} cases, not {asked:,}" for name, (passed, asked) in few.items()]
    if not any(each.tried for each in outcomes):
        lines.append("no property was tried")
    if seconds > minutes * 60:
        lines.append("too slow")
    well = not lines
    total = sum(each.cases for each in outcomes)
    lines.append(f"{total:,} cases in {seconds:.0f} s of the {minutes * 60:.0f} s that they may take")
    return lines, well


def files() -> list[str]:
    """The test files with properties, from the top of the checkout; as it happens, the long ones come first so."""
    found = sorted((ROOT / "tests").rglob("test_*.py"), reverse=True)
    return [str(file.relative_to(ROOT)) for file in found if USES in file.read_text(encoding="utf-8")]


def tried_apart(file: str, profile: str, seed: int = 0) -> Outcome:
    """One file's properties, in a process of their own; progress goes to standard error."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.json")
        command = [sys.executable, __file__, profile, "--seed", str(seed), "--file", file, "--told", str(told)]
        environment = {**os.environ, "PROPERTIES": profile}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        tried = json.loads(told.read_text(encoding="utf-8")) if told.exists() else {}
    last = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
    outcome = Outcome(
        file=file,
        tried={name: (passed, asked) for name, (passed, asked) in tried.items()},
        seconds=time.monotonic() - started,
        failure=last if done.returncode else None,
    )
    print(f"{file}: {outcome.cases:,} cases, {outcome.seconds:.0f} s", flush=True)
    return outcome


def tried_here(file: str, told: Path, seed: int) -> int:
    """One file's properties in this process; pytest's exit code."""
    done = threading.Event()
    terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")  # pytest captures standard error

    def progress() -> None:
        started = time.monotonic()
        while not done.wait(PROGRESS):
            cases = sum(passed for passed, _ in tried_so_far().values())
            minutes = (time.monotonic() - started) / 60
            print(f"{file}: {cases:,} cases after {minutes:.0f} min", file=terminal, flush=True)

    watch = threading.Thread(target=progress, daemon=True)
    watch.start()
    code = pytest.main([file, "-q", "-m", "hypothesis", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}"])
    done.set()
    watch.join()
    terminal.close()
    told.write_text(json.dumps(tried_so_far()), encoding="utf-8")
    return int(code)


def tried_so_far() -> dict[str, tuple[int, int]]:
    """The properties of this process, once pytest has imported them: it wants to be the first to."""
    counts: Any = sys.modules.get("tests.properties")
    return {} if counts is None else {name: (counts.PASSED[name], asked) for name, asked in counts.ASKED.items()}


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", nargs="?", choices=sorted(MINUTES), default="ci")
    parser.add_argument("--minutes", type=float, help="how long all of it may take")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="draws the cases of the run that printed it")
    parser.add_argument("--file", help=argparse.SUPPRESS)
    parser.add_argument("--told", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(given)


def say(lines: Iterable[str], *, well: bool) -> None:
    """Prints the lines where they belong."""
    print("\n".join(lines), file=sys.stdout if well else sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> int:
    """Tries them all; the exit code."""
    options = arguments(given)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    if options.file is not None:
        return tried_here(options.file, options.told, seed)
    print(f"seed {seed}", flush=True)
    started = time.monotonic()
    with ThreadPoolExecutor(options.processes) as pool:
        outcomes = list(pool.map(lambda file: tried_apart(file, options.profile, seed), files()))
    for each in outcomes:
        if each.failure is not None:
            print(f"--- {each.file}\n{each.failure}", file=sys.stderr)
    lines, well = verdict(
        outcomes, time.monotonic() - started, MINUTES[options.profile] if options.minutes is None else options.minutes
    )
    say(lines, well=well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
