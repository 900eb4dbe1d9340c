"""Records of an upstream by their keys: kept, shared and fetched in batches."""

from __future__ import annotations

import asyncio
import math
import operator
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar, cast

import msgspec

from gateway.errors import UpstreamError, UpstreamRefused, UpstreamRejected
from gateway.upstream.batch import Batcher, Failure, Limits, Part, encoded_len
from gateway.upstream.client import Client
from gateway.upstream.failed import LASTING
from gateway.upstream.halves import fetched
from gateway.upstream.lifetimes import AHEAD, Age, Lifetimes
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
        self._batcher: Batcher[K, Kept[V] | Failure] = Batcher(
            client.clock,
            client.traffic,
            self._fetch_and_keep,
            limits or Limits(),
            encoded_len,
            endpoint=kind.endpoint,
        )
        self._last_shelf = Shelf(client.identity, client.upstream.name, kind.name)
        self._doubtful = kind.lifetimes.doubtful
        self._quiet_until = 0.0
        self._alone = limits is not None and limits.keys == 1
        client.on_off(self._batcher.fail)

    async def get(self, request: Request, keys: Iterable[K]) -> Answers[K, V]:
        """The records with these keys: kept ones where they are young enough, else fetched, in as few calls as can be.

        Raises:
            UpstreamError: None of the calls was answered, and nothing that is kept could stand in.
            DeadlineExceeded: Likewise.
        """
        client, started = self._client, self._client.clock.monotonic()
        client.require(request)
        wanted = list(dict.fromkeys(keys))
        kept, now = await self._kept(wanted), client.now()
        if len(kept) == len(wanted) and now < (until := self._soonest(kept.values(), now)):
            return self._all_fresh(request, kept, until)
        request.uses.spoil()
        return await self._some(request, wanted, kept, started)

    def _all_fresh(self, request: Request, kept: Mapping[K, Kept[V]], until: float) -> Answers[K, V]:
        """What there is to say where everything is kept, and fresh until then."""
        found = {key: each.value for key, each in kept.items() if each.value is not None}
        as_of = min((each.as_of for each in kept.values() if each.value is not None), default=None)
        if kept:
            use = _Use(self, kept, as_of, until)
            use.note(request)
            request.uses.note(use)
        return Answers(found=found, failed={}, as_of=as_of, stale=False)

    async def _some(
        self, request: Request, wanted: list[K], kept: Mapping[K, Kept[V]], started: float
    ) -> Answers[K, V]:
        """The records, where not all of them are kept and fresh."""
        client = self._client
        now = client.now()
        ages = {
            key: self._lifetimes(each).age(now - each.as_of, absent=each.value is None) for key, each in kept.items()
        }
        oldest = Age.STALE
        if Age.FALLBACK in ages.values() and not client.budget.remaining:
            oldest = Age.FALLBACK  # without units there is nothing to wait for
        gathered = _Gathered({key: kept[key] for key, age in ages.items() if age <= oldest})
        stale = [key for key in gathered.usable if ages[key] is not Age.FRESH]
        if fresh := len(gathered.usable) - len(stale):
            self._note(request, Hit.FRESH, fresh, started)
        if stale:
            gathered.stale = True
            self._note(request, Hit.STALE, len(stale), started)
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

    @property
    def _shelf(self) -> Shelf:
        """Where this credential's records are; one that it was replaced by may be another account's."""
        if self._last_shelf.identity != self._client.identity:
            self._last_shelf = msgspec.structs.replace(self._last_shelf, identity=self._client.identity)
        return self._last_shelf

    async def _kept(self, wanted: Sequence[K]) -> Mapping[K, Kept[V]]:
        """What is kept, of whatever age."""
        now = self._client.now()

        def fresh(kept: Kept[V]) -> bool:
            return now < self._soonest((kept,), now)

        found = await self._client.store.get(self._shelf, wanted, self._kind.codec, fresh, now=now)
        return cast("Mapping[K, Kept[V]]", found)

    def _rejected(self, keys: Iterable[K]) -> dict[K, UpstreamError]:
        """Those of the keys that the upstream did not accept to be asked for a moment ago, and why."""
        known, now = self._client.failed_records, self._client.clock.monotonic()
        if not known:  # as good as always
            return {}
        errors = ((key, known.error(self._place(key), now)) for key in keys)
        return {key: error for key, error in errors if error is not None}

    def _place(self, key: K) -> tuple[object, ...]:
        """What is remembered of a key is remembered under this."""
        return self._client.identity, self._kind.name, key

    async def _load(self, request: Request, missing: list[K], old: list[K]) -> list[Part[K, Kept[V] | Failure]]:
        """Fetches keys; for those that have something old, which are fetched all the same, the wait is short."""
        rejected = self._rejected([*missing, *old])
        if rejected:
            known: list[Part[K, Kept[V] | Failure]] = [
                Part([key], None, error, joined=True) for key, error in rejected.items()
            ]
            missing, old = ([key for key in keys if key not in rejected] for keys in (missing, old))
            return [*known, *await self._load(request, missing, old)]
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
        part: Part[K, Kept[V] | Failure],
        fallback: Mapping[K, Kept[V]],
        gathered: _Gathered[K, V],
    ) -> None:
        """Puts what became of some keys where it belongs; a kept record stands in for one that cannot be had.

        Not for one that is refused: whoever takes back the credential takes back what it showed.
        """
        started = self._client.clock.monotonic()
        if part.values is not None:
            for key in part.keys:
                value = part.values[key]
                if isinstance(value, Kept):
                    gathered.usable[key] = value
                elif key in fallback and not isinstance(value, UpstreamRefused):
                    gathered.usable[key], gathered.stale = fallback[key], True
                else:
                    gathered.failed[key] = value
            if part.joined:
                self._note(request, Hit.SHARED, len(part.keys), started)
                if self._alone:  # a key is a call
                    self._client.meter.joined(self._client.upstream.name, self._kind.endpoint)
            else:
                self._count(Hit.MISS, len(part.keys))
            return
        assert part.failure is not None
        if isinstance(part.failure, UpstreamRefused) or not self._client.on:
            fallback = {}
        gathered.usable.update(fallback)
        gathered.failed.update((key, part.failure) for key in part.keys if key not in fallback)
        if fallback:
            gathered.stale = True
            self._note(request, Hit.STALE, len(fallback), started)
        if missed := len(part.keys) - len(fallback):
            self._count(Hit.MISS, missed)

    def _note(self, request: Request, hit: Hit, keys: int, started: float) -> None:
        """Writes into the ledger, and counts, what saved a call for so many keys."""
        self._client.note(request, self._kind.endpoint, hit, started)
        self._count(hit, keys)

    def _count(self, hit: Hit, keys: int) -> None:
        self._client.meter.looked_up(self._client.upstream.name, self._kind.name, hit, keys)

    def _answers(self, request: Request, gathered: _Gathered[K, V]) -> Answers[K, V]:
        usable = gathered.usable
        found = {key: kept.value for key, kept in usable.items() if kept.value is not None}
        as_of = min((usable[key].as_of for key in found), default=None)
        if usable:
            now = self._client.now()
            max_age = self._soonest(usable.values(), now) - now
            request.freshness.note(
                self._client.upstream.name, as_of=as_of, stale=gathered.stale, max_age=max(0.0, max_age)
            )
        return Answers(found=found, failed=gathered.failed, as_of=as_of, stale=gathered.stale)

    async def _fetch_and_keep(self, request: Request, keys: Sequence[K]) -> Mapping[K, Kept[V] | Failure]:
        if not self._alone:
            self._client.meter.batched(self._client.upstream.name, self._kind.name, len(keys))
        shelf = self._shelf
        try:
            found, failed = await fetched(self._fetch, request, keys)
        except UpstreamRejected as error:
            if len(keys) == 1 and not self._alone:
                self._remember(keys[0], error)
            raise
        for key, failure in failed.items():
            if isinstance(failure, UpstreamRejected):
                self._remember(key, failure)
        now = self._client.now()
        kept = {key: Kept(found.get(key), now) for key in keys if key not in failed}
        if (seconds := self._kind.lifetimes.longest) > 0:
            await self._client.store.put(shelf, kept, self._kind.codec, seconds=seconds)
        return {**kept, **failed}

    def _remember(self, key: K, error: UpstreamRejected) -> None:
        """Asks for a key no more for a while, and so keeps it from the calls for others."""
        self._client.failed_records.note(self._place(key), error, until=self._client.clock.monotonic() + LASTING)

    def _revalidate(self, keys: Sequence[K]) -> None:
        """Begins to fetch keys anew, for those who come later."""
        now = self._client.clock.monotonic()
        rejected = self._rejected(keys)
        due = [key for key in keys if key not in rejected and not self._batcher.under_way(key)]
        if due and now >= self._quiet_until:
            request = Request(now + REVALIDATION_DEADLINE, Priority.REVALIDATION)
            self._client.behind(lambda: self._load_anew(request, due))

    async def _load_anew(self, request: Request, keys: Sequence[K]) -> None:
        parts = await self._batcher.load(request, keys)
        if any(part.failure is not None for part in parts):
            self._quiet_until = self._client.clock.monotonic() + QUIET

    async def same(self, kept: Mapping[K, Kept[V]], until: float) -> bool:
        """Whether these are what is kept now, fresh until then, and may be shown."""
        if not self._client.on or self.over(until):
            return False
        found = await self._kept(list(kept))
        return all(map(operator.is_, map(found.get, kept), kept.values()))

    def over(self, until: float) -> bool:
        """Whether what was fresh until then is so no more."""
        return self._client.now() >= until

    def note_fresh(self, request: Request, keys: int, as_of: float | None, until: float) -> None:
        """Notes that a request used so many kept records, fresh until then, the oldest of that time."""
        self._note(request, Hit.FRESH, keys, self._client.clock.monotonic())
        seconds = max(0.0, until - self._client.now())
        request.freshness.note(self._client.upstream.name, as_of=as_of, stale=False, max_age=seconds)

    def _soonest(self, kept: Iterable[Kept[V]], now: float) -> float:
        """When the first of these stops to be fresh, in seconds since 1970; never, where there are none.

        One that was fetched later than now is not. Asked for every record that is used, so in one loop.
        """
        latest = now + AHEAD
        fresh, absent = self._kind.lifetimes.fresh, self._kind.lifetimes.absent
        doubtful, doubted = self._kind.doubtful, self._doubtful.fresh
        soonest = math.inf
        for each in kept:
            value = each.value
            if each.as_of > latest:
                return 0.0
            until = each.as_of + (absent if value is None else doubted if doubtful(value) else fresh)
            if until < soonest:  # noqa: PLR1730 - min() takes longer than all the rest
                soonest = until
        return soonest

    def _lifetimes(self, kept: Kept[V]) -> Lifetimes:
        if kept.value is None or not self._kind.doubtful(kept.value):
            return self._kind.lifetimes
        return self._doubtful


class _Use(Generic[K, V]):
    """Kept, fresh records of one kind that were used together; see `Use`."""

    def __init__(self, kind: Records[K, V], kept: Mapping[K, Kept[V]], as_of: float | None, until: float) -> None:
        self.records = len(kept)
        self._kind = kind
        self._kept = kept
        self._as_of = as_of
        self._until = until

    async def holds(self) -> bool:
        """Whether each of them is the very one that is kept now, fresh, and its source switched on."""
        return await self._kind.same(self._kept, self._until)

    @property
    def over(self) -> bool:
        """Whether one of them is not fresh any more."""
        return self._kind.over(self._until)

    def note(self, request: Request) -> None:
        """Notes that a request used them."""
        self._kind.note_fresh(request, self.records, self._as_of, self._until)
