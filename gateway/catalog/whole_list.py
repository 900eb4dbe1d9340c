"""Every meeting that a filter admits, read in one bounded walk: what is counted, not shown.

No order is made of the rows, so that every lane is read to its end by itself. What lies well in the past changes
little: it may be older than what is around now; see `timetable`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Iterable, Sequence

import msgspec

from gateway.catalog.answer import Joined, report_folding, search_of, skip_all
from gateway.catalog.counted_rows import CountedRows, Readings
from gateway.catalog.events import Folding, meeting_ref
from gateway.catalog.search import Search
from gateway.model.conditions import TimeRange
from gateway.model.filters import MeetingFilter
from gateway.model.identity import EventIndex
from gateway.model.order import OrderField
from gateway.model.records import Meeting, Ref, Source
from gateway.model.status import SourceReport
from gateway.request import Request

STATS_ROWS = 5_000
"""Meetings that are read at most, unless the settings say otherwise."""

EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)


class WholeList(msgspec.Struct, frozen=True):
    """All the meetings of a list, each event once, in no order; and what became of the sources."""

    rows: list[Meeting]
    reports: list[SourceReport]


def bounded_field(wanted: MeetingFilter) -> OrderField | None:
    """The time that a filter bounds on both sides."""
    return next((field for field in OrderField if bounds_of(wanted, field).closed), None)


def bounds_of(wanted: MeetingFilter, field: OrderField) -> TimeRange:
    """The range of one of its times that a filter leaves."""
    if field is OrderField.START_TIME:
        return wanted.start_range
    bounds: TimeRange | None = getattr(wanted, field.value)
    return bounds or TimeRange()


async def whole_list(
    joined: Joined, request: Request, wanted: MeetingFilter, fields: frozenset[str], most: int
) -> WholeList:
    """Every meeting of a list.

    Args:
        joined: The sources.
        request: The request.
        wanted: The filter.
        fields: Names of the fields of `Meeting` that are looked at, beside those that no twin fills in.
        most: Rows that are read at most.

    Raises:
        OperationTooCostly: There are more.
        UpstreamError: No source that was asked answered.
        DeadlineExceeded: Likewise, for the request's time is up.
    """
    reports = joined.reports(request)
    if wanted.impossible:
        skip_all(joined, reports)
        return WholeList([], reports.all())
    readings = Readings(request, joined.timetable())
    try:
        reading, looking_up = readings.near(0), readings.records(-1)
        twins = await joined.twins(reading, looking_up)
        folding = Folding(twins, fields)
        search = await search_of(joined, reading, wanted, folding, reports, people_for=looking_up)
        field = bounded_field(wanted) or OrderField.START_TIME
        whole = [port.source for port in joined.ports.values() if port.meetings and port.meetings.traits.reads_once]
        counted = CountedRows(search, field, readings, most=most, whole=whole)
        rows = await _shown(search, await counted.read(), readings)
        counted.check(len(rows))
        folded = await folding.fold(rows)
        report_folding(reports, folding, twins)
    finally:
        await readings.close()
    reports.raise_if_all_failed()
    return WholeList(folded, reports.all())


async def _shown(search: Search, rows: Sequence[Meeting], readings: Readings) -> list[Meeting]:
    """The rows without those whose event a higher source holds; others' records are looked up in several parts."""
    duplicates = _duplicates(rows, search)
    waiting = [row for row in rows if search.unsure(row.source) and meeting_ref(row) not in duplicates]
    waiting.sort(key=lambda row: (row.start_time is None, row.start_time or EPOCH, row.source_id))
    parts: list[list[Meeting]] = []
    while waiting:
        part = search.twins.fitting([], waiting, search.plan.scope) or waiting
        parts.append(part)
        waiting = waiting[len(part) :]
    answers = await asyncio.gather(
        *(
            search.twins.duplicates(part, search.plan.scope, math.inf, readings.looked_up(place))
            for place, part in enumerate(parts)
        )
    )
    for found, failures in filter(None, answers):
        duplicates |= found
        search.reports.unscreened(failures)
    return [row for row in rows if meeting_ref(row) not in duplicates]


def _duplicates(rows: Iterable[Meeting], search: Search) -> set[Ref]:
    """The rows that are duplicates of another row, of a higher source."""
    by_source: dict[Source, list[Meeting]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    duplicates: set[Ref] = set()
    for source, own in by_source.items():
        if search.unsure(source):
            higher = EventIndex(row for other in search.twins.above(source) for row in by_source.get(other, ()))
            duplicates.update(meeting_ref(row) for row in own if higher.of(row))
    return duplicates
