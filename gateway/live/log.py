"""The log of changes: bounded in number and in age, read by position.

An entry holds ids, a kind and times, and nothing of what a record says: a reader of the log loads the record itself,
with the scopes of the client.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import bisect
import secrets
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

import msgspec

from gateway.model.changes import ChangeKind
from gateway.model.records import Ref
from gateway.request import Clock

VERSION = 1
"""Of cursors."""

LONGEST_CURSOR = 200
"""Characters; ours have about 50."""

OLDEST = 24 * 3600.0
"""Seconds after which an entry is dropped."""


class Position(NamedTuple):
    """A place in the log: milliseconds since 1970, and a number within them. Positions only grow."""

    milliseconds: int
    number: int


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A position in one log.

    Attributes:
        version: Of this layout.
        epoch: Which log it is: another process's memory, or a Redis that has lost its data, begins another one.
        milliseconds: See `Position`.
        number: See `Position`.
    """

    version: int
    epoch: str
    milliseconds: int
    number: int

    @property
    def position(self) -> Position:
        """Its position."""
        return Position(self.milliseconds, self.number)

    @property
    def seconds(self) -> float:
        """When that was, in seconds since 1970."""
        return self.milliseconds / 1000


class MalformedChangeCursor(ValueError):
    """Text that is not a cursor of a log; the message says why."""


_decoder = msgspec.json.Decoder(Cursor)


def cursor_text(cursor: Cursor) -> str:
    """A cursor as clients are given it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def cursor_of(text: str) -> Cursor:
    """The cursor that `cursor_text` made the text of.

    Raises:
        MalformedCursor: The text is not one of ours.
    """
    if len(text) > LONGEST_CURSOR:
        raise MalformedChangeCursor("is not a cursor of a change")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = _decoder.decode(data)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise MalformedChangeCursor("is not a cursor of a change") from error
    if cursor.version != VERSION:
        raise MalformedChangeCursor(f"is a cursor of version {cursor.version}; this gateway reads version {VERSION}")
    if cursor.milliseconds < 0 or cursor.number < 0:
        raise MalformedChangeCursor("is not a cursor of a change")
    return cursor


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one meeting.

    Attributes:
        kind: CREATED, UPDATED, CANCELED or GONE; RESET where changes of a source may have been missed.
        meeting: The meeting, by the id that it is shown under; None for RESET.
        record: The record that changed: the meeting's own, or one that is folded into it.
        at: When the gateway noticed, in seconds since 1970.
        updated_at: When it happened, as the source has it, in seconds since 1970.
    """

    kind: ChangeKind
    meeting: Ref | None = None
    record: Ref | None = None
    at: float
    updated_at: float | None = None


class Entry(msgspec.Struct, frozen=True):
    """A change and its place in the log."""

    position: Position
    change: Change


class ChangeLog(Protocol):
    """A log of changes, shared by replicas or not.

    Attributes:
        watchers: Called with each entry before anybody who waits for it.
    """

    watchers: list[Callable[[Entry], object]]

    async def append(self, changes: Sequence[Change]) -> bool:
        """Adds changes at the end; whether that was possible."""
        ...

    async def refresh(self) -> None:
        """Learns what others have added up to now."""
        ...

    def end(self) -> Cursor:
        """The place after everything that is known."""
        ...

    def cursor(self, position: Position) -> Cursor:
        """A position of this log as a cursor."""
        ...

    def holds(self, cursor: Cursor) -> bool:
        """Whether every change after a cursor is still known."""
        ...

    def after(self, position: Position, most: int) -> Sequence[Entry]:
        """The entries after a position, the oldest first."""
        ...

    async def moved(self, cursor: Cursor) -> None:
        """Waits until there is an entry after a cursor, or another log than the cursor's has begun."""
        ...


class MemoryLog:
    """A log in this process's memory.

    Args:
        most: Entries that it holds.
        clock: The time.

    Attributes:
        watchers: Called with each entry before anybody who waits for it.
    """

    def __init__(self, most: int, clock: Clock) -> None:
        self.watchers: list[Callable[[Entry], object]] = []
        self._most = most
        self._clock = clock
        self._entries: list[Entry] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self.begin(_new_epoch(), self.now())

    @property
    def epoch(self) -> str:
        """Which log this is."""
        return self._epoch

    def now(self) -> Position:
        """The position of this moment."""
        return Position(int(self._clock.time() * 1000), 0)

    def begin(self, epoch: str, position: Position) -> None:
        """Begins another log: cursors of the one before are too old."""
        self._epoch = epoch
        self._floor = self._end = position
        self._entries.clear()
        self._wake()

    async def append(self, changes: Sequence[Change]) -> bool:
        """Adds changes at the end."""
        for change in changes:
            now = self.now()
            self.add(Entry(now if now > self._end else Position(self._end[0], self._end[1] + 1), change))
        return True

    def add(self, entry: Entry) -> None:
        """Adds an entry that has its position already; one that is known is left out."""
        if entry.position <= self._end:
            return
        self._entries.append(entry)
        self._end = entry.position
        self._trim()
        for watcher in self.watchers:
            watcher(entry)
        self._wake()

    async def refresh(self) -> None:
        """Does nothing: nobody else adds to this log."""

    def end(self) -> Cursor:
        """The place after everything that is known."""
        return self.cursor(self._end)

    def cursor(self, position: Position) -> Cursor:
        """A position of this log as a cursor."""
        return Cursor(VERSION, self._epoch, *position)

    def holds(self, cursor: Cursor) -> bool:
        """Whether every change after a cursor is still known; of a place that is not reached yet nothing is."""
        self._trim()
        return cursor.epoch == self._epoch and self._floor <= cursor.position <= self._end

    def after(self, position: Position, most: int) -> Sequence[Entry]:
        """The entries after a position, the oldest first."""
        start = bisect.bisect_right(self._entries, position, key=attrgetter("position"))
        return self._entries[start : start + most]

    async def moved(self, cursor: Cursor) -> None:
        """Waits until there is an entry after a cursor, or another log than the cursor's has begun."""
        while cursor.epoch == self._epoch and self._end <= cursor.position:
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(woken)
            try:
                await woken
            finally:
                self._waiting.discard(woken)

    def __len__(self) -> int:
        return len(self._entries)

    def _trim(self) -> None:
        """Drops what is too much, and what is too old."""
        oldest = int((self._clock.time() - OLDEST) * 1000)
        over = max(0, len(self._entries) - self._most)
        while over < len(self._entries) and self._entries[over].position.milliseconds < oldest:
            over += 1
        if over:
            self._floor = self._entries[over - 1].position
            del self._entries[:over]

    def _wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)


def _new_epoch() -> str:
    return secrets.token_urlsafe(6)
