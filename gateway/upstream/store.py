"""The cache of records between requests: how long entries live, where they are stored, and how they are encoded."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from gateway.errors import UpstreamError
from gateway.upstream.clock import SystemClock, Timer

V = TypeVar("V")

log = logging.getLogger(__name__)


class CacheNamespace(msgspec.Struct, frozen=True, cache_hash=True):
    """Where entries of one kind are cached, each by its key.

    Attributes:
        identity: The credential that they were fetched with, as a keyed hash.
        source: The upstream's name.
        kind: The kind of record, or of list.
    """

    identity: str
    source: str
    kind: str


class CacheEntry(msgspec.Struct, Generic[V], frozen=True, gc=False):
    """A cached record, or its absence.

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
        """A version of the encoding: a release that encodes records in another way has another."""
        ...

    def encode(self, value: V, /) -> bytes:
        """The record as bytes."""
        ...

    def decode(self, data: bytes, /) -> V:
        """The record in these bytes.

        Raises:
            Exception: They hold no such record; it then counts as not cached.
        """
        ...


class MsgpackCodec(Generic[V]):
    """Values of one type in MessagePack.

    Args:
        type_: A type that msgspec supports.
    """

    def __init__(self, type_: type[V]) -> None:
        self._type = type_
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[V] = msgspec.msgpack.Decoder(type_)

    @functools.cached_property
    def layout(self) -> str:
        """A hash of the type's schema: it changes with the type's fields."""
        schema = msgspec.json.encode(msgspec.json.schema(self._type), order="sorted")
        return hashlib.blake2b(schema, digest_size=6).hexdigest()

    def encode(self, value: V, /) -> bytes:
        """The value as bytes."""
        return self._encoder.encode(value)

    def decode(self, data: bytes, /) -> V:
        """The value in these bytes.

        Raises:
            msgspec.MsgspecError: They hold no such value.
        """
        return self._decoder.decode(data)


AnyCacheEntry: TypeAlias = CacheEntry[Any]
AnyCodec: TypeAlias = Codec[Any]


class Store(Protocol):
    """A cache. It may drop any entry at any time, and never fails."""

    async def get(
        self,
        namespace: CacheNamespace,
        keys: Sequence[Hashable],
        codec: AnyCodec,
        fresh: Callable[[AnyCacheEntry], bool],
        *,
        now: float,
    ) -> Mapping[Hashable, AnyCacheEntry]:
        """The cached entries of these keys, whatever their age.

        Args:
            namespace: Where they are cached.
            keys: Their keys.
            codec: Encodes and decodes their records.
            fresh: Whether an entry is fresh, so that no newer one needs to be looked for in a shared cache.
            now: The time in seconds since 1970, by the clock that `CacheEntry.as_of` is measured by.
        """
        ...

    async def put(
        self, namespace: CacheNamespace, items: Mapping[Any, AnyCacheEntry], codec: AnyCodec, *, seconds: float
    ) -> None:
        """Caches entries for so many seconds at most."""
        ...


ENTRY_BYTES = 250
"""Bytes of an entry beside its record; measured, see docs/upstreams.md."""

EXPANSION = 3
"""Bytes of memory that a byte of an encoded record takes as objects; measured, see docs/upstreams.md."""

BLOCK = 64
"""Bytes that sizes are counted in: so nearly all are small numbers, which Python has one each of."""

UNKNOWN_BYTES = 64 * 1024
"""The size that is assumed for a record that cannot be encoded."""


def encoded(codec: AnyCodec, value: Any) -> bytes | None:
    """A record as bytes; None where it cannot be encoded, which never keeps it from being returned."""
    try:
        return codec.encode(value)
    except Exception as error:  # noqa: BLE001 - no upstream value may cost the answer
        log.warning("a record of type %s cannot be encoded: %s", type(value).__name__, type(error).__name__)
        return None


AT_ONCE = 1000
"""Entries that a sweep looks at before it yields to the event loop."""

SWEEP_INTERVAL = 60.0
"""Seconds between two sweeps: an expired entry stays in memory no longer."""


_Place: TypeAlias = tuple[Hashable, ...]


def _place(namespace: CacheNamespace, key: Hashable) -> _Place:
    """Where an entry is stored: one tuple, also where the key is one; the keys of a namespace are of one type."""
    return (namespace, *key) if isinstance(key, tuple) else (namespace, key)


class _Stored(CacheEntry[Any], frozen=True, gc=False):
    """An entry in memory: one object, since there are tens of thousands.

    Attributes:
        blocks: What it takes, as estimated, in `BLOCK` bytes.
        until: When it is dropped, by the clock's `monotonic`.
    """

    blocks: int
    until: float


class MemoryStore:
    """A cache in this process's memory; the least recently used entries are dropped first.

    Args:
        max_bytes: The memory that it may take, as estimated from the records' encoded size.
        clock: Expires entries; the system's clock unless a test brings its own.
    """

    def __init__(self, max_bytes: int = 128 * 1024 * 1024, clock: Timer | None = None) -> None:
        self._max_bytes = max_bytes
        self._clock: Timer = SystemClock() if clock is None else clock
        self._entries: OrderedDict[_Place, _Stored] = OrderedDict()
        self.size = 0

    async def get(
        self,
        namespace: CacheNamespace,
        keys: Sequence[Hashable],
        codec: AnyCodec,  # noqa: ARG002 - records are stored as objects
        fresh: Callable[[AnyCacheEntry], bool],  # noqa: ARG002 - there is no shared cache
        *,
        now: float,  # noqa: ARG002 - nor another clock
    ) -> Mapping[Hashable, AnyCacheEntry]:
        """The cached entries of these keys, whatever their age."""
        found: dict[Hashable, AnyCacheEntry] = {}
        look_up, use = self._entries.get, self._entries.move_to_end
        for key in keys:
            place = _place(namespace, key)
            entry = look_up(place)
            if entry is not None:
                use(place)
                found[key] = entry
        return found

    async def put(
        self, namespace: CacheNamespace, items: Mapping[Any, AnyCacheEntry], codec: AnyCodec, *, seconds: float
    ) -> None:
        """Caches entries for so many seconds, or until there is no room for them."""
        until = self._clock.monotonic() + seconds
        for key, cached in items.items():
            data = b"" if cached.value is None else encoded(codec, cached.value)
            size = ENTRY_BYTES + _characters(key) + (UNKNOWN_BYTES if data is None else EXPANSION * len(data))
            blocks = -(-size // BLOCK)
            place = _place(namespace, key)
            self._drop(place)
            self._entries[place] = _Stored(cached.value, cached.as_of, blocks, until)
            self.size += blocks * BLOCK
        while self.size > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def sweep(self) -> None:
        """Drops expired entries, yielding to the event loop in between; called every `SWEEP_INTERVAL` seconds."""
        now, places = self._clock.monotonic(), list(self._entries)
        for start in range(0, len(places), AT_ONCE):
            for place in places[start : start + AT_ONCE]:
                entry = self._entries.get(place)
                if entry is not None and entry.until <= now:
                    self._drop(place)
            await asyncio.sleep(0)

    def _drop(self, place: _Place) -> None:
        entry = self._entries.pop(place, None)
        if entry is not None:
            self.size -= entry.blocks * BLOCK


def _characters(key: object) -> int:
    """The length of a key; clients choose parts of it."""
    if isinstance(key, str):
        return len(key)
    return sum(map(_characters, key)) if isinstance(key, tuple) else 0


LASTING = 60.0
"""Seconds for which a record is not requested again where a retry is unlikely to succeed."""

TRANSIENT = 30.0
"""The same where a retry is likely to succeed."""

MAX_FAILED = 10_000
"""Failures that are remembered, the latest ones."""


class FailedRecords:
    """Failures of single records, so that not every query requests them again. Pure: times come in."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[float, UpstreamError]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def note(self, key: Hashable, error: UpstreamError, *, until: float) -> None:
        """Remembers why a record's call failed, and until when it is not to be requested again."""
        self._known[key] = until, error
        self._known.move_to_end(key)
        if len(self._known) > MAX_FAILED:
            self._known.popitem(last=False)

    def error(self, key: Hashable, now: float) -> UpstreamError | None:
        """Why a record is not to be requested now; None where it may be."""
        known = self._known.get(key)
        if known is None:
            return None
        until, error = known
        if now < until:
            return type(error)(error.message, source=error.source)  # a raised one references the frames it passed
        del self._known[key]
        return None

    def sweep(self, now: float) -> None:
        """Drops failures that are over: the key of a record may be an e-mail address."""
        for key in [key for key, (until, _) in self._known.items() if until <= now]:
            del self._known[key]
