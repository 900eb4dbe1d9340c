"""The log of changes, and what replicas agree on about it, in the Redis that they share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec

from gateway.live.coordination import Alone
from gateway.live.log import Change, Cursor, Entry, LogUnavailable, MemoryLog, Position, new_epoch
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

NOTICED = 2.0
"""Seconds within which every replica notices that another log has begun, and makes no list of what was cached before:
readers are sent RESET after that, since any replica may be asked for the list then."""

ADOPTED = 15.0
"""Seconds after which a process looks into a hint that another was given, and seems to have forgotten."""

MOST_HINTS = 5_000
"""Of one source that are remembered for other processes."""

READ = Script("""
-- KEYS: stream, epoch   ARGV: after, how many, epoch of a stream that has yet to begin
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[3])
  redis.call('XADD', KEYS[1], '*', 'begin', ARGV[3])
end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
return {redis.call('GET', KEYS[2]), first, redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])}
""")

APPEND = Script("""
-- KEYS: stream, epoch   ARGV: entries at most, epoch of a stream that has yet to begin, seconds to hold it, changes …
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then
  redis.call('DEL', KEYS[1])
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


ACCEPT = Script("""
-- KEYS: hints, delivery where it is remembered   ARGV: seconds to remember, hints at most, hints …
-- returns the time, by which its hints are known later; 0 where it has come before
if KEYS[2] and not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for i = 3, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('ZADD', KEYS[1], now, ARGV[i])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return now
""")

DONE = Script("""
-- KEYS: hints   ARGV: hint, its time, another hint, its time …
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 1
""")

LEAVE = Script("""
-- KEYS: hints   ARGV: hint, its time, another hint, its time …
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then redis.call('ZADD', KEYS[1], 0, ARGV[i]) end
end
return 1
""")

ADOPT = Script("""
-- KEYS: hints   ARGV: seconds after which they are forgotten, how many
-- returns the time, by which they are known from now on, and the hints
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local found = {}
for _, hint in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1)) do
  local age = now - tonumber(redis.call('ZSCORE', KEYS[1], hint))
  if age >= tonumber(ARGV[1]) * 1000000 then found[#found + 1] = hint end
end
for _, hint in ipairs(found) do redis.call('ZADD', KEYS[1], now, hint) end
return {now, found}
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
        self._following = False
        self._next: tuple[str, float] | None = None
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Change).decode

    async def append(self, changes: Sequence[Change]) -> None:
        """Adds changes to the stream, and learns of them."""
        data = [self._encode(change) for change in changes]
        args = [self._most_entries, new_epoch(), 2 * A_DAY, *data]
        if await self._link.run(APPEND, self._places(), args) is None:
            raise LogUnavailable
        await self.refresh()

    async def restart(self) -> None:
        """Has the readers of all replicas begin anew; what is in the stream stays."""
        name, epoch = self._keys("epoch"), new_epoch()
        if not await self._link.ask(lambda redis: redis.set(name, epoch, ex=2 * A_DAY)):
            raise LogUnavailable
        await self.refresh()

    async def refresh(self) -> None:
        """Learns what all replicas have added up to now; of another stream, all that it holds."""
        while True:
            after = self.end().position
            args = [f"{after[0]}-{after[1]}", CHUNK, new_epoch()]
            answer = await self._link.run(READ, self._places(), args)
            if answer is None:
                return
            epoch, first, rows = answer[0].decode(), _position(answer[1]), answer[2]
            if epoch != self.epoch:
                if not self._is_due(epoch):
                    return
                self.begin(epoch, first)
                continue
            for id_, fields in rows:
                change = self._change(fields)
                if change is not None:
                    self.add(Entry(_position(id_), change))
            if len(rows) < CHUNK:
                return

    def settled(self) -> Cursor:
        """The place up to which whoever asks for a list now is shown everything; in the log that is about to begin."""
        here = super().settled()
        return here if self._next is None else msgspec.structs.replace(here, epoch=self._next[0])

    def holds(self, cursor: Cursor) -> bool:
        """Whether every change after a cursor is still known, of this log or of the one that is about to begin."""
        coming = self._next is not None and cursor.epoch == self._next[0]
        return super().holds(msgspec.structs.replace(cursor, epoch=self.epoch) if coming else cursor)

    def _is_due(self, epoch: str) -> bool:
        """Whether readers are told of another log; nothing that was cached before it is used from now on."""
        now = self._clock.monotonic()
        if self._next is None or self._next[0] != epoch:
            self._next = epoch, now + (NOTICED if self._following else 0.0)
            for restarted in self.restarted:
                restarted()
        self._following = True
        return now >= self._next[1]

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
        """The versions of those records that were seen within a day.

        Raises:
            LogUnavailable: Redis does not answer.
        """
        found: dict[Ref, Version] = {}
        for start in range(0, len(refs), CHUNK):
            chunk = refs[start : start + CHUNK]
            names = [self._name(ref) for ref in chunk]
            answers = await self._link.ask(lambda redis, names=names: redis.mget(names))  # type: ignore[misc]
            if answers is None:
                raise LogUnavailable
            for ref, data in zip(chunk, answers, strict=True):
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
        """How far a source was looked at.

        Raises:
            LogUnavailable: Redis does not answer.
        """
        name = self._keys("place", source.value)
        answer = await self._link.ask(lambda redis: redis.mget([name]))
        if answer is None:
            raise LogUnavailable
        return _decoded(self._place, answer[0])

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

    shared: ClassVar[bool] = True

    def __init__(self, link: Link, keys: RedisKeys, clock: Clock) -> None:
        self._link = link
        self._keys = keys
        self._clock = clock
        self._near = Alone(clock)
        self._name = secrets.token_urlsafe(9)

    async def lead(self, source: Source, seconds: float) -> bool:
        """Whether it is this process that polls a source; nobody does while Redis is away, since nothing is logged."""
        return bool(await self._link.run(LEAD, [self._keys("lead", source.value)], [self._name, int(seconds * 1000)]))

    async def accept(self, source: Source, digest: str | None, hints: Sequence[str]) -> int | None:
        """Takes a delivery, unless one of its content has come to any replica within a day."""
        near = await self._near.accept(source, digest, hints)
        keys = [self._hints(source), *([] if digest is None else [self._keys("delivery", source.value, digest)])]
        shared: int | None = await self._link.run(ACCEPT, keys, [A_DAY, MOST_HINTS, *hints])
        return near if shared is None else shared or None

    async def done(self, source: Source, hints: Mapping[str, int]) -> None:
        """Hints were looked into."""
        await self._link.run(DONE, [self._hints(source)], [part for each in hints.items() for part in each])

    async def leave(self, source: Source, hints: Mapping[str, int]) -> None:
        """Hints will not be looked into by this process."""
        await self._link.run(LEAVE, [self._hints(source)], [part for each in hints.items() for part in each])

    async def adopt(self, source: Source) -> Mapping[str, int]:
        """Hints that some process was given a while ago and has not looked into."""
        answer = await self._link.run(ADOPT, [self._hints(source)], [ADOPTED, CHUNK])
        return {} if answer is None else {hint.decode(): answer[0] for hint in answer[1]}

    def _hints(self, source: Source) -> str:
        return self._keys("hints", source.value)

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
