"""The lists of people, users, cadences and accounts."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from strawberry import argument

from gateway.catalog.lists import F, RecordList
from gateway.catalog.pages import ListQuery
from gateway.graph.access import reads_personal_data
from gateway.graph.inputs.lists import (
    AccountFilter,
    CadenceFilter,
    PersonFilter,
    UserFilter,
    account_filter,
    cadence_filter,
    person_filter,
    user_filter,
)
from gateway.graph.inputs.paging import UNSET, After, Before, ContextInfo, First, Last, window_of
from gateway.graph.inputs.values import given
from gateway.graph.lookahead import LookAhead
from gateway.graph.pages import connection
from gateway.model.order import BY_NAME, NEWEST_FIRST
from gateway.model.records import Record
from gateway.paging.window import Window

R = TypeVar("R", bound=Record)

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
    return await _page(info, info.context.catalog.person_list, asked, person_filter(given(filter)))


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
    return await _page(info, info.context.catalog.account_list, asked, account_filter(given(filter)))


async def users(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Annotated[UserFilter | None, CONDITIONS] = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of the team."""
    asked = window_of(BY_NAME, first, after, last, before)
    wanted = user_filter(given(filter), search_addresses=reads_personal_data(info.context.principal))
    return await _page(info, info.context.catalog.user_list, asked, wanted)


async def cadences(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Annotated[CadenceFilter | None, CONDITIONS] = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of the cadences."""
    asked = window_of(BY_NAME, first, after, last, before)
    return await _page(info, info.context.catalog.cadence_list, asked, cadence_filter(given(filter)))


async def _page(info: ContextInfo, records: RecordList[R, F], asked: Window, wanted: F) -> Any:
    """A page, asked for no more than is selected of it."""
    return connection(await records.page(info.context.request, query_of(LookAhead.of(info), asked, wanted)), asked)


def query_of(selected: LookAhead, asked: Window, wanted: F) -> ListQuery[F]:
    """What has to be found out for what is selected."""
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
