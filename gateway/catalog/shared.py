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
from gateway.model.filters import MeetingFilter, Refs
from gateway.model.order import Position, Walk
from gateway.model.records import Meeting, Ref
from gateway.paging.lane import Problem
from gateway.paging.merge import Merge
from gateway.sources.base import MeetingListing
from gateway.upstream.request import Request

LINKS = {
    "persons": "person",
    "owners": "owner",
    "cadence_ids": "cadence",
    "step_ids": "step",
    "account_ids": "account",
}
"""Conditions that lists may differ in, and what of a meeting each of them is about."""

FULL = 100
"""Rows that every read asks for: upstream a full page costs what a small one does."""

SPARE = 3
"""Reads beyond those that would do if every row were somebody's who still wants it; or, where no call can ask for
several lists, beyond one for each list that they have settled."""

FEW = 8
"""Lists that are read by themselves, a walk each, where they are left over."""

MOST_SINGLY = 25
"""The same where no call can ask for several."""


class Hand:
    """What one list has been dealt.

    Attributes:
        wanted: Its filter.
        rows: The rows, by id, in walk order.
        frontier: The place up to which it is known whole.
        done: Whether that is all there is.
        missing: Why part of the listing never started; the rest is known without it.
        nothing: Whether all of it never did.
        error: Why it broke off.
        problems: What could not be read.
    """

    def __init__(self, wanted: MeetingFilter) -> None:
        self.wanted = wanted
        self.rows: dict[str, Meeting] = {}
        self.frontier: Position | None = None
        self.done = False
        self.missing: GatewayError | None = None
        self.nothing = False
        self.error: GatewayError | None = None
        self.problems: dict[Problem, None] = {}

    @property
    def whole(self) -> bool:
        """Whether its rows are all there are."""
        lost = any(problem.lost for problem in self.problems)
        return self.done and self.missing is None and not lost


class SharedWalk:
    """A walk for several lists.

    Args:
        request: The request.
        listing: What is walked.
        walk: The walk.
        filters: Each list's filter.
        condition: The one in which they differ; a key of `LINKS`.
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
        self._hands = [Hand(wanted) for wanted in filters]

    async def hand(self, place: int) -> Hand:
        """What the list at a place is dealt; the first to ask has everybody's read.

        Raises nothing that happened upstream: that is in the hand.
        """
        await self.request.once((self, "deal"), self._deal)
        return self._hands[place]

    async def _deal(self) -> None:
        if self.condition in self.listing.traits.many:
            left = await self._together()
            most = FEW
        else:
            left = await self._past_all() if len(self._hands) > FEW else self._hands
            most = MOST_SINGLY
        await asyncio.gather(*(self._alone(hand) for hand in left[:most]))

    async def _together(self) -> Sequence[Hand]:
        """Reads for all, and then for those who still want rows; who is left is returned."""
        waiting: Sequence[Hand] = self._hands
        leg = _Leg(self, waiting)
        for _ in range(-(-len(waiting) * self._need // FULL) + SPARE):
            going_on = await leg.read()
            waiting = self._unsettled(waiting)
            if not waiting or not going_on:
                break
            if len(waiting) < len(leg.hands) and not leg.missing:
                # Most of what was read was not theirs: once more from the beginning, where an end shows at once.
                leg = _Leg(self, waiting, again=sum(len(hand.rows) for hand in waiting) < FULL // 4)
        return waiting

    async def _past_all(self) -> Sequence[Hand]:
        """Reads past everybody's rows, while that seems to cost less than reading each list by itself."""
        waiting: Sequence[Hand] = self._hands
        leg = _Leg(self, waiting)
        reads, lacking = 0, self._lacking(waiting)
        while len(waiting) > FEW and reads < SPARE + len(self._hands) - len(waiting):
            going_on = await leg.read()
            waiting = self._unsettled(waiting)
            reads, before, lacking = reads + 1, lacking, self._lacking(waiting)
            if not going_on or lacking > len(waiting) * (before - lacking):
                break
        return waiting

    def _lacking(self, hands: Sequence[Hand]) -> int:
        """How many rows they want still."""
        return sum(self._need - len(hand.rows) for hand in hands)

    async def _alone(self, hand: Hand) -> None:
        """Reads for one of them, from the beginning, where an end shows at once."""
        leg = _Leg(self, [hand], again=True)
        for _ in range(self._need // FULL + 2):
            if not await leg.read() or not self._unsettled([hand]):
                break

    def _unsettled(self, hands: Sequence[Hand]) -> list[Hand]:
        """Those who want rows still."""
        return [
            hand
            for hand in hands
            if not (hand.done or hand.nothing or hand.error is not None or len(hand.rows) >= self._need)
        ]


class _Leg:
    """A stretch of a shared walk for those who still want rows, from where they all are known.

    Args:
        shared: The walk.
        hands: Who they are.
        again: Whether to begin at the beginning; what they have been dealt is given back.

    Attributes:
        hands: Who they are.
        missing: Whether part of the listing never started.
    """

    def __init__(self, shared: SharedWalk, hands: Sequence[Hand], *, again: bool = False) -> None:
        walk, start = shared.walk, None if again else hands[0].frontier
        for hand in hands if again else ():
            hand.rows.clear()
        if start is not None:
            walk = Walk(walk.order, backward=walk.backward, start=start, stop=walk.stop)
        self.hands = hands
        self.missing = False
        self._fresh = start is None
        self._link = LINKS[shared.condition]
        self._by_ref = _by_ref(hands, shared.condition)
        wanted = msgspec.structs.replace(hands[0].wanted, **{shared.condition: frozenset(self._by_ref)})
        lanes = shared.listing.lanes(shared.request, walk, wanted)
        self._merge: Merge[Meeting] = Merge(lanes, walk, walk.order.position)

    async def read(self) -> bool:
        """Reads on once and deals out what came; False where there is nothing to read on."""
        tracks = self._merge.tracks
        moved = await self._merge.advance(FULL)
        unbegun = [track.error for track in tracks if track.error is not None and not track.started]
        if unbegun and not self._fresh:  # without it what lies beyond is not known
            return self._broken(unbegun[0])
        self.missing = bool(unbegun)
        self._give(self._merge.emitted())
        done = not any(track.open for track in tracks)
        for hand in self.hands:
            hand.frontier = self._merge.frontier or hand.frontier
            hand.missing = next(iter(unbegun), None)
            hand.nothing = bool(tracks) and len(unbegun) == len(tracks)
            hand.done = done and not hand.nothing
        stopped = [track.error for track in tracks if track.stuck and track.error is not None]
        if stopped:
            return self._broken(stopped[0])
        return moved and not done

    def _broken(self, error: GatewayError) -> bool:
        for hand in self.hands:
            hand.error = error
        return False

    def _give(self, rows: Iterable[Meeting]) -> None:
        """Gives each row to those whose it is, and what could not be read to those whom it may concern."""
        concerned: dict[Hand, None] = {}
        for row in rows:
            for hand in self._by_ref.get(getattr(row, self._link), ()):
                hand.rows.setdefault(row.source_id, row)  # it may have moved meanwhile, and come again
                if row.unreadable:
                    concerned[hand] = None
        for track in self._merge.tracks:
            for problem in track.problems:
                for hand in self.hands if problem.lost or not concerned else concerned:
                    hand.problems[problem] = None
            track.problems.clear()


def _by_ref(hands: Iterable[Hand], condition: str) -> dict[Ref, list[Hand]]:
    """Whose filter names which reference."""
    found: dict[Ref, list[Hand]] = {}
    for hand in hands:
        named: Refs = getattr(hand.wanted, condition)
        for ref in named or ():
            found.setdefault(ref, []).append(hand)
    return found
