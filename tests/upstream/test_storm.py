"""More is asked for than the vendor gives: it is hardly ever over-asked, and everybody hears in time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from gateway.request import Request
from gateway.upstream.client import Client
from gateway.upstream.clock import ManualClock
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Server
from tests.upstream.turns import drive, outcomes
from tests.upstream.vendor import Vendor

NOON = 1_800_000_000.0
HEADERS = {"cost_header": "x-cost", "remaining_header": "x-left", "timeout": 60}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON + 45)


async def query(client: Client, clock: ManualClock, name: int, units: int) -> str:
    """A client's request that takes so many calls one after the other; how it ended, within its deadline."""
    deadline = clock.monotonic() + 25
    request = Request(deadline)
    for call in range(units):
        await client.get(request, "/things/{id}", f"/things/{name}-{call}")
    assert clock.monotonic() <= deadline
    return "data"


async def storm(clients: list[Client], clock: ManualClock, busy: Callable[[], int]) -> Counter[str]:
    """Queries worth 3,000 units, within a few seconds, from all sides."""
    queries = [asyncio.ensure_future(query(clients[name % len(clients)], clock, name, 10)) for name in range(300)]
    await drive(clock, busy, queries)
    return Counter(outcomes(queries))


@pytest.mark.sampled(4)
@pytest.mark.parametrize("skew", [0.0, 0.2, 17.4, -31.7])
async def test_a_storm(make_client: MakeClient, server: Server, clock: ManualClock, skew: float) -> None:
    vendor = server.otherwise = Vendor(clock, skew=skew)
    client = make_client(limit=600, **HEADERS)

    ends = await storm([client], clock, lambda: client.sending)

    assert vendor.refused <= 1
    assert ends.keys() <= {"ok", "UpstreamRateLimited"}
    assert ends["ok"] >= 30  # of 60 or 120 at best; served in turn, it would be none
    assert sum(ends.values()) == 300
    assert max(vendor.spent.values()) <= 600


@pytest.mark.slow
async def test_a_storm_while_others_spend(make_client: MakeClient, server: Server, clock: ManualClock) -> None:
    vendor = server.otherwise = Vendor(clock)
    client = make_client(limit=600, **HEADERS)
    dice = random.Random(1)
    for moment in range(12):
        clock.call_later(moment, lambda: vendor.others_spend(dice.randrange(60)))

    ends = await storm([client], clock, lambda: client.sending)

    assert vendor.refused <= 10  # no more than are under way when others take the last unit
    assert ends.keys() <= {"ok", "UpstreamRateLimited"}


async def test_one_greedy_query_and_many_modest_ones(
    make_client: MakeClient, server: Server, clock: ManualClock
) -> None:
    vendor = server.otherwise = Vendor(clock)
    client = make_client(limit=300, **HEADERS)

    greedy = asyncio.ensure_future(query(client, clock, 0, 1000))
    await drive(clock, lambda: client.sending, [greedy])
    modest = [asyncio.ensure_future(query(client, clock, name, 3)) for name in range(1, 20)]
    await drive(clock, lambda: client.sending, modest)

    assert outcomes([greedy]) == ["UpstreamRateLimited"]
    assert set(outcomes(modest)) == {"ok"}
    assert vendor.refused == 0
