"""One object type's part of a level: all the rows of one selection, made at once.

For each selection a class of rows is generated, with a slot a field, which JSON has under the fields' names, and one
function that makes the rows of many records. Source text is made of numbers and of attribute names from the schema's
declarations; nothing that a client wrote is in it.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from types import CodeType
from typing import Any, Protocol

import msgspec
from graphql import GraphQLError, GraphQLObjectType
from graphql.pyutils import inspect

from gateway.execution.errors import FieldError, Row, attempt, slot_of
from gateway.execution.leaves import Constants
from gateway.execution.plan import Field, Selection
from gateway.execution.resolvers import Face
from gateway.execution.run import Completion, Run
from gateway.execution.size import shared_above

MAX_SOURCES = 2_048
"""Compiled sources that are cached; they depend on what is selected of the schema, not on how a client names it."""


class RowStep(Protocol):
    """What fills a slot of rows that are already made."""

    def start(self, records: Sequence[Any], rows: Sequence[Row], run: Run, sound: bool) -> None:
        """Fills its slot in each row, now or later in the run.

        Args:
            records: What the rows are made of.
            rows: As many rows.
            run: The run.
            sound: Whether the records' attributes can be read plainly.
        """
        ...


class Column(msgspec.Struct, frozen=True):
    """A slot that is filled as the row is made.

    Attributes:
        slot: The slot.
        read: The careful way to the value.
        completion: What completes it.
        source: The quick way, as Python source over a record `o`; it raises where anything is unusual.
        items: Where it holds a list of rows, the quick way to what they are made of.
        rows: What makes the rows that it holds, where it holds any.
    """

    slot: str
    read: Callable[[Any], Any]
    completion: Completion
    source: str
    items: Callable[[Any], Sequence[Any]] | None = None
    rows: Rows | None = None


class Rows:
    """Makes the rows of one selection.

    Args:
        selection: The selection.
        face: The class of its records, where known.
        columns: Those slots that are filled as a row is made, by place.
        steps: What fills the others.
        constants: What the columns' sources name.
    """

    def __init__(
        self,
        selection: Selection,
        face: Face | None,
        columns: dict[int, Column],
        steps: Sequence[RowStep],
        constants: Constants,
    ) -> None:
        self.selection = selection
        self.row = row_class(selection)
        self.classes = frozenset({face.record}) if face is not None else None
        self._sound = face.sound if face is not None else None
        self._kind: GraphQLObjectType = selection.kind
        self._columns = list(columns.values())
        self._inner = [
            (attrgetter(each.slot), each.items is not None, each.rows)
            for each in self._columns
            if each.rows is not None
        ]
        self._shared = shared_above(selection)
        self._steps = list(steps)
        self.lists = [column.items for column in columns.values() if column.items is not None]
        self._sources = [
            columns[place].source if place in columns else "None" for place in range(len(selection.fields))
        ]
        self._constants = constants
        self._quick = row_maker(self._sources, self.row, constants)
        self._asks_type = face is None and selection.owner is not None and selection.kind.is_type_of is not None

    def weight(self, records: Sequence[Any]) -> int:
        """How many rows will be made of records at once: theirs, and those of the lists in them."""
        try:
            return len(records) + sum([sum(map(len, map(items, records))) for items in self.lists])
        except Exception:  # noqa: BLE001 - where one is no list, or cannot be read, it is looked at later
            return len(records)

    def fields(self, rows: Sequence[Row]) -> int:
        """How many fields rows have that were made at once, with those of the rows in them."""
        count = len(rows) * len(self.selection.fields)
        for inner, listed, kind in self._inner:
            values = [value for value in map(inner, rows) if value is not None]
            count += kind.fields([*chain.from_iterable(values)] if listed else values)
        return count

    def maker(self, *, many: bool) -> Callable[[Any], Any] | None:
        """Makes a row of one record or the rows of many, and raises where anything is unusual.

        None where that is not all there is to do: there are steps, or the class is not known to be enough.
        """
        if self.classes is None or self._sound is not None or self._steps:
            return None
        source = f"(Row({', '.join(self._sources)}) if o.__class__ is Record else unusual())"
        source = f"[{source} for o in records]" if many else source
        named = {**self._constants.named, "Row": self.row, "Record": next(iter(self.classes))}
        exec(_compiled(f"def make({'records' if many else 'o'}):\n return {source}"), named)  # noqa: S102 - see above
        made: Callable[[Any], Any] = named["make"]
        return made

    def make(self, records: Sequence[Any], run: Run, known: bool = False) -> list[Row | FieldError]:
        """A row for each record, or an error where the record is not of the type; what is below them follows.

        Args:
            records: The records.
            run: The run.
            known: Whether they are known to be of the class expected.
        """
        rows = self._quickly(records, run, known)
        if rows is not None:
            for step in self._steps:
                step.start(records, rows, run, True)
            return rows
        rows = self._by_halves(records, run, known)
        made = [(record, row) for record, row in zip(records, rows, strict=True) if not isinstance(row, FieldError)]
        for step in self._steps:
            step.start([record for record, _ in made], [row for _, row in made], run, False)
        return rows

    def _by_halves(self, records: Sequence[Any], run: Run, known: bool) -> list[Row | FieldError]:
        """The rows of records of which some are not as expected: few, so that they are closed in on."""
        if len(records) == 1:
            return [self._carefully(records[0], run)]
        middle = len(records) // 2
        halves = records[:middle], records[middle:]
        return [
            row
            for half in halves
            if half
            for row in self._quickly(half, run, known) or self._by_halves(half, run, known)
        ]

    def _quickly(self, records: Sequence[Any], run: Run, known: bool) -> list[Row | FieldError] | None:
        """The rows of records that are all as expected, else None."""
        if not known and (self._asks_type or (self.classes is not None and not {*map(type, records)} <= self.classes)):
            return None
        if self._sound is not None and not self._sound(records):
            return None
        try:
            rows = self._quick(records)
        except Exception:  # noqa: BLE001 - the careful way finds out what it was, and whose
            return None
        run.size.add(self.fields(rows), self._shared)
        return rows

    def _carefully(self, record: Any, run: Run) -> Row | FieldError:
        wrong = attempt(self._check_type, record, run)
        if wrong is not None:
            return run.error(self._owner, wrong)
        run.size.add(len(self.selection.fields), self._shared)
        row = self.row(*([None] * len(self.selection.fields)))
        for column in self._columns:
            column.completion.finish([attempt(column.read, record)], run, Single(row, column.slot))
        return row

    @property
    def _owner(self) -> Field:
        if self.selection.owner is None:
            raise TypeError("The root is of the type of the root.")
        return self.selection.owner

    def _check_type(self, record: Any, run: Run) -> None:
        if self.selection.owner is None:
            return
        asked = self._kind.is_type_of
        if asked is not None and not asked(record, run.info(self.selection.owner)):
            message = f"Expected value of type '{self._kind}' but got: {inspect(record)}."
            raise GraphQLError(message, self.selection.owner.nodes)


class Single:
    """Puts the one value that comes of it into a slot."""

    __slots__ = ("_row", "_slot")

    def __init__(self, row: Row, slot: str) -> None:
        self._row = row
        self._slot = slot

    def __call__(self, values: Sequence[Any]) -> None:
        """Takes the value."""
        setattr(self._row, self._slot, values[0])


def row_class(selection: Selection) -> type[Any]:
    """A class of rows with a slot a field, which JSON has under the field's name."""
    slots = [(slot_of(place), Any, None) for place in range(len(selection.fields))]
    names = {slot_of(place): field.name for place, field in enumerate(selection.fields)}
    return msgspec.defstruct(selection.kind.name, slots, rename=names, gc=False)


def row_maker(sources: Sequence[str], row: type[Any], constants: Constants) -> Callable[[Sequence[Any]], list[Any]]:
    """The function that makes the rows of many records."""
    named = {**constants.named, "Row": row}
    exec(_compiled(f"def make(records):\n return [Row({', '.join(sources)}) for o in records]"), named)  # noqa: S102 - see above
    made: Callable[[Sequence[Any]], list[Any]] = named["make"]
    return made


@lru_cache(1_024)
def placer(slot: str) -> Callable[[Sequence[Row], Sequence[Any]], None]:
    """The function that puts values into a slot of as many rows."""
    named: dict[str, Any] = {}
    exec(_compiled(f"def place(rows, values):\n for row, row.{slot} in zip(rows, values): pass"), named)  # noqa: S102 - see above
    made: Callable[[Sequence[Row], Sequence[Any]], None] = named["place"]
    return made


def attribute_source(name: str) -> str | None:
    """Source of an attribute of a record `o`; None where the name cannot be in source code."""
    return f"o.{name}" if name.isidentifier() and not keyword.iskeyword(name) else None


def getter(name: str) -> Callable[[Any], Any]:
    """The function that reads an attribute."""
    return attrgetter(name)


@lru_cache(MAX_SOURCES)
def _compiled(source: str) -> CodeType:
    return compile(source, "<rows>", "exec")
