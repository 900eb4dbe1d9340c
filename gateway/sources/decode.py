"""Bytes of an upstream answer into typed rows, lenient by degrees.

A body is `{"data": ..., "metadata": ...}`, both vendors' envelope; `data` holds a list of rows or one bare row. It is
decoded whole where every row is as expected; else row by row; else field by field, and where JSON itself is broken,
around the values that break it. A field that cannot be read is left at its default and named; only a row without a
readable id is lost, and counted.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

import msgspec

from gateway.errors import UpstreamMalformed, UpstreamTooMany
from gateway.sources.bounds import MOST_ELEMENTS, TooLong, bearable, overlong, quickly_bearable
from gateway.sources.readers import BROKEN, UNREADABLE, reader_of
from gateway.sources.repair import flattened, texts_repaired, values_repaired
from gateway.sources.rows import RowsReader

S = TypeVar("S", bound=msgspec.Struct)
M = TypeVar("M")

NO_PATHS: frozenset[str] = frozenset()
EVERYTHING = frozenset({"*"})
"""Stands for all of something among the paths that could not be read."""

AT_ONCE = 50
"""Rows that are read one by one before others have their turn: about a millisecond."""

LARGE = 512 * 1024
"""Bytes from which on rows are counted before any is made."""

MOST_OBJECTS = 50 * MOST_ELEMENTS
"""Objects in an answer from which on its rows are counted before they are even told apart."""


SEVERAL = 3
"""Rows of which none can be read, before they are taken for something else than rows."""


class Row(msgspec.Struct, Generic[S], frozen=True):
    """One row and what of it could not be read.

    Attributes:
        value: The typed row.
        unreadable: Paths of fields that could not be read, in the names of the struct: `title`, `attendees.1.email`
            (the second one's that is there), `attendees.*` (one that was left out).
    """

    value: S
    unreadable: frozenset[str] = NO_PATHS


class Body(msgspec.Struct, Generic[S, M], frozen=True):
    """A decoded answer.

    Attributes:
        rows: Its rows in the order sent.
        metadata: What stands beside `data`; None where absent or unreadable.
        unreadable: Paths of what of the metadata could not be read; `*` where all of it could not.
        lost: The rows that were sent and are not among `rows`, each as something that tells it apart.
    """

    rows: list[Row[S]]
    metadata: M | None = None
    unreadable: frozenset[str] = NO_PATHS
    lost: tuple[str, ...] = ()


class _Typed(msgspec.Struct, Generic[S, M]):
    data: list[S] | S
    metadata: M | None = None


class _Loose(msgspec.Struct):
    data: msgspec.Raw
    metadata: msgspec.Raw = msgspec.Raw(b"null")


class BodyDecoder(Generic[S, M]):
    """Decodes answers of one endpoint.

    Args:
        row: The rows' type. Fields without a default are those that a row is lost without: its id.
        metadata: The type of `metadata`; `type(None)` where there is none.
        source: The source's name, for the error.
    """

    def __init__(self, row: type[S], metadata: type[M], *, source: str) -> None:
        self._source = source
        self._whole = msgspec.json.Decoder(cast("Any", _Typed)[row, metadata])
        self._row = row
        self._metadata = reader_of(cast("Any", metadata) | None)
        self._audit = _Audit(row)

    async def read(self, body: bytes) -> Body[S, M]:
        """The rows of an answer; others have their turn meanwhile where that takes long.

        Raises:
            UpstreamMalformed: The body is no JSON, has no `data` that is a list or an object, or holds a list that is
                too long.
            UpstreamTooMany: It has too many rows.
        """
        for step in self._steps(body):
            if step is not None:
                return step
            await asyncio.sleep(0)
        raise AssertionError("the last step is the body")

    async def read_list(self, body: bytes) -> Body[S, M]:
        """The rows of a list; as `read` has it.

        Raises:
            UpstreamMalformed: Likewise; or it has several rows and none that can be read: they are something else.
            UpstreamTooMany: Likewise.
        """
        read = await self.read(body)
        if not read.rows and len(read.lost) >= SEVERAL:
            raise UpstreamMalformed("The answer holds nothing that was asked for.", source=self._source)
        return read

    def decode(self, body: bytes) -> Body[S, M]:
        """The same, where nobody waits for their turn."""
        *_, last = self._steps(body)
        return cast("Body[S, M]", last)

    def names(self, body: bytes) -> frozenset[str]:
        """The names of all fields of the rows of an answer, known or not.

        Raises:
            UpstreamMalformed: It has no rows.
        """
        _, items, _ = self._split(body)
        given: set[str] = set()
        for item in items:
            try:
                given.update(msgspec.json.decode(item, type=dict[str, msgspec.Raw]))
            except BROKEN:
                continue
        return frozenset(given)

    def _steps(self, body: bytes) -> Iterator[Body[S, M] | None]:
        """None after each stretch of work that is long enough, and the body at last."""
        try:
            if len(body) > LARGE:
                self._check(body)
            whole = self._strictly(body)
            if whole is None:
                yield from self._loosely(body)
            else:
                yield whole
        except TooLong:
            raise UpstreamMalformed("The answer holds a list that is too long.", source=self._source) from None

    def _strictly(self, body: bytes) -> Body[S, M] | None:
        """A body whose rows are all as expected; None for any other."""
        try:
            whole = self._whole.decode(body)
        except BROKEN:
            return None
        rows = whole.data if isinstance(whole.data, list) else [whole.data]
        if len(rows) > MOST_ELEMENTS:
            raise self._too_many()
        try:
            return Body([self._audit.row(row) for row in rows], whole.metadata)
        except _Unnamed:
            return None

    def _loosely(self, body: bytes) -> Iterator[Body[S, M] | None]:
        loose, items, repaired = self._split(body)
        self._count(items)
        reader = RowsReader(self._row, repaired=repaired)
        rows: list[Row[S]] = []
        lost: Counter[int] = Counter()
        for place, item in enumerate(items):
            if place % AT_ONCE == AT_ONCE - 1:
                yield None
            row, paths = reader.read(item)
            try:
                rows.append(self._audit.row(row, paths))
            except _Unnamed:
                lost[zlib.crc32(item)] += 1
        metadata, paths = self._metadata.read(loose.metadata, repaired=repaired)
        unread = EVERYTHING if metadata is UNREADABLE else frozenset(paths)
        told = tuple(f"{known}.{number}" for known, count in lost.items() for number in range(count))
        yield Body(rows, None if metadata is UNREADABLE else metadata, unread, lost=told)

    def _split(self, body: bytes) -> tuple[_Loose, list[msgspec.Raw], bool]:
        """The parts of a body, undecoded, and whether it had to be repaired."""
        known = body
        for repair in (None, texts_repaired, values_repaired, flattened):
            if repair is not None:
                known = repair(known)
            try:
                loose = msgspec.json.decode(known, type=_Loose)
                return loose, _elements(loose.data), repair is not None
            except msgspec.ValidationError:
                break
            except BROKEN:
                continue
        raise UpstreamMalformed("The answer could not be read.", source=self._source) from None

    def _check(self, body: bytes) -> None:
        """Makes sure that no list of a large body is too long; one that is no JSON is looked at again later.

        Raises:
            TooLong: One is.
            UpstreamTooMany: It is the rows.
        """
        if body.count(b"{") > MOST_OBJECTS and overlong(body):
            raise self._too_many()
        try:
            items = _elements(msgspec.json.decode(body, type=_Loose).data)
        except BROKEN:
            return
        self._count(items)

    def _count(self, items: Iterable[msgspec.Raw]) -> None:
        raws = list(items)
        if len(raws) > MOST_ELEMENTS:
            raise self._too_many()
        if any(overlong(bytes(raw)) for raw in raws):
            raise TooLong

    def _too_many(self) -> UpstreamTooMany:
        return UpstreamTooMany("The answer holds more rows than the gateway reads.", source=self._source)


class _Unnamed(Exception):
    """A row has no readable id."""


class _Audit:
    """Looks at what a decoder lets pass: ids that cannot be written, lists of any length, and values of any kind.

    Args:
        wanted: The type of the rows.
    """

    def __init__(self, wanted: type[msgspec.Struct]) -> None:
        fields = msgspec.structs.fields(wanted)
        (id_,) = (field.name for field in fields if field.required)
        self._get_id: Callable[[Any], int | str] = attrgetter(id_)
        self._loose = [field.name for field in fields if reader_of(field.type).sound is bearable]
        self._get_loose = _getter(self._loose)
        self._lists = _Lists(wanted)

    def row(self, value: Any, unreadable: Sequence[str] = ()) -> Row[Any]:
        """What was decoded as a row, without what cannot be kept.

        Args:
            value: What was decoded.
            unreadable: What of it is known to be unreadable.

        Raises:
            _Unnamed: It has no id that can be written and asked for.
            TooLong: A list in it is too long.
        """
        if value is UNREADABLE or ((known := self._get_id(value)).__class__ is str and not known.isprintable()):
            raise _Unnamed
        self._lists.check(value)
        lost = [
            name
            for name, held in zip(self._loose, self._get_loose(value), strict=True)
            if held is not None and not quickly_bearable(held) and not bearable(held)
        ]
        if lost:
            value = msgspec.structs.replace(value, **dict.fromkeys(lost))
        return Row(value, frozenset((*unreadable, *lost))) if lost or unreadable else Row(value)


class _Lists:
    """The lists in a struct, and in those in it."""

    def __init__(self, wanted: type[msgspec.Struct]) -> None:
        readers = {field.name: reader_of(field.type) for field in msgspec.structs.fields(wanted)}
        self._names = [name for name, reader in readers.items() if reader.listed]
        self._get = _getter(self._names)
        within = ((name, _Lists(reader.struct)) for name, reader in readers.items() if reader.struct is not None)
        self._within = [(name, lists) for name, lists in within if lists]

    def __bool__(self) -> bool:
        return bool(self._names or self._within)

    def check(self, value: Any) -> None:
        """Makes sure that none is too long.

        Raises:
            TooLong: One is.
        """
        for held in self._get(value):
            if held is not None and len(held) > MOST_ELEMENTS:
                raise TooLong
        for name, lists in self._within:
            if (held := getattr(value, name)) is not None:
                lists.check(held)


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Reads several attributes, or one, or none."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _elements(data: msgspec.Raw) -> list[msgspec.Raw]:
    """The rows in `data`, undecoded; one bare object is a list of one."""
    if bytes(memoryview(data)[:1]) == b"{":
        return [data]
    return msgspec.json.decode(data, type=list[msgspec.Raw])
