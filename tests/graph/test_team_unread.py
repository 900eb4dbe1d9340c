"""A source that does not tell who its people are takes with it what it alone knows, and no other source's answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.faults import Status
from tests.graph.test_three_sources import IN_MARCH, NAMES, small
from tests.world import Asked, Gateway, running

TEAMS = {"DRIFT": "users/list", "CALENDLY": "organization_memberships"}
COUNTED = """query($f: MeetingFilter) { meetingStats(filter: $f, groupBy: [OWNER]) { total { meetings }
  groups { owner { name } counts { meetings } } sourceReports { source status } } }"""
PEOPLE = "{ people(first: 12) { nodes { name driftId drift { vendorId } } } }"


@pytest.fixture
async def three() -> AsyncIterator[Gateway]:
    """A gateway over all three."""
    async with running(small()) as gateway:
        gateway.sources = NAMES
        yield gateway


def refused(gateway: Gateway, source: str) -> None:
    """Has a source refuse to tell its team."""
    gateway.emulators.of(source.lower()).faults.add(Status(403), TEAMS[source])


def fields(answer: Asked) -> set[Any]:
    """The fields that have errors."""
    return {error["path"][-1] for error in answer.errors}


@pytest.mark.parametrize("source", TEAMS)
async def test_meetings_are_counted_by_owner_all_the_same(three: Gateway, source: str) -> None:
    whole = (await three.ask(COUNTED, f=IN_MARCH)).ok["meetingStats"]
    refused(three, source)
    answer = await three.ask(COUNTED, f=IN_MARCH)
    found = answer.data["meetingStats"]
    assert found["total"] == whole["total"]
    assert sum(group["counts"]["meetings"] for group in found["groups"]) == whole["total"]["meetings"]
    named = [group["owner"]["name"] for group in found["groups"] if group["owner"]]
    assert named
    assert set(named) <= {group["owner"]["name"] for group in whole["groups"] if group["owner"]}
    assert fields(answer) == {"owner"}
    assert set(answer.codes) == {"UPSTREAM_REFUSED"}


async def test_a_token_that_may_not_read_the_organization_counts_by_owner_too() -> None:
    scopes = CalendlyOptions(scopes=frozenset({"scheduled_events:read", "users:read"}))
    async with running(small(), calendly=scopes) as gateway:
        gateway.sources = NAMES
        found = (await gateway.ask(COUNTED, f=IN_MARCH)).data["meetingStats"]
    assert any(group["owner"] for group in found["groups"])
    assert {report["status"] for report in found["sourceReports"]} == {"OK"}


@pytest.mark.parametrize("source", TEAMS)
async def test_what_others_tell_of_a_user_is_shown(three: Gateway, source: str) -> None:
    query = "{ users(first: 100, filter: {emails: %s}) { nodes { salesloftId driftId calendlyId drift { name } %s } } }"
    emails = str([row["email"] for row in three.world.salesloft.users.values()]).replace("'", '"')
    whole = (await three.ask(query % (emails, "sources phone timeZone"))).ok["users"]["nodes"]
    refused(three, source)
    answer = await three.ask(query % (emails, "sources phone timeZone"))
    missing = {"DRIFT": {"driftId", "drift"}, "CALENDLY": {"calendlyId"}}[source] | {"sources"}
    # Calendly tells nobody's telephone number, so that it is not missed.
    assert fields(answer) - {"phone"} == missing
    assert ("phone" in fields(answer)) == (source == "DRIFT")
    for found, known in zip(answer.data["users"]["nodes"], whole, strict=True):
        for name in known.keys() - missing - {"phone"}:
            assert found[name] == known[name], name


async def test_drift_s_contact_is_asked_of_drift_alone(three: Gateway) -> None:
    two = NAMES[:2]
    three.sources = two
    without = await three.ask(PEOPLE)
    three.sources = NAMES
    three.emulators.calendly.faults.add(Status(500))
    answer = await three.ask(PEOPLE)
    assert answer.ok == without.ok
    assert any(node["driftId"] for node in answer.ok["people"]["nodes"])
    assert answer.endpoints == without.endpoints
