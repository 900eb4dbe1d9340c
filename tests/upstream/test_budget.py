"""Who gets units, when, and who is refused at once."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gateway.errors import DeadlineExceeded, UpstreamRateLimited
from gateway.request import Priority, Request
from gateway.upstream import budget as budgets
from gateway.upstream.budget import Budget
from gateway.upstream.clock import ManualClock
from gateway.upstream.minute import Grant
from tests.upstream.turns import outcomes, pass_time, turn

NOON = 1_800_000_000.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON + 40)


def asking(clock: ManualClock, seconds: float = 25, priority: Priority = Priority.INTERACTIVE) -> Request:
    return Request(clock.monotonic() + seconds, priority)


async def spend(budget: Budget, request: Request, cost: int = 1) -> Grant:
    grant = await budget.take(request, cost)
    await budget.settle(grant, cost=cost)
    return grant


async def test_a_minute_gives_its_limit_and_the_next_one_as_much(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 10, clock)
    calls = [asyncio.ensure_future(spend(budget, asking(clock))) for _ in range(15)]

    await turn()
    assert Counter(outcomes(calls)) == {"ok": 10, "waits": 5}
    assert budget.remaining == 0
    await pass_time(clock, 20)
    assert Counter(outcomes(calls)) == {"ok": 10, "waits": 5}  # within the margin around the edge
    await pass_time(clock, 1)
    assert Counter(outcomes(calls)) == {"ok": 15}
    assert budget.remaining == 5


async def test_who_cannot_be_served_in_time_is_refused_at_once(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 1, clock)
    await spend(budget, asking(clock))

    with pytest.raises(UpstreamRateLimited) as caught:
        await spend(budget, asking(clock, seconds=19))
    assert caught.value.retry_after == pytest.approx(20.25, abs=0.01)

    patient = [asyncio.ensure_future(spend(budget, asking(clock))) for _ in range(3)]
    await turn()
    assert outcomes(patient) == ["waits", "UpstreamRateLimited", "UpstreamRateLimited"]
    late = patient[2].exception()
    assert isinstance(late, UpstreamRateLimited)
    assert late.retry_after == pytest.approx(80.25, abs=0.01)  # the next minute's only unit is taken
    await pass_time(clock, 21)
    assert outcomes(patient[:1]) == ["ok"]


async def test_nothing_is_taken_past_the_deadline(clock: ManualClock) -> None:
    with pytest.raises(DeadlineExceeded):
        await spend(Budget("SALESLOFT", 1, clock), asking(clock, seconds=0))


async def test_what_a_person_waits_for_goes_first(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 8, clock)
    for _ in range(8):
        await spend(budget, asking(clock))
    background = [asyncio.ensure_future(spend(budget, asking(clock, 60, Priority.REVALIDATION))) for _ in range(6)]
    people = [asyncio.ensure_future(spend(budget, asking(clock))) for _ in range(2)]

    await pass_time(clock, 21)
    assert outcomes(people) == ["ok", "ok"]
    assert outcomes(background).count("ok") == 4  # a fourth is kept for people while the minute is young
    await pass_time(clock, 38)
    assert outcomes(background).count("ok") == 5
    for call in background:
        call.cancel()
    await asyncio.gather(*background, return_exceptions=True)


async def test_a_call_that_somebody_comes_to_wait_for_is_moved_up(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 4, clock)
    background = asking(clock, 60, Priority.REVALIDATION)
    for _ in range(3):
        await spend(budget, asking(clock))
    clock.advance(21)
    for _ in range(3):
        await spend(budget, asking(clock))
    waiting = asyncio.ensure_future(spend(budget, background))
    await turn()
    assert outcomes([waiting]) == ["waits"]

    background.serve_too(asking(clock))
    await turn()
    assert outcomes([waiting]) == ["ok"]


async def test_a_greedy_request_leaves_something_for_others(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 100, clock)
    greedy = asking(clock)
    many = [asyncio.ensure_future(spend(budget, greedy)) for _ in range(300)]
    await turn()
    assert outcomes(many).count("ok") == 75

    others = [asyncio.ensure_future(spend(budget, asking(clock))) for _ in range(20)]
    await turn()
    assert outcomes(others) == ["ok"] * 20
    for call in many:
        call.cancel()
    await asyncio.gather(*many, return_exceptions=True)


async def test_the_first_to_come_is_done_first(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 80, clock, at_once=4)
    order: list[int] = []

    async def query(name: int) -> None:
        request = asking(clock)
        for _ in range(8):
            grant = await budget.take(request, 1)
            await turn(20)
            await budget.settle(grant, cost=1)
        order.append(name)

    queries = [asyncio.ensure_future(query(name)) for name in range(20)]
    await pass_time(clock, 0.1)
    await turn(3000)

    assert order == list(range(len(order)))
    assert len(order) >= 7  # of ten at best; served in turn, it would be none
    await pass_time(clock, 21)
    await turn(3000)
    assert sorted(order) == list(range(20))
    await asyncio.gather(*queries)


async def test_a_queue_forms_before_the_connections_run_out(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 100, clock, at_once=3)
    grants = [asyncio.ensure_future(budget.take(asking(clock), 1)) for _ in range(5)]
    await turn()
    assert outcomes(grants) == ["ok", "ok", "ok", "waits", "waits"]
    await budget.settle(await grants[0], cost=1)
    await turn()
    assert outcomes(grants) == ["ok", "ok", "ok", "ok", "waits"]
    await budget.settle(await grants[1], cost=1)
    await grants[4]


async def test_a_dear_call_is_made_though_it_costs_more_than_a_minute_gives(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 10, clock)
    await spend(budget, asking(clock), cost=30)
    assert budget.remaining == 0


async def test_a_caller_who_leaves_gives_its_units_back(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 1, clock)
    leaving = asyncio.ensure_future(budget.take(asking(clock), 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await turn()
    assert budget.remaining == 1

    await spend(budget, asking(clock))
    queued = [asyncio.ensure_future(spend(budget, asking(clock))) for _ in range(2)]
    await turn()
    queued[0].cancel()
    late = asyncio.ensure_future(spend(budget, asking(clock)))
    await pass_time(clock, 21)
    assert queued[0].cancelled()
    assert outcomes([queued[1], late]) == [
        "UpstreamRateLimited",
        "ok",
    ]  # the first was refused at once, when another stood before it


async def test_a_refusal_empties_the_minute(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 300, clock)

    assert await budget.refused(None, sent=0) == pytest.approx(20.25, abs=0.01)
    assert budget.remaining == 0
    clock.advance(21)
    assert budget.remaining == 300

    assert await budget.refused(7, sent=21) == 7
    assert budget.remaining == 0
    clock.advance(7)
    assert budget.remaining == 300


async def test_a_rate_that_is_not_announced_is_found(clock: ManualClock) -> None:
    budget = Budget("DRIFT", 300, clock, adapts=True)

    await budget.refused(None, sent=clock.monotonic())
    clock.advance(21)
    assert budget.remaining == 150
    clock.advance(40 + 60)
    assert budget.remaining > 150


async def test_a_process_without_a_unit_says_so_at_once(clock: ManualClock) -> None:
    """Where processes outnumber units: the sum of what they spend is nothing, rather than too much."""
    budget = Budget("SALESLOFT", 0, clock)
    for _ in range(3):
        with pytest.raises(UpstreamRateLimited) as caught:
            await budget.take(asking(clock, 600), 1)
        assert caught.value.retry_after == 60
        clock.advance(61)
    assert (budget.remaining, budget.limit) == (0, 0)


async def test_a_queue_has_an_end(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "MAX_WAITING", 5)
    budget = Budget("SALESLOFT", 1, clock)
    calls = [asyncio.ensure_future(spend(budget, asking(clock, 6000, Priority.REVALIDATION))) for _ in range(10)]
    await asyncio.sleep(0)
    assert outcomes(calls).count("UpstreamRateLimited") == 5
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_after_a_hold_one_call_goes_alone(clock: ManualClock) -> None:
    budget = Budget("SALESLOFT", 300, clock)
    first = await budget.take(asking(clock), 1)
    await budget.refused(7, sent=clock.monotonic())
    await budget.settle(first, cost=1)
    calls = [asyncio.ensure_future(budget.take(asking(clock), 1)) for _ in range(8)]
    await turn()
    assert outcomes(calls) == ["waits"] * 8
    await pass_time(clock, 7)
    assert outcomes(calls) == ["ok"] + ["waits"] * 7, "one goes to see"

    await budget.refused(3, sent=clock.monotonic())
    await budget.settle(await calls[0], cost=1)
    await turn()
    assert outcomes(calls[1:]) == ["waits"] * 7, "it was refused again"
    await pass_time(clock, 3)
    assert outcomes(calls[1:]) == ["ok"] + ["waits"] * 6

    await budget.settle(await calls[1], cost=1, answered=False)  # it never got there, and says nothing
    await turn()
    assert outcomes(calls[2:]) == ["ok"] + ["waits"] * 5
    await budget.settle(await calls[2], cost=1, answered=True)
    await turn()
    assert outcomes(calls[3:]) == ["ok"] * 5, "it answers again"


async def test_the_minute_is_the_vendors(clock: ManualClock) -> None:
    """Its clock is 30 seconds ahead, so that its minute ended 10 seconds ago."""
    budget = Budget("SALESLOFT", 1, clock)
    budget.heard(NOON + 70, sent=clock.monotonic(), received=clock.monotonic() + 0.1)
    await spend(budget, asking(clock))

    with pytest.raises(UpstreamRateLimited) as caught:
        await spend(budget, asking(clock))
    assert caught.value.retry_after == pytest.approx(50.25, abs=1)
