"""The graph's own enums: the model's words, with what they mean. Their values are the model's members."""

from __future__ import annotations

import enum
from typing import Any

import strawberry
from strawberry import enum_value

from gateway.model import changes, filters, order, records, stats, status


def meaning(member: enum.Enum) -> Any:
    """The model's member that a member of a graph enum stands for."""
    return member.value


SOURCES = {
    records.Source.SALESLOFT: "Salesloft: calendar meetings, people and cadences.",
    records.Source.DRIFT: "Drift: meetings booked in chat, from 30 days ago on.",
    records.Source.CALENDLY: "Calendly: meetings booked by a link.",
}
"""What each source is; one that is not listed here goes by its name alone."""


@strawberry.enum(
    description=(
        "Where a record comes from. If several sources have the same event or person, the record "
        "of the one that is listed first here is shown."
    )
)
class Source(enum.Enum):
    _ignore_ = ["each"]  # noqa: RUF012 - how an enum learns that a name is not a member
    for each in records.Source:
        vars()[each.name] = enum_value(each, description=SOURCES.get(each, f"{each.value.capitalize()}."))


@strawberry.enum(
    description=(
        "A meeting's status. A cancellation takes precedence over a no-show, and a no-show over "
        "the status of the booking."
    )
)
class MeetingStatus(enum.Enum):
    PENDING = enum_value(records.MeetingStatus.PENDING, description="Requested, but not in the calendar yet.")
    BOOKED = enum_value(records.MeetingStatus.BOOKED, description="In the calendar.")
    CANCELED = enum_value(records.MeetingStatus.CANCELED, description="Cancelled.")
    NO_SHOW = enum_value(records.MeetingStatus.NO_SHOW, description="The invitee did not show up.")
    FAILED = enum_value(records.MeetingStatus.FAILED, description="The booking failed.")
    UNKNOWN = enum_value(
        records.MeetingStatus.UNKNOWN,
        description="A status that the gateway does not know. The source's own value is in its record.",
    )


@strawberry.enum(description="The keys by which meetings can be grouped.")
class MeetingGroup(enum.Enum):
    SOURCE = enum_value(stats.MeetingGroup.SOURCE, description="The source whose record is shown.")
    STATUS = enum_value(stats.MeetingGroup.STATUS, description="The status.")
    OWNER = enum_value(
        stats.MeetingGroup.OWNER, description="The team member who owns it, whichever source they are known in."
    )
    BOOKED_BY = enum_value(stats.MeetingGroup.BOOKED_BY, description="The team member who booked it.")
    ACCOUNT = enum_value(stats.MeetingGroup.ACCOUNT, description="The account.")
    CADENCE = enum_value(stats.MeetingGroup.CADENCE, description="The cadence.")
    DAY = enum_value(
        stats.MeetingGroup.DAY,
        description="The day on which it starts in `timeZone`; for an all-day meeting, its date.",
    )
    WEEK = enum_value(stats.MeetingGroup.WEEK, description="The week of that day, which starts on Monday.")
    MONTH = enum_value(stats.MeetingGroup.MONTH, description="The month of that day.")


@strawberry.enum(description="An attendee's response to the invitation.")
class AttendeeStatus(enum.Enum):
    NEEDS_ACTION = enum_value(records.AttendeeStatus.NEEDS_ACTION, description="No response yet.")
    ACCEPTED = enum_value(records.AttendeeStatus.ACCEPTED, description="Accepted.")
    TENTATIVE = enum_value(records.AttendeeStatus.TENTATIVE, description="Accepted tentatively.")
    DECLINED = enum_value(records.AttendeeStatus.DECLINED, description="Declined.")
    UNKNOWN = enum_value(
        records.AttendeeStatus.UNKNOWN, description="No response, or one that the gateway does not know."
    )


@strawberry.enum(description="The time that meetings are ordered by.")
class MeetingOrderField(enum.Enum):
    START_TIME = enum_value(order.OrderField.START_TIME, description="When the meeting starts.")
    CREATED_AT = enum_value(order.OrderField.CREATED_AT, description="When it was booked.")
    UPDATED_AT = enum_value(order.OrderField.UPDATED_AT, description="When its record was last updated.")


@strawberry.enum(description="The direction of an order. Rows without the value come last in both directions.")
class OrderDirection(enum.Enum):
    ASC = enum_value("ASC", description="Earliest first.")
    DESC = enum_value("DESC", description="Latest first.")


@strawberry.enum(description="Whether cancelled meetings are listed.")
class CanceledFilter(enum.Enum):
    EXCLUDE = enum_value(filters.Canceled.EXCLUDE, description="Only meetings that are not cancelled.")
    INCLUDE = enum_value(filters.Canceled.INCLUDE, description="Cancelled meetings and all others.")
    ONLY = enum_value(filters.Canceled.ONLY, description="Only cancelled meetings.")


@strawberry.enum(description="How complete a source's part of an answer is.")
class ReportStatus(enum.Enum):
    OK = enum_value(status.ReportStatus.OK, description="Complete.")
    STALE = enum_value(
        status.ReportStatus.STALE, description="Complete, but from cached records that are older than they should be."
    )
    PARTIAL = enum_value(
        status.ReportStatus.PARTIAL,
        description="Rows are missing. Fetching again from the same cursor completes the list.",
    )
    FAILED = enum_value(
        status.ReportStatus.FAILED, description="The source did not answer; none of its rows are included."
    )
    SKIPPED = enum_value(
        status.ReportStatus.SKIPPED, description="The source was not asked, since the filter leaves it out."
    )


@strawberry.enum(description="What happened to a meeting, or to the log of changes itself.")
class ChangeKind(enum.Enum):
    READY = enum_value(changes.ChangeKind.READY, description="The stream has started. Fetch your lists now.")
    CREATED = enum_value(
        changes.ChangeKind.CREATED, description="The meeting was created after the cursor at which the stream started."
    )
    UPDATED = enum_value(
        changes.ChangeKind.UPDATED, description="The meeting changed, or it matches the filter only now."
    )
    CANCELED = enum_value(
        changes.ChangeKind.CANCELED,
        description=(
            "The meeting was cancelled. If the filter excludes cancelled meetings, no further "
            "changes of it are reported."
        ),
    )
    LEFT = enum_value(changes.ChangeKind.LEFT, description="The meeting no longer matches the filter.")
    GONE = enum_value(
        changes.ChangeKind.GONE, description="The meeting was deleted, or is now shown as part of another meeting."
    )
    RESET = enum_value(changes.ChangeKind.RESET, description="Changes may have been missed. Fetch your lists again.")


@strawberry.enum(description="How the gateway learns of changes to a source's meetings.")
class LiveMode(enum.Enum):
    WEBHOOK = enum_value(status.LiveMode.WEBHOOK, description="The vendor sends webhooks.")
    POLL = enum_value(status.LiveMode.POLL, description="The source is polled while somebody listens.")
    OFF = enum_value(status.LiveMode.OFF, description="The gateway does not look for changes.")


@strawberry.enum(description="The state of a source, according to its latest calls.")
class SourceState(enum.Enum):
    UNKNOWN = enum_value(status.SourceState.UNKNOWN, description="Not called yet.")
    OK = enum_value(status.SourceState.OK, description="It answers.")
    DEGRADED = enum_value(
        status.SourceState.DEGRADED, description="Its meetings are available, but not everything that belongs to them."
    )
    RATE_LIMITED = enum_value(status.SourceState.RATE_LIMITED, description="The budget for it is used up for now.")
    REFUSED = enum_value(status.SourceState.REFUSED, description="It does not accept the gateway's credential.")
    UNAVAILABLE = enum_value(
        status.SourceState.UNAVAILABLE, description="It does not answer, or not with what was asked for."
    )
    OFF = enum_value(status.SourceState.OFF, description="Not configured, or disabled.")
