"""Nothing that was asked is lost when the gateway has to stop, or its workers are replaced, under load."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from gateway.commands.demo import emulated
from gateway.emulator.faults import Hang
from gateway.emulator.server import Emulators
from tests.operations.children import LONGEST, Child, Load, serving
from tests.two_sources import variables


def given(emulators: Emulators, **settings: str) -> dict[str, str]:
    """Settings; several processes without a Redis would warn that they have no live updates."""
    return {**variables(emulators), "GATEWAY_LIVE": "off", **settings}


pytestmark = pytest.mark.slow

QUERY = "{ meetings(first: 5) { nodes { title startTime person { name } } pageInfo { hasNextPage } } }"
QUICK = QUERY.replace("first: 5", "first: 5, filter: {sources: [SALESLOFT]}")
MIXED = [QUERY, *[QUICK] * 19]
CLIENTS = 16
LEAST = 5_000
"""Requests that a rolling restart of two workers has to be asked, at the least."""


async def test_a_rolling_restart_of_two_workers_loses_none_of_5000_requests(tmp_path: Path) -> None:
    with (
        emulated() as emulators,
        serving(tmp_path, given(emulators, GATEWAY_DRAIN="1"), workers=2) as child,
    ):
        await ready(child)
        before = child.workers()
        assert len(before) == 2
        load = Load(child.url, MIXED)
        async with load.running(CLIENTS):
            await until(lambda: load.answered > LEAST // 5, child)
            child.process.send_signal(signal.SIGHUP)
            await until(lambda: len(child.workers() - before) == 2 and not child.workers() & before, child)
            asked = load.answered
            await until(lambda: load.answered > max(LEAST, asked + LEAST // 5), child)
        assert load.lost.total() == 0, load.lost
        assert load.answered > LEAST
        child.process.send_signal(signal.SIGTERM)
        assert child.ended() == 0
        assert faults(child) == []


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_loses_nothing_of_what_a_balancer_sends_until_it_hears_of_it(
    tmp_path: Path, workers: int
) -> None:
    settings = {"GATEWAY_DRAIN": "2"}
    with (
        emulated() as emulators,
        serving(tmp_path, given(emulators, **settings), workers=workers) as child,
    ):
        await ready(child)
        load = Load(child.url, MIXED)
        async with load.running(CLIENTS):
            await until(lambda: load.answered > 500, child)
            child.process.send_signal(signal.SIGTERM)
            await until_ready_is(503, child)
            asked = load.answered
            await until(lambda: load.answered > asked + CLIENTS, child)  # a balancer takes a moment to hear of it
        assert load.lost.total() == 0, load.lost
        assert child.ended() == 0
        assert faults(child) == []


@pytest.mark.parametrize("workers", [1, 2])
async def test_after_the_drain_a_connection_is_answered_or_refused_never_reset(tmp_path: Path, workers: int) -> None:
    settings = {"GATEWAY_DRAIN": "0.5"}
    with (
        emulated() as emulators,
        serving(tmp_path, given(emulators, **settings), workers=workers) as child,
    ):
        await ready(child)
        emulators.salesloft.app.door.latency = 3.0
        outcomes: Counter[str] = Counter()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            asking = group.create_task(ask(session, child, QUERY))  # holds a worker up, long after the socket is closed
            await until(lambda: len(emulators.salesloft.calls) > 0, child)
            child.process.send_signal(signal.SIGTERM)
            while child.process.poll() is None:
                outcomes[await knock(child)] += 1
        assert asking.result() == 200
        assert child.ended() == 0
    assert outcomes["answered"] > 0
    assert outcomes["refused"] > 0
    assert set(outcomes) == {"answered", "refused"}


async def knock(child: Child) -> str:
    """What becomes of a new connection with a request."""
    host, _, port = child.url.removeprefix("http://").partition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return "refused"
    try:
        async with asyncio.timeout(LONGEST):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return "answered" if await reader.read() else "reset"
    except ConnectionError:
        return "reset"
    finally:
        writer.close()


async def test_what_is_running_is_finished_and_the_upstream_pools_are_closed(tmp_path: Path) -> None:
    with emulated() as emulators, serving(tmp_path, {**variables(emulators), "GATEWAY_DRAIN": "0"}) as child:
        await ready(child)
        emulators.salesloft.app.door.latency = 1.0
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            asking = [group.create_task(ask(session, child, f"{{ a{n}: {QUERY[2:]}")) for n in range(8)]
            await until(lambda: len(emulators.salesloft.calls) > 0, child)
            child.process.send_signal(signal.SIGTERM)
        assert [task.result() for task in asking] == [200] * 8
        assert child.ended() == 0
        assert faults(child) == []
        assert not emulators.salesloft.listener._state.connections, "a connection to the vendor outlived the gateway"


async def test_a_vendor_that_hangs_holds_nobody_past_the_deadline(tmp_path: Path) -> None:
    settings = {"GATEWAY_DRAIN": "0", "GATEWAY_DEADLINE": "0.5"}
    with emulated() as emulators, serving(tmp_path, {**variables(emulators), **settings}) as child:
        await ready(child)
        for vendor in (emulators.salesloft, emulators.drift):
            vendor.faults.add(Hang())
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            asking = group.create_task(codes(session, child))
            await until(lambda: len(emulators.salesloft.calls) > 0, child)
            child.process.send_signal(signal.SIGTERM)
        assert asking.result() <= {"DEADLINE_EXCEEDED", "UPSTREAM_TIMEOUT"}
        assert asking.result()
        assert child.ended() == 0


async def codes(session: aiohttp.ClientSession, child: Child) -> set[str]:
    async with session.post(f"{child.url}/graphql", json={"query": QUERY}) as response:
        return {error["extensions"]["code"] for error in (await response.json())["errors"]}


async def ask(session: aiohttp.ClientSession, child: Child, query: str) -> int:
    async with session.post(f"{child.url}/graphql", json={"query": query}) as response:
        assert "errors" not in await response.json()
        return response.status


async def ready(child: Child) -> None:
    """Waits until the gateway is."""
    await until_ready_is(200, child)


async def until_ready_is(status: int, child: Child) -> None:
    """Asks for readiness, as a balancer does, until that is the answer."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(LONGEST):
        while True:
            assert child.process.poll() is None, child.lines()[-5:]
            async with session.get(f"{child.url}/readyz") as response:
                if response.status == status:
                    return
            await asyncio.sleep(0.05)


async def until(true: object, child: Child) -> None:
    """Waits for something, as long as the gateway lives."""
    assert callable(true)
    async with asyncio.timeout(LONGEST):
        while not true():
            assert child.process.poll() is None, "the gateway ended"
            await asyncio.sleep(0.02)


def faults(child: Child) -> list[dict[str, object]]:
    """Log lines that say that something went wrong; that it was not ready while it closed is not wrong."""
    return [line for line in child.lines() if line["level"] != "info" and line.get("path") != "/readyz"]
