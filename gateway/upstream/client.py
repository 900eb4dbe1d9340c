"""GETs of one upstream: within the deadline, once for all who ask at the same time."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence

from gateway.errors import DeadlineExceeded, GatewayError, UpstreamUnavailable
from gateway.upstream.budget import Budget
from gateway.upstream.circuit import Outcome, Tolerance
from gateway.upstream.clock import Timer
from gateway.upstream.credentials import Credential
from gateway.upstream.meter import Meter, Unmetered
from gateway.upstream.request import Entry, Hit, Request
from gateway.upstream.retry import Backoff, jitter
from gateway.upstream.sender import Call, Errand, Sender, url_of
from gateway.upstream.session import Session
from gateway.upstream.settings import Upstream
from gateway.upstream.shared import Flights
from gateway.upstream.store import MemoryStore, Store
from gateway.upstream.traffic import Traffic

log = logging.getLogger(__name__)

MOST_BEHIND = 100
"""Revalidations under way at most; what is left out is begun by the next reader."""


class State(enum.Enum):
    """How an upstream is doing, as seen from here."""

    OK = "ok"
    LIMITED = "limited"
    FAILING = "failing"
    REFUSED = "refused"
    OFF = "off"


class Client:
    """One upstream with one credential.

    Args:
        upstream: What is known of it.
        credential: What its calls prove themselves with.
        budget: Its rate limit.
        session: The connections; they live longer than the client.
        clock: Tells deadlines.
        store: Where records are kept, whichever upstream they are of; its own in memory where not given.
        backoff: How tries follow one another.
        tolerance: When an endpoint that fails is left alone.
        jitter: A number from 0 to 1.
        meter: Who is told what goes on.
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
        self.budget = budget
        self.clock = clock
        self.store: Store = MemoryStore() if store is None else store
        self.credential = credential
        self.identity = credential.identity
        self.meter: Meter = Unmetered() if meter is None else meter
        self._flights = Flights(clock)
        self._on = True
        self._background: set[asyncio.Task[None]] = set()
        self._ends: list[Callable[[Callable[[], GatewayError]], None]] = [self._flights.fail]
        self.traffic = Traffic()
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
        )

    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        cost: int = 1,
        empty_on_404: bool = False,
    ) -> bytes | None:
        """The body of a 2xx answer.

        Equal calls of one request are made once; so are equal calls of several that are under way together.

        Args:
            request: Whom it is for.
            endpoint: The endpoint's name, such as `/contacts/{id}`.
            path: The path below the base URL, not yet encoded.
            params: Query parameters, not yet encoded; names may repeat.
            cost: Units that it is expected to take.
            empty_on_404: Whether a 404 is an answer, told as None, rather than an error.

        Raises:
            DeadlineExceeded: The request's time is up, before the call or during it.
            UpstreamTimeout: The source took too long.
            UpstreamUnavailable: It cannot be reached, answers with any status not named here, or is switched off.
            UpstreamRateLimited: Its limit or our budget is used up.
            UpstreamRefused: It does not accept the credential.
            UpstreamMalformed: Its answer broke off or is too large.
        """
        call = Call(endpoint, path, tuple(params), cost)
        asked = request.ledger.ask() if request.asked is None else request.asked
        key = (self, call.path, call.params)
        request.uses.spoil()
        try:
            body = await request.once(key, lambda: self._share(request, call, asked))
        except GatewayError:
            request.freshness.spoil()
            raise
        if body is None and not empty_on_404:
            request.freshness.spoil()
            raise UpstreamUnavailable("The source does not know the call.", source=self.upstream.name)
        return body

    async def _share(self, request: Request, call: Call, asked: int) -> bytes | None:
        """Makes a call, or joins an equal one."""
        self.require(request)
        url = url_of(self.upstream.base_url, call)
        key = (call.path, call.params)
        joined, started = self._flights.under_way(key), self.clock.monotonic()

        def send(shared: Request) -> Coroutine[object, object, bytes | None]:
            return self._sender.send(Errand(shared, call, url, asked))

        body = await self._flights.join(key, request, send)
        if joined:
            self.meter.joined(self.upstream.name, call.endpoint)
            self.note(request, call.endpoint, Hit.SHARED, started)
        return body

    def require(self, request: Request) -> None:
        """Makes sure that the source is on and that there is time left.

        Raises:
            UpstreamUnavailable: It is switched off.
            DeadlineExceeded: There is none.
        """
        if not self._on:
            raise self._off()
        if request.deadline <= self.clock.monotonic():
            raise DeadlineExceeded("The operation's time is up.")

    def note(self, request: Request, endpoint: str, hit: Hit, started: float) -> None:
        """Writes into the ledger what saved a call."""
        request.ledger.write(Entry(self.upstream.name, endpoint, 0, started, self.clock.monotonic(), hit))

    @property
    def sending(self) -> int:
        """Calls that are on the wire."""
        return self._sender.sending

    def behind(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Does work that nobody waits for, unless there is too much of it already."""
        if len(self._background) < MOST_BEHIND:
            task = asyncio.ensure_future(work())
            self._background.add(task)
            task.add_done_callback(self._left_behind)

    def on_off(self, end: Callable[[Callable[[], GatewayError]], None]) -> None:
        """Has `end` called, with the error to end with, when the source is switched off."""
        self._ends.append(end)

    @property
    def state(self) -> State:
        """How the upstream is doing: the worst that is known."""
        if not self._on:
            return State.OFF
        states = self.circuits.values()
        if "refused" in states:
            return State.REFUSED
        if "failed" in states:
            return State.FAILING
        return State.OK if self.budget.remaining else State.LIMITED

    @property
    def circuits(self) -> Mapping[str, Outcome]:
        """What each endpoint is left alone for, `answered` where it is not."""
        return self._sender.circuits()

    def switch(self, *, on: bool) -> None:
        """Switches the source on or off while running; off ends the calls under way, and nothing kept is served."""
        self._on = on
        if not on:
            for end in self._ends:
                end(self._off)

    @property
    def on(self) -> bool:
        """Whether the source is switched on."""
        return self._on

    async def settled(self) -> None:
        """Waits for the work that nobody waits for."""
        await asyncio.gather(*self._background, return_exceptions=True)

    async def close(self) -> None:
        """Ends the calls under way; whoever still waits for one is cancelled."""
        for task in list(self._background):
            task.cancel()
        await self.settled()
        await self._flights.close()

    def _left_behind(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: work behind the scenes failed", self.upstream.name, exc_info=task.exception())

    def _off(self) -> UpstreamUnavailable:
        return UpstreamUnavailable("The source is switched off.", source=self.upstream.name)
