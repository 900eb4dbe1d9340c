from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import RateLimited
from gateway.graph.answers import SharedOperations
from gateway.graph.engine import OperationResult
from gateway.request import LedgerEntry, Request
from gateway.settings.api_keys import read_keys
from gateway.upstream.clock import ManualClock
from gateway.web import rate_limit
from gateway.web.authentication import Authenticator
from gateway.web.rate_limit import ClientRateLimits
from tests.http.harness import PlainEngine, calling, plain_site

KEYS = read_keys("one:first-long-enough-key,two:second-long-enough-key")


async def test_a_bucket_fills_all_the_time() -> None:
    clock = ManualClock()
    rates = ClientRateLimits(60, 1000, clock)
    for _ in range(60):
        await rates.admit("zoe")
    with pytest.raises(RateLimited) as caught:
        await rates.admit("zoe")
    assert caught.value.retry_after == pytest.approx(1.0)
    await rates.admit("somebody else")
    clock.advance(1.0)
    await rates.admit("zoe")
    with pytest.raises(RateLimited):
        await rates.admit("zoe")
    clock.advance(3600)
    for _ in range(60):
        await rates.admit("zoe")


async def test_cost_is_paid_back_before_more_is_lent() -> None:
    clock = ManualClock()
    rates = ClientRateLimits(600, 60, clock)
    await rates.admit("zoe")
    await rates.charge("zoe", 90)
    with pytest.raises(RateLimited, match="upstream cost") as caught:
        await rates.admit("zoe")
    assert caught.value.retry_after == pytest.approx(30.0)
    clock.advance(30.0)
    await rates.admit("zoe")


async def test_clients_are_forgotten_rather_than_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_CLIENTS", 3)
    rates = ClientRateLimits(1, 1, ManualClock())
    for client in ("a", "b", "c", "d"):
        await rates.admit(client)
    await rates.admit("a")
    with pytest.raises(RateLimited):
        await rates.admit("d")


async def test_a_client_that_asks_too_often_learns_when_to_come_back() -> None:
    clock = ManualClock()
    site = plain_site(
        PlainEngine(),
        access=Authenticator(required=True, keys=KEYS),
        rates=ClientRateLimits(2, 100, clock),
        clock=clock,
    )
    query = {"query": "{ hello }"}
    async with calling(site) as gateway:
        one, two = ({"X-API-Key": key} for key in ("first-long-enough-key", "second-long-enough-key"))
        for _ in range(2):
            assert (await gateway.ask("POST", json=query, headers=one)).status == 200
        refused = await gateway.ask("POST", json=query, headers=one)
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "RATE_LIMITED", "30")
        assert refused.json["errors"][0]["extensions"]["retryAfter"] == 30.0
        assert (await gateway.ask("POST", json=query, headers=two)).status == 200
        assert (await gateway.ask("GET", headers={"Accept": "text/html"})).status == 200
        clock.advance(30)
        assert (await gateway.ask("POST", json=query, headers=one)).status == 200


class SharedEngine(PlainEngine):
    """Runs equal operations once, as the real engine does."""

    def __init__(self, meddle: Callable[[Request], Any]) -> None:
        super().__init__(meddle=meddle)
        self.shared_operations: SharedOperations[OperationResult] = SharedOperations(lambda answer: answer)

    async def execute(self, prepared: Any, *, request: Request, **given: Any) -> OperationResult:
        async def run(shared: Request) -> OperationResult:
            return await super(SharedEngine, self).execute(prepared, request=shared, **given)

        return await self.shared_operations.run("all are equal", request, run)


async def test_a_client_that_asks_twice_and_leaves_once_is_charged_all_the_same() -> None:
    clock, go_on = ManualClock(), asyncio.Event()

    async def spend(request: Request) -> None:
        await go_on.wait()
        request.ledger.write(LedgerEntry("SALESLOFT", "/v2/meetings", 180, 0.0, 1.0))

    engine = SharedEngine(spend)
    async with (
        calling(plain_site(engine, rates=ClientRateLimits(100, 30, clock), clock=clock)) as gateway,
        asyncio.timeout(60),
        asyncio.TaskGroup() as group,
    ):
        leaving = asyncio.ensure_future(gateway.post("{ hello }"))
        await engine.reached.wait()
        (joint,) = engine.shared_operations._running.values()
        staying = group.create_task(gateway.post("{ hello }"))
        await until(lambda: joint.waiting == 2)
        leaving.cancel()
        await until(lambda: joint.waiting == 1)
        go_on.set()
        assert (await staying).status == 200
        refused = await gateway.post("{ hello }")
        assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert engine.executed == 1


async def test_what_ends_after_everybody_has_left_is_charged_too() -> None:
    clock, engine = ManualClock(), PlainEngine()
    written = asyncio.Event()

    async def spend(request: Request) -> None:
        def later() -> None:
            request.ledger.write(LedgerEntry("SALESLOFT", "/v2/meetings", 180, 0.0, 1.0))
            written.set()

        try:
            await asyncio.Event().wait()
        finally:
            asyncio.get_running_loop().call_later(0.01, later)

    engine.meddle = spend
    async with (
        calling(plain_site(engine, rates=ClientRateLimits(100, 30, clock), clock=clock)) as gateway,
        asyncio.timeout(60),
    ):
        leaving = asyncio.ensure_future(gateway.post("{ hello }"))
        await engine.reached.wait()
        leaving.cancel()
        await written.wait()
        engine.meddle = lambda _: None
        assert (await gateway.post("{ hello }")).status == 429


async def until(true: Callable[[], bool]) -> None:
    """Lets others run until something is so."""
    while not true():
        turn = asyncio.sleep(0)
        await turn


async def test_what_an_operation_has_cost_is_charged() -> None:
    clock, engine = ManualClock(), PlainEngine()

    def spend(request: Request) -> None:
        request.ledger.write(LedgerEntry("SALESLOFT", "/v2/meetings", 30, 0.0, 1.0))

    engine.meddle = spend
    async with calling(plain_site(engine, rates=ClientRateLimits(100, 20, clock), clock=clock)) as gateway:
        assert (await gateway.post("{ hello }")).status == 200
        refused = await gateway.post("{ hello }")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "30")
