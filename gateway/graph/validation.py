"""What validation says of a document: in GraphQL's own words, and in a bounded number of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    VariableDefinitionNode,
)

from gateway.errors import BadUserInput
from gateway.execution.inputs import null_message

MOST_CHARS = 500
"""Characters of one message; some repeat what the document says."""
OF_PYTHON = re.compile(r", but encountered error '.*'; found", re.DOTALL)
"""What Python says of a literal that it cannot read, as a number of thousands of digits."""
ONE_OF = "Within OneOf Input Object type"


def in_plain_words(document: DocumentNode, error: GraphQLError) -> GraphQLError:
    """What validation says of a document, in GraphQL's words; a null where none may be is told of as everywhere."""
    return _of_null(document, error) or _plain(error)


def _plain(error: GraphQLError) -> GraphQLError:
    """An error in GraphQL's words; what Python raised on the way is nobody's fault."""
    message = OF_PYTHON.sub(", found", error.message)
    if len(message) > MOST_CHARS:
        message = f"{message[:MOST_CHARS]}…"
    return GraphQLError(message, error.nodes, error.source, error.positions)


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
