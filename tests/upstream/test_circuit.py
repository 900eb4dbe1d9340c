"""When a failing endpoint is left alone, and what a retry may cost."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from gateway.errors import (
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.request import Request
from gateway.upstream.attempts import Backoff, RetryBudget, wait_before_retry
from gateway.upstream.budget import AT_ONCE
from gateway.upstream.circuit import ANSWERED as OK
from gateway.upstream.circuit import CallOutcome, Circuit, Tolerance, outcome_of
from gateway.upstream.client import Client, UpstreamState, raw_body
from gateway.upstream.clock import ManualClock
from gateway.upstream.http import Failure, UpstreamCall
from gateway.upstream.trouble import Reason, Trouble
from tests.upstream.server import Server, reply

FAILED = CallOutcome(reason=Reason(Trouble.SERVER_ERROR, 500), transient=True)
REFUSED = CallOutcome(reason=Reason(Trouble.REFUSED, 403))
GONE = CallOutcome(reason=Reason(Trouble.GONE, 404))
FIVE = [FAILED] * 5


def circuit() -> Circuit:
    return Circuit("DRIFT", Tolerance())


def doubtful(status: int = 400) -> CallOutcome:
    return CallOutcome(reason=Reason(Trouble.REJECTED, status), doubtful=True)


def of(record: int, ended: CallOutcome) -> CallOutcome:
    return msgspec.structs.replace(ended, record=record)


def ended(circuit: Circuit, now: float, *outcomes: CallOutcome | None) -> None:
    for outcome in outcomes:
        circuit.record(now, outcome, trial=circuit.ask(now))


def test_a_few_failures_are_borne() -> None:
    guarded = circuit()
    ended(guarded, 0, FAILED, FAILED, FAILED, FAILED)
    assert guarded.ask(0) is False
    ended(guarded, 0, OK, OK, OK, OK, OK, FAILED)
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
    ended(guarded, 31, FAILED, FAILED)
    assert guarded.state(31) == "answered"


def test_one_call_tries_whether_it_is_well_again() -> None:
    guarded = circuit()
    ended(guarded, 0, *FIVE)

    assert guarded.ask(5) is True
    with pytest.raises(UpstreamUnavailable):
        guarded.ask(5)
    guarded.record(6, OK, trial=True)
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
        ended(guarded, now, FAILED)
    assert pauses == [5, 10, 20, 40, 60, 60]
    ended(guarded, now + 60, OK)
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
    guarded.record(5, FAILED, trial=False)
    guarded.record(5, OK, trial=False)
    with pytest.raises(UpstreamUnavailable):
        guarded.ask(5)


def test_one_refusal_may_be_about_one_record() -> None:
    guarded = circuit()
    ended(guarded, 0, REFUSED, REFUSED, OK, REFUSED, REFUSED)
    assert guarded.state(0) == "answered"
    ended(guarded, 0, REFUSED)
    assert guarded.state(0) == "refused"
    with pytest.raises(UpstreamRefused):
        guarded.ask(1)
    assert guarded.state(5) == "answered"  # it may be asked again
    ended(guarded, 5, OK)
    assert guarded.state(5) == "answered"


@pytest.mark.parametrize("lasting", [REFUSED, GONE])
def test_what_lasts_needs_no_more_than_three_however_far_apart(lasting: CallOutcome) -> None:
    guarded = circuit()
    ended(guarded, 0, lasting)
    ended(guarded, 3600, lasting)
    assert guarded.closed
    ended(guarded, 7200, lasting)
    assert not guarded.closed


def test_a_filter_that_is_not_accepted_shuts_nothing_until_the_plain_call_is_not_either() -> None:
    guarded = circuit()
    ended(guarded, 0, *[doubtful()] * 50)
    assert guarded.closed
    assert not guarded.failing
    ended(guarded, 0, OK, doubtful(), doubtful())
    ended(guarded, 0, CallOutcome(reason=Reason(Trouble.REJECTED, 400)))
    assert not guarded.closed, "the two that were in doubt count now"


def test_several_records_have_to_fail_and_none_to_be_answered() -> None:
    guarded = circuit()
    for _ in range(50):
        ended(guarded, 0, of(1, REFUSED), of(2, REFUSED), of(2, FAILED))
    assert guarded.closed
    ended(guarded, 0, of(3, OK), *(of(record, REFUSED) for record in range(4, 40)))
    assert guarded.closed, "a moment ago another one was answered"
    ended(guarded, 30, of(40, REFUSED))
    assert not guarded.closed


def test_records_that_are_under_way_have_their_say() -> None:
    guarded = circuit()
    for _ in range(10):
        assert guarded.ask(0) is False
    for record in range(9):
        guarded.record(0, of(record, REFUSED), trial=False)
    assert guarded.closed
    guarded.record(0, of(9, OK), trial=False)
    assert guarded.closed
    for _ in range(30):
        guarded.ask(40)
    for record in range(20):
        guarded.record(40, of(record, REFUSED), trial=False)
    assert not guarded.closed, "it does not go on for ever"
    guarded.record(40, of(21, OK), trial=False)
    assert guarded.closed, "a record that is answered late is answered"


def test_one_record_is_no_trial_of_the_others() -> None:
    guarded = circuit()
    ended(guarded, 0, *(of(record, REFUSED) for record in range(3)))
    ended(guarded, 5, of(1, REFUSED), of(2, REFUSED))
    assert guarded.ask(5) is True, "another record may be tried at once"
    guarded.record(5, of(3, REFUSED), trial=True)
    with pytest.raises(UpstreamRefused):
        guarded.ask(14.9)
    ended(guarded, 15, of(4, OK))
    assert guarded.closed


LIST = UpstreamCall("/a", "/a", raw_body)
FILTERED = UpstreamCall("/a", "/a", raw_body, (("id", "1"),), plain=LIST)
RECORD = UpstreamCall("/a/{id}", "/a/1", raw_body, one=True, plain=LIST)
UNAVAILABLE = UpstreamUnavailable("x", source="x")
REFUSAL = UpstreamRefused("x", source="x")
SPENT = UpstreamRateLimited("x", source="x")


@pytest.mark.parametrize(
    ("failure", "counts"),
    [
        (Failure(error=UNAVAILABLE, transient=True, trouble=Trouble.SERVER_ERROR), {"list", "filtered", "record"}),
        (Failure(error=UNAVAILABLE, transient=True, trouble=Trouble.TIMEOUT), {"list", "filtered", "record"}),
        (Failure(error=UNAVAILABLE, transient=False, trouble=Trouble.REJECTED), {"list", "doubt", "record"}),
        (Failure(error=UNAVAILABLE, transient=False, trouble=Trouble.NOT_JSON), {"list", "filtered", "record"}),
        (Failure(error=UNAVAILABLE, transient=False, trouble=Trouble.GONE), {"list", "filtered", "record"}),
        (Failure(error=REFUSAL, transient=False, trouble=Trouble.REFUSED), {"list", "filtered", "record"}),
        (
            Failure(error=REFUSAL, transient=False, trouble=Trouble.REFUSED, unauthorized=True),
            {"list", "filtered", "all"},
        ),
        (Failure(error=UNAVAILABLE, transient=True, trouble=Trouble.DNS), {"list", "filtered", "all"}),
        (Failure(error=UNAVAILABLE, transient=False, trouble=Trouble.TLS), {"list", "filtered", "all"}),
        (Failure(error=SPENT, transient=False), set()),
    ],
)
def test_what_an_end_says(failure: Failure, counts: set[str]) -> None:
    """Of a list; of one with a filter, which may be to blame; and of a record, which may be alone with it."""
    reported = [outcome_of(failure, call) for call in (LIST, FILTERED, RECORD)]
    words = set()
    if reported[0] is not None:
        words.add("list")
    if reported[1] is not None:
        words.add("doubt" if reported[1].doubtful else "filtered")
    if reported[2] is not None:
        words.add("record" if reported[2].record is not None else "all")
    assert words == counts


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
    assert client.state is UpstreamState.FAILING

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
    assert client.state is UpstreamState.REFUSED


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
