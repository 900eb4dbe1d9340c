from __future__ import annotations

import msgspec
import pytest

from gateway.model.status import EndpointTrouble
from gateway.web.routes import Health
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


@pytest.mark.parametrize(
    ("salesloft", "drift", "status"),
    [
        ("OFF", "OFF", "NO_SOURCE"),
        ("OFF", "REFUSED", "NO_SOURCE"),
        ("UNAVAILABLE", "REFUSED", "NO_SOURCE"),
        ("OK", "UNAVAILABLE", "DEGRADED"),
        ("OK", "REFUSED", "DEGRADED"),
        ("DEGRADED", "OFF", "DEGRADED"),
        ("RATE_LIMITED", "OFF", "OK"),
        ("OK", "OFF", "OK"),
    ],
)
async def test_ready_whatever_the_vendors_do(salesloft: str, drift: str, status: str) -> None:
    """An outage of theirs must not empty every replica; the body says what is wrong."""
    health = Health(statuses_of(SALESLOFT=salesloft, DRIFT=drift))
    async with calling(plain_site(PlainEngine(), health=health)) as gateway:
        reply = await gateway.ask("GET", "/readyz")
        assert (reply.status, reply.json["status"]) == (200, status)
        assert reply.json["sources"] == {"SALESLOFT": salesloft, "DRIFT": drift}
        assert (await gateway.ask("GET", "/healthz")).status == 200


async def test_what_is_wrong_is_named_by_endpoint() -> None:
    (known,) = statuses_of(SALESLOFT="DEGRADED")()
    reasons = {"/v2/tasks": EndpointTrouble("refused", 403), "/v2/steps": EndpointTrouble("timeout")}
    health = Health(lambda: [msgspec.structs.replace(known, troubles=reasons)])
    async with calling(plain_site(PlainEngine(), health=health)) as gateway:
        body = (await gateway.ask("GET", "/readyz")).json
    assert body["troubles"] == {
        "SALESLOFT": {
            "/v2/tasks": {"trouble": "refused", "status": 403},
            "/v2/steps": {"trouble": "timeout", "status": None},
        }
    }


async def test_not_ready_before_it_has_started() -> None:
    health = Health(tuple, started=False)
    async with calling(plain_site(PlainEngine(), health=health)) as gateway:
        reply = await gateway.ask("GET", "/readyz")
        assert (reply.status, reply.json["status"]) == (503, "STARTING")


async def test_before_it_closes_it_is_not_ready_and_sends_clients_elsewhere() -> None:
    health = Health(statuses_of(SALESLOFT="RATE_LIMITED"))
    async with calling(plain_site(PlainEngine(), health=health)) as gateway:
        health.closing = True
        reply = await gateway.ask("GET", "/readyz")
        assert (reply.status, reply.json["status"]) == (503, "CLOSING")
        answer = await gateway.post("{ hello }")
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
