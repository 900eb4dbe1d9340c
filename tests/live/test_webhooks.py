"""`/webhooks` against those who should not be listened to: forged, stale, huge, malformed, repeated, far too many."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sources.salesloft.live import SalesloftWebhooks
from tests.live.stage import DRIFT_SECRET, SECRET, Stage, staged
from tests.live.test_changes import active


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        await stage.page()  # the first look
        yield stage


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return {
        "X-Salesloft-Signature": digest,
        "X-Salesloft-Event": "meeting_updated",
        "Content-Type": "application/json",
    }


async def post(stage: Stage, body: bytes, headers: dict[str, str], path: str = "/webhooks/salesloft") -> int:
    return (await stage.caller.ask("POST", path, data=body, headers=headers)).status


async def test_the_vendors_vector() -> None:
    body, key = b'{"id":1,"title":"Demo"}', "salesloft-test-token"
    headers = {
        "x-salesloft-signature": "907f645efef7d4112448490e00c30d8db0b76dd8",
        "x-salesloft-event": "meeting_booked",
    }
    found = SalesloftWebhooks().verdict(headers, body, ["another", key], 0)
    assert (found.authentic, found.event, found.ids) == (True, "meeting_booked", ("1",))
    assert not SalesloftWebhooks().verdict(headers, body + b" ", [key], 0).authentic


@pytest.mark.parametrize(
    "change",
    [
        {"X-Salesloft-Signature": "0" * 40},
        {"X-Salesloft-Signature": ""},
        {"X-Salesloft-Signature": "é" * 40},
        {"X-Salesloft-Signature": "a" * 5_000},
    ],
)
async def test_a_forged_delivery_is_401_and_reads_nothing(stage: Stage, change: dict[str, str]) -> None:
    before = stage.calls()
    body = json.dumps(stage.edit(active(stage), title="Forged")).encode()
    assert await post(stage, body, {**signed(body), **change}) == 401
    await stage.quiet(3)
    assert stage.calls() == before


async def test_an_upper_case_signature_and_another_hash_are_forged(stage: Stage) -> None:
    body = b'{"id": 1}'
    upper = signed(body)["X-Salesloft-Signature"].upper()
    assert await post(stage, body, {**signed(body), "X-Salesloft-Signature": upper}) == 401
    sha256 = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert await post(stage, body, {**signed(body), "X-Salesloft-Signature": sha256}) == 401


async def test_a_body_that_was_changed_on_the_way_is_forged(stage: Stage) -> None:
    body = b'{"id": 7000}'
    assert await post(stage, b'{"id": 7001}', signed(body)) == 401


NONSENSE = [
    *(b"", b"null", b"[]", b"7", b'{"id": null}', b'{"id": {}}', b"{", b"\xff\xfe", b"[" * 50_000, b'{"id": "../1"}'),
    *(b'{"id": 99999999999999999999999999}', b'{"id": -1}', b'{"id": "<script>"}', b'{"id": 1.5}'),
]


@pytest.mark.parametrize("body", NONSENSE)
async def test_what_is_signed_and_makes_no_sense_is_harmless(stage: Stage, body: bytes) -> None:
    before = stage.calls()
    assert await post(stage, body, signed(body)) == 202
    await stage.quiet(2)
    assert stage.calls() - before <= 2
    assert (await stage.page())["changes"] == []


@pytest.mark.parametrize("event", ["person_updated", "meeting_deleted", "", "x" * 1_000])
async def test_events_of_no_interest_read_nothing(stage: Stage, event: str) -> None:
    before = stage.calls()
    row = stage.edit(active(stage), title="Of no interest")
    assert (await stage.deliver(row, event)).status == 202
    await stage.quiet(2)
    assert stage.calls() == before


async def test_a_large_body_is_413(stage: Stage) -> None:
    body = b'{"id": 1, "padding": "' + b"x" * 256 * 1024 + b'"}'
    assert await post(stage, body, signed(body)) == 413


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
async def test_another_content_type_is_415(stage: Stage, content_type: str) -> None:
    body = b'{"id": 1}'
    assert await post(stage, body, {**signed(body), "Content-Type": content_type}) == 415


async def test_a_packed_body_is_415(stage: Stage) -> None:
    body = b'{"id": 1}'
    assert await post(stage, body, {**signed(body), "Content-Encoding": "gzip"}) == 415


@pytest.mark.parametrize("path", ["/webhooks/calendly", "/webhooks/hubspot", "/webhooks/", "/webhooks/salesloft/x"])
async def test_where_no_secret_is_set_there_is_nothing(stage: Stage, path: str) -> None:
    body = b'{"id": 1}'
    assert await post(stage, body, signed(body), path) == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_delivers(stage: Stage, method: str) -> None:
    assert (await stage.caller.ask(method, "/webhooks/salesloft")).status == 405


async def test_drifts_token_may_stand_in_header_or_body(stage: Stage) -> None:
    def body(**more: Any) -> bytes:
        return json.dumps({"type": "new_meeting", "orgId": 1, "data": {}, **more}).encode()

    json_type = {"Content-Type": "application/json"}
    path = "/webhooks/drift"
    assert await post(stage, body(token=DRIFT_SECRET), json_type, path) == 202
    assert await post(stage, body(n=1), {**json_type, "X-Verification-Token": DRIFT_SECRET}, path) == 202
    assert await post(stage, body(n=2), json_type, path) == 401
    assert await post(stage, body(token="wrong"), {**json_type, "X-Verification-Token": "wrong"}, path) == 401
    assert await post(stage, body(token=7), json_type, path) == 401


async def test_any_host_may_deliver(stage: Stage) -> None:
    body = b'{"id": 1}'
    assert await post(stage, body, {**signed(body), "Host": "gateway.example"}) == 202


async def test_clients_keys_are_not_asked_for() -> None:
    async with staged(GATEWAY_API_KEYS="web:a-key-of-many-characters-0123456789") as stage:
        body = b'{"id": 1}'
        assert await post(stage, body, signed(body)) == 202


async def test_a_flood_spends_a_third_of_the_minute_and_leaves_queries_their_units() -> None:
    async with staged(SALESLOFT_RATE_LIMIT="60") as stage:
        await stage.page()
        before = stage.calls()
        rows = list(stage.world.salesloft.meetings.values())
        for number in range(600):
            row = rows[number % len(rows)]
            await stage.deliver(stage.edit(row, title=f"Flood {number}"))
            if number % 10 == 0:
                stage.clock.advance(0.5)
        assert stage.calls() - before <= 25
        assert (await stage.ask("{ meetings(first: 5) { nodes { id } } }"))["meetings"]["nodes"]


@pytest.mark.slow
async def test_too_many_deliveries_are_429_and_forged_ones_do_not_count(stage: Stage) -> None:
    for _ in range(20):
        assert await post(stage, b'{"id": 1}', signed(b"other")) == 401
    statuses = set()
    for number in range(3_100):
        body = json.dumps({"id": "x", "n": number}).encode()
        statuses.add(await post(stage, body, signed(body)))
        if 429 in statuses:
            break
    assert statuses == {202, 429}
