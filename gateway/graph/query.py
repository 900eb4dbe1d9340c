"""`Query`: the doors into the graph."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry import argument

from gateway.errors import BadUserInput, Forbidden, GatewayError
from gateway.graph.access import check
from gateway.graph.context import Context
from gateway.graph.cost import lists as list_prices
from gateway.graph.cost import prices
from gateway.graph.cost import records as record_prices
from gateway.graph.cost.prices import PRICE
from gateway.graph.enums import LiveMode, Source, SourceState
from gateway.graph.fields import Node, face_of, field
from gateway.graph.inputs.keys import (
    AccountBy,
    CadenceBy,
    MeetingBy,
    PersonBy,
    StepBy,
    UserBy,
    find_account,
    find_cadence,
    find_meeting,
    find_person,
    find_step,
    find_user,
)
from gateway.graph.inputs.paging import ContextInfo
from gateway.graph.inputs.values import decode_id
from gateway.graph.level_loader import LevelLoader
from gateway.graph.lookahead import LookAhead
from gateway.graph.meeting_lists import meetings
from gateway.graph.meeting_stats import meeting_stats
from gateway.graph.other_lists import accounts, cadences, people, users
from gateway.graph.subscription import meeting_changes, price_of_changes
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence, Step
from gateway.graph.types.change import MeetingChangePage
from gateway.graph.types.connection import (
    AccountConnection,
    CadenceConnection,
    MeetingConnection,
    PersonConnection,
    UserConnection,
)
from gateway.graph.types.meeting import Meeting
from gateway.graph.types.person import Person
from gateway.graph.types.stats import MeetingStats
from gateway.graph.types.user import User
from gateway.model import status
from gateway.model.records import Kind, Record, Ref
from gateway.model.scopes import KIND_SCOPES

MAX_NODES = 100
"""Ids that `nodes` takes: what one upstream call takes."""

Id = Annotated[strawberry.ID, argument(description="A global id.")]
MeetingKey = Annotated[MeetingBy, argument(description="Exactly one key.")]
PersonKey = Annotated[PersonBy, argument(description="Exactly one key.")]
UserKey = Annotated[UserBy, argument(description="Exactly one key.")]
CadenceKey = Annotated[CadenceBy, argument(description="Exactly one key.")]
AccountKey = Annotated[AccountBy, argument(description="Exactly one key.")]
StepKey = Annotated[StepBy, argument(description="Exactly one key.")]


@strawberry.type(description="One source as the gateway sees it now. Reading it makes no upstream call.")
@face_of(status.SourceStatus)
class SourceStatus:
    source: Source = field("The source.")
    enabled: bool = field("Whether it is configured and enabled.")
    state: SourceState = field("The state of its meetings, according to the latest calls.")
    budget_remaining: int | None = field("Cost units that are left of the gateway's budget for it in this minute.")
    live: LiveMode = field("How the gateway learns of changes to its meetings.")
    last_change_at: dt.datetime | None = field("When a change was last noticed.")


async def node(info: ContextInfo, id: Id) -> Any:  # noqa: A002 - the specification's name
    """The record that an id names."""
    ref = decode_id(id, "id")
    (outcome,) = await nodes_by_refs(info, [ref])
    return _answer(outcome)


async def nodes(
    info: ContextInfo, ids: Annotated[list[strawberry.ID], argument(description="Global ids, at most 100.")]
) -> list[Any]:
    """The records that ids name, each in its id's place."""
    if len(ids) > MAX_NODES:
        raise BadUserInput(f"ids: has {len(ids)} values; the maximum is {MAX_NODES}.", argument="ids")
    refs: list[Ref | BadUserInput] = []
    for place, text in enumerate(ids):
        try:
            refs.append(decode_id(text, f"ids[{place}]"))
        except BadUserInput as error:
            refs.append(error)
    found = iter(await nodes_by_refs(info, [ref for ref in refs if isinstance(ref, Ref)]))
    return [next(found) if isinstance(ref, Ref) else ref for ref in refs]


async def meeting(info: ContextInfo, by: MeetingKey) -> Any:
    """A meeting by one of its keys."""
    return await find_meeting(info.context, by, LookAhead.of(info).attributes())


async def person(info: ContextInfo, by: PersonKey) -> Any:
    """A person by one of their keys."""
    return await find_person(info.context, by)


async def user(info: ContextInfo, by: UserKey) -> Any:
    """A team member by one of their keys."""
    return await find_user(info.context, by)


async def cadence(info: ContextInfo, by: CadenceKey) -> Any:
    """A cadence by one of its keys."""
    return await find_cadence(info.context, by)


async def account(info: ContextInfo, by: AccountKey) -> Any:
    """An account by one of its keys."""
    return await find_account(info.context, by)


async def step(info: ContextInfo, by: StepKey) -> Any:
    """A step by one of its keys."""
    return await find_step(info.context, by)


async def me(info: ContextInfo) -> Any:
    """The team member whose address the client's token has."""
    principal = info.context.principal
    if principal is None or principal.email is None:
        return None
    return await info.context.loaders.user_by_email.load(principal.email)


def sources(info: ContextInfo) -> list[Any]:
    """How each source is doing."""
    return list(info.context.states())


def _answer(outcome: object) -> Any:
    if isinstance(outcome, GatewayError):
        raise outcome
    return outcome


@strawberry.type(description="The entry points to the graph.")
class Query:
    node: Node | None = strawberry.field(
        resolver=node,
        metadata={PRICE: record_prices.node},
        description=(
            "Fetches a record by its global id. The id of a merged record returns the meeting that it is part of."
        ),
    )
    nodes: list[Node | None] = strawberry.field(
        resolver=nodes,
        metadata={PRICE: record_prices.nodes},
        description=(
            "Fetches records by their global ids, in the order of the ids; null where a record does not exist."
        ),
    )
    meetings: MeetingConnection | None = strawberry.field(
        resolver=meetings,
        metadata={PRICE: list_prices.meetings},
        description="Lists the meetings of all sources in one order, each event once.",
    )
    meeting_stats: MeetingStats | None = strawberry.field(
        resolver=meeting_stats,
        metadata={PRICE: list_prices.meeting_stats},
        description=(
            "Counts meetings, in total and in groups; each event is counted once, and cancelled ones "
            "are included unless `canceled` says otherwise. The filter requires `days`, or bounds on both "
            "sides of `startTime`, `createdAt` or `updatedAt`: every meeting in that range is read, up to "
            "`GATEWAY_STATS_ROWS`."
        ),
    )
    people: PersonConnection | None = strawberry.field(
        resolver=people,
        metadata={PRICE: list_prices.people},
        description="Lists the people in Salesloft, newest first. Those whom others alone know cannot be listed.",
    )
    users: UserConnection | None = strawberry.field(
        resolver=users,
        metadata={PRICE: list_prices.users},
        description="Lists the team members of all sources, each person once, ordered by name.",
    )
    cadences: CadenceConnection | None = strawberry.field(
        resolver=cadences, metadata={PRICE: list_prices.cadences}, description="Lists cadences, ordered by name."
    )
    accounts: AccountConnection | None = strawberry.field(
        resolver=accounts,
        metadata={PRICE: list_prices.accounts},
        description="Lists accounts, newest first.",
    )
    meeting: Meeting | None = strawberry.field(
        resolver=meeting,
        metadata={PRICE: record_prices.by_key(Kind.MEETING)},
        description="Fetches one meeting by one of its keys.",
    )
    person: Person | None = strawberry.field(
        resolver=person,
        metadata={PRICE: record_prices.by_key(Kind.PERSON)},
        description="Fetches one person by one of their keys.",
    )
    user: User | None = strawberry.field(
        resolver=user,
        metadata={PRICE: record_prices.by_key(Kind.USER)},
        description="Fetches one team member by one of their keys.",
    )
    cadence: Cadence | None = strawberry.field(
        resolver=cadence,
        metadata={PRICE: record_prices.by_key(Kind.CADENCE)},
        description="Fetches one cadence by one of its keys.",
    )
    account: Account | None = strawberry.field(
        resolver=account,
        metadata={PRICE: record_prices.by_key(Kind.ACCOUNT)},
        description="Fetches one account by one of its keys.",
    )
    step: Step | None = strawberry.field(
        resolver=step,
        metadata={PRICE: record_prices.by_key(Kind.STEP)},
        description="Fetches one step of a cadence by one of its keys.",
    )
    meeting_changes: MeetingChangePage | None = strawberry.field(
        resolver=meeting_changes,
        metadata={PRICE: price_of_changes},
        description=(
            "The changes since a cursor, for clients that poll. Without `since`, it returns only a "
            "cursor to start from. It starts with RESET if the changes since then are no longer "
            "known."
        ),
    )
    me: User | None = strawberry.field(
        resolver=me,
        metadata={PRICE: list_prices.me},
        description=(
            "The team member whose e-mail address the verified access token contains (`GATEWAY_JWT_EMAIL_CLAIM`); null "
            "for API keys and for an address that is not verified or that no team member has."
        ),
    )
    sources: list[SourceStatus] = strawberry.field(
        resolver=sources, metadata={PRICE: prices.free}, description="The current state of each source."
    )


async def nodes_by_refs(
    info: strawberry.Info[Context, None], refs: Sequence[Ref]
) -> list[Record | GatewayError | Exception | None]:
    """The record, error or None of each reference, in their order; one batch a kind."""
    fields = LookAhead.of(info).attributes()
    kinds = {ref.kind for ref in refs}
    answers = await asyncio.gather(
        *(nodes_of_kind(info.context, kind, [ref for ref in refs if ref.kind is kind], fields) for kind in kinds)
    )
    found = {ref: outcome for answer in answers for ref, outcome in answer.items()}
    return [found[ref] for ref in refs]


async def nodes_of_kind(
    context: Context, kind: Kind, refs: Sequence[Ref], fields: frozenset[str]
) -> dict[Ref, Record | Exception | None]:
    """The record, error or None of each reference, all of one kind; an error each where its scope is missing."""
    mine = list(dict.fromkeys(refs))
    try:
        check(context.principal, frozenset({KIND_SCOPES[kind]}))
    except Forbidden as refusal:
        return dict.fromkeys(mine, refusal)
    if kind is Kind.MEETING:
        return dict(await context.catalog.meetings.by_refs(context.request, mine, fields))
    return dict(zip(mine, await _loader(context, kind).load_level(mine), strict=True))


def _loader(context: Context, kind: Kind) -> LevelLoader[Ref, Any]:
    loader: LevelLoader[Ref, Any] = getattr(context.loaders, LOADERS[kind])
    return loader


LOADERS = {
    Kind.PERSON: "person_by_ref",
    Kind.USER: "user_by_ref",
    Kind.CADENCE: "cadence_by_ref",
    Kind.STEP: "step_by_ref",
    Kind.ACCOUNT: "account_by_ref",
    Kind.TASK: "task_by_ref",
    Kind.CONVERSATION: "conversation_by_ref",
}
"""The loader of each kind but meetings, whose fields decide what is looked up."""
