"""One walk over a listing for many lists that differ only in whose meetings they hold: read once, and dealt out.

Whoever has enough leaves the walk, so that one with thousands of rows is not read on for the sake of the others. What a
walk may cost is bounded; a list that has not got all it wants by then ends where everything is known, and goes on from
there when it is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from gateway.errors import GatewayError
from gateway.model.conditions import Refs, conditions_of
from gateway.model.filters import MeetingFilter
from gateway.model.order import Position, Walk
from gateway.model.records import Meeting, Ref
from gateway.paging.merge import Merge, Problem
from gateway.request import Request
from gateway.sources.base import MeetingListing

SPARE = 3
"""Reads beyond those that would do if every row were somebody's who still wants it; or, where no call can ask for
several lists, beyond one for each list that they have settled."""

FEW = 8
"""Lists that are read by themselves, a walk each, where they are left over."""

MAX_SINGLY = 25
"""The same where no call can ask for several."""


class Progress(msgspec.Struct, kw_only=True):
    """What is known of one list from the beginning of a walk up to one place: all of it is replaced together, or none.

    Attributes:
        rows: The rows, by id, in walk order.
        frontier: The place up to which the list is known whole; None where nothing was read yet.
        done: Whether that is all there is.
        missing: Why part of the listing never started; the rest is known without it.
        nothing: Whether all of it never did.
        problems: What could not be read.
        aside: See `Position.aside`.
    """

    rows: dict[str, Meeting] = {}
    frontier: Position | None = None
    done: bool = False
    missing: GatewayError | None = None
    nothing: bool = False
    problems: dict[Problem, None] = {}
    aside: tuple[str, ...] = ()


class PartialList:
    """One of the lists, as far as it was read.

    Attributes:
        wanted: Its filter.
        known: What is known of it.
        error: Why it broke off there.
    """

    def __init__(self, wanted: MeetingFilter) -> None:
        self.wanted = wanted
        self.known = Progress()
        self.error: GatewayError | None = None

    @property
    def whole(self) -> bool:
        """Whether its rows are all there are."""
        lost = any(problem.lost for problem in self.known.problems)
        return self.known.done and self.known.missing is None and not lost


class SharedWalk:
    """A walk for several lists.

    Args:
        request: The request.
        listing: What is walked.
        walk: The walk.
        filters: Each list's filter.
        condition: The one in which they differ; one of `RESOLVED_UNDER`.
        need: Rows that each list wants at most.
    """

    def __init__(  # noqa: PLR0917 - each is one noun
        self,
        request: Request,
        listing: MeetingListing,
        walk: Walk,
        filters: Iterable[MeetingFilter],
        condition: str,
        need: int,
    ) -> None:
        self.request = request
        self.listing = listing
        self.walk = walk
        self.condition = condition
        self._need = need
        self._page_rows = listing.traits.page_rows
        self._lists = [PartialList(wanted) for wanted in filters]

    async def list_at(self, place: int) -> PartialList:
        """The list at a place; the first to ask has all of them read.

        Raises nothing that happened upstream: that is in the list.
        """
        await self.request.once((self, "read"), self._read)
        return self._lists[place]

    async def _read(self) -> None:
        if self.condition in self.listing.traits.many:
            left = await self._together()
        else:
            left = await self._past_all() if len(self._lists) > FEW else self._lists
            left = left[:MAX_SINGLY]
        await asyncio.gather(*map(self._alone, left))

    async def _together(self) -> Sequence[PartialList]:
        """Reads for all, and then for those who still want rows.

        Returns:
            The lists that are left over and may be read by themselves. While they are too many for that, the reads
            which that would take go to all of them.
        """
        waiting: Sequence[PartialList] = self._lists
        segment = Segment(self, waiting)
        singly = FEW + SPARE + -(-len(waiting) * self._need // self._page_rows)
        while True:
            going_on = await segment.read()
            singly -= 1
            waiting = self._unsettled(waiting)
            if not waiting or not going_on or len(waiting) <= singly <= FEW or singly <= 0:
                return waiting[: min(max(singly, 0), FEW)]
            if len(waiting) < len(segment.lists) and not segment.missing:
                # Most of what was read was not theirs: once more from the beginning, where an end shows at once.
                again = sum(len(each.known.rows) for each in waiting) < self._page_rows // 4
                segment = Segment(self, waiting, again=again)

    async def _past_all(self) -> Sequence[PartialList]:
        """Reads past everybody's rows, while that seems to cost less than reading each list by itself."""
        waiting: Sequence[PartialList] = self._lists
        segment = Segment(self, waiting)
        reads, lacking = 0, self._lacking(waiting)
        while len(waiting) > FEW and reads < SPARE + len(self._lists) - len(waiting):
            going_on = await segment.read()
            waiting = self._unsettled(waiting)
            reads, before, lacking = reads + 1, lacking, self._lacking(waiting)
            if not going_on or lacking > len(waiting) * (before - lacking):
                break
        return waiting

    def _lacking(self, lists: Sequence[PartialList]) -> int:
        return sum(self._need - len(each.known.rows) for each in lists)

    async def _alone(self, each: PartialList) -> None:
        """Reads for one of them, from the beginning, where an end shows at once."""
        segment = Segment(self, [each], again=True)
        for _ in range(self._need // self._page_rows + 2):
            if not await segment.read() or not self._unsettled([each]):
                break

    def _unsettled(self, lists: Sequence[PartialList]) -> list[PartialList]:
        return [
            each
            for each in lists
            if not (each.known.done or each.known.nothing or each.error or len(each.known.rows) >= self._need)
        ]


class Segment:
    """A stretch of a shared walk for those who still want rows.

    Args:
        shared: The walk.
        lists: Who they are; all of them known up to the same place.
        again: Whether to begin at the beginning instead of there. What was known stays until more than that is.

    Attributes:
        lists: Who they are.
        missing: Whether part of the listing never started.
    """

    def __init__(self, shared: SharedWalk, lists: Sequence[PartialList], *, again: bool = False) -> None:
        walk, known = shared.walk, lists[0].known
        self._progress = {each: Progress() if again else each.known for each in lists}
        self._before = known if again else Progress()
        if known.frontier is not None and not again:
            start = msgspec.structs.replace(known.frontier, aside=known.aside)
            walk = Walk(walk.order, backward=walk.backward, start=start, stop=walk.stop)
        self.lists = lists
        self.missing = False
        self._fresh = again or known.frontier is None
        (self._link,) = conditions_of(MeetingFilter)[shared.condition].about
        self._by_ref = _by_ref(lists, shared.condition)
        wanted = msgspec.structs.replace(lists[0].wanted, **{shared.condition: frozenset(self._by_ref)})
        lanes = shared.listing.lanes(shared.request, walk, wanted)
        self._merge: Merge[Meeting] = Merge(lanes, walk, walk.order.position)
        self._page_rows = shared.listing.traits.page_rows

    async def read(self) -> bool:
        """Reads on once and deals out what came; False where there is nothing to read on."""
        tracks = self._merge.tracks
        moved = await self._merge.advance(self._page_rows)
        unbegun = [track.error for track in tracks if track.error is not None and not track.started]
        known_with_it = self._before.frontier is not None and self._before.missing is None
        if unbegun and (known_with_it or not self._fresh):  # without it what lies beyond is not known
            return self._broken(unbegun[0])
        self.missing = bool(unbegun)
        self._deal_out(self._merge.emitted())
        done = not any(track.open for track in tracks)
        for progress in self._progress.values():
            progress.frontier = self._merge.frontier or progress.frontier
            progress.aside = self._merge.aside
            progress.missing = next(iter(unbegun), None)
            progress.nothing = bool(tracks) and len(unbegun) == len(tracks)
            progress.done = done and not progress.nothing
        if done or self._overtakes():
            for each, progress in self._progress.items():
                each.known = progress
        stopped = [track.error for track in tracks if track.stuck and track.error is not None]
        if stopped:
            return self._broken(stopped[0])
        return moved and not done

    def _overtakes(self) -> bool:
        """Whether no less is known now than before it began."""
        before, now = self._before.frontier, self._merge.frontier
        return before is None or (now is not None and not self._merge.walk.before(now, before))

    def _broken(self, error: GatewayError) -> bool:
        for each in self.lists:
            each.error = error
        return False

    def _deal_out(self, rows: Iterable[Meeting]) -> None:
        """Gives each row to those whose it is, and what could not be read to those whom it may concern."""
        concerned: dict[PartialList, None] = {}
        for row in rows:
            for each in self._by_ref.get(getattr(row, self._link), ()):
                self._progress[each].rows.setdefault(row.source_id, row)  # it may have moved meanwhile, and come again
                if row.unreadable:
                    concerned[each] = None
        for track in self._merge.tracks:
            for problem in track.problems:
                for each in self.lists if problem.lost or not concerned else concerned:
                    self._progress[each].problems[problem] = None
            track.problems.clear()


def _by_ref(lists: Iterable[PartialList], condition: str) -> dict[Ref, list[PartialList]]:
    """Whose filter names which reference."""
    found: dict[Ref, list[PartialList]] = {}
    for each in lists:
        named: Refs = getattr(each.wanted, condition)
        for ref in named or ():
            found.setdefault(ref, []).append(each)
    return found
