"""What validation says of a document: in GraphQL's own words, and in a bounded number of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    VariableDefinitionNode,
    get_named_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
)

from gateway.errors import BadUserInput
from gateway.execution.inputs import null_message, with_allowed

MAX_CHARS = 500
"""Characters of one message; some repeat what the document says."""
OF_PYTHON = re.compile(r", but encountered error '.*'; found", re.DOTALL)
"""What Python says of a literal that it cannot read, as a number of thousands of digits."""
UNKNOWN_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<kind>\w+)'")
UNKNOWN_ARGUMENT = re.compile(r"Unknown argument '(?P<name>\w+)' on field '(?P<kind>\w+)\.(?P<field>\w+)'")
ROWS = ("nodes", "node")
"""Where the rows of a connection, and the row of an edge, are."""
ONE_OF = "Within OneOf Input Object type"


def in_plain_words(
    schema: GraphQLSchema, document: DocumentNode, error: GraphQLError, *, hide_suggestions: bool
) -> GraphQLError:
    """What validation says of a document, in GraphQL's words; a null where none is allowed is reported as elsewhere.

    Args:
        schema: The schema.
        document: The document.
        error: What graphql-core says.
        hide_suggestions: Whether the message leaves out what the schema has instead.
    """
    return _of_null(document, error) or _plain(error, None if hide_suggestions else schema)


def _plain(error: GraphQLError, schema: GraphQLSchema | None) -> GraphQLError:
    """An error in GraphQL's words, without what Python raised on the way."""
    message = OF_PYTHON.sub(", found", error.message)
    if len(message) > MAX_CHARS:
        message = f"{message[:MAX_CHARS]}…"
    if schema is not None:
        message = with_place(schema, with_rows(schema, with_allowed(schema, message)))
    return GraphQLError(message, error.nodes, error.source, error.positions)


def with_rows(schema: GraphQLSchema, message: str) -> str:
    """A message about a field that a connection or an edge lacks, and where its rows are, if they have that field."""
    unknown = UNKNOWN_FIELD.match(message)
    kind = schema.get_type(unknown["kind"]) if unknown else None
    if unknown is None or not is_object_type(kind):
        return message
    for rows in ROWS:
        row = get_named_type(kind.fields[rows].type) if rows in kind.fields else None
        if (is_object_type(row) or is_interface_type(row)) and unknown["field"] in row.fields:
            return f"{message} The rows are in '{rows}': {rows} {{ {unknown['field']} }}."
    return message


def with_place(schema: GraphQLSchema, message: str) -> str:
    """A message about an argument that a field lacks, and which of its arguments has it inside, if one does."""
    unknown = UNKNOWN_ARGUMENT.match(message)
    kind = schema.get_type(unknown["kind"]) if unknown else None
    if unknown is None or not is_object_type(kind) or unknown["field"] not in kind.fields:
        return message
    for name, argument in kind.fields[unknown["field"]].args.items():
        inside = get_named_type(argument.type)
        if is_input_object_type(inside) and unknown["name"] in inside.fields:
            return f"{message} It belongs in '{name}': {name}: {{{unknown['name']}: …}}."
    return message


def _of_null(document: DocumentNode, error: GraphQLError) -> GraphQLError | None:
    """The error of a null that the document has where there may be none; None where it is about anything else."""
    null = next((each for node in error.nodes or () if (each := _null(node, error.message)) is not None), None)
    if null is None:
        return None
    argument = _argument(document, null)
    message = null_message(argument, None)
    return GraphQLError(message, null, original_error=BadUserInput(message, argument=argument))


def _null(node: Node, message: str) -> NullValueNode | None:
    if isinstance(node, ObjectValueNode) and len(node.fields) == 1 and message.startswith(ONE_OF):
        (field,) = node.fields
        node = field.value
    return node if isinstance(node, NullValueNode) else None


def _argument(document: DocumentNode, null: NullValueNode) -> str:
    """Which argument a null stands in: `by.email`, `$range.gte` in a variable's default, `@include.if`."""
    argument = ""
    for node, below in _way(document, null):
        match node:
            case VariableDefinitionNode():
                argument = f"${node.variable.name.value}"
            case DirectiveNode():
                argument = f"@{node.name.value}."
            case ArgumentNode():
                argument = f"{argument if argument.startswith('@') else ''}{node.name.value}"
            case ObjectFieldNode():
                argument += f".{node.name.value}"
            case ListValueNode():
                argument += f"[{next(at for at, item in enumerate(node.values) if item is below)}]"
    return argument


def _way(document: DocumentNode, leaf: Node) -> Iterator[tuple[Node, Node]]:
    """The nodes above one in its document, each with the next below it; found by where they stand in the text."""
    node: Node = document
    while node is not leaf:
        below = next(child for child in _children(node) if _spans(child, leaf))
        yield node, below
        node = below


def _children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        value = getattr(node, key, None)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple | list):
            yield from value


def _spans(node: Node, leaf: Node) -> bool:
    return (
        node.loc is not None
        and leaf.loc is not None
        and node.loc.start <= leaf.loc.start
        and leaf.loc.end <= node.loc.end
    )
