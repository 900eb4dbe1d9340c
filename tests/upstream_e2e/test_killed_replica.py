"""Three gateways as processes of their own over one Redis: one is killed in the middle of its work."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from gateway.emulator.faults import SlowBody
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.two_sources import variables
from tests.upstream.replicas.redis_server import redis_server
from tests.upstream_e2e.test_replicas import PAGE

pytestmark = pytest.mark.slow

LONGEST = 60
"""Seconds that a busy machine is waited for; nothing is waited for longer than it takes."""

EACH = 12
"""Queries under way at each replica when one of them is killed."""


@contextlib.asynccontextmanager
async def serving(settings: Mapping[str, str]) -> AsyncIterator[tuple[Process, str]]:
    """A `meeting-gateway serve`, and its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "serve", "--port", "0", "--log-format", "json"),
        env=dict(settings),
        stderr=PIPE,
    )
    assert process.stderr is not None
    listening = json.loads(await asyncio.wait_for(process.stderr.readline(), LONGEST))
    drained = asyncio.ensure_future(process.stderr.read())
    try:
        yield process, listening["url"]
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), LONGEST)
        await drained


@contextlib.asynccontextmanager
async def replicas(emulators: Emulators, redis: str) -> AsyncIterator[list[tuple[Process, str]]]:
    """Three of them."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALESLOFT_", "DRIFT_"))
    }
    settings = {
        **kept,
        **variables(emulators),
        "GATEWAY_CACHE_URL": redis,
        "GATEWAY_REPLICAS": "3",
        "GATEWAY_DRAIN": "0",
        "GATEWAY_DEADLINE": str(LONGEST),
        "SALESLOFT_RATE_LIMIT": "600",
        "SALESLOFT_TIMEOUT": str(LONGEST),
    }
    async with contextlib.AsyncExitStack() as stack:
        starting = [serving(settings) for _ in range(3)]
        yield list(await asyncio.gather(*map(stack.enter_async_context, starting)))


async def ask(session: aiohttp.ClientSession, url: str, number: int) -> dict[str, Any]:
    """A page that nobody else asks for, so that each query makes calls of its own."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=20, minutes=7 * number)
    body = {"query": PAGE, "variables": {"since": since.isoformat()}}
    async with session.post(url, json=body) as response:
        answer: dict[str, Any] = await response.json()
        return answer


def whole(answer: object) -> bool:
    """Whether it is an answer with everything in it."""
    if not isinstance(answer, dict) or "errors" in answer:
        return False
    meetings = answer["data"]["meetings"]
    return bool(meetings["nodes"]) and {each["status"] for each in meetings["sourceReports"]} == {"OK"}


async def test_a_replica_is_killed_and_loses_only_its_own() -> None:
    world = World.seeded(
        dt.datetime.now(dt.UTC), users=12, accounts=12, people=80, cadences=8, salesloft_meetings=220, drift_meetings=80
    )
    limited = SalesloftOptions(rate_limit=600)
    with redis_server() as redis:
        async with (
            Emulators.start(world=world, salesloft=limited) as emulators,
            replicas(emulators, redis.url) as gateways,
            aiohttp.ClientSession() as session,
        ):
            emulators.salesloft.faults.add(SlowBody(pause=0.1))
            asked = [asyncio.ensure_future(ask(session, gateways[number % 3][1], number)) for number in range(3 * EACH)]
            async with asyncio.timeout(LONGEST):
                while len(emulators.salesloft.calls) < 2 * EACH + 3:  # noqa: ASYNC110 - the vendor has no bell to ring
                    await asyncio.sleep(0.005)
            gateways[2][0].kill()
            emulators.salesloft.faults.clear()
            ends = await asyncio.gather(*asked, return_exceptions=True)
            later = await asyncio.gather(
                *(ask(session, url, 100 + place) for place, (_, url) in enumerate(gateways[:2]))
            )
            with pytest.raises(aiohttp.ClientError):
                await ask(session, gateways[2][1], 200)
            statuses = {call.status for call in emulators.salesloft.calls}
    own = ends[2::3]
    others = [end for number, end in enumerate(ends) if number % 3 != 2]
    assert len(others) == 2 * EACH
    assert all(map(whole, others))
    lost = [end for end in own if isinstance(end, Exception)]
    assert lost, "it was in the middle of something"
    assert all(isinstance(end, aiohttp.ClientError) for end in lost)
    assert all(whole(end) for end in own if not isinstance(end, Exception))
    assert all(map(whole, later)), "what it held of the budget, and of Redis, hinders nobody"
    assert 429 not in statuses
