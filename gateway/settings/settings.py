"""Every setting, read once at the start and validated whole; secrets are wrapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from gateway.settings.caching import CACHING, CacheSettings
from gateway.settings.clients import ACCESS, BROWSERS, LIMITS, AccessSettings, BrowserSettings, LimitSettings
from gateway.settings.environment import ENV_FILE, BadSetting, BadSettings
from gateway.settings.federation import FEDERATION, FederationSettings
from gateway.settings.kinds import is_loopback
from gateway.settings.lifetimes import LIFETIMES, RecordLifetimes
from gateway.settings.live import LIVE, LiveSettings
from gateway.settings.server import SERVER, ServerSettings
from gateway.settings.sources import SOURCES, SourceSettings
from gateway.settings.table import SettingsGroup, SettingsReader, SettingsTable
from gateway.settings.telemetry import METRICS, TRACING, MetricsSettings, TracingSettings

G = TypeVar("G", bound=SettingsGroup)

GROUPS: Mapping[str, SettingsTable[SettingsGroup]] = {
    "server": SERVER,
    "cache": CACHING,
    "lifetimes": LIFETIMES,
    "access": ACCESS,
    "browsers": BROWSERS,
    "limits": LIMITS,
    "live": LIVE,
    "federation": FEDERATION,
    "metrics": METRICS,
    "tracing": TRACING,
}
"""The table of each group of `Settings`."""

TABLES: tuple[SettingsTable[SettingsGroup], ...] = (*SOURCES, *GROUPS.values())
"""Every setting but `GATEWAY_ENV_FILE`, in the order of the documentation."""

NAMES = frozenset({ENV_FILE, *(name for table in TABLES for row in table.rows for name in row.names)})
"""Every variable that is a setting."""

PREFIXES = ("GATEWAY_", *(f"{table.prefix}_" for table in SOURCES))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set.

    Attributes:
        sources: Each source, on or off.
        server: Where to listen, and how long things may take.
        cache: Where answers are cached, and what replicas share.
        lifetimes: How long they are.
        access: Who may ask.
        browsers: What browsers may do, and what tools are shown.
        limits: How much.
        live: What is told of changes as they happen.
        federation: Whether, and how, it is part of a supergraph.
        metrics: What Prometheus may read.
        tracing: What OpenTelemetry gets.
        warnings: Sentences about what is valid and could be better.
    """

    sources: tuple[SourceSettings, ...]
    server: ServerSettings
    cache: CacheSettings
    lifetimes: RecordLifetimes
    access: AccessSettings
    browsers: BrowserSettings
    limits: LimitSettings
    live: LiveSettings
    federation: FederationSettings
    metrics: MetricsSettings
    tracing: TracingSettings
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(cls, variables: Mapping[str, str], checks: Iterable[Check] = ()) -> Settings:
        """The settings that an environment holds.

        Args:
            variables: The environment.
            checks: What else has to hold.

        Raises:
            BadSetting: One or several of them are not valid; all are named.
        """
        reader = SettingsReader(variables)
        settings = cls._read(reader)
        faults = [*reader.faults, *(fault for check in checks for fault in check.faults(settings, reader.faulty))]
        _raise(faults)
        unknown = reader.environment.unknown(PREFIXES, NAMES)
        return msgspec.structs.replace(settings, warnings=(*reader.warnings, *unknown))

    @classmethod
    def _read(cls, reader: SettingsReader) -> Settings:
        sources = tuple(map(reader.read, SOURCES))
        groups: dict[str, Any] = {name: reader.read(table) for name, table in GROUPS.items()}
        return cls(sources=sources, **groups)

    def reread(self, variables: Mapping[str, str]) -> ReloadedSettings:
        """These settings with the secrets that are set by now; all else stays as it was at the start.

        Args:
            variables: The environment; its secrets may be in files.
        """
        reader = SettingsReader(variables)
        new = self._read(reader)
        faults = list(reader.faults)
        if ENV_FILE in reader.faulty:
            return ReloadedSettings(self, faults=tuple(map(str, faults)))
        replaced: list[str] = []
        pending: list[str] = []

        def merged(table: SettingsTable[G], before: G, now: G) -> G:
            changed = [
                row
                for row in table.rows
                if getattr(before, row.field) != getattr(now, row.field) and not reader.faulty.intersection(row.names)
            ]
            secrets = [row for row in changed if row.kind.secret or row.kind.live]
            group = msgspec.structs.replace(before, **{row.field: getattr(now, row.field) for row in secrets})
            if wrong := list(group.check()):
                faults.extend(wrong)
                return before
            replaced.extend(row.name for row in secrets)
            pending.extend(row.name for row in changed if row not in secrets)
            return group

        groups = {name: merged(table, getattr(self, name), getattr(new, name)) for name, table in GROUPS.items()}
        sources = tuple(map(merged, SOURCES, self.sources, new.sources))
        settings = msgspec.structs.replace(self, sources=sources, **groups)
        return ReloadedSettings(settings, tuple(replaced), tuple(pending), tuple(dict.fromkeys(map(str, faults))))

    def source(self, name: str) -> SourceSettings:
        """One source's settings, by its name in the enum `Source`."""
        return next(source for source in self.sources if source.name == name)


class ReloadedSettings(msgspec.Struct, frozen=True):
    """What came of reading the settings again while they are in use.

    Attributes:
        settings: Those that hold now.
        replaced: The secrets that are others than before.
        pending: Settings that are others by now, and will be used from the next start on.
        faults: A line for each setting that is not valid any more; what was read before stays in use.
    """

    settings: Settings
    replaced: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class Check(msgspec.Struct, frozen=True):
    """What has to hold of several groups together, or of what settings name.

    Attributes:
        find: What is wrong.
        tables: What it looks at; it is not asked where something there is not valid already.
    """

    find: Callable[[Settings], Iterable[BadSetting]]
    tables: tuple[SettingsTable[SettingsGroup], ...]

    def faults(self, settings: Settings, faulty: frozenset[str]) -> list[BadSetting]:
        """What is wrong, as far as it can be said."""
        names = {name for table in self.tables for row in table.rows for name in row.names}
        return [] if names & faulty or ENV_FILE in faulty else list(self.find(settings))


def read_group(table: SettingsTable[G], variables: Mapping[str, str]) -> G:
    """One group's settings; others are not looked at.

    Raises:
        BadSetting: One or several of them are not valid.
    """
    reader = SettingsReader(variables)
    group = reader.read(table)
    _raise(reader.faults)
    return group


def _raise(faults: list[BadSetting]) -> None:
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise BadSettings(faults)


def _no_source(settings: Settings) -> Iterable[BadSetting]:
    if not any(source.enabled for source in settings.sources):
        names = " or ".join(f"{source.name}_TOKEN" for source in settings.sources)
        yield BadSetting(names, "no source is on; set one of them (or try 'meeting-gateway demo', which needs none)")


def _open_to_all(settings: Settings) -> Iterable[BadSetting]:
    host = settings.server.host
    if not is_loopback(host) and not settings.access.required and settings.access.auth is None:
        yield BadSetting(
            "GATEWAY_AUTH",
            f"{host} can be reached from elsewhere and no credential is asked for; set GATEWAY_API_KEYS or "
            "GATEWAY_JWKS_URL, or write GATEWAY_AUTH=none",
        )


SOURCE_ON = Check(_no_source, SOURCES)
"""There is something to serve."""

GUARDED = Check(_open_to_all, (SERVER, ACCESS))
"""Nobody serves without credentials by oversight."""
