"""By which names the gateway is asked: a page of any other may be a stranger's, whose name points here for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from gateway.app import create_app
from gateway.settings.clients import LOOPBACK_HOSTS
from gateway.settings.settings import Settings
from tests.http.harness import Caller, PlainEngine, Reply, calling, plain_site

SOURCE = {"SALESLOFT_TOKEN": "ak-a-token-of-salesloft", "SALESLOFT_URL": "http://127.0.0.1:9"}
KEY = "a-long-enough-key"


@asynccontextmanager
async def gateway(**settings: str) -> AsyncIterator[Caller]:
    async with calling(create_app(Settings.read({**SOURCE, **settings}))) as caller:
        yield caller


async def ask(caller: Caller, host: str, path: str = "/graphql", **headers: str) -> Reply:
    return await caller.ask("POST", path, json={"query": "{ __typename }"}, headers={"Host": host, **headers})


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost.", "localhost:8000", "[::1]:9"]
)
async def test_where_no_credential_is_needed_this_machine_is_answered(host: str) -> None:
    async with gateway() as caller:
        assert (await ask(caller, host)).status == 200


REBOUND = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example:80",
    "0.0.0.0",
    "[::2]",
    "x",
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("host", REBOUND)
@pytest.mark.parametrize("path", ["/graphql", "/graphql?query={__typename}", "/", "/nowhere"])
async def test_no_page_reads_by_a_name_that_was_pointed_here(host: str, path: str) -> None:
    async with gateway(GATEWAY_CORS_ORIGINS="https://app.example") as caller:
        reply = await caller.ask("GET", path, headers={"Host": host, "Origin": "https://app.example"})
    assert (reply.status, reply.code) == (421, "")
    message = reply.json["errors"][0]["message"]
    assert "GATEWAY_ALLOWED_HOSTS" in message
    assert host.partition(":")[0] in message or host.startswith("[")
    assert reply.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_are_answered_by_any_name(path: str) -> None:
    async with gateway() as caller:
        assert (await caller.ask("GET", path, headers={"Host": "10.1.2.3:8000"})).status in {200, 503}


async def test_where_a_credential_is_needed_any_name_is_answered() -> None:
    async with gateway(GATEWAY_API_KEYS=KEY) as caller:
        assert (await ask(caller, "evil.example", Authorization=f"Bearer {KEY}")).status == 200


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("graph.example", "graph.example", 200),
        ("Graph.Example", "graph.example:8443", 200),
        ("graph.example", "localhost", 421),
        ("graph.example", "a.graph.example", 421),
        ("*.example.com", "graph.example.com", 200),
        ("*.example.com", "a.b.example.com", 200),
        ("*.example.com", "example.com", 421),
        ("*.example.com", "evilexample.com", 421),
        ("*.example.com", "example.com.evil", 421),
        ("::1, [2001:db8::1]", "[2001:db8::1]:8000", 200),
        ("*", "anything.example", 200),
        ("graph.example", "*", 421),
        ("*.example.com", "*.example.com", 200),
        ("graph.example", "", 421),
    ],
)
async def test_the_names_that_are_set(allowed: str, host: str, status: int) -> None:
    async with gateway(GATEWAY_ALLOWED_HOSTS=allowed) as caller:
        assert (await ask(caller, host)).status == status


@pytest.mark.parametrize("settings", [{}, {"GATEWAY_ALLOWED_HOSTS": "other.example"}, {"GATEWAY_API_KEYS": KEY}])
async def test_the_public_name_is_answered_beside_them(settings: Mapping[str, str]) -> None:
    async with gateway(GATEWAY_PUBLIC_URL="https://Graph.example:8443/base", **settings) as caller:
        assert (await ask(caller, "graph.example:8443", Authorization=f"Bearer {KEY}")).status == 200


async def test_two_names_are_refused() -> None:
    async with calling(plain_site(PlainEngine())) as caller:
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        assert (await raw(caller, head)).startswith(b"HTTP/1.1 400")


async def test_a_request_without_a_name_is_not_from_this_machine() -> None:
    async with gateway() as caller:
        answer = await raw(caller, b"GET /graphql?query={__typename} HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421")


def test_the_default_names_are_those_of_loopback() -> None:
    assert {*LOOPBACK_HOSTS} == {"localhost", "127.0.0.1", "[::1]"}


async def raw(caller: Caller, sent: bytes) -> bytes:
    host, _, port = caller.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer
