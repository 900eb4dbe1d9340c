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
        email: The address of the person that it was given to, where it says so and that is verified.
    """

    name: str
    scopes: frozenset[str] = SCOPES
    email: str | None = None

    def __repr__(self) -> str:
        """Without the address."""
        return f"Principal(name={self.name!r}, scopes={sorted(self.scopes)})"
