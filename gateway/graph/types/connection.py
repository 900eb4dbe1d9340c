"""Connections: Relay's, over cursors that are places in an order."""

from __future__ import annotations

import datetime as dt
from typing import Generic, TypeVar

import strawberry

from gateway.graph.connections import ConnectionRecord, EdgeRecord, PageInfoRecord
from gateway.graph.enums import ReportStatus, Source
from gateway.graph.fields import face_of, field
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence
from gateway.graph.types.meeting import Meeting
from gateway.graph.types.person import Person
from gateway.graph.types.user import User
from gateway.model import status

T = TypeVar("T")


def _cursor(edge: EdgeRecord) -> str:
    return edge.write(edge.node)


def _total_count(answer: ConnectionRecord) -> int | None:
    """The total; where units or time ran out before it was known, that is the field's error."""
    if answer.total_error is not None:
        raise answer.total_error
    return answer.total_count


@strawberry.type(description="A page's position in its list, as Relay specifies it.")
@face_of(PageInfoRecord)
class PageInfo:
    has_next_page: bool = field(
        "Whether there are rows after this page. When paging backwards, selecting it costs a call."
    )
    has_previous_page: bool = field(
        "Whether there are rows before this page. When paging forwards, selecting it costs a call."
    )
    start_cursor: str | None = field("The cursor of the first row.")
    end_cursor: str | None = field("The cursor at which the page ends. Pass it as `after` to get the next page.")


@strawberry.type(description="How complete one source's part of an answer is, and what went wrong.")
@face_of(status.SourceReport)
class SourceReport:
    source: Source = field("The source.")
    status: ReportStatus = field("How complete its part of the answer is.")
    code: str | None = field("The error code, if something went wrong.")
    message: str | None = field("What it means for this answer, in a sentence.")
    retry_after: float | None = field("Seconds after which it is worth asking again, if known.")
    as_of: dt.datetime | None = field("When the rows were read from the source.")
    complete_since: dt.datetime | None = field(
        "The source has no meetings that start before this time: Drift reaches 30 days back, "
        "Calendly is read CALENDLY_DAYS_BACK days back."
    )
    complete_until: dt.datetime | None = field(
        "The source has no meetings that start after this time: Calendly is read CALENDLY_DAYS_AHEAD days ahead."
    )


@strawberry.type(description="A row and its cursor.")
@face_of(EdgeRecord)
class Edge(Generic[T]):
    cursor: str = field("The row's position in the order: an opaque value for `after` and `before`.", _cursor)
    node: T = field("The row.")


@strawberry.type(description="A page of one ordered list.")
@face_of(ConnectionRecord)
class Connection(Generic[T]):
    edges: list[Edge[T]] = field("The rows of this page, each with its cursor.")
    nodes: list[T] = field("The rows of this page.")
    page_info: PageInfo = field("Information about the page's position in the list.")
    total_count: int | None = field(
        (
            "The number of rows that match the filter: exact, or null with the reason in "
            "`sourceReports`. It is counted only if selected, and costs nothing if the page is the "
            "whole list."
        ),
        _total_count,
    )
    source_reports: list[SourceReport] = field(
        "For each source, how complete its part of this page is and what went wrong."
    )


@strawberry.type(description="A page of meetings from all sources in one order, each event once.")
class MeetingConnection(Connection[Meeting]):
    """Meetings, by one of their times."""


@strawberry.type(description="A page of the people in Salesloft, newest first.")
class PersonConnection(Connection[Person]):
    """People, by the time of their record's making."""


@strawberry.type(description="A page of team members, each person once, ordered by name.")
class UserConnection(Connection[User]):
    """Users, by name."""


@strawberry.type(description="A page of cadences, ordered by name.")
class CadenceConnection(Connection[Cadence]):
    """Cadences, by name."""


@strawberry.type(description="A page of accounts, newest first.")
class AccountConnection(Connection[Account]):
    """Accounts, by the time of their record's making."""
