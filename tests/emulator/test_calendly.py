"""Calendly as its documents have it, over the seeded team."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.server import Emulators
from gateway.emulator.world import World
from tests.emulator.conftest import Client, Clock

EVENTS = "/scheduled_events"


@dataclasses.dataclass
class Book(Client):
    """Asks Calendly, and walks its pages."""

    async def pages(self, path: str, *params: tuple[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            reply = await self.get(path, *params, *([("page_token", token)] if token else []))
            assert reply.status == 200, reply.json
            rows += reply.json["collection"]
            token = reply.json["pagination"]["next_page_token"]
            if token is None:
                assert reply.json["pagination"]["next_page"] is None
                return rows


@pytest.fixture
async def book(emulators: Emulators, session: aiohttp.ClientSession) -> Book:
    """Calendly over the full world."""
    return Book(session, emulators.calendly)


@pytest.fixture
def organization(world: World) -> tuple[str, str]:
    return "organization", world.calendly.users[world.calendly.me]["current_organization"]


@pytest.fixture
async def own(small: World, clock: Clock, session: aiohttp.ClientSession) -> AsyncIterator[Book]:
    """Calendly over a small world of the test's own, with a rate limit."""
    options = CalendlyOptions(rate_limit=3)
    async with Emulators.start(clock=clock, world=small, calendly=options) as emulators:
        yield Book(session, emulators.calendly)


def test_a_third_are_salesloft_s_too_and_a_tenth_drift_s(world: World) -> None:
    events = world.calendly.events.values()
    ids = [row["calendar_event"]["external_id"] for row in events if row["calendar_event"]]
    salesloft = {row["event_id"] for row in world.salesloft.meetings.values()}
    drift = {row.get("eventId") for row in world.drift.meetings.values()}
    assert len(events) == 300
    assert len([each for each in ids if each in salesloft]) == 100
    assert len([each for each in ids if each in drift - salesloft]) >= 15
    assert len([each for each in ids if each in drift]) >= 30


def test_events_lack_what_real_ones_lack(world: World) -> None:
    events = list(world.calendly.events.values())
    assert [row for row in events if row["calendar_event"] is None]
    assert [row for row in events if row["location"] is None]
    assert [row for row in events if "user_email" not in row["event_memberships"][0]]
    assert {row["status"] for row in events} == {"active", "canceled"}


def test_a_moved_event_is_a_new_one(world: World) -> None:
    moved = [row for row in world.calendly.invitees.values() if row["rescheduled"]]
    assert moved
    for row in moved:
        new = world.calendly.invitees[row["new_invitee"].rpartition("/")[2]]
        assert new["old_invitee"] == row["uri"]
        assert world.calendly.events[row["event"].rpartition("/")[2]]["status"] == "canceled"


def test_several_may_be_invited_and_not_come(world: World) -> None:
    invitees = world.calendly.invitees.values()
    assert [row for row in world.calendly.events.values() if row["invitees_counter"]["total"] > 1]
    assert [row for row in invitees if row["no_show"]]
    assert [row for row in invitees if row["questions_and_answers"]]
    assert [row for row in invitees if row["tracking"]["utm_source"]]


async def test_events_are_paged_in_order_of_start(book: Book, world: World, organization: tuple[str, str]) -> None:
    rows = await book.pages(EVENTS, organization, ("count", 100))
    assert len(book.emulated.calls) == 3
    starts = [row["start_time"] for row in rows]
    assert starts == sorted(starts)
    assert {row["uri"] for row in rows} == {row["uri"] for row in world.calendly.events.values()}
    turned = await book.pages(EVENTS, organization, ("count", 100), ("sort", "start_time:desc"))
    assert turned == rows[::-1]


async def test_a_page_has_twenty_rows_by_default(book: Book, organization: tuple[str, str]) -> None:
    reply = await book.get(EVENTS, organization)
    assert reply.json["pagination"]["count"] == len(reply.json["collection"]) == 20
    assert (await book.get(EVENTS, organization, ("count", 101))).status == 400


@pytest.mark.parametrize("inclusive", [False, True])
async def test_whether_the_ends_are_within_is_a_switch(
    small: World, clock: Clock, session: aiohttp.ClientSession, *, inclusive: bool
) -> None:
    start = next(iter(small.calendly.events.values()))["start_time"]
    asked = ("organization", small.calendly.users[small.calendly.me]["current_organization"])
    options = CalendlyOptions(inclusive=inclusive)
    async with Emulators.start(clock=clock, world=small, calendly=options) as emulators:
        client = Client(session, emulators.calendly)
        reply = await client.get(EVENTS, asked, ("min_start_time", start), ("max_start_time", start))
    assert bool(reply.json["collection"]) is inclusive


async def test_a_page_token_is_bound_to_its_filter(
    book: Book, emulators: Emulators, organization: tuple[str, str]
) -> None:
    token = (await book.get(EVENTS, organization)).json["pagination"]["next_page_token"]
    other = await book.get(EVENTS, organization, ("status", "active"), ("page_token", token))
    assert other.status == 400
    emulators.calendly.app.expired += 1
    late = await book.get(EVENTS, organization, ("page_token", token))
    emulators.calendly.app.expired -= 1
    assert late.status == 400
    assert late.json["details"][0]["parameter"] == "page_token"


async def test_a_page_token_may_be_good_for_once(small: World, clock: Clock, session: aiohttp.ClientSession) -> None:
    asked = ("organization", small.calendly.users[small.calendly.me]["current_organization"])
    options = CalendlyOptions(reusable_tokens=False)
    async with Emulators.start(clock=clock, world=small, calendly=options) as emulators:
        book = Client(session, emulators.calendly)
        token = ("page_token", (await book.get(EVENTS, asked)).json["pagination"]["next_page_token"])
        assert [(await book.get(EVENTS, asked, token)).status for _ in range(2)] == [200, 400]


async def test_a_page_may_name_the_next_by_its_link_alone(
    small: World, clock: Clock, session: aiohttp.ClientSession
) -> None:
    asked = ("organization", small.calendly.users[small.calendly.me]["current_organization"])
    options = CalendlyOptions(page_tokens=False)
    async with Emulators.start(clock=clock, world=small, calendly=options) as emulators:
        paging = (await Client(session, emulators.calendly).get(EVENTS, asked)).json["pagination"]
    assert "page_token=" in paging["next_page"]
    assert "next_page_token" not in paging


async def test_events_by_status_host_and_invitee(book: Book, world: World, organization: tuple[str, str]) -> None:
    invitee = next(iter(world.calendly.invitees.values()))
    rows = await book.pages(EVENTS, organization, ("invitee_email", invitee["email"].swapcase()))
    assert invitee["event"] in {row["uri"] for row in rows}
    canceled = await book.pages(EVENTS, organization, ("status", "canceled"))
    assert {row["status"] for row in canceled} == {"canceled"}
    host = next(iter(world.calendly.events.values()))["event_memberships"][0]["user"]
    hosted = await book.pages(EVENTS, organization, ("user", host))
    assert all(host in {each["user"] for each in row["event_memberships"]} for row in hosted)


async def test_one_event_and_its_invitees(book: Book, world: World) -> None:
    key, event = next((key, row) for key, row in world.calendly.events.items() if row["invitees_counter"]["total"] > 1)
    assert (await book.get(f"{EVENTS}/{key}")).json["resource"] == event
    rows = await book.pages(f"{EVENTS}/{key}/invitees")
    assert len(rows) == event["invitees_counter"]["total"]
    one = rows[0]["uri"].rpartition("/")[2]
    assert (await book.get(f"{EVENTS}/{key}/invitees/{one}")).json["resource"] == rows[0]
    assert (await book.get(f"{EVENTS}/nothing")).status == 404


async def test_the_team(book: Book, world: World, organization: tuple[str, str]) -> None:
    me = (await book.get("/users/me")).json["resource"]
    assert me["current_organization"] == organization[1]
    members = await book.pages("/organization_memberships", organization)
    assert len(members) == len(world.calendly.users)
    assert [row["role"] for row in members].count("owner") == 1
    assert (await book.get("/event_types", organization)).json["collection"]


async def test_only_admins_read_the_organization(small: World, clock: Clock, session: aiohttp.ClientSession) -> None:
    asked = ("organization", small.calendly.users[small.calendly.me]["current_organization"])
    options = CalendlyOptions(role="user", scopes=frozenset({"scheduled_events:read", "users:read"}))
    async with Emulators.start(clock=clock, world=small, calendly=options) as emulators:
        client = Client(session, emulators.calendly)
        assert (await client.get(EVENTS, asked)).status == 403
        assert (await client.get("/organization_memberships", asked)).status == 403
        assert (await client.get("/users/me")).status == 200
        assert (await client.get(EVENTS)).status == 400


async def test_every_answer_reports_the_minute(own: Book) -> None:
    replies = [await own.get("/users/me") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["2", "1", "0", "0"]
    assert 0 < int(replies[-1].headers["x-ratelimit-reset"]) <= 60
    assert "retry-after" not in replies[-1].headers


async def test_errors_have_the_vendors_body(book: Book) -> None:
    refused = await book.get("/users/me", token=None)
    assert (refused.status, refused.json["title"]) == (401, "Unauthenticated")
    assert (await book.get("/nothing")).json["title"] == "Resource Not Found"
