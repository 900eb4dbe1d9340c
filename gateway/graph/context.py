"""What lives as long as one request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.catalog.catalog import Catalog
from gateway.execution.collected import Operation
from gateway.graph.loaders import Loaders
from gateway.live.follower import Event, Follower
from gateway.live.live import Live
from gateway.model.scopes import Principal
from gateway.model.status import SourceStatus
from gateway.request import Request


class Context:
    """What resolvers are given.

    Args:
        catalog: The sources, joined.
        request: The request as upstream calls see it.
        operation: What the operation selects.
        statuses: What `Query.sources` answers.
        principal: Who asks; None where access control is off.
        router: Whether it came through a router that proved to be one.
        live: The source of changes; None where live updates are off.
        event: The change that a subscription is run for; None where it begins.

    Attributes:
        follower: What a subscription that has begun reads the log by.
        resume: The cursor that a subscription begins at, whatever its arguments say; None where they do.
    """

    def __init__(
        self,
        catalog: Catalog,
        request: Request,
        operation: Operation,
        statuses: Callable[[], Sequence[SourceStatus]],
        principal: Principal | None = None,
        *,
        router: bool = False,
        live: Live | None = None,
        event: Event | None = None,
    ) -> None:
        self.live = live
        self.event = event
        self.follower: Follower | None = None
        self.resume: str | None = None
        self.principal = principal
        self.operation = operation
        self.router = router
        self.catalog = catalog
        self.request = request
        self._statuses = statuses
        self.loaders = Loaders(catalog, request)

    def states(self) -> Sequence[SourceStatus]:
        """How each source is doing at this moment, and at no other: no answer with it may be cached."""
        self.momentary()
        return self._statuses()

    def momentary(self) -> None:
        """Notes that the answer holds for this moment alone."""
        self.request.freshness.mark_uncacheable()
        self.request.dependencies.mark_uncacheable()

    async def close(self) -> None:
        """Ends everything that the request started."""
        await self.loaders.close()
        await self.request.close()
