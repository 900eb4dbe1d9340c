"""A call from the first try to the last: circuit, token, budget, exchange, and what is learnt from each answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from gateway.errors import (
    DeadlineExceeded,
    UpstreamError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamUnavailable,
)
from gateway.upstream.answers import TOO_MANY, Answer, date_of, failure_in, seconds_in, status_of, units_in, unreadable
from gateway.upstream.budget import Budget
from gateway.upstream.call import Call, Errand
from gateway.upstream.circuit import Tolerance
from gateway.upstream.clock import Timer
from gateway.upstream.credentials import Credential, Secret
from gateway.upstream.endpoints import Endpoints, ended_as
from gateway.upstream.exchange import exchange
from gateway.upstream.failed import LASTING, TRANSIENT, FailedRecords
from gateway.upstream.meter import Meter, Queued
from gateway.upstream.request import Entry
from gateway.upstream.retry import Backoff, Failure, RetryBudget, wait_before_retry
from gateway.upstream.session import Session, Wire
from gateway.upstream.settings import Upstream
from gateway.upstream.span import Span
from gateway.upstream.traffic import Traffic
from gateway.upstream.trouble import ABSENT, Trouble
from gateway.upstream.window import Grant

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_COST = 100
"""Units that one call may be said to have cost: Salesloft's dearest page costs 30. A figure above is not believed."""

MOST_LEFT = 1_000_000
"""Units that may be said to be left."""

RATE_LIMITED = "rate_limited"
"""What a 429 is counted as: no trouble of the upstream's, and yet no answer."""


class Got(msgspec.Struct, Generic[T], frozen=True):
    """What a call came to: what was made of its body; None where the record does not exist."""

    value: T | None


def begun(errand: Errand[T], source: str) -> tuple[Span | None, dict[str, str]]:
    """The span of one try, where it is traced, and what is sent along for it."""
    if errand.request.span is None:
        return None, {}
    span = errand.request.span.call(source, errand.call.endpoint, errand.url.host, errand.url.port)
    return span, dict(span.headers())


def end(span: Span, status: str, cost: int, *, one: bool) -> None:
    """Ends a try's span; that a single record does not exist is an answer."""
    code = {"status": int(status)} if status.isdecimal() else {}
    fine = status.startswith("2") or (one and code.get("status") in ABSENT)
    span.end(error=None if fine else status, cost=cost, **code)


class Sender:
    """Makes calls of one upstream with one credential.

    Args:
        upstream: What is known of it.
        credential: What its calls prove themselves with.
        budget: Its rate limit.
        session: The connections.
        clock: Tells deadlines.
        traffic: Where it is told who waits for calls.
        meter: Who is told of waits and calls.
        backoff: How tries follow one another.
        tolerance: When an endpoint is left alone.
        jitter: A number from 0 to 1.
        ask_plainly: Makes a call for nobody, to see whether its endpoint answers.
        failed: Records that could not be had.

    Attributes:
        endpoints: What is known of the upstream's endpoints.
        sending: Calls that are on the wire.
    """

    def __init__(
        self,
        upstream: Upstream,
        credential: Credential,
        budget: Budget,
        session: Session,
        clock: Timer,
        *,
        traffic: Traffic,
        meter: Meter,
        backoff: Backoff,
        tolerance: Tolerance,
        jitter: Callable[[], float],
        ask_plainly: Callable[[Call[Any]], None],
        failed: FailedRecords,
    ) -> None:
        self._upstream = upstream
        self._credential = credential
        self._budget = budget
        self._session = session
        self._clock = clock
        self._backoff = backoff
        self._jitter = jitter
        self._retries = RetryBudget()
        self._failed = failed
        self._traffic = traffic
        self._meter = meter
        self.endpoints = Endpoints(upstream.name, tolerance, clock, ask_plainly)
        self.sending = 0

    async def send(self, errand: Errand[T]) -> T | None:
        """What is made of an answer, None where a single record does not exist; see `Client.get` for what it raises."""
        call = errand.call
        asked_by = (self._credential.identity, call.path, call.params)
        known = self._failed.error(asked_by, self._clock.monotonic()) if call.one else None
        if known is not None:
            raise known
        with self._traffic.call(errand.request):
            ended = await self._send(errand)
        if isinstance(ended, Got):
            return ended.value
        said = ended_as(ended, call)
        if said is not None and said.record is not None:
            seconds = TRANSIENT if ended.transient else LASTING
            self._failed.note(asked_by, ended.error, until=self._clock.monotonic() + seconds)
        raise ended.error

    async def _send(self, errand: Errand[T]) -> Got[T] | Failure:
        """Tries until there is an answer or no point in another try."""
        self._retries.earn()
        tried, renewed, fresh = 0, False, False
        while True:
            token = await self._credential.token(errand.request)
            ended = await self._guarded(errand, token, fresh=fresh)
            if isinstance(ended, Got):
                return ended
            if ended.outdated and not renewed:
                renewed = True
                continue
            tried += 1
            if ended.dead and tried < self._backoff.tries:
                fresh = True
                continue
            wait = wait_before_retry(
                ended,
                tried=tried,
                left=errand.request.deadline - self._clock.monotonic(),
                timeout=self._upstream.timeout,
                backoff=self._backoff,
                jitter=self._jitter,
            )
            if wait is None or not self._retries.spend():
                said = ended_as(ended, errand.call)
                if said is not None:
                    self.endpoints.gave_up(errand.call, said)
                return ended
            await self._clock.sleep(wait)

    async def _guarded(self, errand: Errand[T], token: Secret, *, fresh: bool) -> Got[T] | Failure:
        """One try, unless the circuit is open, before or after the wait for units.

        A token that was merely too old says nothing of the endpoint, nor does a connection that had died before.
        """
        call, circuit = errand.call, self.endpoints.circuit(errand.call.endpoint)
        circuit.check(self._clock.monotonic())
        grant = await self._queue(errand)
        try:
            trial = circuit.ask(self._clock.monotonic())
        except UpstreamError:
            await self._budget.settle(grant, cost=0)
            raise
        ended: Got[T] | Failure | None = None
        try:
            ended = await self._try(errand, token, grant, fresh=fresh)
            if isinstance(ended, Failure) and ended.dead:
                ended = msgspec.structs.replace(ended, trouble=None)
            elif isinstance(ended, Failure) and await self._outdated(ended, token):
                ended = msgspec.structs.replace(ended, trouble=None, outdated=True)
            return ended
        finally:
            if isinstance(ended, Got):
                self.endpoints.answered(call, trial=trial, absent=ended.value is None)
            else:
                self.endpoints.tried(call, ended_as(ended, call) if ended is not None else None, trial=trial)

    async def _outdated(self, failure: Failure, token: Secret) -> bool:
        """Whether there may be another token than the one that was refused."""
        if not isinstance(failure.error, UpstreamRefused):
            return False
        return await self._credential.rejected(token, known=not failure.unauthorized)

    async def _queue(self, errand: Errand[T]) -> Grant:
        """Units for a call."""
        started = self._clock.monotonic()
        outcome: Queued = "left"
        try:
            grant = await self._budget.take(errand.request, errand.call.cost)
            outcome = "granted"
        except (UpstreamRateLimited, DeadlineExceeded):
            outcome = "refused"
            raise
        finally:
            self._meter.queued(self._upstream.name, outcome, self._clock.monotonic() - started)
        return grant

    async def _try(self, errand: Errand[T], token: Secret, grant: Grant, *, fresh: bool) -> Got[T] | Failure:
        """The call, then the ledger and the budget's correction, however it ended; and what is made of the answer."""
        upstream, call = self._upstream, errand.call
        started = self._clock.monotonic()
        cost, left, status, wire = call.cost, None, "cancelled", Wire()
        answered, wait = False, 0.0
        span, headers = begun(errand, upstream.name)
        headers["Authorization"] = f"Bearer {token.reveal()}"
        self.sending += 1
        try:
            ended = await exchange(self._session, upstream, errand.url, headers, wire=wire, fresh=fresh)
            status = status_of(ended)
            if isinstance(ended, Answer):
                cost = units_in(ended.headers, upstream.cost_header, MOST_COST) or cost
                left = units_in(ended.headers, upstream.remaining_header, MOST_LEFT)
                date = date_of(ended.headers.get("Date"))
                if date is not None:
                    self._budget.heard(date, sent=started, received=self._clock.monotonic())
                answered = ended.status != TOO_MANY
                if not answered:  # before the call is settled, so that no other is made in between
                    asked_for = seconds_in(ended.headers, date or self._budget.now(), upstream.longest_wait)
                    wait = await self._budget.refused(asked_for, sent=started)
        finally:
            self.sending -= 1
            cost = cost if wire.connected else 0
            if span is not None:
                end(span, status, cost, one=call.one)
            now = self._clock.monotonic()
            self._meter.called(upstream.name, call.endpoint, status, units=cost, seconds=now - started)
            errand.request.ledger.write(
                Entry(upstream.name, call.endpoint, cost, started, now, asked=errand.asked, status=status)
            )
            await self._budget.settle(grant, cost=cost, left=left, answered=answered)
        told = ended if isinstance(ended, Failure) else await self._judge(ended, call, wait)
        if isinstance(told, Failure):
            kind = RATE_LIMITED if told.trouble is None else told.trouble.value
            self._meter.troubled(upstream.name, call.endpoint, kind)
        return told

    async def _judge(self, answer: Answer, call: Call[T], wait: float) -> Got[T] | Failure:
        """What is made of an answer, or what is wrong with it; a 429 is told with the seconds to wait."""
        now = date_of(answer.headers.get("Date")) or self._budget.now()
        failure = failure_in(answer, self._upstream, now=now, one=call.one)
        if failure is None:
            return await self._read(answer, call)
        log.debug("%s %s answered %d", self._upstream.name, call.endpoint, answer.status)
        if not isinstance(failure.error, UpstreamRateLimited):
            return failure
        error = UpstreamRateLimited(failure.error.message, source=self._upstream.name, retry_after=wait)
        return msgspec.structs.replace(failure, error=error)

    async def _read(self, answer: Answer, call: Call[T]) -> Got[T] | Failure:
        """What is made of an answer that is one by its status."""
        if answer.status not in ABSENT:
            try:
                return Got(await call.read(answer.body))
            except UpstreamMalformed as error:
                return unreadable(answer, error)
        if not self.endpoints.gone(call):
            return Got(None)
        nowhere = UpstreamUnavailable("The source is not at its address any more.", source=self._upstream.name)
        return Failure(error=nowhere, transient=False, trouble=Trouble.GONE, status=answer.status)
