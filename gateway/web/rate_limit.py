"""Rate limits of clients: a token bucket each for operations and for upstream cost."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import RateLimited
from gateway.request import Clock

MINUTE = 60.0
MAX_CLIENTS = 10_000
"""Clients that are remembered; a new one has a full bucket."""


@dataclass(slots=True)
class Bucket:
    """A token bucket that holds a minute's worth; it may become negative, and then has to refill.

    Args:
        a_minute: How much it holds, and how much of it comes back in a minute.
        now: Clock seconds (monotonic).
    """

    a_minute: float
    now: float
    left: float = -1.0

    def __post_init__(self) -> None:
        self.left = self.a_minute

    def wait(self, now: float, least: float) -> float:
        """Seconds until the bucket holds `least`; 0 where it does."""
        self.left = min(self.a_minute, self.left + (now - self.now) * self.a_minute / MINUTE)
        self.now = now
        return max(0.0, (least - self.left) * MINUTE / self.a_minute)


class RateLimits(Protocol):
    """The rate limits of all clients."""

    async def admit(self, client: str) -> None:
        """Takes an operation from a client's bucket.

        Raises:
            RateLimited: None is left, or the client has spent more than its cost.
        """
        ...

    async def charge(self, client: str, cost: int) -> None:
        """Takes an operation's cost once that is known."""
        ...


class ClientRateLimits:
    """The clients' buckets in this process.

    Args:
        operations: Operations a minute for one client.
        cost: Upstream cost units a minute for one client.
        clock: Tells how long it has been.
    """

    def __init__(self, operations: int, cost: int, clock: Clock) -> None:
        self.operations = operations
        self.cost = cost
        self._clock = clock
        self._clients: OrderedDict[str, tuple[Bucket, Bucket]] = OrderedDict()

    async def admit(self, client: str) -> None:
        """Takes an operation from a client's bucket.

        Raises:
            RateLimited: None is left, or the client has spent more than its cost.
        """
        now = self._clock.monotonic()
        operations, cost = self._buckets(client, now)
        wait = operations.wait(now, 1.0)
        if wait:
            raise exceeded(self, of_cost=False, wait=wait)
        wait = cost.wait(now, 0.0)
        if wait:
            raise exceeded(self, of_cost=True, wait=wait)
        operations.left -= 1.0

    async def charge(self, client: str, cost: int) -> None:
        """Takes an operation's cost once that is known."""
        if cost:
            self._buckets(client, self._clock.monotonic())[1].left -= cost

    def _buckets(self, client: str, now: float) -> tuple[Bucket, Bucket]:
        buckets = self._clients.get(client)
        if buckets is None:
            buckets = self._clients[client] = (Bucket(self.operations, now), Bucket(self.cost, now))
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(client)
        return buckets


def exceeded(rates: ClientRateLimits, *, of_cost: bool, wait: float) -> RateLimited:
    """The error for a client that has to wait for so many seconds, for units or for operations."""
    most = f"{rates.cost} units of upstream cost" if of_cost else f"{rates.operations} operations"
    return RateLimited(f"More than {most} a minute.", retry_after=wait)
