"""A world that changes, and what of it stays as it is."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from gateway.model.filters import MeetingFilter
from gateway.model.order import Order, Position
from gateway.model.records import Meeting, MeetingStatus, Source
from tests.catalog.asking import place
from tests.catalog.fakes import Rows
from tests.catalog.oracle import Oracle, to_the_millisecond
from tests.catalog.worlds import EVENTS, IDS, MEETING_OF, MOMENTS

Key: TypeAlias = tuple[Source, str]
Standing: TypeAlias = Mapping[Key, Meeting]
"""What a list holds at one moment, in its order: each key with the record that places it."""

INSTANTS = [*MOMENTS, None]


class What(enum.Enum):
    """What may happen to a row."""

    INSERT = enum.auto()
    DELETE = enum.auto()
    CANCEL = enum.auto()
    """Or, where it is cancelled, it is booked again."""
    RESCHEDULE = enum.auto()
    FOLD = enum.auto()
    """It becomes the record of an event that others may hold."""
    UNFOLD = enum.auto()


class Change(msgspec.Struct, frozen=True):
    """One change.

    Attributes:
        what: Its kind.
        source: Whose row it happens to.
        place: Which of the source's rows, counted round and round.
        throws: What the new values are drawn from.
    """

    what: What
    source: Source
    place: int
    throws: bytes


class World:
    """The sources' rows under change, and every state of the list since.

    Args:
        rows: What each source holds, in order of rank.
        wanted: The filter of the list.
        order: Its order.

    Attributes:
        states: What the list held after each change, the first state first.
    """

    def __init__(self, rows: Sequence[Rows], wanted: MeetingFilter, order: Order) -> None:
        self._rows = {each.source: each for each in rows}
        self._wanted = wanted
        self._order = order
        self._made = 0
        self._held: list[list[Rows]] = []
        self.states: list[Standing] = []
        self._note()

    @property
    def now(self) -> Standing:
        """What the list holds."""
        return self.states[-1]

    def change(self, change: Change) -> None:
        """Lets it happen; a row that is not there changes nothing, nor does a source."""
        if change.source not in self._rows:
            return
        rows = self._rows[change.source].meetings
        at = change.place % len(rows) if rows else 0
        if change.what is What.INSERT:
            rows.append(self._new(change))
        elif not rows:
            return
        elif change.what is What.DELETE:
            rows.pop(at)
        else:
            rows[at] = self._changed(rows[at], **self._values(change, rows[at]))
        self._note()

    def mixed(self, first: int) -> Iterator[Standing]:
        """What the list would be with each source as it was after another change.

        A page reads its sources one after the other, so it may show a meeting without a twin that was still there when
        the meeting was read: both went before the twin was looked for.

        Args:
            first: The first of the changes that count.
        """
        for moments in itertools.product(self._held[first:], repeat=len(self._rows)):
            yield self._listed([held[place] for place, held in enumerate(moments)])

    def _new(self, change: Change) -> Meeting:
        """A row that was made just now."""
        self._made += 1
        new = MEETING_OF[change.source](change.throws, IDS[change.source].format(5000 + self._made))
        event = new.calendar_event_id or None
        return self._changed(new, raw=None, calendar_event_id=event, created_at=self._later(change.source))

    def _values(self, change: Change, row: Meeting) -> dict[str, Any]:
        """What a row is changed to."""
        if change.what is What.CANCEL:
            if row.status is MeetingStatus.CANCELED:
                return {"status": MeetingStatus.BOOKED, "canceled_at": None}
            canceled_at = None if change.source is Source.DRIFT else MOMENTS[0]
            return {"status": MeetingStatus.CANCELED, "canceled_at": canceled_at, "no_show": row.no_show and False}
        if change.what is What.RESCHEDULE:
            start = INSTANTS[change.throws[0] % len(INSTANTS)]
            coarse = start is not None and change.source is Source.DRIFT
            return {"start_time": to_the_millisecond(start) if start is not None and coarse else start}
        if change.what is What.FOLD:
            return {"calendar_event_id": EVENTS[change.throws[0] % 3]}
        return {"calendar_event_id": None, "i_cal_uid": None}

    def _changed(self, row: Meeting, **values: Any) -> Meeting:
        return msgspec.structs.replace(row, **values, updated_at=self._later(row.source))

    def _later(self, source: Source) -> dt.datetime:
        """A time of change later than all others, as far as the source's clock shows."""
        rows = (row for each in self._rows.values() for row in each.meetings)
        times = [time for row in rows for time in (row.updated_at, row.created_at) if time is not None]
        later = max(times, default=MOMENTS[0]) + dt.timedelta(seconds=1)
        return to_the_millisecond(later) if source is Source.DRIFT else later

    def _note(self) -> None:
        """Keeps what the sources and the list hold."""
        held = [copy.copy(rows) for rows in self._rows.values()]
        for rows in held:
            rows.meetings = [*rows.meetings]
        self._held.append(held)
        self.states.append(self._listed(held))

    def _listed(self, rows: Sequence[Rows]) -> Standing:
        return {shown.key: shown.own for shown in Oracle(rows).listed(self._wanted, self._order)}


def steady(states: list[Standing]) -> dict[Key, Meeting]:
    """What a list held all the time, as it was."""
    return {key: row for key, row in states[0].items() if all(state.get(key) is row for state in states[1:])}


def between(
    rows: Mapping[Key, Meeting], order: Order, start: Position | None, end: Position | None, *, backward: bool
) -> list[Key]:
    """Those of the rows that a walk from one place comes by on its way to another, which is part of it."""

    def rank(position: Position) -> Any:
        return order.key(position)

    low, high = (end, start) if backward else (start, end)
    found: list[Key] = []
    for key, row in rows.items():
        at = rank(place(row, order))
        if low is not None and (at < rank(low) if backward else at <= rank(low)):
            continue
        if high is not None and (at >= rank(high) if backward else at > rank(high)):
            continue
        found.append(key)
    return found[::-1] if backward else found
