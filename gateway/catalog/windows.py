"""Lanes and look-ups out of a source that can only be had as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter

from gateway.model.identity import derived_uid, same_event
from gateway.model.order import Walk, micros
from gateway.model.records import Meeting, Source
from gateway.paging.lane import Chunk
from gateway.sources.base import Found, Ports
from gateway.upstream.request import Request


class Held:
    """A window's meetings, indexed by what their twins are found by.

    Args:
        source: The source.
        found: The window as the source answered it.
    """

    def __init__(self, source: Source, found: Found[Meeting]) -> None:
        self.source = source
        self.found = found
        self.by_id = {row.source_id: row for row in found.rows}
        self._by_event: defaultdict[str, list[Meeting]] = defaultdict(list)
        self._by_uid: defaultdict[tuple[str, int], list[Meeting]] = defaultdict(list)
        for row in found.rows:
            if row.calendar_event_id:
                self._by_event[row.calendar_event_id].append(row)
            for key in _uid_keys(row):
                self._by_uid[key].append(row)

    def twins_of(self, meeting: Meeting) -> list[Meeting]:
        """The window's records of a meeting's event."""
        near = list(self._by_event.get(meeting.calendar_event_id or "", ()))
        for key in _uid_keys(meeting):
            near += self._by_uid.get(key, ())
        unique = {row.source_id: row for row in near}
        return [row for row in unique.values() if same_event(meeting, row)]


class WindowLane:
    """Rows of a window along a walk; in memory, so that one read yields them all."""

    def __init__(self, rows: Iterable[Meeting], walk: Walk) -> None:
        order = walk.order
        placed = ((order.position(row), row) for row in rows)
        ahead = [(order.key(place), row) for place, row in placed if not (walk.passed(place) or walk.beyond(place))]
        self.rows = [row for _, row in sorted(ahead, key=itemgetter(0), reverse=walk.backward)]

    async def read(self, want: int) -> Chunk[Meeting]:  # noqa: ARG002 - a Lane's signature
        """All rows at once."""
        return Chunk(rows=self.rows, done=True)


async def held(request: Request, ports: Ports) -> Held:
    """A source's window, asked for once a request.

    Raises:
        UpstreamError: The source did not answer.
    """
    window = ports.window
    if window is None:
        raise LookupError(f"{ports.source} has no window")

    async def fetch() -> Held:
        return Held(ports.source, await window.window(request))

    return await request.once(("held", ports.source), fetch)


def _uid_keys(meeting: Meeting) -> list[tuple[str, int]]:
    """The iCalendar UIDs that a meeting may be known by, each with its start to the millisecond."""
    start, event = meeting.start_time, meeting.calendar_event_id
    if start is None:
        return []
    uids = {meeting.i_cal_uid, None if event is None else derived_uid(event)}
    return [(uid, micros(start) // 1000) for uid in uids if uid is not None]
