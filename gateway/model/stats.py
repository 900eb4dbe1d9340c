"""Counts of meetings, in all and in groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from gateway.errors import GatewayError
from gateway.model.records import Account, Cadence, MeetingStatus, Source, User, Word


class MeetingGroup(Word):
    """What meetings can be grouped by."""

    SOURCE = "source"
    STATUS = "status"
    OWNER = "owner"
    BOOKED_BY = "booked_by"
    ACCOUNT = "account"
    CADENCE = "cadence"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


LinkedRecord: TypeAlias = User | Account | Cadence


class MeetingCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many meetings there are.

    Attributes:
        meetings: All of them: the sum of those of each status.
        no_show_rate: No-shows among those that have started, are not cancelled, and whose source reports no-shows; None
            over none.
        cancellation_rate: Cancelled ones among all; None over none.
        median_lead_minutes: From being booked to the start, of those that have both times.
    """

    meetings: int = 0
    pending: int = 0
    booked: int = 0
    canceled: int = 0
    no_show: int = 0
    failed: int = 0
    unknown: int = 0
    no_show_rate: float | None = None
    cancellation_rate: float | None = None
    median_lead_minutes: float | None = None


class MeetingStatsGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The meetings that have some keys in common; what they are not grouped by is None.

    Attributes:
        since: When the period begins.
        until: When the next one does.
        errors: Why a record is None that could not be loaded, by its attribute.
    """

    source: Source | None = None
    status: MeetingStatus | None = None
    owner: LinkedRecord | None = None
    booked_by: LinkedRecord | None = None
    account: LinkedRecord | None = None
    cadence: LinkedRecord | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    counts: MeetingCounts
    errors: Mapping[str, GatewayError] = {}
