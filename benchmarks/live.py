"""Live updates: what open subscriptions take while nothing happens, what a change takes, and how late it comes.

python benchmarks/live.py [SUBSCRIPTIONS [CHANGES [IDLE]]]      prints a line of JSON

A gateway as it is served, over emulated vendors that deliver webhooks; its subscribers are server-sent events over
loopback. CPU and memory are the gateway's own. A change is everything from the delivery to the last subscriber.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.gateways.peers import ours
from benchmarks.gateways.processes import Server
from gateway.commands.demo import emulated, variables
from gateway.emulator.conditions import Conditions
from gateway.emulator.server import Emulators
from gateway.emulator.table import Row

SECRET = "benchmark"  # noqa: S105 - of an emulated vendor
EVENTS = """subscription ($filter: MeetingFilter) { meetingChanged(filter: $filter) { kind meetingId cursor at
  meeting { id title startTime endTime status person { name } owner { name } } } }"""
MARK = b"event: next"
TOGETHER = 50
"""Subscriptions that are opened at a time."""

LONGEST = 30.0
LATE = 0.05
"""Seconds that the vendor takes for an answer where lateness is measured."""

NANOSECONDS = 1e9
SETTINGS = {
    "SALESLOFT_WEBHOOK_SECRETS": SECRET,
    "SALESLOFT_RATE_LIMIT": "600",
    "GATEWAY_SUBSCRIPTIONS": "10000",
    "GATEWAY_POLL": "3600",
    "GATEWAY_DRAIN": "0",
}


@dataclass
class Crowd:
    """Subscribers.

    Attributes:
        events: How many events all of them have got since it was set to 0.
        wanted: How many are waited for.
    """

    events: int = 0
    wanted: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    transports: list[asyncio.Transport] = field(default_factory=list)

    def expect(self, events: int) -> None:
        """Begins to count anew."""
        self.events, self.wanted = 0, events
        self.reached.clear()

    async def arrived(self) -> None:
        """Waits for what is expected."""
        async with asyncio.timeout(LONGEST):
            await self.reached.wait()

    async def open(self, server: Server, filters: Sequence[Any]) -> None:
        """Opens a subscription for each of some filters."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(filters), TOGETHER):
            some = filters[start : start + TOGETHER]
            self.expect(len(some))
            for each in some:
                body = json.dumps({"query": EVENTS, "variables": {"filter": each}}).encode()
                transport, _ = await loop.create_connection(lambda: _Subscriber(self), "127.0.0.1", server.port)
                self.transports.append(transport)
                transport.write(
                    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
                    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                )
            await self.arrived()

    def close(self) -> None:
        """Leaves."""
        for transport in self.transports:
            transport.abort()


class _Subscriber(asyncio.Protocol):
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def data_received(self, data: bytes) -> None:
        crowd = self._crowd
        crowd.events += data.count(MARK)
        if crowd.events >= crowd.wanted:
            crowd.reached.set()


class Stand:
    """A gateway over emulated vendors, and a meeting that changes.

    Args:
        server: The gateway.
        emulators: The vendors.
    """

    def __init__(self, server: Server, emulators: Emulators) -> None:
        self.server = server
        self._emulators = emulators
        rows = emulators.world.salesloft.meetings.values()
        self._row = next(row for row in rows if row["canceled_at"] is None and row.get("person"))
        self._changes = 0

    def cpu(self) -> float:
        """Seconds of CPU that the gateway has used, to the nanosecond."""
        return sum(_scheduled(pid) for pid in self.server.pids())

    def resident(self) -> float:
        """Megabytes that it has in memory."""
        (pid, *_) = self.server.pids()
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    async def executions(self, session: aiohttp.ClientSession) -> float:
        """Operations that the gateway has run."""
        async with session.get(f"http://127.0.0.1:{self.server.port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        name = "gateway_operations_executed_total{"
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    async def change(self, session: aiohttp.ClientSession) -> None:
        """Changes the meeting, and has it delivered."""
        self._changes += 1
        now = time.time()
        row: Row = self._row
        row["title"] = f"Changed {self._changes} times"
        row["updated_at"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z"
        self._emulators.world.touch()
        body = json.dumps(row).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Salesloft-Event": "meeting_updated",
            "X-Salesloft-Signature": hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest(),
        }
        url = f"http://127.0.0.1:{self.server.port}/webhooks/salesloft"
        async with session.post(url, data=body, headers=headers) as answer:
            answer.raise_for_status()


def _scheduled(pid: int) -> float:
    return sum(
        int(task.joinpath("schedstat").read_text(encoding="ascii").split()[0]) / NANOSECONDS
        for task in Path(f"/proc/{pid}/task").iterdir()
    )


async def fan_out(stand: Stand, filters: Sequence[Any], changes: int, idle: float) -> dict[str, float]:
    """What subscriptions with these filters take: each MB and percent for all, a change in ms and executions."""
    crowd = Crowd()
    async with aiohttp.ClientSession() as session:
        try:
            await crowd.open(stand.server, filters[:1])  # warm
            before = stand.resident()
            await crowd.open(stand.server, filters[1:])
            memory = stand.resident() - before
            used = stand.cpu()
            await asyncio.sleep(idle)
            percent = (stand.cpu() - used) / idle * 100
            taken, executed = [], []
            for _ in range(changes + 1):  # the first is for warming up
                ran = await stand.executions(session)
                crowd.expect(len(filters))
                used = stand.cpu()
                await stand.change(session)
                await crowd.arrived()
                taken.append((stand.cpu() - used) * 1e3)
                executed.append(await stand.executions(session) - ran)
        finally:
            crowd.close()
    return {
        "memory": memory,
        "idle": percent,
        "cpu": statistics.median(taken[1:]),
        "executions": max(executed),
    }


async def lag(stand: Stand, changes: int) -> dict[str, float]:
    """Milliseconds from a delivery to its event, the half second in which deliveries are collected included."""
    crowd, times = Crowd(), []
    async with aiohttp.ClientSession() as session:
        try:
            await crowd.open(stand.server, [None])
            for _ in range(changes):
                crowd.expect(1)
                began = time.perf_counter()
                await stand.change(session)
                await crowd.arrived()
                times.append((time.perf_counter() - began) * 1e3)
        finally:
            crowd.close()
    return {"p50": statistics.median(times), "p99": statistics.quantiles(times, n=100, method="inclusive")[98]}


def measure(count: int, changes: int, idle: float) -> dict[str, dict[str, float]]:
    """All of it, by what is measured."""
    earliest = [f"2020-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z" for number in range(count)]
    crowds: dict[str, list[Any]] = {
        "equal": [None] * count,
        "filters": [{"createdAt": {"gte": moment}} for moment in earliest],
    }
    found = {}
    for name, filters in crowds.items():
        with emulated() as emulators:
            stand = _stand(emulators)
            try:
                found[name] = asyncio.run(fan_out(stand, filters, changes, idle))
            finally:
                stand.server.end()
    with emulated(conditions=Conditions(latency=LATE)) as emulators:
        stand = _stand(emulators)
        try:
            found["lag"] = asyncio.run(lag(stand, changes))
        finally:
            stand.server.end()
    return found


def _stand(emulators: Emulators) -> Stand:
    server = ours({**variables(emulators), **SETTINGS})(emulators.salesloft.url, Path())
    server.wait()
    return Stand(server, emulators)


if __name__ == "__main__":
    given = sys.argv[1:]
    print(
        json.dumps(
            measure(
                int(given[0]) if given else 1_000,
                int(given[1]) if len(given) > 1 else 10,
                float(given[2]) if len(given) > 2 else 20.0,  # noqa: PLR2004 - the third argument
            )
        )
    )
