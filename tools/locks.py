"""Writes and checks the hash-locked dependencies in requirements/.

    locks.py write [--upgrade]   resolves them anew; pins that still fit stay, unless --upgrade
    locks.py check               fails where pyproject.toml has moved on, or a lock names a place; needs no network
    locks.py npm                 the folders with a package-lock.json

Each lock begins with a digest of what pyproject.toml asked for when it was written. That is all `check` needs to tell
whether it is up to date.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = [
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-annotate",
    "--no-header",
    "--quiet",
]
TRACED = ["pyproject.toml", "--group", "build", "--extra", "tracing"]
LOCKS = {
    "run": ["pyproject.toml", "--group", "build"],
    "image": [*TRACED, "--constraints", "requirements/run.txt"],
    "dev": [*TRACED, "--group", "dev", "--constraints", "requirements/run.txt"],
    "docs": ["--group", "docs"],
    "ship": ["--group", "ship"],
    "node": ["--group", "node"],
    "lock": ["--group", "lock"],
}
NPM = (
    ".",
    "tests/interop",
    "tests/federation",
    "examples/supergraph",
    "examples/agenda",
    "deploy",
    "benchmarks/node",
    "benchmarks/hive",
    "benchmarks/tailcall",
)
"""Folders with a package.json of their own: the explorer's files, what the gateway is tried with, what looks at the
files to deploy it with, and the peers that it is measured beside."""

LINE = re.compile(r"(?:[a-z0-9][a-z0-9.-]*==[^\s;@]+(?: ; [^@]+?)? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?)")
"""What a lock consists of: pins with hashes, and no place that they come from."""


def digest(root: Path) -> str:
    """What pyproject.toml asks for, in short."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    asked = [
        pyproject["build-system"]["requires"],
        project["requires-python"],
        project["dependencies"],
        project.get("optional-dependencies", {}),
        pyproject["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def faults(root: Path) -> Iterator[str]:
    """What is wrong with the locks, a line each."""
    first = f"# pyproject.toml {digest(root)}"
    for name in LOCKS:
        path = root / "requirements" / f"{name}.txt"
        head, *lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else [""]
        if head != first:
            yield f"requirements/{name}.txt is not what pyproject.toml asks for: run 'make lock'"
        for number, line in enumerate(lines, start=2):
            if not LINE.fullmatch(line):
                yield f"requirements/{name}.txt:{number}: neither a pin nor its hash: {line.strip()}"
    for folder in NPM:
        yield from npm_faults(root / folder, f"{folder}/package-lock.json".removeprefix("./"))


def npm_faults(folder: Path, title: str) -> Iterator[str]:
    """What is wrong with a folder's package-lock.json, a line each."""
    asked = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    packages = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for kind in ("dependencies", "devDependencies"):
        if packages[""].get(kind, {}) != asked.get(kind, {}):
            yield f"{title} is not what package.json asks for: run 'make lock'"
    for name, package in packages.items():
        if name and "integrity" not in package:
            yield f"{title}: {name} has no hash"
        if "resolved" in package:
            yield f"{title}: {name} names the place it comes from"


def write(root: Path, options: list[str]) -> None:
    """Resolves every lock of requirements/ anew."""
    for name, inputs in LOCKS.items():
        path = root / "requirements" / f"{name}.txt"
        print(f"    requirements/{name}.txt", flush=True)
        command = ["uv", "pip", "compile", *OPTIONS, *options, *inputs, "--output-file", str(path.relative_to(root))]
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
        path.write_text(f"# pyproject.toml {digest(root)}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Does what the command line says; the exit code."""
    if arguments[:1] == ["write"]:
        try:
            write(ROOT, arguments[1:])
        except subprocess.CalledProcessError as error:
            return error.returncode
        return 0
    if arguments == ["npm"]:
        print("\n".join(NPM))
        return 0
    found = list(faults(ROOT))
    print("\n".join(found), file=sys.stderr, end="\n" * bool(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
