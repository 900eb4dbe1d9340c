"""The emulators on loopback sockets, in the running event loop, over one world."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.emulator.calendly.api import CalendlyEmulator, CalendlyOptions
from gateway.emulator.conditions import VENDORS, Conditions
from gateway.emulator.door import Call, Clock
from gateway.emulator.drift import DriftEmulator, DriftOptions
from gateway.emulator.faults import Faults
from gateway.emulator.life import Life
from gateway.emulator.salesloft.api import SalesloftEmulator, SalesloftOptions
from gateway.emulator.world import World

LOG = logging.getLogger("gateway.emulator")
_GRACE = 1.0


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with a log of its own and the transport within reach of the faults."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = LOG
        self.access_log = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class LoopbackServer:
    """A listening socket on loopback that serves an ASGI application through uvicorn's protocol.

    uvicorn's `Server` is left out: it brings signal handlers, log lines and a tenth of a second a stop.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, websockets: type[asyncio.Protocol] | None = None) -> None:
        self._config = Config(
            app,
            lifespan="off",
            ws=websockets or "none",
            ws_per_message_deflate=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )
        self._state = ServerState()
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL; its port stays the same when the listener closes and opens again."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def accept(self) -> None:
        """Open the socket, unless it is open.

        Raises:
            OSError: the port is taken.
        """
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._protocol, self._host, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close the socket and whatever hangs on it: who connects now is refused. Returns within about a second."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        tasks = set(self._state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_GRACE)
            for task in late:
                task.cancel()
        await asyncio.sleep(0)
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), _GRACE)

    def _protocol(self) -> asyncio.Protocol:
        return _Protocol(config=self._config, server_state=self._state, app_state={})


@asynccontextmanager
async def serve(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, websockets: type[asyncio.Protocol] | None = None
) -> AsyncIterator[str]:
    """Serve an application for as long as the block runs; port 0 takes a free one.

    Args:
        app: what is served.
        host: a loopback address.
        port: where.
        websockets: uvicorn's protocol for WebSocket connections; none are taken without one.

    Yields:
        The base URL.
    """
    listener = LoopbackServer(app, host, port, websockets)
    await listener.accept()
    try:
        yield listener.url
    finally:
        await listener.refuse()


@dataclass(frozen=True)
class Emulated:
    """What all emulated vendors have in common once they listen.

    Attributes:
        url: the base URL.
        token: the credential it accepts.
        calls: its log; the same list for ever, emptied by `app.door.reset()`.
        faults: what goes wrong with it.
        listener: closes and opens its port.
    """

    url: str
    token: str = field(repr=False)
    calls: list[Call] = field(repr=False)
    faults: Faults
    listener: LoopbackServer


@dataclass(frozen=True)
class EmulatedSalesloft(Emulated):
    """Salesloft, listening."""

    app: SalesloftEmulator


@dataclass(frozen=True)
class EmulatedDrift(Emulated):
    """Drift, listening."""

    app: DriftEmulator


@dataclass(frozen=True)
class EmulatedCalendly(Emulated):
    """Calendly, listening."""

    app: CalendlyEmulator


@dataclass(frozen=True)
class Emulators:
    """The vendors over one world."""

    world: World
    clock: Clock
    salesloft: EmulatedSalesloft
    drift: EmulatedDrift
    calendly: EmulatedCalendly
    life: Life

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        clock: Clock | None = None,
        seed: int = 7,
        world: World | None = None,
        salesloft: SalesloftOptions | None = None,
        drift: DriftOptions | None = None,
        calendly: CalendlyOptions | None = None,
        host: str = "127.0.0.1",
        ports: Mapping[str, int] | None = None,
        conditions: Conditions | None = None,
        live: bool = False,
    ) -> AsyncGenerator["Emulators", None]:
        """Start them, and stop them when the block ends.

        Args:
            clock: the emulators' time; the real one by default.
            seed: of the world and the tokens.
            world: one made before, instead of the seeded one around the clock's present moment.
            salesloft: its options.
            drift: its options.
            calendly: its options.
            host: a loopback address.
            ports: by vendor, where it is to be a certain one.
            conditions: of the day, beside the options; a good one by default.
            live: whether meetings are booked, moved and cancelled as time goes by.

        Raises:
            OSError: a port is taken.
        """
        tell = clock or _now
        truth = world or World.seeded(tell(), seed)
        day = conditions or Conditions()
        salesloft = replace(salesloft or SalesloftOptions(), **day.options())
        drift = replace(drift or DriftOptions(), **day.options())
        calendly = replace(calendly or CalendlyOptions(), **day.options())
        rng = Random(f"{seed}:tokens")
        hub = SalesloftEmulator(truth, clock=tell, token=f"ak{rng.getrandbits(256):064x}", options=salesloft)
        chat = DriftEmulator(truth, clock=tell, token=f"{rng.getrandbits(128):032x}", options=drift)
        book = CalendlyEmulator(truth, clock=tell, token=f"eyJ{rng.getrandbits(256):064x}", options=calendly)
        apps: tuple[SalesloftEmulator | DriftEmulator | CalendlyEmulator, ...] = (hub, chat, book)
        listeners = [
            LoopbackServer(app, host, (ports or {}).get(name, 0)) for name, app in zip(VENDORS, apps, strict=True)
        ]

        def parts(place: int) -> dict[str, Any]:
            app, listener = apps[place], listeners[place]
            return {
                "url": listener.url,
                "token": app.token,
                "calls": app.door.calls,
                "faults": app.door.faults,
                "listener": listener,
            }

        life = Life(truth, hub.webhooks, book.webhooks, tell, seed)
        living = [asyncio.ensure_future(life.go_on())] if live else []
        try:
            for vendor, app, listener in zip(VENDORS, apps, listeners, strict=True):
                await listener.accept()
                day.apply(app.door.faults, Random(f"{seed}:{vendor}:failing"))
                if vendor in day.down:
                    await listener.refuse()
            yield cls(
                world=truth,
                clock=tell,
                salesloft=EmulatedSalesloft(**parts(0), app=hub),
                drift=EmulatedDrift(**parts(1), app=chat),
                calendly=EmulatedCalendly(**parts(2), app=book),
                life=life,
            )
        finally:
            for task in living:
                task.cancel()
            await asyncio.gather(*living, return_exceptions=True)
            await life.close()
            for listener in listeners:
                await listener.refuse()

    def of(self, vendor: str) -> Emulated:
        """One of them by its name."""
        emulated: Emulated = getattr(self, vendor)
        return emulated

    def reset(self) -> None:
        """Forget calls and faults of all."""
        for emulated in (self.salesloft, self.drift, self.calendly):
            emulated.app.door.reset()


def _now() -> datetime:
    return datetime.now(UTC)
