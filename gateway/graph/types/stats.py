"""Meetings counted, as the graph shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import strawberry

from gateway.graph.cost.prices import PRICE, Asked, Priced
from gateway.graph.enums import MeetingStatus, Source
from gateway.graph.fields import face_of, field
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence
from gateway.graph.types.connection import SourceReport
from gateway.graph.types.user import User
from gateway.model import stats
from gateway.model.status import SourceReport as ReportRecord

MANY_GROUPS = 200
"""Groups that are reckoned with before there are any."""


class MeetingStatsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted, and what became of the sources."""

    total: stats.MeetingCounts
    groups: Sequence[stats.MeetingStatsGroup]
    source_reports: Sequence[ReportRecord]


def _loaded(name: str) -> Callable[[stats.MeetingStatsGroup], Any]:
    """What reads a record of a group; where it could not be loaded, that is the field's error."""

    def read(group: stats.MeetingStatsGroup) -> Any:
        if name in group.errors:
            raise group.errors[name]
        return getattr(group, name)

    return read


@strawberry.type(description="Numbers of meetings; each event is counted once.")
@face_of(stats.MeetingCounts)
class MeetingCounts:
    meetings: int = field("All meetings: the sum over all statuses.")
    pending: int = field("Meetings whose status is PENDING.")
    booked: int = field("Meetings whose status is BOOKED.")
    canceled: int = field("Meetings whose status is CANCELED.")
    no_show: int = field("Meetings whose status is NO_SHOW.")
    failed: int = field("Meetings whose status is FAILED.")
    unknown: int = field("Meetings whose status is UNKNOWN.")
    no_show_rate: float | None = field(
        "The share of no-shows among the meetings that have started, are not cancelled, and "
        "whose source reports no-shows: from 0 to 1; null if there are no such meetings."
    )
    cancellation_rate: float | None = field(
        "The share of meetings that are cancelled, from 0 to 1; null if there are no meetings."
    )
    median_lead_minutes: float | None = field(
        "The median number of minutes from `createdAt` to `startTime`; null if no meeting has both."
    )


@strawberry.type(description="The meetings that share the keys they are grouped by. All other keys are null.")
@face_of(stats.MeetingStatsGroup)
class MeetingStatsGroup:
    source: Source | None = field("The source whose record is shown.")
    status: MeetingStatus | None = field("Their status.")
    owner: User | None = field("The team member who owns them; null for meetings without an owner.", _loaded("owner"))
    booked_by: User | None = field("The team member who booked them; null if that is not known.", _loaded("booked_by"))
    account: Account | None = field("Their account; null for meetings without one.", _loaded("account"))
    cadence: Cadence | None = field("Their cadence; null for meetings without one.", _loaded("cadence"))
    since: dt.datetime | None = field(
        "When the day, week or month starts in `timeZone`; null for meetings without a start time.", name="from"
    )
    until: dt.datetime | None = field("When it ends and the next one starts.", name="to")
    counts: MeetingCounts = field("Their numbers.")


def _many(_: Asked) -> Priced:
    return Priced([], {"MeetingStatsGroup": MANY_GROUPS})


@strawberry.type(description="Numbers of meetings, in total and in groups.")
@face_of(MeetingStatsRecord)
class MeetingStats:
    total: MeetingCounts = field("All meetings that match the filter.")
    groups: list[MeetingStatsGroup] = strawberry.field(
        description=(
            "The same meetings by the keys in `groupBy`: one group for each combination that occurs, "
            "ordered by those keys (by time, or by name and id; meetings without a key last). The "
            "groups add up to `total`. There are none without `groupBy`."
        ),
        metadata={PRICE: _many},
    )
    source_reports: list[SourceReport] = field(
        "For each source, how complete its part is. The figures are complete if each source is "
        "`OK` or `STALE` and covers the whole range."
    )
