"""Bytes of an upstream answer into typed rows, lenient by degrees.

A body is `{"data": ..., "metadata": ...}`, both vendors' envelope; `data` holds a list of rows or one bare row. It is
decoded whole where every row is as expected; else row by row; else field by field. A field that cannot be read is left
at its default and named; only a row without a readable id is lost, and counted among the problems.
"""

from __future__ import annotations

import datetime as dt
import functools
import types
from collections.abc import Mapping
from typing import Annotated, Any, Generic, TypeVar, Union, cast, get_args, get_origin

import msgspec

from gateway.errors import UpstreamMalformed
from gateway.paging.merge import Problem

S = TypeVar("S", bound=msgspec.Struct)
M = TypeVar("M")

NO_PATHS: frozenset[str] = frozenset()
LEFT_OUT = "*"
LOST = Problem(where="a row without a readable id", lost=True)
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_UNREADABLE = object()


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
        problems: Each kind of thing that could not be read, once: `title`, `attendees.email`, a lost row.
        lost: How many rows were sent that are not among `rows`.
    """

    rows: list[Row[S]]
    metadata: M | None = None
    problems: tuple[Problem, ...] = ()
    lost: int = 0


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
        self._row = row
        self._metadata = metadata | None
        self._source = source
        self._whole = msgspec.json.Decoder(cast("Any", _Typed)[row, metadata])

    def decode(self, body: bytes) -> Body[S, M]:
        """The rows of an answer.

        Raises:
            UpstreamMalformed: The body is not JSON, or has no `data` that is a list or an object.
        """
        try:
            whole = self._whole.decode(body)
        except _BROKEN:
            return self._loosely(body)
        rows = whole.data if isinstance(whole.data, list) else [whole.data]
        return Body([Row(row) for row in rows], whole.metadata)

    async def read(self, body: bytes) -> Body[S, M]:
        """The same, for a call to read its answer by."""
        return self.decode(body)

    def _loosely(self, body: bytes) -> Body[S, M]:
        try:
            loose = msgspec.json.decode(body, type=_Loose)
            items = _elements(loose.data)
        except _BROKEN:
            raise UpstreamMalformed("The answer could not be read.", source=self._source) from None
        rows: list[Row[S]] = []
        problems: dict[Problem, None] = {}
        for item in items:
            row, unreadable = _value(self._row, item)
            if row is _UNREADABLE:
                problems[LOST] = None
                continue
            rows.append(Row(cast("S", row), frozenset(unreadable)))
            problems.update(dict.fromkeys(problems_of(rows[-1])))
        metadata, unreadable = _value(self._metadata, loose.metadata)
        if metadata is _UNREADABLE or unreadable:
            problems[Problem(where="metadata")] = None
        known = None if metadata is _UNREADABLE else cast("M | None", metadata)
        return Body(rows, known, tuple(problems), lost=len(items) - len(rows))


def problems_of(row: Row[S]) -> tuple[Problem, ...]:
    """What of a row could not be read, each kind of thing once."""
    return tuple(dict.fromkeys(Problem(where=_unnumbered(path)) for path in sorted(row.unreadable)))


def _elements(data: msgspec.Raw) -> list[msgspec.Raw]:
    """The rows in `data`, undecoded; one bare object is a list of one."""
    if bytes(data).lstrip()[:1] == b"{":
        return [data]
    return msgspec.json.decode(data, type=list[msgspec.Raw])


def _unnumbered(path: str) -> str:
    return ".".join(part for part in path.split(".") if part != LEFT_OUT and not part.isdigit())


@functools.lru_cache(maxsize=512)
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted)


@functools.lru_cache(maxsize=512)
def _options(wanted: Any) -> tuple[Any, ...]:
    """The members of a union, without None and bare of constraints; a type that is none is its own only member."""
    members = get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else (wanted,)
    bare = (get_args(member)[0] if get_origin(member) is Annotated else member for member in members)
    return tuple(member for member in bare if member is not type(None))


def _value(wanted: Any, raw: msgspec.Raw) -> tuple[object, list[str]]:
    """A value of a type, or `_UNREADABLE`; and the paths within it that could not be read."""
    try:
        return _decoder(wanted).decode(raw), []
    except _BROKEN:
        pass
    for option in _options(wanted):
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return _struct(option, raw)
        if get_origin(option) in (list, tuple):
            return _sequence(option, raw)
        if get_origin(option) in (dict, Mapping):
            return _UNREADABLE, []
    return _scalar(wanted, raw), []


def _struct(wanted: type[msgspec.Struct], raw: msgspec.Raw) -> tuple[object, list[str]]:
    try:
        given = _decoder(dict[str, msgspec.Raw]).decode(raw)
    except _BROKEN:
        return _UNREADABLE, []
    values: dict[str, object] = {}
    unreadable: list[str] = []
    for field in msgspec.structs.fields(wanted):
        if field.encode_name not in given:
            if field.required:
                return _UNREADABLE, []
            continue
        value, within = _value(field.type, given[field.encode_name])
        if value is not _UNREADABLE:
            values[field.name] = value
            unreadable.extend(f"{field.name}.{path}" for path in within)
        elif field.required:
            return _UNREADABLE, []
        else:
            unreadable.append(field.name)
    return wanted(**values), unreadable


def _sequence(wanted: Any, raw: msgspec.Raw) -> tuple[object, list[str]]:
    """A list or tuple without the elements that cannot be read at all."""
    try:
        items = _decoder(list[msgspec.Raw]).decode(raw)
    except _BROKEN:
        return _UNREADABLE, []
    element = get_args(wanted)[0]
    values: list[object] = []
    unreadable: list[str] = []
    for item in items:
        value, within = _value(element, item)
        if value is _UNREADABLE:
            unreadable.append(LEFT_OUT)
        else:
            values.append(value)
            # By its place among those that are kept, where a reader of the row finds it.
            unreadable.extend(f"{len(values) - 1}.{path}" for path in within)
    return (tuple(values) if get_origin(wanted) is tuple else values), unreadable


def _scalar(wanted: Any, raw: msgspec.Raw) -> object:
    """A number for text, text for a number or a flag, a bare date for a time; else `_UNREADABLE`."""
    try:
        value = msgspec.json.decode(raw)
    except _BROKEN:
        return _UNREADABLE
    options = _options(wanted)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _UNREADABLE
    if dt.datetime in options:
        return _instant(value)
    if not isinstance(value, str) and str in options:
        return str(value)
    try:
        return cast("object", msgspec.convert(value, wanted, strict=False))
    except msgspec.ValidationError:
        return _UNREADABLE


def _instant(value: object) -> object:
    """A time in any form of ISO 8601, UTC where it names no offset; never a number, whose unit nobody states."""
    if not isinstance(value, str) or value.strip().isdigit():
        return _UNREADABLE
    try:
        instant = dt.datetime.fromisoformat(value)
    except ValueError:
        return _UNREADABLE
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
