"""Where the sources' answers are cached, and who shares them and the budgets, as it is set."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.settings.kinds import CACHE, MEMORY, Unset
from gateway.settings.table import SettingsGroup, SettingsTable
from gateway.upstream.credentials import Secret

MEGABYTE = 1024 * 1024


class CacheSettings(SettingsGroup, frozen=True, kw_only=True):
    """Where records are cached between requests."""

    url: Annotated[
        Secret | None,
        CACHE,
        Unset(f"`{MEMORY}`"),
        Meta(
            title="GATEWAY_CACHE_URL",
            description="the Redis or Valkey that replicas share cache and budget through; with `memory://` each "
            "process has its own",
        ),
    ] = None
    size: Annotated[
        int,
        Meta(
            title="GATEWAY_CACHE_SIZE",
            ge=1,
            le=65_536,
            description="megabytes of memory that the cached records of one process may take",
        ),
    ] = 128
    replicas: Annotated[
        int,
        Meta(
            title="GATEWAY_REPLICAS",
            ge=1,
            le=1000,
            description="how many gateways share the upstream budgets where no Redis counts them; each worker then has "
            "the limit divided by replicas and by workers",
        ),
    ] = 1

    @property
    def bytes(self) -> int:
        """The memory that the cached records of one process may take."""
        return self.size * MEGABYTE


CACHING = SettingsTable(
    "Caching and replicas",
    CacheSettings,
    example="GATEWAY_CACHE_URL=redis://cache:6379/0\nGATEWAY_CACHE_SIZE=256",
)
