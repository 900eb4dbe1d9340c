"""Who may spend units of an upstream's rate limit, and when."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import Counter as Sums
from weakref import WeakKeyDictionary

import msgspec

from gateway.errors import DeadlineExceeded, UpstreamRateLimited
from gateway.upstream.clock import Timer
from gateway.upstream.counter import Counter, LocalCounter
from gateway.upstream.rate import Rate
from gateway.upstream.request import Flow, Priority, Request
from gateway.upstream.vendortime import VendorTime
from gateway.upstream.window import Grant

MODEST = 4
"""A request that has taken less than a fourth of a window is never called greedy."""

GREED = 3
"""A greedy request may hold so many times what it leaves free (dynamic thresholds, Choudhury and Hahne 1998): alone it
gets three fourths of a window, and whatever others do, there is something left for the next one."""

KEPT = 4
"""A fourth of what a window gives is kept from revalidation at its start, less as it passes."""

AT_ONCE = 16
"""Calls under way at most: far more than a budget of hundreds a minute keeps busy, so that a queue is what a burst
meets, and whoever stands first in it gets all that it needs."""

MOST_WAITING = 10_000
"""Calls that may wait for units; long before that, those that cannot be served in time are turned away."""

MELTS = 5.0
"""Seconds after which a revalidation looks again whether that is little enough."""


def is_greedy(had: int, limit: int) -> bool:
    """Whether a request has had more of a window than its share."""
    return had * MODEST >= limit and had > 0


def spare_for(request: Request, cost: int, *, had: int, limit: int, window_left: float) -> int:
    """Units that have to stay free beside those that a request takes.

    Args:
        request: Who takes them.
        cost: Units that it takes.
        had: Units that it has had in this window.
        limit: Units of a window.
        window_left: Share of the window still to come.
    """
    greedy = -(-(had + cost) // GREED) if is_greedy(had, limit) else 0
    kept = math.ceil(limit / KEPT * window_left) if request.priority is Priority.REVALIDATION else 0
    return max(greedy, kept)


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
        adapts: Whether a 429 means that `limit` is too high; see `Rate`.
        counter: Where they are counted; in this process where not given.
        at_once: Calls under way at most; what is asked for beyond that queues.
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
        self._rate = Rate(limit, adapts=adapts)
        self._counter: Counter = counter or LocalCounter()
        self._vendor = VendorTime(clock)
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
        """Units that may be spent in a minute, as far as is known now."""
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
        """Seconds since 1970 at the upstream; a clock that nobody sets, and that replicas have in common."""
        return self._vendor.now()

    async def take(self, request: Request, cost: int) -> Grant:
        """Takes units for a call, waiting for them where there are none; whoever gets them gives them to `settle`.

        Raises:
            UpstreamRateLimited: They cannot be had before the request's deadline, or too many wait already.
            DeadlineExceeded: The deadline is past.
        """
        if request.deadline <= self._clock.monotonic():
            raise DeadlineExceeded("The operation's time is up.")
        if not self._limit() or len(self._queue) >= MOST_WAITING:
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
            grant: What was taken for it.
            cost: What it cost: told by the upstream, else what was expected; 0 where it never got there.
            left: Units that the upstream said it has left for everybody.
            answered: Whether it was answered otherwise than that the limit is used up, as `refused` is told before.
        """
        self._free_slots += 1
        self._news.set()
        await self._counter.settle(grant, self._vendor.now(), cost=cost, left=left, answered=answered)
        self._news.set()

    async def sync(self, *, leaving: bool = False) -> None:
        """Tells other processes what this one has spent, and learns what they have; called every second or so.

        Args:
            leaving: Whether this process is about to end.
        """
        await self._counter.sync(self._vendor.now(), limit=self._limit(), leaving=leaving)
        self._news.set()

    @property
    def skew(self) -> float:
        """Seconds that the upstream's clock is ahead of ours, as far as its answers have told."""
        return self._vendor.offset

    def heard(self, date: float, *, sent: float, received: float) -> None:
        """Learns what time it is at the upstream; see `VendorTime`."""
        self._vendor.heard(date, sent=sent, received=received)
        self._counter.widen(self._vendor.margin)

    async def refused(self, retry_after: float | None, *, sent: float) -> float:
        """Learns from a 429 that there is nothing left.

        Args:
            retry_after: For how many seconds, where told.
            sent: When the call left (monotonic).

        Returns:
            Seconds until it is worth asking again.
        """
        now = self._vendor.now()
        self._rate.refused(self._clock.monotonic(), sent=sent)
        await self._counter.empty(now, None if retry_after is None else now + retry_after)
        return self._counter.opens(now, self._limit()) if retry_after is None else retry_after

    def _limit(self) -> int:
        return self._rate.current(self._clock.monotonic())

    async def _serve(self) -> None:
        """Hands out units as long as anybody waits for some."""
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
        """Serves everybody who can be served now, each time the first in rank of those who wait by then."""
        self._turn()
        while self._free_slots and self._counter.free(self._vendor.now(), self._limit()) > 0:
            for ticket in sorted(self._queue, key=self._rank):
                if await self._serve_one(ticket):
                    break
            else:
                return

    def _rank(self, ticket: _Ticket) -> tuple[int, bool, float, int, int]:
        """Who goes first: what a person waits for, whoever is not greedy, and then whoever has to be done first.

        That is whoever came first, and may be nearly done: if all were served in turn, a storm would leave each with a
        part of what it needs, and nobody with an answer.
        """
        request = ticket.request
        greedy = is_greedy(self._taken[request.flow], self._limit())
        return request.priority, greedy, request.deadline, self._arrived[request.flow], ticket.order

    async def _serve_one(self, ticket: _Ticket) -> bool:
        """Gives a ticket its units; whether there were enough for it."""
        if ticket.grant.done():
            return False  # its owner has left
        now, limit, flow = self._vendor.now(), self._limit(), ticket.request.flow
        window_left = 1 - now % 60 / 60
        spare = spare_for(ticket.request, ticket.cost, had=self._taken[flow], limit=limit, window_left=window_left)
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
        """Seconds until somebody who waits may be served; what is kept from revalidation melts as the window passes."""
        opens = self._counter.opens(self._vendor.now(), self._limit())
        patient = any(ticket.request.priority is Priority.REVALIDATION for ticket in self._queue)
        return min(opens, MELTS) if patient and self.remaining else opens

    def _refuse_late(self) -> None:
        """Turns away whoever cannot be served in time, at once rather than when the time is up.

        Nobody waits for a revalidation, so it may as well wait for its own deadline.
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
