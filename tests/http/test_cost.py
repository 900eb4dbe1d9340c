"""What an operation costs, over HTTP: told where it is asked for, refused where it is too much, charged as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.app import create_app
from gateway.commands.demo import variables
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.attacks import KEY
from tests.http.harness import Caller, Reply, calling

SETTINGS = {"GATEWAY_API_KEYS": f"web:{KEY}", "GATEWAY_MAX_COST": "60", "GATEWAY_CLIENT_COST": "1000"}
PAGE = "query ($n: Int) { meetings(first: $n) { nodes { person { name } } } }"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def limited() -> AsyncIterator[Caller]:
    async with (
        Emulators.start() as emulators,
        calling(create_app(Settings.read({**variables(emulators), **SETTINGS}))) as caller,
    ):
        yield caller


async def ask(caller: Caller, query: str, *, told: dict[str, str] | None = None, **values: object) -> Reply:
    body = {"query": query, "variables": values}
    return await caller.ask("POST", json=body, headers={"X-API-Key": KEY, **(told or {})})


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_cost_is_told_to_whoever_asks(limited: Caller) -> None:
    quiet = await ask(limited, PAGE, n=2)
    assert quiet.status == 200
    assert "extensions" not in quiet.json
    told = (await ask(limited, PAGE, told={"X-Gateway-Cost": "1"}, n=3)).json["extensions"]
    assert told.keys() == {"cost"}
    assert told["cost"].keys() == {"expected", "actual"}
    assert 0 <= told["cost"]["actual"] <= told["cost"]["expected"] <= 60


async def test_the_trace_tells_it_too(limited: Caller) -> None:
    told = (await ask(limited, PAGE, told={"X-Gateway-Trace": "1"}, n=4)).json["extensions"]
    assert told["cost"]["actual"] == told["upstream"]["cost"]
    assert told["execution"]["compiled"] in {True, False}


async def test_the_trace_tells_how_it_ran_and_why_no_plan_did(limited: Caller) -> None:
    asked = [("query ($n: Int) { meetings(first: $n) { nodes { id } } }", n) for n in (1, 2)]
    asked.append(("query ($n: Int) { meetings(first: $n) { nodes { id } } __schema { queryType { name } } }", 1))
    replies = [await ask(limited, query, told={"X-Gateway-Trace": "1"}, n=n) for query, n in asked]
    assert [reply.json["extensions"]["execution"] for reply in replies] == [
        {"compiled": False, "reason": "it is new"},
        {"compiled": True},
        {"compiled": False, "reason": "it is new"},
    ]
    again = await ask(limited, asked[2][0], told={"X-Gateway-Trace": "1"}, n=2)
    assert again.json["extensions"]["execution"]["reason"] == "it asks about the schema"


async def test_what_costs_too_much_is_refused(limited: Caller) -> None:
    refused = await ask(limited, PAGE, told={"X-Gateway-Trace": "1"}, n=100)
    (error,) = refused.json["errors"]
    assert refused.status in {200, 400}
    assert "data" not in refused.json
    assert error["extensions"]["code"] == "OPERATION_TOO_COSTLY"
    assert error["extensions"]["allowed"] == 60 < error["extensions"]["measured"]
    assert f"{error['extensions']['measured']} upstream units; 60 are allowed" in error["message"]
    assert refused.json["extensions"]["upstream"]["calls"] == 0


async def test_every_limit_tells_what_was_measured_and_what_is_allowed(limited: Caller) -> None:
    too_much = {
        16: "{ "
        + "node(id: 1) { ... on Person { owner { meetings { nodes { person { " * 3
        + "id"
        + " } } } } } } " * 3
        + "}",
        21: "{ " + " ".join(f"a{n}: sources {{ source }}" for n in range(21)) + " }",
        51: "{ sources { " + " ".join(f"a{n}: source" for n in range(51)) + " } }",
        5: "{ __typename " + "@skip(if: false) " * 5 + "}",
        31: "{ meetings(" + " ".join(f"a{n}: 1" for n in range(31)) + ") { nodes { id } } }",
        201: "{ sources { " + " ".join(f"a{n}" for n in range(201)) + " } }",
    }
    for measured, query in too_much.items():
        (error,) = (await ask(limited, query)).json["errors"]
        told = error["extensions"]
        assert (told["code"], told["measured"]) == ("OPERATION_TOO_COSTLY", measured), query
        assert told["allowed"] < measured
        assert str(told["allowed"]) in error["message"]
    (error,) = (await ask(limited, "{ __typename " + "a " * 3000 + "}")).json["errors"]
    assert error["extensions"] == {"code": "OPERATION_TOO_COSTLY", "allowed": 3000}
