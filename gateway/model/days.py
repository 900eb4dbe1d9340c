"""Meetings that go on in a range of time, or on calendar days; pure.

A source is asked for starts alone: those from a day before the range on. What started earlier is not found, whatever
source it is of, so that a list does not depend on what was asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from gateway.model.conditions import Check, DaySpan, TimeRange
from gateway.model.records import Meeting

BEFORE = dt.timedelta(days=1)
"""How long before a range a meeting may start that is found in it."""

MICROSECOND = dt.timedelta(microseconds=1)


def starts_of_overlap(wanted: TimeRange) -> TimeRange:
    """The start times of meetings that may go on in a range."""
    return TimeRange(gt=_before(wanted.gt), gte=_before(wanted.gte), lt=wanted.lt, lte=wanted.lte)


def overlapping(wanted: TimeRange | None) -> Check | None:
    """Whether a meeting goes on at any moment of a range; one without an end is a moment."""
    if wanted is None or not wanted.bounded:
        return None
    starts = starts_of_overlap(wanted)
    after = TimeRange(gt=wanted.gt, gte=wanted.gte)
    ends = TimeRange(gt=max((bound for bound in (wanted.gt, wanted.gte) if bound is not None), default=None))

    def holds(meeting: Meeting) -> bool:
        start, end = meeting.start_time, meeting.end_time
        if start is None or not starts.admits(start):
            return False
        return after.admits(start) or (end is not None and ends.admits(end))

    return holds


def starts_of_days(wanted: DaySpan) -> TimeRange:
    """The start times of meetings that may touch some days: an all-day one starts at midnight in UTC."""
    return TimeRange(
        gte=_clipped(lambda: min(wanted.begins, _midnight(wanted.first)) - BEFORE),
        lt=_clipped(lambda: max(wanted.ends, _midnight(wanted.last) + dt.timedelta(days=1))),
    )


def touching(wanted: DaySpan | None) -> Check | None:
    """Whether a meeting touches some days: an all-day one by its dates, any other by its times in their zone."""
    if wanted is None:
        return None
    first, last = wanted.first, wanted.last
    earliest = first if first == dt.date.min else first - BEFORE
    overlaps = overlapping(TimeRange(gte=wanted.begins, lt=wanted.ends))
    assert overlaps is not None  # it has bounds

    def holds(meeting: Meeting) -> bool:
        start, end = meeting.start_time, meeting.end_time
        if start is None or not meeting.all_day:
            return overlaps(meeting)
        until = start.date() if end is None or end <= start else (end - MICROSECOND).date()  # it ends at a midnight
        return earliest <= start.date() <= last and until >= first

    return holds


def _before(bound: dt.datetime | None) -> dt.datetime | None:
    return None if bound is None else _clipped(lambda: bound - BEFORE)


def _clipped(make: Callable[[], dt.datetime]) -> dt.datetime | None:
    """An instant; None, which is no bound, beyond the calendar."""
    try:
        return make()
    except OverflowError:
        return None


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
