"""Changes of meetings, as they are reported one by one or a page at a time."""

from __future__ import annotations

import datetime as dt

import msgspec
import strawberry

from gateway.graph.enums import ChangeKind
from gateway.graph.fields import face_of, field
from gateway.graph.ids import global_id
from gateway.graph.types.meeting import Meeting
from gateway.live.follower import Event
from gateway.model.records import Meeting as MeetingRow


class ChangeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A change, as its fields are read."""

    kind: object
    meeting_id: str | None
    meeting: MeetingRow | None
    at: dt.datetime
    cursor: str


class ChangePageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A page of changes, as its fields are read."""

    changes: list[ChangeRecord]
    cursor: str
    more: bool


def change_record(event: Event) -> ChangeRecord:
    """An event of the log as a change of the graph."""
    ref = event.meeting
    return ChangeRecord(
        kind=event.kind,
        meeting_id=None if ref is None else global_id(ref.kind, ref.source, ref.id),
        meeting=event.row,
        at=dt.datetime.fromtimestamp(event.at, dt.UTC),
        cursor=event.cursor,
    )


@strawberry.type(description="What happened to one meeting, or to the log of changes itself.")
@face_of(ChangeRecord)
class MeetingChange:
    kind: ChangeKind = field("What happened.")
    meeting_id: strawberry.ID | None = field(
        "The meeting's global id; null for READY and RESET. It is not named `id`, since a client "
        "that caches records by `id` would mistake the change for the meeting."
    )
    meeting: Meeting | None = field("The meeting as it is now; null if it is gone, and for READY and RESET.")
    at: dt.datetime = field("When the gateway noticed the change.")
    cursor: str = field("The position after this change. Pass it as `since` to get later changes.")


@strawberry.type(description="A page of the log of changes, oldest first.")
@face_of(ChangePageRecord)
class MeetingChangePage:
    changes: list[MeetingChange] = field(
        "The changes. If a meeting changed several times, only the last change is returned."
    )
    cursor: str = field("The position to continue from, as the next `since`. It is set even if there are no changes.")
    more: bool = field("Whether more changes are available now.")
