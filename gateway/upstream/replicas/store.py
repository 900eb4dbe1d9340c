"""Records that all replicas keep together, each with what it used lately at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from redis.asyncio import Redis

from gateway.upstream.replicas.link import Link
from gateway.upstream.store import AnyCodec, AnyKept, Kept, MemoryStore, Shelf, encoded

LARGEST = 4 * 1024 * 1024
"""Bytes of a record that goes to Redis at most: a larger one takes longer than the link is patient."""

Encoded: TypeAlias = tuple[float, bytes | None]


class SharedStore:
    """Keeps records in Redis and, for as long as it lasts, in this process's memory.

    Args:
        link: The Redis.
        near: This process's memory.
        release: Part of every key: another release of the gateway may lay its records out in another way.
    """

    def __init__(self, link: Link, near: MemoryStore, *, release: str) -> None:
        self._link = link
        self._release = release
        self._near = near
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Encoded)

    async def get(
        self, shelf: Shelf, keys: Sequence[Hashable], codec: AnyCodec, fresh: Callable[[AnyKept], bool]
    ) -> Mapping[Hashable, AnyKept]:
        """What is kept of those asked for; Redis is asked for those that are not fresh in memory."""
        found = dict(await self._near.get(shelf, keys, codec, fresh))
        doubtful = [key for key in keys if key not in found or not fresh(found[key])]
        if not doubtful:
            return found
        names = [self._name(shelf, key) for key in doubtful]
        answers = await self._link.ask(lambda redis: redis.mget(names))
        newer: dict[Hashable, AnyKept] = {}
        for key, answer in zip(doubtful, answers or (), strict=answers is not None):
            kept = self._decode(answer, codec) if isinstance(answer, bytes) else None
            if kept is not None and (key not in found or kept.as_of > found[key].as_of):
                newer[key] = kept
        await self._near.put(shelf, newer, codec, seconds=0)
        return found | newer

    async def put(self, shelf: Shelf, items: Mapping[Any, AnyKept], codec: AnyCodec, *, seconds: float) -> None:
        """Keeps records for so many seconds at most."""
        await self._near.put(shelf, items, codec, seconds=seconds)
        milliseconds = max(1, round(seconds * 1000))
        all_of_them = {self._name(shelf, key): self._encode(kept, codec) for key, kept in items.items()}
        small = {name: data for name, data in all_of_them.items() if data is not None and len(data) <= LARGEST}
        if not small:
            return

        async def write(redis: Redis) -> bool:
            async with redis.pipeline(transaction=False) as together:
                for name, data in small.items():
                    together.set(name, data, px=milliseconds)
                await together.execute()
            return True

        await self._link.ask(write)

    def _name(self, shelf: Shelf, key: Hashable) -> str:
        """A key that shows neither what was asked (it may be an e-mail address) nor with which credential."""
        asked = hashlib.blake2b(msgspec.msgpack.encode(key), digest_size=16).hexdigest()
        return f"{self._link.prefix}:{self._release}:{shelf.identity}:{shelf.source}:{shelf.kind}:{asked}"

    def _encode(self, kept: AnyKept, codec: AnyCodec) -> bytes | None:
        """A record as Redis is given it; None where it cannot be encoded, so that only this process keeps it."""
        if kept.value is None:
            return self._encoder.encode((kept.as_of, None))
        value = encoded(codec, kept.value)
        return None if value is None else self._encoder.encode((kept.as_of, value))

    def _decode(self, data: bytes, codec: AnyCodec) -> AnyKept | None:
        try:
            as_of, value = self._decoder.decode(data)
            return Kept(None if value is None else codec.decode(value), as_of)
        except (msgspec.MsgspecError, ValueError):
            return None  # of another layout: as good as none
