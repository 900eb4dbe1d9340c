"""Many keys at once, each of which several records may bear: of those the first source's of the lowest id counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.errors import GatewayError
from gateway.model.order import RANK, id_key
from gateway.model.records import Record, Source

R = TypeVar("R", bound=Record)

MOST_VALUES = 100
"""Values that one call takes."""
MOST_BEARERS = 500
"""Records that are read for some keys before it is tried with fewer; of a single key more are not looked through."""


class Bearers(msgspec.Struct, Generic[R], frozen=True):
    """The records that bear some keys.

    Attributes:
        rows: The records.
        more: Whether there are more than could be read.
        errors: Why some of a source's may be missing.
    """

    rows: Sequence[R]
    more: bool
    errors: Mapping[Source, GatewayError]


async def lowest_bearers(
    values: Iterable[str], read: Callable[[Sequence[str]], Awaitable[Bearers[R]]], key: Callable[[R], str | None]
) -> dict[str, R | GatewayError | None]:
    """For each key the first source's record of the lowest id, or why that cannot be told.

    Args:
        values: The keys.
        read: Reads the records that bear some of them, at most `MOST_VALUES`.
        key: The key of a record.
    """
    distinct = [*dict.fromkeys(values)]
    chunks = [distinct[start : start + MOST_VALUES] for start in range(0, len(distinct), MOST_VALUES)]
    parts = await asyncio.gather(*(_lowest(chunk, read, key) for chunk in chunks))
    return {value: found for part in parts for value, found in part.items()}


async def _lowest(
    values: Sequence[str], read: Callable[[Sequence[str]], Awaitable[Bearers[R]]], key: Callable[[R], str | None]
) -> dict[str, R | GatewayError | None]:
    bearers = await read(values)
    if bearers.more and len(values) > 1:
        middle = len(values) // 2
        halves = await asyncio.gather(*(_lowest(half, read, key) for half in (values[:middle], values[middle:])))
        return halves[0] | halves[1]
    best: dict[str | None, R] = {}
    for row in sorted(bearers.rows, key=lambda row: (RANK[row.source], id_key(row.source_id))):
        best.setdefault(key(row), row)
    return {value: _sure(best.get(value), bearers.errors) for value in values}


def _sure(row: R | None, errors: Mapping[Source, GatewayError]) -> R | GatewayError | None:
    """A record, unless a source that may have one which comes before it did not answer."""
    for source, error in errors.items():
        if row is None or RANK[source] <= RANK[row.source]:
            return error
    return row
