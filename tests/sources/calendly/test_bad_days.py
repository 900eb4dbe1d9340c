"""Calendly's bad days through the front door: what is gone, expired, spent or somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.faults import Rewritten, Status
from gateway.emulator.world import World
from gateway.sources.calendly import months
from tests.sources.calendly.stand import EVENTS, INVITEES, MARCH, PAGE, crowded, ids, in_window, invitees_of
from tests.sources.calendly.stand import little as little
from tests.sources.calendly.stand import small as small
from tests.world import Asked, Gateway, running

EVENT = "scheduled_events/{id}"
ME = "users/me"
TEAM = "organization_memberships"
OF_ONE = "query($v: ID!) { meeting(by: {calendlyId: $v}) { sourceId title } }"
INVITED = """query($f: MeetingFilter) { meetings(first: 3, filter: $f) {
  nodes { sourceId title person { name } attendees { email } noShow } sourceReports { status } } }"""
MONTH = {"startTime": {"gte": "2026-03-02T00:00:00Z", "lt": "2026-03-30T00:00:00Z"}, "canceled": "INCLUDE"}


def report(answer: Asked) -> dict[str, Any]:
    """What is said of Calendly."""
    reports = answer.data["meetings"]["sourceReports"]
    return next(each for each in reports if each["source"] == "CALENDLY")


def changed(change: Callable[[Any], None]) -> Rewritten:
    """An answer with another `pagination`."""

    def rewrite(sent: bytes) -> bytes:
        body = json.loads(sent)
        change(body["pagination"])
        return json.dumps(body).encode()

    return Rewritten(rewrite)


@pytest.mark.parametrize("status", [404, 410])
async def test_an_event_that_is_gone_is_null(little: Gateway, status: int) -> None:
    key = next(iter(in_window(little.world)))
    little.emulators.calendly.faults.add(Status(status), EVENT)
    assert (await little.ask(OF_ONE, v=key)).ok == {"meeting": None}


@pytest.mark.parametrize("status", [404, 410])
async def test_invitees_of_an_event_that_is_gone_meanwhile_are_none(little: Gateway, status: int) -> None:
    little.emulators.calendly.faults.add(Status(status), INVITEES)
    answer = (await little.ask(INVITED, f=MONTH)).ok["meetings"]
    assert len(answer["nodes"]) == 3
    assert all(node["title"] and node["person"] is None for node in answer["nodes"])


async def test_a_page_token_of_invitees_that_has_expired_has_them_read_anew_once(small: World) -> None:
    key = next(key for key, row in in_window(small, canceled=False).items() if invitees_of(small, key))
    first = invitees_of(small, key)[0]
    for number in range(150):
        small.calendly.invitees[f"extra-{number}"] = first | {
            "uri": f"{first['uri']}{number}",
            "email": f"guest{number}@visitor.example",
        }
    query = "query($v: ID!) { meeting(by: {calendlyId: $v}) { calendly { invitees { email } } } }"
    async with running(small) as gateway:
        gateway.sources = ("CALENDLY",)
        gateway.emulators.calendly.faults.add(Status(400), INVITEES, start=2, times=1)
        answer = await gateway.ask(query, v=key)
        assert [call.status for call in answer.to(INVITEES)] == [200, 400, 200, 200]
        assert len(answer.ok["meeting"]["calendly"]["invitees"]) >= 151
        gateway.emulators.calendly.faults.clear()
        for call in (2, 4):
            gateway.emulators.calendly.faults.add(Status(400), INVITEES, start=call, times=1)
        again = await gateway.ask(query, v=key)
    assert [call.status for call in again.to(INVITEES)] == [200, 400, 200, 400]
    assert {error["path"][-1] for error in again.errors} == {"invitees"}


async def test_a_limit_that_is_reached_in_the_middle_of_a_month_ends_the_page_and_says_for_how_long() -> None:
    async with running(crowded(250), calendly=CalendlyOptions(rate_limit=100)) as gateway:
        gateway.sources = ("CALENDLY",)
        gateway.emulators.calendly.faults.add(Status(429, headers={"X-RateLimit-Reset": "7"}), EVENTS, start=2)
        answer = await gateway.ask(PAGE, first=5, f=MARCH)
    (error,) = answer.errors
    assert error["extensions"]["code"] == "UPSTREAM_RATE_LIMITED"
    assert error["extensions"]["retryAfter"] == 7
    assert [call.status for call in answer.to(EVENTS)][:2] == [200, 429]


async def test_another_month_that_is_over_the_limit_leaves_the_rows_before_it(little: Gateway) -> None:
    fault = Status(429, headers={"X-RateLimit-Reset": "40"})
    little.emulators.calendly.faults.add(fault, EVENTS, start=7)
    answer = await little.ask(PAGE, first=500, f={"canceled": "INCLUDE"})
    told = report(answer)
    assert (told["status"], told["code"]) == ("PARTIAL", "UPSTREAM_RATE_LIMITED")
    assert answer.data["meetings"]["nodes"]
    assert answer.data["meetings"]["pageInfo"]["hasNextPage"]


async def test_a_token_whose_user_is_in_another_organization_is_said_to_be_that(little: Gateway) -> None:
    """The organization that is read is its user's own, unless the settings name another."""
    other = {"current_organization": "https://api.calendly.com/organizations/AAAAAAAAAAAAAAAA"}

    def moved(sent: bytes) -> bytes:
        body = json.loads(sent)
        body["resource"] |= other
        return json.dumps(body).encode()

    little.emulators.calendly.faults.add(Rewritten(moved), ME)
    little.sources = ("SALESLOFT", "CALENDLY")
    answer = await little.ask(PAGE, first=5, f=MARCH)
    told = report(answer)
    assert (told["status"], told["code"]) == ("FAILED", "UPSTREAM_REFUSED")
    assert "organization" in told["message"]
    assert answer.data["meetings"]["nodes"]


@pytest.mark.parametrize("odd", [None, 7, "", "nothing"])
async def test_a_user_without_an_organization_is_reported(little: Gateway, odd: object) -> None:
    def without(sent: bytes) -> bytes:
        body = json.loads(sent)
        body["resource"]["current_organization"] = odd
        return json.dumps(body).encode()

    little.emulators.calendly.faults.add(Rewritten(without), ME)
    little.sources = ("SALESLOFT", "CALENDLY")
    told = report(await little.ask(PAGE, first=5, f=MARCH))
    assert told["status"] == "FAILED"
    assert told["code"] in {"UPSTREAM_MALFORMED", "UPSTREAM_REFUSED"}


async def test_a_next_page_on_another_host_is_never_asked_for_there() -> None:
    """Of a link only its token is taken, and that goes where the credential belongs."""
    async with running(crowded(250), calendly=CalendlyOptions(page_tokens=False)) as gateway:
        gateway.sources = ("CALENDLY",)

        def elsewhere(pagination: Any) -> None:
            if pagination["next_page"]:
                query = pagination["next_page"].partition("?")[2]
                pagination["next_page"] = f"http://evil.example/steal?{query}"

        gateway.emulators.calendly.faults.add(changed(elsewhere), EVENTS)
        answer = await gateway.ask(PAGE, first=500, f=MONTH)
    assert [call.status for call in answer.to(EVENTS)] == [200] * 3
    assert len(ids(answer.ok)) >= 250


@pytest.mark.parametrize("odd", ["not a link", "https://[", "?page_token=", 7, ["x"], {"a": "b"}])
async def test_a_next_page_that_cannot_be_asked_for_is_said_to_be_missing(odd: object) -> None:
    async with running(crowded(250), calendly=CalendlyOptions(page_tokens=False)) as gateway:
        gateway.sources = ("CALENDLY",)
        gateway.emulators.calendly.faults.add(changed(lambda pagination: pagination.update(next_page=odd)), EVENTS)
        answer = await gateway.ask(PAGE, first=500, f=MONTH)
    assert len(answer.to(EVENTS)) == 1
    assert len(ids(answer.ok)) >= 90
    told = report(answer)
    assert (told["status"], told["code"]) == ("PARTIAL", "UPSTREAM_MALFORMED")
    assert "the pages that follow" in told["message"]


async def test_a_token_that_leads_to_itself_is_not_followed_for_ever() -> None:
    async with running(crowded(150)) as gateway:
        gateway.sources = ("CALENDLY",)
        first: list[str] = []

        def again(pagination: Any) -> None:
            first.append(pagination["next_page_token"])
            pagination["next_page_token"] = first[0]

        gateway.emulators.calendly.faults.add(changed(again), EVENTS)
        answer = await gateway.ask(PAGE, first=500, f=MONTH)
    assert len(answer.to(EVENTS)) <= 4
    assert report(answer)["status"] == "PARTIAL"
    found = ids(answer.data)
    assert len(found) == len(set(found)) >= 150


async def test_hosts_of_before_2023_are_known_by_the_team(small: World) -> None:
    query = "query($f: MeetingFilter) { meetings(first: 100, filter: $f) { nodes { sourceId owner { name email } } } }"
    async with running(small) as gateway:
        gateway.sources = ("CALENDLY",)
        now = (await gateway.ask(query, f=MONTH)).ok
    async with running(small, calendly=CalendlyOptions(old_hosts=True)) as gateway:
        gateway.sources = ("CALENDLY",)
        assert (await gateway.ask(query, f=MONTH)).ok == now


async def test_a_member_without_an_address_owns_meetings_and_is_nobody_else(little: Gateway) -> None:
    key, row = next((k, r) for k, r in in_window(little.world, canceled=False).items() if r["event_memberships"])
    host = row["event_memberships"][0]["user"]
    for member in little.world.calendly.memberships.values():
        if member["user"]["uri"] == host:
            member["user"] = {**member["user"], "email": None}
    little.world.calendly.events.change(key, event_memberships=[{"user": host}])
    little.sources = ("SALESLOFT", "CALENDLY")
    query = """query($v: ID!) { meeting(by: {calendlyId: $v}) { sourceId source
      calendly { vendorId } owner { name email sources } } }"""
    owner = (await little.ask(query, v=key)).ok["meeting"]["owner"]
    assert owner is None or owner["name"]
    users = (await little.ask("{ users(first: 100) { nodes { name sources } } }")).ok["users"]["nodes"]
    assert ["CALENDLY"] in [user["sources"] for user in users]


BAD_IDS = ["", " ", "no/id", "..", "a?b=c", "a#b", "%2e%2e", "a b", "é", "x" * 300]


@pytest.mark.parametrize("field", ["meeting", "user"])
@pytest.mark.parametrize("key", BAD_IDS)
async def test_a_malformed_id_is_bad_input_wherever_it_is_given(little: Gateway, field: str, key: str) -> None:
    answer = await little.ask("query($v: ID!) { %s(by: {calendlyId: $v}) { id } }" % field, v=key)
    assert (answer.codes, answer.calls) == (["BAD_USER_INPUT"], [])
    assert answer.errors[0]["extensions"]["argument"] == "by.calendlyId"


async def test_a_month_of_more_events_than_are_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(months, "MOST_PAGES", 2)
    async with running(crowded(350)) as gateway:
        gateway.sources = ("CALENDLY",)
        answer = await gateway.ask(PAGE, first=500, f=MONTH)
    assert len(answer.to(EVENTS)) == 2
    assert 150 <= len(ids(answer.ok)) <= 200
    told = report(answer)
    assert (told["status"], "more events of one month" in told["message"]) == ("PARTIAL", True)
