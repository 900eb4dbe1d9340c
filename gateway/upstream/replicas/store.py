"""Records that all replicas keep together, each with what it used lately at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from gateway.upstream.replicas.link import AnyRedis, Link
from gateway.upstream.store import AnyCodec, AnyKept, Kept, MemoryStore, Shelf, encoded

LARGEST = 4 * 1024 * 1024
"""Bytes of a record that goes to Redis at most: a larger one takes longer than the link is patient."""

VERSION = 1
"""Of what stands around a record, and of what a record of the same fields means; counted up with either."""

Encoded: TypeAlias = tuple[float, float, bytes | None]
"""When it was fetched, for how many seconds it is of use, and the record."""


class SharedStore:
    """Keeps records in Redis and, for as long as it lasts, in this process's memory.

    A key tells the record's layout: one of another release is not looked at.

    Args:
        link: The Redis.
        near: This process's memory.
    """

    def __init__(self, link: Link, near: MemoryStore) -> None:
        self._link = link
        self._near = near
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Encoded)

    async def get(
        self, shelf: Shelf, keys: Sequence[Hashable], codec: AnyCodec, fresh: Callable[[AnyKept], bool], *, now: float
    ) -> Mapping[Hashable, AnyKept]:
        """What is kept of those asked for; Redis is asked for those that are not fresh in memory."""
        found = dict(await self._near.get(shelf, keys, codec, fresh, now=now))
        doubtful = [key for key in keys if key not in found or not fresh(found[key])]
        if not doubtful:
            return found
        names = self._names(shelf, codec, doubtful)
        answers = await self._link.ask(lambda redis: redis.mget(names))
        newer: dict[Hashable, AnyKept] = {}
        for key, answer in zip(doubtful, answers or (), strict=answers is not None):
            kept, seconds = self._decode(answer, codec) if isinstance(answer, bytes) else (None, 0.0)
            if kept is not None and (key not in found or kept.as_of > found[key].as_of):
                newer[key] = kept
                await self._near.put(shelf, {key: kept}, codec, seconds=min(seconds, seconds + kept.as_of - now))
        return found | newer

    async def put(self, shelf: Shelf, items: Mapping[Hashable, AnyKept], codec: AnyCodec, *, seconds: float) -> None:
        """Keeps records for so many seconds at most."""
        await self._near.put(shelf, items, codec, seconds=seconds)
        names = self._names(shelf, codec, items)
        milliseconds = max(1, round(seconds * 1000))
        data_of = zip(names, [self._encode(kept, seconds, codec) for kept in items.values()], strict=True)
        small = [(name, data) for name, data in data_of if data is not None and len(data) <= LARGEST]
        if not small:
            return

        async def write(redis: AnyRedis) -> bool:
            async with redis.pipeline(transaction=False) as together:
                for name, data in small:
                    together.set(name, data, px=milliseconds)
                await together.execute()
            return True

        await self._link.ask(write)

    def _names(self, shelf: Shelf, codec: AnyCodec, keys: Iterable[Hashable]) -> list[str]:
        """Keys that show neither what was asked (it may be an e-mail address) nor with which credential.

        Those of one shelf and layout lie on one node of a cluster.
        """
        place = f"{{{shelf.identity}:{shelf.source}:{shelf.kind}:{codec.layout}}}"
        asked = [hashlib.blake2b(msgspec.msgpack.encode(key), digest_size=16).hexdigest() for key in keys]
        return [f"{self._link.prefix}:records:{VERSION}:{place}:{each}" for each in asked]

    def _encode(self, kept: AnyKept, seconds: float, codec: AnyCodec) -> bytes | None:
        """A record as Redis is given it; None where it cannot be encoded, so that only this process keeps it."""
        if kept.value is None:
            return self._encoder.encode((kept.as_of, seconds, None))
        value = encoded(codec, kept.value)
        return None if value is None else self._encoder.encode((kept.as_of, seconds, value))

    def _decode(self, data: bytes, codec: AnyCodec) -> tuple[AnyKept | None, float]:
        try:
            as_of, seconds, value = self._decoder.decode(data)
            return Kept(None if value is None else codec.decode(value), as_of), seconds
        except (msgspec.MsgspecError, ValueError):
            return None, 0.0  # of another layout: as good as none
