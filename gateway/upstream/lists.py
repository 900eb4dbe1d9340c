"""Whole lists of an upstream, kept as records of what was asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.upstream.batch import Limits
from gateway.upstream.client import Client
from gateway.upstream.records import Kind, Records
from gateway.upstream.request import Request

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


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
