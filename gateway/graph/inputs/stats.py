"""The arguments of `meetingStats`, checked before any call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
from strawberry.utils.str_converters import to_camel_case

from gateway.catalog.stats import PERIODS
from gateway.catalog.whole_list import bounded_field, bounds_of
from gateway.errors import BadUserInput
from gateway.graph import enums
from gateway.graph.enums import meaning
from gateway.graph.inputs.meetings import MeetingFilter, filter_of
from gateway.graph.inputs.values import given
from gateway.model import filters
from gateway.model.order import OrderField
from gateway.model.stats import MeetingGroup

MAX_DAYS = 366
"""Days that one answer may be grouped by: a leap year."""

UNBOUNDED = (
    "requires days, or a bound on both sides of startTime, createdAt or updatedAt: every meeting in that range is read."
)


def stats_filter(asked: MeetingFilter | None, by: Sequence[MeetingGroup]) -> filters.MeetingFilter:
    """The meetings that are to be counted; cancelled ones count, unless the filter says otherwise.

    Raises:
        BadUserInput: A condition is invalid, or there is no range.
    """
    wanted = filter_of(asked)
    field = bounded_field(wanted)
    if asked is None or field is None:
        if wanted.days is not None or (wanted.overlaps is not None and wanted.overlaps.closed):
            argument = "filter.overlaps" if wanted.days is None else "filter.days"
            raise BadUserInput(f"{argument}: begins or ends where the calendar does.", argument=argument)
        raise BadUserInput(f"filter: {UNBOUNDED}", argument="filter")
    argument, length = _range(wanted, field)
    if MeetingGroup.DAY in by and length > dt.timedelta(days=MAX_DAYS):
        raise BadUserInput(
            f"{argument}: covers more than {MAX_DAYS} days, the maximum for DAY; group by WEEK or MONTH.",
            argument=argument,
        )
    if given(vars(asked)["canceled"]) is None:
        return msgspec.structs.replace(wanted, canceled=filters.Canceled.INCLUDE)
    return wanted


def _range(wanted: filters.MeetingFilter, field: OrderField) -> tuple[str, dt.timedelta]:
    """The argument that bounds what is read, and how long that is."""
    ranges = {name: getattr(wanted, name) for name in (field.value, "overlaps")}
    closed = {name: bounds.length for name, bounds in ranges.items() if bounds is not None and bounds.closed}
    if field is OrderField.START_TIME and wanted.days is not None:
        closed["days"] = wanted.days.last - wanted.days.first + dt.timedelta(days=1)
    if not closed:  # of two conditions together
        return "filter.startTime", bounds_of(wanted, field).length
    name = min(closed, key=closed.__getitem__)
    return f"filter.{to_camel_case(name)}", closed[name]


def groups_of(asked: Sequence[enums.MeetingGroup]) -> list[MeetingGroup]:
    """What is to be grouped by.

    Raises:
        BadUserInput: The same twice, or two periods.
    """
    by: list[MeetingGroup] = [meaning(each) for each in asked]
    twice = next((each for place, each in enumerate(by) if each in by[:place]), None)
    if twice is not None:
        raise BadUserInput(f"groupBy: contains {twice.name} twice.", argument="groupBy")
    periods = [each.name for each in by if each in PERIODS]
    if len(periods) > 1:
        raise BadUserInput(
            f"groupBy: {' and '.join(periods)} cannot be combined; choose one of them.", argument="groupBy"
        )
    return by
