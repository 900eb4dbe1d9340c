"""Who booked which event: a call an event, made only where it matters, and a call an address the other way round."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec

from gateway.errors import DeadlineExceeded, UpstreamError
from gateway.model.cost import Ask, How, ListShape, Needs
from gateway.model.filters import fold_email
from gateway.model.order import EPOCH
from gateway.model.records import Kind, Meeting, Ref, Source
from gateway.request import Request
from gateway.settings.lifetimes import RecordLifetimes
from gateway.sources.base import Found
from gateway.sources.cached import Translated, Translator, is_partial
from gateway.sources.calendly import translate, wire
from gateway.sources.calendly.addresses import AddressIds
from gateway.sources.calendly.api import EVENTS, INVITEES, CalendlyApi, EventRows, between
from gateway.sources.calendly.months import ROWS, EventWindow, Held, longer
from gateway.sources.decode import Body, Row
from gateway.upstream.batch import Limits
from gateway.upstream.cache import ListCache, RecordCache
from gateway.upstream.client import Client
from gateway.upstream.freshness import CachePolicy, LookupResult

FIELDS = frozenset({"person", "attendees", "time_zone", "no_show", "rescheduled_to", "calendly.invitees"})
"""What of a meeting only its invitees tell."""

AT_ONCE = 16
"""Calls for invitees that are under way at most."""

MOST_CHECKED = 100
"""Events whose invitees one request reads at most to see whether filters admit them."""

MOST_PAGES_OF_ADDRESS = 10
"""Pages of one invitee's events."""

OF_EVENT = Ask(source=Source.CALENDLY, endpoint=INVITEES, how=How.EACH, keys="events")
OF_ADDRESS = Ask(source=Source.CALENDLY, endpoint=EVENTS, how=How.EACH, keys="addresses")

Sent: TypeAlias = Translated[Body[wire.Invitee, None], "Invitees"]
EventKey: TypeAlias = str
"""An event's id, and when it last changed: its invitees are read anew once that is another moment."""


class Invitees(msgspec.Struct, frozen=True):
    """An event's invitees, and how many rows of theirs could not be read whole.

    Attributes:
        rows: In the order in which they booked.
        problems: What of them could not be read.
    """

    rows: tuple[Row[wire.Invitee], ...]
    problems: tuple[str, ...] = ()


def _invitees(sent: Body[wire.Invitee, None]) -> Invitees:
    odd = {path for row in sent.rows for path in row.unreadable}
    return Invitees(tuple(sent.rows), tuple(sorted(odd | set(sent.lost))))


_CODEC: Translator[Body[wire.Invitee, None], Invitees] = Translator(Body[wire.Invitee, None], _invitees)


class InviteeReader:
    """Reads invitees; see `MeetingDetails`.

    Args:
        client: Calls Calendly.
        api: Its endpoints.
        window: The events that there are.
        ids: The ids of whom it alone knows.
        lifetimes: How long what it gave may be used.
    """

    fields = FIELDS

    def __init__(
        self, client: Client, api: CalendlyApi, window: EventWindow, ids: AddressIds, lifetimes: RecordLifetimes
    ) -> None:
        self._window = window
        self._ids = ids

        async def of_event(request: Request, keys: Sequence[EventKey]) -> Mapping[EventKey, Sent]:
            (key,) = keys
            read = await api.invitees(request, key.partition(" ")[0])
            return {key: _CODEC.of(Body(read.rows, lost=read.lost))}

        async def of_address(request: Request, id_: str) -> Held:
            address, months = ids.address_of(id_), window.months()
            if address is None:
                return ROWS.of(EventRows(rows=[]))
            params = (("invitee_email", address), *between(months[0].start, months[-1].end, descending=True))
            return ROWS.of(await api.events(request, params, most=MOST_PAGES_OF_ADDRESS))

        self._of_event: RecordCache[EventKey, Sent] = RecordCache(
            client,
            # An event's change makes another key of it; a no-show is marked without one.
            CachePolicy(
                name="invitees", endpoint=INVITEES, codec=_CODEC, lifetimes=longer(lifetimes.pages), doubtful=is_partial
            ),
            of_event,
            limits=Limits(keys=1, at_once=AT_ONCE),
            encoded_len=lambda _: 0,
        )
        self._of_address: ListCache[str, Held] = ListCache(
            client,
            CachePolicy(
                name="events of addresses", endpoint=EVENTS, codec=ROWS, lifetimes=lifetimes.window, doubtful=is_partial
            ),
            of_address,
        )

    def now(self) -> dt.datetime:
        """The present."""
        return self._window.now()

    def price(self, rows: int) -> Needs:
        """What reading the invitees of so many events costs: a call each."""
        return [(OF_EVENT, rows)]

    def price_of_conditions(self, shape: ListShape) -> Needs:
        """What deciding no-shows and domains takes at most: the invitees of as many events as a request may check."""
        return [(OF_EVENT, MOST_CHECKED)] if shape.given("no_show", "attendee_domains") else []

    async def fill(self, request: Request, meetings: Sequence[Meeting]) -> list[Meeting]:
        """The meetings with what their invitees tell; why it is missing of one is noted on it."""
        if not meetings:
            return []
        keys = {_key(row): row for row in meetings}
        try:
            answers = await self._of_event.get(request, keys)
        except (UpstreamError, DeadlineExceeded) as error:
            answers = LookupResult(found={}, failed=dict.fromkeys(keys, error), as_of=None, stale=False)
        now, met = self._window.now(), await self._met(request)
        for sent in answers.found.values():
            for invitee in sent.value.rows:
                address = fold_email(invitee.value.email or "")
                known = met.get(address)
                if known is None or (known.value.created_at or EPOCH) <= (invitee.value.created_at or EPOCH):
                    met[address] = invitee
        return [self._filled(row, answers, now) for row in meetings]

    async def check(self, request: Request, meetings: Sequence[Meeting]) -> list[Meeting]:
        """Those meetings that a request may still read for a condition, `MOST_CHECKED` in all; see `fill`."""

        async def make() -> set[str]:
            return set()

        checked = await request.once((self, "checked"), make)
        allowed: list[Meeting] = []
        for row in meetings:
            if row.source_id in checked or len(checked) < MOST_CHECKED:
                checked.add(row.source_id)
                allowed.append(row)
        return await self.fill(request, allowed)

    def _filled(self, row: Meeting, answers: LookupResult[EventKey, Sent], now: dt.datetime) -> Meeting:
        key = _key(row)
        error = answers.failed.get(key)
        if error is not None:
            return msgspec.structs.replace(row, failed=dict.fromkeys(FIELDS, error))
        sent = answers.found.get(key)
        return translate.with_invitees(row, () if sent is None else sent.value.rows, self.person, now)

    async def _met(self, request: Request) -> dict[str, Row[wire.Invitee]]:
        """The newest record of each address among the invitees that a request has read: whom its page shows."""

        async def make() -> dict[str, Row[wire.Invitee]]:
            return {}

        return await request.once((self, "met"), make)

    def person(self, address: str) -> Ref:
        """The reference of whoever has an address."""
        return Ref(Source.CALENDLY, Kind.PERSON, self._ids.id_of(address))

    async def newest(self, request: Request, address: str) -> Row[wire.Invitee] | None:
        """The newest record of somebody as an invitee: of those that the request has read, else of all; None for none.

        Raises:
            UpstreamError: It could not be read.
        """
        if (met := (await self._met(request)).get(fold_email(address))) is not None:
            return met
        found = await self.of_address(request, address)
        newest = max(found.rows, key=lambda row: row.created_at or EPOCH, default=None)
        if newest is None:
            return None
        answers = await self._of_event.get(request, [_key(newest)])
        sent = next(iter(answers.found.values()), None)
        wanted = fold_email(address)
        mine = [row for row in (sent.value.rows if sent else ()) if fold_email(row.value.email or "") == wanted]
        return mine[-1] if mine else Row(wire.Invitee(uri="-", email=address))

    async def of_address(self, request: Request, address: str) -> Found[Meeting]:
        """The events of the window that somebody was invited to, as they come without their invitees.

        Raises:
            UpstreamError: They could not be read.
        """
        held = (await self._of_address.get(request, self._ids.id_of(address))).value
        months = self._window.months()
        first, after = months[0].start, months[-1].end
        rows = [row for row in held.value.rows if row.start_time is None or first <= row.start_time < after]
        return msgspec.structs.replace(held.value, rows=rows)

    async def of_addresses(self, request: Request, addresses: Collection[str]) -> Found[Meeting]:
        """The events of any of several people, each once; whose it is is known of those with one invitee.

        Raises:
            UpstreamError: Those of one of them could not be read.
        """
        asked = sorted(addresses)
        answers = await asyncio.gather(*(self.of_address(request, each) for each in asked), return_exceptions=True)
        rows: dict[str, Meeting] = {}
        for address, answer in zip(asked, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            rows.update((row.source_id, self._of_one(row, address)) for row in answer.rows)
        found = [answer for answer in answers if isinstance(answer, Found)]
        return Found(
            rows=[*rows.values()],
            problems=tuple(dict.fromkeys(problem for each in found for problem in each.problems)),
            incomplete=next((each.incomplete for each in found if each.incomplete), None),
        )

    def _of_one(self, row: Meeting, address: str) -> Meeting:
        """An event whose only invitee is known by its address; of several it takes a call to know who booked."""
        event = row.raw
        assert isinstance(event, wire.Event)
        if event.invitees_counter is None or event.invitees_counter.total != 1:
            return row
        return translate.with_only_invitee(row, address, self.person)


def _key(row: Meeting) -> EventKey:
    return row.source_id if row.updated_at is None else f"{row.source_id} {row.updated_at.isoformat()}"
