"""Lists of meetings: the whole one, and those under a person, a user, a cadence, a step or an account."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import strawberry
from graphql import FieldNode, print_ast
from strawberry import argument

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.pages import ListPage
from gateway.catalog.whole_list import WholeList
from gateway.errors import BadUserInput
from gateway.graph.connections import connection, list_query
from gateway.graph.cost.lists import meetings_under
from gateway.graph.cost.prices import PRICE
from gateway.graph.cost.records import replacement
from gateway.graph.fields import KIND_OF, explain
from gateway.graph.inputs.meetings import MeetingFilter, MeetingOrder, filter_of, order_of
from gateway.graph.inputs.paging import UNSET, After, Before, ContextInfo, First, Last, window_of
from gateway.graph.inputs.stats import stats_filter
from gateway.graph.inputs.values import given
from gateway.graph.loaders import Counted, Listed, MeetingKey
from gateway.graph.lookahead import LookAhead
from gateway.graph.read_ahead import ReadAhead
from gateway.model import filters
from gateway.model.records import Meeting, MeetingStatus, Record, Ref
from gateway.model.status import ReportStatus

Filter = Annotated[MeetingFilter | None, argument(description="Conditions that every row must meet.")]
OrderBy = Annotated[
    MeetingOrder | None, argument(description="The order of the rows. The default is by start time, latest first.")
]
LATEST_FIRST = MeetingOrder()
STATS = "meetingStats"
COMPLETE = frozenset({ReportStatus.OK, ReportStatus.STALE, ReportStatus.SKIPPED})
"""The reports of sources that nothing is missing of."""
MEETING: Any = Annotated["Meeting", strawberry.lazy("gateway.graph.types.meeting")] | None
CONNECTION: Any = Annotated["MeetingConnection", strawberry.lazy("gateway.graph.types.connection")] | None  # noqa: F821 - by name, since it is made of the types that have the field


async def meetings(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
    order_by: OrderBy = LATEST_FIRST,
) -> Any:
    """A page of the whole list."""
    asked = window_of(order_of(order_by), first, after, last, before)
    wanted = filter_of(given(filter))
    query = list_query(MeetingQuery, LookAhead.of(info), asked, wanted)
    counted = _counted_beside(info, given(filter)) if query.total else None
    page = None if counted is None else await _page_beside(info, query, counted)
    return connection(page or await _page(info, query), asked)


def meetings_of(description: str) -> Any:
    """A field with the meetings of the record that it stands on."""

    async def resolve(
        root: strawberry.Parent[Any],
        info: ContextInfo,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        filter: Filter = UNSET,  # noqa: A002 - the contract's name
        order_by: OrderBy = LATEST_FIRST,
    ) -> Any:
        asked = window_of(order_of(order_by), first, after, last, before)
        query = list_query(MeetingQuery, LookAhead.of(info), asked, filter_of(given(filter)))
        page = await info.context.loaders.meetings_under_record.load(Listed(_ref(root), query))
        return None if page is None else connection(page, asked)

    return strawberry.field(
        resolver=resolve, graphql_type=CONNECTION, description=description, metadata={PRICE: meetings_under}
    )


def rescheduled_to(description: str) -> Any:
    """A field with the meeting that a meeting was moved to."""

    async def resolve(root: strawberry.Parent[Any], info: ContextInfo) -> Any:
        ref = root.rescheduled_to
        if ref is None:
            return explain(root, "rescheduled_to")
        return await info.context.loaders.meeting_by_ref.load(MeetingKey(ref, LookAhead.of(info).attributes()))

    return strawberry.field(
        resolver=resolve, graphql_type=MEETING, description=description, metadata={PRICE: replacement}
    )


async def _page(info: ContextInfo, query: MeetingQuery) -> ListPage[Meeting]:
    """A page of the whole list, asked for no more than is selected of it."""
    ahead = ReadAhead(info.context, query.fields)
    return await info.context.catalog.meetings.page(info.context.request, query, ahead)


def _counted_beside(info: ContextInfo, own: MeetingFilter | None) -> filters.MeetingFilter | None:
    """What `meetingStats` of the same operation counts, where its filter is the same; else None."""
    raw = info._raw_info  # noqa: SLF001 - Strawberry wraps what graphql-core gives, and that has the field's arguments
    root = info.context.operation.root
    stats = [field.nodes[0] for field in root.fields if field.field_name == STATS] if root is not None else []
    if not any(_filter_in(node) == _filter_in(raw.field_nodes[0]) for node in stats):
        return None
    try:
        return stats_filter(own, ())
    except BadUserInput:
        return None


def _filter_in(node: FieldNode) -> str | None:
    """The filter of a field, as it stands in the document."""
    return next((print_ast(each.value) for each in node.arguments or () if each.name.value == "filter"), None)


async def _page_beside(
    info: ContextInfo, query: MeetingQuery, counted: filters.MeetingFilter
) -> ListPage[Meeting] | None:
    """A page whose total is that of what is counted anyway; None where not all of that could be read.

    Args:
        info: The field.
        query: The page.
        counted: The filter of `meetingStats`: the same, but that cancelled meetings may count too.
    """
    page, whole = await asyncio.gather(
        _page(info, msgspec.structs.replace(query, total=False)),
        info.context.loaders.whole_list_by_filter.load(Counted(counted, frozenset())),
        return_exceptions=True,
    )
    if isinstance(page, BaseException):
        raise page
    if not isinstance(whole, WholeList) or not {report.status for report in whole.reports} <= COMPLETE:
        return None
    canceled = sum(row.status is MeetingStatus.CANCELED for row in whole.rows) if query.wanted != counted else 0
    return msgspec.structs.replace(page, total=len(whole.rows) - canceled)


def _ref(record: Record) -> Ref:
    return Ref(record.source, KIND_OF[type(record)], record.source_id)
