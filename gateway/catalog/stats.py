"""Meetings counted: in all, and in groups. Pure.

Meetings are given as they are shown: each event once, with what its twins fill in.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from gateway.errors import GatewayError
from gateway.model.order import RANK, id_key
from gateway.model.records import Meeting, MeetingStatus, Ref, Source
from gateway.model.stats import LinkedRecord, MeetingCounts, MeetingGroup, MeetingStatsGroup
from gateway.model.time_zones import date_in, day_begins

PERIODS = frozenset({MeetingGroup.DAY, MeetingGroup.WEEK, MeetingGroup.MONTH})
"""Groups by when a meeting starts; no two of them go together, since a week may lie in two months."""

LINKS = (MeetingGroup.OWNER, MeetingGroup.BOOKED_BY, MeetingGroup.ACCOUNT, MeetingGroup.CADENCE)
"""Groups by a record that a meeting refers to; each is an attribute of it."""

Linked: TypeAlias = Mapping[Ref, LinkedRecord | GatewayError | None]
"""The records that references lead to, or why one could not be loaded. A missing one is None."""

Key: TypeAlias = Source | MeetingStatus | Ref | dt.date | None
"""What the meetings of a group have in common in one respect; None where they lack it."""

STATUSES = {status: place for place, status in enumerate(MeetingStatus)}
FIELDS = [status.value.lower() for status in STATUSES]
"""Where `MeetingCounts` has the number of each."""
MINUTE = dt.timedelta(minutes=1)


class Tally:
    """Counts meetings one by one.

    Args:
        now: The time; what starts later has not started.
        tells_no_show: The sources whose meetings tell no-shows.
    """

    __slots__ = ("_held", "_leads", "_missed", "_now", "_statuses", "_tells_no_show")

    def __init__(self, now: dt.datetime, tells_no_show: Collection[Source]) -> None:
        self._now = now
        self._tells_no_show = tells_no_show
        self._statuses = [0] * len(STATUSES)
        self._held = 0
        self._missed = 0
        self._leads: list[dt.timedelta] = []

    def add(self, meeting: Meeting) -> None:
        """Counts a meeting."""
        status, start = meeting.status, meeting.start_time
        self._statuses[STATUSES[status]] += 1
        if start is None:
            return
        if start <= self._now and status is not MeetingStatus.CANCELED and meeting.source in self._tells_no_show:
            self._held += 1
            self._missed += status is MeetingStatus.NO_SHOW
        if meeting.created_at is not None:
            self._leads.append(start - meeting.created_at)

    def counts(self) -> MeetingCounts:
        """What was counted."""
        statuses = self._statuses
        meetings, canceled = sum(statuses), statuses[STATUSES[MeetingStatus.CANCELED]]
        return MeetingCounts(
            meetings=meetings,
            **dict(zip(FIELDS, statuses, strict=True)),
            no_show_rate=self._missed / self._held if self._held else None,
            cancellation_rate=canceled / meetings if meetings else None,
            median_lead_minutes=_median(self._leads),
        )


def _median(leads: list[dt.timedelta]) -> float | None:
    """The median in minutes; `statistics.median` takes twice as long, for every group."""
    if not leads:
        return None
    leads.sort()
    middle = len(leads) // 2
    both = leads[middle] + leads[middle if len(leads) % 2 else middle - 1]
    return both / MINUTE / 2


def references(rows: Iterable[Meeting], group: MeetingGroup) -> list[Ref]:
    """The records that meetings refer to in one respect, each once."""
    found = (getattr(row, group.value) for row in rows)
    return [*dict.fromkeys(ref for ref in found if ref is not None)]


def count(rows: Iterable[Meeting], now: dt.datetime, tells_no_show: Collection[Source]) -> MeetingCounts:
    """All the meetings, counted; see `Tally`."""
    tally = Tally(now, tells_no_show)
    for row in rows:
        tally.add(row)
    return tally.counts()


def grouped(
    rows: Iterable[Meeting],
    by: Sequence[MeetingGroup],
    *,
    zone: dt.tzinfo,
    linked: Mapping[MeetingGroup, Linked],
    now: dt.datetime,
    tells_no_show: Collection[Source],
) -> list[MeetingStatsGroup]:
    """The meetings in groups, in the order of the groups' keys, the first one's first.

    Periods go by time, records by name, then id; sources and statuses as their enums have them. A group without a key
    comes last.

    Args:
        rows: The meetings.
        by: What to group by; each once, and one period at most.
        zone: Where calendar days are reckoned.
        linked: For each of `LINKS` that is grouped by, the records that the meetings refer to.
        now: See `Tally`.
        tells_no_show: See `Tally`.
    """
    keys_of = [_key_of(group, zone, linked.get(group, {})) for group in by]
    tallies: dict[tuple[Key, ...], Tally] = {}
    for row in rows:
        keys = tuple([key_of(row) for key_of in keys_of])
        tally = tallies.get(keys)
        if tally is None:
            tally = tallies[keys] = Tally(now, tells_no_show)
        tally.add(row)
    records = {group: _by_key(each) for group, each in linked.items()}

    @functools.cache
    def part(group: MeetingGroup, key: Key) -> KeyPart:
        return _part(group, key, zone, records.get(group, {}))

    parts = {keys: [*map(part, by, keys)] for keys in tallies}
    ordered = sorted(tallies, key=lambda keys: [each.place for each in parts[keys]])
    return [_group(parts[keys], tallies[keys].counts()) for keys in ordered]


class KeyPart(NamedTuple):
    """What one key adds to the groups that have it.

    Attributes:
        place: Where they stand by it.
        values: What they show of it.
        errors: Why they cannot.
    """

    place: tuple[object, ...]
    values: Mapping[str, object]
    errors: Mapping[str, GatewayError]


def _key_of(group: MeetingGroup, zone: dt.tzinfo, linked: Linked) -> Callable[[Meeting], Key]:
    if group is MeetingGroup.SOURCE:
        return lambda meeting: meeting.source
    if group is MeetingGroup.STATUS:
        return lambda meeting: meeting.status
    if group in PERIODS:
        return lambda meeting: _period(meeting, group, zone)
    keys: dict[Ref | None, Ref | None] = {ref: _key(ref, found) for ref, found in linked.items()}
    name = group.value
    return lambda meeting: keys.get(getattr(meeting, name))


def _key(ref: Ref, found: LinkedRecord | GatewayError | None) -> Ref | None:
    """What a record is known by, whichever reference leads to it; one that cannot be loaded, by the reference."""
    if isinstance(found, GatewayError):
        return ref
    return None if found is None else Ref(found.source, ref.kind, found.source_id)


def _by_key(linked: Linked) -> Mapping[Key, LinkedRecord | GatewayError]:
    return {_key(ref, found): found for ref, found in linked.items() if found is not None}


def _period(meeting: Meeting, group: MeetingGroup, zone: dt.tzinfo) -> dt.date | None:
    """The first day of the period that a meeting starts in; an all-day one starts on its date, wherever one is."""
    start = meeting.start_time
    if start is None:
        return None
    day = start.date() if meeting.all_day else date_in(start, zone)
    if group is MeetingGroup.WEEK:
        return dt.date.fromordinal(max(day.toordinal() - day.weekday(), dt.date.min.toordinal()))
    return day.replace(day=1) if group is MeetingGroup.MONTH else day


def _place(key: Key, records: Mapping[Key, LinkedRecord | GatewayError]) -> tuple[object, ...]:
    if key is None:
        return (1,)
    if isinstance(key, dt.date):
        return 0, key
    if isinstance(key, Source):
        return 0, RANK[key]
    if isinstance(key, MeetingStatus):
        return 0, STATUSES[key]
    found = records[key]
    name = None if isinstance(found, GatewayError) else found.name
    return 0, name is None, (name or "").casefold(), RANK[key.source], *id_key(key.id)


def _part(
    group: MeetingGroup, key: Key, zone: dt.tzinfo, records: Mapping[Key, LinkedRecord | GatewayError]
) -> KeyPart:
    place = _place(key, records)
    if key is None:
        return KeyPart(place, {}, {})
    if isinstance(key, dt.date):
        return KeyPart(place, {"since": _begins(key, zone), "until": _begins(_next(key, group), zone)}, {})
    found = records[key] if isinstance(key, Ref) else key
    if isinstance(found, GatewayError):
        return KeyPart(place, {}, {group.value: found})
    return KeyPart(place, {group.value: found}, {})


def _group(parts: Iterable[KeyPart], counts: MeetingCounts) -> MeetingStatsGroup:
    values: dict[str, object] = {}
    errors: dict[str, GatewayError] = {}
    for part in parts:
        values |= part.values
        errors |= part.errors
    return MeetingStatsGroup(counts=counts, errors=errors, **values)  # type: ignore[arg-type]  # by name


def _next(day: dt.date, group: MeetingGroup) -> dt.date | None:
    """The first day of the period after the one that begins on a day; None at the end of the calendar."""
    days = {MeetingGroup.DAY: 1, MeetingGroup.WEEK: 7}.get(group, 32)
    try:
        after = day + dt.timedelta(days=days)
    except OverflowError:
        return None
    return after.replace(day=1) if group is MeetingGroup.MONTH else after


def _begins(day: dt.date | None, zone: dt.tzinfo) -> dt.datetime | None:
    try:
        return None if day is None else day_begins(day, zone)
    except OverflowError:
        return None
