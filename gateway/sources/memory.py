"""A listing of records that can only be had all at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from gateway.model.order import Walk
from gateway.model.records import Record
from gateway.paging.memory import DeferredLane, MemoryLane, Snapshot
from gateway.paging.merge import Lane
from gateway.sources.base import Derived, Found, Lookup, Traits
from gateway.upstream.request import Request

R = TypeVar("R", bound=Record)
R_contra = TypeVar("R_contra", bound=Record, contravariant=True)


class Filter(Protocol[R_contra]):
    """What a list is narrowed by."""

    def admits(self, record: R_contra, /) -> bool:
        """Whether every condition holds."""
        ...


F = TypeVar("F", bound=Filter[Any])


class MemoryListing(Generic[R, F]):
    """Every record of a kind, held in memory; see `sources.base.Listing`.

    Args:
        read: Reads them all. What is made of them stays for as long as it gives the same list of rows.
        lookup: Records by their ids, where that is cheaper.
        traits: What the records can tell.
    """

    def __init__(
        self,
        read: Callable[[Request], Awaitable[Found[R]]],
        *,
        lookup: Lookup[R] | None = None,
        traits: Traits | None = None,
    ) -> None:
        self.traits = traits or Traits()
        self._read = read
        self._lookup = lookup
        self._snapshot = Derived()

    def lanes(self, request: Request, walk: Walk, wanted: F) -> Sequence[Lane[R]]:
        """One lane; see `Listing.lanes`."""

        async def open_lane() -> Lane[R]:
            found, snapshot = await self._all(request)
            return MemoryLane(
                snapshot, walk, admits=wanted.admits, problems=found.problems, incomplete=found.incomplete
            )

        return (DeferredLane(open_lane),)

    async def count(self, request: Request, wanted: F) -> int | None:
        """How many records the filter admits."""
        found, _ = await self._all(request)
        return sum(map(wanted.admits, found.rows))

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[R]:
        """The records with these ids."""
        if self._lookup is not None:
            return await self._lookup.by_ids(request, ids)
        found, snapshot = await self._all(request)
        rows = [snapshot.by_id[key] for key in dict.fromkeys(ids) if key in snapshot.by_id]
        return Found(rows=rows, problems=found.problems, incomplete=found.incomplete)

    def admits(self, wanted: F, record: R) -> bool:  # noqa: ARG002 - see `Listing`
        """Whether the source's own part of a filter holds: there is none."""
        return True

    async def _all(self, request: Request) -> tuple[Found[R], Snapshot[R]]:
        """All records; the same ones throughout a request."""

        async def read() -> tuple[Found[R], Snapshot[R]]:
            found = await self._read(request)
            return found, self._snapshot.of(found.rows, Snapshot)

        return await request.once((self, "all"), read)
