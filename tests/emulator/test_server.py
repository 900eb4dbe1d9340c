"""Starting, closing and opening the emulators; nothing is left behind."""

import asyncio
import gc
import logging
import signal
import time

import aiohttp
import pytest

from gateway.emulator.door import Call
from gateway.emulator.drift import DriftOptions
from gateway.emulator.faults import Hang, Status
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators, serve
from gateway.emulator.world import World
from tests.emulator.conftest import NOW, Client, Clock


async def arrival(calls: list[Call], count: int) -> None:
    for _ in range(500):
        if len(calls) >= count:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the calls never came")


async def test_both_listen_on_loopback_over_one_world(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    async with Emulators.start(clock=clock, world=small) as emulators:
        assert emulators.world is small
        for emulated in (emulators.salesloft, emulators.drift):
            assert emulated.url.startswith("http://127.0.0.1:")
        assert (await Client(session, emulators.salesloft).get("/v2/me")).status == 200
        assert (await Client(session, emulators.drift).get("/users/list")).status == 200


async def test_a_world_is_made_around_the_clock() -> None:
    clock = Clock()
    async with Emulators.start(clock=clock, seed=11) as emulators:
        assert (emulators.world.now, emulators.world.seed) == (NOW, 11)
        assert len(emulators.world.salesloft.meetings) == 5000


async def test_tokens_follow_the_seed_and_stay_out_of_reprs(small: World) -> None:
    async with Emulators.start(world=small) as one, Emulators.start(world=small) as two:
        assert one.salesloft.token == two.salesloft.token
        assert one.salesloft.token.startswith("ak")
        assert len(one.salesloft.token) == 66
        assert one.salesloft.token not in repr(one)
        assert one.drift.token not in repr(one)
        assert one.salesloft.url != two.salesloft.url


async def test_a_closed_port_refuses_and_opens_again(salesloft: Client) -> None:
    url = salesloft.emulated.url
    assert (await salesloft.get("/v2/me")).status == 200
    await salesloft.emulated.listener.refuse()
    await salesloft.emulated.listener.refuse()
    with pytest.raises(aiohttp.ClientConnectorError):
        await salesloft.get("/v2/me")
    await salesloft.emulated.listener.accept()
    await salesloft.emulated.listener.accept()
    assert salesloft.emulated.listener.url == url
    assert (await salesloft.get("/v2/me")).status == 200


async def test_a_port_can_be_chosen_and_a_taken_one_is_an_error(small: World, salesloft: Client) -> None:
    port = int(salesloft.emulated.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        async with Emulators.start(world=small, ports={"drift": port}):
            pass
    await salesloft.emulated.listener.refuse()
    async with Emulators.start(world=small, ports={"drift": port}) as emulators:
        assert emulators.drift.url == salesloft.emulated.url


async def test_stops_at_once_though_calls_hang(small: World, session: aiohttp.ClientSession) -> None:
    async with Emulators.start(world=small) as emulators:
        emulators.salesloft.faults.add(Hang())
        client = Client(session, emulators.salesloft)
        waiting = [asyncio.create_task(client.get("/v2/me")) for _ in range(5)]
        await arrival(emulators.salesloft.calls, len(waiting))
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, aiohttp.ClientConnectionError) for answer in answers)


async def test_stops_at_once_though_answers_are_late(small: World, session: aiohttp.ClientSession) -> None:
    async with Emulators.start(world=small, drift=DriftOptions(latency=60)) as emulators:
        waiting = asyncio.create_task(Client(session, emulators.drift).get("/users/list"))
        await arrival(emulators.drift.calls, 1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting


async def test_latency_delays_each_answer(small: World, session: aiohttp.ClientSession) -> None:
    async with Emulators.start(world=small, salesloft=SalesloftOptions(latency=0.02)) as emulators:
        start = time.perf_counter()
        await Client(session, emulators.salesloft).get("/v2/me")
        assert time.perf_counter() - start >= 0.02
        emulators.salesloft.app.door.latency = 0
        assert (await Client(session, emulators.salesloft).get("/v2/me")).status == 200


async def test_reset_forgets_calls_and_faults(small: World, session: aiohttp.ClientSession) -> None:
    async with Emulators.start(world=small) as emulators:
        calls = emulators.drift.calls
        emulators.drift.faults.add(Status(500))
        await Client(session, emulators.drift).get("/users/list")
        assert len(calls) == 1
        emulators.reset()
        assert calls == []
        assert (await Client(session, emulators.drift).get("/users/list")).status == 200
        assert emulators.drift.calls is calls


async def test_leaves_signals_logging_and_tasks_as_they_were(
    small: World, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    access = logging.getLogger("uvicorn.access")
    before = (access.propagate, list(access.handlers), logging.getLogger("uvicorn.error").level)
    tasks = asyncio.all_tasks()
    async with Emulators.start(world=small) as emulators:
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
        await Client(session, emulators.salesloft).get("/v2/me")
        await Client(session, emulators.salesloft).get("/v2/me", token=None)
    assert (access.propagate, list(access.handlers), logging.getLogger("uvicorn.error").level) == before
    assert caplog.records == []
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    gc.collect()


async def test_serve_takes_any_application(session: aiohttp.ClientSession) -> None:
    async def application(scope: object, receive: object, send: object) -> None:
        assert callable(send)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with serve(application) as url, session.get(url) as response:
        assert response.status == 204
