"""What a request leaves behind for logs, metrics and traces; no text of a client's but the operation's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from starlette.types import Scope

from gateway.errors import RefusalReason
from gateway.graph.engine import Answer
from gateway.upstream.request import Ledger
from gateway.upstream.span import Span
from gateway.web.problem import Refusal

KEY = "gateway.notes"
MOST_ERROR_IDS = 5
"""Ids of masked errors that are kept of one request; a fault at a field may come once a row."""


@dataclass(slots=True)
class Notes:
    """One request's.

    Attributes:
        request_id: The id that logs and the answer have.
        operation: The operation's name.
        type: `query`, `mutation` or `subscription`; `unknown` where it could not be told.
        text: The operation's document.
        ledger: The upstream calls made for it; None where it did not come to be looked at.
        outcome: What it came to; None where nothing, or another answer than GraphQL's.
        errors: How often each code is among the answer's errors.
        error_ids: Ids of the first masked ones.
        client: Whose credential it came with: a key's name, or a hash of a token's subject; None where there is none.
        refused: Why its credential was refused; None where it was not.
        router: Whether a router sends it that has proved to be one.
        gone: Whether the client went away before its answer.
        span: What traces tell of it; None where it is not traced.
        trace_id: The trace's id; None where none is kept.
    """

    request_id: str = ""
    operation: str | None = None
    type: str = "unknown"
    text: str | None = None
    ledger: Ledger | None = None
    outcome: Answer | Refusal | None = None
    errors: Counter[str] = field(default_factory=Counter)
    error_ids: list[str] = field(default_factory=list)
    client: str | None = None
    refused: RefusalReason | None = None
    router: bool = False
    gone: bool = False
    span: Span | None = None
    trace_id: str | None = None

    def tell(self, errors: Iterable[Mapping[str, object]]) -> None:
        """Notes errors, in GraphQL's response form, that the client is sent."""
        for error in errors:
            extensions = error.get("extensions")
            if not isinstance(extensions, Mapping):
                continue
            self.errors[str(extensions.get("code"))] += 1
            if "errorId" in extensions and len(self.error_ids) < MOST_ERROR_IDS:
                self.error_ids.append(str(extensions["errorId"]))


def notes_of(scope: Scope) -> Notes:
    """The notes of the request that a scope belongs to."""
    notes = scope.get(KEY)
    if notes is None:
        notes = scope[KEY] = Notes()
    return cast("Notes", notes)
