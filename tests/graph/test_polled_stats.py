"""A dashboard that is polled: what each minute costs, and that its figures are as new as is promised."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from gateway.emulator.world import World
from tests.graph.oracle import Truth
from tests.graph.test_meeting_stats import BY, COLD, DASHBOARD, POLLED, WEEKS
from tests.world import NOW, Asked, Gateway, running
from tests.world import gateway as gateway
from tests.world import world as world

NEAR, SETTLED = 3, 30
"""Minutes that meetings around now, and those of more than a week ago, may be old."""

DAY = dt.timedelta(days=1)
OWNERS = DASHBOARD.replace("owner { id name }", "owner { id name email sources }")
TOTALS = "query($f: MeetingFilter) { meetingStats(filter: $f) { total { meetings booked canceled } } }"


def cost(answer: Asked) -> int:
    """Units that an answer took, and what was fetched anew behind it."""
    return sum(call.cost or 1 for call in answer.calls)  # Drift does not say what a call costs: one


async def polled(
    gateway: Gateway, query: str, filter_of: Callable[[dt.datetime], dict[str, Any]], minutes: int = 61
) -> AsyncIterator[Asked]:
    """The answers of an operation that is asked every minute, the first on a cold cache."""
    gateway.cold = False
    for _ in range(minutes):
        now = dt.datetime.fromtimestamp(gateway.clock.time(), dt.UTC)
        answer = await gateway.ask(query, f=filter_of(now))
        for _ in range(20):  # what is fetched anew behind the answer
            await asyncio.sleep(0)
        assert answer.errors == []
        yield answer
        gateway.clock.advance(60)


def fixed(_: dt.datetime) -> dict[str, Any]:
    """Eight calendar weeks."""
    return WEEKS


def rolling(now: dt.datetime) -> dict[str, Any]:
    """The eight weeks up to this second."""
    return {"startTime": {"gt": (now - 56 * DAY).isoformat(), "lte": now.isoformat()}}


def around(now: dt.datetime) -> dict[str, Any]:
    """The six weeks before this minute, and the two after it."""
    return {"startTime": {"gte": (now - 42 * DAY).isoformat(), "lt": (now + 14 * DAY).isoformat()}}


def days(_: dt.datetime) -> dict[str, Any]:
    """Eight weeks by their days in a time zone of odd hours."""
    return {"days": {"from": "2026-01-28", "to": "2026-03-24", "timeZone": "Asia/Kathmandu"}}


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("query", "filter_of", "minutes"),
    [(OWNERS, fixed, 61), (DASHBOARD, rolling, 34), (DASHBOARD, around, 34), (TOTALS, days, 34)],
    ids=["calendar weeks", "up to now", "ahead too", "total of days"],
)
async def test_no_minute_of_a_polled_dashboard_is_dear(
    gateway: Gateway, query: str, filter_of: Callable[[dt.datetime], dict[str, Any]], minutes: int
) -> None:
    gateway.clock.advance(23)  # not at the minute either
    spent = [cost(answer) async for answer in polled(gateway, query, filter_of, minutes)]
    assert spent[0] <= COLD
    assert max(spent[1:]) <= POLLED, spent


@pytest.mark.slow
async def test_no_vendor_is_asked_more_where_there_are_three(gateway: Gateway) -> None:
    """Each has a limit of its own. Once in half an hour, the three teams are read in one minute."""
    gateway.clock.advance(23)
    gateway.sources = ("SALESLOFT", "DRIFT", "CALENDLY")
    spent: list[Counter[str]] = []
    async for answer in polled(gateway, OWNERS, fixed, 61):
        spent.append(Counter())
        for call in answer.calls:
            spent[-1][call.source] += call.cost or 1
    assert spent[0] == {"SALESLOFT": 16, "DRIFT": 2, "CALENDLY": 5}
    assert max(max(minute.values()) for minute in spent[1:]) <= POLLED
    assert sorted(minute.total() for minute in spent[1:])[-2:] <= [POLLED + 1] * 2
    assert sum(minute.total() > POLLED for minute in spent[1:]) <= 2


async def test_the_figures_are_those_of_brute_force_however_the_range_lies(gateway: Gateway, world: World) -> None:
    events = Truth(world).events
    async for answer in polled(gateway, TOTALS, rolling, minutes=9):
        now = dt.datetime.fromtimestamp(gateway.clock.time(), dt.UTC)
        shown = [event for event in events if event.start is not None and now - 56 * DAY < event.start <= now]
        statuses = Counter(event.status for event in shown)
        total = answer.ok["meetingStats"]["total"]
        assert total["meetings"] == len(shown) > 700
        assert (total["booked"], total["canceled"]) == (statuses["BOOKED"], statuses["CANCELED"])


def by_day(world: World) -> Counter[tuple[dt.date, str]]:
    """How many meetings of each status a day has."""
    starts = ((event.start, event.status) for event in Truth(world).events)
    return Counter((start.date(), status) for start, status in starts if start is not None and within(start))


def within(start: dt.datetime) -> bool:
    bounds = WEEKS["startTime"]
    return dt.datetime.fromisoformat(bounds["gte"]) <= start < dt.datetime.fromisoformat(bounds["lt"])


def changes(world: World) -> Iterator[str]:
    """A meeting of another day is cancelled, or turns out to be a no-show, each time; its day."""
    table = world.salesloft.meetings
    firsts: dict[str, dict[str, Any]] = {}
    for row in table.values():
        start = row["start_time"]
        if start and row["canceled_at"] is None and not row["no_show"] and within(dt.datetime.fromisoformat(start)):
            firsts.setdefault(start[:10], row)
    for number, row in enumerate(firsts.values()):
        at = (NOW + dt.timedelta(minutes=number, seconds=1)).isoformat()
        row.update({"canceled_at": at} if number % 2 else {"no_show": True}, updated_at=at)
        table.touch()
        yield row["start_time"][:10]


@pytest.mark.slow
async def test_figures_are_as_new_as_is_promised_and_nobody_is_missing_meanwhile() -> None:
    world = World.seeded(NOW)
    truths = [by_day(world)]
    happening = changes(world)
    changed: set[str] = set()
    spent: list[int] = []
    async with running(world) as gateway:
        groups = "groups { from status counts { meetings } } total { meetings }"
        query = BY.replace("$by: [MeetingGroup!]!, ", "").replace("$by", "[DAY, STATUS]") % groups
        async for answer in polled(gateway, query, fixed, minutes=40):
            told = answer.ok["meetingStats"]
            assert told["total"]["meetings"] == sum(truths[0].values())
            found = Counter(
                {
                    (dt.datetime.fromisoformat(group["from"]).date(), group["status"]): group["counts"]["meetings"]
                    for group in told["groups"]
                }
            )
            for day in {day for day, _ in truths[0]}:
                recent = truths[-(SETTLED if day < NOW.date() - 7 * DAY else NEAR) - 1 :]
                figures = [{key: count for key, count in truth.items() if key[0] == day} for truth in recent]
                assert {key: count for key, count in found.items() if key[0] == day} in figures
            spent.append(cost(answer))
            changed.add(next(happening, ""))
            truths.append(by_day(world))
    assert len(changed) > 30, "hardly anything has changed"
    assert max(spent[1:]) <= POLLED, spent
