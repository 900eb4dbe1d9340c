"""Traces for routers: to them alone, of times and codes alone, and in the form that they read."""

from __future__ import annotations

import json
from typing import Any

from gateway.app import create_app
from gateway.commands.demo import variables
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from gateway.web.federated import trace
from tests.federation.node import run
from tests.http.harness import calling
from tests.world import NOW

ROUTER = "the-key-that-routers-have"
QUERY = '{ sources { source } node(id: "told to nobody") { id } }'
ERRORS: list[dict[str, Any]] = [
    {"message": "secret", "path": ["meetings", "nodes", 300, "owner"], "extensions": {"code": "UPSTREAM_TIMEOUT"}},
    {"message": "secret", "path": ["meetings", "nodes", 2], "extensions": {"code": "FORBIDDEN"}},
    {"message": "secret", "path": ["meetings", "nodes", 2], "extensions": {"code": "INTERNAL_SERVER_ERROR"}},
    {"message": "secret", "extensions": {"code": "DEADLINE_EXCEEDED"}},
]


async def traced(**headers: str) -> Any:
    """The extensions of an answer with an error in it."""
    world = World.seeded(
        NOW, users=4, accounts=2, people=4, cadences=1, tasks=0, salesloft_meetings=2, drift_meetings=2
    )
    async with Emulators.start(world=world, clock=lambda: world.now) as emulators:
        settings = {**variables(emulators), "GATEWAY_FEDERATION": "on", "GATEWAY_ROUTER_KEYS": ROUTER}
        clock = ManualClock(world.now.timestamp(), jumps=True)
        async with calling(create_app(Settings.read(settings), clock=clock)) as caller:
            reply = await caller.ask("POST", json={"query": QUERY}, headers=headers)
            return reply.json.get("extensions", {})


async def test_only_a_router_gets_one_and_only_when_it_asks() -> None:
    asks = {"Apollo-Federation-Include-Trace": "ftv1"}
    assert await traced(**asks) == {}
    assert await traced(**{"Router-Authorization": ROUTER}) == {}
    assert list(await traced(**asks, **{"Router-Authorization": ROUTER})) == ["ftv1"]


async def test_routers_can_read_it_and_no_text_is_in_it() -> None:
    told = json.loads(await run("decode.mjs", trace(1_700_000_000.25, 1_700_000_001.5, ERRORS)))
    assert told["startTime"] == {"seconds": "1700000000", "nanos": 250_000_000}
    assert told["endTime"] == {"seconds": "1700000001", "nanos": 500_000_000}
    assert told["durationNs"] == "1250000000"
    root = told["root"]
    assert [error["message"] for error in root["error"]] == ["DEADLINE_EXCEEDED"]
    (meetings,) = root["child"]
    (nodes,) = meetings["child"]
    far, near = nodes["child"]
    assert (meetings["responseName"], nodes["responseName"], far["index"], near["index"]) == (
        "meetings",
        "nodes",
        300,
        2,
    )
    assert [error["message"] for error in near["error"]] == ["FORBIDDEN", "INTERNAL_SERVER_ERROR"]
    (owner,) = far["child"]
    assert json.loads(owner["error"][0]["json"])["extensions"] == {"code": "UPSTREAM_TIMEOUT"}
    assert "secret" not in json.dumps(told)
