"""Lists of meetings: the whole one, and those under a person, a user, a cadence, a step or an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry import argument

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.search import OnCandidates
from gateway.graph.context import Context, Listed
from gateway.graph.cost.lists import meetings_under
from gateway.graph.cost.prices import PRICE
from gateway.graph.inputs.meetings import MeetingFilter, MeetingOrder, filter_of, order_of
from gateway.graph.inputs.paging import UNSET, After, Before, ContextInfo, First, Last, window_of
from gateway.graph.inputs.values import given
from gateway.graph.lookahead import LookAhead
from gateway.graph.node import KINDS
from gateway.graph.pages import connection
from gateway.model import filters, records
from gateway.model.records import Record, Ref
from gateway.paging.window import Window

Filter = Annotated[MeetingFilter | None, argument(description="Conditions, all of them ANDed.")]
OrderBy = Annotated[MeetingOrder | None, argument(description="The order; by start time, latest first.")]
LATEST_FIRST = MeetingOrder()
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
    return await _page(info, asked, filter_of(given(filter)))


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
        query = _query(LookAhead.of(info), asked, filter_of(given(filter)))
        page = await info.context.loaders.meetings_under_record.load(Listed(_ref(root), query))
        return None if page is None else connection(page, asked)

    return strawberry.field(
        resolver=resolve, graphql_type=CONNECTION, description=description, metadata={PRICE: meetings_under}
    )


async def _page(info: ContextInfo, asked: Window, wanted: filters.MeetingFilter) -> Any:
    """A page of the whole list, asked for no more than is selected of it."""
    query = _query(LookAhead.of(info), asked, wanted)
    ahead = _load_contacts(info.context) if "person" in query.fields else None
    return connection(await info.context.catalog.meetings.page(info.context.request, query, ahead), asked)


def _load_contacts(context: Context) -> OnCandidates:
    """Loads the contacts of rows while those are screened; that of one that proves a twin is a call wasted."""

    def load(rows: Sequence[records.Meeting]) -> None:
        context.loaders.person_record_by_ref.load_level([row.person for row in rows if row.person is not None])

    return load


def _ref(record: Record) -> Ref:
    return Ref(record.source, KINDS[type(record)], record.source_id)


def _query(selected: LookAhead, asked: Window, wanted: filters.MeetingFilter) -> MeetingQuery:
    """What has to be found out for what is selected."""
    flags = selected["pageInfo"]
    facing, other = ("hasPreviousPage", "hasNextPage") if asked.walk.backward else ("hasNextPage", "hasPreviousPage")
    rows = "edges" in selected or "nodes" in selected or "startCursor" in flags or "endCursor" in flags
    return MeetingQuery(
        window=asked if rows else Window(asked.walk, 0),
        wanted=wanted,
        fields=(selected["nodes"].attributes() | selected["edges"]["node"].attributes()),
        rows=rows or bool(flags) or "sourceReports" in selected,
        ahead=facing in flags,
        behind=other in flags,
        total="totalCount" in selected,
    )
