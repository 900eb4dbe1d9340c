"""What is read off a record together with those folded into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from gateway.errors import GatewayError
from gateway.graph.fields import FACES, check_attributes, explain, reader
from gateway.model import records
from gateway.model.order import RANK

T = TypeVar("T")


def every(record: Any) -> tuple[Any, ...]:
    """A record and those folded into it."""
    return (record, *getattr(record, "twins", ()))


def id_in(source: records.Source) -> Callable[[Any], str | None]:
    """Reads a record's id in one source."""

    def read(record: Any) -> str | None:
        if record.source is source:
            own: str = record.source_id
            return own
        found = next((each.source_id for each in every(record) if each.source is source), None)
        if found is None:
            explain(record, source.value.lower())
        return found

    return read


def holding(record: Any) -> list[records.Source]:
    """The sources that hold a folded record.

    Raises:
        GatewayError: One of them did not tell.
    """
    for source in records.Source:
        explain(record, source.value.lower())
    return sorted({each.source for each in every(record)}, key=RANK.__getitem__)


def own_or_twins(kind: type[Any], name: str) -> Callable[[Any], Any]:
    """Reads an attribute of a folded record: its own, else its first twin's that has one.

    Args:
        kind: The type of record.
        name: The attribute.
    """
    attribute = reader(kind, name)

    def read(record: Any) -> Any:
        for each in every(record):
            if (value := attribute(each)) is not None:
                return value
        return explain(record, name)

    return read


NOTHING_FAILED: Mapping[str, GatewayError] = {}


class PartlyRead:
    """A vendor's row, or a part of one, some of which could not be read: all that it has, and what could not.

    Args:
        raw: What was read.
        source: Whose it is.
        unreadable: Paths of what could not, in the row's names: `title`, `counts.calls`, `attendees.1.email`.
        failed: Why fields are missing that took calls of their own.
    """

    def __init__(
        self,
        raw: Any,
        source: records.Source,
        unreadable: frozenset[str],
        failed: Mapping[str, GatewayError] = NOTHING_FAILED,
    ) -> None:
        self.raw = raw
        self.source = source
        self.unreadable = unreadable
        self.failed = failed

    def __getattr__(self, name: str) -> Any:
        return None if name in self.unreadable else self._part(getattr(self.raw, name), name)

    def _part(self, value: Any, name: str) -> Any:
        """A value, with what within it could not be read."""
        start = f"{name}."
        within = frozenset(path.removeprefix(start) for path in self.unreadable if path.startswith(start))
        if not within:
            return value
        part = PartlyRead(value, self.source, within)
        if isinstance(value, list | tuple):
            return [part._part(item, str(place)) for place, item in enumerate(value)]
        return part if isinstance(value, msgspec.Struct) else value


def partly_read(record: Any, source: records.Source) -> PartlyRead:
    """The vendor's row that a record was made of, which could not be read whole."""
    prefix = f"{source.value.lower()}."
    names = (name for name in record.unreadable if name.startswith(prefix))
    failed = {name.removeprefix(prefix): error for name, error in failures(record).items() if name.startswith(prefix)}
    return PartlyRead(record.raw, source, frozenset(name.removeprefix(prefix) for name in names), failed)


def failures(record: Any) -> Mapping[str, GatewayError]:
    """Why attributes of a record are missing that took calls of their own."""
    failed: Mapping[str, GatewayError] = getattr(record, "failed", NOTHING_FAILED)
    return failed


def row_in(source: records.Source) -> Callable[[Any], Any]:
    """Reads a vendor's own row of a record: of the first of the folded ones that is that vendor's."""

    def read(record: Any) -> Any:
        held = next((each for each in every(record) if each.source in {None, source}), None)
        if held is None or held.raw is None:
            return None
        return partly_read(held, source) if held.unreadable or failures(held) else held.raw

    return read


def twin_row_in(source: records.Source) -> Callable[[Any], Any]:
    """The same of a source whose row may have been folded in.

    Raises:
        GatewayError: It is not known whether there is one.
    """
    row_of, name = row_in(source), source.value.lower()

    def read(record: Any) -> Any:
        row = row_of(record)
        if row is None:
            explain(record, name)
        return row

    return read


def face_of_row(row: type[Any]) -> Callable[[type[T]], type[T]]:
    """Makes a graph type the face of a vendor's row, or a part of one, whether all of it could be read or not."""

    def decorate(cls: type[T]) -> type[T]:
        def is_type_of(_cls: type[T], value: object, _info: Any) -> bool:
            return isinstance(value.raw if isinstance(value, PartlyRead) else value, row)

        check_attributes(cls, row)
        FACES[cls] = row
        cls.is_type_of = classmethod(is_type_of)  # type: ignore[attr-defined]  # the hook that Strawberry looks for
        return cls

    return decorate
