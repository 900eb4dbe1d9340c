"""One list's part of what several walk together, as a listing and lanes of its own."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.catalog.shared import SharedWalk
from gateway.model.filters import MeetingFilter
from gateway.model.order import Walk
from gateway.model.records import Meeting
from gateway.paging.merge import Chunk, Lane
from gateway.sources.base import MeetingListing
from gateway.upstream.request import Request


class Pool:
    """A listing as several lists of one request share it.

    Args:
        request: The request.
        listing: The listing.
        filters: Each list's filter; none of them is impossible.
        condition: The one in which they differ; a key of `LINKS`.
        main: The walk that all of them take, and how many rows each wants of it; any other only for one row.
    """

    def __init__(
        self,
        request: Request,
        listing: MeetingListing,
        filters: Sequence[MeetingFilter],
        condition: str,
        main: tuple[Walk, int],
    ) -> None:
        self.listing = listing
        self._request = request
        self._filters = filters
        self._condition = condition
        self._main = main
        self._walks: dict[Walk, SharedWalk] = {}

    def walk(self, walk: Walk) -> SharedWalk:
        """A walk that they share."""
        known = self._walks.get(walk)
        if known is None:
            main, need = self._main
            known = self._walks[walk] = SharedWalk(
                self._request, self.listing, walk, self._filters, self._condition, need if walk == main else 1
            )
        return known

    async def everything(self, place: int) -> list[Meeting] | None:
        """All that there is for one of them, where reading what they want shows it."""
        walk, need = self._main
        if not need or walk.start is not None or walk.stop is not None:
            return None
        partial = await self.walk(walk).list_at(place)
        return [*partial.known.rows.values()] if partial.whole else None


class Share:
    """One list's part of a pool.

    Args:
        pool: The pool.
        place: Which of its filters is the list's.
    """

    def __init__(self, pool: Pool, place: int) -> None:
        self._pool = pool
        self._place = place

    def lanes(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:  # noqa: ARG002 - see `Walkable`
        """What it is dealt of a walk, and what is missing of that."""
        shared = self._pool.walk(walk)
        return [Dealt(shared, self._place), Undealt(shared, self._place)]

    async def count(self, request: Request, wanted: MeetingFilter) -> int | None:
        """How many meetings it has: by what was dealt where that is all, else by a call of its own."""
        rows = await self._pool.everything(self._place)
        return await self._pool.listing.count(request, wanted) if rows is None else len(rows)

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        """See `MeetingListing.admits`."""
        return self._pool.listing.admits(wanted, meeting)


class Dealt:
    """The rows that one list is dealt, as a lane: all of them at once, and no more."""

    def __init__(self, shared: SharedWalk, place: int) -> None:
        self._shared = shared
        self._place = place
        self._given = False

    async def read(self, want: int) -> Chunk[Meeting]:  # noqa: ARG002 - a Lane's signature
        """The rows; whatever may follow them is for another request."""
        partial = await self._shared.list_at(self._place)
        known = partial.known
        error = known.missing if known.nothing else partial.error if self._given else None
        if error is not None:
            raise error
        self._given = True
        return Chunk(
            rows=[*known.rows.values()],
            frontier=None if known.done else known.frontier,
            done=known.done,
            paused=not known.done and partial.error is None,
            problems=tuple(known.problems),
            aside=known.aside,
        )


class Undealt:
    """What of the listing never started, as a lane without rows."""

    def __init__(self, shared: SharedWalk, place: int) -> None:
        self._shared = shared
        self._place = place

    async def read(self, want: int) -> Chunk[Meeting]:  # noqa: ARG002 - a Lane's signature
        """Nothing, or why something is missing."""
        known = (await self._shared.list_at(self._place)).known
        if known.missing is not None:
            raise known.missing
        return Chunk(rows=[], done=True)
