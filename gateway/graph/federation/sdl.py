"""The subgraph's text: the graph's own, without Relay's doors, and with what a router has to know of it.

`node` and `nodes` are left out, since every Relay subgraph has them and a router could not tell whose id it has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import cast

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_object_type,
    parse,
    print_ast,
)
from strawberry.types.field import StrawberryField

from gateway.graph.access import TYPE_SCOPES, Input, is_personal, scopes_of
from gateway.graph.federation.entities import KEYS
from gateway.graph.federation.names import Prefixed
from gateway.graph.fields import BATCH, DEFINITION, Batched
from gateway.graph.loaders import LOADERS
from gateway.graph.schema import build, core, sdl
from gateway.model.cost import ASSUMED
from gateway.model.records import Source
from gateway.model.scopes import PII
from gateway.paging.window import DEFAULT_SIZE
from gateway.settings.federation import Options

LINK = "https://specs.apollo.dev/federation/v{version}"
LEFT_OUT = {("Query", "node"), ("Query", "nodes")}
SHAREABLE = frozenset({"PageInfo"})
"""Types that other subgraphs have too, field by field the same."""

PII_TAG = "pii"
"""The tag of personal data, and of what asks by it, for contracts that leave it out."""
TAGGED = f'@tag(name: "{PII_TAG}")'

ENTITIES = {kind.value: keys for kind, keys in KEYS.items()}
OF_SOURCES = frozenset({"SourceReport", "SourceStatus"})
"""Types of which there is one a source."""

PAGE_SIZE = (
    f'@listSize(assumedSize: {DEFAULT_SIZE}, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"], '
    "requireOneSlicingArgument: false)"
)


def subgraph_sdl(options: Options) -> str:
    """The subgraph's text, as `_service { sdl }` answers it and a composer takes it.

    Args:
        options: The version of Federation, what is printed beyond the keys, and what is put before names.
    """
    schema = core(build())
    printer = _Printer(schema, options)
    document = parse(sdl(), no_location=True)
    definitions = [
        each for each in document.definitions if not isinstance(each, SchemaDefinitionNode)
    ]  # it is extended
    annotated = DocumentNode(definitions=tuple(map(printer.definition, definitions)))
    text = print_ast(Prefixed(schema, options.prefix).text(annotated)).rstrip()
    imports = ", ".join(f'"@{name}"' for name in sorted(printer.used))
    link = LINK.format(version=options.version)
    return f'extend schema @link(url: "{link}", import: [{imports}])\n\n{text}\n'


class _Printer:
    """Writes directives onto definitions.

    Attributes:
        used: The names of those that were written.
    """

    def __init__(self, schema: GraphQLSchema, options: Options) -> None:
        self.used: set[str] = set()
        self._schema = schema
        self._personal = personal_fields(schema)
        self._printed = options.directives | {"key", "shareable"}

    def definition(self, node: DefinitionNode) -> DefinitionNode:
        """A definition, with its directives; those that are no type's stay as they are."""
        if isinstance(node, InputObjectTypeDefinitionNode):
            inputs = cast("GraphQLInputObjectType", self._schema.type_map[node.name.value]).fields
            return dataclasses.replace(node, fields=self._inputs(node.fields, inputs))
        if not isinstance(node, ObjectTypeDefinitionNode):
            return node
        kind = cast("GraphQLObjectType", self._schema.type_map[node.name.value])
        fields = [self._field(kind, each) for each in node.fields or () if (kind.name, each.name.value) not in LEFT_OUT]
        return dataclasses.replace(
            node, fields=tuple(fields), directives=(*(node.directives or ()), *self._parsed(_of_type(kind.name)))
        )

    def _field(self, kind: GraphQLObjectType, node: FieldDefinitionNode) -> FieldDefinitionNode:
        field = kind.fields[node.name.value]
        found = _of_field(kind.name, node.name.value, field, personal=(kind.name, node.name.value) in self._personal)
        arguments = self._inputs(node.arguments, field.args)
        directives = (*(node.directives or ()), *self._parsed(found))
        return dataclasses.replace(node, arguments=arguments, directives=directives)

    def _inputs(
        self, nodes: Iterable[InputValueDefinitionNode] | None, inputs: Mapping[str, Input]
    ) -> tuple[InputValueDefinitionNode, ...]:
        """Arguments or input fields; those that ask by personal data bear its tag."""
        return tuple(
            dataclasses.replace(each, directives=(*(each.directives or ()), *self._parsed([TAGGED])))
            if is_personal(inputs[each.name.value])
            else each
            for each in nodes or ()
        )

    def _parsed(self, directives: Iterable[str]) -> tuple[ConstDirectiveNode, ...]:
        chosen = [each for each in directives if _name(each) in self._printed]
        self.used.update(map(_name, chosen))
        return _parsed(chosen)


def _name(directive: str) -> str:
    return directive.removeprefix("@").partition("(")[0]


def _of_type(name: str) -> Iterator[str]:
    for key in ENTITIES.get(name, ()):
        yield f'@key(fields: "{" ".join(key.fields)}")'
    if name in SHAREABLE:
        yield "@shareable"
    if name in TYPE_SCOPES:
        yield "@authenticated"
        yield f'@requiresScopes(scopes: [["{TYPE_SCOPES[name]}"]])'


def personal_fields(schema: GraphQLSchema) -> frozenset[tuple[str, str]]:
    """The fields that bear the tag, by type and name: those of personal data, and those that lead to nothing else.

    A contract leaves a type out together with the last of its fields; a field that led to it would then lead nowhere,
    and the contract would not compose.
    """
    kinds = [kind for kind in schema.type_map.values() if is_object_type(kind) and not kind.name.startswith("__")]
    fields = [(kind.name, name, field) for kind in kinds for name, field in kind.fields.items()]
    found = {(kind, name) for kind, name, field in fields if PII in scopes_of(field)}
    known = -1
    while known != len(found):
        known = len(found)
        empty = {kind.name for kind in kinds if all((kind.name, name) in found for name in kind.fields)}
        empty |= {
            kind.name for kind in schema.type_map.values() if is_abstract_type(kind) and _all(schema, kind, empty)
        }
        found |= {(kind, name) for kind, name, field in fields if get_named_type(field.type).name in empty}
    return frozenset(found)


def _all(schema: GraphQLSchema, kind: GraphQLAbstractType, names: Collection[str]) -> bool:
    """Whether all the types that an abstract one may be are among some."""
    return all(each.name in names for each in schema.get_possible_types(kind))


def _of_field(parent: str, name: str, field: GraphQLField, *, personal: bool) -> Iterator[str]:
    if parent == "Query":
        yield "@authenticated"
    if personal:
        yield TAGGED
    if PII in scopes_of(field):
        yield f'@requiresScopes(scopes: [["{PII}"]])'
    leads_to = get_named_type(field.type)
    composite = is_object_type(leads_to)
    weight = _weight(field, counted=name == "totalCount")
    if weight is not None and weight != composite:  # unless stated, objects count as 1 and leaves as 0
        yield f"@cost(weight: {weight})"
    if leads_to.name.endswith("Connection"):
        yield PAGE_SIZE
    elif leads_to.name in OF_SOURCES:
        yield f"@listSize(assumedSize: {len(Source)})"
    elif composite and is_list_type(get_nullable_type(field.type)) and not parent.endswith("Connection"):
        yield f"@listSize(assumedSize: {ASSUMED.entries})"


def _weight(field: GraphQLField, *, counted: bool) -> int | None:
    """Upstream calls that the field takes for a record, those that go together counted once; None where it takes none.

    Args:
        field: The field.
        counted: Whether it is a list's total, which a call is made for.
    """
    declared: StrawberryField = field.extensions[DEFINITION]
    batched: Batched | None = declared.metadata.get(BATCH)
    if batched is None:
        return 1 if counted else None
    return LOADERS[batched.loader].singly


def _parsed(directives: Iterable[str]) -> tuple[ConstDirectiveNode, ...]:
    text = " ".join(directives)
    if not text:
        return ()
    (scalar,) = parse(f"scalar S {text}", no_location=True).definitions
    return tuple(cast("ScalarTypeDefinitionNode", scalar).directives or ())
