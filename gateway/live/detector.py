"""What has changed: records that were read again, compared with what was last seen of them.

A record that changes, or goes, may have been part of another meeting, or have held others; it may be so now. All those
are looked at again, and what is shown under another id than before is logged as gone under the old one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway.catalog.answer import Joined
from gateway.catalog.changes import Shown, of_same_events, shown
from gateway.catalog.events import meeting_ref
from gateway.live.log import Change, ChangeLog
from gateway.live.versions import EventKeys, Place, Version, Versions, digest_of, is_canceled
from gateway.model.changes import ChangeKind
from gateway.model.order import micros
from gateway.model.records import Kind, Meeting, Ref, Source
from gateway.request import Clock, Request

GONE, UNREAD = "", "?"
"""The digests of what does not exist, and of what was not looked at."""

OUT_OF_WINDOW = dt.timedelta(days=1)
"""Before a window's edge, within which a record that is missing has not gone but moved out of it."""


class Detector:
    """Compares records with what was last seen of them, and logs what is new.

    Args:
        joined: The sources.
        log: Where changes go.
        versions: What was last seen.
        clock: The time.
    """

    def __init__(self, joined: Joined, log: ChangeLog, versions: Versions, clock: Clock) -> None:
        self._joined = joined
        self._log = log
        self._versions = versions
        self._clock = clock

    async def compare(
        self,
        request: Request,
        rows: Sequence[Meeting],
        missing: Sequence[Ref] = (),
        *,
        as_of: float,
        before: Mapping[Ref, EventKeys] | None = None,
    ) -> list[Change]:
        """Logs what has changed of some records.

        Args:
            request: What looking up the others of their events is done for.
            rows: The records as they are now.
            missing: Those that do not exist any more.
            as_of: When they were read, in seconds since 1970.
            before: The events that they had, where they are known otherwise than by the last version.

        Returns:
            The changes; none where the log cannot be written to, so that they are found again.
        """
        digests = {meeting_ref(row): digest_of(row) for row in rows}
        known = await self._versions.get([*digests, *missing])
        new = {ref: row for row in rows if _differs(known.get(ref := meeting_ref(row)), digests[ref])}
        gone = [ref for ref in missing if _differs(known.get(ref), GONE)]
        if not new and not gone:
            return []
        events = {ref: version.event for ref, version in known.items()} | dict(before or {})
        former = [
            event.record(ref)
            for ref, event in events.items()
            if ref in gone or (ref in new and event != EventKeys.of(new[ref]))
        ]
        others = await of_same_events(self._joined, request, former)
        affected = {**{ref: row for ref, row in others.items() if ref not in gone}, **new}
        seen = await shown(self._joined, request, affected.values())
        parts = _parts(seen)
        holders = {meeting_ref(each.meeting): each.meeting for each in seen.values()}
        known |= await self._versions.get([ref for ref in (*affected, *parts, *holders) if ref not in known])
        gained = [row for ref, (row, meeting) in parts.items() if ref not in known or known[ref].meeting != meeting]
        rivals = await of_same_events(self._joined, request, gained)  # what they may have been part of
        apart = [row for ref, row in rivals.items() if ref not in seen and ref not in parts]
        seen |= await shown(self._joined, request, apart) if apart else {}
        moved = {ref for ref, row in new.items() if _moved(row, events.get(ref), as_of)}
        before_look = {ref: known[ref].event if ref in known else None for ref in holders if ref not in new}
        moved |= {ref for ref, event in before_look.items() if _moved(holders[ref], event, as_of)}
        changes = _Changes(as_of, known, moved)
        for ref in gone:
            changes.gone(ref)
        for ref, each in seen.items():
            changes.add(ref, each, changed=ref in new)
        if not await self._log.append(changes.in_order):
            return []
        shown_as = {ref: meeting_ref(each.meeting) for ref, each in seen.items()}
        shown_as |= {ref: meeting for ref, (_, meeting) in _parts(seen).items()}
        await self._versions.put(
            {
                **{
                    ref: version
                    for ref, meeting in shown_as.items()
                    if ref not in new and (version := changes.elsewhere(ref, meeting)) is not None
                },
                **{ref: _version(seen[ref], digests[ref]) for ref in new},
                **{ref: Version(digest=GONE) for ref in gone},
            }
        )
        return changes.in_order

    async def learn(self, rows: Sequence[Meeting], before: int | None = None) -> None:
        """Remembers records of which nothing is known, without logging them: they are seen for the first time.

        Args:
            rows: The records.
            before: Only those that changed last before that, in microseconds since 1970; all of them where not given.
        """
        if before is not None:
            rows = [row for row in rows if row.updated_at is not None and micros(row.updated_at) < before]
        versions = {
            meeting_ref(row): Version(digest=digest_of(row), event=EventKeys.of(row), canceled=is_canceled(row))
            for row in rows
        }
        known = await self._versions.get(list(versions))
        await self._versions.put({ref: version for ref, version in versions.items() if ref not in known})

    async def compare_window(
        self, request: Request, source: Source, rows: Sequence[Meeting], *, as_of: float
    ) -> list[Change]:
        """Logs what has changed of a source that can only be read whole; the first look logs nothing."""
        before = await self._versions.place(source)
        now = {row.source_id: (digest_of(row), EventKeys.of(row)) for row in rows}
        place = Place(looked_at=self._clock.time(), rows=now)
        if before is None:
            await self._versions.put_place(source, place)
            return []
        edge = self._edge(source)
        changed = [row for row in rows if before.rows.get(row.source_id, (None,))[0] != now[row.source_id][0]]
        missing = [
            Ref(source, Kind.MEETING, id_)
            for id_, (_, event) in before.rows.items()
            if id_ not in now and (event.start is None or edge is None or event.start > edge)
        ]
        concerned = {row.source_id for row in changed} | {ref.id for ref in missing}
        events = {Ref(source, Kind.MEETING, id_): before.rows[id_][1] for id_ in concerned if id_ in before.rows}
        changes = await self.compare(request, changed, missing, as_of=as_of, before=events)
        await self._versions.put_place(source, place)
        return changes

    def _edge(self, source: Source) -> int | None:
        """Before which a start may have moved out of a source's window, in microseconds since 1970."""
        listing = self._joined.ports[source].meetings
        reach = None if listing is None else listing.traits.reaches_back
        return None if reach is None else micros(self._joined.now() - reach + OUT_OF_WINDOW)


class _Changes:
    """What is logged of records that were read again, each meeting once.

    Args:
        as_of: When they were read, in seconds since 1970.
        known: What was last seen of them.
        moved: Those whose calendar event is another one than before, or may be.
    """

    def __init__(self, as_of: float, known: Mapping[Ref, Version], moved: Collection[Ref]) -> None:
        self._as_of = as_of
        self._known = known
        self._moved = moved
        self._by_meeting: dict[Ref, Change] = {}

    @property
    def in_order(self) -> list[Change]:
        """The changes: what is gone first, since what it was part of is logged after it."""
        return sorted(self._by_meeting.values(), key=lambda change: change.kind is not ChangeKind.GONE)

    def gone(self, ref: Ref, record: Ref | None = None) -> None:
        """A meeting is not shown any more."""
        change = Change(kind=ChangeKind.GONE, meeting=ref, record=record or ref, at=self._as_of)
        self._by_meeting.setdefault(ref, change)

    def add(self, ref: Ref, each: Shown, *, changed: bool) -> None:
        """A record is as it is now, and shown as a meeting that may be another one than before."""
        row, meeting, before = each.own, meeting_ref(each.meeting), self._known.get(ref)
        kind = ChangeKind.UPDATED
        if meeting == ref and changed:
            if is_canceled(row) and (before is None or not before.canceled):
                kind = ChangeKind.CANCELED
            elif before is None or before.digest == GONE:
                kind = ChangeKind.CREATED
        if meeting != ref:
            self._alone_before(ref, ref, meeting)
        for twin in map(meeting_ref, each.meeting.twins):
            if twin != ref:
                self._alone_before(twin, ref)
        updated_at = row.updated_at.timestamp() if changed and row.updated_at is not None else None
        change = Change(kind=kind, meeting=meeting, record=ref, at=self._as_of, updated_at=updated_at)
        if meeting not in self._by_meeting or kind is not ChangeKind.UPDATED:
            self._by_meeting[meeting] = change

    def elsewhere(self, ref: Ref, meeting: Ref) -> Version | None:
        """What is remembered of a record that is shown as some meeting, where it is known what it was shown as before.

        What it says itself was not looked at.
        """
        before = self._known.get(ref)
        if before is not None and before.meeting is not None:
            return msgspec.structs.replace(before, meeting=meeting)
        logged = self._by_meeting.get(ref)
        if logged is None or logged.kind is not ChangeKind.GONE:
            return None
        event = EventKeys() if before is None else before.event
        return Version(digest=UNREAD if before is None else before.digest, meeting=meeting, event=event)

    def _alone_before(self, ref: Ref, record: Ref, *holders: Ref) -> None:
        """A record is shown as part of another: it is gone, if it was shown by itself, or may have been."""
        before = self._known.get(ref)
        if before is not None and before.meeting is not None:
            if before.meeting == ref:
                self.gone(ref, record)
        elif any(each in self._moved for each in (record, *holders)):
            self.gone(ref, record)


LATELY = 24 * 3600.0
"""Seconds for which a record counts as new of which nothing is known."""


def _moved(row: Meeting, before: EventKeys | None, as_of: float) -> bool:
    """Whether a record's calendar event is another one than before, as far as that is known."""
    if before is not None:
        return before != EventKeys.of(row)
    return row.created_at is None or as_of - row.created_at.timestamp() < LATELY


def _differs(version: Version | None, digest: str) -> bool:
    return version is None or version.digest != digest


def _version(each: Shown, digest: str) -> Version:
    """What is remembered of a record."""
    return Version(
        digest=digest, meeting=meeting_ref(each.meeting), event=EventKeys.of(each.own), canceled=is_canceled(each.own)
    )


def _parts(seen: Mapping[Ref, Shown]) -> dict[Ref, tuple[Meeting, Ref]]:
    """The records that are shown as part of another, each with the meeting that it is part of."""
    return {
        meeting_ref(twin): (twin, meeting_ref(whole))
        for each in seen.values()
        for whole in (each.own, each.meeting)
        for twin in whole.twins
    }
