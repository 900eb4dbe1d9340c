"""The main job, end to end: one list out of two systems, equal to the world's truth, at the price that was promised."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from gateway.emulator.world import World
from gateway.upstream.clock import ManualClock
from tests.graph.oracle import FIELDS, JOINED, Event, Truth, ordered
from tests.properties import PROFILE
from tests.world import Asked, Gateway

HUNDRED = """
query($after: String) {
  meetings(first: 100, after: $after) {
    nodes { %s } pageInfo { hasNextPage endCursor } sourceReports { source status }
  }
}
"""

STRETCH = 40 if PROFILE == "quick" else None
"""Small pages that are walked; None walks them all."""


@pytest.fixture(scope="module")
def truth() -> dict[int, Truth]:
    return {}


def truth_of(world: World, known: dict[int, Truth]) -> Truth:
    return known.setdefault(id(world), Truth(world))


def shown(truth: Truth) -> list[Event]:
    return ordered(event for event in truth.events if event.status != "CANCELED")


async def test_a_hundred_meetings_are_the_worlds_field_by_field(gateway: Gateway, truth: dict[int, Truth]) -> None:
    """Five pages down, so that rows of both sources, folded and alone, are among them."""
    known = truth_of(gateway.world, truth)
    expected = [known.meeting(event) for event in shown(known)[:500]]
    assert {row["source"] for row in expected} == {"SALESLOFT", "DRIFT"}
    assert any(row["alternateIds"] for row in expected)
    got: list[dict[str, Any]] = []
    cursor = None
    for _ in range(5):
        page = (await gateway.ask(HUNDRED % FIELDS, after=cursor)).ok["meetings"]
        got += page["nodes"]
        cursor = page["pageInfo"]["endCursor"]
    for row, wanted in zip(got, expected, strict=True):
        assert row == wanted


class Ticking(ManualClock):
    """Moves on by itself, as the machine's own time does, so that the ledger can tell waves apart."""

    def __init__(self, now: float) -> None:
        super().__init__(now, jumps=True)
        self._zero = time.perf_counter()

    def monotonic(self) -> float:
        return super().monotonic() + time.perf_counter() - self._zero


def contacts_of(events: list[Event]) -> set[int]:
    """The Drift contacts that are the person of one of the meetings."""
    lacking = [event for event in events if event.hub is None or event.hub["person"] is None]
    return {chat["schedulerId"] for event in lacking for chat in event.chats[:1] if "schedulerId" in chat}


async def test_a_hundred_meetings_cost_what_was_promised(gateway: Gateway, truth: dict[int, Truth]) -> None:
    known = truth_of(gateway.world, truth)
    gateway.clock = Ticking(gateway.world.now.timestamp())
    answer = await gateway.ask(HUNDRED % (JOINED + " id source"), after=None)
    nodes = answer.ok["meetings"]["nodes"]
    page = shown(known)[:100]
    assert [node["id"] for node in nodes] == [event.id for event in page]
    drift_only = [event for event in page if event.hub is None]
    assert drift_only, "the page is to hold rows of both sources"

    screened = [call for call in answer.to("meetings") if "event_ids[]" in call.params]
    walked = [call for call in answer.to("meetings") if "event_ids[]" not in call.params]
    assert [(call["show_deleted"], call["page"], call["per_page"]) for call in walked] == [("false", "1", "100")] or (
        len(walked) == 2
    )
    assert len(screened) in (2, 4), "both listings, a chunk or two"
    assert {call["show_deleted"] for call in screened} == {"true", "false"}

    people = {event.hub["person"]["id"] for event in page if event.hub and event.hub["person"]}
    people |= {row["person"]["id"] for event in page if event.hub for row in event.hub["attendees"] if row["person"]}
    by_ids = [call for call in answer.to("people") if "ids[]" in call.params]
    assert sorted(int(key) for call in by_ids for key in call.params["ids[]"]) == sorted(people)
    assert len(by_ids) == -(-len(people) // 100)
    assert len(answer.to("people")) - len(by_ids) == 1, "Drift's contacts are looked for by their addresses, once"

    assert len(answer.to("contacts/{id}")) == len(contacts_of(page))
    rest = {
        name: count for name, count in answer.endpoints.items() if name not in {"meetings", "people", "contacts/{id}"}
    }
    assert rest == {"users/meetings/org": 1, "users": 1, "users/list": 1, "cadences": 1, "steps": 1, "accounts": 1}
    assert sum(call.cost for call in answer.calls) <= 14


async def test_a_page_of_salesloft_alone_takes_two_waves(gateway: Gateway) -> None:
    gateway.clock = Ticking(gateway.world.now.timestamp())
    gateway.sources = ("SALESLOFT",)
    answer = await gateway.ask("{ meetings(first: 50) { nodes { %s } } }" % JOINED)
    assert len(answer.ok["meetings"]["nodes"]) == 50
    assert answer.endpoints == Counter(meetings=1, people=1, users=1, cadences=1, steps=1, accounts=1)
    assert answer.request.ledger.waves() == 2


@pytest.mark.parametrize("first", [100, 500])
@pytest.mark.parametrize(
    "wanted",
    [{}, {"startTime": {"gt": "2000-01-01T00:00:00Z"}, "endTime": {"gt": "2000-01-01T00:00:00Z"}}],
    ids=["all", "checked here"],
)
async def test_a_long_page_is_read_at_once_where_it_is_known_to_be_long(
    gateway: Gateway, first: int, wanted: dict[str, Any]
) -> None:
    """First one read after the other; once that has left the cache, in pages that overlap, with no call more."""
    gateway.clock = Ticking(gateway.world.now.timestamp())
    gateway.sources, gateway.cold = ("SALESLOFT",), False
    query = """query($n: Int!, $f: MeetingFilter) {
      meetings(first: $n, filter: $f) { nodes { id person { name } } pageInfo { hasNextPage } } }"""
    before = await gateway.ask(query, n=first, f=wanted)
    gateway.clock.advance(20)
    from_cache = await gateway.ask(query, n=first, f=wanted)
    assert from_cache.ok == before.ok
    for _ in range(3):
        gateway.clock.advance(5_000)
        answer = await gateway.ask(query, n=first, f=wanted)
        assert answer.ok == before.ok
        assert len(answer.calls) <= len(before.calls)
        assert answer.request.ledger.waves() == 2 < before.request.ledger.waves()


@pytest.mark.parametrize("wanted", [{}, {"titleContains": "a", "startTime": {"gt": "2000-01-01T00:00:00Z"}}])
async def test_a_short_page_is_one_call_whatever_took_several(gateway: Gateway, wanted: dict[str, Any]) -> None:
    """Nor does a filter that is checked here, and passes over much, make another one read on."""
    gateway.sources, gateway.cold = ("SALESLOFT",), False
    query = "query($n: Int!, $f: MeetingFilter) { meetings(first: $n, filter: $f) { nodes { id } } }"
    rare = {**wanted, "titleContains": "no such title"} if wanted else {}
    for first, asked in ((500, wanted), (25, rare), (25, wanted), (500, wanted), (25, wanted)):
        answer = await gateway.ask(query, n=first, f=asked)
        gateway.clock.advance(5_000)
    assert len(answer.calls) == 1


async def test_nothing_that_is_not_selected_is_fetched(gateway: Gateway) -> None:
    answer = await gateway.ask("{ meetings(first: 10, filter: {sources: [SALESLOFT]}) { nodes { title } } }")
    assert answer.endpoints == Counter(meetings=1)


async def test_the_total_is_asked_for_only_when_selected(gateway: Gateway, truth: dict[int, Truth]) -> None:
    known = truth_of(gateway.world, truth)
    answer = await gateway.ask(
        "{ meetings(first: 0, filter: {sources: [SALESLOFT]}) { totalCount } }",
    )
    expected = sum(event.hub is not None and event.status != "CANCELED" for event in known.events)
    assert answer.ok["meetings"]["totalCount"] == expected
    assert [call["include_paging_counts"] for call in answer.calls] == ["true"]


async def walked(gateway: Gateway, size: int, *, backward: bool = False, most: int | None = None) -> list[Asked]:
    """Every page of the whole list, cancelled meetings included."""
    way, cursor = ("last", "before") if backward else ("first", "after")
    query = """query($cursor: String) { meetings(%s: %d, %s: $cursor, filter: {canceled: INCLUDE}) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        sourceReports { source status } } }"""
    pages: list[Asked] = []
    at = None
    while most is None or len(pages) < most:
        page = await gateway.ask(query % (way, size, cursor), cursor=at)
        pages.append(page)
        info = page.ok["meetings"]["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            break
        at = info["startCursor" if backward else "endCursor"]
    return pages


def ids(pages: list[Asked], *, backward: bool = False) -> list[str]:
    shown = [[node["id"] for node in page.ok["meetings"]["nodes"]] for page in pages]
    return [id_ for page in (reversed(shown) if backward else shown) for id_ in page]


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("size", "most"), [(7, STRETCH), (100, None), (1, STRETCH)])
@pytest.mark.parametrize("backward", [False, True])
async def test_a_walk_gives_each_event_once_in_order(
    gateway: Gateway, truth: dict[int, Truth], size: int, most: int | None, backward: bool
) -> None:
    """With pages of a hundred the whole world; with smaller ones a stretch that begins among rows of both sources, and
    the whole of it too in the larger profiles of the properties."""
    gateway.cold = False
    expected = [event.id for event in ordered(truth_of(gateway.world, truth).events)]
    pages = await walked(gateway, size, backward=backward, most=most)
    got = ids(pages, backward=backward)
    if most is None:
        assert got == expected
    else:
        assert len(got) == size * most
        assert got == (expected[-len(got) :] if backward else expected[: len(got)])
    for page in pages:
        assert [report["status"] for report in page.ok["meetings"]["sourceReports"]] == ["OK", "OK"]


@pytest.mark.slow
async def test_page_two_hundred_costs_what_page_two_does(gateway: Gateway) -> None:
    """A unit, and one more where a page's last instant runs on past it: never a deeper page."""
    query = """query($cursor: String) { meetings(first: 20, after: $cursor, filter: {sources: [SALESLOFT]}) {
        nodes { id } pageInfo { hasNextPage endCursor } } }"""
    costs: list[int] = []
    at = None
    for _ in range(200):
        page = await gateway.ask(query, cursor=at)
        at = page.ok["meetings"]["pageInfo"]["endCursor"]
        assert all(int(call["page"] or 0) <= 2 for call in page.calls), "only a crowded instant has a second page"
        costs.append(sum(call.cost for call in page.calls))
    assert costs[199] <= costs[1] <= 2
    assert max(costs) <= 5
    assert sum(costs) < 400
