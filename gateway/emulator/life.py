"""A world in which something happens: meetings are booked, moved and cancelled, and vendors deliver webhooks of it."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from urllib.parse import urlsplit

from gateway.emulator.calendar import millis, utc_text
from gateway.emulator.calendly.team import key_of, uri
from gateway.emulator.calendly.webhooks import WebhookDesk as CalendlyDesk
from gateway.emulator.door import Clock
from gateway.emulator.salesloft.webhooks import WebhookDesk
from gateway.emulator.table import Row
from gateway.emulator.world import World

LOG = logging.getLogger("gateway.emulator")

PAUSE = 4.0
"""Seconds between two things that happen, about."""

PATIENCE = 5.0
"""Seconds that a delivery may take."""

RETRIES, RETRY = 3, 15.0
"""Times that Salesloft tries again, and seconds between (Salesloft: Webhooks)."""

BOOKED, UPDATED = "meeting_booked", "meeting_updated"
PICKED, DROPPED = "invitee.created", "invitee.canceled"
DRIFT_EVENTS = {BOOKED: "new_meeting", UPDATED: "meeting_updated"}


@dataclass
class Life:
    """What happens in a world.

    Attributes:
        world: the world.
        desk: Salesloft's subscriptions.
        calendly: Calendly's.
        clock: the time.
        seed: of what happens.
        drift_url: where Drift delivers, as its console has it; nowhere where empty.
        drift_token: what its deliveries bear.
    """

    world: World
    desk: WebhookDesk
    calendly: CalendlyDesk
    clock: Clock
    seed: int = 7
    drift_url: str = ""
    drift_token: str = ""
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _made: int = 0

    async def go_on(self) -> None:
        """Let things happen, for ever."""
        rng = Random(f"{self.seed}:life")
        while True:
            await asyncio.sleep(PAUSE * (0.5 + rng.random()))
            self.happen(rng)

    def happen(self, rng: Random) -> None:
        """Let one thing happen, and have it delivered."""
        happenings = [self.book, self.book, self.move, self.cancel, self.chat]
        happenings += [self.pick, self.drop] if self.world.calendly.invitees.data else []
        what = rng.choice(happenings)
        what(rng)

    def book(self, rng: Random) -> Row:
        """Book a meeting in Salesloft like one of those that are there."""
        now, table = self.clock(), self.world.salesloft.meetings
        like = rng.choice([row for row in table.values() if row["canceled_at"] is None and row.get("person")])
        start = _soon(rng, now)
        self._made += 1
        event = f"live{self.seed:04d}{self._made:08d}"
        row = {
            **like,
            "id": max(table) + 1,
            "title": f"{str(like['title'] or 'Call').split(' (')[0]} (just booked)",
            "start_time": utc_text(start),
            "end_time": utc_text(start + timedelta(minutes=30)),
            "event_id": event,
            "i_cal_uid": f"{event}@google.com",
            "created_at": utc_text(now),
            "updated_at": utc_text(now),
            "status": "booked",
            "no_show": False,
        }
        table[row["id"]] = row
        self.deliver(row, BOOKED)
        return row

    def move(self, rng: Random) -> Row:
        """Move a meeting that lies ahead."""
        row, now = self._ahead(rng), self.clock()
        start = _soon(rng, now)
        row.update(start_time=utc_text(start), end_time=utc_text(start + timedelta(minutes=30)))
        return self._updated(row, now)

    def cancel(self, rng: Random) -> Row:
        """Cancel one."""
        row, now = self._ahead(rng), self.clock()
        row.update(canceled_at=utc_text(now))
        return self._updated(row, now)

    def chat(self, rng: Random) -> Row:
        """Book a meeting in Drift."""
        now, table = self.clock(), self.world.drift.meetings
        like = rng.choice([row for row in table.values() if row["status"] == "ACTIVE"])
        start = _soon(rng, now)
        self._made += 1
        slug = f"live{self.seed:02d}{self._made:06d}"
        row = {
            **like,
            "slug": slug,
            "eventId": f"chat{self.seed:04d}{self._made:08d}",
            "slotStart": millis(start),
            "slotEnd": millis(start + timedelta(minutes=30)),
            "scheduledAt": millis(now),
            "updatedAt": millis(now),
        }
        table[slug] = row
        self.deliver_drift(row, BOOKED)
        return row

    def pick(self, rng: Random) -> Row:
        """Have a prospect pick a time by a Calendly link."""
        now, world = self.clock(), self.world.calendly
        like = rng.choice([row for row in world.invitees.values() if row["status"] == "active"])
        model, start = world.events[key_of(like["event"])], _soon(rng, now)
        self._made += 1
        key, invitee_key = (f"11fe{self.seed:04d}-{kind}-4000-8000-{self._made:012d}" for kind in ("0000", "0001"))
        event = {
            **model,
            "uri": uri("scheduled_events", key),
            "status": "active",
            "start_time": utc_text(start),
            "end_time": utc_text(start + timedelta(minutes=30)),
            "created_at": utc_text(now),
            "updated_at": utc_text(now),
            "invitees_counter": {"total": 1, "active": 1, "limit": 1},
            "calendar_event": {"kind": "google", "external_id": f"calendly{self.seed:04d}{self._made:08d}"},
        }
        event.pop("cancellation", None)
        invitee = {
            **like,
            "uri": uri("scheduled_events", key, "invitees", invitee_key),
            "event": event["uri"],
            "status": "active",
            "created_at": utc_text(now),
            "updated_at": utc_text(now),
            "no_show": None,
            "old_invitee": None,
            "new_invitee": None,
            "cancel_url": f"https://calendly.com/cancellations/{invitee_key}",
            "reschedule_url": f"https://calendly.com/reschedulings/{invitee_key}",
        }
        world.events[key] = event
        world.invitees[invitee_key] = invitee
        self.deliver_calendly(PICKED, event, invitee)
        return event

    def drop(self, rng: Random) -> Row:
        """Have an invitee cancel in Calendly."""
        now, world = self.clock(), self.world.calendly
        ahead = [
            row for row in world.events.values() if row["status"] == "active" and row["start_time"] > utc_text(now)
        ]
        alone = [row for row in ahead if row["invitees_counter"]["active"] == 1]
        if not alone:
            return self.pick(rng)
        event = rng.choice(alone)
        invitee = next(
            row for row in world.invitees.values() if row["event"] == event["uri"] and row["status"] == "active"
        )
        reason = {
            "canceled_by": invitee["name"],
            "reason": None,
            "canceler_type": "invitee",
            "created_at": utc_text(now),
        }
        for row in (event, invitee):
            row.update(status="canceled", updated_at=utc_text(now), cancellation=reason)
        event["invitees_counter"] = {**event["invitees_counter"], "active": 0}
        world.events.touch()
        world.invitees.touch()
        self.deliver_calendly(DROPPED, event, invitee)
        return event

    def deliver_calendly(self, event: str, booked: Row, invitee: Row) -> None:
        """Deliver an invitee of Calendly's with its event, signed, to the subscriptions to what happened."""
        sent = {
            "event": event,
            "created_at": utc_text(self.clock()),
            "created_by": self.world.calendly.users[self.world.calendly.me]["uri"],
            "payload": {**invitee, "scheduled_event": booked},
        }
        body = json.dumps(sent).encode()
        for url, headers in self.calendly.deliveries(event, body):
            self._send(url, body, headers)

    def deliver(self, row: Row, event: str) -> None:
        """Deliver a meeting of Salesloft's to the subscribers of the event: the bare record, signed."""
        body = json.dumps(row).encode()
        for each in self.desk.rows.values():
            if each["event_type"] == event and each["enabled"]:
                signature = hmac.new(each["callback_token"].encode(), body, hashlib.sha1).hexdigest()
                self._send(each["callback_url"], body, {"X-Salesloft-Event": event, "X-Salesloft-Signature": signature})

    def deliver_drift(self, row: Row, event: str) -> None:
        """Deliver a meeting of Drift's: thinner than it can be read, with the token in header and body."""
        if not self.drift_url:
            return
        thin = {name: row[name] for name in ("slug", "agentId", "slotStart", "slotEnd", "eventId")}
        body = {"type": DRIFT_EVENTS[event], "token": self.drift_token, "orgId": row["orgId"], "data": thin}
        self._send(self.drift_url, json.dumps(body).encode(), {"X-Verification-Token": self.drift_token})

    async def close(self) -> None:
        """End what is being sent."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _ahead(self, rng: Random) -> Row:
        now = utc_text(self.clock())
        rows = self.world.salesloft.meetings.values()
        ahead = [row for row in rows if row["canceled_at"] is None and (row["start_time"] or "") > now]
        return rng.choice(ahead) if ahead else self.book(rng)

    def _updated(self, row: Row, now: datetime) -> Row:
        row["updated_at"] = utc_text(now)
        self.world.salesloft.meetings.touch()
        self.deliver(row, UPDATED)
        return row

    def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        task = asyncio.ensure_future(_delivered(url, body, headers))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def _soon(rng: Random, now: datetime) -> datetime:
    """Draw a quarter of an hour within the next week."""
    start = now + timedelta(hours=rng.uniform(1, 7 * 24))
    return start.replace(minute=rng.choice((0, 15, 30, 45)), second=0, microsecond=0)


async def _delivered(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Post a body until it is taken, or was tried often enough."""
    for attempt in range(RETRIES + 1):
        if attempt:
            await asyncio.sleep(RETRY)
        with suppress(OSError, TimeoutError, ValueError, IndexError):
            async with asyncio.timeout(PATIENCE):
                status = await _post(url, body, headers)
            if status < 300:  # noqa: PLR2004 -- 2xx
                return
            LOG.info("a delivery got %d", status)


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post to a server on this machine; the status."""
    parts = urlsplit(url)
    lines = {
        **headers,
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    query = f"?{parts.query}" if parts.query else ""
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(f"POST {parts.path}{query} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
