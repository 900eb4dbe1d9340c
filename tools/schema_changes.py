"""Compares schema.graphql with the last release's: a change that breaks clients has to be in the changelog.

    schema_changes.py [TAG]     exits 1 and names each breaking change that CHANGELOG.md does not list under Unreleased

A change is listed by its coordinate in backticks, such as `Meeting.title`, in the section "Unreleased". Where there is
no tag yet, there is nothing to break.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from graphql import build_schema, find_breaking_changes, find_dangerous_changes

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "schema.graphql"
UNRELEASED = re.compile(r"^## \[?Unreleased\]?.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE)
COORDINATE = re.compile(r"\b\w+\.\w+(?:\(\w+:\))?")
MEMBER = re.compile(r"(?P<type>\w+) was (?:removed from|added to) union type (?P<union>\w+)")
QUOTED = re.compile(r"`([^`]+)`")


class Change(NamedTuple):
    """A change of the schema.

    Attributes:
        description: graphql-core's, such as `Field Meeting.title was removed.`
    """

    description: str

    @property
    def coordinate(self) -> str:
        """What is changed: `Meeting.title`, `Query.meetings(first:)`, `Status.HELD`, a type."""
        member = MEMBER.match(self.description)
        if member is not None:
            return f"{member['union']}.{member['type']}"
        found = COORDINATE.search(self.description)
        return found[0] if found is not None else self.description.split()[0]

    def __str__(self) -> str:
        return f"{self.description} (`{self.coordinate}`)"


def breaking(old: str, new: str) -> list[Change]:
    """The changes that break clients, from one schema's text to another's."""
    return [Change(change.description) for change in find_breaking_changes(build_schema(old), build_schema(new))]


def dangerous(old: str, new: str) -> list[Change]:
    """Those that may surprise some: a value of an enum more, another default."""
    return [Change(change.description) for change in find_dangerous_changes(build_schema(old), build_schema(new))]


def listed(changelog: str) -> set[str]:
    """What the section on what is not released yet names in backticks."""
    section = UNRELEASED.search(changelog)
    return set() if section is None else set(QUOTED.findall(section[0]))


def last_tag(root: Path) -> str | None:
    """The last release before this commit, None where there was none."""
    found = git(root, "describe", "--tags", "--abbrev=0")
    return found.stdout.strip() if found.returncode == 0 else None


def git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What git says."""
    command = ["git", *arguments]  # the git on the PATH
    return subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, timeout=60)


def report(root: Path, tag: str | None) -> Iterator[tuple[bool, str]]:
    """What there is to say, a line each, and whether it is a fault."""
    released = None if tag is None else git(root, "show", f"{tag}:{SCHEMA}")
    if released is None or released.returncode != 0:
        since = "no release yet" if tag is None else f"{tag} has no {SCHEMA}"
        yield False, f"{since}: no client can be broken"
        return
    new = (root / SCHEMA).read_text(encoding="utf-8")
    known = listed((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    for change in breaking(released.stdout, new):
        told = change.coordinate in known
        yield (
            not told,
            f"breaking since {tag}: {change}{'' if told else ' is not listed in CHANGELOG.md under Unreleased'}",
        )
    for change in dangerous(released.stdout, new):
        yield False, f"since {tag}: {change}"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Prints what changed; 1 where something breaks clients that the changelog does not tell them of."""
    lines = list(report(root, arguments[0] if arguments else last_tag(root)))
    for fault, line in lines:
        print(line, file=sys.stderr if fault else sys.stdout)
    return 1 if any(fault for fault, _ in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
