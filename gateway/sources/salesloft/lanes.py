"""Lanes: Salesloft's listings walked in order, each row checked against the filter here too."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from gateway.model.filters import MeetingFilter
from gateway.model.order import OrderField, Position, Walk
from gateway.model.records import Meeting
from gateway.paging.merge import Chunk, Lane, Problem
from gateway.sources.salesloft import own, wire
from gateway.sources.salesloft.api import Api
from gateway.sources.salesloft.endpoints import MOST_ROWS
from gateway.sources.salesloft.params import Listing, listings
from gateway.sources.salesloft.reader import Phase, Reader, Step
from gateway.sources.salesloft.recent import Recent
from gateway.sources.salesloft.span import Span
from gateway.sources.salesloft.valueless import Valueless
from gateway.sources.salesloft.values import Values
from gateway.upstream.request import Request

MOST_DROPPED = 5 * (MOST_ROWS - 1)
"""Rows that a lane drops in one request, because the filter does not admit them, before it pauses: five pages, of each
of which a row is held back."""


def lanes(api: Api, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:
    """The lanes of a filter along a walk: one a listing; none where nothing can match."""
    if Span().within(wanted.updated_at).empty:
        return ()
    return [
        MeetingLane(_phases(Reader(api, request, listing, walk.order), walk, wanted), walk, wanted, listing)
        for listing in listings(wanted)
    ]


def _phases(reader: Reader, walk: Walk, wanted: MeetingFilter) -> list[Phase]:
    """What a walk goes through: rows with the sort value, rows without, or the other way round."""
    known: Values | None = None
    valued: Phase
    if walk.order.field is OrderField.UPDATED_AT:
        span = Span().within(wanted.updated_at)
        valued = Recent(reader, walk, span)
    else:
        span = reader.span
        valued = known = Values(reader, walk)
    valueless = Valueless(reader, lambda: None if known is None else known.valueless)
    phases: list[Phase] = [valued] if span.bounded else [valued, valueless]
    if walk.backward:
        phases.reverse()
    # Where the walk starts and stops decides which of the two it meets at all.
    skipped: Phase = valued if not walk.backward else valueless
    if walk.start is not None and (walk.start.value is None) is not walk.backward:
        phases = [phase for phase in phases if phase is not skipped]
    ending: Phase = valueless if not walk.backward else valued
    if walk.stop is not None and (walk.stop.value is None) is walk.backward:
        phases = [phase for phase in phases if phase is not ending]
    return phases


class MeetingLane:
    """One listing along a walk.

    Args:
        phases: What the walk goes through.
        walk: The walk.
        wanted: The filter that rows are checked against.
        listing: The listing.
    """

    def __init__(self, phases: Sequence[Phase], walk: Walk, wanted: MeetingFilter, listing: Listing) -> None:
        self._phases = list(phases)
        self._walk = walk
        self._wanted = wanted
        self._own = own.conditions(wanted)
        self._admits = wanted.admits if wanted.linked else wanted.admits_state
        self._listing = listing
        self._seen: set[str] = set()
        self._dropped = 0
        self._frontier: Position | None = None

    async def read(self, want: int) -> Chunk[Meeting]:
        """The next rows; see `Lane.read`."""
        rows: list[Meeting] = []
        problems: dict[Problem, None] = {}
        more = False
        hint: int | None = None
        while self._phases and self._dropped < MOST_DROPPED and (not rows or self._phases[0].free):
            scanning = self._dropped > 0 or not self._listing.exact
            step = await self._phases[0].step(MOST_ROWS if scanning else want)
            problems.update(dict.fromkeys(step.problems))
            self._frontier = step.frontier
            if step.done:
                self._phases.pop(0)
            kept = self._kept(step)
            rows.extend(kept)
            hint = step.hint if kept and step.hint is not None else hint
            more = any(self._awaited(row) and self._admitted(row) for row in step.held)
        done = not self._phases
        return Chunk(
            rows=rows,
            frontier=None if done else self._frontier,
            done=done,
            more=more and not done,
            paused=not done and self._dropped >= MOST_DROPPED,
            hint=hint,
            problems=tuple(problems),
        )

    def _kept(self, step: Step) -> list[Meeting]:
        """The rows to be passed on, in walk order, each once; nothing comes after the walk's stop."""
        order = self._walk.order
        placed = [(order.key(place), place, row) for row in step.rows for place in (order.position(row),)]
        placed.sort(key=itemgetter(0), reverse=self._walk.backward)
        kept: list[Meeting] = []
        for _, place, row in placed:
            if self._walk.beyond(place):
                self._phases.clear()
                break
            if self._walk.passed(place) or row.source_id in self._seen:
                continue
            if self._admitted(row):
                self._seen.add(row.source_id)
                kept.append(row)
            else:
                self._dropped += 1
        return kept

    def _awaited(self, row: Meeting) -> bool:
        """Whether a row lies ahead and was not passed on yet: it may have moved meanwhile."""
        place = self._walk.order.position(row)
        return not self._walk.passed(place) and not self._walk.beyond(place) and row.source_id not in self._seen

    def _admitted(self, row: Meeting) -> bool:
        """Whether the filter admits a row, and no other listing holds it."""
        if not (self._admits(row) and own.admits(self._own, row, self._listing.strict)):
            return False
        sent, listing = row.raw, self._listing
        if not (listing.not_events or listing.not_types) or not isinstance(sent, wire.Meeting):
            return True
        return sent.event_id not in listing.not_events and str(sent.meeting_type_id) not in listing.not_types
