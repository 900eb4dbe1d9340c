"""Bytes of an upstream answer into typed rows, lenient by degrees.

A body is an object with the rows under one name, a list of them or one bare row, and what is said of them under
another: `{"data": ..., "metadata": ...}` unless a vendor has other names. It is decoded whole where every row is as
expected; else row by row; else field by field, and where JSON itself is broken, around the values that break it. A
field that cannot be read is left at its default and named; only a row without a readable id is lost, and counted.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

from gateway.errors import UpstreamMalformed, UpstreamTooMany
from gateway.sources.base import Sample
from gateway.sources.bounds import (
    MOST_ELEMENTS,
    MOST_VALUES,
    RecordId,
    TooLong,
    bearable,
    is_number,
    measured,
    overlong,
    quickly_bearable,
)
from gateway.sources.problems import LOST
from gateway.sources.readers import BROKEN, CALENDAR_ENDS, UNREADABLE, reader_of, unnumbered
from gateway.sources.repair import BeyondRepair, flattened, texts_repaired, values_repaired
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


class Row(msgspec.Struct, Generic[S], frozen=True, gc=False):
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


class Envelope(msgspec.Struct, frozen=True):
    """The names that a vendor has for the rows of an answer, and for what is said of them."""

    rows: str = "data"
    metadata: str = "metadata"

    def typed(self, rows: Any, metadata: Any) -> Any:
        """The type of an answer, with attributes `data` and `metadata` whatever they are called."""
        return msgspec.defstruct(
            "Typed",
            [
                ("data", rows, msgspec.field(name=self.rows)),
                ("metadata", metadata[0], msgspec.field(default=metadata[1], name=self.metadata)),
            ],
        )


ENVELOPE = Envelope()


class _Loose(Protocol):
    """An answer whose parts are not decoded yet."""

    data: msgspec.Raw
    metadata: msgspec.Raw


class BodyDecoder(Generic[S, M]):
    """Decodes answers of one endpoint.

    Args:
        row: The rows' type. Fields without a default are those that a row is lost without: its id.
        metadata: The type of `metadata`; `type(None)` where there is none.
        source: The source's name, for the error.
        envelope: What the vendor calls the parts of an answer.
    """

    def __init__(self, row: type[S], metadata: type[M], *, source: str, envelope: Envelope = ENVELOPE) -> None:
        self._source = source
        self._whole = msgspec.json.Decoder(
            envelope.typed(cast("Any", list[row] | row), (cast("Any", metadata) | None, None))  # type: ignore[valid-type]
        )
        self._loose = envelope.typed(msgspec.Raw, (msgspec.Raw, msgspec.Raw(b"null")))
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
            yield from self._strictly(body)
        except TooLong:
            raise UpstreamMalformed("The answer holds a list that is too long.", source=self._source) from None

    def _strictly(self, body: bytes) -> Iterator[Body[S, M] | None]:
        """The steps to a body whose rows are all as expected; any other is read loosely."""
        if any(end in body for end in CALENDAR_ENDS):
            yield from self._loosely(body, edges=True)
            return
        try:
            whole = self._whole.decode(body)
            sent = whole.data if isinstance(whole.data, list) else [whole.data]
            if len(sent) > MOST_ELEMENTS:
                raise self._too_many()
            rows: list[Row[S]] = []
            for row in sent:
                rows.append(self._audit.row(row))
                if self._audit.looked_at > MOST_VALUES:
                    self._audit.looked_at = 0
                    yield None
            yield Body(rows, whole.metadata)
        except (*BROKEN, _Unnamed):
            yield from self._loosely(body)

    def _loosely(self, body: bytes, *, edges: bool = False) -> Iterator[Body[S, M] | None]:
        loose, items, repaired = self._split(body)
        self._count(items)
        reader = RowsReader(self._row, repaired=repaired, edges=edges)
        rows: list[Row[S]] = []
        lost: Counter[int] = Counter()
        for place, item in enumerate(items):
            if place % AT_ONCE == AT_ONCE - 1 or self._audit.looked_at > MOST_VALUES:
                self._audit.looked_at = 0
                yield None
            row, paths = reader.read(item)
            try:
                rows.append(self._audit.row(row, paths))
            except _Unnamed:
                lost[zlib.crc32(item)] += 1
        metadata, paths = self._metadata.read(loose.metadata, repaired=repaired)
        unread = EVERYTHING if metadata is UNREADABLE else frozenset(paths)
        names = tuple(f"{known}.{number}" for known, count in lost.items() for number in range(count))
        yield Body(rows, None if metadata is UNREADABLE else metadata, unread, lost=names)

    def _split(self, body: bytes) -> tuple[_Loose, list[msgspec.Raw], bool]:
        """The parts of a body, undecoded, and whether it had to be repaired."""
        known = body
        for repair in (None, texts_repaired, values_repaired, flattened):
            try:
                known = known if repair is None else repair(known)
                loose: _Loose = msgspec.json.decode(known, type=self._loose)
                return loose, _elements(loose.data), repair is not None
            except (msgspec.ValidationError, BeyondRepair):
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
            items = _elements(msgspec.json.decode(body, type=self._loose).data)
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

    Attributes:
        looked_at: How many values within fields of any kind were looked at one by one.
    """

    def __init__(self, wanted: type[msgspec.Struct]) -> None:
        self.looked_at = 0
        fields = msgspec.structs.fields(wanted)
        (id_,) = (field.name for field in fields if field.required)
        self._get_id: Callable[[Any], int | str] = attrgetter(id_)
        self._numbered = any(field.required and field.type == RecordId for field in fields)
        self._loose = [field.name for field in fields if reader_of(field.type).sound is bearable]
        self._get_loose = _getter(self._loose)
        self._lists = _Lists(wanted)

    def row(self, value: Any, unreadable: Sequence[str] = ()) -> Row[Any]:
        """What was decoded as a row, without what cannot be cached.

        Args:
            value: What was decoded.
            unreadable: What of it is known to be unreadable.

        Raises:
            _Unnamed: It has no id that can be written and asked for.
            TooLong: A list in it is too long.
        """
        if value is UNREADABLE or ((known := self._get_id(value)).__class__ is str and not self._askable(known)):
            raise _Unnamed
        self._lists.check(value)
        lost: list[str] = []
        for name, held in zip(self._loose, self._get_loose(value), strict=True):
            if held is not None and not quickly_bearable(held):
                count = measured(held)
                self.looked_at += MOST_VALUES if count is None else count
                lost.extend(() if count is not None else (name,))
        if lost:
            value = msgspec.structs.replace(value, **dict.fromkeys(lost))
        return Row(value, frozenset((*unreadable, *lost))) if lost or unreadable else Row(value)

    def _askable(self, known: Any) -> bool:
        """Whether an id that was sent as text is one that a client can ask for."""
        return is_number(known) if self._numbered else known.isprintable() and known == known.strip()


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


def sample(body: bytes, row: type[msgspec.Struct], *, source: str, envelope: Envelope = ENVELOPE) -> Sample:
    """What is seen of an answer with rows of a type.

    Args:
        body: The answer, a list of rows.
        row: The rows' type.
        source: The source's name, for the error.
        envelope: What the vendor calls the parts of an answer.

    Raises:
        UpstreamMalformed: It is not JSON, or has no rows.
    """
    decoder = BodyDecoder(row, dict[str, Any], source=source, envelope=envelope)
    read = decoder.decode(body)
    odd = {unnumbered(path) for each in read.rows for path in each.unreadable}
    known = {field.encode_name for field in msgspec.structs.fields(row)}
    return Sample(
        rows=len(read.rows),
        unreadable=tuple(sorted(odd | ({LOST} if read.lost else set()))),
        unknown=tuple(sorted(decoder.names(body) - known)),
    )
