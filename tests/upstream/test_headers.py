"""Numbers in an upstream's headers: believed within bounds, whatever they say."""

from __future__ import annotations

import pytest

from gateway.errors import UpstreamRateLimited, UpstreamUnavailable
from gateway.request import Request
from gateway.upstream.client import UpstreamState
from gateway.upstream.clock import ManualClock
from tests.upstream.conftest import MakeClient
from tests.upstream.server import Server, reply
from tests.upstream.things import Ask

HUGE = ["86400", "99999999999", "9" * 400, "9" * 5000, "121", "86400.5", "Fri, 31 Dec 9999 23:59:59 GMT"]


@pytest.mark.parametrize("said", HUGE, ids=lambda said: said[:20])
async def test_a_refusal_is_believed_for_a_window(
    make_client: MakeClient, server: Server, clock: ManualClock, ask: Ask, said: str
) -> None:
    longest = 120.0 if len(said) < 12 else 60.0
    client = make_client(longest_wait=longest)
    server.otherwise = reply(429, b"", {"Retry-After": said})
    with pytest.raises(UpstreamRateLimited) as caught:
        await client.get(ask(), "/v2/me", "/v2/me")
    assert caught.value.retry_after is not None
    assert 50 < caught.value.retry_after <= longest
    assert 50 < caught.value.extensions()["retryAfter"] <= longest  # type: ignore[operator]  # a number
    assert client.state is UpstreamState.LIMITED

    server.otherwise = reply(200)
    clock.advance(longest + 1)
    assert await client.get(ask(), "/v2/me", "/v2/me") == b"{}"


@pytest.mark.parametrize("said", ["-1", "soon", "1e9", "0x10", "٣", "", "nan", "inf"])
async def test_a_refusal_that_cannot_be_read_ends_with_the_minute(
    make_client: MakeClient, server: Server, ask: Ask, said: str
) -> None:
    server.otherwise = reply(429, b"", {"Retry-After": said})
    with pytest.raises(UpstreamRateLimited) as caught:
        await make_client().get(ask(), "/v2/me", "/v2/me")
    assert caught.value.retry_after == pytest.approx(60.251)


async def test_a_server_error_that_asks_for_years_is_reported_with_a_minute(
    make_client: MakeClient, server: Server, ask: Ask
) -> None:
    server.otherwise = reply(503, b"", {"Retry-After": "99999999999"})
    with pytest.raises(UpstreamUnavailable) as caught:
        await make_client().get(ask(), "/v2/me", "/v2/me")
    assert caught.value.retry_after == 60


@pytest.mark.parametrize(
    ("said", "spent"),
    [("30", 30), ("100", 100), ("101", 3), ("999999999", 3), ("9" * 5000, 3), ("-5", 3), ("much", 3), ("2.0", 2)],
)
async def test_a_cost_that_cannot_be_meant_is_the_expected_one(
    make_client: MakeClient, server: Server, request_: Request, said: str, spent: int
) -> None:
    client = make_client(cost_header="x-cost")
    server.otherwise = reply(200, b"{}", {"x-cost": said})
    await client.get(request_, "/v2/me", "/v2/me", cost=3)
    assert (request_.ledger.cost(), client.budget.remaining) == (spent, 300 - spent)


@pytest.mark.parametrize("case", [("7", 7), ("0", 0), ("-12", 0), ("99999999999999", 299), ("much", 299), ("7.9", 7)])
async def test_what_is_left_is_a_number_within_reason(
    make_client: MakeClient, server: Server, ask: Ask, clock: ManualClock, case: tuple[str, int]
) -> None:
    said, left = case
    clock.advance(10)  # well into a minute
    client = make_client(remaining_header="x-left")
    server.otherwise = reply(200, b"{}", {"x-left": said})
    await client.get(ask(), "/v2/me", "/v2/me")
    assert client.budget.remaining == left


@pytest.mark.parametrize("said", ["Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "today", "0", ""])
async def test_a_date_that_cannot_be_meant_harms_nothing(
    make_client: MakeClient, server: Server, ask: Ask, said: str
) -> None:
    client = make_client()
    server.script = [reply(200, b"{}", {"Date": said})]
    server.otherwise = reply(429, b"{}", {"Date": said, "Retry-After": said})
    assert await client.get(ask(), "/v2/me", "/v2/1") == b"{}"
    with pytest.raises(UpstreamRateLimited) as caught:
        await client.get(ask(), "/v2/me", "/v2/2")
    assert caught.value.retry_after is not None
    assert 0 <= caught.value.retry_after <= 61
