"""How errors are told: typed ones as they are, all else masked behind an id that the log knows."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Any

import msgspec
from graphql import GraphQLError, GraphQLSyntaxError
from graphql.language import SourceLocation

from gateway.errors import BadUserInput, Forbidden, GatewayError
from gateway.execution.inputs import InvalidInput

MASKED = "Something went wrong in the gateway; the error id names it in the log."


class Fault(msgspec.Struct, frozen=True):
    """An error of ours, as the log may have it: where and of which kind, never what it said.

    Attributes:
        error_id: What the client was given.
        kind: The exception's type.
        where: The innermost places it passed, file, line and function, without any values.
        path: The field of the answer.
    """

    error_id: str
    kind: str
    where: tuple[str, ...]
    path: tuple[str | int, ...]


def formatted(error: GraphQLError, on_fault: Callable[[Fault], None]) -> dict[str, Any]:
    """An error as it is sent: message, locations, path, and extensions with a code."""
    told: dict[str, Any] = {"message": error.message}
    places = _locations(error)
    if places:
        told["locations"] = [{"line": place.line, "column": place.column} for place in places]
    if error.path is not None:
        told["path"] = list(error.path)
    cause = _cause(error)
    if isinstance(cause, InvalidInput):
        told["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED", "argument": cause.argument}
    elif isinstance(cause, GatewayError):
        told["message"] = cause.message
        told["extensions"] = cause.extensions()
    elif isinstance(error, GraphQLSyntaxError):
        told["extensions"] = {"code": "GRAPHQL_PARSE_FAILED"}
    elif cause is None and error.path is None:
        told["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED"}
    else:
        fault = fault_of(cause or error, tuple(error.path or ()))
        on_fault(fault)
        told["message"] = MASKED
        told["extensions"] = {"code": "INTERNAL_SERVER_ERROR", "errorId": fault.error_id}
    return told


OF_FIELDS = (Forbidden, BadUserInput)
"""Errors that every row of a list has alike: a missing scope, a refused argument."""


def once_a_field(errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """The errors, but of those that every row has alike only the first for a field and message, not one a row.

    The first is the first in the answer, not in time, so that equal answers are told alike.
    """
    kept = list(errors)
    first: dict[tuple[str, ...], GraphQLError] = {}
    for error in kept:
        if isinstance(_cause(error), OF_FIELDS):
            first[_refused(error)] = min(first.get(_refused(error), error), error, key=_places)
    return [error for error in kept if not isinstance(_cause(error), OF_FIELDS) or first[_refused(error)] is error]


def _locations(error: GraphQLError) -> Sequence[SourceLocation]:
    """Where in the document an error is.

    Not the error's own locations: graphql-core takes an upstream error's `source`, a name, for the document's text, and
    counts lines in that.
    """
    found = [node.loc.source.get_location(node.loc.start) for node in error.nodes or () if node.loc is not None]
    return found or error.locations or ()


def _refused(error: GraphQLError) -> tuple[str, ...]:
    """The field, and what is wrong: records of several kinds in one list may lack several scopes."""
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


def fault_of(cause: BaseException, path: tuple[str | int, ...]) -> Fault:
    """What the log is told of an error of ours."""
    frames = traceback.extract_tb(cause.__traceback__)[-5:]
    where = tuple(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return Fault(uuid.uuid4().hex, type(cause).__name__, where, path)
