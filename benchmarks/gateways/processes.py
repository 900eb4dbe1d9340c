"""Processes that serve on loopback: started, waited for, looked at through /proc, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
STARTING = 60.0
"""Seconds within which a server has to listen."""

ENDING = 5.0


class NotUpError(Exception):
    """A server that cannot be measured, and why."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A process with what it starts.

    Args:
        command: What to start.
        port: Where it will listen.
        environment: Variables beside this process's.
        folder: Where to start it.
    """

    def __init__(
        self, command: Sequence[str | Path], port: int, environment: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self.port = port
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Waits until it listens.

        Raises:
            NotUpError: It ends before, or takes too long.
        """
        until = time.monotonic() + STARTING
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise NotUpError(f"ended with {self._process.returncode} when it was started")
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise NotUpError(f"did not listen within {STARTING:.0f} s")

    def end(self) -> None:
        """Ends it, and what it started."""
        pids = self.pids()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        self._process.wait(ENDING)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def pids(self) -> list[int]:
        """The process and all that descend from it."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(OSError):
                    children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
        found = [self._process.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def cpu(self) -> float:
        """Seconds of CPU that they have used."""
        used = 0
        for pid in self.pids():
            with suppress(OSError):
                fields = _stat(pid)
                used += int(fields[11]) + int(fields[12])
        return used / TICKS

    def peak(self) -> float:
        """The most megabytes that each has had resident, added up."""
        total = 0
        for pid in self.pids():
            with suppress(OSError):
                lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return total / 1024


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()
