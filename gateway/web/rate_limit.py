"""How much one client may ask for: a bucket each of operations and of upstream cost that fills all the time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import RateLimited
from gateway.upstream.request import Clock

MINUTE = 60.0
MOST_CLIENTS = 10_000
"""Clients that are remembered; one that was forgotten begins with a full bucket."""


@dataclass(slots=True)
class Bucket:
    """What is left of a minute's worth; may fall below nothing, and then has to be waited for.

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
        """Seconds until `least` is there; 0 where it is."""
        self.left = min(self.a_minute, self.left + (now - self.now) * self.a_minute / MINUTE)
        self.now = now
        return max(0.0, (least - self.left) * MINUTE / self.a_minute)


class RateLimits(Protocol):
    """How much each client may still ask for."""

    async def admit(self, client: str) -> None:
        """Takes an operation from a client's bucket.

        Raises:
            RateLimited: There is none left, or the client has spent more than its cost.
        """
        ...

    async def charge(self, client: str, cost: int) -> None:
        """Takes what an operation has cost, once that is known."""
        ...


class ClientRateLimits:
    """Every client's buckets in this process.

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
            RateLimited: There is none left, or the client has spent more than its cost.
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
        """Takes what an operation has cost, once that is known."""
        if cost:
            self._buckets(client, self._clock.monotonic())[1].left -= cost

    def _buckets(self, client: str, now: float) -> tuple[Bucket, Bucket]:
        buckets = self._clients.get(client)
        if buckets is None:
            buckets = self._clients[client] = (Bucket(self.operations, now), Bucket(self.cost, now))
            if len(self._clients) > MOST_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(client)
        return buckets


def exceeded(rates: ClientRateLimits, *, of_cost: bool, wait: float) -> RateLimited:
    """The refusal of a client that has to wait for so many seconds, for units or for operations."""
    most = f"{rates.cost} units of upstream cost" if of_cost else f"{rates.operations} operations"
    return RateLimited(f"More than {most} a minute.", retry_after=wait)
