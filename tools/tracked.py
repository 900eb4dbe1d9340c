"""Looks through every tracked file for what is true on one machine only; exits 1 and names what it finds.

Paths of a home or work folder, paths that leave the checkout, hosts that packages come from: whoever clones the
project has others.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent

# Written so that they do not match their own text here.
MACHINE_PATH = re.compile(r"(?:(?<=file://)|(?<![\w./-]))/(?:root|work|home/\w+|Users/\w+)\b[\w./-]*")
REGISTRY = re.compile(
    r"\b(?:pypi\.[a-z]{2,3}\b|[a-z]+hosted\.org\b|registry\.[a-z0-9-]+\.[a-z]{2,4}\b|deb\.[a-z]+\.org\b)"
)
UPWARD = re.compile(r"(?<![\w./])(?:\.\./)+")


def faults(name: str, text: str, checkout: str) -> Iterator[str]:
    """What one file says that it should not, a line each.

    Args:
        name: Its path from the top of the checkout.
        text: Its content.
        checkout: Where the checkout lies on this machine.
    """
    depth = len(PurePosixPath(name).parts) - 1
    for number, line in enumerate(text.splitlines(), start=1):
        here = f"{name}:{number}"
        if found := MACHINE_PATH.search(line):
            yield f"{here}: a path of one machine: {found[0]}"
        elif checkout in line:
            yield f"{here}: the path of this checkout"
        if found := REGISTRY.search(line):
            yield f"{here}: a host that packages come from: {found[0]}"
        if any(found[0].count("/") > depth for found in UPWARD.finditer(line)):
            yield f"{here}: a path that leaves the checkout"


def tracked(root: Path) -> Iterator[tuple[str, str]]:
    """Every tracked text file: its path from the top, and what it holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True)  # noqa: S607 - the git on the PATH
    for name in filter(None, listed.stdout.split("\0")):
        path = root / name
        if path.is_symlink() or not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def main(root: Path = ROOT) -> int:
    """Prints what it finds; the exit code."""
    try:
        found = [fault for name, text in tracked(root) for fault in faults(name, text, str(root))]
    except (OSError, subprocess.CalledProcessError):
        print("tracked: not a git checkout, or there is no git", file=sys.stderr)
        return 1
    print("\n".join(found), file=sys.stderr, end="\n" * bool(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
