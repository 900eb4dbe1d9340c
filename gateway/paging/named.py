"""Lists that are held whole and ordered by name: places in them as opaque text, and pages cut out of them.

The rule: by name, whatever its case; rows without one last; then by source in order of rank, then by id.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

from gateway.model.order import RANK
from gateway.model.records import Source
from gateway.paging.cursor import MalformedCursor

T = TypeVar("T")

VERSION = 1
ORDER = "n"
MOST = 8192
"""Characters a cursor may have."""
MOST_NAME = 200
"""Characters of a name that count in the order; a cursor stays short so."""

NameKey: TypeAlias = tuple[bool, str, int, int, str]


class NamePlace(msgspec.Struct, frozen=True):
    """A place in the order by name: of a row that may be gone by now."""

    name: str | None
    source: Source
    id: str

    @property
    def key(self) -> NameKey:
        """What places compare by."""
        name = (self.name or "")[:MOST_NAME].casefold()
        return self.name is None, name, RANK[self.source], len(self.id), self.id


class Cut(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A page of a list that is held whole."""

    rows: list[T]
    has_next: bool
    has_previous: bool


class _Written(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    version: int
    order: str
    name: str | None
    source: str
    id: str


_decoder = msgspec.json.Decoder(_Written)


def cut(
    rows: Sequence[T],
    place: Callable[[T], NamePlace],
    *,
    after: NamePlace | None,
    before: NamePlace | None,
    count: int,
    backward: bool,
) -> Cut[T]:
    """The page that Relay's arguments ask for.

    Args:
        rows: The whole list, in any order.
        place: Where a row stands.
        after: Only what lies behind this place.
        before: Only what lies before this one.
        count: How many at most.
        backward: Whether they are counted from the end.
    """
    ordered = sorted(rows, key=lambda row: place(row).key)
    keys = [place(row).key for row in ordered]
    low = 0 if after is None else bisect_right(keys, after.key)
    high = len(keys) if before is None else max(low, bisect_left(keys, before.key))
    if backward:
        low = max(low, high - count)
    else:
        high = min(high, low + count)
    return Cut(rows=list(ordered[low:high]), has_next=high < len(keys), has_previous=low > 0)


def encode(place: NamePlace) -> str:
    """A place as text."""
    name = None if place.name is None else place.name[:MOST_NAME]
    written = _Written(VERSION, ORDER, name, place.source.value, place.id)
    return base64.urlsafe_b64encode(msgspec.json.encode(written)).decode().rstrip("=")


def decode(text: str) -> NamePlace:
    """The place that `encode` made the text of.

    Raises:
        MalformedCursor: The text is no cursor of ours, or one of another order.
    """
    malformed = MalformedCursor("is not a cursor of this connection")
    if len(text) > MOST:
        raise malformed
    try:
        written = _decoder.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        source = Source(written.source)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise malformed from error
    if written.version != VERSION or written.order != ORDER or not written.id:
        raise malformed
    return NamePlace(written.name, source, written.id)
