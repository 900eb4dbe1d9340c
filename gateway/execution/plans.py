"""Compiled operations, kept within bounds: by document, and for each by the values of its conditions.

An operation is compiled when it is seen again, and only as long as compiling stays a small part of all time; what is
not compiled is run by graphql-core. So neither endless documents nor endless variants gain an attacker anything.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from graphql import DocumentNode, Executor

from gateway.execution.compiler import Compiler, Leaves, Plan
from gateway.execution.conditions import Conditions, conditions
from gateway.execution.plan import NotCovered, Planner, Selection
from gateway.execution.readings import Declarations
from gateway.execution.source import weight_of

if TYPE_CHECKING:
    from gateway.execution.templates import Template

MOST_VARIANTS = 16
"""Variants that one document keeps, compiled or only seen."""
MOST_BYTES = 32_000_000
"""What all that is kept may take, about."""
NEW = "it is new"
"""Why an operation has no plan that was not seen before."""
TOO_DEEP = "it is nested too deeply"
A_FIELD, AN_ENTRY = 2_500, 2_000
"""Bytes that a field of a plan takes, and anything that is remembered of a document; measured."""


class Allowance:
    """Seconds that may be spent compiling: a share of all time, saved up to a burst.

    Args:
        timer: Seconds that never go back.
        share: Which part of all time.
        burst: Seconds that are saved up at the most.
    """

    def __init__(self, timer: Callable[[], float], share: float = 0.1, burst: float = 2.0) -> None:
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


@dataclasses.dataclass(slots=True)
class Known:
    """A document that was seen.

    Attributes:
        document: The document; kept, so that its identity stays its own.
        conditions: What decides between its variants.
        variants: What is known of each: how often it was seen, its plan, or why there is none.
        templates: What is known of each operation by name before any request of it.
    """

    document: DocumentNode
    conditions: Conditions
    variants: OrderedDict[Hashable, int | Plan | str] = dataclasses.field(default_factory=OrderedDict)
    templates: dict[str | None, Template] = dataclasses.field(default_factory=dict)

    @property
    def weight(self) -> int:
        """The bytes that it takes, about."""
        fields = sum(each.fields for each in self.variants.values() if isinstance(each, Plan))
        entries = 1 + len(self.variants) + len(self.document.definitions)  # an operation of each may have a template
        return AN_ENTRY * entries + weight_of(self.document) + A_FIELD * fields


class Plans:
    """The plans of a schema.

    Args:
        declarations: What is known about the schema.
        timer: What compiling is timed by.
        sightings: How often a variant has to be seen to be compiled.
        most_bytes: What all that is kept may take, about.
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
        sightings: int = 2,
        most_bytes: int = MOST_BYTES,
        allowance: Allowance | None = None,
    ) -> None:
        self._declarations = declarations
        self._timer = timer
        self._sightings = sightings
        self._most_bytes = most_bytes
        self._allowance = allowance or Allowance(timer)
        self._leaves = Leaves(declarations)
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._weight = 0
        self.compiled = 0
        self.compiling = 0.0

    def __len__(self) -> int:
        """How many plans are kept."""
        return sum(isinstance(each, Plan) for known in self._known.values() for each in known.variants.values())

    @property
    def weight(self) -> int:
        """The bytes that all that is kept takes, about."""
        return self._weight

    def known(self, document: DocumentNode) -> Known:
        """What is known of a document."""
        known = self._known.get(id(document))
        if known is None:
            known = self._known[id(document)] = Known(document, conditions(document))
            self._weight += known.weight
            self._shed()
        else:
            self._known.move_to_end(id(document))
        return known

    def find(self, known: Known, executor: Executor[Any]) -> Plan | str:
        """The plan of an operation, or why there is none."""
        return _other(known) or self._variant(known, executor)

    def selection(self, known: Known, executor: Executor[Any]) -> Selection | str:
        """What would be compiled, or why nothing is."""
        try:
            return _other(known) or Planner(executor, self._declarations).plan()
        except NotCovered as reason:
            return str(reason)
        except RecursionError:
            return TOO_DEEP

    def compile(self, document: DocumentNode, executor: Executor[Any]) -> Plan:
        """Compiles an operation.

        Raises:
            NotCovered: It is graphql-core's to run.
        """
        try:
            selection = Planner(executor, self._declarations).plan()
            return Plan(document, selection, Compiler(self._declarations, self._leaves))
        except RecursionError:
            raise NotCovered(TOO_DEEP) from None

    def _variant(self, known: Known, executor: Executor[Any]) -> Plan | str:
        coerced = executor.variable_values.coerced
        key = (
            id(executor.operation),
            self._declarations.audience(executor.context_value),
            *(coerced.get(name) for name in known.conditions.variables),
        )
        found = known.variants.get(key, 0)
        if not isinstance(found, int):
            known.variants.move_to_end(key)
            return found
        before, seen = known.weight, found + 1
        made = self._compiled(known, executor) if seen >= self._sightings else None
        known.variants[key] = seen if made is None else made
        known.variants.move_to_end(key)
        if len(known.variants) > MOST_VARIANTS:
            known.variants.popitem(last=False)
        if id(known.document) in self._known:
            self._weight += known.weight - before
            self._shed()
        return made or (NEW if seen < self._sightings else "too much is being compiled")

    def _compiled(self, known: Known, executor: Executor[Any]) -> Plan | str | None:
        """The plan, or why there is none, or None where there is no time for it now."""
        if not self._allowance.open():
            return None
        began = self._timer()
        self.compiled += 1
        try:
            return self.compile(known.document, executor)
        except NotCovered as reason:
            return str(reason)
        finally:
            spent = self._timer() - began
            self.compiling += spent
            self._allowance.spend(spent)

    def _shed(self) -> None:
        while self._weight > self._most_bytes and len(self._known) > 1:
            _, known = self._known.popitem(last=False)
            self._weight -= known.weight


def _other(known: Known) -> str | None:
    """Why a document is not compiled that has other directives than the compiler knows."""
    other = known.conditions.other
    return None if other is None else f"it has the directive @{other}"
