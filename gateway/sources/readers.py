"""Typed values out of JSON that is not all of that type: what cannot be read is left out and named.

A reader is compiled once for a type, and is quick where a value is as expected, since on the day of a vendor's change
every row of every answer goes this way.
"""

from __future__ import annotations

import datetime as dt
import functools
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeAlias, Union, cast, get_args, get_origin

import msgspec

from gateway.sources.bounds import bearable
from gateway.sources.repair import MARK

LEFT_OUT = "*"
"""Stands in a path for an element that is not there for its not being readable."""

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for what it cannot read."""

Reading: TypeAlias = tuple[Any, list[str]]
"""A value, and the paths within it that could not be read: `title`, `attendees.1.email` (the second one's that is
there), `attendees.*`."""


class _Unreadable:
    """Stands for a value that cannot be read at all."""


UNREADABLE = _Unreadable()

_MARK = MARK.encode()
NOTHING: list[str] = []
_NO_NAMES: set[str] = set()
_OBJECT, _LIST = ord("{"), ord("[")
_CALENDAR_ENDS = (dt.MINYEAR, dt.MAXYEAR)
CALENDAR_ENDS = tuple(b'"%04d-' % year for year in _CALENDAR_ENDS)
"""How a time begins that may lie off the calendar in UTC, which a decoder of whole rows does not see."""


def unnumbered(path: str) -> str:
    """A path without the places of elements: what kind of value could not be read."""
    return ".".join(part for part in path.split(".") if part != LEFT_OUT and not part.isdigit())


def within(paths: Iterable[str], name: str) -> frozenset[str]:
    """The paths within a field, or within an element of a list, of those that could not be read."""
    start = f"{name}."
    return frozenset(path.removeprefix(start) for path in paths if path.startswith(start))


def _suspect(raw: msgspec.Raw, *, repaired: bool) -> bool:
    """Whether a decoder might let pass what is unreadable in a value: a mark, or a time off the calendar."""
    sent = bytes(raw)
    return (repaired and _MARK in sent) or any(end in sent for end in CALENDAR_ENDS)


class Reader:
    """Reads values of one type.

    Attributes:
        quick: Reads a value that is as expected; raises one of `BROKEN` for any other.
        sound: What a value has to meet beyond its type, where there is anything.
        struct: The struct among the types that it may be of.
        listed: Whether it may be a list.
    """

    def __init__(self, wanted: Any) -> None:
        options = _options(wanted)
        structs = [option for option in options if isinstance(option, type) and issubclass(option, msgspec.Struct)]
        lists = [option for option in options if get_origin(option) in {list, tuple}]
        self._decode: Callable[[msgspec.Raw], Any] = msgspec.json.Decoder(wanted).decode
        self.sound = _soundness(options)
        self.quick = self._decode if self.sound is None else self._soundly
        self.struct: type[msgspec.Struct] | None = structs[0] if structs else None
        self.listed = bool(lists)
        self._struct = None if self.struct is None else _StructReader(self.struct)
        self._list = _ListReader(lists[0]) if lists else None
        self._scalars = _ScalarReader(wanted, options)

    def read(self, raw: msgspec.Raw, *, repaired: bool) -> Reading:
        """A value, or `UNREADABLE`.

        Args:
            raw: What was sent.
            repaired: Whether there may be marks in it.
        """
        if not _suspect(raw, repaired=repaired):
            try:
                return self.quick(raw), NOTHING
            except BROKEN:
                pass
        return self.read_slowly(raw, repaired=repaired)

    def read_slowly(self, raw: msgspec.Raw, *, repaired: bool, odd: set[str] | None = None) -> Reading:
        """The same for a value that is known not to be as expected; for `odd` see `_StructReader.read`."""
        first = memoryview(raw)[0]
        if first == _OBJECT:
            return (UNREADABLE, NOTHING) if self._struct is None else self._struct.read(raw, repaired=repaired, odd=odd)
        if first == _LIST:
            return (UNREADABLE, NOTHING) if self._list is None else self._list.read(raw, repaired=repaired)
        return self._scalars.read(raw), NOTHING

    def _soundly(self, raw: msgspec.Raw) -> Any:
        value = self._decode(raw)
        return value if self.sound is None or self.sound(value) else UNREADABLE


@functools.cache
def reader_of(wanted: Any) -> Reader:
    """The reader of a type."""
    return Reader(wanted)


def _options(wanted: Any) -> tuple[Any, ...]:
    """The members of a union, without None and constraints; of a type that is not a union, itself."""
    bare = get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted
    if get_origin(bare) not in {Union, types.UnionType}:
        return () if bare is type(None) else (bare,)
    return tuple(option for member in get_args(bare) for option in _options(member))


def _soundness(options: tuple[Any, ...]) -> Callable[[Any], bool] | None:
    """What a value has to meet beyond its type."""
    if Any in options or any(option is dict or get_origin(option) in {dict, Mapping} for option in options):
        return bearable
    return _on_calendar if dt.datetime in options else None


def _on_calendar(instant: object) -> bool:
    """Whether an instant lies on the calendar in UTC too."""
    if not isinstance(instant, dt.datetime) or instant.year not in _CALENDAR_ENDS:
        return True
    try:
        instant.astimezone(dt.UTC)
    except OverflowError:
        return False
    return True


class _StructReader:
    """Reads objects field by field; one that lacks a field which it has to have cannot be read."""

    def __init__(self, wanted: type[msgspec.Struct]) -> None:
        fields = [(field, reader_of(field.type)) for field in msgspec.structs.fields(wanted)]
        self._wanted = wanted
        self._split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        self._fields = [(field.name, field.encode_name, reader.quick, reader.read_slowly) for field, reader in fields]
        self._required = [field.name for field, _ in fields if field.required]

    def read(self, raw: msgspec.Raw, *, repaired: bool, odd: set[str] | None = None) -> Reading:
        """An object.

        Args:
            raw: What was sent.
            repaired: Whether there may be marks in it.
            odd: Takes the names, as sent, of the fields that are not as expected.
        """
        try:
            given = self._split(raw)
        except BROKEN:
            return UNREADABLE, NOTHING
        marked = _NO_NAMES
        if _suspect(raw, repaired=repaired):
            marked = {name for name, sent in given.items() if _suspect(sent, repaired=repaired)}
        values: dict[str, object] = {}
        lost: list[str] = []
        for name, sent_as, quick, slow in self._fields:
            sent = given.get(sent_as)
            if sent is None:
                continue
            within = NOTHING
            try:
                value = UNREADABLE if sent_as in marked else quick(sent)
            except BROKEN:
                value = UNREADABLE
            if value is UNREADABLE:
                value, within = self._slowly(slow, sent, sent_as, odd, repaired=repaired)
            if value is UNREADABLE:
                lost.append(name)
            else:
                values[name] = value
                lost.extend([f"{name}.{path}" for path in within] if within else ())
        return (self._wanted(**values), lost) if self._has_all(values) else (UNREADABLE, NOTHING)

    @staticmethod
    def _slowly(slow: Any, sent: msgspec.Raw, name: str, odd: set[str] | None, *, repaired: bool) -> Reading:
        if odd is not None:
            odd.add(name)
        reading: Reading = slow(sent, repaired=repaired)
        return reading

    def _has_all(self, values: dict[str, object]) -> bool:
        return all(name in values for name in self._required)


class _ListReader:
    """Reads lists element by element; those that cannot be read are left out."""

    def __init__(self, wanted: Any) -> None:
        self._element = reader_of(get_args(wanted)[0])
        self._split = msgspec.json.Decoder(list[msgspec.Raw]).decode
        self._made: Callable[[list[Any]], Any] = tuple if get_origin(wanted) is tuple else list

    def read(self, raw: msgspec.Raw, *, repaired: bool) -> Reading:
        try:
            items = self._split(raw)
        except BROKEN:
            return UNREADABLE, NOTHING
        values: list[object] = []
        lost: list[str] = []
        for item in items:
            value, within = self._element.read(item, repaired=repaired)
            if value is UNREADABLE:
                lost.append(LEFT_OUT)
            else:
                # By its place among those that are there, where a reader of the list finds it.
                lost.extend([f"{len(values)}.{path}" for path in within])
                values.append(value)
        return self._made(values), lost


class _ScalarReader:
    """Reads a number for text, text for a number or a flag, a bare date for a time."""

    def __init__(self, wanted: Any, options: tuple[Any, ...]) -> None:
        self._wanted = wanted
        self._options = frozenset(option for option in options if isinstance(option, type))

    def read(self, raw: msgspec.Raw) -> object:
        try:
            value: object = msgspec.json.decode(raw)
        except BROKEN:
            return UNREADABLE
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float | str)
            or (value.__class__ is str and MARK in value)
        ):
            return UNREADABLE
        if isinstance(value, float) and value.is_integer() and int in self._options:
            value = int(value)
        if dt.datetime in self._options:
            return _instant(value)
        if not isinstance(value, str) and str in self._options and int not in self._options:
            return str(value)
        try:
            return cast("object", msgspec.convert(value, self._wanted, strict=False))
        except msgspec.ValidationError:
            return UNREADABLE


def _instant(value: object) -> object:
    """A time in any form of ISO 8601, UTC where it names no offset; never a number, whose unit nobody states."""
    if not isinstance(value, str) or value.strip().isdigit():
        return UNREADABLE
    try:
        instant = dt.datetime.fromisoformat(value)
    except ValueError:
        return UNREADABLE
    instant = instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
    return instant if _on_calendar(instant) else UNREADABLE
