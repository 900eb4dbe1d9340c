"""Rows of one answer that are not all as expected, each read as quickly as what is odd in it allows."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import msgspec

from gateway.sources.bounds import bearable
from gateway.sources.readers import BROKEN, CALENDAR_ENDS, LEFT_OUT, NOTHING, UNREADABLE, Reader, Reading, reader_of
from gateway.sources.repair import MARK

MOST_ODD = 12
"""Fields that may be odd in a row that is still read as a whole but for those."""

_MARK = MARK.encode()
_SPLIT = msgspec.json.Decoder(dict[str, Any]).decode
_PLAIN = frozenset({int, float, bool, dt.datetime, dt.date})


class RowsReader:
    """Reads the rows of one answer, which are mostly odd in the same fields, if at all.

    Args:
        wanted: Their type.
        repaired: Whether there may be marks in them.
        edges: Whether there may be times in them that lie off the calendar.
    """

    def __init__(self, wanted: type[msgspec.Struct], *, repaired: bool, edges: bool = False) -> None:
        self._wanted = wanted
        self._repaired = repaired
        self._edges = edges
        self._row = reader_of(wanted)
        self._fields = _fields_of(wanted)
        self._odd: set[str] = set()

    def read(self, raw: msgspec.Raw) -> Reading:
        """A row, or `UNREADABLE`."""
        marks = bytes(raw).count(_MARK) if self._repaired else 0
        if self._edges and any(end in bytes(raw) for end in CALENDAR_ENDS):
            return self._row.read_slowly(raw, repaired=marks > 0)
        try:
            value = self._row.quick(raw)
        except BROKEN:
            pass
        else:
            return _scrubbed(value) if marks else (value, NOTHING)
        if self._odd and len(self._odd) <= MOST_ODD:
            reading = self._but_for_odd(raw, marks)
            if reading is not None:
                return reading
        return self._row.read_slowly(raw, repaired=marks > 0, odd=self._odd)

    def _but_for_odd(self, raw: msgspec.Raw, marks: int) -> Reading | None:
        """A row whose fields are as expected but for those that were odd in others; None where there are more.

        Args:
            raw: What was sent.
            marks: How many marks there are in it.
        """
        try:
            given = _SPLIT(raw)
            odd = {name: msgspec.json.encode(given.pop(name)) for name in self._odd if name in given}
            if marks and marks > sum(sent.count(_MARK) for sent in odd.values()):
                return None
            value = msgspec.convert(given, self._wanted)
        except BROKEN:
            return None
        values: dict[str, object] = {}
        lost: list[str] = []
        for sent_as, sent in odd.items():
            name, reader = self._fields[sent_as]
            one, within = reader.read(msgspec.Raw(sent), repaired=marks > 0)
            if one is UNREADABLE:
                lost.append(name)
            else:
                values[name] = one
                lost.extend([f"{name}.{path}" for path in within])
        return msgspec.structs.replace(value, **values), lost


def _scrubbed(value: Any) -> Reading:
    """A struct without the texts that hold a mark, and whatever else holds one."""
    fields = _fields_by_name(value.__class__)
    lost: list[str] = []
    clean: dict[str, object] = {}
    for name, held in zip(value.__struct_fields__, msgspec.structs.astuple(value), strict=True):
        family = held.__class__
        if held is None or family in _PLAIN or (family is str and MARK not in held):
            continue
        required, reader = fields[name]
        one, within = (UNREADABLE, NOTHING) if family is str else _scrubbed_within(held, reader)
        if one is UNREADABLE and required:
            return UNREADABLE, NOTHING
        if one is UNREADABLE or within:
            clean[name] = None if one is UNREADABLE else one
            lost.extend([f"{name}.{path}" for path in within] or [name])
    return (msgspec.structs.replace(value, **clean) if clean else value), lost


def _scrubbed_within(held: Any, reader: Reader) -> Reading:
    if isinstance(held, msgspec.Struct):
        return _scrubbed(held)
    if reader.sound is bearable:
        return (held if bearable(held) else UNREADABLE), NOTHING
    values: list[object] = []
    lost: list[str] = []
    for item in held:
        one, within = _scrubbed(item) if isinstance(item, msgspec.Struct) else (item, NOTHING)
        if one is UNREADABLE or (one.__class__ is str and MARK in one):
            lost.append(LEFT_OUT)
        else:
            lost.extend([f"{len(values)}.{path}" for path in within])
            values.append(one)
    return type(held)(values), lost


@functools.cache
def _fields_by_name(wanted: type[msgspec.Struct]) -> dict[str, tuple[bool, Reader]]:
    """Whether each field of a struct has to be there, and how it is read."""
    return {field.name: (field.required, reader_of(field.type)) for field in msgspec.structs.fields(wanted)}


@functools.cache
def _fields_of(wanted: type[msgspec.Struct]) -> dict[str, tuple[str, Reader]]:
    """The fields of a struct by their names as sent."""
    return {field.encode_name: (field.name, reader_of(field.type)) for field in msgspec.structs.fields(wanted)}
