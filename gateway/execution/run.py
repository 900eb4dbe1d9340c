"""One run of a plan: what is due now, what a level waits for, and what has been found wrong.

Work that is due is done first, down to everything that needs no waiting; then all that the level has to load leaves
together; then whatever arrives first goes on. Nothing here holds the event loop for longer than a stretch of rows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NoReturn, Protocol, TypeAlias

from graphql import Executor, is_non_null_type
from graphql.pyutils import Path

from gateway.execution.errors import FieldError, Row, Surprise, attempt
from gateway.execution.plan import Field
from gateway.execution.resolvers import Context, Loader
from gateway.execution.size import FieldCount

STRETCH = 256
"""Rows that are made at once."""
FEW = 16
"""The same, of records that hold many others."""
PATIENCE = 1_024
"""Rows that are made before others get their turn."""

Job: TypeAlias = Callable[[], None]
Then: TypeAlias = Callable[[Sequence[Any]], None]
"""Takes what has come of as many values or keys, in their order; errors are among them."""
Wanted: TypeAlias = tuple[Sequence[Any], Then]
"""Keys, and who takes their outcomes."""
Place: TypeAlias = Callable[[Sequence[Row], Sequence[Any]], None]
"""Puts values into one slot of as many rows."""


class Completion(Protocol):
    """Completes values of one type."""

    def finish(self, values: Sequence[Any], run: Run, then: Then) -> None:
        """Completes values, and hands them on: at once, or where something has to be awaited later in the run.

        Args:
            values: The values; exceptions among them are those fields' errors.
            run: The run.
            then: Takes a completed value, None or a mark for each value.
        """
        ...


class RowMaker(Protocol):
    """Makes the rows of one selection."""

    @property
    def lists(self) -> Sequence[Callable[[Any], Sequence[Any]]]:
        """Ways to the lists that lie in its records."""
        ...

    def weight(self, records: Sequence[Any]) -> int:
        """How many rows will be made of records at once: theirs, and those of the lists in them."""
        ...

    def make(self, records: Sequence[Any], run: Run, known: bool = False) -> list[Row | FieldError]:
        """A row for each record, or an error; `known` says that they are of the class expected."""
        ...


class LevelStep(Protocol):
    """What has something loaded for the rows of a level."""

    def dispatch(self, keys: Sequence[Any], rows: Sequence[Row], run: Run) -> None:
        """Has it loaded: a key, None or an error for each row."""
        ...


class Interrupted(Exception):
    """What was waited for was cancelled by somebody else."""


class Nowhere:
    """Stands for the path of a field below a level, which a level does not know; asking it is a surprise."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, _name: str) -> NoReturn:
        self._run.surprise = Surprise("a resolver asks for its path")
        raise self._run.surprise


class Run:
    """One execution.

    Args:
        executor: graphql-core's executor of the operation: its context, variables and fragments.
        size: Counts what the answer comes to.
    """

    def __init__(self, executor: Executor[Any], size: FieldCount) -> None:
        self.executor = executor
        self.size = size
        self.context: Context = executor.context_value
        self.is_awaitable = executor.is_awaitable
        self.failed: set[Field] = set()
        self._errors: list[FieldError] = []
        self._refusals: dict[Field, tuple[Exception, list[tuple[Sequence[Row], Place]]]] = {}
        self.known: dict[str, Any] = {}
        self.surprise: Surprise | None = None
        self.turns = 0
        self._made = 0
        self._jobs: deque[Job] = deque()
        self._levels: dict[LevelStep, tuple[Sequence[Any], Sequence[Row]]] = {}
        self._loads: dict[int, tuple[Loader, list[Wanted]]] = {}
        self._awaitables: list[tuple[Awaitable[Any], Then]] = []
        self._pending: set[asyncio.Future[Any]] = set()
        self._wake: asyncio.Future[None] | None = None

    def error(self, field: Field, error: Exception) -> FieldError:
        """The mark of an error at a field."""
        self.failed.add(field)
        mark = FieldError(error)
        self._errors.append(mark)
        return mark

    def refuse(self, field: Field, refusal: Exception, rows: Sequence[Row], place: Place) -> None:
        """Notes that a field of rows is refused; `mark_refusals` marks it."""
        self._refusals.setdefault(field, (refusal, []))[1].append((rows, place))

    def mark_refusals(self) -> None:
        """Marks what was refused: all the rows, since a null may yet take any of them out of the answer.

        Where nothing else went wrong none is taken out, and the first row decides for all.
        """
        required = any(is_non_null_type(field.definition.type) for field in self._refusals)
        alone = not (self.failed or required)
        for field, (refusal, parts) in self._refusals.items():
            self.failed.add(field)
            mark = FieldError(refusal, once=True)
            self._errors.append(mark)
            for rows, place in parts:
                marked = rows[:1] if alone else rows
                place(marked, [mark] * len(marked))

    def forget(self) -> None:
        """Parts the marks from their errors.

        An error keeps the frames that it came through, and they keep rows; rows are not looked at by the garbage
        collector, so that none may lead back to its error.
        """
        for mark in self._errors:
            del mark.error

    def info(self, field: Field) -> Any:
        """What a resolver gets of its field; of its path only at the top."""
        top = field.within.owner is None
        path: Any = Path(None, field.name, field.within.kind.name) if top else Nowhere(self)
        return self.executor.build_resolve_info(field.definition, field.nodes, field.within.kind, path)

    def make(self, rows: RowMaker, records: Sequence[Any], then: Then, known: bool = False) -> None:
        """Makes rows, in stretches where they are many, and hands them on."""
        weight = rows.weight(records) if rows.lists else len(records)
        if len(records) <= STRETCH and weight <= PATIENCE:
            self._made += weight
            then(rows.make(records, self, known))
            return
        made: list[Any] = []
        stretch = STRETCH if weight == len(records) else FEW
        for start in range(0, len(records), stretch):
            self._jobs.append(partial(self._stretch, rows, records[start : start + stretch], made))
        self._jobs.append(partial(then, made))

    def wait(self, step: LevelStep, keys: Sequence[Any], rows: Sequence[Row]) -> None:
        """Notes that rows need something loaded."""
        known = self._levels.get(step)
        self._levels[step] = (keys, rows) if known is None else ([*known[0], *keys], [*known[1], *rows])

    def load(self, loader: Loader, keys: Sequence[Any], then: Then) -> None:
        """Loads keys together with what else the level has of that loader, and hands their outcomes on."""
        self._loads.setdefault(id(loader), (loader, []))[1].append((keys, then))

    def settle(self, values: Sequence[Any], then: Then) -> None:
        """Awaits those values that can be awaited; what one raises stands in its place."""
        settled = list(values)
        places = [place for place, value in enumerate(values) if self.is_awaitable(value)]
        waiting = len(places)

        def arrived(place: int, outcome: Sequence[Any]) -> None:
            nonlocal waiting
            (settled[place],) = outcome
            waiting -= 1
            if not waiting:
                then(settled)

        self._awaitables.extend((values[place], partial(arrived, place)) for place in places)

    async def finish(self) -> None:
        """Does everything that is due, and that what arrives brings with it.

        Raises:
            Surprise: It is not for the compiled way.
        """
        try:
            while True:
                await self._work()
                if self._levels:
                    self._dispatch()
                elif self._awaitables:
                    await self._begin()
                elif self._pending:
                    self._wake = asyncio.get_running_loop().create_future()
                    await self._wake
                elif not self._jobs:
                    return
        finally:
            self._close()

    async def _work(self) -> None:
        while self._jobs:
            self._jobs.popleft()()
            if self.surprise is not None:
                raise self.surprise
            if self._made >= PATIENCE:
                self._made = 0
                self.turns += 1
                await asyncio.sleep(0)

    def _stretch(self, rows: RowMaker, records: Sequence[Any], made: list[Any]) -> None:
        self._made += rows.weight(records)
        made.extend(rows.make(records, self))

    def _dispatch(self) -> None:
        levels, self._levels = self._levels, {}
        for step, (keys, rows) in levels.items():
            step.dispatch(keys, rows, self)
        loads, self._loads = self._loads, {}
        for loader, wanted in loads.values():
            self._leave(loader, wanted)

    def _leave(self, loader: Loader, wanted: Sequence[Wanted]) -> None:
        """Sends one loader's part of a level on its way."""
        keys = wanted[0][0] if len(wanted) == 1 else [key for part, _ in wanted for key in part]
        try:
            future = loader.load_level(keys)
        except TypeError:
            parts = [_sifted(*part) for part in wanted]
            if sum(len(part) for part, _ in parts) == len(keys):
                raise
            self._leave(loader, parts)
            return
        job = partial(_deal, future, len(keys), wanted)
        if future.done():
            self._jobs.append(job)
        else:
            self._pend(future, job)

    async def _begin(self) -> None:
        """Starts what has to be awaited; a single one needs no task of its own."""
        awaitables, self._awaitables = self._awaitables, []
        if len(awaitables) == 1 and not self._pending:
            ((awaitable, then),) = awaitables
            outcome = await _outcome(awaitable)
            self._jobs.append(lambda: then([outcome]))
            return
        for awaitable, then in awaitables:
            self._pend(task := asyncio.ensure_future(_outcome(awaitable)), partial(_hand_over, task, then))

    def _pend(self, future: asyncio.Future[Any], job: Job) -> None:
        self._pending.add(future)
        future.add_done_callback(partial(self._arrived, job))

    def _arrived(self, job: Job, future: asyncio.Future[Any]) -> None:
        if future not in self._pending:
            return
        self._pending.discard(future)
        self._jobs.append(job)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _close(self) -> None:
        """Cancels what nobody waits for any more, and releases every row."""
        pending, self._pending = self._pending, set()
        for future in pending:
            future.cancel()
        for awaitable, _ in self._awaitables:
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
        self._awaitables.clear()
        self._jobs.clear()
        self._levels.clear()


def _sifted(keys: Sequence[Any], then: Then) -> Wanted:
    """The same load without what cannot be a key, since it cannot be hashed: that is its outcome."""
    outcomes = [attempt(hash, key) for key in keys]
    places = [place for place, outcome in enumerate(outcomes) if not isinstance(outcome, Exception)]

    def joined(loaded: Sequence[Any]) -> None:
        for place, outcome in zip(places, loaded, strict=True):
            outcomes[place] = outcome
        then(outcomes)

    return [keys[place] for place in places], joined


def _deal(future: asyncio.Future[list[Any]], count: int, wanted: Sequence[Wanted]) -> None:
    """Hands the outcomes of a load to those who asked, each their part."""
    outcomes = _outcomes(future, count)
    if len(wanted) == 1:
        wanted[0][1](outcomes)
        return
    start = 0
    for part, then in wanted:
        then(outcomes[start : start + len(part)])
        start += len(part)


async def _outcome(awaitable: Awaitable[Any]) -> Any:
    """What an awaitable comes to: its value, or what it raised."""
    try:
        return await awaitable
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return Interrupted("It was cancelled.")
    except Exception as error:  # noqa: BLE001 - whatever a resolver ends with is its field's error
        return error


def _hand_over(task: asyncio.Future[Any], then: Then) -> None:
    then([Interrupted("It was cancelled.") if task.cancelled() else task.result()])


def _outcomes(future: asyncio.Future[list[Any]], count: int) -> Sequence[Any]:
    if future.cancelled():
        return [Interrupted("The load was cancelled.")] * count
    error = future.exception()
    if isinstance(error, Exception):
        return [error] * count
    outcomes = future.result()
    if len(outcomes) != count:
        raise Surprise("a loader answers another number of keys than it was asked")
    return outcomes
