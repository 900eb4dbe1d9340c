"""From entries of the log to events of one reader: the present state of each meeting, through the reader's filter.

Readers go by their position in the log, so that a burst is not pushed at anybody: one who is slow finds several changes
of a meeting and gets one event with its last state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec

from gateway.catalog.changes import Admission, Shown
from gateway.catalog.events import meeting_ref
from gateway.live.admission import CurrentAdmission
from gateway.live.log import Change, ChangeLog, Cursor, Entry, Position, cursor_text
from gateway.live.states import Place, State, States
from gateway.live.versions import is_canceled
from gateway.model.changes import ChangeKind
from gateway.model.filters import Canceled
from gateway.model.records import Meeting, Ref, Source
from gateway.request import Priority

MOST_ENTRIES = 500
"""Entries that a reader is given at a time."""

Group: TypeAlias = tuple[Ref | None, list[Entry]]
"""A meeting, or None for a RESET, and its entries among those that were read."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a meeting, as one reader sees it.

    Attributes:
        kind: What happened.
        position: Its place in the log.
        meeting: The meeting; None for READY and RESET.
        at: When it was noticed, in seconds since 1970.
        cursor: Where to go on after it.
        row: The meeting as it is; None where it is not there to be seen.
        updated_at: When it happened, as the source has it, in seconds since 1970.
    """

    kind: ChangeKind
    position: Position
    meeting: Ref | None = None
    row: Meeting | None = None
    at: float
    cursor: str
    updated_at: float | None = None

    @property
    def created_at(self) -> float | None:
        """When the meeting was made, in seconds since 1970."""
        made = None if self.row is None else self.row.created_at
        return None if made is None else made.timestamp()

    @property
    def key(self) -> tuple[object, ...]:
        """What equal events of several readers have in common: a row is as it was at its position."""
        row = self.row
        return self.kind.value, self.cursor, None if row is None else (row.source.value, row.source_id)


class Follower:
    """One reader's way through the log.

    Args:
        log: The log.
        states: The states of meetings.
        admission: Finds out whom the reader's filter means.
        since: Where to begin; what was made before it is not reported as created.

    Attributes:
        position: The place in the log up to which everything was read.
        since: When the reader began, in seconds since 1970.
    """

    def __init__(self, log: ChangeLog, states: States, admission: CurrentAdmission, since: Cursor) -> None:
        self._log = log
        self._states = states
        self._admission = admission
        self.since = since.seconds
        self._epoch = since.epoch
        self.position = since.position

    @property
    def cursor(self) -> str:
        """Where to go on."""
        return cursor_text(self._log.cursor(self.position))

    @property
    def lost(self) -> bool:
        """Whether changes after the position may have been dropped."""
        return not self._log.holds(self._here)

    @property
    def more(self) -> bool:
        """Whether the log goes on after the position."""
        return bool(self._log.after(self.position, 1))

    @property
    def _here(self) -> Cursor:
        return msgspec.structs.replace(self._log.cursor(self.position), epoch=self._epoch)

    def from_end(self) -> Follower:
        """Another reader with the same filter, which begins where the log ends now."""
        return Follower(self._log, self._states, self._admission, self._log.end())

    def passed(self, event: Event) -> None:
        """Goes on after an event that another reader has read."""
        if event.kind is ChangeKind.RESET:
            self._epoch, self.since = self._log.end().epoch, event.at
            self.position = event.position
        else:
            self.move(event.position)

    def move(self, position: Position) -> None:
        """Goes on after a position, up to which there is no event."""
        self.position = max(self.position, position)

    def reset(self) -> Event:
        """Goes on from the end, since what lies between may have been dropped."""
        end = self._log.end()
        self.position, self._epoch, self.since = end.position, end.epoch, end.seconds
        return Event(kind=ChangeKind.RESET, position=end.position, at=end.seconds, cursor=cursor_text(end))

    async def read(self, most: int = MOST_ENTRIES) -> list[Event]:
        """The events of the entries that come next, in order; several of one meeting are joined.

        Raises:
            GatewayError: A meeting, or whom the filter means, could not be looked up; the position stays.
        """
        if self.lost:
            return [self.reset()]
        entries = self._log.after(self.position, most)
        if not entries:
            self.move(self._log.end().position)
            return []
        admission = self._admission.current or await self._find()
        groups = _groups(entries, admission.wanted.sources)
        return self._events(entries, groups, await self._states.load(_places(groups)), admission)

    def read_loaded(self, most: int = MOST_ENTRIES) -> list[Event] | None:
        """The same, where nothing has to be looked up for it; else None, and the position stays."""
        admission = self._admission.current
        if admission is None:
            return None
        if self.lost:
            return [self.reset()]
        entries = self._log.after(self.position, most)
        if not entries:
            return []
        groups = _groups(entries, admission.wanted.sources)
        states = self._states.loaded(_places(groups))
        return None if states is None else self._events(entries, groups, states, admission)

    @property
    def reads(self) -> tuple[Position, Collection[Source] | None]:
        """Where it goes on, and the sources whose meetings it sees: readers that agree in both need the same states."""
        admission = self._admission.current
        return self.position, None if admission is None else admission.wanted.sources

    def places(self, most: int = MOST_ENTRIES) -> list[Place]:
        """The meetings whose states are needed for what comes next, as far as that is known."""
        admission = self._admission.current
        if admission is None:
            return []
        return _places(_groups(self._log.after(self.position, most), admission.wanted.sources))

    def _events(
        self, entries: Sequence[Entry], groups: Sequence[Group], states: Mapping[Place, State], admission: Admission
    ) -> list[Event]:
        """The events of entries, after which the reader goes on."""
        events: list[Event] = []
        for ref, same in groups:
            last = same[-1]
            if ref is None:
                events.append(self._event(ChangeKind.RESET, None, last))
                continue
            state = states[ref, last.position]
            kinds = {entry.change.kind for entry in same}
            kind = _kind(ref, kinds, state, admission, since=self.since, joined=len(same) > 1)
            if kind is not None:
                row = None if state.now is None else admission.shown(state.now.own, state.now.meeting)
                events.append(self._event(kind, ref, last, None if kind is ChangeKind.GONE else row))
        self.position = entries[-1].position
        return events

    async def _find(self) -> Admission:
        request = self._states.request(Priority.INTERACTIVE)
        try:
            return await self._admission.find(request)
        finally:
            await request.close()

    def _event(self, kind: ChangeKind, meeting: Ref | None, entry: Entry, row: Meeting | None = None) -> Event:
        change = entry.change
        return Event(
            kind=kind,
            position=entry.position,
            meeting=meeting,
            row=row,
            at=change.at,
            cursor=cursor_text(self._log.cursor(entry.position)),
            updated_at=change.updated_at,
        )


def _groups(entries: Sequence[Entry], sources: Collection[Source] | None) -> list[Group]:
    """Entries that concern a reader who sees some sources, by meeting, in the order of each one's last."""
    found: dict[Ref | Position, list[Entry]] = {}
    for entry in entries:
        subject = _subject(entry.change, sources)
        if subject is not None or entry.change.kind is ChangeKind.RESET:
            found.setdefault(subject or entry.position, []).append(entry)
    groups: list[Group] = [(key if isinstance(key, Ref) else None, same) for key, same in found.items()]
    if len(groups) > 1:
        groups.sort(key=lambda group: group[1][-1].position)
    return groups


def _places(groups: Sequence[Group]) -> list[Place]:
    return [(ref, same[-1].position) for ref, same in groups if ref is not None]


def _subject(change: Change, sources: Collection[Source] | None) -> Ref | None:
    """The meeting of a change for a reader who sees some sources; None where the reader sees none of it."""
    for ref in (change.meeting, change.record):
        if ref is not None and (sources is None or ref.source in sources):
            return ref
    return None


def _kind(
    ref: Ref, kinds: Collection[ChangeKind], state: State, admission: Admission, *, since: float, joined: bool
) -> ChangeKind | None:
    """What changes of one meeting are to a reader; None where they do not concern the reader.

    Args:
        ref: The meeting.
        kinds: What the log has of it.
        state: How it is, and was.
        admission: The reader's filter.
        since: When the reader began, in seconds since 1970.
        joined: Whether there were several: between them the filter may have matched what it does not match now.
    """
    seen = state.now
    row = None if seen is None else admission.shown(seen.own, seen.meeting)
    if row is None or meeting_ref(row) != ref:
        return None if _was_out(state, admission, joined=joined) else ChangeKind.GONE
    just_canceled = ChangeKind.CANCELED in kinds and is_canceled(row)
    if admission.admits(row):
        if just_canceled:
            return ChangeKind.CANCELED
        created = ChangeKind.CREATED in kinds and row.created_at is not None and row.created_at.timestamp() >= since
        return ChangeKind.CREATED if created else ChangeKind.UPDATED
    if just_canceled and admission.wanted.canceled is Canceled.EXCLUDE and admission.including_canceled.admits(row):
        return ChangeKind.CANCELED
    return None if _was_out(state, admission, joined=joined) else ChangeKind.LEFT


def _was_out(state: State, admission: Admission, *, joined: bool) -> bool:
    """Whether a reader cannot have been shown a meeting before."""
    return state.known and not joined and not _admitted(state.before, admission)


def _admitted(before: Shown | None, admission: Admission) -> bool:
    """Whether a reader was shown a meeting."""
    row = None if before is None else admission.shown(before.own, before.meeting)
    return row is not None and admission.admits(row)
