"""What was last seen of each record, to tell a change from a repetition."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from cachetools import LRUCache

from gateway.model.order import micros, moment
from gateway.model.records import Meeting, MeetingStatus, Ref, Source

MOST_VERSIONS = 50_000
"""Of which a process without Redis remembers the latest version; some 15 MB."""


class EventKeys(msgspec.Struct, frozen=True, array_like=True):
    """What a record's calendar event is known by.

    Attributes:
        id: The calendar's id of it.
        uid: Its iCalendar UID.
        start: When it starts, in microseconds since 1970.
    """

    id: str | None = None
    uid: str | None = None
    start: int | None = None

    @classmethod
    def of(cls, row: Meeting) -> EventKeys:
        """Those of a record."""
        return cls(row.calendar_event_id, row.i_cal_uid, None if row.start_time is None else micros(row.start_time))

    def record(self, ref: Ref) -> Meeting:
        """A record that has nothing but these, to look for those of its event by."""
        start = None if self.start is None else moment(self.start)
        return Meeting(
            source=ref.source, source_id=ref.id, calendar_event_id=self.id, i_cal_uid=self.uid, start_time=start
        )


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it was last seen, without what it says.

    Attributes:
        digest: Of what the source sent; empty where the record was gone.
        meeting: The meeting that it was shown as; None where nobody looked.
        event: What its calendar event was known by.
        canceled: Whether it was cancelled.
    """

    digest: str
    meeting: Ref | None = None
    event: EventKeys = EventKeys()
    canceled: bool = False


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source was looked at.

    Attributes:
        updated_at: The time of the latest change seen, in microseconds since 1970; None where it was not known.
        looked_at: When it was last looked at, in seconds since 1970.
        rows: Of a source that can only be read whole, the digest of every record by its id, and its event.
    """

    updated_at: int | None = None
    looked_at: float = 0.0
    rows: Mapping[str, tuple[str, EventKeys]] = {}


class Versions(Protocol):
    """What was last seen, shared by replicas or not."""

    async def get(self, refs: Sequence[Ref]) -> dict[Ref, Version]:
        """The versions of those records that were seen within a day."""
        ...

    async def put(self, versions: Mapping[Ref, Version]) -> None:
        """Remembers versions."""
        ...

    async def place(self, source: Source) -> Place | None:
        """How far a source was looked at."""
        ...

    async def put_place(self, source: Source, place: Place) -> None:
        """Remembers that."""
        ...


class MemoryVersions:
    """The same in this process's memory, those that were seen last."""

    def __init__(self, most: int = MOST_VERSIONS) -> None:
        self._versions: LRUCache[Ref, Version] = LRUCache(most)
        self._places: dict[Source, Place] = {}

    async def get(self, refs: Sequence[Ref]) -> dict[Ref, Version]:
        """The versions of those records that were seen."""
        return {ref: version for ref in refs if (version := self._versions.get(ref)) is not None}

    async def put(self, versions: Mapping[Ref, Version]) -> None:
        """Remembers versions."""
        self._versions.update(versions)

    async def place(self, source: Source) -> Place | None:
        """How far a source was looked at."""
        return self._places.get(source)

    async def put_place(self, source: Source, place: Place) -> None:
        """Remembers that."""
        self._places[source] = place


def digest_of(row: Meeting) -> str:
    """Distinguishes two versions of a record: by what the source sent, else by what was read of it."""
    sent = row.raw if isinstance(row.raw, msgspec.Struct) else msgspec.structs.replace(row, raw=None, unfolded=None)
    try:
        data = msgspec.msgpack.encode(sent, enc_hook=repr, order="sorted")
    except Exception:  # noqa: BLE001 - a value that cannot be encoded (half a surrogate pair) can still be compared
        data = ascii(sent).encode()
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def is_canceled(row: Meeting) -> bool:
    """Whether a meeting is cancelled."""
    return row.status is MeetingStatus.CANCELED
