"""Polling for what has changed, by the recipe of docs/paging.md: exactly the changes, at the price of the changes."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.emulator.world import World
from tests.graph.oracle import Event, Truth, formatted, ordered, when
from tests.graph.values import EPOCH
from tests.world import Asked, Gateway, Made

PAGE = Path(__file__).parents[2] / "docs" / "paging.md"
QUERY = re.compile(r"^```graphql\n(query Changed.*?)^```$", re.MULTILINE | re.DOTALL)

SECOND = dt.timedelta(seconds=1)
LISTINGS = 2
"""Salesloft lists what is cancelled apart from what is not."""

MOST_ROWS = 100
"""Rows of one page of Salesloft's, and of one page of the recipe."""


@pytest.fixture(scope="module")
def recipe() -> str:
    (query,) = QUERY.findall(PAGE.read_text(encoding="utf-8"))
    return str(query)


async def polled(gateway: Gateway, recipe: str, since: dt.datetime) -> list[Asked]:
    """All pages of one poll."""
    pages: list[Asked] = []
    cursor = None
    while True:
        page = await gateway.ask(recipe, since=formatted(since), after=cursor)
        pages.append(page)
        info = page.ok["meetings"]["pageInfo"]
        if not info["hasNextPage"]:
            return pages
        cursor = info["endCursor"]


def rows(pages: list[Asked]) -> list[dict[str, Any]]:
    return [node for page in pages for node in page.ok["meetings"]["nodes"]]


def walks(pages: list[Asked]) -> list[Made]:
    """The calls that read Salesloft's list by time of change."""
    calls = (call for page in pages for call in page.to("meetings"))
    return [call for call in calls if call["sort_by"] == "updated_at"]


def changed_since(world: World, since: dt.datetime) -> list[Event]:
    """The changes by brute force, the newest first."""
    events = [event for event in Truth(world).events if event.changed is not None and event.changed >= since]
    return ordered(events, "changed")


def nth_change(world: World, number: int) -> dt.datetime:
    """When the change was made that so many are newer than."""
    events = ordered((event for event in Truth(world).events if event.changed is not None), "changed")
    found = events[number].changed
    assert found is not None
    return found


@pytest.mark.parametrize("number", [0, 40, 150, 420])
async def test_a_poll_gives_the_changes_and_costs_what_they_do(gateway: Gateway, recipe: str, number: int) -> None:
    since = nth_change(gateway.world, number)
    pages = await polled(gateway, recipe, since)
    expected = changed_since(gateway.world, since)
    assert len(expected) > number
    assert [(row["id"], row["updatedAt"]) for row in rows(pages)] == [(e.id, formatted(e.changed)) for e in expected]
    for page in pages:
        reports = page.ok["meetings"]["sourceReports"]
        assert [report["status"] for report in reports] == ["OK", "OK"]
        assert len(page.to("users/meetings/org")) <= 1
        assert len(walks([page])) <= 2 * LISTINGS, "a page of each listing, and one more where it ends on its edge"
    calls = walks(pages)
    assert len(calls) <= LISTINGS * (len(pages) + len(expected) // MOST_ROWS + 1)
    assert {call.cost for call in calls} == {1}
    deepest = max(int(call["page"] or 1) * int(call["per_page"] or 0) for call in calls)
    assert deepest <= len(expected) + 2 * MOST_ROWS, "no further than the first row that is older"


async def test_a_poll_when_nothing_has_changed_is_one_page_of_each_listing(gateway: Gateway, recipe: str) -> None:
    pages = await polled(gateway, recipe, nth_change(gateway.world, 0) + SECOND)
    assert rows(pages) == []
    assert len(pages) == 1
    assert len(walks(pages)) == len(pages[0].to("meetings")) == LISTINGS


async def test_polls_see_each_change_as_it_is_made(little: Gateway, small: World, recipe: str) -> None:
    """As a client does it: from the newest change that it has seen, whose row comes once more."""
    since = nth_change(small, 0)
    known = {(row["id"], row["updatedAt"]) for row in rows(await polled(little, recipe, since))}
    table, chats = small.salesloft.meetings, small.drift.meetings
    ids, slugs = sorted(table), sorted(chats)
    for number, change in enumerate(("moved", "cancelled", "booked in the other source", "deleted")):
        at = small.now + (number + 1) * SECOND
        row = table[ids[number * 7]]
        if change == "booked in the other source":
            chat = {**chats[slugs[0]], "slug": "just-booked", "eventId": "of nobody else", "status": "ACTIVE"}
            chats["just-booked"] = {**chat, "updatedAt": (at - EPOCH) // dt.timedelta(milliseconds=1)}
        elif change == "deleted":
            del table[row["id"]]
        else:
            told_ = {"moved": {"start_time": formatted(at)}, "cancelled": {"canceled_at": formatted(at)}}[change]
            table[row["id"]] = {**row, **told_, "updated_at": formatted(at)}
        small.touch()
        seen = {(row["id"], row["updatedAt"]) for row in rows(await polled(little, recipe, since))}
        expected = {(event.id, formatted(event.changed)) for event in changed_since(small, since)}
        assert seen == expected
        assert len(seen - known) == (change != "deleted"), "what is deleted shows in no poll"
        known |= seen
        since = max((moment for _, text in seen if (moment := when(text)) is not None), default=since)
