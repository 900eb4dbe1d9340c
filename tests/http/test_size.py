"""`GATEWAY_MAX_FIELDS`: rows times fields count, before an operation runs and while it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from gateway.app import create_app
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from tests.http.harness import Caller, calling
from tests.seeded import seeded
from tests.two_sources import variables
from tests.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "nodes { id title startTime status attendees { email name status } }"
BOMB = "{ %s } fragment F on MeetingConnection { %s }" % (
    " ".join(f"a{number}: meetings(first: 500) {{ ...F }}" for number in range(20)),
    PAGE,
)
UNDER = "query($n: Int!) { cadences(first: 8) { nodes { meetings(first: $n) { nodes { id status source } } } } }"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def emulators() -> AsyncIterator[Emulators]:
    world = seeded(NOW)
    async with Emulators.start(world=world, clock=lambda: world.now) as started:
        yield started


def served(emulators: Emulators, **settings: str) -> Any:
    clock = ManualClock(emulators.world.now.timestamp(), jumps=True)
    return calling(create_app(Settings.read({**variables(emulators), **settings}), clock=clock))


async def ask(caller: Caller, query: str, accept: str = "application/graphql-response+json", **values: Any) -> Any:
    reply = await caller.ask("POST", json={"query": query, "variables": values}, headers={"Accept": accept})
    return reply.status, reply.json


async def test_few_characters_that_ask_for_many_fields_are_refused_before_anything_is_asked(
    emulators: Emulators,
) -> None:
    async with served(emulators) as caller:
        before = len(emulators.salesloft.calls) + len(emulators.drift.calls)
        for accept in ("application/graphql-response+json", "application/json"):
            status, answer = await ask(caller, BOMB, accept)
            assert status == 200
            assert answer["data"] is None
            (error,) = answer["errors"]
            assert error["extensions"]["code"] == "OPERATION_TOO_COSTLY"
            assert error["extensions"]["measured"] > error["extensions"]["allowed"] == 250_000
            assert "250000 are allowed" in error["message"]
            assert "path" not in error
        assert len(emulators.salesloft.calls) + len(emulators.drift.calls) == before


async def test_what_is_not_expected_is_counted(emulators: Emulators) -> None:
    """More attendees than a meeting is expected to have, by graphql-core first and then by the plan."""
    for meeting in emulators.world.salesloft.meetings.values():
        meeting["attendees"] = (meeting["attendees"] or [])[:1] * 40
    query = """query($n: Int) {
      meetings(first: $n, filter: {sources: [SALESLOFT]}) { nodes { id attendees { email name } } }
    }"""
    async with served(emulators, GATEWAY_MAX_FIELDS="3000") as caller:
        for _ in range(3):
            status, answer = await ask(caller, query, n=100)
            assert status == 200
            assert answer["data"] is None
            (error,) = answer["errors"]
            assert error["message"] == "The answer has more than 3000 fields. Ask for smaller pages."
            assert error["extensions"]["code"] == "OPERATION_TOO_COSTLY"
            assert error["extensions"]["allowed"] == 3000 < error["extensions"]["measured"]
            status, answer = await ask(caller, query, n=10)
            assert "errors" not in answer
            assert len(answer["data"]["meetings"]["nodes"]) == 10


async def test_lists_under_lists_multiply(emulators: Emulators) -> None:
    async with served(emulators, GATEWAY_MAX_FIELDS="2500") as caller:
        assert (await ask(caller, UNDER, n=100))[1]["data"] is not None  # 1 + 1 + 8 + 8 + 2,400
        answer = (await ask(caller, UNDER, n=110))[1]
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["measured"] == 1 + 1 + 8 + 8 + 8 * 110 * 3


async def test_the_largest_page_of_everything_is_allowed_and_asks_the_same_however_it_is_run(
    emulators: Emulators,
) -> None:
    query = "{ meetings(first: 500) { nodes { id title person { name emails } owner { name } account { name } } } }"
    kinds = ("PAGES", "PEOPLE", "USERS", "ACCOUNTS", "WINDOW", "DIRECTORIES")
    nothing_kept = {f"GATEWAY_TTL_{kind}": "0,0" for kind in kinds}
    made: list[list[str]] = []
    answers: list[Any] = []
    plenty = {"SALESLOFT_RATE_LIMIT": "100000", "DRIFT_RATE_LIMIT": "100000", "GATEWAY_CLIENT_COST": "100000"}
    async with served(emulators, **nothing_kept, **plenty) as caller:
        await ask(caller, "{ meetings(first: 500) { nodes { id } } }")  # from now on its pages are asked for at once
        for _ in range(3):
            before = len(emulators.salesloft.calls)
            answers.append((await ask(caller, query))[1])
            made.append(sorted(call.endpoint for call in emulators.salesloft.calls[before:]))
    assert "errors" not in answers[0]
    assert msgspec.json.encode(answers[0]) == msgspec.json.encode(answers[1]) == msgspec.json.encode(answers[2])
    assert made[0] == made[1] == made[2], "interpreted in turns, loads leave together all the same"
