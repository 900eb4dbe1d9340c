"""Calendly's deliveries: their signature and its time, and the events that they are about, read again."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.sources.calendly.live import CalendlyWebhooks
from tests.live.stage import Stage, staged

KEY = "calendly-test-key"
BODY = b'{"event":"invitee.created","n":1}'
SIGNED = "37b10d046bb414a77a9db9ea6ad6ec47107cfc4b21ffe5f323b3e04dc1f5e32c"
AT = 1764400000


def check(header: str, now: float = AT, keys: tuple[str, ...] = (KEY,)) -> Any:
    return CalendlyWebhooks().verdict({"calendly-webhook-signature": header}, BODY, keys, now)


def test_the_vendors_vector() -> None:
    assert check(f"t={AT},v1={SIGNED}").authentic
    assert check(f"t={AT},v1={SIGNED}", keys=("another", KEY)).authentic


@pytest.mark.parametrize(
    "header", [f"v1={SIGNED},t={AT}", f"t={AT}, v1={'0' * 64}, v1={SIGNED}", f"t={AT},v0=x,v1={SIGNED}"]
)
def test_the_header_is_read_leniently(header: str) -> None:
    assert check(header).authentic


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        f"v1={SIGNED}",
        f"t={AT}",
        f"t={AT + 1},v1={SIGNED}",
        f"t=x,v1={SIGNED}",
        f"t={AT},v1=é",
        "t=" + "9" * 5000,
    ],
)
def test_forged(header: str) -> None:
    assert not check(header).authentic


@pytest.mark.parametrize(("later", "stale"), [(0, False), (180, False), (-180, False), (181, True), (-181, True)])
def test_a_delivery_is_believed_for_three_minutes(later: float, stale: bool) -> None:
    found = check(f"t={AT},v1={SIGNED}", AT + later)
    assert (found.authentic, found.stale) == (True, stale)


async def deliver(stage: Stage, event: str, payload: Any, *, at: float | None = None) -> int:
    body = json.dumps({"event": event, "created_at": stage.now(), "payload": payload}).encode()
    t = int(stage.clock.time() if at is None else at)
    digest = hmac.new(KEY.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Calendly-Webhook-Signature": f"t={t},v1={digest}", "Content-Type": "application/json"}
    return (await stage.caller.ask("POST", "/webhooks/calendly", data=body, headers=headers)).status


async def test_a_cancellation_is_read_again_and_told() -> None:
    async with staged(CALENDLY_WEBHOOK_SECRETS=KEY) as stage:
        cursor = (await stage.page())["cursor"]
        own, event = next((key, row) for key, row in stage.world.calendly.events.items() if row["status"] == "active")
        event.update(status="canceled", updated_at=stage.now(), cancellation={"canceled_by": "x", "reason": None})
        stage.world.touch()
        payload = {"uri": f"{event['uri']}/invitees/one", "scheduled_event": {"uri": event["uri"]}}
        assert await deliver(stage, "invitee.canceled", payload, at=stage.clock.time() - 200) == 401
        assert await deliver(stage, "invitee.canceled", payload) == 202
        changes = await stage.changes(cursor, filter={"canceled": "INCLUDE"})
        assert {change["kind"] for change in changes} <= {"CANCELED", "UPDATED"}
        told = {change["meetingId"]: change for change in changes}
        mine = global_id(Kind.MEETING, Source.CALENDLY, own)
        assert mine not in told or told[mine]["meeting"]["status"] == "CANCELED"
