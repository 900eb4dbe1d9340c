"""The log of changes, and what replicas agree on about it, in the Redis that they share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from gateway.live.coordination import Alone
from gateway.live.log import Change, Entry, MemoryLog, Position
from gateway.live.versions import Place, Version
from gateway.model.records import Ref, Source
from gateway.request import Clock
from gateway.upstream.replicas.link import AnyRedis, Link, Script

T = TypeVar("T")

VERSION = 1
"""Of how it is laid out; counted up with it."""

A_DAY = 24 * 3600

CHUNK = 1_000
"""Entries that are read at a time, and keys that are asked for."""

READ = Script("""
-- KEYS: stream, epoch   ARGV: after, how many, epoch of a stream that has yet to begin
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[2], ARGV[3])
  redis.call('XADD', KEYS[1], '*', 'begin', ARGV[3])
end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
return {redis.call('GET', KEYS[2]), first, redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])}
""")

APPEND = Script("""
-- KEYS: stream, epoch   ARGV: entries at most, epoch of a stream that has yet to begin, seconds to hold it, changes …
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[2], ARGV[2])
  redis.call('XADD', KEYS[1], '*', 'begin', ARGV[2])
end
for i = 4, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'change', ARGV[i]) end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[3]) end
return 1
""")

LEAD = Script("""
-- KEYS: lease   ARGV: who, milliseconds
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
""")


class RedisKeys:
    """The names of keys that belong to one set of credentials, all on one node of a cluster.

    Args:
        link: The Redis.
        identity: Whose credentials they are, now.
    """

    def __init__(self, link: Link, identity: Callable[[], str]) -> None:
        self._link = link
        self._identity = identity

    def __call__(self, *parts: str) -> str:
        """A key."""
        place = f"{self._link.prefix}:{{live:{VERSION}:{self._identity()}}}"
        return ":".join((place, *parts))


class SharedLog(MemoryLog):
    """A stream in Redis, mirrored in this process's memory.

    Args:
        link: The Redis.
        keys: Names its keys.
        most: Entries that it holds.
        clock: The time.
    """

    def __init__(self, link: Link, keys: RedisKeys, most: int, clock: Clock) -> None:
        super().__init__(most, clock)
        self._link = link
        self._keys = keys
        self._most_entries = most
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Change).decode

    async def append(self, changes: Sequence[Change]) -> bool:
        """Adds changes to the stream, and learns of them."""
        data = [self._encode(change) for change in changes]
        args = [self._most_entries, secrets.token_urlsafe(6), 2 * A_DAY, *data]
        done = await self._link.run(APPEND, self._places(), args)
        if done is None:
            return False
        await self.refresh()
        return True

    async def refresh(self) -> None:
        """Learns what all replicas have added up to now; of another stream, all that it holds."""
        while True:
            after = self.end().position
            args = [f"{after[0]}-{after[1]}", CHUNK, secrets.token_urlsafe(6)]
            answer = await self._link.run(READ, self._places(), args)
            if answer is None or answer[0] is None:
                return
            epoch, first, rows = answer[0].decode(), _position(answer[1]), answer[2]
            if epoch != self.epoch:
                self.begin(epoch, first)
                continue
            for id_, fields in rows:
                change = self._change(fields)
                if change is not None:
                    self.add(Entry(_position(id_), change))
            if len(rows) < CHUNK:
                return

    def _change(self, fields: Sequence[bytes]) -> Change | None:
        """The change in an entry; None where it is the mark that a stream begins with, or of another release."""
        try:
            return self._decode(fields[1]) if fields[0] == b"change" else None
        except msgspec.DecodeError:
            return None

    def _places(self) -> list[str]:
        return [self._keys("log"), self._keys("epoch")]


class SharedVersions:
    """What was last seen of records, for all replicas.

    Args:
        link: The Redis.
        keys: Names its keys.
    """

    def __init__(self, link: Link, keys: RedisKeys) -> None:
        self._link = link
        self._keys = keys
        self._encode = msgspec.msgpack.Encoder().encode
        self._version = msgspec.msgpack.Decoder(Version).decode
        self._place = msgspec.msgpack.Decoder(Place).decode

    async def get(self, refs: Sequence[Ref]) -> dict[Ref, Version]:
        """The versions of those records that were seen within a day."""
        found: dict[Ref, Version] = {}
        for start in range(0, len(refs), CHUNK):
            chunk = refs[start : start + CHUNK]
            names = [self._name(ref) for ref in chunk]
            answers = await self._link.ask(lambda redis, names=names: redis.mget(names))  # type: ignore[misc]
            for ref, data in zip(chunk, answers or (), strict=answers is not None):
                version = _decoded(self._version, data)
                if version is not None:
                    found[ref] = version
        return found

    async def put(self, versions: Mapping[Ref, Version]) -> None:
        """Remembers versions for a day."""
        if not versions:
            return

        async def write(redis: AnyRedis) -> bool:
            async with redis.pipeline(transaction=False) as together:
                for ref, version in versions.items():
                    together.set(self._name(ref), self._encode(version), ex=A_DAY)
                await together.execute()
            return True

        await self._link.ask(write)

    async def place(self, source: Source) -> Place | None:
        """How far a source was looked at."""
        name = self._keys("place", source.value)
        return _decoded(self._place, await self._link.ask(lambda redis: redis.get(name)))

    async def put_place(self, source: Source, place: Place) -> None:
        """Remembers that for a day."""
        name, data = self._keys("place", source.value), self._encode(place)
        await self._link.ask(lambda redis: redis.set(name, data, ex=A_DAY))

    def _name(self, ref: Ref) -> str:
        return self._keys("seen", ref.source.value, ref.id)


class SharedCoordination:
    """What replicas agree on; while Redis is away, what this process knows.

    Args:
        link: The Redis.
        keys: Names its keys.
        clock: The time.
    """

    def __init__(self, link: Link, keys: RedisKeys, clock: Clock) -> None:
        self._link = link
        self._keys = keys
        self._clock = clock
        self._near = Alone(clock)
        self._name = secrets.token_urlsafe(9)

    async def lead(self, source: Source, seconds: float) -> bool:
        """Whether it is this process that polls a source; nobody does while Redis is away, since nothing is logged."""
        return bool(await self._link.run(LEAD, [self._keys("lead", source.value)], [self._name, int(seconds * 1000)]))

    async def is_new(self, source: Source, digest: str) -> bool:
        """Whether a delivery of this content has not come to any replica within a day."""
        near = await self._near.is_new(source, digest)
        name = self._keys("delivery", source.value, digest)

        async def put(redis: AnyRedis) -> bool:
            return await redis.set(name, b"1", nx=True, ex=A_DAY) is not None

        shared = await self._link.ask(put)
        return near if shared is None else shared

    async def note_delivery(self, source: Source) -> None:
        """Notes that an authentic delivery has come."""
        await self._near.note_delivery(source)
        name, now = self._keys("delivered", source.value), repr(self._clock.time())
        await self._link.ask(lambda redis: redis.set(name, now, ex=A_DAY))

    async def last_delivery(self, source: Source) -> float | None:
        """When one last came, to whichever replica."""
        near = await self._near.last_delivery(source)
        name = self._keys("delivered", source.value)
        answer: Any = await self._link.ask(lambda redis: redis.get(name))
        times = [each for each in (near, float(answer) if answer else None) if each is not None]
        return max(times, default=None)


def _position(id_: bytes) -> Position:
    milliseconds, _, number = id_.partition(b"-")
    return Position(int(milliseconds), int(number))


def _decoded(decode: Callable[[bytes], T], data: object) -> T | None:
    try:
        return decode(data) if isinstance(data, bytes) else None
    except msgspec.DecodeError:
        return None
