"""When records of two sources are one calendar event, and how they fold into one meeting.

Two records of one source are never merged. A shared iCalendar UID alone is never enough: Google gives one to a whole
series. Microsoft's event ids differ from mailbox to mailbox, so that only equal ids or a derived Google UID count.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from gateway.model.order import EPOCH, RANK, id_key, micros
from gateway.model.records import Meeting, Ref

OCCURRENCE = re.compile(r"_\d{8}(T\d{6}Z?)?$")
GOOGLE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{4,1023}")

OWN = frozenset(
    {
        *("source", "source_id", "raw", "unreadable", "twins", "sources", "unfolded", "failed"),
        *("start_time", "end_time", "all_day", "created_at", "updated_at"),
        *("status", "canceled_at", "no_show", "calendar_address"),
    }
)
"""What a folded meeting has of its own record alone: times, state, and whose calendar it was found in."""

FALLBACK = tuple(name for name in Meeting.__struct_fields__ if name not in OWN)
"""What it takes from a twin where its own record has none."""


def derived_uid(event_id: str) -> str | None:
    """The iCalendar UID of a Google event, from its id; None where the id cannot be Google's.

    A plain event's UID is its id at google.com; an occurrence's id is its series' id and `_<UTC time>`.
    """
    series = OCCURRENCE.sub("", event_id)
    return f"{series}@google.com" if GOOGLE_ID.fullmatch(series) else None


def has_event(meeting: Meeting) -> bool:
    """Whether a record bears anything that another source could know its event by."""
    return bool(meeting.calendar_event_id or meeting.i_cal_uid)


def same_start(one: Meeting, other: Meeting) -> bool:
    """Whether two meetings start together, to the millisecond, which is the coarsest clock among the sources."""
    if one.start_time is None or other.start_time is None:
        return False
    return micros(one.start_time) // 1000 == micros(other.start_time) // 1000


def same_event(one: Meeting, other: Meeting) -> bool:
    """Whether records of two sources are the same calendar event."""
    if one.source is other.source:
        return False
    if one.calendar_event_id and one.calendar_event_id == other.calendar_event_id:
        return True
    return same_start(one, other) and (_uid_of(one, other) or _uid_of(other, one))


def _uid_of(one: Meeting, other: Meeting) -> bool:
    """Whether one record's UID is the one derived from the other's event id."""
    if one.i_cal_uid is None or other.calendar_event_id is None:
        return False
    return one.i_cal_uid == derived_uid(other.calendar_event_id)


class EventIndex:
    """Meetings of one source, by what records of their events are found by."""

    def __init__(self, meetings: Iterable[Meeting] = ()) -> None:
        self._by_event: defaultdict[str, dict[str, Meeting]] = defaultdict(dict)
        self._by_uid: defaultdict[tuple[str, int], dict[str, Meeting]] = defaultdict(dict)
        self.add(meetings)

    def add(self, meetings: Iterable[Meeting]) -> None:
        """Adds meetings; one that is there already is replaced."""
        for meeting in meetings:
            if meeting.calendar_event_id:
                self._by_event[meeting.calendar_event_id][meeting.source_id] = meeting
            for key in _uid_keys(meeting):
                self._by_uid[key][meeting.source_id] = meeting

    def of(self, meeting: Meeting) -> list[Meeting]:
        """Those that are the event of a meeting of another source."""
        near = dict(self._by_event.get(meeting.calendar_event_id or "", {}))
        for key in _uid_keys(meeting):
            near |= self._by_uid.get(key, {})
        return [each for each in near.values() if same_event(meeting, each)]


def _uid_keys(meeting: Meeting) -> list[tuple[str, int]]:
    """The iCalendar UIDs that a meeting may be known by, each with its start to the millisecond."""
    start, event = meeting.start_time, meeting.calendar_event_id
    if start is None:
        return []
    uids = {meeting.i_cal_uid, None if event is None else derived_uid(event)}
    return [(uid, micros(start) // 1000) for uid in uids if uid is not None]


def contenders(twin: Meeting, holders: Iterable[Meeting]) -> list[Meeting]:
    """Those of the records holding an event that its twin may fold into: the ones with the same start, else all."""
    every = sorted(holders, key=lambda holder: (RANK[holder.source], id_key(holder.source_id)))
    best = [holder for holder in every if holder.source is every[0].source]
    return [holder for holder in best if same_start(twin, holder)] or best


def choose(rivals: Sequence[Meeting], owner: frozenset[Ref], addresses: frozenset[str] = frozenset()) -> Meeting:
    """The one contender that a twin folds into: one that its owner holds, else the lowest id.

    Args:
        rivals: The contenders.
        owner: Every reference to the twin's owner.
        addresses: Every address of theirs, folded. A record in a calendar whose id is one of them is theirs too, unless
            another one names them: Google's calendar ids are mostly their owners' addresses.
    """
    return min(
        rivals,
        key=lambda rival: (
            rival.owner not in owner,
            rival.calendar_address not in addresses,
            id_key(rival.source_id),
        ),
    )


def newest_first(twins: Iterable[Meeting]) -> list[Meeting]:
    """Twins in the order in which a folded meeting holds them: by rank of source, last change, id."""
    by_id = sorted(twins, key=lambda twin: id_key(twin.source_id))
    by_age = sorted(by_id, key=lambda twin: twin.updated_at or twin.created_at or EPOCH, reverse=True)
    return sorted(by_age, key=lambda twin: RANK[twin.source])


def fold(meeting: Meeting, twins: Iterable[Meeting]) -> Meeting:
    """The meeting with its twins folded in; what it lacks shows the value of each source's newest twin."""
    ordered = newest_first(twins)
    if not ordered:
        return meeting
    newest = [next(each) for _, each in itertools.groupby(ordered, key=lambda twin: twin.source)]
    lacking = [name for name in FALLBACK if getattr(meeting, name) is None]
    filled = {name: getattr(twin, name) for twin in reversed(newest) for name in lacking if _has(twin, name)}
    failed = {name: error for twin in reversed(newest) for name, error in twin.failed.items()}
    missing = {name: error for name, error in failed.items() if "." not in name and name in lacking}
    return msgspec.structs.replace(
        meeting,
        **filled,
        twins=tuple(ordered),
        unreadable=meeting.unreadable - filled.keys(),
        failed={name: error for name, error in {**missing, **meeting.failed}.items() if name not in filled},
    )


def shows(meeting: Meeting, twin: Meeting, fields: Iterable[str]) -> bool:
    """Whether folding a twin in could fill one of the fields."""
    return any(_has(twin, name) and not _has(meeting, name) for name in fields)


def _has(meeting: Meeting, name: str) -> bool:
    return getattr(meeting, name) is not None
