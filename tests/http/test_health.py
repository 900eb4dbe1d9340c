from __future__ import annotations

import pytest

from gateway.web.health import Health
from tests.http.harness import PlainEngine, calling, plain_site, statuses_of


async def test_healthy_and_ready() -> None:
    async with calling(plain_site(PlainEngine())) as gateway:
        live = await gateway.ask("GET", "/healthz")
        ready = await gateway.ask("GET", "/readyz")
        head = await gateway.ask("HEAD", "/readyz")
        wrong = await gateway.ask("POST", "/healthz")
    assert (live.status, live.json) == (200, {"status": "OK"})
    assert (ready.status, ready.json) == (200, {"status": "OK", "sources": {"SALESLOFT": "OK", "DRIFT": "OFF"}})
    assert ready.headers["Cache-Control"] == "no-store"
    assert (head.status, head.body) == (200, b"")
    assert wrong.status == 405
    assert {method.strip() for method in wrong.headers["Allow"].split(",")} == {"GET", "HEAD"}
    assert wrong.code == ""


@pytest.mark.parametrize("state", ["OFF", "REFUSED", "UNAVAILABLE"])
async def test_not_ready_without_a_source(state: str) -> None:
    health = Health(statuses_of(SALESLOFT="OFF", DRIFT=state))
    async with calling(plain_site(PlainEngine(), health=health)) as gateway:
        reply = await gateway.ask("GET", "/readyz")
        assert (reply.status, reply.json["status"]) == (503, "NO_SOURCE")
        assert (await gateway.ask("GET", "/healthz")).status == 200


async def test_before_it_closes_it_is_not_ready_and_sends_clients_elsewhere() -> None:
    health = Health(statuses_of(SALESLOFT="RATE_LIMITED"))
    async with calling(plain_site(PlainEngine(), health=health)) as gateway:
        health.closing = True
        reply = await gateway.ask("GET", "/readyz")
        assert (reply.status, reply.json["status"]) == (503, "CLOSING")
        answer = await gateway.post("{ hello }")
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
