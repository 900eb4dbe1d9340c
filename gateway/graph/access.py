"""Who may see what: the scope that each field needs, worked out from the schema so that no field can be forgotten.

A field needs the scope of the type that it leads to, on whichever path, and `pii:read` where it holds personal data. So
does an argument by which personal data could be guessed that may not be read: it is refused before anything is looked
up, so that neither a count nor an error nor the time that it takes depends on its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from gateway.errors import Forbidden
from gateway.graph.fields import DEFINITION, PERSONAL, declared
from gateway.model.records import Kind
from gateway.model.scopes import KIND_SCOPES, PII, Principal

EXTENSION = "scopes"
"""Where a field of the schema says which scopes it needs."""

TYPE_SCOPES = {
    f"{kind.value}{part}": scope
    for kind, scope in KIND_SCOPES.items()
    for part in ("", "Connection", "Edge", "Change", "ChangePage")
} | {"MeetingStats": KIND_SCOPES[Kind.MEETING]}
"""The scope that every field needs which leads to a type."""


class Guarded(Protocol):
    """What a resolver's context has to say."""

    principal: Principal | None


def scopes_of(field: GraphQLField) -> frozenset[str]:
    """The scopes that a field needs: that of the type it leads to, and that for personal data where it has any."""
    leads_to = get_named_type(field.type)
    needed = {TYPE_SCOPES[leads_to.name]} if leads_to.name in TYPE_SCOPES else set()
    own = declared(field)
    if own is not None and own.metadata.get(PERSONAL):
        needed.add(PII)
    return frozenset(needed)


def protect(schema: GraphQLSchema) -> None:
    """Makes every field that needs a scope, or has an argument that does, ask for it; fields say so in extensions."""
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
            continue
        for field in kind.fields.values():
            if field.resolve is None:
                continue
            needed = scopes_of(field)
            if needed:
                field.extensions = {**field.extensions, EXTENSION: needed}
            arguments = {name: each for name, each in field.args.items() if asks_by_personal_data(each)}
            if arguments:
                field.resolve = _guarded_arguments(field.resolve, arguments)
            if needed:
                field.resolve = _guarded(field.resolve, needed)


def check(principal: Principal | None, needed: frozenset[str]) -> None:
    """Makes sure that the client has some scopes; without a principal, access control is off.

    Raises:
        Forbidden: One is missing.
    """
    missing = lacking_scopes(principal, needed)
    if missing:
        raise Forbidden(f"The credential lacks the scope {', '.join(missing)}.")


def lacking_scopes(principal: Principal | None, needed: frozenset[str]) -> list[str]:
    """The scopes, of those given, that the client lacks."""
    return [] if principal is None else sorted(needed - principal.scopes)


def reads_personal_data(principal: Principal | None) -> bool:
    """Whether the client may see personal data, and so may ask by it."""
    return principal is None or PII in principal.scopes


def check_argument(principal: Principal | None, argument: str, shown: str | None = None) -> None:
    """Makes sure that a client that asks by personal data may see it.

    Args:
        principal: Who asks; None where access control is off.
        argument: The argument, as a dotted path.
        shown: What the message says instead; of errors with one message only the first is reported.

    Raises:
        Forbidden: The scope is missing.
    """
    if not reads_personal_data(principal):
        raise Forbidden(f"{shown or argument}: The credential lacks the scope {PII}.", argument=argument)


Input: TypeAlias = GraphQLArgument | GraphQLInputField


def is_personal(each: Input) -> bool:
    """Whether an argument or input field asks by personal data."""
    own = each.extensions.get(DEFINITION)
    return own is not None and bool(own.metadata.get(PERSONAL))


def asks_by_personal_data(each: Input, above: frozenset[str] = frozenset()) -> bool:
    """Whether an argument or input field, or something inside it, asks by personal data."""
    kind = get_named_type(each.type)
    if is_personal(each) or not isinstance(kind, GraphQLInputObjectType) or kind.name in above:
        return is_personal(each)
    return any(asks_by_personal_data(field, above | {kind.name}) for field in kind.fields.values())


def personal_places(inputs: Mapping[str, Input], values: Mapping[str, Any], place: str = "") -> Iterable[str]:
    """Where coerced values ask by personal data, as dotted paths; a null condition does not count."""
    for name, each in inputs.items():
        value = values.get(each.out_name or name)
        kind = get_named_type(each.type)
        if value is None:
            continue
        if is_personal(each):
            yield f"{place}{name}"
        elif isinstance(kind, GraphQLInputObjectType):
            for part in value if isinstance(value, list) else [value]:
                yield from personal_places(kind.fields, part, f"{place}{name}.")


def _guarded(resolve: Callable[..., Any], needed: frozenset[str]) -> Callable[..., Any]:
    def run(source: Any, info: Any, **arguments: Any) -> Any:
        context: Guarded = info.context
        check(context.principal, needed)
        return resolve(source, info, **arguments)

    return run


def _guarded_arguments(resolve: Callable[..., Any], inputs: Mapping[str, GraphQLArgument]) -> Callable[..., Any]:
    def run(source: Any, info: Any, **arguments: Any) -> Any:
        context: Guarded = info.context
        if not reads_personal_data(context.principal):
            for place in personal_places(inputs, arguments):
                check_argument(context.principal, place)
        return resolve(source, info, **arguments)

    return run
