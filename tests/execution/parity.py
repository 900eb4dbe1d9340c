"""Asks two executors the same and compares what they say: the compiled plans, and graphql-core itself."""

from __future__ import annotations

import dataclasses
import functools
import random
import time
from collections import Counter
from typing import Any, cast

import msgspec
from graphql import ExecutionResult, GraphQLError, execute
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution.plans import Plans
from gateway.graph.access import SCOPES, Principal
from gateway.graph.context import Context
from gateway.graph.declarations import GraphDeclarations
from gateway.graph.engine import Engine, Prepared
from gateway.graph.faults import formatted, once_a_field
from gateway.graph.ids import global_id
from gateway.model.records import Kind, Source
from gateway.upstream.request import Request
from tests.execution.made_up import Catalog, World
from tests.execution.questions import Question
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


@dataclasses.dataclass
class Tally:
    """What came of many cases.

    Attributes:
        asked: Valid questions.
        ways: How each was run.
        differing: Those of them whose errors differ beneath a null, as they may.
        wrong: Seeds of those that differ as they may not, with both answers.
    """

    asked: int = 0
    ways: Counter[str] = dataclasses.field(default_factory=Counter)
    failing: int = 0
    differing: int = 0
    wrong: list[tuple[int, str, dict[str, Any], Any, Any]] = dataclasses.field(default_factory=list)


def some_id(dice: random.Random) -> str:
    """A global id of the made-up world, or none."""
    if dice.random() < 0.1:
        return "nonsense"
    return global_id(dice.choice(list(Kind)), dice.choice(list(Source)), str(dice.randrange(COUNT + 2)))


class Pair:
    """Two executors over one graph."""

    def __init__(self) -> None:
        self.engine = Engine(cast("Any", None), plans=Plans(GraphDeclarations(), time.perf_counter, sightings=1))
        self.engine.operations.plans._allowance._share = 1e9

    async def ask(self, seed: int, tally: Tally) -> None:
        """One question, of both."""
        question = Question(self.engine.schema, seed, some_id)
        prepared = self.engine.prepare(question.text)
        if not isinstance(prepared, Prepared):
            return
        tally.asked += 1
        dice = random.Random(seed)
        world = _world(seed % 20, dice.randrange(len(CASES)))
        scopes = frozenset(dice.sample(sorted(SCOPES), dice.randint(3, len(SCOPES))))
        principal = Principal("somebody", scopes) if dice.random() < 0.15 else None
        expected = await self._reference(prepared, question, world, principal)
        told = await self._compiled(prepared, question, world, principal, tally)
        tally.failing += bool(expected["errors"])
        if msgspec.json.encode(expected) == msgspec.json.encode(told):
            return
        if explained(expected, told):
            tally.differing += 1
        else:
            tally.wrong.append((seed, question.text, question.variables, expected, told))

    def _context(self, world: World, principal: Principal | None) -> Context:
        return Context(cast("Any", Catalog(world)), Request(deadline=1e9), tuple, principal)

    async def _compiled(
        self, prepared: Prepared, question: Question, world: World, principal: Principal | None, tally: Tally
    ) -> Any:
        context = self._context(world, principal)
        outcome = await self.engine.operations.execute(prepared.document, context=context, variables=question.variables)
        await context.close()
        tally.ways[outcome.interpreted or "compiled"] += 1
        return _told(outcome.data, outcome.errors)

    async def _reference(
        self, prepared: Prepared, question: Question, world: World, principal: Principal | None
    ) -> Any:
        context = self._context(world, principal)
        result = execute(
            self.engine.schema,
            prepared.document,
            context_value=context,
            variable_values=dict(question.variables),
            executor_class=StrawberryGraphQLCoreExecutionContext,
        )
        told = result if isinstance(result, ExecutionResult) else await result
        await context.close()
        assert isinstance(told, ExecutionResult)
        return _told(told.data, told.errors or [])


@functools.cache
def _world(seed: int, case: int) -> World:
    return World(seed, CASES[case])


def _told(data: Any, errors: list[GraphQLError]) -> dict[str, Any]:
    told = [formatted(error, lambda _fault: None) for error in once_a_field(errors)]
    for error in told:
        error.get("extensions", {}).pop("errorId", None)
    told.sort(key=lambda error: str(error.get("path")))
    return {"data": msgspec.Raw(msgspec.json.encode(data)), "errors": told}


def explained(expected: Any, told: Any) -> bool:
    """Whether two answers differ only as the specification lets them.

    "If all fields from the root of the request to the source of the field error return Non-Null types, then the data
    entry in the response should be null" and, of what lies beneath a null that was propagated: "sibling fields which
    have not yet executed or have not yet yielded a value may be cancelled to avoid unnecessary work". So which of the
    errors beneath such a null are told depends on which came first; that there is one does not. Where a field is
    refused, it is refused before its arguments are looked at.
    """
    if bytes(expected["data"]) != bytes(told["data"]):
        return False
    data = msgspec.json.decode(expected["data"])
    refused = [error["path"] for error in told["errors"] if error["extensions"]["code"] == "FORBIDDEN"]
    apart = [
        _apart(data, [error for error in answer["errors"] if error.get("path") not in refused])
        for answer in (expected, told)
    ]
    return apart[0] == apart[1]


def _apart(data: Any, errors: list[dict[str, Any]]) -> tuple[list[bytes], set[bytes]]:
    """The errors that stand at their own place, and the nulls above all others."""
    own, beneath = list[bytes](), set[bytes]()
    for error in errors:
        path = error.get("path", [])
        at, depth = data, 0
        while at is not None and depth < len(path):
            at, depth = at[path[depth]], depth + 1
        if depth < len(path):
            beneath.add(msgspec.json.encode(path[:depth]))
        else:
            own.append(msgspec.json.encode(error))
    nulls_with_own = {msgspec.json.encode(msgspec.json.decode(error).get("path", [])) for error in own}
    return sorted(own), beneath - nulls_with_own
