"""A gateway as it is served, over emulated vendors whose world a test changes, on a clock that the test moves."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.app import create_app
from gateway.commands import demo
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.settings.settings import Settings
from gateway.upstream.clock import ManualClock
from tests.http.harness import Caller, Reply, calling
from tests.seeded import seeded
from tests.two_sources import variables

NOW = dt.datetime(2026, 3, 18, 15, 20, tzinfo=dt.UTC)
SECRET = "salesloft-test-secret"
OLD_SECRET = "salesloft-old-secret"
DRIFT_SECRET = "drift-test-secret"
SETTINGS = {
    "SALESLOFT_WEBHOOK_SECRETS": f"{OLD_SECRET},{SECRET}",
    "DRIFT_WEBHOOK_SECRETS": DRIFT_SECRET,
    "GATEWAY_CLIENT_RATE": "100000",
    "GATEWAY_POLL": "30",
}
CHANGES = """query ($since: String, $first: Int! = 100, $filter: MeetingFilter) {
  meetingChanges(since: $since, first: $first, filter: $filter) {
    cursor more changes { kind meetingId at cursor meeting { id title status } }
  }
}"""
ROUNDS = 200
"""Times that a test asks for what is to come, before it gives up."""


def meeting_id(row: dict[str, Any] | str) -> str:
    """The global id of a meeting: of a row of Salesloft's, or of Drift's slug."""
    if isinstance(row, str):
        return global_id(Kind.MEETING, Source.DRIFT, row)
    return global_id(Kind.MEETING, Source.SALESLOFT, str(row["id"]))


@dataclass
class Stage:
    """The gateway and the world behind it."""

    emulators: Emulators
    caller: Caller
    clock: ManualClock
    number: int = field(default=0)
    asked: int = field(default=0)

    @property
    def world(self) -> World:
        return self.emulators.world

    def now(self) -> str:
        return f"{dt.datetime.fromtimestamp(self.clock.time(), dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"

    def edit(self, row: dict[str, Any], **values: Any) -> dict[str, Any]:
        """Changes a row of Salesloft's, as somebody there does."""
        row.update(values, updated_at=self.now())
        self.world.touch()
        return row

    def book(self, **values: Any) -> dict[str, Any]:
        """Makes a meeting in Salesloft like one that is there, at a time of its own."""
        like = next(row for row in self.world.salesloft.meetings.values() if row["canceled_at"] is None)
        self.number += 1
        row = {
            **like,
            "id": max(self.world.salesloft.meetings) + 1,
            "title": f"New {self.number}",
            "event_id": f"new{self.number:08d}event",
            "i_cal_uid": f"new{self.number:08d}event@google.com",
            "created_at": self.now(),
            "updated_at": self.now(),
            **values,
        }
        self.world.salesloft.meetings[row["id"]] = row
        return row

    async def deliver(self, row: dict[str, Any], event: str = "meeting_updated", secret: str = SECRET) -> Reply:
        """Delivers a meeting as Salesloft does."""
        body = json.dumps(row).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
        headers = {"X-Salesloft-Signature": signature, "X-Salesloft-Event": event, "Content-Type": "application/json"}
        return await self.caller.ask("POST", "/webhooks/salesloft", data=body, headers=headers)

    async def deliver_drift(self, slug: str, event: str = "meeting_updated", secret: str = DRIFT_SECRET) -> Reply:
        """Delivers a meeting as Drift does: thinner than it can be read."""
        self.number += 1
        body = {"type": event, "token": secret, "orgId": 1, "data": {"slug": slug, "n": self.number}}
        return await self.caller.ask("POST", "/webhooks/drift", json=body)

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of a query without errors."""
        self.asked += 1
        reply = await self.caller.post(query, variables=variables)
        assert "errors" not in reply.json, reply.json
        return reply.json["data"]

    async def page(self, since: str | None = None, **variables: Any) -> Any:
        """A page of changes."""
        return (await self.ask(CHANGES, since=since, **variables))["meetingChanges"]

    async def changes(self, since: str, count: int = 1, **variables: Any) -> list[Any]:
        """So many changes after a cursor, with time moved on until they are there."""
        found: list[Any] = []
        for _ in range(ROUNDS):
            found = (await self.page(since, **variables))["changes"]
            if len(found) >= count:
                return found
            self.clock.advance(0.5)
        raise AssertionError(f"{len(found)} changes, not {count}: {found}")

    async def until(self, condition: Callable[[], bool], *, step: float = 0.5) -> None:
        """Moves time on until something holds."""
        for _ in range(ROUNDS):
            if condition():
                return
            await self.ask("{ __typename }")  # a turn of the server's
            self.clock.advance(step)
        raise AssertionError("it never came to hold")

    async def quiet(self, seconds: float) -> None:
        """Lets time pass, a little at a time, with what happens then."""
        step = 0.5 if seconds <= 10 else 2.5
        for _ in range(int(seconds / step)):
            self.clock.advance(step)
            for _ in range(3):
                await self.ask("{ __typename }")

    def calls(self, source: str = "salesloft") -> int:
        """Calls that a vendor had so far."""
        return len(getattr(self.emulators, source).calls)


def small_world(calendly: int = 0) -> World:
    return seeded(
        NOW,
        users=12,
        accounts=12,
        people=80,
        cadences=8,
        tasks=30,
        salesloft_meetings=120,
        drift_meetings=40,
        calendly_meetings=calendly,
    )


def _reads_files(settings: dict[str, str]) -> bool:
    return any(name.endswith("_FILE") for name in settings)


@contextlib.asynccontextmanager
async def staged(**settings: str) -> AsyncIterator[Stage]:
    """A gateway over a world of its own."""
    time = ManualClock(NOW.timestamp())

    def tell() -> dt.datetime:
        return dt.datetime.fromtimestamp(time.time(), dt.UTC)

    calendly = "CALENDLY_WEBHOOK_SECRETS" in settings
    async with Emulators.start(clock=tell, world=small_world(40 if calendly else 0)) as emulators:
        vendors = demo.variables(emulators) if calendly else variables(emulators)
        asked = {**vendors, **SETTINGS, **settings}
        app = create_app(Settings.read(asked), clock=time, environment=asked if _reads_files(settings) else None)
        async with calling(app) as caller:
            yield Stage(emulators, caller, time)
