"""Which operation of a document is meant, and whether it may be run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, OperationType

from gateway.errors import BadUserInput, GatewayError

LONGEST_NAME = 64
"""Characters of an operation's name that logs and metrics keep; clients choose it."""


class UnsupportedOperation(GatewayError):
    """A mutation or a subscription; the graph has neither.

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
        UnsupportedOperation: It is not a query.
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
    """Makes sure that an operation is a query.

    Raises:
        UnsupportedOperation: It is not.
    """
    if operation.operation is not OperationType.QUERY:
        raise UnsupportedOperation(operation.operation)


def check_kinds(errors: Sequence[GraphQLError]) -> None:
    """Finds the mutation or subscription among what validation holds against a document.

    Raises:
        UnsupportedOperation: There is one.
    """
    for node in chain.from_iterable(error.nodes or () for error in errors):
        if isinstance(node, OperationDefinitionNode):
            check_kind(node)


def short_name(operation: OperationDefinitionNode) -> str | None:
    """Its name, cut to a length that logs can bear."""
    return operation.name.value[:LONGEST_NAME] if operation.name else None
