"""Answers that are larger than the gateway reads: less is asked for, which is remembered, and small questions go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.emulator.faults import BadRows, Huge, Rewritten
from gateway.sources import base
from tests.world import Gateway

LISTED = """query($n: Int, $a: String) { meetings(first: $n, after: $a, filter: {sources: [SALESLOFT]}) {
    nodes { id title } pageInfo { hasNextPage endCursor } totalCount sourceReports { source status } } }"""
WINDOW = """{ meetings(first: 500, filter: {sources: [DRIFT], canceled: INCLUDE}) {
    nodes { id notes } sourceReports { source status code } } }"""


def fat(field: str, size: int = 4_000) -> BadRows:
    """Makes every row large."""
    return BadRows(lambda row: {**row, field: "x" * size}, at=None)


def sizes(gateway: Gateway, begun: int) -> list[int]:
    calls = gateway.emulators.salesloft.calls[begun:]
    return [int(dict(call.params)["per_page"]) for call in calls if call.endpoint == "meetings"]


async def narrow(gateway: Gateway, most: int) -> None:
    """From now on so many bytes are read, by clients that know nothing yet and forget nothing."""
    gateway.max_body, gateway.cold = most, True
    await gateway.ask("{ __typename }")
    gateway.cold = False


@pytest.fixture
def large(little: Gateway) -> Gateway:
    """Rows of some 6 KB, of which 20 are read at a time and 50 are not; nothing is forgotten between queries."""
    little.sources = ("SALESLOFT",)
    little.cold = False
    little.max_body = 200_000
    little.emulators.salesloft.faults.add(fat("description"))
    return little


async def test_a_page_that_is_too_large_is_read_in_parts_and_that_is_remembered(large: Gateway) -> None:
    calls = large.emulators.salesloft.calls
    large.max_body = 32 * 1024 * 1024
    large.cold = True
    whole = await large.ask(LISTED, n=90)
    await narrow(large, 200_000)
    begun = len(calls)
    answer = await large.ask(LISTED, n=90)
    assert answer.ok == whole.ok, "no row is missing, twice or elsewhere, and the total is known"
    asked = sizes(large, begun)
    assert max(asked) > 90, "the whole page was asked for first"
    begun = len(calls)
    large.clock.advance(600)
    again = await large.ask(LISTED, n=90)
    assert again.ok["meetings"]["nodes"] == whole.ok["meetings"]["nodes"]
    assert max(sizes(large, begun)) <= 25, "and not again"
    begun = len(calls)
    large.clock.advance(base.REMEMBERED)
    assert (await large.ask(LISTED, n=90)).ok["meetings"]["nodes"] == whole.ok["meetings"]["nodes"]
    assert max(sizes(large, begun)) > 90, "until it may be otherwise"


async def test_walks_are_whole_in_parts_of_any_size(large: Gateway) -> None:
    whole = await large.ask("{ meetings(first: 500) { nodes { id } } }")
    walked: list[str] = []
    after = None
    while True:
        page = (await large.ask(LISTED, n=70, a=after)).ok["meetings"]
        walked += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert walked == [node["id"] for node in whole.ok["meetings"]["nodes"]]
    assert len(walked) > 150
    by_change = "{ meetings(first: 150, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { id } } }"
    in_parts = await large.ask(by_change)
    large.max_body, large.cold = 32 * 1024 * 1024, True
    assert (await large.ask(by_change)).ok == in_parts.ok


async def test_small_questions_are_never_shut_out_by_large_ones(large: Gateway) -> None:
    large.max_body = 60_000
    for _ in range(8):
        large.clock.advance(20)
        assert len((await large.ask(LISTED, n=100)).ok["meetings"]["nodes"]) == 100
        small = await large.ask("{ meetings(first: 3, filter: {sources: [SALESLOFT]}) { nodes { id } } }")
        assert len(small.ok["meetings"]["nodes"]) == 3


async def test_look_ups_by_many_ids_are_read_in_parts_too(little: Gateway) -> None:
    little.sources = ("SALESLOFT",)
    query = "{ meetings(first: 90, filter: {sources: [SALESLOFT]}) { nodes { id person { id name } } } }"
    whole = await little.ask(query)
    little.max_body = 500_000
    little.emulators.salesloft.faults.add(fat("twitter_handle", 20_000), "people")
    answer = await little.ask(query)
    assert answer.ok == whole.ok
    assert len(answer.to("people")) > 2


async def test_a_team_that_is_too_large_at_once_is_read_in_pages(little: Gateway) -> None:
    query = "{ meetings(first: 30) { nodes { id owner { id name } } } users(first: 100) { nodes { id } } }"
    whole = await little.ask(query)
    await narrow(little, 400_000)
    little.emulators.salesloft.faults.add(fat("email_signature", 40_000), "users")
    answer = await little.ask(query)
    assert answer.ok == whole.ok
    pages = [call["page"] for call in answer.to("users") if call["per_page"] is not None]
    assert pages
    little.clock.advance(1200)
    again = await little.ask("{ users(first: 100) { nodes { id } } }")
    assert again.ok["users"] == whole.ok["users"]
    little.clock.advance(1200)
    later = await little.ask("{ users(first: 100) { nodes { id } } }")
    assert all(call["per_page"] is not None for call in later.to("users")), "the whole list is not tried every time"


def doubled(body: bytes) -> bytes:
    sent = json.loads(body)
    if "paging" in sent.get("metadata", {}):
        return body
    rows = sent["data"] + [{**sent["data"][0], "id": 10**6 + number} for number in range(6_000)]
    return json.dumps({**sent, "data": rows}).encode()


async def test_a_team_of_too_many_rows_at_once_is_read_in_pages(little: Gateway) -> None:
    whole = await little.ask("{ users(first: 100) { nodes { id } } }")
    little.emulators.salesloft.faults.add(Rewritten(doubled), "users")
    answer = await little.ask("{ users(first: 100) { nodes { id } } }")
    assert answer.ok == whole.ok
    assert len(answer.to("users")) == 2


async def test_a_window_of_drifts_that_is_too_large_is_read_in_parts(little: Gateway) -> None:
    whole = await little.ask(WINDOW)
    await narrow(little, 40_000)
    little.emulators.drift.faults.add(fat("meetingNotes", 1_000), "users/meetings/org")
    answer = await little.ask(WINDOW)
    rows = answer.ok["meetings"]["nodes"]
    assert [node["id"] for node in rows] == [node["id"] for node in whole.ok["meetings"]["nodes"]]
    assert {node["notes"] for node in rows} == {"x" * 1_000}
    first = len(answer.to("users/meetings/org"))
    assert 3 < first <= 40
    little.clock.advance(120)
    again = await little.ask(WINDOW)
    assert again.ok["meetings"]["nodes"] == rows
    assert len(again.to("users/meetings/org")) < first, "what was too large is not asked for again"
    assert ["0", "15000000000000"] not in [
        [call["min_start_time"], call["max_start_time"]] for call in again.to("users/meetings/org")
    ]


BOOKED = """query($n: Int!) { meetings(first: $n, filter: {canceled: INCLUDE}) {
    nodes { id calendly { inviteesCounter { total } } attendees { email } owner { id } } totalCount } }"""


async def test_what_of_calendly_s_is_too_large_is_read_in_smaller_pages(little: Gateway) -> None:
    little.sources = ("CALENDLY",)
    whole = await little.ask(BOOKED, n=150)
    await narrow(little, 60_000)
    for endpoint in ("scheduled_events", "organization_memberships"):
        little.emulators.calendly.faults.add(fat("meeting_notes_plain"), endpoint)
    answer = await little.ask(BOOKED, n=150)
    assert answer.ok == whole.ok, "no row is missing, twice or elsewhere"
    asked = [int(call["count"] or 0) for call in answer.to("scheduled_events")]
    assert asked[0] == 100
    assert asked[-1] < 15
    little.clock.advance(1500)
    again = await little.ask(BOOKED, n=150)
    assert again.ok == whole.ok
    assert {int(call["count"] or 0) for call in again.to("scheduled_events")} == {asked[-1]}, "which is remembered"
    assert (await little.ask("{ meetings(first: 1) { nodes { id } } }")).ok, "and shuts nothing"
    little.clock.advance(base.REMEMBERED)
    later = await little.ask(BOOKED, n=150)
    assert later.ok == whole.ok
    assert int(later.to("scheduled_events")[0]["count"] or 0) == 100, "until it may be otherwise"


@pytest.mark.parametrize(("source", "most"), [("SALESLOFT", 12), ("DRIFT", 3), ("CALENDLY", 16)])
async def test_who_answers_with_too_much_whatever_is_asked_is_left_alone(
    little: Gateway, source: str, most: int
) -> None:
    little.sources, little.cold = (source,), False
    getattr(little.emulators, source.lower()).faults.add(Huge())
    counts: list[int] = []
    for _ in range(8):
        answer: Any = await little.ask("{ meetings(first: 20) { nodes { id } } }")
        assert answer.codes in (["UPSTREAM_MALFORMED"], ["UPSTREAM_UNAVAILABLE"])
        counts.append(len(answer.calls))
        little.clock.advance(1)
    assert counts[0] <= most, counts
    assert counts.count(0) >= 3, counts
