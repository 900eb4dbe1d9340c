"""A call from the first try to the last: circuit, token, budget, exchange, and what is learnt from each answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import quote

import msgspec
from yarl import URL

from gateway.errors import DeadlineExceeded, UpstreamError, UpstreamRateLimited
from gateway.upstream.answers import NOT_FOUND, Answer, date_of, failure_in, status_of, units_in
from gateway.upstream.batch import encoded
from gateway.upstream.budget import Budget
from gateway.upstream.circuit import Circuit, Outcome, Tolerance, outcome_of
from gateway.upstream.clock import Timer
from gateway.upstream.credentials import Credential, Secret
from gateway.upstream.exchange import exchange
from gateway.upstream.meter import Meter, Queued
from gateway.upstream.request import Entry, Request
from gateway.upstream.retry import Backoff, Failure, RetryBudget, wait_before_retry
from gateway.upstream.session import Session, Wire
from gateway.upstream.settings import Upstream
from gateway.upstream.span import Span
from gateway.upstream.traffic import Traffic
from gateway.upstream.window import Grant

log = logging.getLogger(__name__)

MOST_COST = 100
"""Units that one call may be said to have cost: Salesloft's dearest page costs 30. A figure above is not believed."""

MOST_LEFT = 1_000_000
"""Units that may be said to be left."""


class Call(msgspec.Struct, frozen=True):
    """What is asked of an upstream.

    Attributes:
        endpoint: The endpoint's name: a path template, never with ids in it.
        path: The path below the base URL.
        params: Query parameters in their order; names may repeat.
        cost: Units that it is expected to take.
    """

    endpoint: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    cost: int = 1


class Errand(msgspec.Struct, frozen=True):
    """A call and whom it is made for.

    Attributes:
        request: Its deadline bounds the call, its ledger notes it.
        call: What is asked.
        url: Where.
        asked: The ledger's turn at which it was asked for.
    """

    request: Request
    call: Call
    url: URL
    asked: int


def url_of(base_url: str, call: Call) -> URL:
    """The URL, with every name and value percent-encoded and no way out of the base.

    Raises:
        ValueError: A path with `.` or `..` in it.
    """
    if not call.path.startswith("/") or {".", ".."} & set(call.path.split("/")):
        msg = f"not a path below the base URL, for {call.endpoint}"
        raise ValueError(msg)
    names = {name: encoded(name) for name in dict(call.params)}
    query = "&".join([f"{names[name]}={encoded(value)}" for name, value in call.params])
    return URL(f"{base_url.rstrip('/')}{quote(call.path)}{'?' if query else ''}{query}", encoded=True)


def begun(errand: Errand, source: str) -> tuple[Span | None, dict[str, str]]:
    """The span of one try, where it is traced, and what is sent along for it."""
    if errand.request.span is None:
        return None, {}
    span = errand.request.span.call(source, errand.call.endpoint, errand.url.host, errand.url.port)
    return span, dict(span.headers())


def end(span: Span, status: str, cost: int) -> None:
    """Ends a try's span; that something does not exist is an answer."""
    code = {"status": int(status)} if status.isdecimal() else {}
    fine = status.startswith("2") or status == str(NOT_FOUND)
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

    Attributes:
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
    ) -> None:
        self._upstream = upstream
        self._credential = credential
        self._budget = budget
        self._session = session
        self._clock = clock
        self._backoff = backoff
        self._tolerance = tolerance
        self._jitter = jitter
        self._retries = RetryBudget()
        self._circuits: dict[str, Circuit] = {}
        self._traffic = traffic
        self._meter = meter
        self.sending = 0

    def circuits(self) -> dict[str, Outcome]:
        """What each endpoint's circuit is open for, `answered` where it is closed."""
        now = self._clock.monotonic()
        return {endpoint: circuit.state(now) for endpoint, circuit in self._circuits.items()}

    async def send(self, errand: Errand) -> bytes | None:
        """The body of a 2xx answer, None for a 404; see `Client.get` for what it raises."""
        with self._traffic.call(errand.request):
            return await self._send(errand)

    async def _send(self, errand: Errand) -> bytes | None:
        """Tries until there is an answer or no point in another try."""
        endpoint = errand.call.endpoint
        circuit = self._circuits.setdefault(endpoint, Circuit(self._upstream.name, self._tolerance))
        self._retries.earn()
        tried, renewed, fresh = 0, False, False
        while True:
            token = await self._credential.token(errand.request)
            ended = await self._guarded(circuit, errand, token, fresh=fresh)
            if isinstance(ended, Answer):
                return None if ended.status == NOT_FOUND else ended.body
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
                raise ended.error
            await self._clock.sleep(wait)

    async def _guarded(self, circuit: Circuit, errand: Errand, token: Secret, *, fresh: bool) -> Answer | Failure:
        """One try, unless the circuit is open, before or after the wait for units.

        A token that was merely too old says nothing of the endpoint, nor does a connection that had died before.
        """
        circuit.check(self._clock.monotonic())
        grant = await self._queue(errand)
        try:
            trial = circuit.ask(self._clock.monotonic())
        except UpstreamError:
            await self._budget.settle(grant, cost=0)
            raise
        outcome: Outcome | None = None
        try:
            ended = await self._try(errand, token, grant, fresh=fresh)
            if isinstance(ended, Failure) and ended.dead:
                return ended
            if isinstance(ended, Failure) and ended.unauthorized and self._credential.rejected(token):
                return msgspec.structs.replace(ended, outdated=True)
            outcome = outcome_of(ended if isinstance(ended, Failure) else None)
            return ended
        finally:
            circuit.record(self._clock.monotonic(), outcome, trial=trial)

    async def _queue(self, errand: Errand) -> Grant:
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

    async def _try(self, errand: Errand, token: Secret, grant: Grant, *, fresh: bool) -> Answer | Failure:
        """The call, then the ledger and the budget's correction, however it ended."""
        upstream, call = self._upstream, errand.call
        started, sent = self._clock.monotonic(), self._clock.time()
        cost, left, status, wire = call.cost, None, "cancelled", Wire()
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
                    self._budget.heard(date, sent=sent, received=self._clock.time())
        finally:
            self.sending -= 1
            cost = cost if wire.connected else 0
            if span is not None:
                end(span, status, cost)
            now = self._clock.monotonic()
            self._meter.called(upstream.name, call.endpoint, status, units=cost, seconds=now - started)
            errand.request.ledger.write(
                Entry(upstream.name, call.endpoint, cost, started, now, asked=errand.asked, status=status)
            )
            await self._budget.settle(grant, cost=cost, left=left)
        return ended if isinstance(ended, Failure) else await self._judge(ended, call, started)

    async def _judge(self, answer: Answer, call: Call, started: float) -> Answer | Failure:
        """The answer, or what is wrong with it; a 429 empties the budget."""
        failure = failure_in(answer, self._upstream, now=date_of(answer.headers.get("Date")) or self._clock.time())
        if failure is None:
            return answer
        log.warning("%s %s answered %d", self._upstream.name, call.endpoint, answer.status)
        if not isinstance(failure.error, UpstreamRateLimited):
            return failure
        wait = await self._budget.refused(failure.error.retry_after, sent=started)
        error = UpstreamRateLimited(failure.error.message, source=self._upstream.name, retry_after=wait)
        return Failure(error=error, transient=False)
