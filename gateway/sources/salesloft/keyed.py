"""Rows of Salesloft's lists by their keys: kept one by one, asked for in batches, whichever requests want them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

from gateway.model.records import Record, Source
from gateway.sources.base import Found
from gateway.sources.decode import Row
from gateway.sources.kept import Translated, spoilt
from gateway.sources.problems import another
from gateway.sources.salesloft.api import SalesloftApi, joined, pieced
from gateway.sources.salesloft.endpoints import ListEndpoint, RecordRows
from gateway.sources.salesloft.filters import Params
from gateway.upstream.batch import encoded_len
from gateway.upstream.lifetimes import Lifetimes
from gateway.upstream.records import Kind, Records
from gateway.upstream.request import Request

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

Key: TypeAlias = tuple[str, str]
"""The parameter that takes a value, and the value: one that Salesloft can have given, since it refuses any other."""

IDS = "ids[]"

MOST_CHARS = 1024
"""Characters of a value that is asked for: a call has the keys of many, and may be refused for one of them."""


def keys(name: str, values: Iterable[str]) -> list[Key]:
    """Values of one parameter as keys; what cannot be printed, or is longer than any, is no key of any record."""
    return [(name, value) for value in values if value.isprintable() and 0 < len(value) <= MOST_CHARS]


def by_id(record: Record) -> Iterable[Key]:
    """The key that every list can be asked by."""
    return ((IDS, record.source_id),)


class RecordsByKey(Generic[W, R]):
    """The rows of one list that bear given keys.

    Args:
        api: The calls.
        endpoint: The list.
        lifetimes: How long its rows may be used.
        name: What they are kept under.
        keys_of: The keys that a record bears; it is found under no other, were a parameter ignored.
        extra: Further parameters of every call.
    """

    def __init__(
        self,
        api: SalesloftApi,
        endpoint: ListEndpoint[W, R],
        lifetimes: Lifetimes,
        *,
        name: str,
        keys_of: Callable[[R], Iterable[Key]] = by_id,
        extra: Params = (),
    ) -> None:
        self._api = api
        self._endpoint = endpoint
        self._keys_of = keys_of
        self._extra = extra
        self._records: Records[Key, Translated[RecordRows[W], Found[R]]] = Records(
            api.client,
            Kind(name=name, endpoint=endpoint.path, codec=endpoint.founds, lifetimes=lifetimes, doubtful=spoilt),
            self._fetch,
            encoded_len=lambda key: _name_len(key[0]) + encoded_len(key[1]),
        )

    async def get(self, request: Request, asked: Iterable[Key]) -> Found[R]:
        """The rows with any of these keys; failures are told by the keys' values.

        A key without a row is among the failures where the answer held a row that may be its own: one that could not
        be read, or that nobody had asked for.

        Raises:
            UpstreamError: None of the calls was answered, and nothing kept could stand in.
            DeadlineExceeded: Likewise.
        """
        answers = await self._records.get(request, _in_order(set(asked)))
        found = joined(held.value for held in answers.found.values())
        failures = {value: failure for (_, value), failure in answers.failed.items()}
        for (_, value), held in answers.found.items():
            if held.sent.lost and not held.sent.rows:
                failures[value] = another(Source.SALESLOFT)
        return msgspec.structs.replace(found, failures=failures) if failures else found

    async def _fetch(self, request: Request, asked: Sequence[Key]) -> Mapping[Key, Translated[RecordRows[W], Found[R]]]:
        whole = await self._api.whole(request, self._endpoint, (*_in_order(asked), *self._extra))
        wanted = frozenset(asked)
        by_key: dict[Key, list[tuple[Row[W], R]]] = {}
        lost = [*whole.sent.lost]
        for row, record in zip(whole.sent.rows, whole.value.rows, strict=True):
            borne = wanted.intersection(self._keys_of(record))
            for key in borne:
                by_key.setdefault(key, []).append((row, record))
            if not borne:
                lost.append(record.source_id)
        incomplete = whole.sent.incomplete
        # What could not be read, or nobody asked for, may be the row of any key that has none.
        known = asked if lost or incomplete else [key for key in asked if key in by_key]
        return {
            key: pieced(by_key[key], (), incomplete) if key in by_key else pieced((), tuple(lost), incomplete)
            for key in known
        }


@functools.lru_cache(maxsize=64)
def _name_len(name: str) -> int:
    """Characters of URL that a parameter's name takes beside each value."""
    return encoded_len(name) + len("=&")


def _in_order(asked: Iterable[Key]) -> list[Key]:
    return sorted(asked, key=lambda key: (key[0], len(key[1]), key[1]))  # by `id_key`, without the call
