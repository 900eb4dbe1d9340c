"""Completing values by their type: leaves, objects, interfaces, lists of them; many at once, errors as marks.

Each has two ways: a quick one for values that are all of the classes expected, and one that looks at each. What it
comes to is handed on (`then`), at once or, where something has to be awaited or a level is long, later in the run.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import partial
from itertools import accumulate, chain
from typing import Any

from graphql import GraphQLAbstractType, GraphQLError, Undefined
from graphql.pyutils import is_iterable

from gateway.execution.errors import FieldError, Surprise, attempt
from gateway.execution.leaves import Constants, Leaf
from gateway.execution.plan import Field
from gateway.execution.rows import Rows
from gateway.execution.run import Completion, Run, Then

NONE = type(None)
LISTS = frozenset({list, tuple})


class CompletionTarget:
    """Where values are completed for: a field, and whether null may stand there.

    Args:
        field: The field.
        required: Whether it may not be null.
    """

    def __init__(self, field: Field, *, required: bool) -> None:
        self.field = field
        self.required = required

    def nothing(self, run: Run) -> FieldError | None:
        """What stands where there is no value."""
        if not self.required:
            return None
        return run.error(self.field, TypeError(f"Cannot return null for non-nullable field {self.field.coordinate}."))


class Sifted:
    """Values looked at one by one: what is wrong or missing is settled, what is left is to be completed.

    Args:
        values: The values.
        target: Where they are for.
        run: The run.
        expected: The classes of which they mostly are.
    """

    def __init__(
        self, values: Sequence[Any], target: CompletionTarget, run: Run, expected: Container[type[Any]] = frozenset()
    ) -> None:
        self.results: list[Any] = [None] * len(values)
        self.left: list[Any] = []
        self.places: list[int] = []
        self.awaiting = False
        for place, value in enumerate(values):
            if value.__class__ in expected:
                self.left.append(value)
                self.places.append(place)
            elif value is None or value is Undefined:
                self.results[place] = target.nothing(run)
            elif isinstance(value, Exception):
                self.results[place] = run.error(target.field, value)
            elif run.is_awaitable(value):
                self.awaiting = True
            else:
                self.left.append(value)
                self.places.append(place)

    def joined(self, completed: Sequence[Any]) -> list[Any]:
        """All results, once what was left is completed."""
        for place, value in zip(self.places, completed, strict=True):
            self.results[place] = value
        return self.results


class LeafCompletion:
    """Leaves."""

    def __init__(self, target: CompletionTarget, leaf: Leaf) -> None:
        self._target = target
        self._leaf = leaf

    def finish(self, values: Sequence[Any], run: Run, then: Then) -> None:
        """Completes the values of a leaf: as JSON has them."""
        classes = {*map(type, values)}
        if self._leaf.all_native(classes) and not (self._target.required and NONE in classes):
            then(values)
            return
        sifted = Sifted(values, self._target, run)
        if sifted.awaiting:
            run.settle(values, lambda settled: self.finish(settled, run, then))
            return
        then(sifted.joined([self._complete(value, run) for value in sifted.left]))

    def _complete(self, value: Any, run: Run) -> Any:
        completed = attempt(self._leaf.complete, value)
        return run.error(self._target.field, completed) if isinstance(completed, Exception) else completed


class ObjectCompletion:
    """Objects of one type. Equal records, where `shared`, are made into one row."""

    def __init__(self, target: CompletionTarget, rows: Rows, *, shared: bool) -> None:
        self.rows = rows
        self.target = target
        self._shared = shared

    def finish(self, values: Sequence[Any], run: Run, then: Then) -> None:
        """Makes the rows of objects, one a record."""
        expected = self.rows.classes
        if expected is not None and {*map(type, values)} <= expected:
            if self._shared:
                self._make(values, run, then, True)
            else:
                run.make(self.rows, values, then, True)
            return
        sifted = Sifted(values, self.target, run, expected or ())
        if sifted.awaiting:
            run.settle(values, lambda settled: self.finish(settled, run, then))
            return
        self._make(sifted.left, run, lambda rows: then(sifted.joined(rows)), False)

    def _make(self, records: Sequence[Any], run: Run, then: Then, known: bool) -> None:
        if self._shared:
            ids = [*map(id, records)]
            distinct = dict(zip(ids, records, strict=True))
            if len(distinct) < len(ids):

                def dealt(rows: Sequence[Any]) -> None:
                    then([*map(dict(zip(distinct, rows, strict=True)).__getitem__, ids)])

                run.size.share(self.rows.selection, len(ids) - len(distinct) + 1)
                run.make(self.rows, [*distinct.values()], dealt, known)
                return
        run.make(self.rows, records, then, known)


class AbstractCompletion:
    """Objects of an interface or a union, each of a type that its class, or else the schema, gives."""

    def __init__(
        self,
        target: CompletionTarget,
        kind: GraphQLAbstractType,
        rows: Mapping[str, Rows],
        names: Mapping[type[Any], str],
    ) -> None:
        self._target = target
        self._kind = kind
        self._rows = rows
        self._names = names

    def finish(self, values: Sequence[Any], run: Run, then: Then) -> None:
        """Makes the rows of objects of several types, those of each type at once."""
        sifted = Sifted(values, self._target, run, self._names)
        if sifted.awaiting:
            run.settle(values, lambda settled: self.finish(settled, run, then))
            return
        completed: list[Any] = [None] * len(sifted.left)
        groups: dict[str, list[int]] = {}
        for place, value in enumerate(sifted.left):
            name = self._names.get(type(value)) or attempt(self._resolve, value, run)
            if isinstance(name, Exception):
                completed[place] = run.error(self._target.field, name)
            else:
                groups.setdefault(name, []).append(place)
        waiting = len(groups)

        def join(places: list[int], rows: Sequence[Any]) -> None:
            nonlocal waiting
            for place, row in zip(places, rows, strict=True):
                completed[place] = row
            waiting -= 1
            if not waiting:
                then(sifted.joined(completed))

        if not groups:
            then(sifted.joined(completed))
        for name, places in groups.items():
            records = [sifted.left[place] for place in places]
            run.make(self._rows[name], records, partial(join, places))

    def _resolve(self, value: Any, run: Run) -> str:
        info = run.info(self._target.field)
        name = (self._kind.resolve_type or run.executor.type_resolver)(value, info, self._kind)
        if run.is_awaitable(name):
            raise Surprise("the type of an object has to be awaited")
        details = self._target.field.details
        return run.executor.ensure_valid_runtime_type(name, self._kind, details, info, value).name


class ListCompletion:
    """Lists of what another completion completes."""

    def __init__(self, target: CompletionTarget, item: Completion) -> None:
        self.target = target
        self.item = item

    def finish(self, values: Sequence[Any], run: Run, then: Then) -> None:
        """Completes the items of all lists at once, and deals them out."""
        if {*map(type, values)} <= LISTS:
            self._items(values, run, then)
            return
        sifted = Sifted(values, self.target, run)
        if sifted.awaiting:
            run.settle(values, lambda settled: self.finish(settled, run, then))
            return
        lists = [attempt(self._listed, value) for value in sifted.left]
        wrong: dict[int, FieldError] = {}
        for place, value in enumerate(lists):
            if isinstance(value, Exception):
                wrong[place] = run.error(self.target.field, value)
                lists[place] = ()

        def joined(completed: Sequence[Any]) -> None:
            then(sifted.joined([wrong.get(place, value) for place, value in enumerate(completed)]))

        self._items(lists, run, joined)

    def _items(self, lists: Sequence[Sequence[Any]], run: Run, then: Then) -> None:
        if len(lists) == 1:
            self.item.finish(lists[0], run, lambda items: then([items]))
            return

        def dealt(items: Sequence[Any]) -> None:
            ends = [*accumulate(map(len, lists))]
            then([items[start:end] for start, end in zip([0, *ends], ends, strict=False)])

        self.item.finish(list(chain.from_iterable(lists)), run, dealt)

    def _listed(self, value: Any) -> Sequence[Any]:
        if hasattr(value, "__aiter__"):
            raise Surprise("a list is an asynchronous iterator")
        if not is_iterable(value):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{self.target.field.coordinate}'.")
        return list(value)


MAX_EMBEDDED = 256
"""Rows of one list that are made together with the row that holds them."""


def inner_rows(completion: Completion) -> Rows | None:
    """What makes the rows of objects of one type, or of a list of them; None for anything else."""
    single = completion.item if isinstance(completion, ListCompletion) else completion
    return single.rows if isinstance(single, ObjectCompletion) else None


def embedded(completion: Completion, source: str, constants: Constants) -> str | None:
    """Python source of plain objects, or a list of them, in the answer; evaluating it raises where one is unusual.

    Args:
        completion: What completes them.
        source: Source of what they are made of.
        constants: Takes what the source has to name.

    Returns:
        None where more has to be done than to make their rows.
    """
    listed, rows = isinstance(completion, ListCompletion), inner_rows(completion)
    if rows is None or not isinstance(completion, ListCompletion | ObjectCompletion):
        return None
    make = rows.maker(many=listed)
    if make is None:
        return None
    kind = f"(v := {source}).__class__"
    usual = f"{kind} is {constants.name(next(iter(rows.classes or ())))}"
    if listed:
        usual = f"({kind} is tuple or v.__class__ is list) and len(v) <= {MAX_EMBEDDED}"
    absent = "" if completion.target.required else "None if v is None else "
    return f"({constants.name(make)}(v) if {usual} else {absent}unusual())"
