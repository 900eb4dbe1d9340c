"""The state of each meeting that has changed, now and before, loaded once for all who read the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
from cachetools import LRUCache

from gateway.catalog.answer import Joined
from gateway.catalog.changes import Shown, shown
from gateway.live.log import Position
from gateway.model.records import Meeting, Ref
from gateway.request import Priority, Request

MOST_STATES = 10_000
"""Meetings whose last state is remembered, to know whether a filter matched them before."""

Place: TypeAlias = tuple[Ref, Position]
"""A meeting at an entry of the log."""


class State(msgspec.Struct, frozen=True):
    """A meeting at a change.

    Attributes:
        now: As it is; None where it does not exist.
        before: As it was at the change before; None where it did not exist or is not known.
        known: Whether the state before is known.
    """

    now: Shown | None
    before: Shown | None
    known: bool


class States:
    """The states of meetings at entries of the log.

    Args:
        joined: The sources.
        request: Makes a request for loading them.
    """

    def __init__(self, joined: Joined, request: Callable[[Priority], Request]) -> None:
        self.joined = joined
        self.request = request
        self._last: LRUCache[Ref, tuple[Position, Shown | None]] = LRUCache(MOST_STATES)
        self._states: LRUCache[Place, State] = LRUCache(MOST_STATES)
        self._lock = asyncio.Lock()

    def loaded(self, places: Sequence[Place]) -> Mapping[Place, State] | None:
        """The states that are loaded; None where one of them is not."""
        found = {place: state for place in places if (state := self._states.get(place)) is not None}
        return found if len(found) == len(places) else None

    async def load(self, places: Sequence[Place]) -> Mapping[Place, State]:
        """The states, loaded where they are not yet.

        Raises:
            GatewayError: Some meeting could not be loaded.
        """
        async with self._lock:
            found = {place: state for place in places if (state := self._states.get(place)) is not None}
            unknown = [place for place in places if place not in found]
            if unknown:  # and more than are cached, it may be
                found |= await self._load(unknown)
            return found

    async def _load(self, places: Sequence[Place]) -> dict[Place, State]:
        request = self.request(Priority.INTERACTIVE)
        try:
            seen = await self._shown(request, list(dict.fromkeys(ref for ref, _ in places)))
        finally:
            await request.close()
        loaded: dict[Place, State] = {}
        for ref, position in places:
            last = self._last.get(ref)
            known = last is not None and last[0] < position
            now = seen.get(ref)
            loaded[ref, position] = State(now, last[1] if last is not None and known else None, known)
            if last is None or known:
                self._last[ref] = position, now
        self._states.update(loaded)
        return loaded

    async def _shown(self, request: Request, refs: Sequence[Ref]) -> dict[Ref, Shown]:
        rows: list[Meeting] = []
        for source, port in self.joined.ports.items():
            ids = [ref.id for ref in refs if ref.source is source]
            if ids and port.meetings is not None:
                found = await port.meetings.by_ids(request, ids)
                for failure in found.failures.values():
                    raise failure
                rows += found.rows
        return await shown(self.joined, request, rows)
