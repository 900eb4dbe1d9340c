"""Far more is asked for than the vendor gives: it is hardly over-asked, and everybody hears in time."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import msgspec
import pytest

from gateway.emulator.salesloft.api import SalesloftOptions
from tests.upstream_e2e.stage import NOW, Product, product, world

PAGE = """
query($since: DateTime) {
  meetings(first: 1, filter: {sources: [SALESLOFT], canceled: INCLUDE, startTime: {gte: $since}}) {
    nodes { title cadence { name } }
    sourceReports { source status code retryAfter }
  }
}
"""

QUERIES = 1500
"""Each for a page of its own, which takes a call for the active meetings and one for the cancelled ones."""

DEADLINE = 25.0


class End(msgspec.Struct, frozen=True):
    """How a query ended, after so many seconds."""

    kind: str
    after: float


async def storm(stages: list[Product]) -> list[End]:
    """All queries at once, over all processes."""
    clock = stages[0].clock

    async def ask(number: int) -> End:
        begun = clock.monotonic()
        since = NOW - dt.timedelta(days=200, minutes=number)
        reply = await stages[number % len(stages)].ask(PAGE, since=since.isoformat())
        after = clock.monotonic() - begun
        if reply.data is None or reply.data["meetings"] is None:
            assert all(error["extensions"]["retryAfter"] > 0 for error in reply.errors)
            return End("+".join(sorted(reply.codes)), after)
        report = reply.reports()["SALESLOFT"]
        if report["status"] == "OK":
            assert len(reply.data["meetings"]["nodes"]) == 1
            return End("data", after)
        assert report["retryAfter"] > 0
        return End(f"{report['status']} {report['code']}", after)

    return await stages[0].drive([ask(number) for number in range(QUERIES)])


def check(ends: list[End]) -> None:
    """Nobody is lost: data, or a refusal that says when to come again, within the deadline."""
    kinds = Counter(end.kind for end in ends)
    assert sum(kinds.values()) == QUERIES
    assert kinds.keys() <= {"data", "UPSTREAM_RATE_LIMITED", "PARTIAL UPSTREAM_RATE_LIMITED"}
    assert kinds["data"] >= 500, kinds
    assert max(end.after for end in ends) <= DEADLINE


@pytest.mark.slow
async def test_a_storm_worth_five_minutes() -> None:
    limited = SalesloftOptions(rate_limit=600)
    async with product(
        world(large=True), salesloft=limited, settings={"SALESLOFT_RATE_LIMIT": "600"}, jumps=False
    ) as stage:
        stage.clock.advance(40)  # two minutes of the vendor's are within reach of the deadline
        check(await storm([stage]))
        calls = stage.emulators.salesloft.calls
    statuses = Counter(call.status for call in calls)
    assert statuses.keys() <= {200, 429}
    assert statuses[429] <= 1
    assert 1100 <= sum(call.cost for call in calls) <= 1200
