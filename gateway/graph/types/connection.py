"""Connections: Relay's, over cursors that are places in an order."""

from __future__ import annotations

import datetime as dt
from typing import Generic, TypeVar

import strawberry

from gateway.catalog import reports
from gateway.graph.enums import ReportStatus, Source
from gateway.graph.node import face_of
from gateway.graph.pages import ConnectionRecord, EdgeRecord, PageInfoRecord
from gateway.graph.relation import field
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence
from gateway.graph.types.meeting import Meeting
from gateway.graph.types.person import Person
from gateway.graph.types.user import User

T = TypeVar("T")


def _cursor(edge: EdgeRecord) -> str:
    return edge.write(edge.node)


@strawberry.type(description="Where a page lies in its list, as Relay has it.")
@face_of(PageInfoRecord)
class PageInfo:
    has_next_page: bool = field("Whether anything lies after this page.")
    has_previous_page: bool = field(
        "Whether anything lies before this page. Asking for the side that the walk came from costs a call."
    )
    start_cursor: str | None = field("The place of the first row.")
    end_cursor: str | None = field("The place that the page reaches to; `after` it the list goes on.")


@strawberry.type(description="What became of one source in one answer.")
@face_of(reports.SourceReport)
class SourceReport:
    source: Source = field("The source.")
    status: ReportStatus = field("How much of its part is in the answer.")
    code: str | None = field("The error code, where something went wrong.")
    message: str | None = field("What that means for this answer.")
    retry_after: float | None = field("Seconds until it is worth asking again, where known.")
    as_of: dt.datetime | None = field("When what is shown was read from the source.")
    complete_since: dt.datetime | None = field(
        "A start time before which the source has nothing to give: Drift reaches 30 days back."
    )


@strawberry.type(description="A row and its place in the list.")
@face_of(EdgeRecord)
class Edge(Generic[T]):
    cursor: str = field("The row's place in the order: opaque, for `after` and `before`.", _cursor)
    node: T = field("The row.")


@strawberry.type(description="A page of one ordered list.")
@face_of(ConnectionRecord)
class Connection(Generic[T]):
    edges: list[Edge[T]] = field("The rows of this page, each with its cursor.")
    nodes: list[T] = field("The rows of this page.")
    page_info: PageInfo = field("Where this page lies in the list.")
    total_count: int | None = field(
        "How many rows the filter admits in all: exact, or null with the reason in `sourceReports`. Counted only when "
        "selected."
    )
    source_reports: list[SourceReport] = field("What became of each source in this answer.")


@strawberry.type(description="A page of one ordered list of meetings, each event once, over all sources.")
class MeetingConnection(Connection[Meeting]):
    """Meetings, by one of their times."""


@strawberry.type(description="A page of the list of Salesloft's people, newest first.")
class PersonConnection(Connection[Person]):
    """People, by the time of their record's making."""


@strawberry.type(description="A page of the list of the team, each person once, by name.")
class UserConnection(Connection[User]):
    """Users, by name."""


@strawberry.type(description="A page of the list of cadences, by name.")
class CadenceConnection(Connection[Cadence]):
    """Cadences, by name."""


@strawberry.type(description="A page of the list of accounts, newest first.")
class AccountConnection(Connection[Account]):
    """Accounts, by the time of their record's making."""
