"""What an operation is expected to cost upstream, told from its text and variables before anything is asked.

The estimate is an upper one for a gateway that has kept nothing and shares no call with another request; what it
assumes is `prices`' to say. What it means: an operation of expected cost n makes calls of n units at most, in a team no
larger than assumed; kept records, missing scopes and records that several rows have in common make it less.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec
from cachetools import LRUCache
from graphql import (
    SKIP,
    ArgumentNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    value_from_ast_untyped,
    visit,
)

from gateway.graph.cost_walk import Keys, Walk
from gateway.graph.prices import Ask, How
from gateway.model.records import Source

KEPT_VARIABLES = 2_000
"""Bytes of variables, as JSON, that a cost is kept under; with more it is found out anew."""
CACHE_BYTES = 8_000_000
"""What the cached costs take together, about; the documents that they are of are not kept by them."""
ENTRY_BYTES, PART_BYTES = 600, 150
"""What an entry takes, and each of its calls or names; measured."""


class ExpectedCalls(msgspec.Struct, frozen=True):
    """Calls of one endpoint.

    Attributes:
        source: The source's name.
        endpoint: The endpoint's name, as in the trace.
        calls: How many at most.
        units: Units of the source's budget that they take.
    """

    source: str
    endpoint: str
    calls: int
    units: int


class Cost(msgspec.Struct, frozen=True):
    """What an operation is expected to cost at most; see the module."""

    calls: tuple[ExpectedCalls, ...] = ()

    @property
    def units(self) -> int:
        """Of all sources together."""
        return sum(each.units for each in self.calls)

    def by_source(self) -> dict[str, int]:
        """Units of each source."""
        found: Counter[str] = Counter()
        for each in self.calls:
            found[each.source] += each.units
        return dict(found)


NOTHING = Cost()

DocumentRef: TypeAlias = "weakref.ref[DocumentNode]"


class Costs:
    """Expected costs of the operations of a schema.

    Args:
        schema: The schema.
        sources: The sources that are on; others cost nothing.
    """

    def __init__(self, schema: GraphQLSchema, sources: Iterable[Source] = Source) -> None:
        self._schema = schema
        self._sources = frozenset(sources)
        self._kept: LRUCache[tuple[int, str | None, bytes], tuple[DocumentRef, Cost]] = LRUCache(
            CACHE_BYTES, getsizeof=lambda entry: ENTRY_BYTES + KEPT_VARIABLES + PART_BYTES * len(entry[1].calls)
        )
        self._places: LRUCache[int, tuple[DocumentRef, frozenset[str]]] = LRUCache(
            CACHE_BYTES, getsizeof=lambda entry: ENTRY_BYTES + PART_BYTES * len(entry[1])
        )

    def expected(
        self, document: DocumentNode, variables: Mapping[str, Any] | None = None, operation_name: str | None = None
    ) -> Cost:
        """The cost of an operation of a valid document.

        Args:
            document: The document.
            variables: As the client sent them. Where one cannot be meant the figure means nothing: it is not run.
            operation_name: Which operation, where there are several.
        """
        told = msgspec.json.encode(self._telling(document, variables or {}))
        key = id(document), operation_name, told
        known = self._kept.get(key)
        if known is not None and known[0]() is document:
            return known[1]
        cost = self._cost(document, variables or {}, operation_name)
        if len(told) <= KEPT_VARIABLES:
            self._kept[key] = weakref.ref(document), cost
        return cost

    def _telling(self, document: DocumentNode, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The variables as far as the cost depends on them: which place a page begins at does not matter."""
        known = self._places.get(id(document))
        if known is None or known[0]() is not document:
            found = _Variables()
            visit(document, found)
            known = self._places[id(document)] = weakref.ref(document), found.places - found.others
        places = known[1]
        if places.isdisjoint(variables):
            return variables
        return {name: value is not None if name in places else value for name, value in variables.items()}

    def _cost(self, document: DocumentNode, variables: Mapping[str, Any], name: str | None) -> Cost:
        operation = _operation(document, name)
        root = self._schema.query_type
        if operation is None or root is None:
            return NOTHING
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        walk = Walk(self._schema, fragments, {**_defaults(operation), **variables})
        return self._told(walk.below(root, (operation.selection_set,), 1))

    def _told(self, keys: Keys) -> Cost:
        calls: Counter[tuple[str, str]] = Counter()
        most: dict[Ask, int] = {}
        for (_, ask), number in keys.items():
            if ask.source not in self._sources or not number:
                continue
            if ask.how is How.ONCE:
                most[ask] = ask.calls(1)
            else:
                calls[ask.source.value, ask.endpoint] += ask.calls(number)
        once: dict[tuple[str, str, str], int] = {}
        for ask, number in most.items():  # two loaders may want the same thing once
            place = ask.source.value, ask.endpoint, ask.keys
            once[place] = max(once.get(place, 0), number)
        for (source, endpoint, _), number in once.items():
            calls[source, endpoint] += number
        return Cost(tuple(ExpectedCalls(*place, count, count) for place, count in sorted(calls.items())))


class _Variables(Visitor):
    """Which variables of a document are cursors, and which are used otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.places: frozenset[str] = frozenset()
        self.others: frozenset[str] = frozenset()

    def enter_argument(self, node: ArgumentNode, *_: Any) -> VisitorAction:
        """Takes note of a cursor."""
        if node.name.value in {"after", "before"} and isinstance(node.value, VariableNode):
            self.places |= {node.value.name.value}
            return SKIP
        return None

    def enter_variable_definition(self, *_: Any) -> VisitorAction:
        """Passes over where variables are declared."""
        return SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Takes note of any other variable."""
        self.others |= {node.name.value}


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    named = [node for node in operations if name is None or (node.name is not None and node.name.value == name)]
    return named[0] if named else None


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        node.variable.name.value: None if node.default_value is None else value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or ()
    }
