"""How the gateway takes part in a supergraph: the version of Apollo Federation, printed directives, names' prefix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from gateway.settings.api_keys import KEYS, ApiKey
from gateway.settings.environment import BadSetting
from gateway.settings.kinds import InvalidValue, ValueKind, listed
from gateway.settings.table import SettingsGroup, SettingsTable


class FederationVersion(NamedTuple):
    """A version of the Apollo Federation specification."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


OLDEST, NEWEST = FederationVersion(2, 0), FederationVersion(2, 12)
DEFAULT = FederationVersion(2, 9)
"""The latest that every composer knows."""
WRITTEN = re.compile(r"2\.\d{1,2}")
PREFIX = re.compile(r"(?!.*__)[A-Za-z][A-Za-z0-9_]{0,39}")
"""What may be put before names; two underscores together are Federation's own."""
NAME_START = "up to 40 letters, digits and single underscores, a letter first"

SINCE = {
    "tag": FederationVersion(2, 0),
    "authenticated": FederationVersion(2, 5),
    "requiresScopes": FederationVersion(2, 5),
    "cost": FederationVersion(2, 9),
    "listSize": FederationVersion(2, 9),
}
"""The directives that may be printed, and the version that each came with."""
UNASKED = frozenset({"tag", "cost", "listSize"})
"""Those that are printed wherever the version has them. The others keep some routers from starting."""


class Options(msgspec.Struct, frozen=True):
    """How the subgraph's text is written.

    Attributes:
        version: The version of the specification.
        directives: The directives of `SINCE` that are printed.
        prefix: What is put before the names of types, inputs, enums and root fields; empty where nothing is.
    """

    version: FederationVersion = DEFAULT
    directives: frozenset[str] = UNASKED
    prefix: str = ""


def options(version: str = "", directives: Iterable[str] = (), prefix: str = "") -> Options:
    """Options as they are written.

    Args:
        version: Such as `2.9`; the default where empty.
        directives: The names of further directives.
        prefix: What is put before names; empty where nothing is.

    Raises:
        InvalidValue: The version is not known, a directive came after it, or no name can begin with the prefix.
    """
    chosen = _version(version) if version else DEFAULT
    wanted = frozenset(map(_directive, directives))
    for name in sorted(wanted):
        if SINCE[name] > chosen:
            raise InvalidValue(f"@{name} came with version {SINCE[name]}, which is after {chosen}")
    return Options(
        chosen, wanted | {name for name in UNASKED if SINCE[name] <= chosen}, _prefix(prefix) if prefix else ""
    )


def _version(text: str) -> FederationVersion:
    version = FederationVersion(*map(int, text.split("."))) if WRITTEN.fullmatch(text) else None
    if version is None or not OLDEST <= version <= NEWEST:
        raise InvalidValue(f'"{text[:20]}" is not a version from {OLDEST} to {NEWEST}')
    return version


def _directive(text: str) -> str:
    name = text.removeprefix("@")
    if name not in SINCE:
        raise InvalidValue(f'"{text[:40]}" is not one of {", ".join(SINCE)}')
    return name


def _prefix(text: str) -> str:
    if not PREFIX.fullmatch(text):
        raise InvalidValue(f'"{text[:40]}" cannot begin a name: {NAME_START}')
    return text


VERSION = ValueKind(read=_version, expected=f"a version from {OLDEST} to {NEWEST}")
DIRECTIVES = listed(
    ValueKind(read=_directive, expected="a directive"), most=len(SINCE), what="directives", example="requiresScopes"
)
NAME_PREFIX = ValueKind(read=_prefix, expected=NAME_START)


class FederationSettings(SettingsGroup, frozen=True, kw_only=True):
    """What is set of federation."""

    enabled: Annotated[
        bool, Meta(title="GATEWAY_FEDERATION", description="whether routers are answered (`_service`, `_entities`)")
    ] = False
    version: Annotated[
        FederationVersion,
        VERSION,
        Meta(
            title="GATEWAY_FEDERATION_VERSION",
            description="version of Apollo Federation that the subgraph's text is written in",
        ),
    ] = DEFAULT
    directives: Annotated[
        frozenset[str],
        DIRECTIVES,
        Meta(
            title="GATEWAY_FEDERATION_DIRECTIVES",
            description="directives that are printed though some routers do not start with them: `authenticated`, "
            "`requiresScopes`; `tag`, `cost` and `listSize` are printed wherever the version has them",
        ),
    ] = frozenset()
    prefix: Annotated[
        str,
        NAME_PREFIX,
        Meta(
            title="GATEWAY_FEDERATION_PREFIX",
            description="put before the name of every type, input and enum of the subgraph and, in camelCase, of every "
            "root field, so that none is another subgraph's: `Sales` makes `SalesUser` and `salesUser`",
        ),
    ] = ""
    router_keys: Annotated[
        tuple[ApiKey, ...],
        KEYS,
        Meta(
            title="GATEWAY_ROUTER_KEYS",
            description="what a router identifies itself by, in the header `Router-Authorization`, in the form of "
            "`GATEWAY_API_KEYS`; where set, nobody else is answered by `_service` and `_entities`",
        ),
    ] = ()

    def check(self) -> Iterator[BadSetting]:
        """The directives are ones that the version has."""
        try:
            self.options  # noqa: B018 - may raise
        except InvalidValue as error:
            wrong = f"{error}; set GATEWAY_FEDERATION_VERSION to that or a later one, or leave it out"
            yield BadSetting("GATEWAY_FEDERATION_DIRECTIVES", wrong)

    @property
    def options(self) -> Options:
        """How the subgraph's text is written."""
        return options(str(self.version), self.directives, self.prefix)


FEDERATION = SettingsTable(
    "Federation",
    FederationSettings,
    about="See [federation](federation.md).",
    example="GATEWAY_FEDERATION=on\nGATEWAY_ROUTER_KEYS_FILE=/run/secrets/router_keys",
)
