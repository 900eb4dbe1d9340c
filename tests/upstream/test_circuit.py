"""When a failing endpoint is left alone, and what a retry may cost."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import (
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.upstream.budget import AT_ONCE
from gateway.upstream.circuit import Circuit, Outcome, Tolerance, outcome_of
from gateway.upstream.client import Client, State
from gateway.upstream.clock import ManualClock
from gateway.upstream.request import Request
from gateway.upstream.retry import Backoff, Failure, RetryBudget, wait_before_retry
from tests.upstream.server import Server, reply

FIVE: list[Outcome] = ["failed"] * 5


def circuit() -> Circuit:
    return Circuit("DRIFT", Tolerance())


def ended(circuit: Circuit, now: float, *outcomes: Outcome | None) -> None:
    for outcome in outcomes:
        circuit.record(now, outcome, trial=circuit.ask(now))


def test_a_few_failures_are_borne() -> None:
    guarded = circuit()
    ended(guarded, 0, "failed", "failed", "failed", "failed")
    assert guarded.ask(0) is False
    ended(guarded, 0, "answered", "answered", "answered", "answered", "answered", "failed")
    assert guarded.state(0) == "answered"


def test_more_than_half_are_not() -> None:
    guarded = circuit()
    ended(guarded, 0, *FIVE)
    assert guarded.state(0) == "failed"
    with pytest.raises(UpstreamUnavailable) as caught:
        guarded.ask(1)
    assert caught.value.retry_after == 4


def test_old_failures_are_forgiven() -> None:
    guarded = circuit()
    ended(guarded, 0, *FIVE[:4])
    ended(guarded, 31, "failed", "failed")
    assert guarded.state(31) == "answered"


def test_one_call_tries_whether_it_is_well_again() -> None:
    guarded = circuit()
    ended(guarded, 0, *FIVE)

    assert guarded.ask(5) is True
    with pytest.raises(UpstreamUnavailable):
        guarded.ask(5)
    guarded.record(6, "answered", trial=True)
    assert guarded.ask(6) is False
    assert guarded.state(6) == "answered"


def test_each_failed_trial_doubles_the_pause() -> None:
    guarded = circuit()
    ended(guarded, 0, *FIVE)
    now, pauses = 0.0, []
    for _ in range(6):
        with pytest.raises(UpstreamUnavailable) as caught:
            guarded.ask(now)
        pauses.append(caught.value.retry_after)
        now += pauses[-1] or 0
        ended(guarded, now, "failed")
    assert pauses == [5, 10, 20, 40, 60, 60]
    ended(guarded, now + 60, "answered")
    ended(guarded, now + 60, *FIVE)
    with pytest.raises(UpstreamUnavailable) as caught:
        guarded.ask(now + 60)
    assert caught.value.retry_after == 5


def test_a_trial_that_is_called_off_leaves_it_to_the_next() -> None:
    guarded = circuit()
    ended(guarded, 0, *FIVE)
    ended(guarded, 5, None)
    assert guarded.ask(5) is True


def test_what_ends_late_does_not_count_as_the_trial() -> None:
    guarded = circuit()
    ended(guarded, 0, *FIVE)
    assert guarded.ask(5) is True
    guarded.record(5, "failed", trial=False)
    guarded.record(5, "answered", trial=False)
    with pytest.raises(UpstreamUnavailable):
        guarded.ask(5)


def test_one_refusal_may_be_about_one_record() -> None:
    guarded = circuit()
    ended(guarded, 0, "refused", "refused", "answered", "refused", "refused")
    assert guarded.state(0) == "answered"
    ended(guarded, 0, "refused")
    assert guarded.state(0) == "refused"
    with pytest.raises(UpstreamRefused):
        guarded.ask(1)
    assert guarded.state(5) == "answered"  # it may be asked again
    ended(guarded, 5, "answered")
    assert guarded.state(5) == "answered"


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (None, "answered"),
        (Failure(error=UpstreamTimeout("x", source="x"), transient=True), "failed"),
        (Failure(error=UpstreamUnavailable("x", source="x"), transient=True), "failed"),
        (Failure(error=UpstreamUnavailable("x", source="x"), transient=False), "answered"),
        (Failure(error=UpstreamMalformed("x", source="x"), transient=True), "failed"),
        (Failure(error=UpstreamMalformed("x", source="x"), transient=False), "failed"),
        (Failure(error=UpstreamRefused("x", source="x"), transient=False), "refused"),
        (Failure(error=UpstreamRateLimited("x", source="x"), transient=False), None),
    ],
)
def test_what_an_end_says(failure: Failure | None, outcome: Outcome | None) -> None:
    assert outcome_of(failure) == outcome


async def test_a_failing_endpoint_is_left_alone_and_the_others_are_not(
    client: Client, server: Server, clock: ManualClock
) -> None:
    def ask(path: str) -> Request:
        return Request(clock.monotonic() + 25)

    server.otherwise = reply(500)
    for n in range(20):
        with pytest.raises(UpstreamUnavailable):
            await client.get(ask("/a"), "/a/{id}", f"/a/{n}")
    assert len(server.received) <= 6
    assert client.state is State.FAILING

    server.otherwise = reply(200)
    assert await client.get(ask("/b"), "/b", "/b") == b"{}"
    with pytest.raises(UpstreamUnavailable):
        await client.get(ask("/a"), "/a/{id}", "/a/1")
    clock.advance(5)
    assert await client.get(ask("/a"), "/a/{id}", "/a/1") == b"{}"
    assert client.state.value == "ok"


async def test_calls_that_queue_are_not_sent_once_it_is_open(
    client: Client, server: Server, clock: ManualClock
) -> None:
    server.otherwise = reply(401)
    calls = [client.get(Request(clock.monotonic() + 25), "/a/{id}", f"/a/{n}") for n in range(100)]
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(error) for error in errors} == {UpstreamRefused}
    assert len(server.received) <= 2 * AT_ONCE
    assert client.budget.remaining >= 300 - 2 * AT_ONCE


async def test_a_refused_credential_is_not_tried_over_and_over(
    client: Client, server: Server, clock: ManualClock
) -> None:
    server.otherwise = reply(401)
    for n in range(20):
        with pytest.raises(UpstreamRefused):
            await client.get(Request(clock.monotonic() + 25), "/a/{id}", f"/a/{n}")
    assert len(server.received) == 3
    assert client.state is State.REFUSED


UNAVAILABLE = UpstreamUnavailable("x", source="x")


@pytest.mark.parametrize(
    ("failure", "tried", "left", "wait"),
    [
        (Failure(error=UNAVAILABLE, transient=True), 1, 25, 0.1),
        (Failure(error=UNAVAILABLE, transient=True), 2, 25, None),
        (Failure(error=UNAVAILABLE, transient=True), 1, 0.1, None),
        (Failure(error=UNAVAILABLE, transient=False), 1, 25, None),
        (Failure(error=UpstreamTimeout("x", source="x"), transient=True), 1, 10.2, 0.1),
        (Failure(error=UpstreamTimeout("x", source="x"), transient=True), 1, 10, None),
        (Failure(error=UpstreamMalformed("x", source="x"), transient=True), 1, 1, 0.1),
        (Failure(error=UpstreamUnavailable("x", source="x", retry_after=1), transient=True), 1, 25, 1.1),
        (Failure(error=UpstreamUnavailable("x", source="x", retry_after=9), transient=True), 1, 25, None),
        (Failure(error=UpstreamRefused("x", source="x"), transient=True), 1, 25, None),
        (Failure(error=UpstreamRateLimited("x", source="x"), transient=True), 1, 25, None),
    ],
)
def test_when_to_try_again(failure: Failure, tried: int, left: float, wait: float | None) -> None:
    found = wait_before_retry(failure, tried=tried, left=left, timeout=10, backoff=Backoff(), jitter=lambda: 0.5)
    assert found == (None if wait is None else pytest.approx(wait))


def test_retries_are_a_share_of_the_calls() -> None:
    budget = RetryBudget(share=0.2, reserve=10)
    retries = 0
    for _ in range(1000):
        budget.earn()
        retries += budget.spend()
    assert retries <= 10 + 1000 * 0.2
    assert retries > 150
