"""`totalCount`: exact where the page is the whole list, whatever else is selected, and null only for a reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gateway.emulator.world import World
from tests.graph.oracle import Truth
from tests.world import Gateway, running
from tests.world import gateway as gateway
from tests.world import little as little
from tests.world import small as small
from tests.world import world as world

FEBRUARY = {"gte": "2026-02-01T00:00:00Z", "lt": "2026-03-01T00:00:00Z"}
SELECTIONS = (
    "totalCount",
    "totalCount nodes { id }",
    "totalCount pageInfo { hasNextPage }",
    "totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage }",
    "totalCount sourceReports { source status }",
)
FILTERS: list[dict[str, Any]] = [
    {"noShow": True, "startTime": FEBRUARY},
    {"status": ["BOOKED", "NO_SHOW"], "startTime": FEBRUARY},
    {"startTime": FEBRUARY, "canceled": "INCLUDE", "endTime": {"gte": "2026-02-20T00:00:00Z"}},
    {"updatedAt": {"gte": "2026-03-17T00:00:00Z"}},
    {"ids": []},
]


OF_THREE: list[dict[str, Any]] = [
    {},
    {"noShow": True, "startTime": {"gte": "2026-02-01T00:00:00Z", "lt": "2026-04-01T00:00:00Z"}},
    {"noShow": False, "startTime": FEBRUARY},
    {"attendeeDomains": ["brightquay.example"], "startTime": FEBRUARY},
    {"titleContains": "demo", "startTime": FEBRUARY},
    {"days": {"from": "2026-02-01", "to": "2026-03-01", "timeZone": "Asia/Tokyo"}},
    {"calendly": {"status": ["active"]}},
    {"calendly": {"status": ["active"]}, "salesloft": {"status": "booked"}},
    {"sources": ["DRIFT", "CALENDLY"]},
]
"""Filters that Calendly counts, or cannot: it reads invitees for no-shows and domains."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("filter_", OF_THREE, ids=" ".join)
async def test_a_total_over_three_sources_is_that_of_the_list(gateway: Gateway, filter_: dict[str, Any]) -> None:
    gateway.sources = ("SALESLOFT", "DRIFT", "CALENDLY")
    query = """query($f: MeetingFilter, $n: Int, $a: String) { meetings(first: $n, after: $a, filter: $f) { %s
      pageInfo { hasNextPage endCursor } } }"""
    total = (await gateway.ask(query % "totalCount", f=filter_, n=2)).ok["meetings"]["totalCount"]
    beside = (await gateway.ask(query % "totalCount nodes { id }", f=filter_, n=500)).ok["meetings"]
    ids = [node["id"] for node in beside["nodes"]]
    gateway.cold = False
    while beside["pageInfo"]["hasNextPage"]:
        cursor = beside["pageInfo"]["endCursor"]
        beside = {**beside, **(await gateway.ask(query % "nodes { id }", f=filter_, n=500, a=cursor)).ok["meetings"]}
        ids += [node["id"] for node in beside["nodes"]]
    assert beside["totalCount"] == total == len(set(ids))
    assert total > 0


@pytest.mark.sampled(3)
@pytest.mark.parametrize("filter_", FILTERS, ids=" ".join)
async def test_a_total_depends_on_nothing_else_that_is_selected(little: Gateway, filter_: dict[str, Any]) -> None:
    totals: set[Any] = set()
    for selection in SELECTIONS:
        for size in ("first: 500", "first: 2", "last: 3"):
            query = "query($f: MeetingFilter) { meetings(%s, filter: $f) { %s } }" % (size, selection)
            totals.add((await little.ask(query, f=filter_)).ok["meetings"]["totalCount"])
    (total,) = totals
    query = "query($f: MeetingFilter) { meetings(first: 500, filter: $f) { nodes { id } } }"
    assert total == len((await little.ask(query, f=filter_)).ok["meetings"]["nodes"])


async def test_a_list_that_ends_on_the_page_pays_nothing_for_its_total(gateway: Gateway) -> None:
    asked = "query($f: MeetingFilter) { meetings(first: 100, filter: $f) { nodes { id } %s } }"
    wanted = {"noShow": True, "startTime": FEBRUARY}
    with_it = await gateway.ask(asked % "totalCount", f=wanted)
    without = await gateway.ask(asked % "", f=wanted)
    assert with_it.endpoints == without.endpoints
    assert with_it.ok["meetings"]["totalCount"] == len(without.ok["meetings"]["nodes"])


async def test_a_page_that_begins_at_a_cursor_is_counted_beside(gateway: Gateway) -> None:
    query = """query($a: String) {
      meetings(first: 5, after: $a, filter: {sources: [SALESLOFT]}) { %s pageInfo { hasNextPage endCursor } } }"""
    after = (await gateway.ask(query % "")).ok["meetings"]["pageInfo"]["endCursor"]
    page = await gateway.ask(query % "nodes { id }", a=after)
    both = await gateway.ask(query % "nodes { id } totalCount", a=after)
    assert both.ok["meetings"]["totalCount"] > 1_000
    assert both.request.ledger.waves() == page.request.ledger.waves() == 1
    assert both.endpoints == page.endpoints + Counter({"meetings": 1})


async def test_the_flags_alone_say_what_they_say_beside_rows(little: Gateway) -> None:
    for size in ("first: 500", "first: 5", "last: 500", "last: 5"):
        query = "{ meetings(%s) { %s } }"
        flags = "pageInfo { hasNextPage hasPreviousPage }"
        alone = await little.ask(query % (size, flags))
        beside = await little.ask(query % (size, f"nodes {{ id }} {flags}"))
        assert alone.ok["meetings"]["pageInfo"] == beside.ok["meetings"]["pageInfo"]


async def test_the_total_of_everything_in_the_demo_is_counted(gateway: Gateway, world: World) -> None:
    answer = await gateway.ask("{ meetings { totalCount } }")
    expected = sum(event.status != "CANCELED" for event in Truth(world).events)
    assert answer.ok["meetings"]["totalCount"] == expected
    assert answer.endpoints == Counter({"meetings": 19, "users/meetings/org": 1})


async def test_people_whose_addresses_overlap_are_read_to_be_counted(little: Gateway) -> None:
    people = (await little.ask("{ people(first: 100) { nodes { emails } } }")).ok["people"]["nodes"]
    emails = sorted({email for person in people for email in person["emails"] or ()})[:100]
    query = "query($e: [String!]) { people(first: 2, filter: {emails: $e}) { totalCount } }"
    shown = sum(bool({*(person["emails"] or ())} & {*emails}) for person in people)
    assert (await little.ask(query, e=emails)).ok["people"]["totalCount"] == shown


async def test_a_total_that_the_budget_did_not_allow_is_an_error(small: World) -> None:
    async with running(small) as gateway:
        gateway.units = 3
        answer = await gateway.ask("{ meetings(first: 1) { totalCount nodes { id } } }")
    assert answer.data["meetings"]["totalCount"] is None
    assert [error["path"] for error in answer.errors] == [["meetings", "totalCount"]]
    assert answer.codes == ["UPSTREAM_RATE_LIMITED"]
