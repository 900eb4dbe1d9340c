"""Errors that say what would be right, over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.app import create_app
from gateway.emulator.server import Emulators
from gateway.settings.settings import Settings
from tests.http.harness import Caller, Reply, calling
from tests.two_sources import variables

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESPONSE = "application/graphql-response+json"
STATUSES = "The allowed values are PENDING, BOOKED, CANCELED, NO_SHOW, FAILED, UNKNOWN."
BY_TIME = "query($t: DateTime) { meetings(filter: {startTime: {gte: $t}}) { nodes { id } } }"
UNKNOWN_HASH = {"persistedQuery": {"version": 1, "sha256Hash": "a" * 64}}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def emulators() -> AsyncIterator[Emulators]:
    async with Emulators.start() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def gateway(emulators: Emulators) -> AsyncIterator[Caller]:
    async with calling(create_app(Settings.read(variables(emulators)))) as caller:
        yield caller


async def ask(gateway: Caller, query: str, **values: Any) -> Reply:
    return await gateway.post(query, accept=RESPONSE, variables=values)


def message(reply: Reply) -> str:
    return str(reply.json["errors"][0]["message"])


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("{ meetings { title } }", "The rows are in 'nodes': nodes { title }."),
        ("{ people { nodes { meetings { title } } } }", "The rows are in 'nodes': nodes { title }."),
        ("{ meetings { edges { title } } }", "The rows are in 'node': node { title }."),
    ],
)
async def test_where_the_rows_of_a_list_are(gateway: Caller, query: str, hint: str) -> None:
    reply = await ask(gateway, query)
    assert (reply.status, reply.code) == (400, "GRAPHQL_VALIDATION_FAILED")
    assert message(reply).endswith(hint)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("{ meetings(status: BOOKED) { nodes { id } } }", "It belongs in 'filter': filter: {status: …}."),
        ('{ users(search: "x") { nodes { id } } }', "It belongs in 'filter': filter: {search: …}."),
        ("{ meetings(direction: ASC) { nodes { id } } }", "It belongs in 'orderBy': orderBy: {direction: …}."),
        ('{ meeting(id: "x") { id } }', "It belongs in 'by': by: {id: …}."),
        ('{ meetings(where: "x") { nodes { id } } }', "Unknown argument 'where' on field 'Query.meetings'."),
    ],
)
async def test_where_an_argument_belongs(gateway: Caller, query: str, hint: str) -> None:
    reply = await ask(gateway, query)
    assert (reply.status, reply.code) == (400, "GRAPHQL_VALIDATION_FAILED")
    assert message(reply).endswith(hint)


@pytest.mark.parametrize("query", ["{ meetings { unheardOf } }", "{ sources { title } }"])
async def test_rows_are_not_named_where_they_lack_the_field_too(gateway: Caller, query: str) -> None:
    assert "rows" not in message(await ask(gateway, query))


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("{ meetings(filter: {status: [CONFIRMED]}) { nodes { id } } }", {}),
        ('{ meetings(filter: {status: ["BOOKED"]}) { nodes { id } } }', {}),
        ("query($s: [MeetingStatus!]) { meetings(filter: {status: $s}) { nodes { id } } }", {"s": ["CONFIRMED"]}),
        ("query($s: [MeetingStatus!]) { meetings(filter: {status: $s}) { nodes { id } } }", {"s": [5]}),
    ],
)
async def test_a_wrong_enum_value_lists_the_allowed_ones(gateway: Caller, query: str, values: dict[str, Any]) -> None:
    reply = await ask(gateway, query, **values)
    assert reply.status == 400
    assert message(reply).endswith(STATUSES)


async def test_names_of_the_schema_stay_hidden_where_it_may_not_be_asked_for(emulators: Emulators) -> None:
    hidden = Settings.read({**variables(emulators), "GATEWAY_INTROSPECTION": "off"})
    async with calling(create_app(hidden)) as gateway:
        assert "nodes" not in message(await ask(gateway, "{ meetings { title } }"))
        assert "filter" not in message(await ask(gateway, "{ meetings(status: BOOKED) { nodes { id } } }"))
        assert "BOOKED" not in message(await ask(gateway, "{ meetings(filter: {status: [X]}) { nodes { id } } }"))
        query = "query($s: [MeetingStatus!]) { meetings(filter: {status: $s}) { nodes { id } } }"
        assert "BOOKED" not in message(await ask(gateway, query, s=["X"]))


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("{ meetings(first: 500) { nodes { person { meetings(first: 5) { nodes { id } } } } } }", "meetings"),
        ("{ list: meetings(last: 500) { nodes { attendees { person { name } } } } }", "list"),
    ],
)
async def test_a_costly_operation_is_refused_with_the_page_size_that_fits(
    emulators: Emulators, query: str, path: str
) -> None:
    async with calling(create_app(Settings.read({**variables(emulators), "GATEWAY_MAX_COST": "60"}))) as gateway:
        refused = await ask(gateway, query)
        assert (refused.status, refused.code) == (400, "OPERATION_TOO_COSTLY")
        reported = message(refused)
        assert f"The list '{path}' multiplies it: with '{'last' if 'last' in query else 'first'}: " in reported
        size = int(re.findall(r"with '(?:first|last): (\d+)' there", reported)[0])
        fits, too_large = (query.replace("500", str(n)) for n in (size, size + 1))
        assert (await ask(gateway, too_large)).code == "OPERATION_TOO_COSTLY"
        assert "data" in (await ask(gateway, fits)).json


async def test_an_answer_of_too_many_fields_is_refused_with_the_page_size_too(emulators: Emulators) -> None:
    async with calling(create_app(Settings.read({**variables(emulators), "GATEWAY_MAX_FIELDS": "100"}))) as gateway:
        refused = await ask(gateway, "{ users(first: 500) { nodes { id name } } }")
        assert refused.code == "OPERATION_TOO_COSTLY"
        assert "The list 'users' multiplies it: with 'first: " in message(refused)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2026-03-01", '"2026-03-01" is a date without a time; write the instant that you mean, such as'),
        ("2026-03-01T10:00:00", '"2026-03-01T10:00:00" has no offset; write the instant that you mean, such as'),
        ("2026-03-01T10:00", '"2026-03-01T10:00" has neither seconds nor an offset; write the instant that you mean'),
        (1_772_323_200, "a number is not an instant; write RFC 3339 with an offset, such as"),
        (1.5e9, "a number is not an instant; write RFC 3339 with an offset, such as"),
        ("1772323200", "a number is not an instant; write RFC 3339 with an offset, such as"),
        ("2026-02-30", "not an instant; write RFC 3339 with an offset, such as"),
        (True, "not an instant; write RFC 3339 with an offset, such as"),
        ("soon", "not an instant; write RFC 3339 with an offset, such as"),
    ],
)
async def test_a_bad_time_names_its_argument_and_what_it_lacks(gateway: Caller, time: object, said: str) -> None:
    literal = f"{{ meetings(filter: {{startTime: {{gte: {json.dumps(time)}}}}}) {{ nodes {{ id }} }} }}"
    for reply in (await ask(gateway, BY_TIME, t=time), await ask(gateway, literal)):
        assert reply.code == "BAD_USER_INPUT"
        (error,) = reply.json["errors"]
        assert error["message"].startswith(f"filter.startTime.gte: {said}")
        assert error["extensions"]["argument"] == "filter.startTime.gte"
        assert error["path"] == ["meetings"]
        assert error["locations"][0]["line"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'\xef\xbb\xbf{"query": "{ __typename }"}', "byte order mark"),
        (b'{"query": "{ __typename }", "variables": {"a": "\\ud83d"}}', "half of a surrogate pair"),
        (b'{"query": "{ __typename }", "variables": {"a": "\\ude00!"}}', "half of a surrogate pair"),
        (b'{"query": "{ __typename }", "variables": {"a": "\\\\ud83d\\ud83d\\ude00"}', "not JSON in UTF-8"),
        (b'{"query": "{ __typename }"', "not JSON in UTF-8"),
    ],
)
async def test_what_is_wrong_with_a_body_that_cannot_be_read(gateway: Caller, body: bytes, said: str) -> None:
    reply = await gateway.ask("POST", data=body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")
    assert said in message(reply)


@pytest.mark.parametrize("path", ["/", "/graphq", "/api/graphql", "/graphql/other"])
async def test_an_unknown_path_says_where_the_graph_is(emulators: Emulators, path: str) -> None:
    async with calling(create_app(Settings.read({**variables(emulators), "GATEWAY_GRAPHIQL": "off"}))) as gateway:
        reply = await gateway.ask("GET", path)
    assert (reply.status, message(reply)) == (404, "There is nothing at this path; the graph is at /graphql.")


async def test_the_endpoint_with_a_slash_at_its_end(gateway: Caller) -> None:
    posted = await gateway.ask("POST", "/graphql/", json={"query": "{ __typename }"})
    got = await gateway.ask("GET", "/graphql/?query=%7B__typename%7D")
    assert (posted.status, posted.json, got.json) == (200, {"data": {"__typename": "Query"}}, posted.json)
    page = await gateway.ask("GET", "/graphql/?query=%7B__typename%7D", headers={"Accept": "text/html"})
    assert (page.status, page.headers["Location"]) == (307, "../graphql?query=%7B__typename%7D")
    assert (await gateway.ask("GET", "/graphql/", headers={"Accept": "text/html"})).headers["Location"] == "../graphql"


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        (f"{RESPONSE}, application/json;q=0.9", 200, "application/json"),  # Apollo Client 4
        (f"{RESPONSE}, application/json", 200, "application/json"),  # urql
        ("*/*", 200, "application/json"),
        ("application/json", 200, "application/json"),
        (RESPONSE, 400, RESPONSE),
        (f"{RESPONSE}, application/json;q=0", 400, RESPONSE),
    ],
)
async def test_an_unknown_hash_is_no_failed_request_in_a_browser(
    gateway: Caller, accept: str, status: int, kind: str
) -> None:
    reply = await gateway.post(None, accept=accept, extensions=UNKNOWN_HASH)
    assert (reply.status, reply.code) == (status, "PERSISTED_QUERY_NOT_FOUND")
    assert reply.headers["Content-Type"] == f"{kind}; charset=utf-8"
