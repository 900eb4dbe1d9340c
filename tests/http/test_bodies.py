"""Bodies of requests: packed, large, slow."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import AsyncIterator

import pytest

from tests.http.harness import JSON, Caller, PlainEngine, Reply, raw
from tests.http.harness import engine as engine
from tests.http.harness import gateway as gateway


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
    ],
)
async def test_only_json_in_utf_8(gateway: Caller, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    reply = await gateway.ask(
        "POST", data=b'{"query": "{ hello }"}', headers=headers, skip_auto_headers=["Content-Type"]
    )
    assert (reply.status, reply.headers["Accept"], reply.code) == (415, JSON, "")


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "compress", "gzip, gzip", "gzip, br"])
async def test_no_body_but_of_gzip_is_unpacked(gateway: Caller, coding: str) -> None:
    reply = await gateway.ask("POST", data=b"x", headers={"Content-Type": JSON, "Content-Encoding": coding})
    assert (reply.status, reply.headers["Accept-Encoding"], reply.code) == (415, "gzip", "")


async def packed(gateway: Caller, body: bytes, coding: str = "gzip") -> Reply:
    return await gateway.ask("POST", data=body, headers={"Content-Type": JSON, "Content-Encoding": coding})


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
async def test_a_body_that_is_packed_by_gzip(gateway: Caller, coding: str) -> None:
    sent = {"query": "query($n: String) { hello(name: $n) }", "variables": {"n": "Zoë" * 100}}
    reply = await packed(gateway, gzip.compress(json.dumps(sent).encode()), coding)
    assert (reply.status, reply.json["data"]) == (200, {"hello": f"Hello, {'Zoë' * 100}"})


async def test_a_packed_body_may_be_as_large_as_another(gateway: Caller) -> None:
    padding = base64.b64encode(random.Random(3).randbytes(700_000)).decode()
    body = json.dumps({"query": "{ hello }", "extensions": {"padding": padding}}).encode()
    assert 900_000 < len(body) < 1_000_000
    assert (await packed(gateway, gzip.compress(body))).status == 200
    longer = json.dumps({"query": "{ hello }", "extensions": {"padding": padding + "x" * 100_000}}).encode()
    assert (await packed(gateway, gzip.compress(longer))).status == 413


async def test_a_body_that_bursts(gateway: Caller, engine: PlainEngine) -> None:
    for size in (20_000_000, 999_000, 100_000):
        body = b'{"query": "{ hello }' + b" " * size + b'"}'
        assert (await packed(gateway, gzip.compress(body))).status == 413
    assert engine.executed == 0
    assert (await packed(gateway, gzip.compress(b'{"query": "{ hello }' + b" " * 9_000 + b'"}'))).status == 200


async def test_nothing_else_is_answered_in(gateway: Caller) -> None:
    reply = await gateway.post("{ hello }", accept="image/png")
    assert (reply.status, reply.code) == (406, "")
    assert reply.headers["Content-Type"].startswith(JSON)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
async def test_no_other_methods(gateway: Caller, method: str) -> None:
    answer = await gateway.ask(method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert answer.code == ""


async def test_an_unknown_path_is_answered_in_json(gateway: Caller) -> None:
    reply = await gateway.ask("GET", "/secret/ak-123")
    assert (reply.status, reply.json["errors"][0]["message"]) == (
        404,
        "There is nothing at this path; the graph is at /graphql.",
    )


async def test_a_declared_size_above_the_limit_is_refused_unread(gateway: Caller) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000001\r\n\r\n"
    reply = await raw(gateway, head)
    assert b" 413 " in reply.splitlines()[0]
    assert b"connection: close" in reply.lower()


async def test_a_body_above_the_limit_is_refused(gateway: Caller) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    reply = await gateway.ask("POST", data=parts(), headers={"Content-Type": JSON})
    assert (reply.status, reply.code) == (413, "")


async def test_a_body_that_takes_too_long(gateway: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.web.request.MAX_SECONDS", 0.05)
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    reply = await raw(gateway, head)
    assert b" 408 " in reply.splitlines()[0]
    assert b'{"errors":[{"message":"The body took longer' in reply


async def test_a_body_below_the_limit_is_read(gateway: Caller) -> None:
    reply = await gateway.post("{ hello }", extensions={"padding": "x" * 990_000})
    assert reply.status == 200
