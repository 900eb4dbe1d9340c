"""What an operation costs, over HTTP: reported on request, refused where it is too much, charged as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.app import create_app
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.attacks import KEY
from tests.http.harness import Caller, Reply, calling
from tests.two_sources import variables

SETTINGS = {"GATEWAY_API_KEYS": f"web:{KEY}", "GATEWAY_MAX_COST": "60", "GATEWAY_CLIENT_COST": "1000"}
PAGE = "query ($n: Int) { meetings(first: $n) { nodes { person { name } } } }"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def limited() -> AsyncIterator[Caller]:
    async with (
        Emulators.start() as emulators,
        calling(create_app(Settings.read({**variables(emulators), **SETTINGS}))) as caller,
    ):
        yield caller


async def ask(caller: Caller, query: str, *, reported: dict[str, str] | None = None, **values: object) -> Reply:
    body = {"query": query, "variables": values}
    return await caller.ask("POST", json=body, headers={"X-API-Key": KEY, **(reported or {})})


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_cost_is_reported_on_request(limited: Caller) -> None:
    quiet = await ask(limited, PAGE, n=2)
    assert quiet.status == 200
    assert "extensions" not in quiet.json
    reported = (await ask(limited, PAGE, reported={"X-Gateway-Cost": "1"}, n=3)).json["extensions"]
    assert reported.keys() == {"cost"}
    assert reported["cost"].keys() == {"expected", "actual"}
    assert 0 <= reported["cost"]["actual"] <= reported["cost"]["expected"] <= 60


async def test_the_trace_shows_it_too(limited: Caller) -> None:
    reported = (await ask(limited, PAGE, reported={"X-Gateway-Trace": "1"}, n=4)).json["extensions"]
    assert reported["cost"]["actual"] == reported["upstream"]["cost"]
    assert reported["execution"]["compiled"] in {True, False}


async def test_the_trace_shows_the_plan_on_request(limited: Caller) -> None:
    reported = (await ask(limited, PAGE, reported={"X-Gateway-Trace": "plan"}, n=5)).json["extensions"]
    assert reported["execution"]["plan"].startswith("compiled: ")
    assert "load  person_by_ref" in reported["execution"]["plan"]
    refused = await ask(limited, "{ nothing }", reported={"X-Gateway-Trace": "plan"})
    assert "execution" not in refused.json["extensions"]


async def test_the_trace_shows_how_it_ran_and_why_no_plan_did(limited: Caller) -> None:
    asked = [("query ($n: Int) { meetings(first: $n) { nodes { id } } }", n) for n in (1, 2)]
    asked.append(("query ($n: Int) { meetings(first: $n) { nodes { id } } __schema { queryType { name } } }", 1))
    replies = [await ask(limited, query, reported={"X-Gateway-Trace": "1"}, n=n) for query, n in asked]
    assert [reply.json["extensions"]["execution"] for reply in replies] == [
        {"compiled": True},
        {"compiled": True},
        {"compiled": False, "reason": "it asks about the schema"},
    ]


async def test_what_costs_too_much_is_refused(limited: Caller) -> None:
    refused = await ask(limited, PAGE, reported={"X-Gateway-Trace": "1"}, n=100)
    (error,) = refused.json["errors"]
    assert refused.status in {200, 400}
    assert "data" not in refused.json
    assert error["extensions"]["code"] == "OPERATION_TOO_COSTLY"
    assert error["extensions"]["allowed"] == 60 < error["extensions"]["measured"]
    assert f"{error['extensions']['measured']} upstream units; 60 are allowed" in error["message"]
    assert refused.json["extensions"]["upstream"]["calls"] == 0


async def test_every_limit_reports_what_was_measured_and_what_is_allowed(limited: Caller) -> None:
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
        reported = error["extensions"]
        assert (reported["code"], reported["measured"]) == ("OPERATION_TOO_COSTLY", measured), query
        assert reported["allowed"] < measured
        assert str(reported["allowed"]) in error["message"]
    (error,) = (await ask(limited, "{ __typename " + "a " * 3000 + "}")).json["errors"]
    assert error["extensions"] == {"code": "OPERATION_TOO_COSTLY", "allowed": 3000}
