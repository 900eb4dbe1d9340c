"""GETs of one upstream, each within its request's deadline and ended at once when the source is switched off.

Nothing is cached or shared here: what is asked of a client is read now. `RecordCache` and `ListCache` do both.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload

from gateway.errors import DeadlineExceeded, GatewayError, UpstreamUnavailable
from gateway.request import Hit, LedgerEntry, Priority, Request
from gateway.upstream.attempts import Backoff, Meter, Sender, Unmetered, jitter
from gateway.upstream.batch import Traffic
from gateway.upstream.budget import Budget
from gateway.upstream.circuit import CircuitState, Tolerance
from gateway.upstream.clock import Timer
from gateway.upstream.credentials import Credential
from gateway.upstream.freshness import Outdated
from gateway.upstream.http import Failure, Params, PendingCall, Session, Upstream, UpstreamCall, exchange, url_of
from gateway.upstream.store import FailedRecords, MemoryStore, Store
from gateway.upstream.trouble import Reason, Trouble

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_BACKGROUND = 100
"""Revalidations that run at the same time; one beyond that is left to the next reader."""

PROBE_DEADLINE = 90.0
"""Seconds for a probe of an endpoint, its wait for budget included: nobody waits for the answer."""


class UpstreamState(enum.Enum):
    """The health of an upstream, as its calls have shown it."""

    OK = "ok"
    DEGRADED = "degraded"
    LIMITED = "limited"
    FAILING = "failing"
    REFUSED = "refused"
    OFF = "off"


async def raw_body(body: bytes) -> bytes:
    """The body, not decoded."""
    return body


class Interruptible(Protocol):
    """Calls for several waiting callers, such as a `Batcher`'s."""

    def fail(self, error: Callable[[], GatewayError]) -> None:
        """Ends all of them with an error."""
        ...

    async def close(self) -> None:
        """Waits until none of them runs any more."""
        ...


class Client:
    """One upstream with one credential.

    Args:
        upstream: The API.
        credential: Authenticates its calls.
        budget: Its rate limit.
        session: The connection pools; they outlive the client.
        clock: Measures deadlines.
        store: Caches records, of other upstreams too; a store of its own in memory where not given.
        backoff: When failed calls are retried.
        tolerance: When a failing endpoint's circuit opens.
        jitter: Returns a number from 0 to 1.
        meter: Counts calls.
    """

    def __init__(
        self,
        upstream: Upstream,
        credential: Credential,
        budget: Budget,
        session: Session,
        clock: Timer,
        *,
        store: Store | None = None,
        backoff: Backoff | None = None,
        tolerance: Tolerance | None = None,
        jitter: Callable[[], float] = jitter,
        meter: Meter | None = None,
    ) -> None:
        self.upstream = upstream
        self._session = session
        self.budget = budget
        self.clock = clock
        self.store: Store = MemoryStore() if store is None else store
        self.credential = credential
        self.meter: Meter = Unmetered() if meter is None else meter
        self._on = True
        self._running: dict[object, Callable[[GatewayError], None]] = {}
        self._finished = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._shared_calls: list[Interruptible] = []
        self.traffic = Traffic()
        self.failed_records = FailedRecords()
        self.outdated = Outdated(clock)
        self._sender = Sender(
            upstream,
            credential,
            budget,
            session,
            clock,
            traffic=self.traffic,
            meter=self.meter,
            backoff=backoff or Backoff(),
            tolerance=tolerance or Tolerance(),
            jitter=jitter,
            probe=self._probe,
            failed=self.failed_records,
        )

    async def sweep(self) -> None:
        """Drops remembered failures of records that are over."""
        self.failed_records.sweep(self.clock.monotonic())

    def credential_replaced(self) -> None:
        """Closes the circuits of endpoints that refused the previous credential."""
        self._sender.endpoints.forget_refusals()

    @property
    def identity(self) -> str:
        """The account whose records responses hold, as a keyed hash; see `Credential`."""
        return self.credential.identity

    @overload
    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        cost: int = 1,
        one: bool = False,
    ) -> bytes | None: ...

    @overload
    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        read: Callable[[bytes], Awaitable[T]],
        cost: int = 1,
        one: bool = False,
        large: bool = False,
        plain: UpstreamCall[Any] | None = None,
    ) -> T | None: ...

    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        read: Callable[[bytes], Awaitable[Any]] = raw_body,
        cost: int = 1,
        one: bool = False,
        large: bool = False,
        plain: UpstreamCall[Any] | None = None,
    ) -> Any:
        """Makes a call now, whatever is cached, and even if an equal one is under way.

        Args:
            request: Its deadline bounds the call, its ledger records it.
            endpoint: The endpoint's name, such as `/contacts/{id}`.
            path: The path below the base URL, not yet encoded.
            params: Query parameters, not yet encoded; names may repeat.
            read: Decodes the body; see `UpstreamCall`.
            cost: Units of the rate limit that it is expected to take.
            one: Whether a single record is requested; see `UpstreamCall`.
            large: Whether a response that is too large is requested again in parts; see `UpstreamCall`.
            plain: A call that shows whether the endpoint works at all; see `UpstreamCall`.

        Returns:
            What `read` makes of a 2xx body; None where a single record was requested that does not exist.

        Raises:
            DeadlineExceeded: The request's deadline is over, before the call or during it.
            CostLimitReached: The request has spent the units that it may spend.
            UpstreamTimeout: The source took too long.
            UpstreamUnavailable: It is unreachable, answers with any status not named here, or is switched off.
            UpstreamRateLimited: Its limit or our budget is used up.
            UpstreamRefused: It does not accept the credential.
            UpstreamTooLarge: Its response has more bytes than are read.
            UpstreamMalformed: Its response was cut off, or is not what was requested.
        """
        call = UpstreamCall(endpoint, path, read, tuple(params), cost, one=one, large=large, plain=plain)
        request.dependencies.mark_uncacheable()
        try:
            return await self._make(request, call)
        except GatewayError:
            request.freshness.mark_uncacheable()
            raise

    async def _make(self, request: Request, call: UpstreamCall[T]) -> T | None:
        self.require(request)
        asked = request.ledger.ask() if request.asked is None else request.asked
        url = url_of(self.upstream.base_url, call.endpoint, call.path, call.params)
        request.ledger.admit(call.cost)
        async with self._interruptible(request):
            return await self._sender.send(PendingCall(request, call, url, asked))

    @contextlib.asynccontextmanager
    async def _interruptible(self, request: Request) -> AsyncIterator[None]:
        """Ends the block at the request's deadline, which moves as others join it, and when the source goes off."""
        loop, clock = asyncio.get_running_loop(), self.clock
        reason: GatewayError | None = None
        try:
            async with asyncio.timeout(None) as scope:

                def interrupt(error: GatewayError | None = None) -> None:
                    nonlocal reason
                    if not scope.expired():
                        reason = error
                        scope.reschedule(loop.time())

                timer = clock.call_later(request.deadline - clock.monotonic(), interrupt)

                def follow_deadline() -> None:
                    nonlocal timer
                    timer.cancel()
                    timer = clock.call_later(request.deadline - clock.monotonic(), interrupt)

                self._running[scope] = interrupt
                try:
                    with request.watched(follow_deadline):
                        yield
                finally:
                    timer.cancel()
                    del self._running[scope]
                    if not self._running:
                        self._finished.set()
        except TimeoutError:
            if not scope.expired():
                raise
            raise reason or DeadlineExceeded("The operation's time is up.") from None

    def _probe(self, call: UpstreamCall[Any]) -> None:
        """Makes a call in the background, to learn whether its endpoint works."""

        async def probe() -> None:
            request = Request(self.clock.monotonic() + PROBE_DEADLINE, Priority.REVALIDATION)
            with contextlib.suppress(GatewayError):
                await self._make(request, call)

        if self._on:
            self.spawn(probe)

    async def send(
        self, request: Request, method: str, path: str, body: bytes | None = None, params: Params = ()
    ) -> tuple[int, bytes]:
        """Makes one call that may change something, and nobody else's; its status and body.

        It is sent once: what was done by a call that broke off is not known.

        Raises:
            UpstreamError: There was no answer.
            DeadlineExceeded: The request's time is up.
        """
        self.require(request)
        await self.budget.take(request, 1)
        token = await self.credential.token(request)
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        url = url_of(self.upstream.base_url, path, path, params)
        answer = await exchange(self._session, self.upstream, url, headers, method=method, body=body, fresh=True)
        if isinstance(answer, Failure):
            raise answer.error
        return answer.status, answer.body

    def require(self, request: Request) -> None:
        """Checks that the source is on and that there is time left.

        Raises:
            UpstreamUnavailable: The source is switched off.
            DeadlineExceeded: There is no time left.
        """
        if not self._on:
            raise self._off()
        if request.deadline <= self.clock.monotonic():
            raise DeadlineExceeded("The operation's time is up.")

    def note(self, request: Request, endpoint: str, hit: Hit, started: float) -> None:
        """Records in the ledger that no call was made, and why."""
        request.ledger.write(LedgerEntry(self.upstream.name, endpoint, 0, started, self.clock.monotonic(), hit))

    def now(self) -> float:
        """Seconds since 1970 by the upstream's clock, which all replicas share: records' ages are measured by it."""
        return self.budget.now()

    @property
    def sending(self) -> int:
        """Calls on the wire."""
        return self._sender.sending

    def spawn(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Runs work in the background, unless there is too much of it already."""
        if len(self._background) < MAX_BACKGROUND:
            task = asyncio.ensure_future(work())
            self._background.add(task)
            task.add_done_callback(self._background_done)

    def interrupt_with(self, calls: Interruptible) -> None:
        """Has shared calls ended too when the source is switched off or the client is closed."""
        self._shared_calls.append(calls)

    @property
    def state(self) -> UpstreamState:
        """The upstream's health: by the endpoints that it is useless without, then by the others."""
        if not self._on:
            return UpstreamState.OFF
        cause = self.cause
        if cause is not None:
            return UpstreamState.REFUSED if cause[1].trouble is Trouble.REFUSED else UpstreamState.FAILING
        if not self.budget.remaining:
            return UpstreamState.LIMITED
        return UpstreamState.DEGRADED if self.troubles else UpstreamState.OK

    @property
    def cause(self) -> tuple[str, Reason] | None:
        """The failing endpoint that the upstream is useless without, and the reason; None where there is none.

        A refusal is named before all else: it does not pass by itself.
        """
        vital = self.upstream.vital
        known = self._sender.endpoints.troubles.now.items()
        needed = [(endpoint, reason) for endpoint, reason in known if vital is None or endpoint in vital]
        if not self.credential.usable:
            needed += self.credential.troubles.items()
        return min(needed, key=lambda each: each[1].trouble is not Trouble.REFUSED, default=None)

    @property
    def troubles(self) -> Mapping[str, Reason]:
        """The reason of each endpoint that fails, the token endpoint included."""
        return {**self.credential.troubles, **self._sender.endpoints.troubles.now}

    @property
    def circuits(self) -> Mapping[str, CircuitState]:
        """The state of each endpoint's circuit."""
        return self._sender.endpoints.circuit_states()

    def switch(self, *, on: bool) -> None:
        """Switches the source on or off while running; off ends running calls, and nothing cached is served."""
        self._on = on
        if not on:
            self._interrupt(self._off)

    @property
    def on(self) -> bool:
        """Whether the source is switched on."""
        return self._on

    async def wait_for_background(self) -> None:
        """Waits for the work in the background."""
        await asyncio.gather(*self._background, return_exceptions=True)

    async def close(self) -> None:
        """Ends running calls and background work, and waits until they have ended."""
        self._interrupt(lambda: UpstreamUnavailable("The gateway is shutting down.", source=self.upstream.name))
        for task in list(self._background):
            task.cancel()
        await self.wait_for_background()
        for calls in self._shared_calls:
            await calls.close()
        while self._running:
            self._finished.clear()
            await self._finished.wait()

    def _interrupt(self, error: Callable[[], GatewayError]) -> None:
        for interrupt in list(self._running.values()):
            interrupt(error())
        for calls in self._shared_calls:
            calls.fail(error)

    def _background_done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: background work failed", self.upstream.name, exc_info=task.exception())

    def _off(self) -> UpstreamUnavailable:
        return UpstreamUnavailable("The source is switched off.", source=self.upstream.name)
