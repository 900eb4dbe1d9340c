"""The graph's own enums: the model's words, with what they mean. Their values are the model's members."""

from __future__ import annotations

import enum
from typing import Any

import strawberry
from strawberry import enum_value

from gateway.catalog import reports
from gateway.graph import status
from gateway.model import filters, order, records


def meaning(member: enum.Enum) -> Any:
    """The model's member that a member of a graph enum stands for."""
    return member.value


SOURCES = {
    records.Source.SALESLOFT: "Salesloft: calendar meetings, people, cadences.",
    records.Source.DRIFT: "Drift: meetings booked in chat, reaching 30 days back.",
}
"""What each source is; one that is not told of here goes by its name alone."""


@strawberry.enum(
    description="Where a record comes from. Where two sources hold one event or person, the first one's is shown."
)
class Source(enum.Enum):
    _ignore_ = ["each"]  # noqa: RUF012 - how an enum is told that a name is no member
    for each in records.Source:
        vars()[each.name] = enum_value(each, description=SOURCES.get(each, f"{each.value.capitalize()}."))


@strawberry.enum(description="A meeting's state: a cancellation outranks a no-show, which outranks the booking.")
class MeetingStatus(enum.Enum):
    PENDING = enum_value(records.MeetingStatus.PENDING, description="Asked for, not yet in the calendar.")
    BOOKED = enum_value(records.MeetingStatus.BOOKED, description="In the calendar.")
    CANCELED = enum_value(records.MeetingStatus.CANCELED, description="Called off.")
    NO_SHOW = enum_value(records.MeetingStatus.NO_SHOW, description="The other side did not come.")
    FAILED = enum_value(records.MeetingStatus.FAILED, description="The booking failed.")
    UNKNOWN = enum_value(records.MeetingStatus.UNKNOWN, description="A word of the source's that is not known here.")


@strawberry.enum(description="An attendee's answer to the invitation.")
class AttendeeStatus(enum.Enum):
    NEEDS_ACTION = enum_value(records.AttendeeStatus.NEEDS_ACTION, description="No answer yet.")
    ACCEPTED = enum_value(records.AttendeeStatus.ACCEPTED, description="Yes.")
    TENTATIVE = enum_value(records.AttendeeStatus.TENTATIVE, description="Maybe.")
    DECLINED = enum_value(records.AttendeeStatus.DECLINED, description="No.")
    UNKNOWN = enum_value(records.AttendeeStatus.UNKNOWN, description="A word that is not known here, or none.")


@strawberry.enum(description="The time that meetings are ordered by.")
class MeetingOrderField(enum.Enum):
    START_TIME = enum_value(order.OrderField.START_TIME, description="When the meeting starts.")
    CREATED_AT = enum_value(order.OrderField.CREATED_AT, description="When it was booked.")
    UPDATED_AT = enum_value(order.OrderField.UPDATED_AT, description="When its record last changed.")


@strawberry.enum(description="Which way an order goes. Rows without the value come last either way.")
class OrderDirection(enum.Enum):
    ASC = enum_value("ASC", description="Earliest first.")
    DESC = enum_value("DESC", description="Latest first.")


@strawberry.enum(description="Whether cancelled meetings are listed.")
class CanceledFilter(enum.Enum):
    EXCLUDE = enum_value(filters.Canceled.EXCLUDE, description="Without the cancelled ones; the default.")
    INCLUDE = enum_value(filters.Canceled.INCLUDE, description="With them.")
    ONLY = enum_value(filters.Canceled.ONLY, description="Them alone.")


@strawberry.enum(description="How much of a source's part is in an answer.")
class ReportStatus(enum.Enum):
    OK = enum_value(reports.ReportStatus.OK, description="All of it.")
    STALE = enum_value(reports.ReportStatus.STALE, description="All of it, from records kept while the source is away.")
    PARTIAL = enum_value(
        reports.ReportStatus.PARTIAL, description="Some of it; asking again from the same cursor completes it."
    )
    FAILED = enum_value(reports.ReportStatus.FAILED, description="None of it: the source did not answer.")
    SKIPPED = enum_value(reports.ReportStatus.SKIPPED, description="Not asked: the filter leaves this source out.")


@strawberry.enum(description="What a source did when it was last called.")
class SourceState(enum.Enum):
    UNKNOWN = enum_value(status.SourceState.UNKNOWN, description="Not called yet.")
    OK = enum_value(status.SourceState.OK, description="It answered.")
    DEGRADED = enum_value(
        status.SourceState.DEGRADED, description="Its meetings can be had, but not all that belongs to them."
    )
    RATE_LIMITED = enum_value(status.SourceState.RATE_LIMITED, description="Its budget is used up for now.")
    REFUSED = enum_value(status.SourceState.REFUSED, description="It does not accept the gateway's credential.")
    UNAVAILABLE = enum_value(
        status.SourceState.UNAVAILABLE, description="It did not answer, or not with what was asked for."
    )
    OFF = enum_value(status.SourceState.OFF, description="Not configured, or switched off.")
