"""The attempts of a call: circuit, token, budget, exchange, retry; and what each response says of the endpoint."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import msgspec

from gateway.errors import (
    DeadlineExceeded,
    UpstreamError,
    UpstreamMalformed,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from gateway.request import Hit, LedgerEntry, Span
from gateway.upstream.batch import Traffic
from gateway.upstream.budget import Budget
from gateway.upstream.circuit import Endpoints, Tolerance, outcome_of
from gateway.upstream.clock import Timer
from gateway.upstream.credentials import Credential, Secret
from gateway.upstream.http import (
    ConnectionInfo,
    Failure,
    PendingCall,
    Response,
    Session,
    Upstream,
    UpstreamCall,
    exchange,
)
from gateway.upstream.minute import Grant
from gateway.upstream.responses import TOO_MANY, date_of, failure_in, seconds_in, status_of, units_in, unreadable
from gateway.upstream.store import LASTING, TRANSIENT, FailedRecords
from gateway.upstream.trouble import ABSENT, Trouble

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_COST = 100
"""The highest cost of one call that is believed: Salesloft's dearest page costs 30."""

MAX_LEFT = 1_000_000
"""The highest number of remaining units that is believed."""

RATE_LIMITED = "rate_limited"
"""What a 429 is counted as: nothing is wrong with the upstream, and yet the call failed."""


Queued: TypeAlias = Literal["granted", "refused", "left"]
"""How a wait for units ended: they were granted, could not be granted in time, or the caller left."""


class Meter(Protocol):
    """Counts what happens at upstreams. A method is called once for each event, and must not block."""

    def called(self, source: str, endpoint: str, status: str, *, units: int, seconds: float) -> None:
        """An attempt on the wire: its HTTP status or what came instead (`Entry.status`), its cost and duration."""
        ...

    def troubled(self, source: str, endpoint: str, trouble: str) -> None:
        """An attempt that failed, by the kind of trouble (`Trouble`)."""
        ...

    def queued(self, source: str, outcome: Queued, seconds: float) -> None:
        """A wait for units."""
        ...

    def looked_up(self, source: str, kind: str, state: Hit, keys: int) -> None:
        """Keys of one kind that were looked up, by where their records came from."""
        ...

    def batched(self, source: str, kind: str, keys: int) -> None:
        """A call for a batch of keys of one kind."""
        ...

    def joined(self, source: str, endpoint: str) -> None:
        """A call that was not made, since an equal one was in flight."""
        ...


class Unmetered:
    """A meter that counts nothing."""

    def called(self, source: str, endpoint: str, status: str, *, units: int, seconds: float) -> None:
        """Does nothing."""

    def troubled(self, source: str, endpoint: str, trouble: str) -> None:
        """Does nothing."""

    def queued(self, source: str, outcome: Queued, seconds: float) -> None:
        """Does nothing."""

    def looked_up(self, source: str, kind: str, state: Hit, keys: int) -> None:
        """Does nothing."""

    def batched(self, source: str, kind: str, keys: int) -> None:
        """Does nothing."""

    def joined(self, source: str, endpoint: str) -> None:
        """Does nothing."""


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Exponential backoff with full jitter.

    Attributes:
        tries: Attempts at most, the first included.
        base: Seconds that the first wait takes at most; each further one doubles.
        longest: Seconds that any wait takes at most.
    """

    tries: int = 2
    base: float = 0.2
    longest: float = 2.0


class RetryBudget:
    """Limits retries to a share of the calls: a failing upstream gets hardly more calls than a healthy one.

    Args:
        share: Retries that each call earns.
        reserve: Retries that can be saved up.
    """

    def __init__(self, share: float = 0.2, reserve: float = 10.0) -> None:
        self._share = share
        self._reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """Counts a call's first attempt."""
        self._saved = min(self._reserve, self._saved + self._share)

    def spend(self) -> bool:
        """Takes a retry, if there is one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


def jitter() -> float:
    """A number from 0 to 1."""
    return random.random()  # noqa: S311 - spreads calls over time; no secret


def wait_before_retry(
    failure: Failure,
    *,
    tried: int,
    left: float,
    timeout: float,
    backoff: Backoff,
    jitter: Callable[[], float] = jitter,
) -> float | None:
    """The wait before the next attempt in seconds; None where the call is not to be retried.

    Args:
        failure: How the last attempt failed.
        tried: Attempts so far.
        left: Seconds until the deadline.
        timeout: Seconds that one attempt may take; one after a time-out needs all of them.
        backoff: When failed calls are retried.
        jitter: Returns a number from 0 to 1.
    """
    error = failure.error
    retryable = isinstance(error, UpstreamTimeout | UpstreamUnavailable | UpstreamMalformed)
    if not failure.transient or not retryable or tried >= backoff.tries:
        return None
    wait = jitter() * min(backoff.longest, backoff.base * 2 ** (tried - 1))
    if error.retry_after is not None:
        wait += error.retry_after
        if wait > backoff.longest:
            return None
    needed = timeout if isinstance(error, UpstreamTimeout) else 0.0
    return wait if wait + needed < left else None


class Success(msgspec.Struct, Generic[T], frozen=True):
    """The decoded body of a call; None where the record does not exist."""

    value: T | None


def start_span(pending: PendingCall[T], source: str) -> tuple[Span | None, dict[str, str]]:
    """Starts the span of an attempt, where it is traced; also returns the headers to send for it."""
    if pending.request.span is None:
        return None, {}
    span = pending.request.span.call(source, pending.call.endpoint, pending.url.host, pending.url.port)
    return span, dict(span.headers())


def end_span(span: Span, status: str, cost: int, *, one: bool) -> None:
    """Ends an attempt's span; that a single record does not exist is not an error."""
    code = {"status": int(status)} if status.isdecimal() else {}
    fine = status.startswith("2") or (one and code.get("status") in ABSENT)
    span.end(error=None if fine else status, cost=cost, **code)


class Sender:
    """Makes calls of one upstream with one credential.

    Args:
        upstream: The API.
        credential: Authenticates its calls.
        budget: Its rate limit.
        session: The connections.
        clock: Measures deadlines.
        traffic: The requests that wait for calls.
        meter: Counts waits and calls.
        backoff: When failed calls are retried.
        tolerance: When a failing endpoint's circuit opens.
        jitter: Returns a number from 0 to 1.
        probe: Makes a call in the background, to learn whether its endpoint works.
        failed: Records whose calls have failed.

    Attributes:
        endpoints: The health of the upstream's endpoints.
        sending: Calls on the wire.
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
        probe: Callable[[UpstreamCall[Any]], None],
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
        self.endpoints = Endpoints(upstream.name, tolerance, clock, probe)
        self.sending = 0

    async def send(self, pending: PendingCall[T]) -> T | None:
        """Returns the decoded body, None where a single record does not exist; raises what `Client.get` does."""
        call = pending.call
        asked_by = (self._credential.identity, call.path, call.params)
        known = self._failed.error(asked_by, self._clock.monotonic()) if call.one else None
        if known is not None:
            raise known
        with self._traffic.call(pending.request):
            ended = await self._send(pending)
        if isinstance(ended, Success):
            return ended.value
        said = outcome_of(ended, call)
        if said is not None and said.record is not None:
            seconds = TRANSIENT if ended.transient else LASTING
            self._failed.note(asked_by, ended.error, until=self._clock.monotonic() + seconds)
        raise ended.error

    async def _send(self, pending: PendingCall[T]) -> Success[T] | Failure:
        """Attempts the call until it succeeds or another attempt is pointless."""
        self._retries.earn()
        tried, renewed, fresh = 0, False, False
        ledger, cost = pending.request.ledger, pending.call.cost
        ledger.charge(-cost)  # admitted for the first try, which is charged like any other
        while True:
            ledger.charge(cost)
            token = await self._credential.token(pending.request)
            ended = await self._guarded(pending, token, fresh=fresh)
            if isinstance(ended, Success):
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
                left=pending.request.deadline - self._clock.monotonic(),
                timeout=self._upstream.timeout,
                backoff=self._backoff,
                jitter=self._jitter,
            )
            if wait is None or not ledger.affords(cost) or not self._retries.spend():
                said = outcome_of(ended, pending.call)
                if said is not None:
                    self.endpoints.gave_up(pending.call, said)
                return ended
            await self._clock.sleep(wait)

    async def _guarded(self, pending: PendingCall[T], token: Secret, *, fresh: bool) -> Success[T] | Failure:
        """One attempt, unless the circuit is open before or after the wait for units.

        An outdated token says nothing about the endpoint, nor does a connection that had been closed before.
        """
        call, circuit = pending.call, self.endpoints.circuit(pending.call.endpoint)
        circuit.check(self._clock.monotonic())
        grant = await self._queue(pending)
        try:
            trial = circuit.ask(self._clock.monotonic())
        except UpstreamError:
            await self._budget.settle(grant, cost=0)
            raise
        ended: Success[T] | Failure | None = None
        try:
            ended = await self._try(pending, token, grant, fresh=fresh)
            if isinstance(ended, Failure) and ended.dead:
                ended = msgspec.structs.replace(ended, trouble=None)
            elif isinstance(ended, Failure) and await self._outdated(ended, token):
                ended = msgspec.structs.replace(ended, trouble=None, outdated=True)
            return ended
        finally:
            if isinstance(ended, Success):
                self.endpoints.answered(call, trial=trial, absent=ended.value is None)
            else:
                self.endpoints.tried(call, outcome_of(ended, call) if ended is not None else None, trial=trial)

    async def _outdated(self, failure: Failure, token: Secret) -> bool:
        """Whether there may be a newer token than the one that was refused."""
        if not isinstance(failure.error, UpstreamRefused):
            return False
        return await self._credential.rejected(token, known=not failure.unauthorized)

    async def _queue(self, pending: PendingCall[T]) -> Grant:
        """Waits for a call's units."""
        started = self._clock.monotonic()
        outcome: Queued = "left"
        try:
            grant = await self._budget.take(pending.request, pending.call.cost)
            outcome = "granted"
        except (UpstreamRateLimited, DeadlineExceeded):
            outcome = "refused"
            raise
        finally:
            self._meter.queued(self._upstream.name, outcome, self._clock.monotonic() - started)
        return grant

    async def _try(self, pending: PendingCall[T], token: Secret, grant: Grant, *, fresh: bool) -> Success[T] | Failure:
        """Makes the call and decodes the response; corrects ledger and budget however it ends."""
        upstream, call = self._upstream, pending.call
        started = self._clock.monotonic()
        cost, left, status, connection = call.cost, None, "cancelled", ConnectionInfo()
        answered, wait = False, 0.0
        span, headers = start_span(pending, upstream.name)
        headers["Authorization"] = f"Bearer {token.reveal()}"
        self.sending += 1
        try:
            ended = await exchange(self._session, upstream, pending.url, headers, connection=connection, fresh=fresh)
            status = status_of(ended)
            if isinstance(ended, Response):
                cost = units_in(ended.headers, upstream.cost_header, MAX_COST) or cost
                left = units_in(ended.headers, upstream.remaining_header, MAX_LEFT)
                date = date_of(ended.headers.get("Date"))
                if date is not None:
                    self._budget.heard(date, sent=started, received=self._clock.monotonic())
                answered = ended.status != TOO_MANY
                if not answered:  # before the grant is settled, so that no other call is made in between
                    asked_for = seconds_in(
                        ended.headers, date or self._budget.now(), upstream.longest_wait, upstream.reset_header
                    )
                    wait = await self._budget.refused(asked_for, sent=started)
        finally:
            self.sending -= 1
            cost = cost if connection.connected else 0
            if span is not None:
                end_span(span, status, cost, one=call.one)
            now = self._clock.monotonic()
            self._meter.called(upstream.name, call.endpoint, status, units=cost, seconds=now - started)
            pending.request.ledger.charge(cost - call.cost)
            pending.request.ledger.write(
                LedgerEntry(upstream.name, call.endpoint, cost, started, now, asked=pending.asked, status=status)
            )
            await self._budget.settle(grant, cost=cost, left=left, answered=answered)
        result = ended if isinstance(ended, Failure) else await self._judge(ended, call, wait)
        if isinstance(result, Failure):
            kind = RATE_LIMITED if result.trouble is None else result.trouble.value
            self._meter.troubled(upstream.name, call.endpoint, kind)
        return result

    async def _judge(self, response: Response, call: UpstreamCall[T], wait: float) -> Success[T] | Failure:
        """Decodes a response, or says what is wrong with it; a 429 comes with the seconds to wait."""
        now = date_of(response.headers.get("Date")) or self._budget.now()
        failure = failure_in(response, self._upstream, now=now, one=call.one)
        if failure is None:
            return await self._read(response, call)
        log.debug("%s %s answered %d", self._upstream.name, call.endpoint, response.status)
        if not isinstance(failure.error, UpstreamRateLimited):
            return failure
        error = UpstreamRateLimited(failure.error.message, source=self._upstream.name, retry_after=wait)
        return msgspec.structs.replace(failure, error=error)

    async def _read(self, response: Response, call: UpstreamCall[T]) -> Success[T] | Failure:
        """Decodes a response with a good status."""
        if response.status not in ABSENT:
            try:
                return Success(await call.read(response.body))
            except UpstreamMalformed as error:
                return unreadable(response, error)
        if not self.endpoints.gone(call):
            return Success(None)
        nowhere = UpstreamUnavailable("The source is not at its address any more.", source=self._upstream.name)
        return Failure(error=nowhere, transient=False, trouble=Trouble.GONE, status=response.status)
