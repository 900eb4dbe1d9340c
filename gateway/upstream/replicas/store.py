"""What replicas share in Redis: cached records, and OAuth tokens that only they can decrypt."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis.asyncio.lock import Lock
from redis.exceptions import LockError

from gateway.upstream.credentials import Secret
from gateway.upstream.oauth import Token
from gateway.upstream.replicas.link import AnyRedis, Link
from gateway.upstream.store import AnyCacheEntry, AnyCodec, CacheEntry, CacheNamespace, MemoryStore, encoded

LARGEST = 4 * 1024 * 1024
"""Bytes of the largest record that is sent to Redis: a larger one would exceed the link's time-out."""

RECORDS_VERSION = 1
"""The version of a record's envelope and of the meaning of its fields."""

Encoded: TypeAlias = tuple[float, float, bytes | None]
"""When a record was fetched, for how many seconds it is cached, and the record."""


class SharedStore:
    """A cache in Redis, with this process's memory in front of it.

    A key contains the codec's version, so that records of other releases are not read.

    Args:
        link: The Redis.
        near: The cache in this process's memory.
    """

    def __init__(self, link: Link, near: MemoryStore) -> None:
        self._link = link
        self._near = near
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Encoded)

    async def get(
        self,
        namespace: CacheNamespace,
        keys: Sequence[Hashable],
        codec: AnyCodec,
        fresh: Callable[[AnyCacheEntry], bool],
        *,
        now: float,
    ) -> Mapping[Hashable, AnyCacheEntry]:
        """The cached entries of these keys; Redis is asked for those that are not fresh in memory."""
        found = dict(await self._near.get(namespace, keys, codec, fresh, now=now))
        doubtful = [key for key in keys if key not in found or not fresh(found[key])]
        if not doubtful:
            return found
        names = self._names(namespace, codec, doubtful)
        answers = await self._link.ask(lambda redis: redis.mget(names))
        newer: dict[Hashable, AnyCacheEntry] = {}
        for key, answer in zip(doubtful, answers or (), strict=answers is not None):
            entry, seconds = self._decode(answer, codec) if isinstance(answer, bytes) else (None, 0.0)
            if entry is not None and (key not in found or entry.as_of > found[key].as_of):
                newer[key] = entry
                await self._near.put(namespace, {key: entry}, codec, seconds=min(seconds, seconds + entry.as_of - now))
        return found | newer

    async def put(
        self, namespace: CacheNamespace, items: Mapping[Hashable, AnyCacheEntry], codec: AnyCodec, *, seconds: float
    ) -> None:
        """Caches entries for so many seconds at most."""
        await self._near.put(namespace, items, codec, seconds=seconds)
        names = self._names(namespace, codec, items)
        milliseconds = max(1, round(seconds * 1000))
        data_of = zip(names, [self._encode(entry, seconds, codec) for entry in items.values()], strict=True)
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

    def _names(self, namespace: CacheNamespace, codec: AnyCodec, keys: Iterable[Hashable]) -> list[str]:
        """Redis keys that disclose neither the keys (which may be e-mail addresses) nor the credential.

        Those of one namespace and codec are on one node of a cluster.
        """
        place = f"{{{namespace.identity}:{namespace.source}:{namespace.kind}:{codec.layout}}}"
        asked = [hashlib.blake2b(msgspec.msgpack.encode(key), digest_size=16).hexdigest() for key in keys]
        return [f"{self._link.prefix}:records:{RECORDS_VERSION}:{place}:{each}" for each in asked]

    def _encode(self, entry: AnyCacheEntry, seconds: float, codec: AnyCodec) -> bytes | None:
        """An entry as bytes; None where it cannot be encoded, so that only this process caches it."""
        if entry.value is None:
            return self._encoder.encode((entry.as_of, seconds, None))
        value = encoded(codec, entry.value)
        return None if value is None else self._encoder.encode((entry.as_of, seconds, value))

    def _decode(self, data: bytes, codec: AnyCodec) -> tuple[AnyCacheEntry | None, float]:
        try:
            as_of, seconds, value = self._decoder.decode(data)
            return CacheEntry(None if value is None else codec.decode(value), as_of), seconds
        except (msgspec.MsgspecError, ValueError):
            return None, 0.0  # of another layout, and so not cached


TOKEN_VERSION = 1
"""The version of a token's layout and encryption."""


class SharedVault:
    """A token in Redis, encrypted with a key derived from the client secret, which all replicas have.

    Args:
        link: The Redis.
        identity: The account as a keyed hash.
        client_secret: The secret that the key is derived from.
    """

    def __init__(self, link: Link, identity: str, client_secret: Secret) -> None:
        self._link = link
        self._key = f"{link.prefix}:token:{TOKEN_VERSION}:{identity}"
        self._claim: Lock | None = None
        derived = HKDF(SHA256(), length=32, salt=None, info=b"meeting-gateway token")
        self._cipher = Fernet(base64.urlsafe_b64encode(derived.derive(client_secret.reveal().encode())))

    async def load(self) -> Token | None:
        """The token that was saved last; None where there is none that can be decrypted."""
        data = await self._link.ask(lambda redis: redis.get(self._key))
        if not isinstance(data, bytes):
            return None
        try:
            text, issued, lasts = msgspec.msgpack.decode(self._cipher.decrypt(data), type=tuple[str, float, float])
        except (InvalidToken, msgspec.MsgspecError):
            return None
        return Token(Secret(text), issued, lasts)

    async def save(self, token: Token) -> None:
        """Saves a token until it expires, unless another replica has claimed the request meanwhile."""
        claim = self._claim
        if claim is not None and await self._link.ask(lambda _: claim.owned()) is False:
            return
        data = self._cipher.encrypt(msgspec.msgpack.encode((token.secret.reveal(), token.issued, token.lasts)))
        await self._link.ask(lambda redis: redis.set(self._key, data, px=max(1, round(token.lasts * 1000))))

    async def claim(self, seconds: float) -> bool:
        """Acquires the right to request a token; while Redis is down, every replica has it."""

        async def acquire(redis: AnyRedis) -> Lock | bool:
            lock = redis.lock(f"{self._key}:claim", timeout=seconds, blocking=False, thread_local=False)
            return lock if await lock.acquire() else False

        claimed = await self._link.ask(acquire)
        self._claim = claimed if isinstance(claimed, Lock) else None
        return claimed is not False

    async def release(self) -> None:
        """Releases that right; does nothing where this replica's claim has expired."""
        claim, self._claim = self._claim, None

        async def give_up(_: AnyRedis) -> None:
            assert claim is not None
            with contextlib.suppress(LockError):
                await claim.release()

        if claim is not None:
            await self._link.ask(give_up)
