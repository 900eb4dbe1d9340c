"""What a request leaves behind for the log; nobody's data, and no text that a client chose but an operation's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.types import Scope

from gateway.upstream.request import Ledger

KEY = "gateway.notes"


@dataclass(slots=True)
class Notes:
    """One request's.

    Attributes:
        operation: The operation's name.
        ledger: The upstream calls made for it.
        gone: Whether the client went away before its answer.
    """

    operation: str | None = None
    ledger: Ledger | None = None
    gone: bool = False


def notes_of(scope: Scope) -> Notes:
    """The notes of the request that a scope belongs to."""
    return cast("Notes", scope.setdefault(KEY, Notes()))
