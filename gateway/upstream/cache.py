"""Records of an upstream by their keys: cached, shared and fetched in batches."""

from __future__ import annotations

import asyncio
import math
import operator
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar, cast

import msgspec

from gateway.errors import (
    DeadlineExceeded,
    LoadError,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamRejected,
)
from gateway.request import Hit, Priority, Request, Why
from gateway.upstream.batch import Batcher, BatchResult, Limits, fetch_bisecting
from gateway.upstream.client import Client
from gateway.upstream.freshness import Age, CachePolicy, Gathered, LookupResult
from gateway.upstream.http import encoded_len
from gateway.upstream.store import LASTING, CacheEntry, CacheNamespace

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

REVALIDATION_DEADLINE = 90.0
"""Seconds for a revalidation, which nobody waits for: a minute's budget may be used up."""

PATIENCE = 2.0
"""Seconds that a reader waits for a new record where there is an old one to return."""

QUIET = 5.0
"""Seconds without revalidation after one that failed: every reader of a stale record would start another."""


class RecordCache(Generic[K, V]):
    """Records of one kind by their keys.

    Args:
        client: The upstream.
        policy: How they are cached.
        fetch: Makes one call for keys that fit into one; keys that it leaves out do not exist.
        limits: What fits into one call.
        encoded_len: The length of a key in the URL, with its parameter name and `&` where they count.
    """

    def __init__(
        self,
        client: Client,
        policy: CachePolicy[V],
        fetch: Callable[[Request, Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        limits: Limits | None = None,
        encoded_len: Callable[[K], int] = encoded_len,
    ) -> None:
        self._client = client
        self._policy = policy
        self._fetch = fetch
        self._batcher: Batcher[K, CacheEntry[V] | LoadError] = Batcher(
            client.clock,
            client.traffic,
            self._fetch_and_store,
            limits or Limits(),
            encoded_len,
            endpoint=policy.endpoint,
        )
        self._last_namespace = CacheNamespace(client.identity, client.upstream.name, policy.name)
        self._quiet_until, self._quiet_why = 0.0, Why.RENEWED
        self._alone = limits is not None and limits.keys == 1
        client.interrupt_with(self._batcher)

    async def get(self, request: Request, keys: Iterable[K]) -> LookupResult[K, V]:
        """The records with these keys, from the cache where they are young enough, else in as few calls as possible.

        Raises:
            UpstreamError: No call succeeded, and nothing in the cache could stand in.
            DeadlineExceeded: Likewise.
        """
        client, started = self._client, self._client.clock.monotonic()
        client.require(request)
        wanted = list(dict.fromkeys(keys))
        cached, now = await self._cached(wanted), client.now()
        if (
            len(cached) == len(wanted)
            and now < (until := self._policy.fresh_until(cached.values(), now))
            and not self._policy.any_outdated(cached)
        ):
            return self._all_fresh(request, cached, until)
        request.dependencies.mark_uncacheable()
        return await self._some(request, wanted, cached, started)

    def _all_fresh(self, request: Request, cached: Mapping[K, CacheEntry[V]], until: float) -> LookupResult[K, V]:
        found = {key: each.value for key, each in cached.items() if each.value is not None}
        as_of = min((each.as_of for each in cached.values() if each.value is not None), default=None)
        if cached:
            use = _CachedUse(self, cached, as_of, until)
            use.note(request)
            request.dependencies.note(use)
        return LookupResult(found=found, failed={}, as_of=as_of, stale=False)

    async def _some(
        self, request: Request, wanted: list[K], cached: Mapping[K, CacheEntry[V]], started: float
    ) -> LookupResult[K, V]:
        client, policy = self._client, self._policy
        now = client.now()
        ages = {key: policy.age(each, now, request.max_age) for key, each in cached.items()}
        ages |= {
            key: max(Age.FALLBACK, ages[key]) for key, each in cached.items() if self._policy.is_outdated(key, each)
        }
        oldest = Age.STALE
        if Age.FALLBACK in ages.values() and not client.budget.remaining:
            oldest = Age.FALLBACK  # without budget there is nothing to wait for
        gathered = Gathered({key: cached[key] for key, age in ages.items() if age <= oldest})
        stale = [key for key in gathered.usable if ages[key] is not Age.FRESH]
        if fresh := len(gathered.usable) - len(stale):
            self._note(request, Hit.FRESH, fresh, started)
        if stale:
            self._note(request, Hit.STALE, len(stale), started)
            self._revalidate(stale)
            why = Why.NO_UNITS if oldest is Age.FALLBACK else self._failing()
            gathered.note((cached[key] for key in stale), why)
        if len(gathered.usable) < len(wanted):
            old = {key: cached[key] for key, age in ages.items() if oldest < age <= Age.FALLBACK}
            missing = [key for key in wanted if key not in gathered.usable and key not in old]
            parts = await self._load(request, missing, list(old))
            for part in parts:
                self._take(request, part, {key: old[key] for key in part.keys if key in old}, gathered)
            # Another request may have started to fetch some of these before they changed.
            joined = {
                key: each for key, each in gathered.usable.items() if key not in old and policy.is_outdated(key, each)
            }
            for part in await self._load(request, list(joined), []) if joined else ():
                self._take(request, part, {key: joined[key] for key in part.keys}, gathered)
            if gathered.failed:
                request.freshness.mark_uncacheable()
            if len(gathered.failed) == len(wanted):
                raise next(iter(gathered.failed.values()))
        return self._answers(request, gathered)

    @property
    def _namespace(self) -> CacheNamespace:
        """The namespace of the current credential; a credential that replaced it may be another account's."""
        if self._last_namespace.identity != self._client.identity:
            self._last_namespace = msgspec.structs.replace(self._last_namespace, identity=self._client.identity)
        return self._last_namespace

    async def _cached(self, wanted: Sequence[K]) -> Mapping[K, CacheEntry[V]]:
        """The cached entries, whatever their age."""
        now = self._client.now()

        newest = -math.inf if self._policy.changed_at is None else self._client.outdated.newest

        def fresh(cached: CacheEntry[V]) -> bool:
            return now < self._policy.fresh_until((cached,), now) and cached.as_of >= newest

        found = await self._client.store.get(self._namespace, wanted, self._policy.codec, fresh, now=now)
        return cast("Mapping[K, CacheEntry[V]]", found)

    def _rejected(self, keys: Iterable[K]) -> dict[K, UpstreamError]:
        """The keys that the upstream rejected a moment ago, with the errors."""
        known, now = self._client.failed_records, self._client.clock.monotonic()
        if not known:  # nearly always
            return {}
        errors = ((key, known.error(self._place(key), now)) for key in keys)
        return {key: error for key, error in errors if error is not None}

    def _place(self, key: K) -> tuple[object, ...]:
        return self._client.identity, self._policy.name, key

    async def _load(
        self, request: Request, missing: list[K], old: list[K]
    ) -> list[BatchResult[K, CacheEntry[V] | LoadError]]:
        """Fetches keys; the wait is short for those that have an old entry to fall back to."""
        rejected = self._rejected([*missing, *old])
        if rejected:
            known: list[BatchResult[K, CacheEntry[V] | LoadError]] = [
                BatchResult([key], None, error, joined=True) for key, error in rejected.items()
            ]
            missing, old = ([key for key in keys if key not in rejected] for keys in (missing, old))
            return [*known, *await self._load(request, missing, old)]
        if not old:
            return await self._batcher.load(request, missing)
        deadline = min(request.deadline, self._client.clock.monotonic() + PATIENCE)
        hasty = Request(deadline, request.priority, origin=request)
        loads = asyncio.gather(self._batcher.load(request, missing), self._batcher.load(hasty, old))
        self._revalidate(old)  # joins the loads just started, and stays when their reader leaves
        return [part for parts in await loads for part in parts]

    def _take(
        self,
        request: Request,
        part: BatchResult[K, CacheEntry[V] | LoadError],
        fallback: Mapping[K, CacheEntry[V]],
        gathered: Gathered[K, V],
    ) -> None:
        """Adds a batch's result to the look-up; an old entry stands in for a record that cannot be fetched.

        It does not where the credential was refused: revoking it revokes what it gave access to.
        """
        started = self._client.clock.monotonic()
        if part.values is not None:
            for key in part.keys:
                value = part.values[key]
                if isinstance(value, CacheEntry):
                    gathered.usable[key] = value
                elif key in fallback and not isinstance(value, UpstreamRefused):
                    gathered.usable[key] = fallback[key]
                    gathered.note((fallback[key],), self._why(value))
                else:
                    gathered.failed[key] = value
            if part.joined:
                self._note(request, Hit.SHARED, len(part.keys), started)
                if self._alone:  # a key is a call
                    self._client.meter.joined(self._client.upstream.name, self._policy.endpoint)
            else:
                self._count(Hit.MISS, len(part.keys))
            return
        assert part.failure is not None
        if isinstance(part.failure, UpstreamRefused) or not self._client.on:
            fallback = {}
        gathered.usable.update(fallback)
        gathered.failed.update((key, part.failure) for key in part.keys if key not in fallback)
        if fallback:
            gathered.note(fallback.values(), self._why(part.failure))
            self._note(request, Hit.STALE, len(fallback), started)
        if missed := len(part.keys) - len(fallback):
            self._count(Hit.MISS, missed)

    def _note(self, request: Request, hit: Hit, keys: int, started: float) -> None:
        """Records in the ledger, and counts, that no call was made for these keys."""
        self._client.note(request, self._policy.endpoint, hit, started)
        self._count(hit, keys)

    def _count(self, hit: Hit, keys: int) -> None:
        self._client.meter.looked_up(self._client.upstream.name, self._policy.name, hit, keys)

    def _answers(self, request: Request, gathered: Gathered[K, V]) -> LookupResult[K, V]:
        usable = gathered.usable
        found = {key: cached.value for key, cached in usable.items() if cached.value is not None}
        as_of = min((usable[key].as_of for key in found), default=None)
        if usable:
            now = self._client.now()
            max_age = self._policy.fresh_until(usable.values(), now) - now
            request.freshness.note(
                self._client.upstream.name, as_of=as_of, stale=gathered.stale, max_age=max(0.0, max_age)
            )
        return LookupResult(found=found, failed=gathered.failed, as_of=as_of, stale=gathered.stale is not None)

    async def _fetch_and_store(self, request: Request, keys: Sequence[K]) -> Mapping[K, CacheEntry[V] | LoadError]:
        if not self._alone:
            self._client.meter.batched(self._client.upstream.name, self._policy.name, len(keys))
        namespace, began = self._namespace, self._client.now()
        try:
            found, failed = await fetch_bisecting(self._fetch, request, keys)
        except UpstreamRejected as error:
            if len(keys) == 1 and not self._alone:
                self._remember(keys[0], error)
            raise
        for key, failure in failed.items():
            if isinstance(failure, UpstreamRejected):
                self._remember(key, failure)
        # A record that may change at any moment is as old as its request.
        now = self._client.now() if self._policy.changed_at is None else began
        cached: dict[K, CacheEntry[V]] = {key: CacheEntry(value, now) for key, value in found.items()}
        cached |= {key: CacheEntry(None, now) for key in keys if key not in found and key not in failed}
        if (seconds := self._policy.lifetimes.longest) > 0:
            await self._client.store.put(namespace, cached, self._policy.codec, seconds=seconds)
        return {**cached, **failed}

    async def renew(self, request: Request, keys: Sequence[K]) -> LookupResult[K, V]:
        """Fetches keys now in one call, whatever is cached or in flight.

        Raises:
            UpstreamError: The call failed.
            DeadlineExceeded: Likewise.
        """
        self._client.require(request)
        request.dependencies.mark_uncacheable()
        began, found = self._client.now(), {}
        failed: dict[K, LoadError] = {}
        for key, cached in (await self._fetch_and_store(request, keys)).items():
            if not isinstance(cached, CacheEntry):
                failed[key] = cached
            elif cached.value is not None:
                found[key] = cached.value
        return LookupResult(found=found, failed=failed, as_of=began, stale=False)

    def _remember(self, key: K, error: UpstreamRejected) -> None:
        """Leaves a key out for a while, so that the calls for others succeed."""
        self._client.failed_records.note(self._place(key), error, until=self._client.clock.monotonic() + LASTING)

    def _revalidate(self, keys: Sequence[K]) -> None:
        """Starts to fetch keys again in the background."""
        now = self._client.clock.monotonic()
        rejected = self._rejected(keys)
        due = [key for key in keys if key not in rejected and not self._batcher.in_flight(key)]
        if due and now >= self._quiet_until:
            request = Request(now + REVALIDATION_DEADLINE, Priority.REVALIDATION)
            self._client.spawn(lambda: self._load_anew(request, due))

    async def _load_anew(self, request: Request, keys: Sequence[K]) -> None:
        for part in await self._batcher.load(request, keys):
            if part.failure is not None:
                self._quiet_until, self._quiet_why = self._client.clock.monotonic() + QUIET, self._why(part.failure)

    def _why(self, failure: LoadError) -> Why:
        """Why an old record is used where a new one failed to come."""
        waited = isinstance(failure, DeadlineExceeded) and not self._client.budget.remaining
        return Why.NO_UNITS if waited or isinstance(failure, UpstreamRateLimited) else Why.NO_ANSWER

    def _failing(self) -> Why:
        """Why a stale record is used: what came of fetching others anew a moment ago, if that failed."""
        return self._quiet_why if self._client.clock.monotonic() < self._quiet_until else Why.RENEWED

    async def is_current(self, cached: Mapping[K, CacheEntry[V]], until: float) -> bool:
        """Whether these are the very entries that are cached now, still fresh, and the source is on."""
        if not self._client.on or self.is_expired(until):
            return False
        found = await self._cached(list(cached))
        return not self._policy.any_outdated(cached) and all(map(operator.is_, map(found.get, cached), cached.values()))

    def is_expired(self, until: float) -> bool:
        """Whether entries that were fresh until then no longer are."""
        return self._client.now() >= until

    def note_fresh(self, request: Request, keys: int, as_of: float | None, until: float) -> None:
        """Records that a request used so many entries, fresh until then, the oldest fetched at `as_of`."""
        self._note(request, Hit.FRESH, keys, self._client.clock.monotonic())
        seconds = max(0.0, until - self._client.now())
        request.freshness.note(self._client.upstream.name, as_of=as_of, max_age=seconds)


class _CachedUse(Generic[K, V]):
    """Cached, fresh records of one kind that were used together; see `Dependency`."""

    def __init__(
        self, records: RecordCache[K, V], cached: Mapping[K, CacheEntry[V]], as_of: float | None, until: float
    ) -> None:
        self.records = len(cached)
        self._cache = records
        self._cached = cached
        self._as_of = as_of
        self._until = until

    async def is_current(self) -> bool:
        """Whether each of them is the very entry that is cached now, still fresh, and the source is on."""
        return await self._cache.is_current(self._cached, self._until)

    @property
    def is_expired(self) -> bool:
        """Whether one of them is no longer fresh."""
        return self._cache.is_expired(self._until)

    def note(self, request: Request) -> None:
        """Records that a request used them."""
        self._cache.note_fresh(request, self.records, self._as_of, self._until)


class CachedList(msgspec.Struct, Generic[V], frozen=True):
    """A list, and how old it is.

    Attributes:
        value: The list.
        as_of: When it was fetched, in seconds since 1970.
        stale: Whether it is past its fresh lifetime.
    """

    value: V
    as_of: float
    stale: bool


class ListCache(Generic[K, V]):
    """Lists of one kind by what was requested: a page, a directory, a window.

    Args:
        client: The upstream.
        policy: How they are cached.
        fetch: Makes the calls for one of them; a list always exists, if only to be empty.
    """

    def __init__(self, client: Client, policy: CachePolicy[V], fetch: Callable[[Request, K], Awaitable[V]]) -> None:
        async def fetch_one(request: Request, keys: Sequence[K]) -> Mapping[K, V]:
            return {key: await fetch(request, key) for key in keys}

        self._records: RecordCache[K, V] = RecordCache(
            client, policy, fetch_one, limits=Limits(keys=1), encoded_len=lambda _: 0
        )

    async def renew(self, request: Request, key: K) -> CachedList[V]:
        """The list as it is now, whatever is cached.

        Raises:
            UpstreamError: It could not be fetched.
            DeadlineExceeded: It was not there by the request's deadline.
        """
        answers = await self._records.renew(request, [key])
        for failure in answers.failed.values():
            raise failure
        assert answers.as_of is not None
        return CachedList(answers.found[key], answers.as_of, answers.stale)

    async def get(self, request: Request, key: K) -> CachedList[V]:
        """The list, from the cache where it is young enough, else fetched, once for all who wait for it.

        Raises:
            UpstreamError: It could not be fetched, and nothing in the cache could stand in.
            DeadlineExceeded: It was not there by the request's deadline.
        """
        answers = await self._records.get(request, [key])
        assert answers.as_of is not None
        return CachedList(answers.found[key], answers.as_of, answers.stale)
