"""How each source is doing."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from gateway.model.records import Source


class SourceState(enum.Enum):
    """What a source did when it was last called for meetings; the worst of the rest is that it is degraded."""

    UNKNOWN = "UNKNOWN"
    OK = "OK"
    DEGRADED = "DEGRADED"
    RATE_LIMITED = "RATE_LIMITED"
    REFUSED = "REFUSED"
    UNAVAILABLE = "UNAVAILABLE"
    OFF = "OFF"


class EndpointTrouble(msgspec.Struct, frozen=True):
    """What is wrong with an endpoint of a source.

    Attributes:
        trouble: The kind of it, in a word.
        status: The HTTP status that it came with; None where there was none.
    """

    trouble: str
    status: int | None = None


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One source, as the gateway sees it right now; told without calling it.

    Attributes:
        troubles: What is wrong with which of its endpoints.
    """

    source: Source
    enabled: bool
    state: SourceState
    budget_remaining: int | None = None
    troubles: Mapping[str, EndpointTrouble] = {}
