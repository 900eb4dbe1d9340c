"""The lists of people, users, cadences and accounts."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import argument

from gateway.catalog.lists import F, RecordList
from gateway.catalog.pages import ListQuery
from gateway.graph.access import reads_personal_data
from gateway.graph.connections import connection, list_query
from gateway.graph.cost.lists import people_under
from gateway.graph.cost.prices import PRICE
from gateway.graph.inputs.filters import AccountFilter, CadenceFilter, PersonFilter, UserFilter, read_filter
from gateway.graph.inputs.paging import UNSET, After, Before, ContextInfo, First, Last, window_of
from gateway.graph.inputs.values import given
from gateway.graph.lookahead import LookAhead
from gateway.model import record_filters
from gateway.model.order import BY_NAME, NEWEST_FIRST
from gateway.model.records import Account, Kind, Record, Ref
from gateway.paging.window import Window

R = TypeVar("R", bound=Record)

CONDITIONS = argument(description="Conditions that every row must meet.")


async def people(
    info: ContextInfo,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    filter: Annotated[PersonFilter | None, CONDITIONS] = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of people."""
    asked = window_of(NEWEST_FIRST, first, after, last, before)
    return await _page(
        info, info.context.catalog.person_list, asked, read_filter(record_filters.PersonFilter, given(filter))
    )


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
    return await _page(
        info, info.context.catalog.account_list, asked, read_filter(record_filters.AccountFilter, given(filter))
    )


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
    # Addresses may not be guessed by those who may not read them.
    reads_addresses = reads_personal_data(info.context.principal)
    wanted = read_filter(record_filters.UserFilter, given(filter), search_addresses=reads_addresses)
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
    return await _page(
        info, info.context.catalog.cadence_list, asked, read_filter(record_filters.CadenceFilter, given(filter))
    )


PEOPLE: Any = Annotated["PersonConnection", strawberry.lazy("gateway.graph.types.connection")] | None  # noqa: F821 - by name, since it is made of the types that have the field


def people_of(description: str) -> Any:
    """A field with the people of the account that it stands on."""

    async def resolve(
        root: strawberry.Parent[Any],
        info: ContextInfo,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Any:
        account: Account = root
        asked = window_of(NEWEST_FIRST, first, after, last, before)
        own = frozenset({Ref(account.source, Kind.ACCOUNT, account.source_id)})
        return await _page(info, info.context.catalog.person_list, asked, record_filters.PersonFilter(account_ids=own))

    return strawberry.field(
        resolver=resolve, graphql_type=PEOPLE, description=description, metadata={PRICE: people_under}
    )


async def _page(info: ContextInfo, records: RecordList[R, F], asked: Window, wanted: F) -> Any:
    """A page, asked for no more than is selected of it."""
    return connection(
        await records.page(info.context.request, list_query(ListQuery[F], LookAhead.of(info), asked, wanted)), asked
    )
