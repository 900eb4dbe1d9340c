"""Rows of Salesloft's lists by their keys: kept one by one, asked for in batches, whichever requests want them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import msgspec

from gateway.model.records import Record
from gateway.paging.merge import Problem
from gateway.sources.base import Found
from gateway.sources.decode import LOST, Row, problems_of
from gateway.sources.kept import Translated, spoilt
from gateway.sources.salesloft.api import Api, joined, pieced
from gateway.sources.salesloft.endpoints import Endpoint, Rows
from gateway.sources.salesloft.params import Params
from gateway.upstream.batch import encoded_len
from gateway.upstream.lifetimes import Lifetimes
from gateway.upstream.records import Kind, Records
from gateway.upstream.request import Request

W = TypeVar("W", bound=msgspec.Struct)
R = TypeVar("R", bound=Record)

Key: TypeAlias = tuple[str, str]
"""The parameter that takes a value, and the value: one that Salesloft can have given, since it refuses any other."""

IDS = "ids[]"


def keys(name: str, values: Iterable[str]) -> list[Key]:
    """Values of one parameter as keys."""
    return [(name, value) for value in values]


def by_id(record: Record) -> Iterable[Key]:
    """The key that every list can be asked by."""
    return ((IDS, record.source_id),)


class Keyed(Generic[W, R]):
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
        api: Api,
        endpoint: Endpoint[W, R],
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
        self._records: Records[Key, Translated[Rows[W], Found[R]]] = Records(
            api.client,
            Kind(name=name, endpoint=endpoint.path, codec=endpoint.founds, lifetimes=lifetimes, doubtful=spoilt),
            self._fetch,
            encoded_len=lambda key: _name_len(key[0]) + encoded_len(key[1]),
        )

    async def get(self, request: Request, asked: Iterable[Key]) -> Found[R]:
        """The rows with any of these keys; failures are told by the keys' values.

        Raises:
            UpstreamError: None of the calls was answered, and nothing kept could stand in.
            DeadlineExceeded: Likewise.
        """
        answers = await self._records.get(request, _in_order(set(asked)))
        found = joined(held.value for held in answers.found.values())
        failures = {value: failure for (_, value), failure in answers.failed.items()}
        return msgspec.structs.replace(found, failures=failures) if failures else found

    async def _fetch(self, request: Request, asked: Sequence[Key]) -> Mapping[Key, Translated[Rows[W], Found[R]]]:
        whole = await self._api.whole(request, self._endpoint, (*_in_order(asked), *self._extra))
        by_key: dict[Key, list[tuple[Row[W], R]]] = {}
        for row, record in zip(whole.sent.rows, whole.value.rows, strict=True):
            for key in self._keys_of(record):
                by_key.setdefault(key, []).append((row, record))
        incomplete = whole.sent.incomplete
        # A row that nobody could read may be that of any key without one, which is then not known to be nobody's.
        lost = (LOST,) if LOST in whole.sent.problems else ()
        known = asked if lost or incomplete else [key for key in asked if key in by_key]
        return {key: pieced(by_key.get(key, []), _problems(by_key.get(key), lost), incomplete) for key in known}


@functools.lru_cache(maxsize=64)
def _name_len(name: str) -> int:
    """Characters of URL that a parameter's name takes beside each value."""
    return encoded_len(name) + len("=&")


def _in_order(asked: Iterable[Key]) -> list[Key]:
    return sorted(asked, key=lambda key: (key[0], len(key[1]), key[1]))  # by `id_key`, without the call


def _problems(rows: Sequence[tuple[Row[W], Record]] | None, lost: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """What of a key's rows could not be read; that they may have been lost, where there are none."""
    if rows is None:
        return lost
    if not any(row.unreadable for row, _ in rows):
        return ()
    return tuple(dict.fromkeys(problem for row, _ in rows for problem in problems_of(row)))
