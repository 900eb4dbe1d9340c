"""How each source is doing."""

from __future__ import annotations

import enum

import msgspec

from gateway.model.records import Source


class SourceState(enum.Enum):
    """What a source did when it was last called."""

    UNKNOWN = "UNKNOWN"
    OK = "OK"
    RATE_LIMITED = "RATE_LIMITED"
    REFUSED = "REFUSED"
    UNAVAILABLE = "UNAVAILABLE"
    OFF = "OFF"


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One source, as the gateway sees it right now; told without calling it."""

    source: Source
    enabled: bool
    state: SourceState
    budget_remaining: int | None = None
