"""A bad day of the emulated vendors: down, slow, failing, short of units."""

import aiohttp
import pytest

from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.conditions import Conditions
from gateway.emulator.server import Emulated, Emulators
from gateway.emulator.world import World
from tests.emulator.conftest import Client, Clock


async def statuses(session: aiohttp.ClientSession, emulated: Emulated, path: str, calls: int) -> list[int]:
    """What so many calls get, whatever their bodies are."""
    headers = {"Authorization": f"Bearer {emulated.token}"}
    found = []
    for _ in range(calls):
        async with session.get(emulated.url + path, headers=headers) as response:
            found.append(response.status)
    return found


async def test_one_that_is_down_refuses_and_the_others_answer(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    day = Conditions(down=frozenset({"drift"}))
    async with Emulators.start(clock=clock, world=small, conditions=day) as emulators:
        assert (await Client(session, emulators.salesloft).get("/v2/me")).status == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await Client(session, emulators.drift).get("/users/list")


async def test_a_share_of_the_calls_fails_the_same_ones_for_the_same_seed(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    day, drawn = Conditions(failing=0.4, units=1_000_000), []
    for _ in range(2):
        async with Emulators.start(clock=clock, world=small, conditions=day) as emulators:
            drawn.append(await statuses(session, emulators.salesloft, "/v2/me", 60))
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {200, 502}
    assert 10 < drawn[0].count(502) < 40


async def test_every_vendor_gives_so_many_units_a_minute(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    day = Conditions(units=3)
    async with Emulators.start(clock=clock, world=small, conditions=day) as emulators:
        assert await statuses(session, emulators.salesloft, "/v2/me", 4) == [200, 200, 200, 429]
        assert await statuses(session, emulators.drift, "/users/list", 4) == [200, 200, 200, 429]
        assert await statuses(session, emulators.calendly, "/users/me", 4) == [200, 200, 200, 429]


async def test_latency_comes_beside_a_vendors_own_options(small: World, clock: Clock) -> None:
    own = CalendlyOptions(role="user")
    async with Emulators.start(clock=clock, world=small, calendly=own, conditions=Conditions(latency=0.3)) as emulators:
        assert [emulators.of(name).listener is not None for name in ("salesloft", "drift")] == [True, True]
        assert emulators.salesloft.app.door.latency == emulators.drift.app.door.latency == 0.3
        assert emulators.calendly.app.options == CalendlyOptions(role="user", latency=0.3)
