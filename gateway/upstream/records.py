"""Records of an upstream: kept, shared and fetched in batches. Whole lists are records of what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar, cast

import msgspec

from gateway.errors import UpstreamRefused
from gateway.upstream.batch import Batcher, Failure, Limits, Part, encoded_len
from gateway.upstream.client import Client
from gateway.upstream.lifetimes import Age, Lifetimes
from gateway.upstream.request import Hit, Priority, Request
from gateway.upstream.store import Codec, Kept, Shelf

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

REVALIDATION_DEADLINE = 90.0
"""Seconds that a revalidation may wait for its turn: nobody else waits for it, and a minute may be used up."""

PATIENCE = 2.0
"""Seconds that a reader waits for a new record where there is an old one to be shown."""

QUIET = 5.0
"""Seconds without revalidation after one that failed; every reader of a stale record would begin another."""


class Answers(msgspec.Struct, Generic[K, V], frozen=True, kw_only=True):
    """What a look-up yields.

    Attributes:
        found: The records by their keys; what does not exist is left out.
        failed: The error of each key whose own call failed while others were answered.
        as_of: When the oldest record was fetched, in seconds since 1970; None where none was found.
        stale: Whether any is older than it should be.
    """

    found: dict[K, V]
    failed: dict[K, Failure]
    as_of: float | None
    stale: bool


def never(_: object) -> bool:
    """Takes no record for doubtful."""
    return False


class Kind(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """One kind of record or list.

    Attributes:
        name: Its name within the upstream, for example `people`.
        endpoint: The endpoint that it comes from, as in the ledger.
        codec: Its records as bytes and back.
        lifetimes: How long they may be used.
        doubtful: Whether something of a record could not be read, so that it should be fetched anew before long.
    """

    name: str
    endpoint: str
    codec: Codec[V]
    lifetimes: Lifetimes
    doubtful: Callable[[V], bool] = never


class _Gathered(Generic[K, V]):
    """What a look-up has so far.

    Attributes:
        usable: Records, or the knowledge that there is none, by key.
        failed: Why there is none for others.
        stale: Whether any of the records is older than it should be.
    """

    def __init__(self, usable: dict[K, Kept[V]]) -> None:
        self.usable = usable
        self.failed: dict[K, Failure] = {}
        self.stale = False


class Records(Generic[K, V]):
    """Records of one kind by their keys.

    Args:
        client: The upstream.
        kind: What they are.
        fetch: Makes one call for keys that fit into one; what it leaves out does not exist.
        limits: What fits into one call.
        encoded_len: Characters that a key takes in the URL, its parameter name and `&` included where they count.
    """

    def __init__(
        self,
        client: Client,
        kind: Kind[V],
        fetch: Callable[[Request, Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        limits: Limits | None = None,
        encoded_len: Callable[[K], int] = encoded_len,
    ) -> None:
        self._client = client
        self._kind = kind
        self._fetch = fetch
        self._batcher: Batcher[K, Kept[V]] = Batcher(
            client.clock, client.traffic, self._fetch_and_keep, limits or Limits(), encoded_len
        )
        self._shelf = Shelf(client.identity, client.upstream.name, kind.name)
        self._doubtful = kind.lifetimes.doubtful
        self._quiet_until = 0.0
        client.on_off(self._batcher.fail)

    async def get(self, request: Request, keys: Iterable[K]) -> Answers[K, V]:
        """The records with these keys: kept ones where they are young enough, else fetched, in as few calls as can be.

        Raises:
            UpstreamError: None of the calls was answered, and nothing that is kept could stand in.
            DeadlineExceeded: Likewise.
        """
        client, endpoint, started = self._client, self._kind.endpoint, self._client.clock.monotonic()
        client.require(request)
        wanted = list(dict.fromkeys(keys))
        kept, ages = await self._kept(wanted)
        oldest = Age.STALE
        if Age.FALLBACK in ages.values() and not client.budget.remaining:
            oldest = Age.FALLBACK  # without units there is nothing to wait for
        gathered = _Gathered({key: kept[key] for key, age in ages.items() if age <= oldest})
        stale = [key for key in gathered.usable if ages[key] is not Age.FRESH]
        if len(stale) < len(gathered.usable):
            client.note(request, endpoint, Hit.FRESH, started)
        if stale:
            gathered.stale = True
            client.note(request, endpoint, Hit.STALE, started)
            self._revalidate(stale)
        if len(gathered.usable) < len(wanted):
            old = {key: kept[key] for key, age in ages.items() if oldest < age <= Age.FALLBACK}
            missing = [key for key in wanted if key not in gathered.usable and key not in old]
            for part in await self._load(request, missing, list(old)):
                self._take(request, part, {key: old[key] for key in part.keys if key in old}, gathered)
            if gathered.failed:
                request.freshness.spoil()
            if len(gathered.failed) == len(wanted):
                raise next(iter(gathered.failed.values()))
        return self._answers(request, gathered)

    async def _kept(self, wanted: list[K]) -> tuple[Mapping[K, Kept[V]], dict[K, Age]]:
        """What is kept, and what its age allows."""
        found = await self._client.store.get(self._shelf, wanted, self._kind.codec, self._fresh)
        kept = cast("Mapping[K, Kept[V]]", found)
        now = self._client.clock.time()
        ages = {
            key: self._lifetimes(each).age(now - each.as_of, absent=each.value is None) for key, each in kept.items()
        }
        return kept, ages

    async def _load(self, request: Request, missing: list[K], old: list[K]) -> list[Part[K, Kept[V]]]:
        """Fetches keys; for those that have something old, which are fetched all the same, the wait is short."""
        if not old:
            return await self._batcher.load(request, missing)
        deadline = min(request.deadline, self._client.clock.monotonic() + PATIENCE)
        hasty = Request(deadline, request.priority, origin=request)
        loads = asyncio.gather(self._batcher.load(request, missing), self._batcher.load(hasty, old))
        self._revalidate(old)  # joins the loads just begun, and stays when their reader leaves
        return [part for parts in await loads for part in parts]

    def _take(
        self,
        request: Request,
        part: Part[K, Kept[V]],
        fallback: Mapping[K, Kept[V]],
        gathered: _Gathered[K, V],
    ) -> None:
        """Puts what became of some keys where it belongs; a kept record stands in for one that cannot be had.

        Not for one that is refused: whoever takes back the credential takes back what it showed.
        """
        started = self._client.clock.monotonic()
        if part.values is not None:
            gathered.usable.update((key, part.values[key]) for key in part.keys)
            if part.joined:
                self._client.note(request, self._kind.endpoint, Hit.SHARED, started)
            return
        assert part.failure is not None
        if isinstance(part.failure, UpstreamRefused) or not self._client.on:
            fallback = {}
        gathered.usable.update(fallback)
        gathered.failed.update((key, part.failure) for key in part.keys if key not in fallback)
        if fallback:
            gathered.stale = True
            self._client.note(request, self._kind.endpoint, Hit.STALE, started)

    def _answers(self, request: Request, gathered: _Gathered[K, V]) -> Answers[K, V]:
        usable = gathered.usable
        found = {key: kept.value for key, kept in usable.items() if kept.value is not None}
        as_of = min((usable[key].as_of for key in found), default=None)
        if usable:
            now = self._client.clock.time()
            max_age = min(map(self._fresh_until, usable.values())) - now
            request.freshness.note(
                self._client.upstream.name, as_of=as_of, stale=gathered.stale, max_age=max(0.0, max_age)
            )
        return Answers(found=found, failed=gathered.failed, as_of=as_of, stale=gathered.stale)

    async def _fetch_and_keep(self, request: Request, keys: Sequence[K]) -> Mapping[K, Kept[V]]:
        found = await self._fetch(request, keys)
        now = self._client.clock.time()
        kept = {key: Kept(found.get(key), now) for key in keys}
        await self._client.store.put(self._shelf, kept, self._kind.codec, seconds=self._kind.lifetimes.longest)
        return kept

    def _revalidate(self, keys: Sequence[K]) -> None:
        """Begins to fetch keys anew, for those who come later."""
        now = self._client.clock.monotonic()
        due = [key for key in keys if not self._batcher.under_way(key)]
        if due and now >= self._quiet_until:
            request = Request(now + REVALIDATION_DEADLINE, Priority.REVALIDATION)
            self._client.behind(lambda: self._load_anew(request, due))

    async def _load_anew(self, request: Request, keys: Sequence[K]) -> None:
        parts = await self._batcher.load(request, keys)
        if any(part.failure is not None for part in parts):
            self._quiet_until = self._client.clock.monotonic() + QUIET

    def _fresh(self, kept: Kept[V]) -> bool:
        return self._client.clock.time() < self._fresh_until(kept)

    def _fresh_until(self, kept: Kept[V]) -> float:
        """When a record stops to be fresh, in seconds since 1970."""
        lifetimes = self._lifetimes(kept)
        return kept.as_of + (lifetimes.absent if kept.value is None else lifetimes.fresh)

    def _lifetimes(self, kept: Kept[V]) -> Lifetimes:
        if kept.value is None or not self._kind.doubtful(kept.value):
            return self._kind.lifetimes
        return self._doubtful


class Held(msgspec.Struct, Generic[V], frozen=True):
    """A list, and how old it is.

    Attributes:
        value: The list.
        as_of: When it was fetched, in seconds since 1970.
        stale: Whether it is older than it should be.
    """

    value: V
    as_of: float
    stale: bool


class Lists(Generic[K, V]):
    """Whole answers of one kind by what was asked: a page, a directory, a window.

    Args:
        client: The upstream.
        kind: What they are; they always exist, if only to be empty.
        fetch: Makes the calls for one of them.
    """

    def __init__(self, client: Client, kind: Kind[V], fetch: Callable[[Request, K], Awaitable[V]]) -> None:
        async def fetch_one(request: Request, keys: Sequence[K]) -> Mapping[K, V]:
            return {key: await fetch(request, key) for key in keys}

        self._records: Records[K, V] = Records(client, kind, fetch_one, limits=Limits(keys=1), encoded_len=lambda _: 0)

    async def get(self, request: Request, key: K) -> Held[V]:
        """The list: kept where it is young enough, else fetched, once for all who ask at the same time.

        Raises:
            UpstreamError: It could not be fetched, and nothing that is kept could stand in.
            DeadlineExceeded: Not before the request's deadline.
        """
        answers = await self._records.get(request, [key])
        assert answers.as_of is not None
        return Held(answers.found[key], answers.as_of, answers.stale)
