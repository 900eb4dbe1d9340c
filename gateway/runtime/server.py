"""Runs the application under uvicorn: one process or several, on a socket that is opened before anything starts."""

from __future__ import annotations

import contextlib
import errno
import gc
import math
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from gateway.runtime.connection import LARGEST_MESSAGE, ClientConnection, ClientSocket
from gateway.runtime.supervisor import Supervisor
from gateway.settings.environment import BadSetting
from gateway.settings.settings import Settings

BACKLOG = 2048
CLOSING_GRACE = 2
"""Seconds beyond the deadline that a stop waits for requests in progress."""

KEEP_ALIVE = 75
"""Seconds before an idle connection is closed: longer than load balancers reuse theirs, so that none races a close."""

WORKER_HEALTH = 30
"""Seconds within which a worker has to show that it lives, or it is replaced; and to get ready where it replaces
another one, or that one stays: on a busy machine starting takes over 10."""

COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names prometheus-client's folder for several processes."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; connections wait in it until the application is up.

    Raises:
        BadSetting: The address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise BadSetting(
                "GATEWAY_HOST", f'"{host[:60]}" is not an address of this machine; try 127.0.0.1'
            ) from None
        reason = os.strerror(error.errno or errno.EIO).lower()
        wrong = f"cannot listen on {host} port {port}: {reason}; choose another with --port"
        raise BadSetting("GATEWAY_PORT", wrong) from None


def address(host: str, listener: socket.socket) -> str:
    """The URL that a listening socket is reached at from here."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - the name for all addresses
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"


def run(
    settings: Settings,
    listener: socket.socket,
    application: Callable[[], Starlette],
    *,
    workers: int,
    check: Callable[[], object],
) -> None:
    """Serves until SIGTERM or SIGINT.

    Args:
        settings: What the application's environment holds.
        listener: Where to listen; closed in the end.
        application: Makes it, in this process or in each worker's; can be pickled.
        workers: How many processes.
        check: Checks that workers could be started again; raises `BadSetting`.
    """
    config = uvicorn.Config(
        application,
        factory=True,
        http=ClientConnection,
        ws=ClientSocket,
        ws_max_size=LARGEST_MESSAGE,
        ws_ping_interval=None,  # heartbeats are the protocol's own
        ws_per_message_deflate=False,  # a compressor a connection takes more memory than all else
        workers=workers,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.server.deadline) + CLOSING_GRACE,
        timeout_worker_healthcheck=WORKER_HEALTH,
    )
    with listener, _quiet_end():
        if workers > 1:
            with _workers_deaf_to_terminals():
                Supervisor(config, [listener], check=check).run()
        else:
            uvicorn.Server(config).run(sockets=[listener])


@contextlib.contextmanager
def counts_of(workers: int) -> Iterator[Path | None]:
    """A folder where several workers leave what they count, as prometheus-client has it; None for one process.

    The library reads the variable when it is imported, which every worker does with this environment.

    Raises:
        BadSetting: No folder can be made.
    """
    if workers == 1:
        yield None
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix="meeting-gateway-", ignore_cleanup_errors=True)
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO).lower()
        raise BadSetting("TMPDIR", f"several workers need a folder for their counts: {reason}; name one") from None
    with folder as path:
        os.environ[COUNTS] = path
        yield Path(path)


@contextlib.contextmanager
def _quiet_end() -> Iterator[None]:
    """Lets a process that was asked to end, and did so cleanly, end with 0: uvicorn raises the signal once more."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _workers_deaf_to_terminals() -> Iterator[None]:
    """Lets workers end by their supervisor's SIGTERM alone.

    A terminal's Ctrl-C, or its end, reaches every process in it, workers too that are still importing and would say so
    at length. They inherit this thread's signal mask; another thread keeps the signals deliverable to this process.
    """
    resource_tracker.ensure_running()  # unblocks the signal when it starts, so not later
    ended = threading.Event()
    threading.Thread(target=ended.wait, name="signals", daemon=True).start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        ended.set()


GC_THRESHOLDS = 10_000, 20, 50
"""Allocations, and collections of each generation, before the next one is collected. Answers are made of rows that the
collector does not follow and of short-lived lists, so that looking for cycles more often finds nothing."""


def tune() -> None:
    """Excludes existing objects (modules, schema) from garbage collection, and makes collections rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
