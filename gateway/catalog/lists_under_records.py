"""The lists of meetings under several records, answered together: what one of them reads serves the others.

Each list is the answer that it would be alone. Together they walk a listing once (`shared_walk`), and look events up at
once before each of them would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from gateway.catalog.answer import Joined, MeetingAnswer, MeetingQuery
from gateway.catalog.events import Twins
from gateway.catalog.lower import LowerSearch
from gateway.catalog.pages import ListPage
from gateway.catalog.plan import in_memory
from gateway.catalog.search import Walked
from gateway.catalog.shared_walk import SharedWalk
from gateway.errors import GatewayError
from gateway.model.filters import RESOLVED_UNDER, MeetingFilter, under
from gateway.model.order import Walk
from gateway.model.records import Meeting, Ref, Source
from gateway.paging.merge import Chunk, Lane
from gateway.request import Request
from gateway.sources.base import MeetingListing

T = TypeVar("T")

MAX_TOGETHER = 100
"""Records whose lists share a walk; of more each hundred has one."""


async def pages(
    joined: Joined, request: Request, query: MeetingQuery, records: Sequence[Ref]
) -> dict[Ref, ListPage[Meeting] | GatewayError]:
    """A page of the list under each of several records.

    Args:
        joined: The sources.
        request: The request.
        query: What is asked of each list; that it holds the record's meetings alone is added here.
        records: The records, each once; all of one kind.

    Returns:
        By record the page, or why no source that was asked answered.
    """
    parts = [records[start : start + MAX_TOGETHER] for start in range(0, len(records), MAX_TOGETHER)]
    answers = await asyncio.gather(*(_part(joined, request, query, part) for part in parts))
    return {ref: answer for part in answers for ref, answer in part.items()}


async def _part(
    joined: Joined, request: Request, query: MeetingQuery, records: Sequence[Ref]
) -> dict[Ref, ListPage[Meeting] | GatewayError]:
    twins = await joined.twins(request)
    lists: dict[Ref, MeetingAnswer] = {}
    outcomes: dict[Ref, ListPage[Meeting] | GatewayError] = {}
    for ref in records:
        own = msgspec.structs.replace(query, wanted=under(ref, query.wanted))
        answer = MeetingAnswer(joined, request, own, twins)
        if own.wanted.impossible:
            outcomes[ref] = answer.empty()
        else:
            lists[ref] = answer
    await _each(lists, MeetingAnswer.begin, outcomes)
    for kind in {ref.kind for ref in lists}:
        alike = [answer for ref, answer in lists.items() if ref.kind is kind]
        for source, port in joined.ports.items():
            if port.meetings is not None and not (in_memory(port) or port.meetings.traits.reads_once):
                _share(request, source, port.meetings, alike, RESOLVED_UNDER[kind])
    _look_up_together(request, twins, list(lists.values()))
    await _each(lists, MeetingAnswer.read, outcomes)
    shown = await asyncio.gather(*(answer.folding.waiting(answer.page.rows) for answer in lists.values()))
    await twins.screen(row for rows in shown for row in rows)
    outcomes.update(await _each(lists, MeetingAnswer.finish, outcomes))
    return outcomes


async def _each(
    lists: dict[Ref, MeetingAnswer], step: Callable[[MeetingAnswer], Awaitable[T]], failed: dict[Ref, Any]
) -> dict[Ref, T]:
    """A step of every list; those that fail are left out of all further ones."""
    refs = list(lists)
    results = await asyncio.gather(*(_attempt(step(lists[ref])) for ref in refs))
    done: dict[Ref, T] = {}
    for ref, result in zip(refs, results, strict=True):
        if isinstance(result, GatewayError):
            failed[ref] = result
            del lists[ref]
        else:
            done[ref] = result
    return done


async def _attempt(work: Awaitable[T]) -> T | GatewayError:
    try:
        return await work
    except GatewayError as error:
        return error


def _share(
    request: Request, source: Source, listing: MeetingListing, answers: Sequence[MeetingAnswer], condition: str
) -> None:
    """Lets the lists walk a source together, as far as it may hold any of their rows."""
    alike: list[tuple[MeetingFilter, list[tuple[MeetingAnswer, Walked]]]] = []
    for answer in answers:
        for walked in answer.search.walked:
            if walked.source is source and _walks(request, answer, walked):
                rest = _rest(walked.wanted, condition)
                same = next((members for other, members in alike if other == rest), None)
                if same is None:
                    alike.append((rest, [(answer, walked)]))
                else:
                    same.append((answer, walked))
    for _, members in alike:
        if len(members) > 1:
            _share_walk(request, listing, members, condition)


def _share_walk(
    request: Request, listing: MeetingListing, members: Sequence[tuple[MeetingAnswer, Walked]], condition: str
) -> None:
    query = members[0][0].query
    need = query.window.count + query.ahead if query.rows else 0
    filters = [walked.wanted for _, walked in members]
    shared = SharedListing(request, listing, filters, condition, (query.window.walk, need))
    for place, (answer, walked) in enumerate(members):
        part = msgspec.structs.replace(walked, listing=ListShare(shared, place))
        answer.search.walked = [part if each is walked else each for each in answer.search.walked]


def _rest(wanted: MeetingFilter, condition: str) -> MeetingFilter:
    """What has to be the same for all who share a walk: where a look-up has failed for one, they may mean others."""
    return msgspec.structs.replace(wanted, person_ids=None, owner_ids=None, under=None, **{condition: None})


def _walks(request: Request, answer: MeetingAnswer, walked: Walked) -> bool:
    """Whether a listing may hold rows of a list; asking for its lanes makes no call."""
    wanted = walked.wanted
    return not wanted.impossible and bool(walked.listing.lanes(request, answer.query.window.walk, wanted))


def _look_up_together(request: Request, twins: Twins, answers: Sequence[MeetingAnswer]) -> None:
    """Has what any of the lists has to look up before it reads looked up at once."""
    searches = [search for answer in answers for search in answer.search.lower]
    if not searches:
        return
    scope = answers[0].search.plan.scope
    key = object()

    async def look_up() -> None:
        await twins.screen(await _gathered(searches, LowerSearch.candidates), scope)
        await twins.screen(await _gathered(searches, LowerSearch.siblings))

    async def beforehand() -> None:
        await request.once(key, look_up)

    for search in searches:
        search.beforehand = beforehand


async def _gathered(
    searches: Collection[LowerSearch], find: Callable[[LowerSearch], Awaitable[Iterable[Meeting]]]
) -> list[Meeting]:
    """What several searches find; what fails is met again by those whose it is."""
    found = await asyncio.gather(*(_attempt(find(search)) for search in searches))
    return [row for rows in found if not isinstance(rows, GatewayError) for row in rows]


class SharedListing:
    """A listing as several lists of one request share it.

    Args:
        request: The request.
        listing: The listing.
        filters: Each list's filter; none of them is impossible.
        condition: The one in which they differ; one of `RESOLVED_UNDER`.
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


class ListShare:
    """One list's part of a shared listing.

    Args:
        shared: The listing.
        place: Which of its filters is the list's.
    """

    def __init__(self, shared: SharedListing, place: int) -> None:
        self._shared = shared
        self._place = place

    def lanes(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:  # noqa: ARG002 - see `Walkable`
        """What was read of a walk for it, and what is missing of that."""
        shared = self._shared.walk(walk)
        return [SharedLane(shared, self._place), FailedLane(shared, self._place)]

    async def count(self, request: Request, wanted: MeetingFilter) -> int | None:
        """How many meetings it has: by what was read where that is all, else by a call of its own."""
        rows = await self._shared.everything(self._place)
        return await self._shared.listing.count(request, wanted) if rows is None else len(rows)

    def admits(self, wanted: MeetingFilter, meeting: Meeting) -> bool:
        """See `MeetingListing.admits`."""
        return self._shared.listing.admits(wanted, meeting)


class SharedLane:
    """The rows of one list, as a lane: all that were read at once, and no more."""

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


class FailedLane:
    """The part of a listing that never started, as a lane without rows."""

    def __init__(self, shared: SharedWalk, place: int) -> None:
        self._shared = shared
        self._place = place

    async def read(self, want: int) -> Chunk[Meeting]:  # noqa: ARG002 - a Lane's signature
        """Nothing, or why something is missing."""
        known = (await self._shared.list_at(self._place)).known
        if known.missing is not None:
            raise known.missing
        return Chunk(rows=[], done=True)
