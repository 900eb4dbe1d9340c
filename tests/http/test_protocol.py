"""GraphQL over HTTP: what is accepted, what is refused, and how that is said."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.request import LedgerEntry, Request
from tests.http.harness import JSON, RESPONSE, Caller, PlainEngine, address, calling, plain_site, raw
from tests.http.harness import engine as engine
from tests.http.harness import gateway as gateway


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_an_answer_comes_in_the_type_that_was_asked_for(gateway: Caller, accept: str) -> None:
    reply = await gateway.post("{ hello }", accept=accept)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == f"{accept}; charset=utf-8"
    assert reply.json == {"data": {"hello": "Hello, None"}}


async def test_get_and_head(gateway: Caller) -> None:
    query = urlencode(
        {"query": "query Q($n: String) { hello(name: $n) }", "variables": '{"n": "Zoë"}', "operationName": "Q"}
    )
    reply = await gateway.ask("GET", f"/graphql?{query}")
    assert reply.json == {"data": {"hello": "Hello, Zoë"}}
    head = await gateway.ask("HEAD", f"/graphql?{query}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == reply.headers["Content-Length"]


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query A { hello } query B { hello }", None, "BAD_USER_INPUT"),
        ("fragment F on Query { hello }", None, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_request_error_has_no_data(gateway: Caller, query: str, variables: Any, code: str) -> None:
    modern = await gateway.post(query, accept=RESPONSE, variables=variables)
    assert (modern.status, modern.code) == (400, code)
    assert "data" not in modern.json
    old = await gateway.post(query, accept=JSON, variables=variables)
    assert (old.status, old.json) == (200, modern.json)


async def test_variables_that_do_not_fit(gateway: Caller, engine: PlainEngine) -> None:
    reply = await gateway.post("query($n: String!) { hello(name: $n) }", accept=RESPONSE, variables={"n": 5})
    assert reply.status == 400
    assert "data" not in reply.json


async def test_no_mutations_are_run(gateway: Caller, engine: PlainEngine) -> None:
    document = "mutation { __typename }"
    posted = await gateway.post(document, accept=JSON)
    assert (posted.status, posted.code) == (400, "GRAPHQL_VALIDATION_FAILED")
    assert "no mutations" in posted.json["errors"][0]["message"]
    got = await gateway.ask("GET", f"/graphql?{urlencode({'query': document})}")
    assert (got.status, got.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert engine.executed == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5",
        b"null",
        b'"{ hello }"',
        b"{",
        b"\xff\xfe",
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b"[" * 20_000,
        b'{"query": ' + b'{"a":' * 20_000,
        b'{"variables": {}}',
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "{ hello }", "extensions": []}',
        b'{"query": "{ hello }", "variables": {"a": 1e999}}',
        b'{"query": "{ hello }"} trailing',
        '{"query": "{ hello }"}'.encode("utf-16"),
    ],
    ids=lambda body: body[:40],
)
async def test_a_body_that_is_no_request(gateway: Caller, engine: PlainEngine, body: bytes) -> None:
    reply = await gateway.ask("POST", data=body, headers={"Content-Type": JSON})
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")
    assert reply.headers["Content-Type"].startswith(JSON)
    assert engine.executed == 0


async def test_no_batches(gateway: Caller) -> None:
    reply = await gateway.ask("POST", data=b' [{"query": "{ hello }"}]', headers={"Content-Type": JSON})
    assert reply.status == 400
    assert "Batches are not supported" in reply.json["errors"][0]["message"]


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "variables={}",
        "query={hello}&variables=[1]",
        "query={hello}&variables={",
        "query={hello}&extensions=1",
        "query={hello}&query={hello}",
        "query=%FF",
        "&".join(f"p{n}=1" for n in range(100)),
    ],
)
async def test_a_query_string_that_is_no_request(gateway: Caller, query_string: str) -> None:
    reply = await gateway.ask("GET", f"/graphql?{query_string}")
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("operation_name", ["", None])
async def test_an_empty_operation_name_in_a_query_string_is_ignored(
    gateway: Caller, operation_name: str | None
) -> None:
    given = {"operationName": operation_name} if operation_name is not None else {}
    reply = await gateway.ask("GET", f"/graphql?{urlencode({'query': '{hello}', **given})}")
    assert reply.status == 200


@pytest.mark.parametrize("name", ["operationName", "variables", "extensions"])
@pytest.mark.parametrize("empty", ["", None])
async def test_an_empty_member_of_a_body_is_ignored(gateway: Caller, name: str, empty: str | None) -> None:
    reply = await gateway.post("{ hello }", accept=RESPONSE, **{name: empty})
    assert (reply.status, reply.json) == (200, {"data": {"hello": "Hello, None"}})


@pytest.mark.parametrize("other", ["utm=1&utm=2", "_=1&_=1&_=1", "QUERY=a&QUERY=b", "Query=x&Query=x"])
async def test_a_parameter_that_means_nothing_here_may_come_twice(gateway: Caller, other: str) -> None:
    assert (await gateway.ask("GET", f"/graphql?query={{hello}}&{other}")).status == 200


@pytest.mark.parametrize("name", ["query", "operationName", "variables", "extensions", "documentId", "doc_id", "id"])
async def test_a_parameter_of_ours_comes_once(gateway: Caller, name: str) -> None:
    reply = await gateway.ask("GET", f"/graphql?query={{hello}}&{name}=&{name}=")
    assert (reply.status, reply.code) == (400, "BAD_USER_INPUT")
    assert name in reply.json["errors"][0]["message"]


async def test_several_lines_of_a_header_count_as_one(gateway: Caller) -> None:
    body = b'{"query": "query($n: String) { hello(name: $n) }", "variables": {"n": "%s"}}' % (b"Zoe " * 500)
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    lines = b"Accept: text/html\r\nAccept: application/graphql-response+json\r\n"
    lines += b"Accept-Encoding: deflate\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    answer = (await raw(gateway, head + lines + body)).lower()
    assert answer.startswith(b"http/1.1 200")
    assert b"content-type: application/graphql-response+json" in answer
    assert b"content-encoding: gzip" in answer


async def test_several_lines_of_tags_count_as_one(gateway: Caller) -> None:
    tag = (await gateway.ask("GET", "/graphql?query={hello}")).headers["ETag"].encode()
    head = b"GET /graphql?query={hello} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    tags = b'If-None-Match: "other"\r\nIf-None-Match: %s\r\n\r\n' % tag
    assert (await raw(gateway, head + tags)).startswith(b"HTTP/1.1 304")


async def test_what_cannot_be_two_things_at_once_is_refused(gateway: Caller) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n"
    types = b"Content-Type: application/json\r\nContent-Type: text/plain\r\n\r\n{}"
    assert (await raw(gateway, head + types)).startswith(b"HTTP/1.1 415")


async def test_the_trace_is_given_when_asked_for(gateway: Caller, engine: PlainEngine) -> None:
    def call(request: Request) -> None:
        ledger = request.ledger
        ledger.write(LedgerEntry("DRIFT", "/users/list", 1, 2.0, 2.25, asked=ledger.ask()))
        ledger.write(LedgerEntry("SALESLOFT", "/v2/users", 1, 2.5, 2.6, asked=ledger.ask()))

    engine.meddle = call
    asked = json.dumps({"query": "{ hello }"}).encode()
    headers = {"Content-Type": JSON}
    assert "extensions" not in (await gateway.ask("POST", data=asked, headers=headers)).json
    traced = await gateway.ask("POST", data=asked, headers={**headers, "X-Gateway-Trace": "1"})
    totals = {"calls": 1, "cost": 1, "cacheHits": 0}
    upstream = traced.json["extensions"]["upstream"]
    assert list(upstream["bySource"]) == ["SALESLOFT", "DRIFT"]
    miss = {"cost": 1, "cache": "miss"}
    assert upstream == {
        "calls": 2,
        "cost": 2,
        "cacheHits": 0,
        "waves": 2,
        "bySource": {"SALESLOFT": totals, "DRIFT": totals},
        "requests": [
            {"source": "DRIFT", "endpoint": "/users/list", "ms": 250.0, "at": 0.0, "wave": 1, **miss},
            {"source": "SALESLOFT", "endpoint": "/v2/users", "ms": 100.0, "at": 500.0, "wave": 2, **miss},
        ],
    }


async def test_the_trace_is_not_given_where_it_is_off(engine: PlainEngine) -> None:
    async with calling(plain_site(engine, trace=False)) as gateway:
        reply = await gateway.ask("POST", json={"query": "{ hello }"}, headers={"X-Gateway-Trace": "1"})
    assert "extensions" not in reply.json


async def test_what_nobody_foresaw_is_masked(
    gateway: Caller, engine: PlainEngine, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Request) -> None:
        raise RuntimeError("ak-secret of upstream")

    engine.meddle = fail
    reply = await gateway.post("{ hello }")
    assert (reply.status, reply.code) == (500, "INTERNAL_SERVER_ERROR")
    assert b"ak-secret" not in reply.body
    error_id = reply.json["errors"][0]["extensions"]["errorId"]
    logged = [record for record in caplog.records if getattr(record, "errorId", None) == error_id]
    assert [record.__dict__["kind"] for record in logged] == ["RuntimeError"]
    assert "ak-secret" not in caplog.text
    engine.meddle = lambda _: None
    assert (await gateway.post("{ hello }")).status == 200


async def test_an_operation_that_overstays_is_ended(engine: PlainEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.web.graphql.GRACE", 0.02)
    engine.meddle = lambda _: asyncio.sleep(60)
    async with calling(plain_site(engine, deadline=0.05)) as gateway:
        reply = await gateway.post("{ hello }")
    assert (reply.status, reply.code) == (504, "DEADLINE_EXCEEDED")
    assert engine.cancelled == 1


async def test_a_client_that_goes_away_ends_its_operation(
    gateway: Caller, engine: PlainEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    never = asyncio.Event()
    engine.meddle = lambda _: never.wait()
    body = b'{"query": "{ hello }"}'
    _, writer = await asyncio.open_connection(*address(gateway))
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    await engine.reached.wait()
    writer.close()
    async with asyncio.timeout(5):
        await engine.ended.wait()
    engine.meddle = lambda _: None
    assert (await gateway.post("{ hello }")).status == 200
    statuses = [record.__dict__["status"] for record in caplog.records if record.getMessage() == "request"]
    assert statuses == [499, 200]


async def test_a_body_that_breaks_off_harms_nobody(gateway: Caller) -> None:
    _, writer = await asyncio.open_connection(*address(gateway))
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
    await writer.drain()
    writer.close()
    assert (await gateway.post("{ hello }")).status == 200


async def test_the_log_has_one_line_a_request_and_no_data(gateway: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    name = "N" * 100
    await gateway.post(f'query {name} {{ hello(name: "zoe@customer.example") }}', variables={"x": "ak-secret"})
    await gateway.ask("GET", "/people/4711")
    await gateway.ask("GET", "/healthz")
    lines = [record.__dict__ for record in caplog.records if record.name == "gateway.web.request_log"]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/graphql", 200),
        ("GET", "other", 404),
    ]
    assert lines[0]["operation"] == "N" * 64
    assert lines[0]["upstreamCalls"] == 0
    assert "ms" in lines[0]
    assert "zoe@" not in caplog.text
    assert "4711" not in caplog.text


async def test_security_headers(gateway: Caller) -> None:
    for reply in (
        await gateway.post("{ hello }"),
        await gateway.ask("GET", "/nowhere"),
        await gateway.ask("GET", "/healthz"),
    ):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
