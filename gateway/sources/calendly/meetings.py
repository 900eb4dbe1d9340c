"""Calendly's events as a list of meetings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from gateway.errors import UpstreamError
from gateway.model.cost import Ask, How, ListPrice, ListShape, Needs
from gateway.model.filters import MeetingFilter, fold_email
from gateway.model.order import EPOCH, MICROSECOND, OrderField, Walk
from gateway.model.records import Kind, Meeting, MeetingStatus, Source
from gateway.paging.memory import DeferredLane, MemoryLane, Snapshot
from gateway.paging.merge import Lane
from gateway.request import Request
from gateway.settings.lifetimes import RecordLifetimes
from gateway.sources.base import Found, Traits
from gateway.sources.cached import Translated, Translator, is_partial
from gateway.sources.calendly import translate, wire
from gateway.sources.calendly.addresses import AddressIds
from gateway.sources.calendly.api import EVENT, EVENTS, CalendlyApi
from gateway.sources.calendly.conditions import MeetingConditions
from gateway.sources.calendly.invitees import (
    AT_ONCE,
    OF_ADDRESS,
    InviteeReader,
)
from gateway.sources.calendly.lanes import InviteesLane, MonthsLane, needs_invitees
from gateway.sources.calendly.months import EventWindow, Month, MonthEvents, incomplete_in, problems_in
from gateway.sources.decode import Body
from gateway.sources.problems import another, problems_of
from gateway.upstream.batch import Limits
from gateway.upstream.cache import RecordCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy, LookupResult

NEAR = dt.timedelta(days=3)
"""How far apart Calendly's record of an event and another source's may start: it is not told of a meeting that is moved
in the calendar alone, and no call finds an event by its calendar's id."""

TRAITS = Traits(
    statuses=frozenset({MeetingStatus.BOOKED, MeetingStatus.CANCELED, MeetingStatus.UNKNOWN}),
    blank=frozenset(
        {
            *("description", "i_cal_uid", "recurrence", "booked_by"),
            *("cadence", "step", "account", "task", "conversation"),
        }
    ),
    has_all_day=False,
    near=NEAR,
    reads_once=True,
)

ROWS_A_MONTH = 100
"""Events that an organization is assumed to have in a month."""

BY_ID = Ask(source=Source.CALENDLY, endpoint=EVENT, how=How.EACH, keys="ids")

EventRow = Translated[Body[wire.Event, None], Found[Meeting]]


def _found(sent: Body[wire.Event, None]) -> Found[Meeting]:
    rows = [translate.meeting(row) for row in sent.rows]
    return Found(rows=rows, problems=problems_of(rows, sent.lost))


_CODEC: Translator[Body[wire.Event, None], Found[Meeting]] = Translator(Body[wire.Event, None], _found)


class CalendlyMeetings:
    """The events of a window, read by the months that a query needs; see `MeetingListing`.

    Args:
        client: Calls Calendly.
        api: Its endpoints.
        window: The months.
        invitees: Who booked which event.
        ids: The ids of whom it alone knows.
        lifetimes: How long what it gave may be used.
    """

    def __init__(
        self,
        client: Client,
        api: CalendlyApi,
        window: EventWindow,
        *,
        invitees: InviteeReader,
        ids: AddressIds,
        lifetimes: RecordLifetimes,
    ) -> None:
        self.traits = msgspec.structs.replace(TRAITS, reaches_back=window.back, reaches_ahead=window.ahead)
        self._window = window
        self._invitees = invitees
        self._ids = ids
        self._whole: tuple[tuple[MonthEvents, ...], Snapshot[Meeting]] | None = None

        async def fetch(request: Request, keys: Sequence[str]) -> Mapping[str, EventRow]:
            (key,) = keys
            body = await api.event(request, key)
            if body is None:
                return {}
            mine = [row for row in body.rows if wire.id_of(row.value.uri) == key]
            return {key: _CODEC.of(Body(mine, lost=body.lost if mine else (*body.lost, "another")))}

        self._by_id: RecordCache[str, EventRow] = RecordCache(
            client,
            CachePolicy(
                name="events",
                endpoint=EVENT,
                codec=_CODEC,
                lifetimes=lifetimes.pages,
                doubtful=is_partial,
                changed_at=client.outdated.record,
            ),
            fetch,
            limits=Limits(keys=1, at_once=AT_ONCE),
        )

    def lanes(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Sequence[Lane[Meeting]]:
        """One lane; see `Listing.lanes`."""
        if needs_invitees(wanted):
            rest = msgspec.structs.replace(wanted, no_show=None, attendee_domains=None)
            return (InviteesLane(self._lane(request, walk, rest), request, self._invitees, walk, wanted),)
        return (self._lane(request, walk, wanted),)

    def _lane(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Lane[Meeting]:
        months = self._window.months(*bounds(wanted))
        if self._asks_by_key(wanted):
            return DeferredLane(lambda: self._by_key(request, walk, wanted))
        if walk.order.field is OrderField.START_TIME:
            unplaced = not any(span.bounded for span in wanted.starts)
            admits = self._check(wanted)
            return MonthsLane(self._window, request, walk, admits=admits, months=months, unplaced=unplaced)
        return DeferredLane(lambda: self._in_memory(request, walk, wanted, months))

    async def count(self, request: Request, wanted: MeetingFilter) -> int | None:
        """How many events the filter admits; None where invitees would have to be read for it."""
        if needs_invitees(wanted):
            return None
        if self._asks_by_key(wanted):
            return sum(map(self._check(wanted), (await self._candidates(request, wanted)).rows))
        segments = await self._window.segments(request, self._window.months(*bounds(wanted)))
        admits = self._check(wanted)
        return len({row.source_id for segment in segments for row in segment.found.rows if admits(row)})

    async def by_ids(self, request: Request, ids: Sequence[str]) -> Found[Meeting]:
        """The events with these ids, a call each; also those that lie beyond the window."""
        return self._found(await self._by_id.get(request, ids))

    async def renew(self, request: Request, id_: str) -> Found[Meeting]:
        """The event with an id as it is now, whatever is cached.

        Raises:
            UpstreamError: It could not be read.
            DeadlineExceeded: Not before the request's deadline.
        """
        return self._found(await self._by_id.renew(request, [id_]))

    def _found(self, answers: LookupResult[str, EventRow]) -> Found[Meeting]:
        nothing = [key for key, held in answers.found.items() if held.sent.lost and not held.sent.rows]
        return Found(
            rows=[row for held in answers.found.values() for row in held.value.rows],
            problems=tuple(dict.fromkeys(each for held in answers.found.values() for each in held.value.problems)),
            failures={**answers.failed, **dict.fromkeys(nothing, another(Source.CALENDLY))},
        )

    def price_of_ids(self, ids: int) -> Needs:
        """What so many ids cost: a call each."""
        return [(BY_ID, ids)]

    async def same_events(self, request: Request, meetings: Sequence[Meeting]) -> Found[Meeting]:
        """The events that are one of these; see `NEAR`."""
        segments = await self._window.segments(request, self._months_near(meetings))
        found = {
            each.source_id: each
            for row in meetings
            for segment in segments
            for each in segment.events.of(row)
            if near(each, row)
        }
        return Found(rows=[*found.values()], problems=problems_in(segments), incomplete=incomplete_in(segments))

    async def any_of_events(
        self,
        request: Request,
        meetings: Sequence[Meeting],
        most_units: float,  # noqa: ARG002 - one event is found in the calls of all
    ) -> Sequence[Meeting]:
        """The same: months are read whole."""
        return (await self.same_events(request, meetings)).rows

    def fitting(self, meetings: Sequence[Meeting], following: Iterable[Meeting]) -> list[Meeting]:
        """Those of the following that lie in the same months."""
        months = set(self._months_near(meetings))
        return [row for row in following if months.issuperset(self._months_near([row]))]

    def admits(self, wanted: MeetingFilter, record: Meeting) -> bool:
        """Whether Calendly's own conditions (`MeetingConditions`) hold on one of its records."""
        own = wanted.own.get(Source.CALENDLY)
        if not isinstance(own, MeetingConditions):
            return True
        return isinstance(record.raw, wire.Event) and own.admits(record.raw)

    def price(self, shape: ListShape) -> ListPrice:
        """What a page costs: every month that it may read, or a call an address."""
        addresses = shape.values("person_ids", "person_emails", "attendee_emails") + count_of_own(shape)
        if addresses:
            return ListPrice(ask=OF_ADDRESS, calls=addresses)
        return ListPrice(ask=self._window_ask(), calls=self._window_ask().times)

    def price_of_events(self, rows: int) -> Needs:
        """What looking for the events of so many meetings costs: the window, once."""
        return [(self._window_ask(), 1)] if rows else []

    def most_touching(self, shape: ListShape, lists: int) -> int:
        """How many events may meet a condition on links."""
        named = max(1, shape.values("owner_ids", "owner_emails", "person_ids", "person_emails"))
        return min(lists * named * ROWS_A_MONTH, 5 * ROWS_A_MONTH)

    async def has_people(self, request: Request, wanted: MeetingFilter) -> bool:  # noqa: ARG002 - see `MeetingListing`
        """Always: every event was booked by somebody."""
        return True

    def _window_ask(self) -> Ask:
        """All months, read once."""
        times = len(self._window.months())
        return Ask(source=Source.CALENDLY, endpoint=EVENTS, how=How.ONCE, keys="window", times=times)

    def _asks_by_key(self, wanted: MeetingFilter) -> bool:
        """Whether there are calls that tell the events which may match, whichever months they are in."""
        own = wanted.own.get(Source.CALENDLY)
        addressed = isinstance(own, MeetingConditions) and own.invitee_emails is not None
        return addressed or any(each is not None for each in (wanted.ids, wanted.persons, wanted.attendee_emails))

    async def _candidates(self, request: Request, wanted: MeetingFilter) -> Found[Meeting]:
        """The events that may match, with as much of their invitees as it takes to decide."""
        own = wanted.own.get(Source.CALENDLY)
        found: list[Found[Meeting]] = []
        if wanted.ids is not None:
            keys = [ref.id for ref in wanted.ids if (ref.source, ref.kind) == (Source.CALENDLY, Kind.MEETING)]
            found.append(await self.by_ids(request, keys))
        if wanted.persons is not None:
            ours = [ref.id for ref in wanted.persons if (ref.source, ref.kind) == (Source.CALENDLY, Kind.PERSON)]
            addresses = {address for each in ours if (address := self._ids.address_of(each)) is not None}
            found.append(await self._invitees.of_addresses(request, addresses))
        if isinstance(own, MeetingConditions) and own.invitee_emails is not None:
            found.append(await self._invitees.of_addresses(request, own.invitee_emails))
        if wanted.attendee_emails is not None:
            found.append(await self._of_attendees(request, wanted, wanted.attendee_emails))
        rows = {row.source_id: row for row in found[0].rows}
        for other in found[1:]:
            known = {row.source_id: row for row in other.rows}
            rows = {key: known[key] if invited(known[key]) else row for key, row in rows.items() if key in known}
        of_own = isinstance(own, MeetingConditions) and own.invitee_emails is not None
        booked = wanted.persons is not None or of_own
        undecided = [
            row
            for row in rows.values()
            if (booked and not invited(row)) or (wanted.attendee_emails is not None and row.attendees is None)
        ]
        rows.update((row.source_id, row) for row in await self._invitees.fill(request, undecided))
        for row in rows.values():
            for error in row.failed.values():
                raise error
        return Found(
            rows=[*rows.values()],
            problems=tuple(dict.fromkeys(problem for each in found for problem in each.problems)),
            incomplete=next((each.incomplete for each in found if each.incomplete), None),
            failures={key: error for each in found for key, error in each.failures.items()},
        )

    async def _of_attendees(self, request: Request, wanted: MeetingFilter, addresses: frozenset[str]) -> Found[Meeting]:
        """The events to which somebody comes with one of these addresses: as invitee, as guest, as host."""
        months = self._window.months(*bounds(wanted))
        segments = await self._window.segments(request, months)
        found = await self._invitees.of_addresses(request, addresses)
        every = (row for segment in segments for row in segment.found.rows)
        mine = [translate.with_hosts(row) for row in every if not addresses.isdisjoint(known_in(row))]
        rows = {row.source_id: row for row in (*mine, *found.rows)}
        return msgspec.structs.replace(found, rows=[*rows.values()], problems=(*found.problems, *problems_in(segments)))

    async def _by_key(self, request: Request, walk: Walk, wanted: MeetingFilter) -> Lane[Meeting]:
        found = await self._candidates(request, wanted)
        for error in found.failures.values():
            if isinstance(error, UpstreamError):
                raise error
        return MemoryLane(
            Snapshot(found.rows),
            walk,
            admits=self._check(wanted),
            problems=found.problems,
            incomplete=found.incomplete,
        )

    async def _in_memory(
        self, request: Request, walk: Walk, wanted: MeetingFilter, months: Sequence[Month]
    ) -> Lane[Meeting]:
        """A walk by another time than the start: every month is read for it."""
        segments = await self._window.segments(request, months)
        return MemoryLane(
            self._merged(tuple(segments)),
            walk,
            admits=self._check(wanted),
            problems=problems_in(segments),
            incomplete=incomplete_in(segments),
        )

    def _merged(self, segments: tuple[MonthEvents, ...]) -> Snapshot[Meeting]:
        """All rows of some months; what was made last time where they are the very same."""
        if self._whole is None or self._whole[0] != segments:
            rows = {row.source_id: row for segment in segments for row in segment.found.rows}
            self._whole = segments, Snapshot([*rows.values()])
        return self._whole[1]

    def _check(self, wanted: MeetingFilter) -> Callable[[Meeting], bool]:
        common = wanted.admits if wanted.linked else wanted.admits_state
        return (lambda row: self.admits(wanted, row) and common(row)) if wanted.own else common

    def _months_near(self, meetings: Iterable[Meeting]) -> list[Month]:
        """The months in which Calendly's records of some meetings may start."""
        months = self._window.months()
        first, last = months[0].start - NEAR, months[-1].end + NEAR
        starts = [start for row in meetings if (start := row.start_time) is not None and first <= start < last]
        found = {month for start in starts for month in (Month.of(start - NEAR), Month.of(start + NEAR))}
        return sorted(found & set(months))


def near(one: Meeting, other: Meeting) -> bool:
    """Whether two records start at most `NEAR` apart."""
    if one.start_time is None or other.start_time is None:
        return False
    return abs(one.start_time - other.start_time) <= NEAR


def bounds(wanted: MeetingFilter) -> tuple[dt.datetime | None, dt.datetime | None]:
    """The first and the last instant that a meeting which a filter admits may start at; None where that is open."""
    firsts = [each for span in wanted.starts for each in (span.gt, span.gte) if each is not None]
    lasts = [span.lte for span in wanted.starts if span.lte is not None]
    lasts += [max(span.lt, EPOCH) - MICROSECOND for span in wanted.starts if span.lt is not None]
    return max(firsts, default=None), min(lasts, default=None)


def known_in(row: Meeting) -> set[str]:
    """The addresses that an event tells without its invitees: hosts and guests, folded."""
    hosts = row.raw.event_memberships or () if isinstance(row.raw, wire.Event) else ()
    return {fold_email(each) for each in (*(host.user_email for host in hosts), *(row.guests or ())) if each}


def invited(row: Meeting) -> bool:
    """Whether it is known who booked an event."""
    return isinstance(row.raw, wire.Event) and row.raw.invitees is not None


def count_of_own(shape: ListShape) -> int:
    """How many addresses of invitees Calendly's own conditions name."""
    own = shape.conditions.get("calendly")
    values = own.get("inviteeEmails") if isinstance(own, Mapping) else None
    return len(values) if isinstance(values, list | tuple) else 0
