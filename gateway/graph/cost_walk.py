"""Walks an operation as graphql-core collects it, and adds up what its fields need upstream. Pure.

Each merged selection is walked once, however many fragments lead to it, so that documents which are made to be costly
to walk are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    value_from_ast_untyped,
)
from strawberry.types.field import StrawberryField

from gateway.graph.definition import declared, own_name
from gateway.graph.prices import ASSUMED, FEW, PRICE, Ask, Price, Priced, free, of_loader
from gateway.graph.relation import BATCH, Batched

MOST_ROWS = 10**9
"""Records that are counted of anything; beyond, it is far too many anyway."""
CONNECTION = "Connection"
EDGE = "Edge"

Sets: TypeAlias = tuple[SelectionSetNode, ...]
Keys: TypeAlias = dict[tuple[int, Ask], int]
"""The keys of each kind of call, by how many levels below they are asked for."""


class Walk:
    """A walk through one operation; what is found out of a selection is kept for the next that leads there."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self.variables = dict(variables)
        self._schema = schema
        self._fragments = fragments
        self._kinds = {own_name(kind): kind for kind in schema.type_map.values()}
        self._known: dict[tuple[str, tuple[int, ...], int], Keys] = {}

    def below(self, kind: GraphQLObjectType, sets: Sets, rows: int) -> Keys:
        """What the selections on so many records of a type need."""
        place = kind.name, tuple(map(id, sets)), rows
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = {}
            for nodes in self.collected(kind, sets):
                if rows and nodes[0].name.value in kind.fields:
                    self._add(found, kind, nodes, rows)
        return found

    def collected(self, kind: GraphQLObjectType, sets: Sets) -> Iterable[list[FieldNode]]:
        """The fields that are selected, those of one name in the answer together."""
        fields: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for each in sets:
            self._collect(kind, each, fields, seen)
        return fields.values()

    def _add(self, found: Keys, kind: GraphQLObjectType, nodes: list[FieldNode], rows: int) -> None:
        definition = kind.fields[nodes[0].name.value]
        priced = price_of(declared(definition))(Field(self, kind, nodes, rows))
        for ask, keys in priced.needs:
            found[0, ask] = min(found.get((0, ask), 0) + keys, MOST_ROWS)
        leads_to = get_named_type(definition.type)
        if not is_object_type(leads_to) and not is_abstract_type(leads_to):
            return
        sets = _below(nodes)
        for below, number in self._leads(kind, definition.type, priced, rows).items():
            target = self._kinds[below]
            if not isinstance(target, GraphQLObjectType):
                continue
            for (level, ask), keys in self.below(target, sets, min(number, FEW.get(below, MOST_ROWS))).items():
                found[level + 1, ask] = min(found.get((level + 1, ask), 0) + keys, MOST_ROWS)

    def _leads(self, kind: GraphQLObjectType, leads_to: Any, priced: Priced, rows: int) -> Mapping[str, int]:
        """How many records of each type a field leads to."""
        name = own_name(get_named_type(leads_to))
        if priced.rows:  # of a list, told for the records themselves: the connection stands for them
            return {name: sum(priced.rows.values())} if name.endswith(CONNECTION) else priced.rows
        inner = leads_to.of_type if is_non_null_type(leads_to) else leads_to
        listed = is_list_type(inner) and not kind.name.endswith((CONNECTION, EDGE))
        return {name: rows * (ASSUMED.entries if listed else 1)}

    def _collect(
        self, kind: GraphQLObjectType, within: SelectionSetNode, fields: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in within.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(kind, node):
                    self._collect(kind, node.selection_set, fields, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self._fragments.get(node.name.value)
                if fragment is not None and self._applies(kind, fragment):
                    self._collect(kind, fragment.selection_set, fields, seen)

    def _applies(self, kind: GraphQLObjectType, node: InlineFragmentNode | FragmentDefinitionNode) -> bool:
        if node.type_condition is None:
            return True
        wanted = self._schema.type_map.get(node.type_condition.name.value)
        return wanted is kind or (is_abstract_type(wanted) and self._schema.is_sub_type(wanted, kind))

    def _included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"} and directive.arguments:
                value = value_from_ast_untyped(directive.arguments[0].value, self.variables)
                if bool(value) is (directive.name.value == "skip"):
                    return False
        return True


class Field:
    """One field of an operation, as prices see it; see `prices.Asked`."""

    def __init__(self, walk: Walk, kind: GraphQLObjectType, nodes: list[FieldNode], rows: int) -> None:
        self._walk = walk
        self._leads_to = get_named_type(kind.fields[nodes[0].name.value].type)
        self._sets = _below(nodes)
        self.kind = own_name(kind)
        self.rows = rows
        self.arguments: Mapping[str, Any] = {
            argument.name.value: value_from_ast_untyped(argument.value, walk.variables)
            for argument in nodes[0].arguments or ()
        }

    def selects(self, *path: str) -> bool:
        """Whether a field is selected below it."""
        kind: GraphQLNamedType = self._leads_to
        sets = self._sets
        for name in path:
            if not is_object_type(kind) or name not in kind.fields:
                return False
            found = [node for nodes in self._walk.collected(kind, sets) for node in nodes if node.name.value == name]
            if not found:
                return False
            kind, sets = get_named_type(kind.fields[name].type), _below(found)
        return True


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
    times = ASSUMED.entries if batched.many else 1
    return lambda asked: Priced(of_loader(batched.loader, asked.rows * times, batched.only), {})


def _below(nodes: list[FieldNode]) -> Sets:
    return tuple(node.selection_set for node in nodes if node.selection_set is not None)
