"""The kinds of check that graphql-cop makes, against the settings of production, with a credential that is accepted."""

from __future__ import annotations

import json

import pytest

from tests.http.attacks import KEY
from tests.http.harness import Caller, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def ask(production: Caller, query: object, **headers: str) -> Reply:
    body = query if isinstance(query, list) else {"query": query}
    return await production.ask("POST", json=body, headers={"X-API-Key": KEY, **headers})


async def test_no_suggestions(production: Caller) -> None:
    for query in (
        "{ meeting { id } }",
        "{ meetin { id } }",
        "{ meetings { nodes { titel } } }",
        "{ meetings(frist: 1) { nodes { id } } }",
    ):
        reply = await ask(production, query)
        assert reply.code == "GRAPHQL_VALIDATION_FAILED"
        assert b"Did you mean" not in reply.body


async def test_no_introspection(production: Caller) -> None:
    for query in ("{ __schema { types { name fields { name } } } }", '{ __type(name: "Meeting") { name } }'):
        reply = await ask(production, query)
        assert reply.code == "GRAPHQL_VALIDATION_FAILED"
        assert "data" not in reply.json


async def test_no_circular_introspection(production: Caller) -> None:
    inner = "name"
    for _ in range(4):
        inner = f"fields {{ type {{ {inner} }} }}"
    assert "data" not in (await ask(production, f"{{ __schema {{ types {{ {inner} }} }} }}")).json


@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/playground", "/console", "/"])
async def test_no_explorer(production: Caller, path: str) -> None:
    reply = await production.ask("GET", path, headers={"Accept": "text/html", "X-API-Key": KEY})
    assert reply.status in {404, 406}
    assert b"graphiql" not in reply.body.lower()


async def test_no_get_from_another_site(production: Caller) -> None:
    path = "/graphql?query=query+cop+{__typename}"
    assert (await production.ask("GET", path)).status == 401
    assert (await production.ask("GET", path, headers={"Sec-Fetch-Site": "cross-site"})).status == 403


async def test_no_mutation_by_get(production: Caller) -> None:
    reply = await production.ask("GET", "/graphql?query=mutation+cop+{__typename}", headers={"X-API-Key": KEY})
    assert (reply.status, "data" in reply.json) == (405, False)


async def test_no_form(production: Caller) -> None:
    reply = await production.ask("POST", data=b"query=query+cop+{__typename}", headers={"X-API-Key": KEY, **FORM})
    assert reply.status == 415


async def test_no_batch(production: Caller) -> None:
    reply = await ask(production, [{"query": "query cop { __typename }"}] * 10)
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "query",
    [
        "query cop { " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }",
        "query cop { " + "__typename " * 500 + "}",
        "query cop { __typename " + "@aa" * 10 + " }",
    ],
    ids=["aliases", "repeated fields", "directives"],
)
async def test_no_overloading(production: Caller, query: str) -> None:
    reply = await ask(production, query)
    assert reply.code == "OPERATION_TOO_COSTLY"
    assert len(reply.json["errors"]) == 1


async def test_no_tracing(production: Caller) -> None:
    reply = await ask(
        production, "query cop { __typename }", **{"X-Gateway-Trace": "1", "apollo-federation-include-trace": "ftv1"}
    )
    assert reply.json == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("query", ["qwerty cop { abc }", "query cop { __typename( }", "{ " + json.dumps("x") + " }"])
async def test_no_exception_is_shown(production: Caller, query: str) -> None:
    reply = await ask(production, query)
    assert reply.code == "GRAPHQL_PARSE_FAILED"
    assert set(reply.json["errors"][0]["extensions"]) == {"code"}
    assert b"exception" not in reply.body.lower()
    assert b"Traceback" not in reply.body
