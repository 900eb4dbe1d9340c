"""Whom a reader's filter means, looked up anew now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from gateway.catalog.changes import Admission
from gateway.errors import GatewayError
from gateway.request import Clock, Request

AdmissionOf: TypeAlias = Callable[[Request], Awaitable[Admission]]

TTL = 30.0
"""Seconds for which the people of a filter are cached; somebody who gets a new address is found after that."""


class CurrentAdmission:
    """A filter with the people it means, cached for all events of one reader.

    Args:
        find: Looks them up.
        clock: For when they are looked up again.
    """

    def __init__(self, find: AdmissionOf, clock: Clock) -> None:
        self._find = find
        self._clock = clock
        self._until = float("-inf")
        self._known: Admission | None = None

    @property
    def current(self) -> Admission | None:
        """The cached filter; None where it has to be looked up."""
        known = self._known
        return known if known is not None and (known.fixed or self._clock.monotonic() < self._until) else None

    async def find(self, request: Request) -> Admission:
        """The filter, looked up where it is not cached; the old one where that fails.

        Raises:
            GatewayError: It was never looked up, and could not be.
        """
        current = self.current
        if current is not None:
            return current
        try:
            self._known = await self._find(request)
        except GatewayError:
            if self._known is None:
                raise
        self._until = self._clock.monotonic() + TTL
        assert self._known is not None
        return self._known
