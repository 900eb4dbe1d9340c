"""What happens in a living world, and what is delivered of it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from random import Random

import aiohttp
import pytest
from starlette.types import Receive, Scope, Send

from gateway.emulator.server import Emulators, serve
from gateway.emulator.world import World
from tests.emulator.conftest import NOW
from tests.seeded import seeded


@pytest.fixture
def world() -> World:
    return seeded(NOW, users=8, accounts=5, people=30, cadences=4, tasks=5, salesloft_meetings=60, drift_meetings=20)


class Mailbox:
    """An application that takes deliveries."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.came = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        self.taken.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        self.came.set()
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_what_is_booked_is_delivered_signed(world: World) -> None:
    mailbox = Mailbox()
    async with Emulators.start(world=world) as emulators, serve(mailbox) as url:
        emulators.salesloft.app.webhooks.subscribe(f"{url}/in", "secret", "meeting_booked")
        row = emulators.life.book(Random(1))
        await mailbox.came.wait()
        ((headers, body),) = mailbox.taken
        assert headers["x-salesloft-event"] == "meeting_booked"
        assert headers["x-salesloft-signature"] == hmac.new(b"secret", body, hashlib.sha1).hexdigest()
        assert json.loads(body) == row == world.salesloft.meetings[row["id"]]


async def test_calendly_signs_a_booking_and_its_cancellation() -> None:
    world = seeded(
        NOW, users=8, accounts=5, people=30, cadences=4, tasks=5, salesloft_meetings=60, calendly_meetings=20
    )
    mailbox = Mailbox()
    async with Emulators.start(world=world) as emulators, serve(mailbox) as url:
        events = ["invitee.created", "invitee.canceled"]
        emulators.calendly.app.webhooks.subscribe(f"{url}/in?key=1", events, "organization", "secret")
        for name, happen in zip(events, (emulators.life.pick, emulators.life.drop), strict=True):
            mailbox.came.clear()
            event = happen(Random(1))
            await mailbox.came.wait()
            headers, body = mailbox.taken[-1]
            at, signature = (part.partition("=")[2] for part in headers["calendly-webhook-signature"].split(","))
            assert signature == hmac.new(b"secret", at.encode() + b"." + body, hashlib.sha256).hexdigest()
            sent = json.loads(body)
            assert sent["event"] == name
            assert sent["payload"]["scheduled_event"] == event
            assert sent["payload"]["event"] == event["uri"]


async def test_drift_delivers_less_than_it_gives(world: World) -> None:
    mailbox = Mailbox()
    async with Emulators.start(world=world) as emulators, serve(mailbox) as url:
        emulators.life.drift_url, emulators.life.drift_token = f"{url}/in", "token"
        row = emulators.life.chat(Random(1))
        await mailbox.came.wait()
        ((headers, body),) = mailbox.taken
        assert (headers["x-verification-token"], json.loads(body)["token"]) == ("token", "token")
        assert json.loads(body)["data"]["slug"] == row["slug"]
        assert "status" not in json.loads(body)["data"]


async def test_everything_that_happens_leaves_the_world_whole(world: World) -> None:
    async with Emulators.start(world=world) as emulators:
        rng = Random(3)
        before = len(world.salesloft.meetings), len(world.drift.meetings)
        for _ in range(60):
            emulators.life.happen(rng)
        assert len(world.salesloft.meetings) > before[0]
        assert len(world.drift.meetings) > before[1]
        assert all(id_ == row["id"] for id_, row in world.salesloft.meetings.items())


async def test_subscriptions_are_made_listed_and_deleted(world: World) -> None:
    async with Emulators.start(world=world) as emulators, aiohttp.ClientSession() as session:
        url = f"{emulators.salesloft.url}/v2/webhook_subscriptions"
        headers = {"Authorization": f"Bearer {emulators.salesloft.token}"}
        wanted = {"callback_url": "https://x.example/in", "callback_token": "t", "event_type": "meeting_booked"}
        async with session.post(url, json=wanted, headers=headers) as answer:
            made = (await answer.json())["data"]
            assert (answer.status, made["enabled"]) == (201, True)
        async with session.get(url, headers=headers) as answer:
            assert (await answer.json())["data"] == [made]
        async with session.post(url, json={**wanted, "event_type": "meeting_deleted"}, headers=headers) as answer:
            assert answer.status == 422
        async with session.delete(f"{url}/{made['id']}", headers=headers) as answer:
            assert answer.status == 204
        async with session.get(f"{url}/{made['id']}", headers=headers) as answer:
            assert answer.status == 404
        async with session.get(url) as answer:
            assert answer.status == 401
