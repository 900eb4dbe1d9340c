"""GETs of one upstream: within the deadline, once for all who ask at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar, overload

from yarl import URL

from gateway.errors import DeadlineExceeded, GatewayError, UpstreamUnavailable
from gateway.upstream.budget import Budget
from gateway.upstream.call import Call, Errand, url_of
from gateway.upstream.circuit import Outcome, Tolerance
from gateway.upstream.clock import Timer
from gateway.upstream.credentials import Credential
from gateway.upstream.failed import FailedRecords
from gateway.upstream.meter import Meter, Unmetered
from gateway.upstream.request import Entry, Hit, Priority, Request
from gateway.upstream.retry import Backoff, jitter
from gateway.upstream.sender import Sender
from gateway.upstream.session import Session
from gateway.upstream.settings import Upstream
from gateway.upstream.shared import Flights
from gateway.upstream.store import MemoryStore, Store
from gateway.upstream.traffic import Traffic
from gateway.upstream.trouble import Reason, Trouble

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_BEHIND = 100
"""Revalidations under way at most; what is left out is begun by the next reader."""


LOOK_WITHIN = 90.0
"""Seconds that a look at an endpoint may take, units that it waits for included: nobody waits for it."""


class State(enum.Enum):
    """How an upstream is doing, as seen from here."""

    OK = "ok"
    DEGRADED = "degraded"
    LIMITED = "limited"
    FAILING = "failing"
    REFUSED = "refused"
    OFF = "off"


async def as_sent(body: bytes) -> bytes:
    """A body as it is."""
    return body


def key_of(call: Call[Any]) -> tuple[object, ...]:
    """What equal calls have in common."""
    return call.path, call.params, call.read, call.one


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
        self.meter: Meter = Unmetered() if meter is None else meter
        self._flights = Flights(clock)
        self._on = True
        self._background: set[asyncio.Task[None]] = set()
        self._ends: list[Callable[[Callable[[], GatewayError]], None]] = [self._flights.fail]
        self.traffic = Traffic()
        self.failed_records = FailedRecords()
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
            ask_plainly=self._ask_plainly,
            failed=self.failed_records,
        )

    async def sweep(self) -> None:
        """Forgets which records could not be had, where that is over."""
        self.failed_records.sweep(self.clock.monotonic())

    def credential_replaced(self) -> None:
        """Asks endpoints again that refused the credential before."""
        self._sender.endpoints.forget_refusals()

    @property
    def identity(self) -> str:
        """Whose records its answers hold; see `Credential`."""
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
        now: bool = False,
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
        plain: Call[Any] | None = None,
        now: bool = False,
    ) -> T | None: ...

    async def get(
        self,
        request: Request,
        endpoint: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        read: Callable[[bytes], Awaitable[Any]] = as_sent,
        cost: int = 1,
        one: bool = False,
        large: bool = False,
        plain: Call[Any] | None = None,
        now: bool = False,
    ) -> Any:
        """What is made of a 2xx answer; None where a single record was asked for that does not exist.

        Equal calls of one request are made once, unless they are to be read now; so are equal calls of several that are
        under way together.

        Args:
            request: Whom it is for.
            endpoint: The endpoint's name, such as `/contacts/{id}`.
            path: The path below the base URL, not yet encoded.
            params: Query parameters, not yet encoded; names may repeat.
            read: Makes something of the body; see `Call`.
            cost: Units that it is expected to take.
            one: Whether a single record is asked for; see `Call`.
            large: Whether less is asked for where the answer is too large; see `Call`.
            plain: What is asked to see whether the endpoint answers at all; see `Call`.
            now: Whether it is made whoever has made, or is making, an equal one: what they read is another moment.

        Raises:
            DeadlineExceeded: The request's time is up, before the call or during it.
            UpstreamTimeout: The source took too long.
            UpstreamUnavailable: It cannot be reached, answers with any status not named here, or is switched off.
            UpstreamRateLimited: Its limit or our budget is used up.
            UpstreamRefused: It does not accept the credential.
            UpstreamTooLarge: Its answer has more bytes than are read.
            UpstreamMalformed: Its answer broke off, or is not what was asked for.
        """
        call = Call(endpoint, path, read, tuple(params), cost, one=one, large=large, plain=plain)
        asked = request.ledger.ask() if request.asked is None else request.asked
        mark = object() if now else None
        request.uses.spoil()
        try:
            return await request.once((self, *key_of(call), mark), lambda: self._share(request, call, asked, mark))
        except GatewayError:
            request.freshness.spoil()
            raise

    async def _share(self, request: Request, call: Call[T], asked: int, mark: object) -> T | None:
        """Makes a call, or joins an equal one of the same mark."""
        self.require(request)
        url = self._url(call)
        key = (*key_of(call), mark)
        joined, started = self._flights.under_way(key), self.clock.monotonic()

        def send(shared: Request) -> Coroutine[object, object, T | None]:
            return self._sender.send(Errand(shared, call, url, asked))

        got = await self._flights.join(key, request, send)
        if joined:
            self.meter.joined(self.upstream.name, call.endpoint)
            self.note(request, call.endpoint, Hit.SHARED, started)
        return got

    def _url(self, call: Call[Any]) -> URL:
        return url_of(self.upstream.base_url, call.endpoint, call.path, call.params)

    def _ask_plainly(self, call: Call[Any]) -> None:
        """Makes a call for nobody."""

        async def look() -> None:
            request = Request(self.clock.monotonic() + LOOK_WITHIN, Priority.REVALIDATION)
            with contextlib.suppress(GatewayError):
                await self._sender.send(Errand(request, call, self._url(call), request.ledger.ask()))

        if self._on:
            self.behind(look)

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

    def now(self) -> float:
        """Seconds since 1970 at the upstream: what records' ages are told by, since replicas have it in common."""
        return self.budget.now()

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
        """How the upstream is doing: by the endpoints that it is of no use without, and then by the others."""
        if not self._on:
            return State.OFF
        cause = self.cause
        if cause is not None:
            return State.REFUSED if cause[1].trouble is Trouble.REFUSED else State.FAILING
        if not self.budget.remaining:
            return State.LIMITED
        return State.DEGRADED if self.troubles else State.OK

    @property
    def cause(self) -> tuple[str, Reason] | None:
        """The endpoint because of which the upstream is of no use, and what is wrong with it; None while it is of use.

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
        """What is wrong with which endpoint, that for tokens included; none where all is well."""
        return {**self.credential.troubles, **self._sender.endpoints.troubles.now}

    @property
    def circuits(self) -> Mapping[str, Outcome]:
        """What each endpoint is left alone for, `answered` where it is not."""
        return self._sender.endpoints.outcomes()

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
