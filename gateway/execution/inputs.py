"""What clients send for variables, arguments and directives: where graphql-core refuses it, the error that names it.

graphql-core decides whether a value is accepted. It reports a refusal in three places, in Python's words, and for
arguments and directives only in the middle of a run; here every refusal becomes one `InvalidInput`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from graphql import (
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLSchema,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    validate_input_literal,
    validate_input_value,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import inspect, print_path_list

MAX_WRONG = 50
"""Errors of variables that are reported of one request."""
MAX_SUGGESTED = 3
"""Errors of a document, or of variables, for which names are suggested: finding them takes a millisecond each."""
MAX_ALLOWED = 10
"""Values of the largest enum of which an error lists them."""
WRONG_ENUM_VALUE = re.compile(r"does not exist in '(?P<there>\w+)' enum\.|Enum '(?P<here>\w+)' cannot represent")
MAX_SHOWN = 120
"""Characters of a refused value that its error shows."""

Place: TypeAlias = Sequence[str | int]
"""Where in a value something stands: names of input fields, and places in lists."""


class InvalidInput(Exception):
    """A value that a client sent and that cannot stand where it does.

    Args:
        message: What is wrong with it.
        argument: Where it stands: `by.email` of an argument, `$range.gte` of a variable.
        of_type: Whether it is not of the type that a variable is declared with; else it is null where none may be, or
            is refused at a field.
    """

    def __init__(self, message: str, argument: str, *, of_type: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument
        self.of_type = of_type


ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


class _Enough(Exception):
    """As many errors were found as are reported."""


def dotted(name: str, place: Place) -> str:
    """A place as errors name it: `filter.status[0]`."""
    return name + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)


def null_message(argument: str, variable: str | None, *, given: bool = True) -> str:
    """What is said of a null where there may be none."""
    if variable is None:
        return f"{argument}: must not be null."
    return f"{argument}: must not be null, but the variable ${variable} {'is' if given else 'has no value'}."


def with_allowed(schema: GraphQLSchema, message: str) -> str:
    """A message about a wrong enum value, and the allowed ones, if they are few."""
    wrong = WRONG_ENUM_VALUE.search(message)
    kind = schema.get_type(wrong["there"] or wrong["here"]) if wrong else None
    if not is_enum_type(kind) or len(kind.values) > MAX_ALLOWED:
        return message
    return f"{message} The allowed values are {', '.join(kind.values)}."


# Variables


def wrong_variables(
    schema: GraphQLSchema,
    definitions: Iterable[VariableDefinitionNode],
    sent: Mapping[str, Any],
    *,
    hide_suggestions: bool,
) -> list[GraphQLError]:
    """What is wrong with the variables of a request.

    Args:
        schema: The schema.
        definitions: The operation's variables.
        sent: What the client sent for them.
        hide_suggestions: Whether errors leave out what the schema has instead.
    """
    errors: list[GraphQLError] = []
    for definition in definitions:
        signature = get_variable_signature(schema, definition)
        if isinstance(signature, GraphQLError):
            errors.append(signature)
            continue
        value = sent.get(signature.name, Undefined)
        if value is Undefined and signature.default is not None:
            continue
        try:
            _check_variable(schema, signature, value, definition, errors, hide_suggestions=hide_suggestions)
        except _Enough:
            break
        except RecursionError:
            errors.append(_of_variable(definition, (), "It is nested too deeply."))
    return errors


def _check_variable(
    schema: GraphQLSchema,
    signature: GraphQLVariableSignature,
    value: Any,
    definition: VariableDefinitionNode,
    errors: list[GraphQLError],
    *,
    hide_suggestions: bool,
) -> None:
    def note(error: GraphQLError, place: list[str | int]) -> None:
        if len(errors) >= MAX_WRONG:
            raise _Enough
        found = _at(value, place)
        text = _plain(error.message, found)
        text = text if hide_suggestions else with_allowed(schema, text)
        errors.append(_of_variable(definition, place, text, null=found is None))

    if value is not Undefined or is_non_null_type(signature.type):
        validate_input_value(value, signature.type, note, hide_suggestions)


def _of_variable(definition: VariableDefinitionNode, place: Place, text: str, *, null: bool = False) -> GraphQLError:
    name = f"${definition.variable.name.value}"
    message = f"Variable '{name}' has invalid value{print_path_list(place)}: {text}"
    error = InvalidInput(message, dotted(name, place), of_type=not null)
    return GraphQLError(message, definition, original_error=error)


def _at(value: Any, place: Place) -> Any:
    """The value at a place; a single value stands for a list of one, and then has no place of its own."""
    for key in place:
        value = value[key]
    return value


def _plain(message: str, value: Any) -> str:
    """A message of graphql-core's in JSON's words."""
    return message.replace(inspect(value), _shown(value)).replace("not to be None", "not to be null")


def _shown(value: Any) -> str:
    text = ""
    for piece in ENCODER.iterencode(value):  # not one whole text: a client's value may be as large as its request
        text += piece
        if len(text) > MAX_SHOWN:
            break
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


# Arguments


def argument_values(executor: Executor[Any], definition: GraphQLField, details: FieldDetails) -> dict[str, Any]:
    """The values of a field's arguments.

    Raises:
        InvalidInput: One of them is refused.
    """
    node = details.node
    if not definition.args and not node.arguments:
        return {}
    values, hide = executor.variable_values, executor.hide_suggestions
    try:
        return get_argument_values(definition, node, values, details.fragment_variable_values, hide)
    except GraphQLError as refusal:
        raise _wrong_argument(definition, node, values, refusal) from None


def _wrong_argument(
    definition: GraphQLField, node: FieldNode, values: VariableValues, refusal: GraphQLError
) -> InvalidInput:
    found: list[InvalidInput] = []
    for sent in node.arguments or ():
        name = sent.name.value
        declared = definition.args.get(name)
        if declared is None or (_has_no_value(sent.value, values) and not is_required_argument(declared)):
            continue
        null = _null_in(sent.value, declared.type, values, ())
        if null is not None:
            place, variable = null
            argument = dotted(name, place)
            given = variable is not None and variable in values.coerced
            return InvalidInput(null_message(argument, variable, given=given), argument)

        def note(error: GraphQLError, place: list[str | int], name: str = name) -> None:
            argument = dotted(name, place)
            found.append(InvalidInput(f"{argument}: {error.message}", argument))

        validate_input_literal(sent.value, declared.type, note, values, None, hide_suggestions=True)
    return found[0] if found else InvalidInput(refusal.message, node.name.value)


def _has_no_value(value: ValueNode, values: VariableValues) -> bool:
    """Whether a value counts as left out: a variable that was not sent and has no default."""
    return isinstance(value, VariableNode) and value.name.value not in values.coerced


def _null_in(
    value: ValueNode, kind: GraphQLInputType, values: VariableValues, place: tuple[str | int, ...]
) -> tuple[tuple[str | int, ...], str | None] | None:
    """Where a null stands that may not, and the variable that it comes from, if any."""
    if isinstance(value, VariableNode):
        name = value.name.value
        return (place, name) if is_non_null_type(kind) and values.coerced.get(name) is None else None
    if is_non_null_type(kind):
        return (place, None) if isinstance(value, NullValueNode) else _null_in(value, kind.of_type, values, place)
    if is_list_type(kind):
        if not isinstance(value, ListValueNode):
            return _null_in(value, kind.of_type, values, place)
        parts = ((item, kind.of_type, at) for at, item in enumerate(value.values))
        return _first_null(parts, values, place)
    if is_input_object_type(kind) and isinstance(value, ObjectValueNode):
        return _first_null(_fields(value, kind, values), values, place)
    return None


def _fields(
    value: ObjectValueNode, kind: GraphQLInputObjectType, values: VariableValues
) -> Iterable[tuple[ValueNode, GraphQLInputType, str]]:
    """The fields of an input object: of exactly one that has to be given, no value may be null."""
    for field in value.fields:
        name = field.name.value
        declared = kind.fields.get(name)
        if declared is None:
            continue
        if _has_no_value(field.value, values) and not kind.is_one_of and not is_required_input_field(declared):
            continue
        required = kind.is_one_of and not is_non_null_type(declared.type)
        yield field.value, GraphQLNonNull(declared.type) if required else declared.type, name


def _first_null(
    parts: Iterable[tuple[ValueNode, GraphQLInputType, str | int]],
    values: VariableValues,
    place: tuple[str | int, ...],
) -> tuple[tuple[str | int, ...], str | None] | None:
    found = (_null_in(value, kind, values, (*place, key)) for value, kind, key in parts)
    return next((each for each in found if each is not None), None)
