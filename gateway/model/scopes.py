"""Who may see what: the scopes that a credential may have."""

from __future__ import annotations

import msgspec

from gateway.model.records import Kind

PII = "pii:read"
KIND_SCOPES = {
    Kind.MEETING: "meetings:read",
    Kind.PERSON: "people:read",
    Kind.USER: "users:read",
    Kind.CADENCE: "cadences:read",
    Kind.STEP: "cadences:read",
    Kind.ACCOUNT: "accounts:read",
    Kind.TASK: "tasks:read",
    Kind.CONVERSATION: "conversations:read",
}
SCOPES = frozenset({*KIND_SCOPES.values(), PII})
"""Every scope there is."""


class Principal(msgspec.Struct, frozen=True):
    """Who asks, and what they may see.

    Attributes:
        name: Whose credential it is, for logs.
        scopes: Those of `SCOPES` that it has.
    """

    name: str
    scopes: frozenset[str] = SCOPES
