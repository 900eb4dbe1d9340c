"""Settings of live updates."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.settings.table import SettingsGroup, SettingsTable


class LiveSettings(SettingsGroup, frozen=True, kw_only=True):
    """Subscriptions, the log of changes, and how it is learnt of them."""

    enabled: Annotated[
        bool,
        Meta(title="GATEWAY_LIVE", description="whether there are subscriptions, a log of changes, and polling for it"),
    ] = True
    poll: Annotated[
        int,
        Meta(
            title="GATEWAY_POLL",
            ge=1,
            le=3600,
            description="seconds between two looks at a source whose webhooks are missing or silent, while somebody "
            "listens",
        ),
    ] = 30
    changes: Annotated[
        int,
        Meta(
            title="GATEWAY_CHANGES_KEPT",
            ge=1,
            le=1_000_000,
            description="changes that the log holds; none is older than a day",
        ),
    ] = 10_000
    subscriptions: Annotated[
        int,
        Meta(
            title="GATEWAY_SUBSCRIPTIONS",
            ge=1,
            le=100_000,
            description="open subscriptions of one client; ten times as many in one process",
        ),
    ] = 20


LIVE = SettingsTable(
    "Live updates",
    LiveSettings,
    about="See [live updates](live.md).",
    example="GATEWAY_POLL=60\nGATEWAY_SUBSCRIPTIONS=50",
)
