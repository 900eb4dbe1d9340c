"""Answers that are given again for as long as nothing that they were made of has changed.

Not a cache of answers with a lifetime of its own: what is kept are records (`upstream.records`). An answer that was
made of kept, fresh records alone is the same as long as each of them is the very record that it was, and fresh; that is
looked up for every one, and noted as its use, before the answer's bytes go out a second time.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from cachetools import LRUCache

from gateway.graph.documents import Prepared
from gateway.upstream.request import Request, Use

MOST_BYTES = 16 * 1024 * 1024
"""Bytes that the answers take together, with what is known of their records."""

USE_BYTES = 150
"""About what it takes to remember one record of an answer."""

MOST_OF_ALL = 8
"""An answer is kept if it takes no more than this part of the room."""

LONGEST_VARIABLES = 10_000
"""Bytes of an operation's variables above which it is not looked for among the answers."""

Key: TypeAlias = tuple[object, ...]


class Asked(msgspec.Struct, frozen=True):
    """What two equal answers have in common.

    Attributes:
        catalog: Whom was asked.
        prepared: The document.
        variables: As the client sent them.
        operation_name: Which operation.
        scopes: What whoever asks may see; None where access control is off.
        router: Whether a router asks.
    """

    catalog: object
    prepared: Prepared
    variables: Mapping[str, Any] | None
    operation_name: str | None
    scopes: frozenset[str] | None
    router: bool

    def key(self) -> Key | None:
        """The same as something to find it by; None where the variables cannot be written, or are too long."""
        try:
            variables = msgspec.json.encode(self.variables or None, order="sorted")
        except (TypeError, ValueError, OverflowError, RecursionError):
            return None
        if len(variables) > LONGEST_VARIABLES:
            return None
        return id(self.catalog), id(self.prepared), variables, self.operation_name, self.scopes, self.router


class Kept(msgspec.Struct, frozen=True):
    """An answer that may be given again.

    Attributes:
        catalog: Whom was asked; by its identity and the document's an answer is found.
        prepared: The document, which this does not keep alive: one that nobody asks for by text is gone.
        data: Its `data`, written.
        expected: Upstream cost units that its operation was expected to take.
        interpreted: Why it was not a compiled plan that ran.
        uses: What it was made of.
        size: Bytes that it takes, about.
    """

    catalog: object
    prepared: weakref.ref[Prepared]
    data: msgspec.Raw
    expected: int
    interpreted: str | None
    uses: tuple[Use, ...]
    size: int


class Reuse:
    """Answers by what was asked, and by what whoever asked may see.

    Args:
        most: Bytes that they may take together.

    Attributes:
        given: How many answers were given again.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._kept: LRUCache[Key, Kept] = LRUCache(most, getsizeof=lambda kept: kept.size)
        self._largest = most // MOST_OF_ALL
        self.given = 0

    async def find(self, key: Key | None, request: Request) -> Kept | None:
        """The answer, if it would be the same now; the use of its records is then noted with the request."""
        kept = self._kept.get(key) if key is not None else None
        if key is None or kept is None or kept.prepared() is None:
            return None
        for use in kept.uses:
            if not await use.holds():
                self._kept.pop(key, None)
                return None
        for use in kept.uses:
            use.note(request)
        self.given += 1
        return kept

    async def sweep(self) -> None:
        """Drops answers that cannot be given again, since a record of theirs is not fresh any more."""
        for key in [key for key, kept in self._kept.items() if any(use.over for use in kept.uses)]:
            self._kept.pop(key, None)

    def keep(
        self, key: Key | None, asked: Asked, request: Request, data: object, *, expected: int, interpreted: str | None
    ) -> object:
        """Keeps a faultless answer that was made of kept records alone; its data, written where that had to be done."""
        uses = request.uses.all()
        if not uses or key is None:
            return data
        raw = msgspec.Raw(msgspec.json.encode(data))
        size = len(memoryview(raw)) + LONGEST_VARIABLES + USE_BYTES * sum(use.records for use in uses)
        if size <= self._largest:
            self._kept[key] = Kept(asked.catalog, weakref.ref(asked.prepared), raw, expected, interpreted, uses, size)
        return raw
