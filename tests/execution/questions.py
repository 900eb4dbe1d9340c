"""Random questions to a schema: every kind of selection, argument, fragment and directive that it has room for."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
TEXTS = ["plain", "a@example.com", "", "2026-03-01T09:00:00Z", "x" * 20]
OMITTED = {"first": 0.3, "last": 0.97, "after": 0.98, "before": 0.98}
"""How often an argument is left out; together they mostly cannot be meant."""
ENTITIES = ["Meeting", "Person", "User", "Cadence", "Step", "Account", "Task", "Conversation"]
"""Types that `_entities` may be asked for."""
SHARE = 0.4
"""How often the value of an argument, or of a part of one, comes in a variable."""
ODD = 0.1
"""How often a variable that may be null is null, or not sent at all, each."""
MAX_FIELDS = 40
DEEPEST = 6


class Question:
    """One question: a document, and the values of its variables.

    Args:
        schema: What is asked.
        seed: Which question.
        ids: Makes a global id, right or wrong.
    """

    def __init__(self, schema: GraphQLSchema, seed: int, ids: Callable[[random.Random], str]) -> None:
        self._schema = schema
        self._random = random.Random(seed)
        self._ids = ids
        self._left = MAX_FIELDS
        self._names = 0
        self._declared: list[str] = ["$yes: Boolean = true", "$no: Boolean!"]
        self._fragments: list[str] = []
        self.variables: dict[str, Any] = {"no": self._random.random() < 0.5}
        if self._random.random() < 0.5:
            self.variables["yes"] = self._random.choice([True] * 10 + [False] * 9 + [None])
        assert schema.query_type is not None
        body = self._selection(schema.query_type, 0)
        used = "yes: __typename @include(if: $yes) no: __typename @skip(if: $no)"
        self.text = f"query Q({', '.join(self._declared)}) {{ {used} {body} }} {' '.join(self._fragments)}"

    def _selection(self, kind: Composite, depth: int) -> str:
        rng, parts = self._random, list[str]()
        fields = {} if isinstance(kind, GraphQLUnionType) else dict(kind.fields)
        names = [name for name, field in fields.items() if depth < DEEPEST or is_leaf_type(get_named_type(field.type))]
        rng.shuffle(names)
        most = 3 if kind is self._schema.query_type else rng.choice([2, 4, 10])
        for name in sorted(names[:most], key=lambda _: rng.random()):
            parts.extend(self._field(name, fields[name], depth) for _ in range(1 + (rng.random() < 0.1)))
        if isinstance(kind, GraphQLObjectType):
            parts.extend(self._fragment(kind, parts, depth))
        else:
            possible = self._schema.get_possible_types(kind)
            for narrower in rng.sample(possible, min(3, len(possible))):
                parts.append(f"... on {narrower.name}{self._directive()} {{ {self._selection(narrower, depth + 1)} }}")
        if rng.random() < 0.3 or not parts:
            parts.insert(rng.randint(0, len(parts)), "__typename")
        return "\n".join(parts)

    def _fragment(self, kind: GraphQLObjectType, parts: list[str], depth: int) -> list[str]:
        """Moves a part into a fragment, or adds one that merges."""
        rng = self._random
        if not parts or rng.random() > 0.3:
            return []
        moved = parts.pop() if rng.random() < 0.5 else rng.choice(parts)
        on = rng.choice([kind.name, *(each.name for each in kind.interfaces)]) if moved == "id" else kind.name
        if rng.random() < 0.5:
            return [f"... on {on}{self._directive()} {{ {moved} }}"]
        self._names += 1
        self._fragments.append(f"fragment F{self._names} on {on} {{ {moved} }}")
        return [f"...F{self._names}{self._directive()}"] * rng.choice([1, 2])

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        self._left -= 1
        arguments = self._arguments(field)
        alias = ""
        if arguments or self._random.random() < 0.2:
            self._names += 1
            alias = f"a{self._names}_{name}: "
        leads_to = get_named_type(field.type)
        below = ""
        if isinstance(leads_to, Composite):
            deep = DEEPEST if self._left < 0 else depth + 1
            below = f" {{ {self._selection(leads_to, deep)} }}"
        return f"{alias}{name}{arguments}{self._directive()}{below}"

    def _directive(self) -> str:
        rng = self._random
        if rng.random() > 0.15:
            return ""
        return rng.choice([" @include(if: $yes)", " @skip(if: $no)", " @include(if: false)", " @skip(if: false)"])

    def _arguments(self, field: GraphQLField) -> str:
        rng, given = self._random, list[str]()
        for name, argument in field.args.items():
            if not is_non_null_type(argument.type) and rng.random() < OMITTED.get(name, 0.9):
                continue
            given.append(f"{name}: {self._sent(argument, name)}")
        return f"({', '.join(given)})" if given else ""

    def _sent(self, argument: GraphQLArgument, name: str) -> str:
        """The text of an argument's value."""
        if self._random.random() < SHARE:
            return _literal(self._variable(argument.type, name))
        return _literal(self._leaf(argument.type, name, parts=self._random.random() < SHARE))

    def _leaf(self, kind: GraphQLInputType, name: str, *, parts: bool) -> Any:
        size = self._random.randint(0, 5)
        return size if name in {"first", "last"} else self._value(kind, name, parts=parts)

    def _variable(self, kind: GraphQLInputType, name: str) -> Variable:
        """A variable for a place: given, null, not sent or defaulted, as it may be there."""
        rng = self._random
        self._names += 1
        variable = Variable(f"$v{self._names}")
        value = self._leaf(kind, name, parts=False)
        odd = rng.random()
        if is_non_null_type(kind) and rng.random() < 0.5:
            self._declared.append(f"{variable}: {kind}")
            odd *= 10  # the whole request is refused: seldom enough for others to be asked
        elif is_non_null_type(kind) or rng.random() < 0.2:
            default = _literal(self._leaf(kind, name, parts=False))
            nullable = kind.of_type if is_non_null_type(kind) else kind
            self._declared.append(f"{variable}: {nullable} = {default}")
        else:
            self._declared.append(f"{variable}: {kind}")
        if odd < ODD:
            self.variables[variable[1:]] = None
        elif odd > 2 * ODD:
            self.variables[variable[1:]] = value
        return variable

    def _value(self, kind: GraphQLInputType, name: str, depth: int = 0, *, parts: bool = False) -> Any:
        """A value; with variables among its parts, where those may be."""
        rng = self._random
        if parts and depth and rng.random() < SHARE:
            return self._variable(kind, name)
        if is_non_null_type(kind):
            return self._value(kind.of_type, name, depth, parts=parts and not depth)
        if is_list_type(kind):
            return [self._value(kind.of_type, name, depth + 1, parts=parts) for _ in range(rng.choice([0, 1, 2]))]
        if isinstance(kind, GraphQLInputObjectType):
            return self._input(kind, depth, parts=parts)
        if isinstance(kind, GraphQLEnumType):
            return Word(rng.choice(list(kind.values)))
        return self._scalar(get_named_type(kind).name, name)

    def _representation(self) -> dict[str, str]:
        """What a router says of a record: a type, and a key that it has or not."""
        rng = self._random
        keys = {"id": self._ids(rng), "salesloftId": str(rng.randrange(8)), "email": "a@example.com"}
        key = rng.choice(["id", "id", *keys])
        return {"__typename": rng.choice(ENTITIES), key: keys[key]}

    def _scalar(self, kind: str, name: str) -> Any:
        rng = self._random
        match kind:
            case "Int":
                return rng.randint(0, 5)
            case "Boolean":
                return rng.random() < 0.5
            case "ID":
                plain = re.match("salesloft|drift|guid|crm", name) and rng.random() < 0.9
                return str(rng.randrange(8)) if plain else self._ids(rng)
            case "_Any":
                return self._representation()
            case "DateTime":
                return "2026-03-01T09:00:00Z"
            case _:
                return rng.choice(TEXTS) if rng.random() < 0.1 else "a@example.com"

    def _input(self, kind: GraphQLInputObjectType, depth: int, *, parts: bool) -> dict[str, Any]:
        names = list(kind.fields)
        declared = kind.extensions.get("strawberry-definition")
        one_of = kind.is_one_of or (declared is not None and declared.is_one_of)
        most = 1 if one_of else self._random.choice([0, 1, 2])
        chosen = self._random.sample(names, min(most, len(names))) if depth < 3 else []
        chosen += [name for name in names if is_non_null_type(kind.fields[name].type) and name not in chosen]
        return {name: self._value(kind.fields[name].type, name, depth + 1, parts=parts) for name in chosen}


class Word(str):
    """An enum's value: a word, where other texts are quoted."""

    __slots__ = ()


class Variable(str):
    """A variable, where a value is written."""

    __slots__ = ()


def _literal(value: Any) -> str:
    match value:
        case Word() | Variable():
            return str(value)
        case str():
            return '"' + value.replace('"', '\\"') + '"'
        case bool():
            return "true" if value else "false"
        case dict():
            return "{" + ", ".join(f"{name}: {_literal(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_literal, value)) + "]"
        case _:
            return str(value)
