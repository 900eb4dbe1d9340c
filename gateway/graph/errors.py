"""How errors are sent: typed ones as they are, everything else masked behind an id that the log has too."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Any

import msgspec
from graphql import GraphQLError, GraphQLSyntaxError
from graphql.language import SourceLocation

from gateway.errors import BadUserInput, CostLimitReached, Forbidden, GatewayError
from gateway.execution.inputs import InvalidInput

MASKED = "Something went wrong in the gateway; the error id identifies it in the log."


class InternalError(msgspec.Struct, frozen=True):
    """A bug of the gateway's as it is logged: where it happened and its type, never its message.

    Attributes:
        error_id: What the client was given.
        kind: The exception's type.
        where: The innermost frames: file, line and function, without any values.
        path: The field of the answer.
    """

    error_id: str
    kind: str
    where: tuple[str, ...]
    path: tuple[str | int, ...]


def formatted(error: GraphQLError, on_internal_error: Callable[[InternalError], None]) -> dict[str, Any]:
    """An error as it is sent: message, locations, path, and extensions with a code."""
    entry: dict[str, Any] = {"message": error.message}
    places = _locations(error)
    if places:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in places]
    if error.path is not None:
        entry["path"] = list(error.path)
    cause = _cause(error)
    if isinstance(cause, InvalidInput):
        entry["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED", "argument": cause.argument}
    elif isinstance(cause, GatewayError):
        entry["message"] = cause.message
        entry["extensions"] = cause.extensions()
    elif isinstance(error, GraphQLSyntaxError):
        entry["extensions"] = {"code": "GRAPHQL_PARSE_FAILED"}
    elif cause is None and error.path is None:
        entry["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED"}
    else:
        internal = internal_error_of(cause or error, tuple(error.path or ()))
        on_internal_error(internal)
        entry["message"] = MASKED
        entry["extensions"] = {"code": "INTERNAL_SERVER_ERROR", "errorId": internal.error_id}
    return entry


OF_FIELDS = (Forbidden, BadUserInput)
"""Errors that every row of a list shares: a missing scope, a refused argument."""


def once_a_field(errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """The errors; of those that every row of a list shares, only the first for each field and message.

    The first is the first in the answer, not in time, so that equal answers have equal errors.
    """
    found = list(errors)
    first: dict[tuple[str, ...], GraphQLError] = {}
    for error in found:
        if isinstance(_cause(error), OF_FIELDS):
            first[_refused(error)] = min(first.get(_refused(error), error), error, key=_places)
    return [error for error in found if not isinstance(_cause(error), OF_FIELDS) or first[_refused(error)] is error]


def once_an_operation(errors: Iterable[GraphQLError], limit: CostLimitReached) -> list[GraphQLError]:
    """The errors, with one in place of those of all fields that a limit left without a value."""
    others = [error for error in errors if not isinstance(_cause(error), CostLimitReached)]
    return [*others, GraphQLError(limit.message, original_error=limit)]


def _locations(error: GraphQLError) -> Sequence[SourceLocation]:
    """Where in the document an error is.

    Not the error's own locations: graphql-core takes an upstream error's `source`, a name, for the document's text, and
    counts lines in that.
    """
    found = [node.loc.source.get_location(node.loc.start) for node in error.nodes or () if node.loc is not None]
    return found or error.locations or ()


def _refused(error: GraphQLError) -> tuple[str, ...]:
    """The field and the message: records of several kinds in one list may lack several scopes."""
    return (*(part for part in error.path or () if isinstance(part, str)), error.message)


def _places(error: GraphQLError) -> tuple[int, ...]:
    return tuple(part for part in error.path or () if isinstance(part, int))


def _cause(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, InvalidInput) and not cause.of_type:
        return BadUserInput(cause.message, argument=cause.argument)
    return cause


def internal_error_of(cause: BaseException, path: tuple[str | int, ...]) -> InternalError:
    """What is logged of an exception that is a bug of the gateway's."""
    frames = traceback.extract_tb(cause.__traceback__)[-5:]
    where = tuple(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return InternalError(uuid.uuid4().hex, type(cause).__name__, where, path)
