"""How the graph shows itself to routers: the version of Apollo Federation, printed directives, a prefix of names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec


class Version(NamedTuple):
    """A version of the Apollo Federation specification."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


OLDEST, NEWEST = Version(2, 0), Version(2, 12)
DEFAULT = Version(2, 9)
"""The latest that every composer knows."""
WRITTEN = re.compile(r"2\.\d{1,2}")
PREFIX = re.compile(r"(?!.*__)[A-Za-z][A-Za-z0-9_]{0,39}")
"""What may be put before names; two underscores together are Federation's own."""

SINCE = {
    "tag": Version(2, 0),
    "authenticated": Version(2, 5),
    "requiresScopes": Version(2, 5),
    "cost": Version(2, 9),
    "listSize": Version(2, 9),
}
"""The directives that may be printed, and the version that each came with."""
UNASKED = frozenset({"tag", "cost", "listSize"})
"""Those that are printed wherever the version has them. The others keep some routers from starting."""


class NotOffered(Exception):
    """Options that do not go together; the message says which, and what would."""


class Options(msgspec.Struct, frozen=True):
    """How the subgraph's text is written.

    Attributes:
        version: The version of the specification.
        directives: The directives of `SINCE` that are printed.
        prefix: What is put before the names of types, inputs, enums and root fields; empty where nothing is.
    """

    version: Version = DEFAULT
    directives: frozenset[str] = UNASKED
    prefix: str = ""


def options(version: str = "", directives: Iterable[str] = (), prefix: str = "") -> Options:
    """What is written out as settings, checked.

    Args:
        version: Such as `2.9`; the default's where empty.
        directives: The names of further directives.
        prefix: What is put before names.

    Raises:
        NotOffered: The version is not known, a directive came after it, or no name can begin with the prefix.
    """
    if prefix and not PREFIX.fullmatch(prefix):
        raise NotOffered(
            f'"{prefix[:40]}" cannot begin a name: at most 40 letters, digits and single underscores, a letter first'
        )
    chosen = Version(*map(int, version.split("."))) if WRITTEN.fullmatch(version) else DEFAULT
    if (version and not WRITTEN.fullmatch(version)) or not OLDEST <= chosen <= NEWEST:
        raise NotOffered(f'"{version[:20]}" is not a version from {OLDEST} to {NEWEST}')
    wanted = frozenset(directives)
    for name in sorted(wanted):
        if name not in SINCE:
            raise NotOffered(f'"{name[:40]}" is not one of {", ".join(SINCE)}')
        if SINCE[name] > chosen:
            raise NotOffered(f"@{name} came with version {SINCE[name]}, which is after {chosen}")
    return Options(chosen, wanted | {name for name in UNASKED if SINCE[name] <= chosen}, prefix)
