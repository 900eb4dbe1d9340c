"""What an operation is expected to cost, from what it selects and its variables, before anything is asked. Pure.

The estimate is an upper one for a gateway that has cached nothing and shares no call with another request; what it
assumes is `prices`' to say. What it means: an operation of expected cost n makes calls of n units at most, in a team no
larger than assumed; cached records, missing scopes and records that several rows have in common make it less.
"""

from __future__ import annotations

import math
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
from cachetools import LRUCache
from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)
from strawberry.types.field import StrawberryField

from gateway.catalog.prices import Prices
from gateway.execution.collected import Operation, SelectedField, SelectionSet
from gateway.graph.cost.prices import FEW, PRICE, Price, Priced, free
from gateway.graph.fields import BATCH, Batched, declared, own_name
from gateway.graph.loaders import LOADERS
from gateway.model.cost import ASSUMED, Ask, How
from gateway.model.records import Source

LONGEST_VARIABLES = 2_000
"""Bytes of variables, as JSON, that a cost is cached under; with more it is worked out again."""
CACHE_BYTES = 8_000_000
"""What the cached costs take together, about; they do not keep their operations alive."""
ENTRY_BYTES, PART_BYTES = 600, 150
"""What an entry takes, and each of its calls; measured."""
MAX_COUNT = 10**9
"""Records and fields that are counted of anything; beyond, it is far too many anyway."""
CURSORS = frozenset({"after", "before"})
"""Arguments of which the cost depends only on whether they are given."""
CONNECTION = "Connection"
EDGE = "Edge"
ROWS = frozenset({"edges", "nodes"})
"""Fields of a connection that lead to its rows."""

NO_SIZES: Mapping[int, int] = {}

Keys: TypeAlias = dict[tuple[int, Ask], int]
"""The keys of each kind of call, by how many levels below they are asked for."""


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
    """What an operation is expected to cost at most; see the module.

    Attributes:
        calls: Upstream calls, by endpoint.
        fields: Fields of the answer.
    """

    calls: tuple[ExpectedCalls, ...] = ()
    fields: int = 0

    @property
    def units(self) -> int:
        """Units of the budgets of all sources together."""
        return sum(each.units for each in self.calls)

    def by_source(self) -> dict[str, int]:
        """Units of each source."""
        found: Counter[str] = Counter()
        for each in self.calls:
            found[each.source] += each.units
        return dict(found)


OperationRef: TypeAlias = "weakref.ref[Operation]"


class Costs:
    """Expected costs of the operations of a schema.

    Args:
        schema: The schema.
        prices: What lists and records cost.
        sources: The sources that are on; others cost nothing.
    """

    def __init__(self, schema: GraphQLSchema, prices: Prices, sources: Iterable[Source] = Source) -> None:
        self._prices = prices
        self._kinds = {own_name(kind): kind for kind in schema.type_map.values() if isinstance(kind, GraphQLObjectType)}
        self._sources = frozenset(sources)
        self._cached: LRUCache[tuple[int, bytes], tuple[OperationRef, Cost]] = LRUCache(
            CACHE_BYTES, getsizeof=lambda entry: ENTRY_BYTES + LONGEST_VARIABLES + PART_BYTES * len(entry[1].calls)
        )

    def expected(self, operation: Operation, variables: Mapping[str, Any]) -> Cost:
        """The cost of an operation.

        Args:
            operation: What it selects.
            variables: As the client sent them.
        """
        text = msgspec.json.encode(_relevant(operation, variables))
        key = id(operation), text
        known = self._cached.get(key)
        if known is not None and known[0]() is operation:
            return known[1]
        cost = self._cost(operation, variables)
        if len(text) <= LONGEST_VARIABLES:
            self._cached[key] = weakref.ref(operation), cost
        return cost

    def with_sizes(self, operation: Operation, variables: Mapping[str, Any], sizes: Mapping[int, int]) -> Cost:
        """What an operation would cost if some of its pages had other sizes, by the identities of their fields."""
        return self._cost(operation, variables, sizes)

    def _cost(self, operation: Operation, variables: Mapping[str, Any], sizes: Mapping[int, int] = NO_SIZES) -> Cost:
        if operation.root is None:
            return Cost()
        walk = Walk(self._kinds, self._prices, {**_defaults(operation.node), **variables}, sizes)
        keys, fields = walk.below(operation.root, 1, Places(1, 1))
        return Cost(self._calls(keys), fields)

    def _calls(self, keys: Keys) -> tuple[ExpectedCalls, ...]:
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
        return tuple(ExpectedCalls(*place, count, count) for place, count in sorted(calls.items()))


def _relevant(operation: Operation, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables as far as the cost depends on them: at which place a page begins does not matter."""
    cursors = {name for name, arguments in operation.uses.arguments.items() if arguments <= CURSORS}
    if cursors.isdisjoint(variables):
        return variables
    return {name: value is not None if name in cursors else value for name, value in variables.items()}


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        node.variable.name.value: None if node.default_value is None else value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or ()
    }


class Places(NamedTuple):
    """How often something may stand in the answer.

    Attributes:
        own: How often it does itself.
        rows: The same; of a connection, how many rows it has in all these places.
    """

    own: int
    rows: int


class Walk:
    """Adds up what the fields of an operation need, each merged selection once for a number of records.

    Args:
        kinds: The object types of the schema, by their own names.
        prices: What lists and records cost.
        variables: The values of the operation's variables, defaults included.
        sizes: Page sizes to reckon with instead of those asked for, by the identities of the fields.
    """

    def __init__(
        self,
        kinds: Mapping[str, GraphQLObjectType],
        prices: Prices,
        variables: Mapping[str, Any],
        sizes: Mapping[int, int],
    ) -> None:
        self._sizes = sizes
        self._kinds = kinds
        self._prices = prices
        self._variables = dict(variables)
        self._known: dict[tuple[SelectionSet, int, Places], tuple[Keys, int]] = {}

    def below(self, selected: SelectionSet, records: int, places: Places) -> tuple[Keys, int]:
        """What the selections on so many records need, and the fields that they come to.

        Args:
            selected: The selections.
            records: How many records there may be; a connection stands for its rows.
            places: How often they may stand in the answer.
        """
        key = selected, records, places
        found = self._known.get(key)
        if found is None:
            keys: Keys = {}
            fields = sum(self._add(keys, selected.kind, field, records, places) for field in selected.fields)
            found = self._known[key] = keys, min(fields, MAX_COUNT)
        return found

    def _add(self, keys: Keys, kind: GraphQLObjectType, field: SelectedField, records: int, places: Places) -> int:
        """Adds what a field needs, with all below it; the fields that it comes to."""
        if not records:
            return 0
        asked = AskedField(field, own_name(kind), records, self._prices, self._variables)
        size = self._sizes.get(id(field.nodes[0]))
        if size is not None:
            asked.arguments = {**asked.arguments, "first": size, "last": None}
        priced = price_of(declared(field.definition))(asked)
        for ask, number in priced.needs:
            keys[0, ask] = min(keys.get((0, ask), 0) + number, MAX_COUNT)
        fields = places.own
        at = places.rows if field.field_name in ROWS else places.own
        for below, number in self._leads_to(asked, field.definition.type, priced).items():
            target = self._kinds.get(below)
            if target is None:
                continue
            rows = min(math.ceil(number * at / records), MAX_COUNT)
            own = at if below.endswith(CONNECTION) else rows
            more, below_it = self.below(field.on(target), min(number, FEW.get(below, MAX_COUNT)), Places(own, rows))
            for (level, ask), count in more.items():
                keys[level + 1, ask] = min(keys.get((level + 1, ask), 0) + count, MAX_COUNT)
            fields += below_it
        return fields

    def _leads_to(self, asked: AskedField, kind: GraphQLOutputType, priced: Priced) -> Mapping[str, int]:
        """How many records of each type a field leads to."""
        name = own_name(get_named_type(kind))
        if priced.rows:  # of a list, given for the records themselves: the connection stands for them
            return {name: sum(priced.rows.values())} if name.endswith(CONNECTION) else priced.rows
        inner = kind.of_type if is_non_null_type(kind) else kind
        listed = is_list_type(inner) and not asked.kind.endswith((CONNECTION, EDGE))
        return {name: asked.rows * (ASSUMED.entries if listed else 1)}


class AskedField:
    """One field of an operation, as prices see it; see `prices.Asked`."""

    def __init__(
        self, field: SelectedField, kind: str, rows: int, prices: Prices, variables: Mapping[str, Any]
    ) -> None:
        self._field = field
        self.prices = prices
        self.kind = kind
        self.rows = rows
        self.arguments: Mapping[str, Any] = {
            argument.name.value: value_from_ast_untyped(argument.value, dict(variables))
            for argument in field.nodes[0].arguments or ()
        }

    def selects(self, *path: str) -> bool:
        """Whether a field is selected below it."""
        fields: Sequence[SelectedField] = [self._field]
        for name in path:
            sets = [selected for field in fields for selected in field.below()]
            fields = [field for selected in sets for field in selected.fields if field.field_name == name]
        return bool(fields)


def price_of(field: StrawberryField | None) -> Price:
    """The price of a field, read off its declaration; one that says nothing is free."""
    if field is None:
        return free
    price: Price | None = field.metadata.get(PRICE)
    if price is not None:
        return price
    batched: Batched | None = field.metadata.get(BATCH)
    return free if batched is None else _loaded(batched)


def _loaded(batched: Batched) -> Price:
    price, times = LOADERS[batched.loader].price, ASSUMED.entries if batched.many else 1
    return free if price is None else lambda asked: Priced(price(asked.prices, asked.rows * times, batched.only), {})
