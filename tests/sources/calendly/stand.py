"""A gateway over Calendly, and what its emulated world holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.emulator.world import World
from tests.seeded import seeded
from tests.world import NOW, Gateway, running

EVENTS, INVITEES = "scheduled_events", "scheduled_events/{id}/invitees"
PAGE = """query($first: Int, $last: Int, $after: String, $before: String, $f: MeetingFilter, $o: MeetingOrder) {
  meetings(first: $first, last: $last, after: $after, before: $before, filter: $f, orderBy: $o) {
    nodes { sourceId startTime status } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    sourceReports { source status code message completeSince completeUntil } } }"""
MARCH = {"startTime": {"gte": "2026-03-05T00:00:00Z", "lt": "2026-03-25T00:00:00Z"}}


@pytest.fixture(scope="module")
def world() -> World:
    """The full-sized world; not to be changed."""
    return seeded(NOW)


@pytest.fixture
async def book(world: World) -> AsyncIterator[Gateway]:
    """A gateway over Calendly alone."""
    async with running(world) as gateway:
        gateway.sources = ("CALENDLY",)
        yield gateway


@pytest.fixture
def small() -> World:
    """A world for a test to change."""
    return seeded(
        NOW, users=12, accounts=6, people=60, cadences=4, tasks=4, salesloft_meetings=60, drift_meetings=20,
        calendly_meetings=60,
    )  # fmt: skip


@pytest.fixture
async def little(small: World) -> AsyncIterator[Gateway]:
    """A gateway over Calendly alone, and a world of the test's own."""
    async with running(small) as gateway:
        gateway.sources = ("CALENDLY",)
        yield gateway


def crowded(events: int) -> World:
    """A small team with so many events in one month."""
    world = seeded(
        NOW, users=6, accounts=2, people=20, cadences=2, tasks=0, salesloft_meetings=0, drift_meetings=0,
        calendly_meetings=20,
    )  # fmt: skip
    template = dict(next(iter(world.calendly.events.values())))
    base = template["uri"].rpartition("/")[0]
    for number in range(events):
        key = f"{number:08d}-0000-4000-8000-000000000000"
        start = dt.datetime(2026, 3, 3, tzinfo=dt.UTC) + dt.timedelta(minutes=number)
        times = {"start_time": f"{start:%Y-%m-%dT%H:%M:%S.%fZ}"}
        world.calendly.events[key] = template | times | {"uri": f"{base}/{key}", "calendar_event": None}
    return world


def in_window(world: World, *, canceled: bool = True) -> dict[str, Any]:
    """The events from the first month of the window to its last, by id."""
    first, last = "2025-12-01T00:00:00.000000Z", "2026-10-01T00:00:00.000000Z"
    return {
        key: row
        for key, row in world.calendly.events.items()
        if first <= row["start_time"] < last and (canceled or row["status"] != "canceled")
    }


def invitees_of(world: World, key: str) -> list[Any]:
    event = world.calendly.events[key]["uri"]
    rows = [row for row in world.calendly.invitees.values() if row["event"] == event]
    return sorted(rows, key=lambda row: str(row["created_at"]))


def booker(world: World, key: str) -> str:
    """The folded address of the person who booked an event."""
    rows = invitees_of(world, key)
    first = next((row for row in rows if row["status"] == "active"), rows[0])
    return str(first["email"]).strip().casefold()


def ids(answer: Any) -> list[str]:
    return [node["sourceId"] for node in answer["meetings"]["nodes"]]


async def walked(gateway: Gateway, size: int, **variables: Any) -> list[str]:
    """Every id of a list, page after page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        answer = (await gateway.ask(PAGE, first=size, after=cursor, **variables)).data
        found += ids(answer)
        info = answer["meetings"]["pageInfo"]
        cursor = info["endCursor"]
        if not info["hasNextPage"]:
            return found
