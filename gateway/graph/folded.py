"""What is read off a record together with those folded into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gateway.graph.node import FACES
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
        return next((each.source_id for each in every(record) if each.source is source), None)

    return read


def holding(record: Any) -> list[records.Source]:
    """The sources that hold a folded record."""
    return sorted({each.source for each in every(record)}, key=RANK.__getitem__)


def own_or_twins(name: str) -> Callable[[Any], Any]:
    """Reads an attribute of a folded record: its own, else its first twin's that has one."""

    def read(record: Any) -> Any:
        return next((value for each in every(record) if (value := getattr(each, name)) is not None), None)

    return read


class Spoilt:
    """A vendor's row some of whose fields could not be read: everything that the row has, and which fields those are.

    Args:
        record: The record that was made of the row.
    """

    def __init__(self, record: Any, source: records.Source) -> None:
        prefix = f"{source.value.lower()}."
        self.raw = record.raw
        self.source = source
        self.unreadable = frozenset(name.removeprefix(prefix) for name in record.unreadable if name.startswith(prefix))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def row_in(source: records.Source) -> Callable[[Any], Any]:
    """Reads a vendor's own row of a record: of the first of the folded ones that is that vendor's."""

    def read(record: Any) -> Any:
        held = next((each for each in every(record) if getattr(each, "source", source) is source), None)
        if held is None or held.raw is None:
            return None
        return Spoilt(held, source) if held.unreadable else held.raw

    return read


def face_of_row(row: type[Any]) -> Callable[[type[T]], type[T]]:
    """Makes a graph type the face of a vendor's row, spoilt or not."""

    def decorate(cls: type[T]) -> type[T]:
        def is_type_of(_cls: type[T], value: object, _info: Any) -> bool:
            return isinstance(value.raw if isinstance(value, Spoilt) else value, row)

        FACES[cls] = row
        cls.is_type_of = classmethod(is_type_of)  # type: ignore[attr-defined]  # the hook that Strawberry looks for
        return cls

    return decorate
