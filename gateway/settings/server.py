"""Where the gateway listens and how long things may take, as it is set."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.settings.kinds import FilePath, Host
from gateway.settings.table import SettingsGroup, SettingsTable

PORTS = 65_535
HOST_NAME = "GATEWAY_HOST"
LOOPBACK = "127.0.0.1"


class ServerSettings(SettingsGroup, frozen=True, kw_only=True):
    """The process that serves."""

    host: Annotated[Host, Meta(title=HOST_NAME, description="address to listen on")] = LOOPBACK
    port: Annotated[
        int, Meta(title="GATEWAY_PORT", ge=0, le=PORTS, description="port to listen on; 0 takes a free one")
    ] = 8000
    deadline: Annotated[
        float,
        Meta(
            title="GATEWAY_DEADLINE",
            ge=0.1,
            le=600,
            description="seconds for one GraphQL operation, upstream waits included",
        ),
    ] = 25.0
    drain: Annotated[
        float,
        Meta(
            title="GATEWAY_DRAIN",
            ge=0,
            le=600,
            description="seconds between dropping readiness and closing on SIGTERM",
        ),
    ] = 2.0
    off_file: Annotated[
        FilePath,
        Meta(
            title="GATEWAY_OFF_FILE",
            description="path of a file that names the sources which are switched off (`DRIFT`); looked at every "
            "second, and need not exist",
        ),
    ] = None


SERVER = SettingsTable("Server", ServerSettings, example="GATEWAY_HOST=0.0.0.0\nGATEWAY_PORT=8080\nGATEWAY_DRAIN=5")
