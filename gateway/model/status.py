"""How each source is doing."""

from __future__ import annotations

import datetime as dt
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


class LiveMode(enum.Enum):
    """How it is learnt that a source's meetings change."""

    WEBHOOK = "WEBHOOK"
    POLL = "POLL"
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
    """One source, as the gateway sees it right now; no call is made to tell.

    Attributes:
        troubles: What is wrong with which of its endpoints.
        live: How changes are learnt of.
        last_change_at: When one was last noticed.
    """

    source: Source
    enabled: bool
    state: SourceState
    budget_remaining: int | None = None
    troubles: Mapping[str, EndpointTrouble] = {}
    live: LiveMode = LiveMode.OFF
    last_change_at: dt.datetime | None = None


class ReportStatus(enum.Enum):
    """How much of a source's part is in the answer."""

    OK = "OK"
    STALE = "STALE"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class SourceReport(msgspec.Struct, frozen=True, kw_only=True):
    """One source's part in one answer.

    Attributes:
        code: An error code, where something went wrong.
        message: What that means for the answer, in one sentence.
        retry_after: Seconds until it is worth asking again, where known.
        as_of: When what is shown was read from the source.
        complete_since: The start time before which the source has nothing to give.
        complete_until: The start time after which it has nothing to give.
    """

    source: Source
    status: ReportStatus
    code: str | None = None
    message: str | None = None
    retry_after: float | None = None
    as_of: dt.datetime | None = None
    complete_since: dt.datetime | None = None
    complete_until: dt.datetime | None = None
