"""Folds twins into the meetings that are about to be shown, where the fields selected can tell the difference."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from gateway.catalog.twins import Twins
from gateway.catalog.windows import Held
from gateway.errors import GatewayError
from gateway.model.identity import FALLBACK, shows
from gateway.model.records import Meeting, Source

TWIN_FIELDS = frozenset({"alternate_ids", *(source.value.lower() for source in Source)})
"""Fields that only a twin can fill."""
SOURCES = "sources"


class Folding:
    """Folding for one selection of fields in one request.

    Args:
        twins: Who holds which event, whichever sources a filter asks: a meeting's fields depend on its id alone.
        fields: Names of the fields of `Meeting` that are selected.

    Attributes:
        unscreened: Sources that rows could not be looked up in.
        unread: Sources whose windows could not be had.
    """

    def __init__(self, twins: Twins, fields: frozenset[str]) -> None:
        self._twins = twins
        self._fields = fields
        self._fallback = fields.intersection(FALLBACK) - twins.blank
        self.unscreened: dict[Source, GatewayError] = {}
        self.unread: dict[Source, GatewayError] = {}

    def unverified(self, rows: Sequence[Meeting], windows: Collection[Held]) -> list[Meeting]:
        """The window rows whose folding into one of `rows` could show, and which no one has screened yet."""
        found: list[Meeting] = []
        for row in filter(self._may_show, rows):
            near = self._twins.near(row, windows)
            # One that would show nothing itself may still be the newest, and so keep another from showing.
            if any(self._shows(row, twin) for twin in near):
                found += [twin for twin in near if not self._twins.known(twin)]
        return found

    async def waiting(self, rows: Sequence[Meeting]) -> list[Meeting]:
        """What has to be looked up before the rows can be folded."""
        if not any(self._may_show(row) for row in rows):
            return []
        windows, _ = await self._twins.windows()
        waiting = self.unverified(rows, windows)
        if SOURCES in self._fields:  # rows that are listed under their own ids may be held all the same
            waiting += [row for row in rows if not self._twins.known(row)]
        return waiting

    async def fold(self, rows: Sequence[Meeting], *, mark: bool = False) -> list[Meeting]:
        """The rows, folded. What could not be looked for is told and, with `mark`, noted on the rows."""
        if not any(self._may_show(row) for row in rows):
            return list(rows)
        windows, self.unread = await self._twins.windows()
        self.unscreened = await self._twins.screen(await self.waiting(rows))
        folded = [await self._folded(row, windows) for row in rows]
        first = next(iter((self.unread | self.unscreened).values()), None)
        if first is None or not mark:
            return folded
        return [msgspec.structs.replace(row, unfolded=first) if self._may_show(row) else row for row in folded]

    async def _folded(self, row: Meeting, windows: Sequence[Held]) -> Meeting:
        whole = await self._twins.whole(row, windows)
        if SOURCES not in self._fields:
            return whole
        holding = [*self._twins.holders(row), row, *self._twins.near(row, windows)]
        return msgspec.structs.replace(whole, sources=tuple(dict.fromkeys(each.source for each in holding)))

    def _may_show(self, row: Meeting) -> bool:
        if SOURCES in self._fields:
            return True
        if not self._twins.has_below(row.source):
            return False
        return bool(self._fields & TWIN_FIELDS) or any(getattr(row, name) is None for name in self._fallback)

    def _shows(self, row: Meeting, twin: Meeting) -> bool:
        return bool(self._fields & TWIN_FIELDS) or shows(row, twin, self._fallback)
