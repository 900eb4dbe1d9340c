"""Where records are kept between requests."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from gateway.upstream.clock import SystemClock, Timer

V = TypeVar("V")

log = logging.getLogger(__name__)


class Shelf(msgspec.Struct, frozen=True, cache_hash=True):
    """What records of one kind are kept under, each by its key.

    Attributes:
        identity: Whose credential they were fetched with, as a keyed hash.
        source: The upstream's name.
        kind: The kind of record, or of list.
    """

    identity: str
    source: str
    kind: str


class Kept(msgspec.Struct, Generic[V], frozen=True):
    """A record, or the knowledge that there is none.

    Attributes:
        value: The record; None where it does not exist.
        as_of: When it was fetched, in seconds since 1970.
    """

    value: V | None
    as_of: float


class Codec(Protocol[V]):
    """A record as bytes and back."""

    @property
    def layout(self) -> str:
        """What its bytes look like: another release may lay a record out in another way, and then says another word."""
        ...

    def encode(self, value: V, /) -> bytes:
        """The record as bytes."""
        ...

    def decode(self, data: bytes, /) -> V:
        """The record that these bytes are.

        Raises:
            Exception: They are none, which is the same as having none.
        """
        ...


AnyKept: TypeAlias = Kept[Any]
AnyCodec: TypeAlias = Codec[Any]


class Store(Protocol):
    """Keeps records for a while. It may lose any of them at any time; it never fails."""

    async def get(
        self, shelf: Shelf, keys: Sequence[Hashable], codec: AnyCodec, fresh: Callable[[AnyKept], bool], *, now: float
    ) -> Mapping[Hashable, AnyKept]:
        """What is kept of those asked for.

        Args:
            shelf: Where they are kept.
            keys: Which of them.
            codec: What they look like as bytes.
            fresh: Whether one need not be looked for anywhere else, where a newer one may be.
            now: The time that they were fetched at is told by, in seconds since 1970.
        """
        ...

    async def put(self, shelf: Shelf, items: Mapping[Any, AnyKept], codec: AnyCodec, *, seconds: float) -> None:
        """Keeps records for so many seconds at most."""
        ...


ENTRY_BYTES = 400
"""What an entry takes beside its record; measured, see docs/upstreams.md."""

EXPANSION = 3
"""Bytes of memory that a byte of an encoded record takes as objects; measured, see docs/upstreams.md."""

UNKNOWN_BYTES = 64 * 1024
"""What a record is taken for that cannot be encoded."""


def encoded(codec: AnyCodec, value: Any) -> bytes | None:
    """A record as bytes; None where it cannot be encoded, which never keeps it from being shown."""
    try:
        return codec.encode(value)
    except Exception as error:  # noqa: BLE001 - whatever an upstream has sent, it is not worth an answer
        log.warning("a record of type %s cannot be encoded: %s", type(value).__name__, type(error).__name__)
        return None


AT_ONCE = 1000
"""Records that a sweep looks at before it lets others go on."""

SWEPT = 60.0
"""Seconds between two sweeps; what is cached outlives its last use by so many at most."""


class MemoryStore:
    """Keeps records in this process, those used last longest; whether one is too old is for its reader to say.

    Args:
        most: Bytes that it may take, as estimated from the records' encoded size.
        clock: Tells when a record is past any use; the system's, unless a test brings its own.
    """

    def __init__(self, most: int = 128 * 1024 * 1024, clock: Timer | None = None) -> None:
        self._most = most
        self._clock: Timer = SystemClock() if clock is None else clock
        self._kept: OrderedDict[tuple[Shelf, Hashable], tuple[AnyKept, int, float]] = OrderedDict()
        self.size = 0

    async def get(
        self,
        shelf: Shelf,
        keys: Sequence[Hashable],
        codec: AnyCodec,  # noqa: ARG002 - records are kept as they are
        fresh: Callable[[AnyKept], bool],  # noqa: ARG002 - there is no other place to look
        *,
        now: float,  # noqa: ARG002 - nor anybody else's clock
    ) -> Mapping[Hashable, AnyKept]:
        """What is kept of those asked for."""
        found: dict[Hashable, AnyKept] = {}
        look_up, use = self._kept.get, self._kept.move_to_end
        for key in keys:
            place = (shelf, key)
            entry = look_up(place)
            if entry is not None:
                use(place)
                found[key] = entry[0]
        return found

    async def put(self, shelf: Shelf, items: Mapping[Any, AnyKept], codec: AnyCodec, *, seconds: float) -> None:
        """Keeps records for so many seconds, or until there is no room for them."""
        until = self._clock.monotonic() + seconds
        for key, kept in items.items():
            data = b"" if kept.value is None else encoded(codec, kept.value)
            size = ENTRY_BYTES + _characters(key) + (UNKNOWN_BYTES if data is None else EXPANSION * len(data))
            self._drop((shelf, key))
            self._kept[shelf, key] = (kept, size, until)
            self.size += size
        while self.size > self._most:
            self._drop(next(iter(self._kept)))

    async def sweep(self) -> None:
        """Drops what is past its last use; others go on meanwhile. Called every `SWEPT` seconds."""
        now, places = self._clock.monotonic(), list(self._kept)
        for start in range(0, len(places), AT_ONCE):
            for place in places[start : start + AT_ONCE]:
                entry = self._kept.get(place)
                if entry is not None and entry[2] <= now:
                    self._drop(place)
            await asyncio.sleep(0)

    def _drop(self, place: tuple[Shelf, Hashable]) -> None:
        entry = self._kept.pop(place, None)
        if entry is not None:
            self.size -= entry[1]


def _characters(key: object) -> int:
    """The characters of a key; clients choose some of them."""
    if isinstance(key, str):
        return len(key)
    return sum(map(_characters, key)) if isinstance(key, tuple) else 0
