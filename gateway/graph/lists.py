"""The lists of people, users, cadences and accounts."""

from __future__ import annotations

from typing import Annotated, Any

from strawberry import argument

from gateway.catalog.lists import NEWEST_FIRST, ListQuery
from gateway.graph.arguments import UNSET, After, Before, ContextInfo, First, Last, named_query, window_of
from gateway.graph.conditions import given
from gateway.graph.neighbour_filters import (
    AccountFilter,
    CadenceFilter,
    PersonFilter,
    UserFilter,
    account_filter,
    cadence_filter,
    person_filter,
    user_filter,
)
from gateway.graph.pages import connection, named_connection
from gateway.graph.selection import Selection
from gateway.model import neighbours
from gateway.paging.window import Window

CONDITIONS = argument(description="Conditions, all of them ANDed.")


async def people(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Annotated[PersonFilter | None, CONDITIONS] = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of Salesloft's people."""
    asked = window_of(NEWEST_FIRST, first, after, last, before)
    wanted: neighbours.PersonFilter = person_filter(given(filter))
    listing = info.context.catalog.person_list
    return connection(await listing.page(info.context.request, _query(info, asked, wanted)), asked)


async def accounts(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Annotated[AccountFilter | None, CONDITIONS] = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of the accounts."""
    asked = window_of(NEWEST_FIRST, first, after, last, before)
    wanted: neighbours.AccountFilter = account_filter(given(filter))
    listing = info.context.catalog.account_list
    return connection(await listing.page(info.context.request, _query(info, asked, wanted)), asked)


async def users(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Annotated[UserFilter | None, CONDITIONS] = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of the team."""
    query = named_query(first, after, last, before)
    wanted = user_filter(given(filter))
    return named_connection(await info.context.catalog.whole_lists.users(info.context.request, wanted, query))


async def cadences(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Annotated[CadenceFilter | None, CONDITIONS] = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of the cadences."""
    query = named_query(first, after, last, before)
    wanted = cadence_filter(given(filter))
    return named_connection(await info.context.catalog.whole_lists.cadences(info.context.request, wanted, query))


def _query(info: ContextInfo, asked: Window, wanted: Any) -> ListQuery[Any]:
    """What has to be found out for what is selected."""
    selected = Selection.of(info)
    flags = selected["pageInfo"]
    facing, other = ("hasPreviousPage", "hasNextPage") if asked.walk.backward else ("hasNextPage", "hasPreviousPage")
    rows = "edges" in selected or "nodes" in selected or "startCursor" in flags or "endCursor" in flags
    return ListQuery(
        window=asked if rows else Window(asked.walk, 0),
        wanted=wanted,
        rows=rows or bool(flags) or "sourceReports" in selected,
        ahead=facing in flags,
        behind=other in flags,
        total="totalCount" in selected,
    )
