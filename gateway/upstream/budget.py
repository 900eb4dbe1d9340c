"""An upstream's rate limit as a budget: which call may spend units, and when."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import Counter as Sums
from weakref import WeakKeyDictionary

import msgspec

from gateway.errors import DeadlineExceeded, UpstreamRateLimited
from gateway.request import Flow, Priority, Request
from gateway.upstream.clock import Timer, VendorClock
from gateway.upstream.minute import Counter, Grant, LocalCounter

MODEST = 4
"""A request that has taken less than a fourth of a window is never greedy."""

GREED = 3
"""A greedy request may hold so many times what it leaves free (dynamic thresholds, Choudhury and Hahne 1998): alone it
gets three fourths of a window, and whatever others do, there is something left for the next one."""

RESERVED = 4
"""A fourth of a window is reserved from revalidation at its start, less as it passes."""

AT_ONCE = 16
"""Calls in flight at most: far more than a budget of hundreds a minute needs, so that a burst queues, and whoever is
first in the queue gets all that it needs."""

MAX_WAITING = 10_000
"""Calls that may wait for units; long before that, those that cannot be served in time are refused."""

RECHECK = 5.0
"""Seconds after which a revalidation checks again whether the reserve is low enough."""


def is_greedy(taken: int, limit: int) -> bool:
    """Whether a request has taken more of a window than its share."""
    return taken * MODEST >= limit and taken > 0


def spare_for(request: Request, cost: int, *, taken: int, limit: int, window_left: float) -> int:
    """Units that have to stay free beside those that a request takes.

    Args:
        request: The request.
        cost: Units that it takes.
        taken: Units that it has taken in this window.
        limit: Units of a window.
        window_left: Share of the window still to come.
    """
    greedy = -(-(taken + cost) // GREED) if is_greedy(taken, limit) else 0
    reserved = math.ceil(limit / RESERVED * window_left) if request.priority is Priority.REVALIDATION else 0
    return max(greedy, reserved)


class _Ticket(msgspec.Struct, eq=False):
    request: Request
    cost: int
    order: int
    grant: asyncio.Future[Grant]


class Budget:
    """Units a minute, handed out in a queue.

    Args:
        source: The upstream's name.
        limit: Units that may be spent in a minute.
        clock: Our own.
        adapts: Whether a 429 means that `limit` is too high; see `AdaptiveLimit`.
        counter: Counts the units; in this process where not given.
        at_once: Calls in flight at most; further ones queue.
    """

    def __init__(
        self,
        source: str,
        limit: int,
        clock: Timer,
        *,
        adapts: bool = False,
        counter: Counter | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._source = source
        self._clock = clock
        self._rate = AdaptiveLimit(limit, adapts=adapts)
        self._counter: Counter = counter or LocalCounter()
        self._vendor = VendorClock(clock)
        self._order = itertools.count()
        self._queue: list[_Ticket] = []
        self._taken: Sums[Flow] = Sums()
        self._arrived: WeakKeyDictionary[Flow, int] = WeakKeyDictionary()
        self._free_slots = at_once
        self._minute = 0
        self._serving: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def limit(self) -> int:
        """Units that may be spent in a minute, as far as is known."""
        return self._limit()

    @property
    def waiting(self) -> int:
        """Calls that wait for units."""
        return len(self._queue)

    @property
    def remaining(self) -> int:
        """Units left in this minute."""
        return max(0, self._counter.left(self._vendor.now(), self._limit()))

    def now(self) -> float:
        """Seconds since 1970 by the upstream's clock: nobody sets it back, and all replicas share it."""
        return self._vendor.now()

    async def take(self, request: Request, cost: int) -> Grant:
        """Takes units for a call, waiting for them if need be; the caller has to `settle` the grant.

        Raises:
            UpstreamRateLimited: There will be none before the request's deadline, or too many calls wait already.
            DeadlineExceeded: The deadline is over.
        """
        if request.deadline <= self._clock.monotonic():
            raise DeadlineExceeded("The operation's time is up.")
        if not self._limit() or len(self._queue) >= MAX_WAITING:
            raise self._used_up(60.0)
        self._arrived.setdefault(request.flow, next(self._order))
        ticket = _Ticket(request, cost, next(self._order), asyncio.get_running_loop().create_future())
        self._queue.append(ticket)
        self._news.set()
        if self._serving is None:
            self._serving = asyncio.ensure_future(self._serve())
        try:
            with request.watched(self._news.set):
                return await ticket.grant
        except asyncio.CancelledError:
            if ticket in self._queue:
                self._queue.remove(ticket)
                self._news.set()
            if ticket.grant.done() and not ticket.grant.cancelled() and ticket.grant.exception() is None:
                await self.settle(ticket.grant.result(), cost=0)
            raise

    async def settle(self, grant: Grant, *, cost: int, left: int | None = None, answered: bool = False) -> None:
        """Ends a call.

        Args:
            grant: The units taken for it.
            cost: Its cost as the upstream reported it, else as expected; 0 where it never reached the upstream.
            left: Units that the upstream said are left for everybody.
            answered: Whether it had any response but that the limit is used up, which `refused` takes first.
        """
        self._free_slots += 1
        self._news.set()
        await self._counter.settle(grant, self._vendor.now(), cost=cost, left=left, answered=answered)
        self._news.set()

    async def sync(self, *, leaving: bool = False) -> None:
        """Exchanges reports with other processes; called about once a second.

        Args:
            leaving: Whether this process is about to end.
        """
        await self._counter.sync(self._vendor.now(), limit=self._limit(), leaving=leaving)
        self._news.set()

    @property
    def skew(self) -> float:
        """Seconds that the upstream's clock is ahead of ours, by its responses."""
        return self._vendor.offset

    def heard(self, date: float, *, sent: float, received: float) -> None:
        """Takes the time at the upstream; see `VendorClock`."""
        self._vendor.heard(date, sent=sent, received=received)
        self._counter.widen(self._vendor.margin)

    async def refused(self, retry_after: float | None, *, sent: float) -> float:
        """Takes from a 429 that no units are left.

        Args:
            retry_after: For how many seconds, where the upstream said so.
            sent: When the call was sent (monotonic).

        Returns:
            Seconds until another call is worthwhile.
        """
        now = self._vendor.now()
        self._rate.refused(self._clock.monotonic(), sent=sent)
        await self._counter.empty(now, None if retry_after is None else now + retry_after)
        return self._counter.opens(now, self._limit()) if retry_after is None else retry_after

    def _limit(self) -> int:
        return self._rate.current(self._clock.monotonic())

    async def _serve(self) -> None:
        """Grants units as long as any call waits for some."""
        try:
            while self._queue:
                self._news.clear()
                await self._round()
                if self._news.is_set() or not self._queue:
                    continue
                handle = None
                if self._free_slots:
                    self._refuse_late()
                    handle = self._clock.call_later(self._look_again(), self._news.set)
                if self._queue:
                    await self._news.wait()
                if handle is not None:
                    handle.cancel()
        finally:
            self._serving = None

    async def _round(self) -> None:
        """Grants units to every call that can have them now, always to the first in rank of those that wait by then."""
        self._turn()
        while self._free_slots and self._counter.free(self._vendor.now(), self._limit()) > 0:
            for ticket in sorted(self._queue, key=self._rank):
                if await self._serve_one(ticket):
                    break
            else:
                return

    def _rank(self, ticket: _Ticket) -> tuple[int, bool, float, int, int]:
        """The order of the queue: interactive calls, then those of requests that are not greedy, then by deadline.

        Equal deadlines go by arrival, since the first may be nearly done: round robin would leave each request of a
        storm with a part of what it needs, and none with an answer.
        """
        request = ticket.request
        greedy = is_greedy(self._taken[request.flow], self._limit())
        return request.priority, greedy, request.deadline, self._arrived[request.flow], ticket.order

    async def _serve_one(self, ticket: _Ticket) -> bool:
        """Grants a ticket its units; returns whether there were enough."""
        if ticket.grant.done():
            return False  # its caller has left
        now, limit, flow = self._vendor.now(), self._limit(), ticket.request.flow
        window_left = 1 - now % 60 / 60
        spare = spare_for(ticket.request, ticket.cost, taken=self._taken[flow], limit=limit, window_left=window_left)
        if self._counter.free(now, limit) < min(ticket.cost, limit) + spare:
            return False
        grant = await self._counter.take(now, ticket.cost, limit=limit, spare=spare)
        if grant is None:
            return False
        if ticket.grant.done():
            await self._counter.settle(grant, self._vendor.now(), cost=0, left=None)
            return True
        self._free_slots -= 1
        self._queue.remove(ticket)
        self._taken[flow] += ticket.cost
        ticket.grant.set_result(grant)
        return True

    def _look_again(self) -> float:
        """Seconds until a waiting call may be granted; the reserve shrinks as the window passes."""
        opens = self._counter.opens(self._vendor.now(), self._limit())
        patient = any(ticket.request.priority is Priority.REVALIDATION for ticket in self._queue)
        return min(opens, RECHECK) if patient and self.remaining else opens

    def _refuse_late(self) -> None:
        """Refuses calls that cannot be granted by their deadline at once, rather than at the deadline.

        Nobody waits for a revalidation, so it may wait until its deadline.
        """
        now, limit = self._clock.monotonic(), self._limit()
        ahead = 0
        for ticket in sorted(self._queue, key=self._rank):
            opens = self._counter.opens(self._vendor.now(), limit, min(ticket.cost, limit))
            wait = opens + 60 * (ahead // limit)
            ahead += ticket.cost
            if now + wait < ticket.request.deadline or ticket.request.priority is Priority.REVALIDATION:
                continue
            ahead -= ticket.cost
            self._queue.remove(ticket)
            if not ticket.grant.done():
                ticket.grant.set_exception(self._used_up(wait))

    def _used_up(self, wait: float) -> UpstreamRateLimited:
        message = "The gateway's budget for the source is used up."
        return UpstreamRateLimited(message, source=self._source, retry_after=wait)

    def _turn(self) -> None:
        minute = int(self._vendor.now() // 60)
        if minute > self._minute:
            self._minute = minute
            self._taken.clear()


STEP = 0.05
"""Share of the configured rate that a minute without a refusal restores: back to the full rate in twenty at most."""


class AdaptiveLimit:
    """A configured rate that refusals halve and minutes without one restore (AIMD).

    Times are seconds of any clock that goes on.

    Args:
        limit: Units a minute as configured.
        adapts: Whether a refusal means that the limit is too high. Where an upstream reports what is left, it does not:
            others have spent the units.
    """

    def __init__(self, limit: int, *, adapts: bool = False) -> None:
        self._limit = limit
        self._adapts = adapts
        self._lowered = float(limit)
        self._since = -math.inf

    def current(self, now: float) -> int:
        """Units a minute now."""
        if self._lowered == self._limit:
            return self._limit
        given_back = math.floor((now - self._since) / 60) * STEP * self._limit
        return min(self._limit, max(1, math.floor(self._lowered + given_back)))

    def refused(self, now: float, *, sent: float) -> None:
        """Takes that a call sent then was refused; calls in flight at the last halving do not count again."""
        if self._adapts and sent > self._since:
            self._lowered, self._since = self.current(now) / 2, now
