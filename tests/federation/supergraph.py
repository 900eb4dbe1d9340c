"""A supergraph of our subgraph and those of others behind a router of others, our upstream calls counted."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.app import create_app
from gateway.commands import demo
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.graph.federation.entities import KEYS
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from tests.federation.node import Router, router
from tests.federation.stage import every_key
from tests.graph.oracle import global_id
from tests.http.harness import calling
from tests.seeded import seeded
from tests.world import NOW

ROUTER_KEY = "the-key-that-routers-have"
EVERYTHING, MEETINGS = "key-of-everything-there-is", "key-of-meetings-alone"
NOTHING_KEPT = dict.fromkeys(
    (f"GATEWAY_TTL_{kind}" for kind in ("PAGES", "WINDOW", "DIRECTORIES", "PEOPLE", "USERS", "CADENCES", "STEPS")),
    "0,0",
) | dict.fromkeys((f"GATEWAY_TTL_{kind}" for kind in ("ACCOUNTS", "TASKS", "CONVERSATIONS")), "0,0")
BAD = {"id": "no-id-of-ours"}
STRANGER = "stranger@nowhere.example"


@dataclass
class Supergraph:
    """A router, and what it stands on."""

    name: str
    router: Router
    emulators: Emulators

    @property
    def world(self) -> World:
        return self.emulators.world

    async def ask(self, query: str, *, key: str = EVERYTHING, **headers: str) -> Answer:
        """A request as a client of the router sends it, and the upstream calls that it led to."""
        return await self.ask_with({}, query, key=key, **headers)

    async def ask_with(
        self, variables: Mapping[str, Any], query: str, *, key: str = EVERYTHING, **headers: str
    ) -> Answer:
        """The same with variables."""
        sides = (self.emulators.salesloft, self.emulators.drift)
        before = [len(side.calls) for side in sides]
        reported = await self.router.ask(query, variables, **({"x-api-key": key} if key else {}), **headers)
        calls = [call.endpoint for side, known in zip(sides, before, strict=True) for call in side.calls[known:]]
        return Answer(reported.get("data"), reported.get("errors") or [], Counter(calls))


@dataclass
class Answer:
    data: Any
    errors: list[Any]
    calls: Counter[str]

    @property
    def ok(self) -> Any:
        assert self.errors == []
        return self.data

    @property
    def codes(self) -> list[str]:
        return [str(error.get("extensions", {}).get("code")) for error in self.errors]


def shown(world: World) -> list[dict[str, Any]]:
    """People that the token may see, with all that they are pointed at by."""
    rows = world.salesloft.people.values()
    return [row for row in rows if row["id"] not in world.salesloft.hidden_people and row["email_address"]]


def booked(world: World) -> list[dict[str, Any]]:
    return [row for row in world.salesloft.meetings.values() if row["event_id"] and not row["canceled_at"]]


def data_of(world: World, url: str, sdl: str) -> dict[str, Any]:
    """What the foreign subgraphs know; see `supergraph.mjs`."""
    points: list[dict[str, list[Any]]] = [{}, {}, {}, {}]
    examples = [case for case, _ in every_key(world)]
    for kind, keys in KEYS.items():
        for place, key in enumerate(keys):
            case = next(
                each
                for each in examples
                if each["__typename"] == kind.value and set(key.fields) == {*each} - {"__typename"}
            )
            points[place][kind.value] = [{name: value for name, value in case.items() if name != "__typename"}]
    points[0]["Meeting"] += [BAD, {"id": global_id("Meeting", "SALESLOFT", 1)}]
    meetings = booked(world)
    return {
        "url": url,
        "sdl": sdl,
        "routerKey": ROUTER_KEY,
        "keys": {kind.value: [" ".join(key.fields) for key in keys] for kind, keys in KEYS.items()},
        "points": points,
        "buyers": [*[row["email_address"] for row in shown(world)][:150], STRANGER],
        "accounts": [str(id_) for id_ in world.salesloft.accounts][:100],
        "meetings": [str(row["id"]) for row in meetings][:1000],
        "unscored": str(meetings[1]["id"]),
    }


def written(file: Path, data: dict[str, Any]) -> Path:
    file.write_text(json.dumps(data), encoding="utf-8")
    return file


@contextlib.asynccontextmanager
async def supergraph(name: str, folder: Path, **settings: str) -> AsyncIterator[Supergraph]:
    """A supergraph over the demo's whole world; the gateway keeps nothing, asks for keys, and answers routers alone."""
    world = seeded(NOW)
    async with Emulators.start(world=world, clock=lambda: world.now) as emulators:
        given = {
            **demo.variables(emulators),
            **NOTHING_KEPT,
            "GATEWAY_FEDERATION": "on",
            "GATEWAY_ROUTER_KEYS": ROUTER_KEY,
            "GATEWAY_API_KEYS": f"all:{EVERYTHING},some:{MEETINGS}:meetings:read+pii:read",
            "GATEWAY_CLIENT_RATE": "100000",
            "GATEWAY_CLIENT_COST": "100000",
            "SALESLOFT_RATE_LIMIT": "100000",
            "DRIFT_RATE_LIMIT": "100000",
            **settings,
        }
        clock = ManualClock(world.now.timestamp(), jumps=True)
        async with calling(create_app(Settings.read(given), clock=clock)) as caller:
            sdl = await caller.ask(
                "POST",
                json={"query": "{ _service { sdl } }"},
                headers={"X-API-Key": EVERYTHING, "Router-Authorization": ROUTER_KEY},
            )
            data = data_of(world, f"{caller.url}/graphql", sdl.json["data"]["_service"]["sdl"])
            data["prefix"] = settings.get("GATEWAY_FEDERATION_PREFIX", "")
            async with router(name, written(folder / "data.json", data)) as started:
                yield Supergraph(name, started, emulators)


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["apollo", "hive"])
async def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Supergraph]:
    """One by the graph's own names."""
    async with supergraph(request.param, tmp_path_factory.mktemp("supergraph")) as made:
        yield made
