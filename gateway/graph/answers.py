"""Answers that serve more than one request: cached while their records are fresh, shared while they are being made.

The cache has no lifetime of its own, since what is cached for a time are records (`upstream.records`). An answer made
of cached, fresh records alone is the same for as long as each of them is that very record, and fresh; every one is
looked up, and counts as used, before the answer's bytes go out again.

Equal operations that run at the same time are run once. Many who look at one page when its records have just gone stale
would else each pay for reading, merging and rendering the same rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import weakref
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from cachetools import LRUCache

from gateway.graph.documents import Prepared
from gateway.model.scopes import Principal
from gateway.request import Dependency, Request

MAX_BYTES = 16 * 1024 * 1024
"""Bytes that the cached answers take together, with what is known of their records."""

DEPENDENCY_BYTES = 150
"""About what it takes to remember one record of an answer."""

LARGEST_PART = 8
"""An answer is cached if it takes no more than this part of the room."""

LONGEST_VARIABLES = 10_000
"""Bytes of an operation's variables above which its answer is neither cached nor shared."""

JOIN_WITHIN = 0.1
"""Seconds by which the deadlines of requests that share an operation may differ, since it has only one."""

T = TypeVar("T")
Key: TypeAlias = tuple[object, ...]


class AnswerIdentity(msgspec.Struct, frozen=True):
    """What two equal answers have in common.

    Attributes:
        catalog: The catalog that was asked.
        prepared: The document.
        variables: As the client sent them.
        operation_name: Which operation.
        scopes: The client's scopes; None where access control is off.
        router: Whether a router asks.
        viewer: Who asks, where that matters: a hash.
    """

    catalog: object
    prepared: Prepared
    variables: Mapping[str, Any] | None
    operation_name: str | None
    scopes: frozenset[str] | None
    router: bool
    viewer: str | None = None

    @classmethod
    def of(
        cls,
        catalog: object,
        prepared: Prepared,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        principal: Principal | None,
        router: bool,
    ) -> AnswerIdentity:
        """The identity of what a client asks."""
        scopes = None if principal is None else principal.scopes
        viewer = None
        if principal is not None and principal.email is not None and prepared.asks_who:
            viewer = hashlib.sha256(principal.email.encode(errors="surrogatepass")).hexdigest()
        return cls(catalog, prepared, variables, operation_name, scopes, router, viewer)

    def key(self) -> Key | None:
        """The key to cache and share it by; None where the variables cannot be encoded, or are too long."""
        try:
            variables = msgspec.json.encode(self.variables or None, order="sorted")
        except (TypeError, ValueError, OverflowError, RecursionError):
            return None
        if len(variables) > LONGEST_VARIABLES:
            return None
        return (
            id(self.catalog),
            id(self.prepared),
            variables,
            self.operation_name,
            self.scopes,
            self.router,
            self.viewer,
        )


class CachedAnswer(msgspec.Struct, frozen=True):
    """An answer that may be given again.

    Attributes:
        catalog: The catalog that was asked; an answer is found by its identity and the document's.
        prepared: The document. This does not keep it alive: one that is no longer asked for by text is gone.
        data: Its `data`, encoded.
        expected: Upstream cost units that its operation was expected to take.
        interpreted: Why no compiled plan ran.
        dependencies: The records it was made of.
        size: Bytes that it takes, about.
    """

    catalog: object
    prepared: weakref.ref[Prepared]
    data: msgspec.Raw
    expected: int
    interpreted: str | None
    dependencies: tuple[Dependency, ...]
    size: int


class AnswerCache:
    """Answers by what was asked and by what the client may see.

    Args:
        most: Bytes that they may take together.

    Attributes:
        hits: How many answers were given again.
    """

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._cached: LRUCache[Key, CachedAnswer] = LRUCache(most, getsizeof=lambda cached: cached.size)
        self._largest = most // LARGEST_PART
        self.hits = 0

    async def get(self, key: Key | None, request: Request) -> CachedAnswer | None:
        """The answer, if it would be the same now; the request is then noted as using its records."""
        cached = self._cached.get(key) if key is not None else None
        if key is None or cached is None or cached.prepared() is None:
            return None
        for dependency in cached.dependencies:
            if not await dependency.is_current():
                self._cached.pop(key, None)
                return None
        for dependency in cached.dependencies:
            dependency.note(request)
        self.hits += 1
        return cached

    def put(
        self,
        key: Key | None,
        identity: AnswerIdentity,
        request: Request,
        data: object,
        *,
        expected: int,
        interpreted: str | None,
    ) -> object:
        """Caches an answer without errors that was made of cached records alone.

        Returns:
            The answer's data, encoded where that had to be done.
        """
        dependencies = request.dependencies.all()
        if not dependencies or key is None:
            return data
        raw = msgspec.Raw(msgspec.json.encode(data))
        size = len(memoryview(raw)) + LONGEST_VARIABLES + DEPENDENCY_BYTES * sum(each.records for each in dependencies)
        if size <= self._largest:
            self._cached[key] = CachedAnswer(
                identity.catalog, weakref.ref(identity.prepared), raw, expected, interpreted, dependencies, size
            )
        return raw

    async def sweep(self) -> None:
        """Drops answers that cannot be given again, since one of their records is no longer fresh."""
        cached = self._cached.items()
        for key in [key for key, each in cached if any(one.is_expired for one in each.dependencies)]:
            self._cached.pop(key, None)


class SharedOperation(Generic[T]):
    """One operation that several requests wait for; its calls are in the first one's ledger.

    Args:
        first: The request that causes it.
        run: Runs it.

    Attributes:
        request: The request that it runs under.
        waiting: How many requests wait for it.
    """

    def __init__(self, first: Request, run: Callable[[SharedOperation[T]], Awaitable[T]]) -> None:
        self.request = Request(first.deadline, first.priority, origin=first)
        self.waiting = 0
        self.task: asyncio.Future[T] = asyncio.ensure_future(run(self))


class SharedOperations(Generic[T]):
    """The operations that are running: a single flight for equal ones.

    Args:
        encoded: Makes an answer cheap to give to several.

    Attributes:
        joined: How many requests waited for another's operation.
    """

    def __init__(self, encoded: Callable[[T], T]) -> None:
        self.joined = 0
        self._encoded = encoded
        self._running: dict[Hashable, SharedOperation[T]] = {}

    async def run(self, key: Hashable | None, request: Request, work: Callable[[Request], Awaitable[T]]) -> T:
        """What the operation returns or raises; one without a key is not shared."""
        if key is None:
            return await work(request)
        shared = self._running.get(key)
        if shared is None or abs(shared.request.deadline - request.deadline) > JOIN_WITHIN:
            shared = self._running[key] = self._start(key, request, work)
        else:
            self.joined += 1
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            request.freshness.take(shared.request.freshness)
            if not shared.waiting and not shared.task.done():
                self._remove(key, shared)
                shared.task.cancel()
                await asyncio.gather(shared.task, return_exceptions=True)

    def _start(self, key: Hashable, request: Request, work: Callable[[Request], Awaitable[T]]) -> SharedOperation[T]:
        async def run(shared: SharedOperation[T]) -> T:
            try:
                answer = await work(shared.request)
            finally:
                self._remove(key, shared)
            return self._encoded(answer) if shared.waiting > 1 else answer

        return SharedOperation(request, run)

    def _remove(self, key: Hashable, shared: SharedOperation[T]) -> None:
        if self._running.get(key) is shared:
            del self._running[key]
