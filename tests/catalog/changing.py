"""A world that changes, and what of it stays as it is."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from gateway.model.filters import MeetingFilter
from gateway.model.order import Order, Position
from gateway.model.records import Meeting, MeetingStatus, Source
from tests.catalog.asking import place
from tests.catalog.fakes import Rows
from tests.catalog.oracle import Oracle, to_the_millisecond
from tests.catalog.worlds import EVENTS, MOMENTS, drift_meeting, salesloft_meeting

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
    """Two sources' rows under change, and every state of the list since.

    Args:
        salesloft: What the first source holds.
        drift: What the second holds.
        wanted: The filter of the list.
        order: Its order.

    Attributes:
        states: What the list held after each change, the first state first.
    """

    def __init__(self, salesloft: Rows, drift: Rows, wanted: MeetingFilter, order: Order) -> None:
        self._rows = {Source.SALESLOFT: salesloft, Source.DRIFT: drift}
        self._wanted = wanted
        self._order = order
        self._made = 0
        self.states = [self._listed()]

    @property
    def now(self) -> Standing:
        """What the list holds."""
        return self.states[-1]

    def change(self, change: Change) -> None:
        """Lets it happen; a row that is not there changes nothing."""
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
        self.states.append(self._listed())

    def _new(self, change: Change) -> Meeting:
        """A row that was made just now."""
        self._made += 1
        ours = change.source is Source.SALESLOFT
        make = salesloft_meeting if ours else drift_meeting
        new = make(change.throws, f"{5000 + self._made}" if ours else f"new{self._made}")
        event = new.calendar_event_id or None
        return self._changed(new, raw=None, calendar_event_id=event, created_at=self._later(change.source))

    def _values(self, change: Change, row: Meeting) -> dict[str, Any]:
        """What a row is changed to."""
        if change.what is What.CANCEL:
            if row.status is MeetingStatus.CANCELED:
                return {"status": MeetingStatus.BOOKED, "canceled_at": None}
            canceled_at = MOMENTS[0] if change.source is Source.SALESLOFT else None
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
        """A time of change later than all others, as far as the source's clock tells."""
        rows = (row for each in self._rows.values() for row in each.meetings)
        times = [time for row in rows for time in (row.updated_at, row.created_at) if time is not None]
        later = max(times, default=MOMENTS[0]) + dt.timedelta(seconds=1)
        return to_the_millisecond(later) if source is Source.DRIFT else later

    def _listed(self) -> Standing:
        oracle = Oracle(self._rows[Source.SALESLOFT], self._rows[Source.DRIFT])
        return {shown.key: shown.own for shown in oracle.listed(self._wanted, self._order)}


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
