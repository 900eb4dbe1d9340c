"""The operation of a document that a request runs: which, of what kind, and its name for logs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, OperationType

from gateway.errors import BadUserInput, GatewayError

LONGEST_NAME = 64
"""Characters of an operation's name in logs and metrics; clients choose it."""


class UnsupportedOperation(GatewayError):
    """A mutation; the graph has none.

    Args:
        kind: Which.
    """

    code = "GRAPHQL_VALIDATION_FAILED"

    def __init__(self, kind: OperationType) -> None:
        super().__init__(f"The graph is read-only: it has no {kind.value}s.")
        self.kind = kind.value


def chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run: the only one, or the one of that name.

    Raises:
        BadUserInput: There is none, or it is not said which.
        UnsupportedOperation: It is a mutation.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        found = [node for node in operations if node.name is not None and node.name.value == name]
        if not found:
            raise BadUserInput("The document has no operation of that name.", argument="operationName")
    else:
        found = operations
        if len(found) > 1:
            raise BadUserInput("The document has several operations: say which.", argument="operationName")
        if not found:
            raise BadUserInput("The document has no operation.", argument="query")
    check_kind(found[0])
    return found[0]


def check_kind(operation: OperationDefinitionNode) -> None:
    """Checks that an operation is not a mutation.

    Raises:
        UnsupportedOperation: It is one.
    """
    if operation.operation is OperationType.MUTATION:
        raise UnsupportedOperation(operation.operation)


def check_kinds(errors: Sequence[GraphQLError]) -> None:
    """Replaces the errors of validation by the one that names a mutation, if there is one.

    Raises:
        UnsupportedOperation: There is one.
    """
    for node in chain.from_iterable(error.nodes or () for error in errors):
        if isinstance(node, OperationDefinitionNode):
            check_kind(node)


def short_name(operation: OperationDefinitionNode) -> str | None:
    """An operation's name, cut to a length for logs."""
    return operation.name.value[:LONGEST_NAME] if operation.name else None
