"""Asks two executors the same and compares what they say: the compiled plans, and graphql-core itself."""

from __future__ import annotations

import dataclasses
import functools
import random
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from graphql import ExecutionResult, GraphQLError, execute
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.errors import BadUserInput
from gateway.execution.executor import Outcome
from gateway.execution.inputs import InvalidInput
from gateway.execution.plans import CompileTime, Plans
from gateway.graph.context import Context
from gateway.graph.declarations import GraphDeclarations
from gateway.graph.documents import Prepared
from gateway.graph.engine import Engine
from gateway.graph.errors import formatted, once_a_field
from gateway.graph.federation.subgraph import Subgraph
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.model.scopes import SCOPES, Principal
from gateway.request import Request
from tests.execution.library import NOTHING
from tests.execution.questions import Question
from tests.execution.random_schema import Catalog, World
from tests.execution.values import COUNT, Faults

CASES = [
    Faults(),
    Faults(slow=0.5),
    Faults(raising=0.3, slow=0.3),
    Faults(failing=0.3),
    Faults(missing=0.3, failing=0.1),
    Faults(strange=0.3),
    Faults(wrong=0.4),
    Faults(unreadable=0.5),
    Faults(cancelled=0.5, slow=0.3),
    Faults(0.1, 0.1, 0.1, 0.1, 0.3, 0.1, 0.2, 0.1),
]
TURNS = 4
"""Cases that are made of one question, since most of a case's time goes into its document."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A question to both.

    Attributes:
        name: What finds it again.
        text: The document.
        variables: The values that a client sends.
        world: What it is asked of.
        principal: Who asks.
    """

    name: str
    text: str
    variables: Mapping[str, Any]
    world: World
    principal: Principal | None


@dataclasses.dataclass
class Tally:
    """What came of many cases.

    Attributes:
        asked: Valid questions.
        ways: How each was run.
        refused: Those that were not run, for what a client sent for a variable.
        null: Those where a field was refused for its arguments.
        differing: Those of them whose errors differ beneath a null, as they may.
        wrong: Those that differ as they may not: with both answers.
    """

    asked: int = 0
    ways: Counter[str] = dataclasses.field(default_factory=Counter)
    refused: int = 0
    null: int = 0
    failing: int = 0
    differing: int = 0
    wrong: list[tuple[Case, Any, Any]] = dataclasses.field(default_factory=list, repr=False)


def some_id(dice: random.Random) -> str:
    """A global id of the made-up world, or none."""
    if dice.random() < 0.1:
        return "nonsense"
    return global_id(dice.choice(list(Kind)), dice.choice(list(Source)), str(dice.randrange(COUNT + 2)))


class Pair:
    """Two executors over one graph."""

    def __init__(self) -> None:
        catalog = cast("Any", Catalog(World(0, Faults())))
        plans = Plans(GraphDeclarations(), time.perf_counter, allowance=CompileTime(time.perf_counter, share=1e9))
        self.engine = Engine(catalog, plans=plans, federation=Subgraph())
        never = Plans(GraphDeclarations(), time.perf_counter, allowance=NOTHING)
        self.interpreting = Engine(catalog, plans=never, federation=Subgraph())

    async def ask(self, seed: int, tally: Tally) -> None:
        """One question, of both: `TURNS` times, each time of another world and with other values."""
        question = Question(self.engine.schema, seed, some_id)
        for turn in range(TURNS):
            dice = random.Random(f"{seed} {turn}")
            faults = CASES[(seed + turn) % len(CASES)]
            scopes = frozenset(dice.sample(sorted(SCOPES), dice.randint(3, len(SCOPES))))
            principal = Principal("somebody", scopes) if dice.random() < 0.15 else None
            variables = {**question.variables, "no": dice.random() < 0.5}
            case = Case(f"{seed} {turn}", question.text, variables, _world(dice.randrange(20), faults), principal)
            await self.compare(case, tally)

    async def compare(self, case: Case, tally: Tally) -> None:
        """Asks both, and notes what came of it."""
        prepared = self.engine.prepare(case.text)
        if not isinstance(prepared, Prepared):
            return
        tally.asked += 1
        expected = await self._reference(prepared, case)
        outcome = await self.ours(self.engine, case)
        refusals = _refusals(outcome)
        if refusals:
            assert refusals == _refusals(await self.ours(self.interpreting, case)), case
            assert all(each["extensions"]["argument"] and " None" not in each["message"] for each in refusals), case
        if not outcome.started:
            tally.refused += 1
            assert len(refusals) == len(outcome.errors), case
            assert expected["errors"] or case.variables.get("yes", True) is None, case
            return
        tally.null += bool(refusals)
        tally.ways[outcome.interpreted or "compiled"] += 1
        reported = _told(outcome.data, outcome.errors)
        tally.failing += bool(expected["errors"])
        if msgspec.json.encode(expected) == msgspec.json.encode(reported):
            return
        if explained(expected, reported):
            tally.differing += 1
        else:
            tally.wrong.append((case, expected, reported))

    def _context(self, engine: Engine, prepared: Prepared, case: Case) -> Context:
        checked = engine.operations.check(prepared.document, variables=case.variables)
        operation = cast("Any", None) if isinstance(checked, list) else checked.operation  # nothing runs without one
        return Context(cast("Any", Catalog(case.world)), Request(deadline=1e9), operation, tuple, case.principal)

    async def ours(self, engine: Engine, case: Case) -> Outcome:
        """An answer of ours."""
        prepared = engine.prepare(case.text)
        assert isinstance(prepared, Prepared)
        context = self._context(engine, prepared, case)
        outcome = await engine.operations.execute(prepared.document, context=context, variables=case.variables)
        await context.close()
        return outcome

    async def _reference(self, prepared: Prepared, case: Case) -> Any:
        context = self._context(self.engine, prepared, case)
        result = execute(
            self.engine.schema,
            prepared.document,
            context_value=context,
            variable_values=dict(case.variables),
            executor_class=StrawberryGraphQLCoreExecutionContext,
        )
        reported = result if isinstance(result, ExecutionResult) else await result
        await context.close()
        assert isinstance(reported, ExecutionResult)
        return _told(reported.data, reported.errors or [])


@functools.cache
def _world(seed: int, faults: Faults) -> World:
    return World(seed, faults)


def _told(data: Any, errors: list[GraphQLError]) -> dict[str, Any]:
    reported = [formatted(error, lambda _error: None) for error in once_a_field(map(_alike, errors))]
    for error in reported:
        error.get("extensions", {}).pop("errorId", None)
    reported.sort(key=lambda error: str(error.get("path")))
    return {"data": msgspec.Raw(msgspec.json.encode(data)), "errors": reported}


def _alike(error: GraphQLError) -> GraphQLError:
    """An error of refused arguments without its words, which graphql-core chooses otherwise than we do."""
    if not error.message.startswith("Argument '") and not isinstance(error.original_error, InvalidInput):
        return error
    return GraphQLError("", path=error.path, original_error=BadUserInput("refused", argument="any"))


def _refusals(outcome: Outcome) -> list[dict[str, Any]]:
    """The errors for variables and arguments that graphql-core refuses."""
    refused = [error for error in outcome.errors if isinstance(error.original_error, InvalidInput)]
    return sorted((formatted(error, lambda _: None) for error in once_a_field(refused)), key=str)


def explained(expected: Any, reported: Any) -> bool:
    """Whether two answers differ only as the specification lets them.

    "If all fields from the root of the request to the source of the field error return Non-Null types, then the data
    entry in the response should be null" and, of what lies beneath a null that was propagated: "sibling fields which
    have not yet executed or have not yet yielded a value may be cancelled to avoid unnecessary work". So which of the
    errors beneath such a null are reported depends on which came first; that there is one does not. Of an error that is
    reported once for a field of all rows, the first may lie beneath such a null. Where a field is refused, that is so
    before its arguments are looked at.
    """
    if bytes(expected["data"]) != bytes(reported["data"]):
        return False
    data = msgspec.json.decode(expected["data"])
    refused = [error["path"] for error in reported["errors"] if error["extensions"]["code"] == "FORBIDDEN"]
    answers = [
        [error for error in answer["errors"] if error.get("path") not in refused] for answer in (expected, reported)
    ]
    hidden = {
        _field(error) for errors in answers for error in errors if _depth(data, error) < len(error.get("path", ()))
    }
    told_by_both = set.intersection(
        *({_field(error) for error in errors if _is_told_once(error)} for errors in answers)
    )
    elsewhere = hidden & told_by_both
    return any(
        _apart(data, [error for error in answers[0] if _field(error) not in left_out])
        == _apart(data, [error for error in answers[1] if _field(error) not in left_out])
        for left_out in (frozenset[tuple[str, ...]](), elsewhere)
    )


def _is_told_once(error: dict[str, Any]) -> bool:
    return bool(error["extensions"]["code"] == "BAD_USER_INPUT")


def _field(error: dict[str, Any]) -> tuple[str, ...]:
    """The field of all rows that an error is of, and what it says."""
    return (*(part for part in error.get("path", ()) if isinstance(part, str)), error.get("message", ""))


def _depth(data: Any, error: dict[str, Any]) -> int:
    """How far an error's path leads before it comes to a null."""
    path = error.get("path", [])
    at, depth = data, 0
    while at is not None and depth < len(path):
        at, depth = at[path[depth]], depth + 1
    return depth


def _apart(data: Any, errors: list[dict[str, Any]]) -> tuple[list[bytes], set[bytes]]:
    """The errors that stand at their own place, and the nulls above all others."""
    own, beneath = list[bytes](), set[bytes]()
    for error in errors:
        path, depth = error.get("path", []), _depth(data, error)
        if depth < len(path):
            beneath.add(msgspec.json.encode(path[:depth]))
        else:
            own.append(msgspec.json.encode(error))
    nulls_with_own = {msgspec.json.encode(msgspec.json.decode(error).get("path", [])) for error in own}
    return sorted(own), beneath - nulls_with_own
