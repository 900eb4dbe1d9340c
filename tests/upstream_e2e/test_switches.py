"""A source switched off while the gateway runs, and on again: by a file, or for all replicas by their Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.emulator.faults import Hang
from gateway.emulator.world import World
from tests.upstream.replicas.redis_server import redis_server
from tests.upstream_e2e.stage import Product, product, world

PAGE = """
{ meetings(first: 12) { nodes { title source person { name } } sourceReports { source status code message } }
  sources { source enabled state } }
"""
OWN = "{ meetings(first: 3, filter: {sources: [DRIFT]}) { nodes { title } } }"

Switch = Callable[[str], Awaitable[None]]


@pytest.fixture(scope="module")
def small() -> World:
    return world()


@pytest.fixture(params=["file", "redis"])
async def switched(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[dict[str, str], Switch]]:
    """Settings, and how an operator says which sources are off."""
    if request.param == "file":
        path = tmp_path / "off"

        async def write(names: str) -> None:
            path.write_text(f"# since this morning\n{names.lower()}\n") if names else path.unlink()

        yield {"GATEWAY_OFF_FILE": str(path)}, write
        return
    with redis_server() as server:

        async def say(names: str) -> None:
            async with Redis.from_url(server.url) as client:
                await client.delete("gateway:off")
                for name in names.split():
                    await client.sadd("gateway:off", name)

        yield {"GATEWAY_CACHE_URL": server.url}, say


async def in_force(stage: Product, wanted: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """What `/readyz` says once the sources' states are as wanted, a second later at most."""
    begun = stage.clock.monotonic()
    while True:
        reply = await stage.caller.ask("GET", "/readyz")
        if wanted.items() <= reply.json["sources"].items():
            return reply.status, reply.json
        assert stage.clock.monotonic() - begun <= 1, "the switch is not obeyed"
        stage.clock.advance(0.25)
        for _ in range(20):  # a file is read by a thread, Redis by a socket
            await asyncio.sleep(0.005)


async def ask(stage: Product, query: str) -> Any:
    (reply,) = await stage.drive([stage.ask(query)])
    return reply


async def test_a_source_is_switched_off_and_on_while_running(
    small: World, switched: tuple[dict[str, str], Switch]
) -> None:
    settings, switch = switched
    async with product(small, settings=settings, jumps=False) as stage:
        stage.clock.advance(7)
        before = await ask(stage, PAGE)
        await switch("DRIFT")
        ready = await in_force(stage, {"SALESLOFT": "OK", "DRIFT": "OFF"})
        stage.forget()
        off = await ask(stage, PAGE)
        alone = await ask(stage, OWN)
        asked = list(stage.emulators.drift.calls)
        await switch("SALESLOFT DRIFT")
        nothing = await in_force(stage, {"SALESLOFT": "OFF", "DRIFT": "OFF"})
        await switch("")
        again = await in_force(stage, {"SALESLOFT": "OK", "DRIFT": "OK"})
        after = await ask(stage, PAGE)
    assert {"SALESLOFT", "DRIFT"} == {node["source"] for node in before.ok["meetings"]["nodes"]}
    assert ready[0] == 200
    reports = off.reports()
    assert (reports["DRIFT"]["status"], reports["DRIFT"]["code"]) == ("FAILED", "UPSTREAM_UNAVAILABLE")
    assert reports["DRIFT"]["message"] == "The source is switched off."
    assert reports["SALESLOFT"]["status"] == "OK"
    assert off.errors == []
    assert {node["source"] for node in off.data["meetings"]["nodes"]} == {"SALESLOFT"}, "nothing kept of it is shown"
    assert {"source": "DRIFT", "enabled": False, "state": "OFF"} in off.data["sources"]
    assert alone.codes == {"UPSTREAM_UNAVAILABLE"}
    assert asked == []
    assert (nothing[0], nothing[1]["status"]) == (200, "NO_SOURCE"), "requests are served, with an error"
    assert again[0] == 200
    assert after.ok["meetings"]["nodes"] == before.ok["meetings"]["nodes"]
    assert {"source": "DRIFT", "enabled": True, "state": "OK"} in after.ok["sources"]


async def test_it_is_off_from_the_start_and_ends_what_is_under_way(small: World, tmp_path: Path) -> None:
    path = tmp_path / "off"
    path.write_text("DRIFT")
    async with product(small, settings={"GATEWAY_OFF_FILE": str(path)}, jumps=False) as stage:
        assert (await in_force(stage, {"SALESLOFT": "OK", "DRIFT": "OFF"}))[0] == 200
        assert (await ask(stage, OWN)).codes == {"UPSTREAM_UNAVAILABLE"}
        path.write_text("")
        await in_force(stage, {"SALESLOFT": "OK", "DRIFT": "OK"})
        stage.emulators.drift.faults.add(Hang())
        waiting = asyncio.ensure_future(stage.ask(OWN))
        for _ in range(5000):
            if stage.emulators.drift.calls:
                break
            await asyncio.sleep(0.001)
        path.write_text("drift, unheard_of")
        await in_force(stage, {"SALESLOFT": "OK", "DRIFT": "OFF"})
        assert (await waiting).codes == {"UPSTREAM_UNAVAILABLE"}, "nobody waits out the time-out"


async def test_a_file_that_cannot_be_read_changes_nothing(
    small: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "off"
    path.write_text("DRIFT")
    async with product(small, settings={"GATEWAY_OFF_FILE": str(path)}, jumps=False) as stage:
        path.write_bytes(b"\xff\xfe\xff")
        for _ in range(3):
            stage.clock.advance(1)
            await asyncio.sleep(0.05)
        assert (await in_force(stage, {"SALESLOFT": "OK", "DRIFT": "OFF"}))[0] == 200
    said = [
        record.getMessage() for record in caplog.records if "GATEWAY_OFF_FILE cannot be read" in record.getMessage()
    ]
    assert len(said) == 1
