"""Who may see what: the scope that each field needs, worked out from the schema so that no field can be forgotten.

A field needs the scope of the type that it leads to, on whichever path, and `pii:read` where it holds personal data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type

from gateway.errors import Forbidden
from gateway.graph.definition import declared
from gateway.model.scopes import KIND_SCOPES, PII, Principal

PERSONAL = "personal"
"""Where a field's declaration says that it holds personal data."""

EXTENSION = "scopes"
"""Where a field of the schema says which scopes it needs."""

TYPE_SCOPES = {
    f"{kind.value}{part}": scope for kind, scope in KIND_SCOPES.items() for part in ("", "Connection", "Edge")
}
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
    """Makes every field that needs a scope ask for it, and say so in its extensions."""
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
            continue
        for field in kind.fields.values():
            needed = scopes_of(field)
            if needed and field.resolve is not None:
                field.extensions = {**field.extensions, EXTENSION: needed}
                field.resolve = _guarded(field.resolve, needed)


def check(principal: Principal | None, needed: frozenset[str]) -> None:
    """Makes sure that whoever asks has some scopes; with nobody known, access control is off.

    Raises:
        Forbidden: One is missing.
    """
    if principal is not None and not needed <= principal.scopes:
        missing = ", ".join(sorted(needed - principal.scopes))
        raise Forbidden(f"The credential lacks the scope {missing}.")


def _guarded(resolve: Callable[..., Any], needed: frozenset[str]) -> Callable[..., Any]:
    def run(source: Any, info: Any, **arguments: Any) -> Any:
        context: Guarded = info.context
        check(context.principal, needed)
        return resolve(source, info, **arguments)

    return run
