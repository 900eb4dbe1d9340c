"""Salesloft's lists behind the protocols of `sources.base`: walked in order, each row checked against the filter."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from gateway.model import records
from gateway.model.conditions import Filter
from gateway.model.cost import Ask, ListPrice, ListShape, Needs
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField, Position, Walk
from gateway.model.records import Cadence, Meeting, Record, Ref, Source, Step
from gateway.paging.merge import Chunk, Lane, Problem
from gateway.request import Request
from gateway.sources.base import Found, Lookup, Traits
from gateway.sources.bounds import is_number
from gateway.sources.cached import Translated, is_partial
from gateway.sources.salesloft import conditions, wire
from gateway.sources.salesloft.api import OLDEST_FIRST, SalesloftApi, joined, pieced, together
from gateway.sources.salesloft.filters import UpstreamList, meeting_listings
from gateway.sources.salesloft.keyset import Values
from gateway.sources.salesloft.offset import Recent, Valueless
from gateway.sources.salesloft.parameters import ASKED, TimeSpan
from gateway.sources.salesloft.resources import CADENCES, MEETINGS, MOST_ROWS, STEPS, RecordRows, Resource
from gateway.sources.salesloft.walk import MOST_SCANNED, Advance, Aside, ListReader, Phase
from gateway.upstream.batch import Limits
from gateway.upstream.cache import ListCache, RecordCache
from gateway.upstream.freshness import CachePolicy

R = TypeVar("R", bound=Record)


F = TypeVar("F", bound=Filter[Any])


MOST_DROPPED = MOST_SCANNED * (MOST_ROWS - 1)
"""Rows that a lane drops in one request, because the filter does not admit them, before it pauses; of each page one row
is held back."""

MOST_PAGES = 100
"""Pages of a directory that are read at most: 10,000 rows, which cost 100 units."""

FEW = 2
"""Cadences whose steps are asked for one by one, without a look at how many steps there are in all."""


def meeting_lanes(api: SalesloftApi, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:
    """The lanes of meetings along a walk: one a listing; none where nothing can match."""
    changed = TimeSpan().within(wanted.updated_at)
    if changed.empty:
        return ()
    lanes: list[Lane[Meeting]] = []
    for listing in meeting_listings(wanted):
        reader = _reader(api, request, MEETINGS, listing, walk)
        lanes.append(
            ListLane(_phases(reader, walk, changed), walk, _meeting_check(wanted, listing), listing, reader.aside)
        )
    return lanes


def _reader(
    api: SalesloftApi, request: Request, resource: Resource[Any, R], listing: UpstreamList, walk: Walk
) -> ListReader[R]:
    aside = () if walk.start is None else walk.start.aside
    return ListReader(api, request, resource, listing, walk.order, aside)


def _phases(
    reader: ListReader[R], walk: Walk, changed: TimeSpan | None = None, *, nulls: bool = True
) -> list[Phase[R]]:
    """What a walk goes through: rows with the sort value, rows without, or the other way round.

    Args:
        reader: The listing.
        walk: The walk.
        changed: The range of `updated_at` asked for, which Salesloft has no filter for.
        nulls: Whether a row may lack the sort value.
    """
    known: Values[R] | None = None
    valued: Phase[R]
    if walk.order.field is OrderField.UPDATED_AT:
        span = changed or TimeSpan()
        valued = Recent(reader, walk, span)
    else:
        span = reader.span
        valued = known = Values(reader, walk)
    valueless = Valueless(reader, lambda: None if known is None else known.valueless, nulls=nulls and not span.bounded)
    phases: list[Phase[R]] = [valued, valueless]
    if walk.backward:
        phases.reverse()
    # Where the walk starts and stops decides which of the two it meets at all.
    skipped: Phase[R] = valued if not walk.backward else valueless
    if walk.start is not None and (walk.start.value is None) is not walk.backward:
        phases = [phase for phase in phases if phase is not skipped]
    ending: Phase[R] = valueless if not walk.backward else valued
    if walk.stop is not None and (walk.stop.value is None) is walk.backward:
        phases = [phase for phase in phases if phase is not ending]
    return phases


def _meeting_check(wanted: MeetingFilter, listing: UpstreamList) -> Callable[[Meeting], bool]:
    """Whether a filter admits a meeting, and no other listing of it holds the same."""
    own, admits = conditions.conditions(wanted), _check(wanted, listing, _believed)

    def check(row: Meeting) -> bool:
        if not (admits(row) and conditions.admits(own, row, listing.strict)):
            return False
        sent = row.raw
        if not (listing.not_events or listing.not_types) or not isinstance(sent, wire.Meeting):
            return True
        return sent.event_id not in listing.not_events and str(sent.meeting_type_id) not in listing.not_types

    return check


def _believed(wanted: MeetingFilter, row: Meeting) -> MeetingFilter:
    """A filter of meetings without the conditions on what of one cannot be read."""
    known = unchecked(wanted, row)
    if "canceled_at" not in row.unreadable:
        return known
    return msgspec.structs.replace(known, canceled=Canceled.INCLUDE, status=None)


def unchecked(wanted: F, row: Record) -> F:
    """A filter without the conditions on what of a row cannot be read: Salesloft's word stands for it."""
    names = [name for shown, name in ASKED[type(wanted)].items() if shown in row.unreadable]
    return msgspec.structs.replace(wanted, **dict.fromkeys(names))


class ListLane(Generic[R]):
    """One listing along a walk.

    Args:
        phases: What the walk goes through.
        walk: The walk.
        admits: Whether a row is in the list, and no other lane comes to it in its stead.
        listing: The listing.
        aside: Its rows that are put aside on the way.
    """

    def __init__(
        self,
        phases: Sequence[Phase[R]],
        walk: Walk,
        admits: Callable[[R], bool],
        listing: UpstreamList,
        aside: Aside[R],
    ) -> None:
        self._aside = aside
        self._phases = list(phases)
        self._walk = walk
        self._admits = admits
        self._listing = listing
        self._seen: set[str] = set()
        self._dropped = 0
        self._frontier: Position | None = None

    async def read(self, want: int) -> Chunk[R]:
        """The next rows; see `Lane.read`."""
        rows: list[R] = []
        problems: dict[Problem, None] = {}
        more = False
        hint: int | None = None
        while self._phases and self._dropped < MOST_DROPPED and (not rows or self._phases[0].free):
            scanning = self._dropped > 0 or not self._listing.exact
            step = await self._phases[0].step(want, MOST_ROWS if scanning else 0)
            problems.update(dict.fromkeys(step.problems))
            self._frontier = step.frontier
            if step.done:
                self._phases.pop(0)
            passed = self._passed_on(step)
            rows.extend(passed)
            hint = step.hint if passed and step.hint is not None else hint
            more = any(self._awaited(row) and self._admits(row) for row in step.held)
        done = not self._phases
        return Chunk(
            rows=rows,
            frontier=None if done else self._frontier,
            done=done,
            more=more and self._listing.alone and not done,
            paused=not done and self._dropped >= MOST_DROPPED,
            hint=hint,
            aside=self._aside.names,
            problems=tuple(problems),
        )

    def _passed_on(self, step: Advance[R]) -> list[R]:
        """The rows to be passed on, in walk order, each once; nothing comes after the walk's stop."""
        order = self._walk.order
        placed = [(order.key(place), place, row) for row in step.rows for place in (order.position(row),)]
        placed.sort(key=itemgetter(0), reverse=self._walk.backward)
        passed: list[R] = []
        for _, place, row in placed:
            if self._walk.beyond(place):
                self._phases.clear()
                break
            if self._walk.passed(place) or row.source_id in self._seen:
                continue
            if self._admits(row):
                self._seen.add(row.source_id)
                passed.append(row)
            else:
                self._dropped += 1
        return passed

    def _awaited(self, row: R) -> bool:
        """Whether a row lies ahead and was not passed on yet: it may have moved meanwhile."""
        place = self._walk.order.position(row)
        return not self._walk.passed(place) and not self._walk.beyond(place) and row.source_id not in self._seen


@dataclasses.dataclass(frozen=True, slots=True)
class NewestFirst(Generic[R, F]):
    """A list that is walked by the time of its records' making, which each of them has.

    Attributes:
        listings: What a filter comes to upstream.
        lookup: Its records by their ids.
        price: What a page of it costs.
    """

    traits: ClassVar[Traits] = Traits()

    api: SalesloftApi
    resource: Resource[Any, R]
    listings: Callable[[F], Sequence[UpstreamList]]
    lookup: Lookup[R]
    price: Callable[[ListShape], ListPrice]

    def lanes(self, request: Request, walk: Walk, wanted: F) -> Sequence[Lane[R]]:
        """One lane a listing."""
        return [
            ListLane(_phases(reader, walk, nulls=False), walk, _check(wanted, listing), listing, reader.aside)
            for listing in self.listings(wanted)
            for reader in (_reader(self.api, request, self.resource, listing, walk),)
        ]

    async def count(self, request: Request, wanted: F) -> int | None:
        """How many rows the filter admits; None where part of it can only be checked on each row."""
        return await count(self.api, request, self.resource, self.listings(wanted))

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[R]:
        """The records with these ids."""
        return await self.lookup.by_ids(request, ids)

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost."""
        return self.lookup.price_of_ids(ids)

    def admits(self, wanted: F, record: R) -> bool:  # noqa: ARG002 - see `UpstreamList`
        """Whether Salesloft's own part of a filter holds: there is none."""
        return True


def _check(wanted: F, listing: UpstreamList, believed: Callable[[F, Any], F] = unchecked) -> Callable[[Any], bool]:
    """Whether a filter admits a record; what of it cannot be read is believed where the listing was asked for all."""
    admits = wanted.admits

    def check(row: R) -> bool:
        return admits(row) or (listing.exact and bool(row.unreadable) and believed(wanted, row).admits(row))

    return check


async def count(
    api: SalesloftApi, request: Request, resource: Resource[Any, R], listings: Sequence[UpstreamList]
) -> int | None:
    """How many rows some listings of a list have; None where not all of them are to be counted, or may be twice."""
    if not all(listing.exact and listing.alone for listing in listings):
        return None
    order = Order(OrderField.CREATED_AT)
    totals = await together(ListReader(api, request, resource, listing, order).count() for listing in listings)
    known = [total for total in totals if total is not None]
    return sum(known) if len(known) == len(totals) else None


def all_cadences(api: SalesloftApi) -> Callable[[Request], Awaitable[Found[Cadence]]]:
    """Reads every cadence that the credential may see, in pages of a hundred, and keeps them."""
    kind = CachePolicy(
        name="all cadences",
        endpoint=CADENCES.path,
        codec=CADENCES.founds,
        lifetimes=api.lifetimes.directories,
        doubtful=is_partial,
    )

    async def read(request: Request, _: str) -> Translated[RecordRows[wire.Cadence], Found[Cadence]]:
        return await api.everything(request, CADENCES, most_pages=MOST_PAGES)

    lists = ListCache(api.client, kind, read)

    async def read_all(request: Request) -> Found[Cadence]:
        return (await lists.get(request, "all")).value.value

    return read_all


class StepLists:
    """The steps of cadences: `cadence_id` takes one value (Salesloft: List steps).

    Args:
        api: The calls.
        price: What the steps of a cadence cost.
    """

    def __init__(self, api: SalesloftApi, price: Ask) -> None:
        lifetimes = api.lifetimes.directories
        self._price = price
        self._api = api
        self._of_one = RecordCache(
            api.client,
            CachePolicy(
                name="steps of cadence",
                endpoint=STEPS.path,
                codec=STEPS.founds,
                lifetimes=lifetimes,
                doubtful=is_partial,
            ),
            self._read_one,
            limits=Limits(keys=1),
        )
        self._all = ListCache(
            api.client,
            CachePolicy(
                name="all steps", endpoint=STEPS.path, codec=STEPS.founds, lifetimes=lifetimes, doubtful=is_partial
            ),
            self._read_all,
        )

    async def of_cadences(self, request: Request, cadence_ids: Sequence[str]) -> Found[Step]:
        """Every step of these cadences: a call each, or all steps there are where those are no more calls."""
        ids = sorted(filter(is_number, set(cadence_ids)))
        if len(ids) > FEW:
            whole = (await self._all.get(request, len(ids))).value.value
            if whole.incomplete is None:
                return whole
        answers = await self._of_one.get(request, ids)
        found = joined(entry.value for entry in answers.found.values())
        return msgspec.structs.replace(found, failures=answers.failed)

    def price_of_cadences(self, cadences: int) -> Needs:
        """What the steps of so many cadences cost: a call each, or all steps where those are no more calls."""
        return [(self._price, cadences)]

    async def _read_all(self, request: Request, most_pages: int) -> Translated[RecordRows[wire.Step], Found[Step]]:
        return await self._api.everything(request, STEPS, most_pages=most_pages, or_nothing=True)

    async def _read_one(
        self, request: Request, keys: Sequence[str]
    ) -> Mapping[str, Translated[RecordRows[wire.Step], Found[Step]]]:
        (cadence_id,) = keys
        whole = await self._api.whole(request, STEPS, (("cadence_id", cadence_id), *OLDEST_FIRST), one=True)
        cadence = Ref(Source.SALESLOFT, records.Kind.CADENCE, cadence_id)
        both = zip(whole.sent.rows, whole.value.rows, strict=True)
        ours = [(row, step) for row, step in both if step.cadence == cadence]
        return {cadence_id: pieced(ours, whole.sent.lost, whole.sent.incomplete)}
