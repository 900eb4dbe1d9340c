"""A real `meeting-gateway serve` as a child process over emulated upstreams, and clients that count what is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

LONGEST = 120
"""Seconds that anything may take on a busy machine; nothing is waited for longer than it takes."""

PLENTY = {
    "SALESLOFT_RATE_LIMIT": "1000000",
    "DRIFT_RATE_LIMIT": "1000000",
    "GATEWAY_CLIENT_RATE": "1000000",
    "GATEWAY_CLIENT_COST": "1000000",
}
PAUSE = 0.05
"""Seconds between two looks at what a child does by itself."""


@dataclass(frozen=True)
class Child:
    """A gateway that serves.

    Attributes:
        url: Where.
        process: The process that was started; with workers, their supervisor.
        log: The file with its log lines, in JSON.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, object]]:
        """What it has logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def workers(self) -> set[int]:
        """Its worker processes, by id: uvicorn starts them by `spawn`, beside multiprocessing's own tracker."""
        return {pid for pid in children_of(self.process.pid) if b"spawn_main" in command_of(pid)}

    def ended(self) -> int:
        """The exit code, waited for."""
        return self.process.wait(LONGEST)


def children_of(parent: int) -> list[int]:
    """The direct children of a process."""
    tasks = Path(f"/proc/{parent}/task")
    return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


def command_of(pid: int) -> bytes:
    """A process's command line; empty where it has just ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextlib.contextmanager
def serving(folder: Path, settings: Mapping[str, str], *, workers: int = 1) -> Iterator[Child]:
    """A gateway with these settings, ready; whatever is left of it in the end is killed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GATEWAY_", "SALESLOFT_", "DRIFT_", "OTEL_"))}
    log = folder / f"serve-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "gateway", "serve", "--port", "0", "--log-format", "json"]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "--workers", str(workers)],
            env={**kept, **PLENTY, **settings},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        child = Child("", process, log)
        wait_until(lambda: any("url" in line for line in child.lines()), process)
        (url,) = [str(line["url"]) for line in child.lines() if "url" in line]
        yield Child(url.removesuffix("/graphql"), process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LONGEST)


def wait_until(true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Waits for something that a process does by itself, as long as it lives."""
    end = time.monotonic() + LONGEST
    while not true():
        assert process.poll() is None, "the gateway ended"
        assert time.monotonic() < end, "the gateway took too long"
        time.sleep(PAUSE)


@dataclass
class Load:
    """Clients that ask one after another, on connections that they keep for as long as the gateway does.

    Attributes:
        answered: How many requests were answered with 200 and data.
        lost: What became of the others, by kind.
        on: Whether clients go on asking.
    """

    url: str
    queries: Sequence[str]
    answered: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    on: bool = True

    async def client(self) -> None:
        """One client, with one connection."""
        connector = aiohttp.TCPConnector(limit=1)
        timeout = aiohttp.ClientTimeout(total=LONGEST)
        # A client that sent a request again by itself would hide that it was lost.
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, middlewares=(once,)) as session:
            for query in itertools.cycle(self.queries):
                if not self.on:
                    break
                try:
                    async with session.post(f"{self.url}/graphql", json={"query": query}) as response:
                        body = await response.json()
                        good = response.status == 200 and "errors" not in body
                except (OSError, aiohttp.ClientError, TimeoutError) as error:
                    self.lost[type(error).__name__] += 1
                else:
                    self.answered += good
                    self.lost[f"status {response.status}"] += not good

    @contextlib.asynccontextmanager
    async def running(self, clients: int) -> AsyncIterator[None]:
        """Lets clients ask within the block; all that was asked is answered, or lost, when it ends."""
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self.client())
            try:
                yield
            finally:
                self.on = False


async def once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending again what a closed connection did not answer."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Lost from error


class Lost(aiohttp.ClientError):
    """A request that the server neither answered nor refused."""
