"""Who is answered by `_service` and `_entities`: introspection, credentials, scopes, and the router's own key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.app import create_app
from gateway.cli import main
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.graph.federation.sdl import subgraph_sdl
from gateway.settings.environment import BadSetting
from gateway.settings.federation import options
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from tests.federation.stage import ENTITIES, every_key
from tests.graph.oracle import global_id
from tests.http.harness import Caller, calling
from tests.seeded import seeded
from tests.two_sources import variables
from tests.world import NOW

SERVICE = "{ _service { sdl } }"
ROUTER = "the-key-that-routers-have"
KEYS = (
    "all:key-of-everything-there-is,"
    "meetings:key-of-meetings-alone:meetings:read,"
    "people:key-of-people-without-pii:people:read"
)
EVERYTHING, MEETINGS, PEOPLE = (entry.split(":")[1] for entry in KEYS.split(","))


@pytest.fixture(scope="module")
def little() -> World:
    return seeded(
        NOW, users=12, accounts=12, people=80, cadences=8, tasks=30, salesloft_meetings=120, drift_meetings=40
    )


@contextlib.asynccontextmanager
async def subgraph(world: World, **settings: str) -> AsyncIterator[Caller]:
    async with Emulators.start(world=world, clock=lambda: world.now) as emulators:
        # Without live updates: they sleep on the clock, which jumps to them past the deadlines of operations.
        given = {**variables(emulators), "GATEWAY_FEDERATION": "on", **settings}
        clock = ManualClock(world.now.timestamp(), jumps=True)
        async with calling(create_app(Settings.read(given), clock=clock)) as caller:
            yield caller


async def ask(caller: Caller, query: str, key: str = "", router: str = "", **variables_: Any) -> Any:
    headers = {"X-API-Key": key, "Router-Authorization": router}
    reply = await caller.ask(
        "POST",
        json={"query": query, "variables": variables_},
        headers={name: value for name, value in headers.items() if value},
    )
    return reply.json


def codes(answer: Any) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def meeting(world: World) -> dict[str, str]:
    return {"__typename": "Meeting", "id": global_id("Meeting", "SALESLOFT", next(iter(world.salesloft.meetings)))}


async def test_off_by_default_and_then_not_there_at_all(little: World) -> None:
    async with subgraph(little, GATEWAY_FEDERATION="off") as caller:
        for query in (SERVICE, ENTITIES % "id"):
            assert set(codes(await ask(caller, query, representations=[]))) == {"GRAPHQL_VALIDATION_FAILED"}


async def test_a_router_gets_the_text_and_entities(little: World) -> None:
    async with subgraph(little) as caller:
        assert (await ask(caller, SERVICE))["data"]["_service"]["sdl"] == subgraph_sdl(options())
        asked = meeting(little)
        answer = await ask(caller, ENTITIES % "... on Meeting { id }", representations=[asked])
        assert answer["data"]["_entities"] == [asked]


async def test_the_text_follows_introspection_and_entities_do_not(little: World) -> None:
    async with subgraph(little, GATEWAY_INTROSPECTION="off") as caller:
        answer = await ask(caller, SERVICE)
        assert (answer["data"], codes(answer)) == (None, ["FORBIDDEN"])
        answer = await ask(caller, ENTITIES % "... on Meeting { id }", representations=[meeting(little)])
        assert answer["data"]["_entities"] == [meeting(little)]


async def test_both_need_a_credential_where_the_gateway_asks_for_one(little: World) -> None:
    async with subgraph(little, GATEWAY_API_KEYS=KEYS) as caller:
        for query in (SERVICE, ENTITIES % "... on Meeting { id }"):
            assert codes(await ask(caller, query, representations=[])) == ["UNAUTHENTICATED"]
            assert codes(await ask(caller, query, key="wrong", representations=[])) == ["UNAUTHENTICATED"]
            assert codes(await ask(caller, query, key=EVERYTHING, representations=[])) == []


async def test_where_routers_have_a_key_nobody_else_is_answered(little: World) -> None:
    async with subgraph(little, GATEWAY_ROUTER_KEYS=ROUTER) as caller:
        for query in (SERVICE, ENTITIES % "... on Meeting { id }"):
            answer = await ask(caller, query, representations=[meeting(little)])
            assert (answer["data"], codes(answer)) == (None, ["FORBIDDEN"])
            assert codes(await ask(caller, query, router="wrong", representations=[])) == ["UNAUTHENTICATED"]
            assert codes(await ask(caller, query, router=ROUTER, representations=[])) == []
        assert codes(await ask(caller, "{ sources { source } }")) == [], "other doors stay open"


async def test_a_router_with_a_key_gets_the_text_though_introspection_is_off(little: World) -> None:
    async with subgraph(little, GATEWAY_ROUTER_KEYS=ROUTER, GATEWAY_INTROSPECTION="off") as caller:
        assert codes(await ask(caller, SERVICE)) == ["FORBIDDEN"]
        assert codes(await ask(caller, SERVICE, router=ROUTER)) == []


async def test_a_routers_key_is_no_credential_of_a_client(little: World) -> None:
    async with subgraph(little, GATEWAY_ROUTER_KEYS=ROUTER, GATEWAY_API_KEYS=KEYS) as caller:
        query = ENTITIES % "... on Meeting { id }"
        asked = [meeting(little)]
        assert codes(await ask(caller, query, router=ROUTER, representations=asked)) == ["UNAUTHENTICATED"]
        assert codes(await ask(caller, query, key=ROUTER, representations=asked)) == ["UNAUTHENTICATED"]
        assert codes(await ask(caller, query, key=EVERYTHING, representations=asked)) == ["FORBIDDEN"]
        assert codes(await ask(caller, query, key=EVERYTHING, router=ROUTER, representations=asked)) == []


async def test_scopes_hold_for_every_key_of_every_type(little: World) -> None:
    cases = [case for case, _ in every_key(little)]
    fields = "... on Meeting { id } ... on Person { id name }"
    async with subgraph(little, GATEWAY_API_KEYS=KEYS) as caller:
        for key, seen in ((EVERYTHING, None), (MEETINGS, "Meeting"), (PEOPLE, "Person")):
            for case in cases:
                answer = await ask(caller, ENTITIES % fields, key=key, representations=[case])
                allowed = seen in {None, case["__typename"]} and not (key == PEOPLE and "email" in case)
                assert (answer["data"]["_entities"] != [None]) is allowed, (key, case)
                assert codes(answer) == ([] if allowed else ["FORBIDDEN"]), (key, case)
        answer = await ask(caller, ENTITIES % "", key=MEETINGS, representations=cases)
        shown = [entity and entity["__typename"] for entity in answer["data"]["_entities"]]
        assert shown == [case["__typename"] if case["__typename"] == "Meeting" else None for case in cases]
        lacking = sorted(error["message"].partition("scope ")[2] for error in answer["errors"])
        wanted = ("accounts", "cadences", "conversations", "people", "tasks", "users")
        assert lacking == [f"{each}:read." for each in wanted], "an error a scope, however many records lack it"


async def test_personal_fields_need_their_scope_on_entities_too(little: World) -> None:
    case = next(case for case, _ in every_key(little) if case["__typename"] == "Person" and "email" not in case)
    fields = "... on Person { name email phone customFields }"
    async with subgraph(little, GATEWAY_API_KEYS=KEYS) as caller:
        answer = await ask(caller, ENTITIES % fields, key=PEOPLE, representations=[case] * 3)
        assert all(entity["name"] and entity["email"] is None for entity in answer["data"]["_entities"])
        assert [error["path"][-1] for error in answer["errors"]] == ["email", "phone", "customFields"]
        assert set(codes(answer)) == {"FORBIDDEN"}


async def test_what_a_client_may_not_have_is_not_asked_for_upstream(little: World) -> None:
    async with Emulators.start(world=little) as emulators:
        given = {**variables(emulators), "GATEWAY_FEDERATION": "on", "GATEWAY_API_KEYS": KEYS}
        async with calling(create_app(Settings.read(given))) as caller:
            people = [case for case, _ in every_key(little) if case["__typename"] == "Person"]
            await ask(caller, ENTITIES % "", key=MEETINGS, representations=people)
            assert (emulators.salesloft.calls, emulators.drift.calls) == ([], [])


MENDED = "set GATEWAY_FEDERATION_VERSION to that or a later one, or leave it out"

# The text, and what is refused of its options


def printed(version: str = "", *directives: str) -> str:
    return subgraph_sdl(options(version, directives))


def test_the_text_of_each_version_has_what_the_version_has() -> None:
    for version, costs in (("2.0", False), ("2.8", False), ("2.9", True), ("2.12", True), ("", True)):
        text = printed(version)
        assert f'federation/v{version or "2.9"}"' in text
        assert ("@cost(" in text, "@listSize(" in text) == (costs, costs)
        assert "@authenticated" not in text
        assert "@requiresScopes" not in text
        assert '@tag(name: "pii")' in text


def test_the_text_leaves_out_what_another_relay_subgraph_has() -> None:
    text = printed()
    assert "type PageInfo @shareable {" in text
    query = text.partition("type Query {")[2].partition("\n}")[0]
    assert "meetings(" in query
    assert "node(" not in query
    assert "nodes(" not in query


def test_directives_of_access_are_printed_when_they_are_asked_for() -> None:
    text = printed("2.5", "authenticated", "requiresScopes")
    line = next(line for line in text.splitlines() if line.startswith("type Person implements"))
    assert '@authenticated @requiresScopes(scopes: [["people:read"]])' in line
    assert '@tag(name: "pii") @requiresScopes(scopes: [["pii:read"]])' in text
    imports = text.splitlines()[0]
    assert '"@authenticated", "@key", "@requiresScopes", "@shareable", "@tag"' in imports


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"GATEWAY_FEDERATION_VERSION": "2.4", "GATEWAY_FEDERATION_DIRECTIVES": "tag,requiresScopes"},
            f"GATEWAY_FEDERATION_DIRECTIVES: @requiresScopes came with version 2.5, which is after 2.4; {MENDED}",
        ),
        (
            {"GATEWAY_FEDERATION_VERSION": "2.8", "GATEWAY_FEDERATION_DIRECTIVES": "@cost"},
            f"GATEWAY_FEDERATION_DIRECTIVES: @cost came with version 2.9, which is after 2.8; {MENDED}",
        ),
        (
            {"GATEWAY_FEDERATION_DIRECTIVES": "policy"},
            'GATEWAY_FEDERATION_DIRECTIVES: "policy" is not one of tag, authenticated, requiresScopes, cost, listSize',
        ),
        ({"GATEWAY_FEDERATION_VERSION": "3.0"}, 'GATEWAY_FEDERATION_VERSION: "3.0" is not a version from 2.0 to 2.12'),
        (
            {"GATEWAY_FEDERATION_VERSION": "2.99"},
            'GATEWAY_FEDERATION_VERSION: "2.99" is not a version from 2.0 to 2.12',
        ),
        ({"GATEWAY_FEDERATION_VERSION": "new"}, 'GATEWAY_FEDERATION_VERSION: "new" is not a version from 2.0 to 2.12'),
        ({"GATEWAY_FEDERATION": "yes"}, 'GATEWAY_FEDERATION: "yes" is not one of on, off'),
        ({"GATEWAY_ROUTER_KEYS": "router:"}, "GATEWAY_ROUTER_KEYS: entry 1 lacks a part"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.read(settings)
    assert str(caught.value).startswith(said)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert main(["serve"]) == 2
    assert capsys.readouterr().err.splitlines()[0].startswith(f"meeting-gateway: {said}")


def test_the_command_prints_the_text_that_the_settings_choose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "--federation"]) == 0
    assert capsys.readouterr().out == printed()
    monkeypatch.setenv("GATEWAY_FEDERATION_VERSION", "2.5")
    monkeypatch.setenv("GATEWAY_FEDERATION_DIRECTIVES", "authenticated")
    assert main(["schema", "--federation"]) == 0
    assert capsys.readouterr().out == printed("2.5", "authenticated")


def test_a_weak_key_of_a_router_is_warned_of() -> None:
    (warning,) = Settings.read({"GATEWAY_ROUTER_KEYS": "short"}).warnings
    assert warning == "GATEWAY_ROUTER_KEYS has a key of less than 16 characters, which can be guessed"


def test_a_routers_query_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    named = json.dumps({"representations": [{"__typename": "Person", "email": "somebody@x.example"}]})
    assert main(["explain", ENTITIES % "... on Person { name owner { name } }", "--variables", named]) == 0
    said = capsys.readouterr().out
    assert said.startswith("compiled: ")
    assert "_entities.owner" in said
    assert "SALESLOFT /v2/people" in said
