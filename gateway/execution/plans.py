"""Compiled operations, cached within bounds: by document, and for each by the values of its conditions.

An operation is compiled when it is first seen: from about five rows on, that costs less than one run by graphql-core.
Compiling may take half of all time; what it has no time for is run by graphql-core. So neither endless documents nor
endless variants gain an attacker anything.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from graphql import DocumentNode, Executor
from graphql.execution.get_variable_signature import GraphQLVariableSignature

from gateway.execution.collected import Operation
from gateway.execution.compiler import Compiler, Leaves, Plan
from gateway.execution.conditions import Uses
from gateway.execution.plan import NotCovered, Planner, Selection
from gateway.execution.resolvers import Context, Declarations
from gateway.execution.source import weight_of

MAX_VARIANTS = 16
"""Variants that one document keeps; and operations, by the values of their conditions."""
MAX_BYTES = 32_000_000
"""Bytes that the cached plans may take together, about."""
BUSY = "too much is being compiled"
TOO_DEEP = "it is nested too deeply"
A_FIELD, A_SELECTED_FIELD, AN_ENTRY = 2_500, 600, 2_000
"""Bytes that a field of a plan takes, one that was collected, and what else is remembered of a document; measured."""


class CompileTime:
    """Seconds that may be spent compiling: a share of all time, saved up to a burst.

    Args:
        timer: Seconds that never go back.
        share: Which part of all time.
        burst: Seconds that are saved up at the most.
    """

    def __init__(self, timer: Callable[[], float], share: float = 0.5, burst: float = 5.0) -> None:
        self._timer = timer
        self._share = share
        self._burst = burst
        self._left = burst
        self._looked = timer()

    def open(self) -> bool:
        """Whether anything may be compiled now."""
        now = self._timer()
        self._left = min(self._burst, self._left + (now - self._looked) * self._share)
        self._looked = now
        return self._left > 0

    def spend(self, seconds: float) -> None:
        """Notes what compiling took."""
        self._left -= seconds


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedExecutor:
    """What every request of an operation has in common.

    Attributes:
        executor: An executor of it, with nobody's context and no values.
        signatures: Its variables, where all of them are leaves; None where graphql-core has to look at each anew.
        uses: What it does with its variables.
    """

    executor: Executor[Any]
    signatures: tuple[GraphQLVariableSignature, ...] | None
    uses: Uses


@dataclasses.dataclass(slots=True)
class Known:
    """A document that was seen.

    Attributes:
        document: The document; held, so that its identity stays its own.
        operations: What its operations select, for each set of values of their conditions.
        variants: The plan of each of those for each audience, or why there is none.
        executors: What every request of an operation has in common, by the operation's name.
        counted: The bytes that were last counted for it.
    """

    document: DocumentNode
    operations: OrderedDict[Hashable, Operation] = dataclasses.field(default_factory=OrderedDict)
    variants: OrderedDict[Hashable, Plan | str] = dataclasses.field(default_factory=OrderedDict)
    executors: dict[str | None, PreparedExecutor] = dataclasses.field(default_factory=dict)
    counted: int = 0

    @property
    def weight(self) -> int:
        """The bytes that it takes, about."""
        fields = sum(each.fields for each in self.variants.values() if isinstance(each, Plan))
        entries = 1 + len(self.variants) + len(self.document.definitions)  # an operation of each may have an executor
        selected = sum(each.uses.fields for each in self.operations.values())
        return AN_ENTRY * entries + weight_of(self.document) + A_FIELD * fields + A_SELECTED_FIELD * selected


class Plans:
    """The plans of a schema.

    Args:
        declarations: What is known about the schema.
        timer: What compiling is timed by.
        most_bytes: Bytes that the cached plans may take together, about.
        allowance: How much may be spent on compiling.

    Attributes:
        compiled: How many operations were compiled, or found not to be coverable.
        compiling: Seconds that it took.
    """

    def __init__(
        self,
        declarations: Declarations,
        timer: Callable[[], float],
        *,
        most_bytes: int = MAX_BYTES,
        allowance: CompileTime | None = None,
    ) -> None:
        self._declarations = declarations
        self._timer = timer
        self._most_bytes = most_bytes
        self._allowance = allowance or CompileTime(timer)
        self._leaves = Leaves(declarations)
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._weight = 0
        self.compiled = 0
        self.compiling = 0.0

    def __len__(self) -> int:
        """How many plans are cached."""
        return sum(isinstance(each, Plan) for known in self._known.values() for each in known.variants.values())

    @property
    def weight(self) -> int:
        """The bytes that the cached plans take together, about."""
        return self._weight

    def known(self, document: DocumentNode) -> Known:
        """What is known of a document."""
        known = self._known.get(id(document))
        if known is None:
            known = self._known[id(document)] = Known(document)
            self._weigh(known)
        else:
            self._known.move_to_end(id(document))
        return known

    def operation(self, known: Known, executor: Executor[Any], uses: Uses) -> Operation:
        """What an operation selects, for the values that a request sends for its conditions."""
        coerced = executor.variable_values.coerced
        key = id(executor.operation), *[coerced.get(each.variable.name.value) for each in uses.conditions]
        found = known.operations.get(key)
        if found is not None:
            known.operations.move_to_end(key)
            return found
        found = known.operations[key] = Operation(executor, uses)
        if len(known.operations) > MAX_VARIANTS:
            known.operations.popitem(last=False)
        self._weigh(known)
        return found

    def find(self, known: Known, operation: Operation, context: Context) -> Plan | str:
        """The plan of an operation for the audience of a context, or why there is none."""
        other = _other(operation)
        if other is not None:
            return other
        key = operation, self._declarations.audience(context)
        found = known.variants.get(key)
        if found is not None:
            known.variants.move_to_end(key)
            return found
        if not self._allowance.open():
            return BUSY
        made = known.variants[key] = self._compiled(known, operation, context)
        if len(known.variants) > MAX_VARIANTS:
            known.variants.popitem(last=False)
        self._weigh(known)
        return made

    def selection(self, operation: Operation, context: Context) -> Selection | str:
        """What would be compiled, or why nothing is."""
        try:
            return _other(operation) or Planner(operation, self._declarations, context).plan()
        except NotCovered as reason:
            return str(reason)
        except RecursionError:
            return TOO_DEEP

    def compile(self, document: DocumentNode, operation: Operation, context: Context) -> Plan:
        """Compiles an operation.

        Raises:
            NotCovered: It is graphql-core's to run.
        """
        try:
            selection = Planner(operation, self._declarations, context).plan()
            return Plan(document, selection, Compiler(self._declarations, self._leaves))
        except RecursionError:
            raise NotCovered(TOO_DEEP) from None

    def _compiled(self, known: Known, operation: Operation, context: Context) -> Plan | str:
        began = self._timer()
        self.compiled += 1
        try:
            return self.compile(known.document, operation, context)
        except NotCovered as reason:
            return str(reason)
        finally:
            spent = self._timer() - began
            self.compiling += spent
            self._allowance.spend(spent)

    def _weigh(self, known: Known) -> None:
        """Weighs a document again, and evicts the least recently used ones if all take too much."""
        if self._known.get(id(known.document)) is not known:
            return
        before, known.counted = known.counted, known.weight
        self._weight += known.counted - before
        while self._weight > self._most_bytes and len(self._known) > 1:
            _, oldest = self._known.popitem(last=False)
            self._weight -= oldest.counted


def _other(operation: Operation) -> str | None:
    """Why an operation is not compiled that has other directives than the compiler knows."""
    other = operation.uses.other
    return None if other is None else f"it has the directive @{other}"
