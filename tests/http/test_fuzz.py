"""Requests made up from the schema, and spoilt in every way: none finds a fault, or costs more than expected."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.app import create_app
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.graph.ids import global_id
from gateway.graph.schema import sdl
from gateway.model.records import Kind, Source
from gateway.settings.settings import Settings
from tests.http.harness import Caller, Reply, calling
from tests.properties import PROFILE
from tests.two_sources import variables

REQUESTS = {"quick": 250, "ci": 5_000, "nightly": 100_000}[PROFILE]
WAYS = 5
"""Requests made of one document."""

CODES = {
    *("BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "OPERATION_TOO_COSTLY", "RATE_LIMITED"),
    *("FORBIDDEN", "PERSISTED_QUERY_NOT_FOUND", "UPSTREAM_RATE_LIMITED", "UPSTREAM_TIMEOUT", "DEADLINE_EXCEEDED"),
}
"""Those that a healthy gateway over healthy sources may answer with."""

TIMES = st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z"))
DOCUMENTS = queries(
    sdl(),
    custom_scalars={
        "DateTime": TIMES,
        "Date": st.dates().map(lambda day: nodes.String(day.isoformat())),
        "JSON": st.text(max_size=5).map(nodes.String),
    },
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["query", "variables", "operationName", "extensions", "documentId", "id", "x"])
KINDS = st.sampled_from(["application/json", "application/graphql-response+json", "*/*", "text/html", "x"])
SPLINTERS = st.sampled_from([*'{}()[]:"!$@#&|=.…\\\n\x00ü😀', '"""', "...", "on", "fragment", "null", "1e400", "query"])


class Spoilt(NamedTuple):
    """A document, and what is done to the requests made of it."""

    document: str
    cuts: list[tuple[float, int, str]]
    members: dict[str, Any]
    accept: str

    def broken(self) -> str:
        """The document with pieces cut out and others put in."""
        text = self.document
        for place, length, piece in self.cuts:
            at = int(place * len(text))
            text = text[:at] + piece + text[at + length :]
        return text

    def aimed(self, ids: list[str]) -> str:
        """The document with real ids where it has empty texts."""
        parts = self.document.split('""')
        filled = [part + f'"{ids[number % len(ids)]}"' for number, part in enumerate(parts[:-1])]
        return "".join([*filled, parts[-1]])


SPOILT = st.builds(
    Spoilt,
    DOCUMENTS,
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), SPLINTERS), min_size=1, max_size=4),
    st.dictionaries(MEMBERS, JSON_VALUES, max_size=3),
    KINDS,
)


class Stage(NamedTuple):
    """A gateway over a small world, and the event loop that both run in."""

    runner: asyncio.Runner
    caller: Caller
    ids: list[str]

    async def requests(self, spoilt: Spoilt) -> list[Reply]:
        ask = self.caller.ask
        headers = {"Accept": spoilt.accept, "X-Gateway-Cost": "1"}
        return [
            await ask("POST", json={"query": spoilt.document}, headers=headers),
            await ask("POST", json={"query": spoilt.aimed(self.ids)}, headers=headers),
            await ask("POST", json={"query": spoilt.broken()}, headers=headers),
            await ask("POST", json={"query": spoilt.document, **spoilt.members}, headers=headers),
            await ask(
                "GET", f"/graphql?{urlencode({'query': spoilt.broken()[:4000]}, errors='ignore')}", headers=headers
            ),
        ]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(opened(runner, stack))
        runner.run(stack.aclose())


async def opened(runner: asyncio.Runner, stack: AsyncExitStack) -> Stage:
    world = World.seeded(dt.datetime.now(dt.UTC), people=60, salesloft_meetings=120, drift_meetings=40, tasks=30)
    options = SalesloftOptions(rate_limit=1_000_000)
    emulators = await stack.enter_async_context(Emulators.start(world=world, salesloft=options))
    names = ("GATEWAY_CLIENT_RATE", "GATEWAY_CLIENT_COST", "SALESLOFT_RATE_LIMIT", "DRIFT_RATE_LIMIT")
    app = create_app(Settings.read({**variables(emulators), **dict.fromkeys(names, "1000000")}))
    caller = await stack.enter_async_context(calling(app))
    meetings, people = world.salesloft.meetings, world.salesloft.people
    ids = [global_id(Kind.MEETING, Source.SALESLOFT, str(key)) for key in list(meetings)[:5]]
    ids += [global_id(Kind.PERSON, Source.SALESLOFT, str(key)) for key in list(people)[:5]]
    ids += [str(next(iter(people))), "somebody@nowhere.example", "2026-01-01T00:00:00Z"]
    return Stage(runner, caller, ids)


@pytest.mark.slow
def test_no_request_finds_a_fault(stage: Stage) -> None:
    sent = 0

    @settings(
        max_examples=REQUESTS // WAYS,
        deadline=None,
        derandomize=PROFILE == "quick",
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # a request that fails is shown as it is: shrinking asks for hours
    )
    @given(SPOILT)
    def run(spoilt: Spoilt) -> None:
        nonlocal sent
        for reply in stage.runner.run(stage.requests(spoilt)):
            sent += 1
            check(reply)

    run()
    assert sent >= REQUESTS


def check(reply: Reply) -> None:
    assert reply.status in {200, 400, 406}
    if reply.headers["Content-Type"].startswith("text/html"):
        return
    answer = json.loads(reply.body)
    assert set(answer) <= {"data", "errors", "extensions"}
    assert answer
    if reply.status == 406:
        assert reply.code == ""
        return
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert codes <= CODES
    if "extensions" in answer:
        cost = answer["extensions"]["cost"]
        assert cost["actual"] <= cost["expected"]
