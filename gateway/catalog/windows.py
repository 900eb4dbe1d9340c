"""Lanes and look-ups out of a source that can only be had as a whole."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

from gateway.model.identity import derived_uid, same_event
from gateway.model.order import Order, SortKey, Walk, micros
from gateway.model.records import Meeting, Source
from gateway.paging.merge import Chunk
from gateway.sources.base import Found, Ports
from gateway.upstream.request import Request

AHEAD = 256
"""Rows that a read of a window goes further than was asked: enough to fill up a look-up of what comes next."""


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
        self._keys: dict[Order, dict[str, SortKey]] = {}
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

    def keys(self, order: Order) -> Mapping[str, SortKey]:
        """What each of its rows is ordered by, by id."""
        known = self._keys.get(order)
        if known is None:
            known = {row.source_id: order.key(order.position(row)) for row in self.found.rows}
            self._keys[order] = known
        return known


class WindowLane:
    """Rows of a window along a walk, and those that they bring in. They are in memory, so that reads go far ahead.

    Args:
        rows: The rows, in no order.
        walk: The walk.
        held: The window.
    """

    def __init__(self, rows: Iterable[Meeting], walk: Walk, held: Held | None = None) -> None:
        order = walk.order
        known = {} if held is None else held.keys(order)
        keyed: list[tuple[SortKey, Meeting]] = []
        for row in rows:
            key = known.get(row.source_id) if held is not None and row.source is held.source else None
            keyed.append((key or order.key(order.position(row)), row))
        ahead = sorted(filter(_ahead(walk), keyed), key=itemgetter(0), reverse=walk.backward)
        self._rows = deque(row for _, row in ahead)
        self._place = order.position

    async def read(self, want: int) -> Chunk[Meeting]:
        """The next rows, far more than wanted."""
        rows = [self._rows.popleft() for _ in range(min(len(self._rows), want + AHEAD))]
        if not self._rows:
            return Chunk(rows=rows, done=True)
        return Chunk(rows=rows, frontier=self._place(rows[-1]), more=True)


def _ahead(walk: Walk) -> Callable[[tuple[SortKey, Meeting]], bool]:
    """Whether a row, with its key, lies after a walk's start and before its stop; see `Walk.passed`, `Walk.beyond`."""
    start = None if walk.start is None else walk.order.key(walk.start)
    stop = None if walk.stop is None else walk.order.key(walk.stop)

    def forward(keyed: tuple[SortKey, Meeting]) -> bool:
        key = keyed[0]
        begun = start is None or start < key or (walk.included and key == start)
        return begun and (stop is None or key < stop)

    def backward(keyed: tuple[SortKey, Meeting]) -> bool:
        key = keyed[0]
        begun = start is None or key < start or (walk.included and key == start)
        return begun and (stop is None or stop < key)

    return backward if walk.backward else forward


async def held(request: Request, ports: Ports) -> Held:
    """A source's window, asked for once a request; indexed once for as long as it is kept.

    Raises:
        UpstreamError: The source did not answer.
    """
    window = ports.window
    if window is None:
        raise LookupError(f"{ports.source} has no window")

    async def fetch() -> Held:
        found = await window.window(request)
        return ports.derived.of(found.rows, lambda _: Held(ports.source, found))

    return await request.once(("held", ports.source), fetch)


def _uid_keys(meeting: Meeting) -> list[tuple[str, int]]:
    """The iCalendar UIDs that a meeting may be known by, each with its start to the millisecond."""
    start, event = meeting.start_time, meeting.calendar_event_id
    if start is None:
        return []
    uids = {meeting.i_cal_uid, None if event is None else derived_uid(event)}
    return [(uid, micros(start) // 1000) for uid in uids if uid is not None]
