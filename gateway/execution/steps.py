"""How slots are filled that need more than their record's leaves: what is below them, batches, resolvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gateway.execution.errors import Row, attempt
from gateway.execution.inputs import argument_values
from gateway.execution.plan import Field
from gateway.execution.resolvers import Batch
from gateway.execution.rows import placer
from gateway.execution.run import Completion, Run


class Below:
    """Objects that the record holds, or that are computed from it.

    Args:
        slot: The slot.
        quick: Reads a record whose attributes can be read plainly.
        careful: Reads any record.
        completion: Completes what is read.
    """

    def __init__(
        self, slot: str, quick: Callable[[Any], Any], careful: Callable[[Any], Any], completion: Completion
    ) -> None:
        self._place = placer(slot)
        self._quick = quick
        self._careful = careful
        self._completion = completion

    def start(self, records: Sequence[Any], rows: Sequence[Row], run: Run, sound: bool) -> None:
        """Fills its slot in each row."""
        values = _quickly(self._quick, records) if sound else None
        if values is None:
            values = [attempt(self._careful, record) for record in records]
        self._completion.finish(values, run, partial(self._place, rows))


class RefusedField:
    """Nothing, and one error for all the rows."""

    def __init__(self, slot: str, field: Field, refusal: Exception) -> None:
        self._place = placer(slot)
        self._field = field
        self._refusal = refusal

    def start(self, _records: Sequence[Any], rows: Sequence[Row], run: Run, _sound: bool) -> None:
        """Notes that nothing comes to these rows."""
        if rows:
            run.refuse(self._field, self._refusal, rows, self._place)


class Loaded:
    """What is loaded by key: one batch for all the rows of the level.

    Args:
        slot: The slot.
        field: The field.
        batch: How it is loaded.
        completion: Completes what is loaded.
    """

    def __init__(self, slot: str, field: Field, batch: Batch, completion: Completion) -> None:
        self._place = placer(slot)
        self.field = field
        self.batch = batch
        self._completion = completion
        self._plain = not batch.many and batch.pick is None
        self._key_types: set[type[Any]] = set()

    def start(self, records: Sequence[Any], rows: Sequence[Row], run: Run, sound: bool) -> None:
        """Notes what has to be loaded for these rows; the batch leaves when its level is whole."""
        if not records:
            return
        quick = self.batch.ready is None and (sound or self.batch.explain is None)
        keys = _quickly(self.batch.key, records) if quick else None
        run.wait(self, keys or [attempt(self._key_or_ready, record) for record in records], rows)

    def _key_or_ready(self, record: Any) -> Any:
        if self.batch.ready is not None:
            value = self.batch.ready(record)
            if value is not None:
                return Ready(value)
        key = self.batch.key(record)
        if key is None and self.batch.explain is not None:
            self.batch.explain(record)
        return key

    def dispatch(self, keys: Sequence[Any], rows: Sequence[Row], run: Run) -> None:
        """Loads a level."""
        kinds = {*map(type, keys)}
        if self._plain and kinds <= self._key_types:
            run.load(self.batch.loader(run.context), keys, partial(self._arrived, rows, run))
            return
        if not any(issubclass(kind, NO_KEY) for kind in kinds):
            self._key_types |= kinds
        wanted, deal = self._wanted(keys)

        def arrived(outcomes: Sequence[Any]) -> None:
            self._arrived(rows, run, deal(outcomes))

        if wanted:
            run.load(self.batch.loader(run.context), wanted, arrived)
        else:
            arrived([])

    def _arrived(self, rows: Sequence[Row], run: Run, outcomes: Sequence[Any]) -> None:
        self._completion.finish(outcomes, run, partial(self._place, rows))

    def _wanted(self, keys: Sequence[Any]) -> tuple[Sequence[Any], Callable[[Sequence[Any]], Sequence[Any]]]:
        """The keys to load, and what makes a value a row of their outcomes."""
        pick = self.batch.pick
        if self.batch.many:
            return _many(keys, pick)
        wanted = [key for key in keys if not isinstance(key, NO_KEY)]

        def deal(outcomes: Sequence[Any]) -> list[Any]:
            rest = iter(outcomes)
            return [
                key.value
                if isinstance(key, Ready)
                else key
                if key is None or isinstance(key, Exception)
                else _picked(pick, next(rest))
                for key in keys
            ]

        return wanted, deal


class Ready:
    """A value that needs no load."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


NO_KEY = (type(None), Ready, Exception)
"""What stands among keys where nothing is to be loaded."""


def _quickly(function: Callable[[Any], Any], records: Sequence[Any]) -> list[Any] | None:
    """What a function makes of all records; None where it raises for one."""
    try:
        return [*map(function, records)]
    except Exception:  # noqa: BLE001 - the careful way finds out whose it was
        return None


def _picked(pick: Callable[[Any], Any] | None, outcome: Any) -> Any:
    if pick is None or outcome is None or isinstance(outcome, Exception):
        return outcome
    return attempt(pick, outcome)


def _many(
    keys: Sequence[Any], pick: Callable[[Any], Any] | None
) -> tuple[Sequence[Any], Callable[[Sequence[Any]], list[Any]]]:
    """The same where each row has several keys: the value is what is found, or the first error."""
    wanted = [key for each in keys if each is not None and not isinstance(each, Exception) for key in each]

    def deal(outcomes: Sequence[Any]) -> list[Any]:
        rest = iter(outcomes)
        values: list[Any] = []
        for each in keys:
            if each is None or isinstance(each, Exception):
                values.append(each)
                continue
            found = [_picked(pick, next(rest)) for _ in each]
            error = next((one for one in found if isinstance(one, Exception)), None)
            values.append(error or [one for one in found if one is not None])
        return values

    return wanted, deal


class Resolved:
    """What the field's own resolver returns, called once a record."""

    def __init__(self, slot: str, field: Field, completion: Completion) -> None:
        self._place = placer(slot)
        self._field = field
        self._completion = completion

    def start(self, records: Sequence[Any], rows: Sequence[Row], run: Run, _sound: bool) -> None:
        """Calls the resolver for each record."""
        if not records:
            return
        arguments = attempt(self._arguments, run)
        if isinstance(arguments, Exception):
            values = [arguments] * len(records)
        else:
            info = run.info(self._field)
            resolve = self._field.definition.resolve or run.executor.field_resolver
            values = [attempt(_call, resolve, record, info, arguments) for record in records]
        if any(map(run.is_awaitable, values)):
            run.settle(values, lambda settled: self._completed(settled, rows, run))
        else:
            self._completed(values, rows, run)

    def _completed(self, values: Sequence[Any], rows: Sequence[Row], run: Run) -> None:
        if self._field.within.owner is None:
            run.known[self._field.name] = values[0]
        self._completion.finish(values, run, partial(self._place, rows))

    def _arguments(self, run: Run) -> dict[str, Any]:
        return argument_values(run.executor, self._field.definition, self._field.details[0])


def _call(resolve: Callable[..., Any], record: Any, info: Any, arguments: dict[str, Any]) -> Any:
    return resolve(record, info, **arguments)
