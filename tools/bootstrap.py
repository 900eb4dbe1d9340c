"""Sets the project up in this folder; `make` calls it where something is missing or has changed.

    bootstrap.py run      .venv with what the gateway needs, and the gateway itself
    bootstrap.py dev      the same and what its tests and checks need
    bootstrap.py assets   the explorer's files, through npm
    bootstrap.py interop  what tests/interop and tests/federation need of npm: others' clients, composers and routers,
                          a conformance suite, a browser's driver
    bootstrap.py agenda   what the page of examples/agenda needs of npm
    bootstrap.py docs     what builds the documentation's site
    bootstrap.py ship     what looks at files to deploy with, at licences and at known vulnerabilities
    bootstrap.py lock     resolves every lock anew; what follows goes to tools/locks.py

Every package is checked against the hash in its lock. Nothing but the standard library is needed to start.
"""

from __future__ import annotations

import collections
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
INTEROP = [ROOT / "tests" / "interop", ROOT / "tests" / "federation", ROOT / "examples" / "supergraph"]
DEPLOY = ROOT / "deploy"
OLDEST = (3, 11)
OLDEST_NPM = 9
"""The first npm that both reads this lock and leaves addresses out of it."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"==> {text}", flush=True)


def follow(title: str, command: Sequence[str | Path]) -> None:
    """Runs a command; on a terminal its latest line is shown while it works, elsewhere one line when it is done.

    Raises:
        SystemExit: It failed; the end of what it said has been printed.
    """
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns - 5
    say(title)
    started = time.monotonic()
    tail: collections.deque[str] = collections.deque(maxlen=100)
    words = [str(part) for part in command]
    with subprocess.Popen(
        words, cwd=ROOT, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        for line in process.stdout or ():
            tail.append(line.rstrip())
            if terminal:
                print(f"\r\x1b[K    {line.strip()[:width]}", end="", flush=True)
    if terminal:
        print("\r\x1b[K", end="")
    if process.returncode:
        print("\n".join(tail), file=sys.stderr)
        sys.exit(f"{title}: failed")
    print(f"    {time.monotonic() - started:.1f} s", flush=True)


def usable(python: Path) -> bool:
    """Whether a virtual environment's Python still starts, is new enough and has pip."""
    probe = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([python, "-c", probe], check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install(folder: Path, lock: str) -> Path:
    """Brings a virtual environment to what a lock says, and makes it where there is none; its Python."""
    python = folder / "bin" / "python"
    name = folder.relative_to(ROOT)
    if not usable(python):
        version = ".".join(map(str, sys.version_info[:3]))
        follow(f"Making {name} with Python {version}", [sys.executable, "-m", "venv", "--clear", folder])
    path = ROOT / "requirements" / f"{lock}.txt"
    count = path.read_text(encoding="utf-8").count("==")
    pip: list[str | Path] = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    follow(f"Installing up to {count} packages into {name}", [*pip, "--require-hashes", "--requirement", path])
    return python


def project(lock: str) -> None:
    """The virtual environment with the project in it, as it lies here."""
    python = install(VENV, lock)
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    follow("Installing the gateway itself", [python, "-m", "pip", "install", *offline, "--editable", ROOT])
    for stamp in {"run", lock}:
        (VENV / f".{stamp}").touch()


def npm_on_path() -> bool:
    """Whether there is an npm here, with its Node.js, that is new enough."""
    npm = shutil.which("npm")
    if npm is None:
        return False
    try:
        answer = subprocess.run([npm, "--version"], check=False, capture_output=True, text=True, timeout=60)
        return answer.returncode == 0 and int(answer.stdout.split(".")[0]) >= OLDEST_NPM
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False


def reach(python: Path) -> None:
    """Puts what an environment has installed at the head of the PATH."""
    os.environ["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"


def npm(title: str, *arguments: str) -> None:
    """Runs npm, this machine's or the locked one; no package's script runs."""
    if not npm_on_path():
        reach(install(TOOLS / "node", "node"))
    level = "http" if sys.stdout.isatty() else "error"  # a line a package, for `follow` to show
    follow(title, [shutil.which("npm") or "npm", *arguments, "--ignore-scripts", f"--loglevel={level}"])


def assets() -> None:
    """The explorer's packages by npm, then its files out of them."""
    npm("Installing the explorer's packages", "ci", "--omit=dev")
    follow("Taking the explorer's files out of them", [VENV / "bin" / "python", ROOT / "tools" / "explorer_files.py"])


def interop() -> None:
    """What others have to do with the gateway, by npm: for tests, and for the example. Chromium is the system's."""
    for folder in INTEROP:
        npm(f"Installing what {folder.relative_to(ROOT)} needs of npm", "ci", "--prefix", str(folder))


def ship() -> None:
    """What looks at the project before a release; a linter of compose files is npm's alone."""
    install(TOOLS / "ship", "ship")
    npm("Installing what deploy/ needs of npm", "ci", "--prefix", str(DEPLOY))


def lock(options: list[str]) -> None:
    """Every lock anew, with the resolver of requirements/lock.txt."""
    python = install(TOOLS / "lock", "lock")
    reach(python)
    say("Resolving what pyproject.toml asks for")
    locks = [python, ROOT / "tools" / "locks.py"]
    subprocess.run([*locks, "write", *options], cwd=ROOT, check=True)
    for folder in subprocess.run([*locks, "npm"], text=True, capture_output=True, check=True).stdout.split():
        npm(f"Resolving {folder}/package.json", "install", "--package-lock-only", "--prefix", str(ROOT / folder))


def main(arguments: list[str]) -> None:
    """Does what the command line says."""
    match arguments:
        case ["run" | "dev" as name]:
            project(name)
        case ["assets"]:
            assets()
        case ["interop"]:
            interop()
        case ["agenda"]:
            npm("Installing what examples/agenda needs of npm", "ci", "--prefix", str(ROOT / "examples" / "agenda"))
        case ["docs"]:
            install(TOOLS / "docs", "docs")
        case ["ship"]:
            ship()
        case ["lock", *options]:
            lock(options)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nstopped; the next make goes on from here")
