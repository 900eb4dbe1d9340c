"""`Query`: the doors into the graph."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import argument

from gateway.errors import BadUserInput, GatewayError
from gateway.graph import status
from gateway.graph.cost import lists as list_prices
from gateway.graph.cost import prices
from gateway.graph.cost import records as record_prices
from gateway.graph.cost.prices import PRICE
from gateway.graph.enums import Source, SourceState
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
from gateway.graph.lists import accounts, cadences, people, users
from gateway.graph.lookahead import LookAhead
from gateway.graph.node import Node, face_of
from gateway.graph.nodes import nodes_by_refs
from gateway.graph.relation import field
from gateway.graph.types.account import Account
from gateway.graph.types.cadence import Cadence, Step
from gateway.graph.types.connection import (
    AccountConnection,
    CadenceConnection,
    MeetingConnection,
    PersonConnection,
    UserConnection,
)
from gateway.graph.types.meeting import Meeting
from gateway.graph.types.person import Person
from gateway.graph.types.user import User
from gateway.graph.under import meetings
from gateway.model.records import Kind, Ref

MOST_NODES = 100
"""Ids that `nodes` takes: what one upstream call takes."""

Id = Annotated[strawberry.ID, argument(description="A global id.")]
MeetingKey = Annotated[MeetingBy, argument(description="Exactly one key.")]
PersonKey = Annotated[PersonBy, argument(description="Exactly one key.")]
UserKey = Annotated[UserBy, argument(description="Exactly one key.")]
CadenceKey = Annotated[CadenceBy, argument(description="Exactly one key.")]
AccountKey = Annotated[AccountBy, argument(description="Exactly one key.")]
StepKey = Annotated[StepBy, argument(description="Exactly one key.")]


@strawberry.type(description="One source, as the gateway sees it right now; told without calling it.")
@face_of(status.SourceStatus)
class SourceStatus:
    source: Source = field("The source.")
    enabled: bool = field("Whether it is configured and switched on.")
    state: SourceState = field("How it is, by its meetings: what their last calls showed.")
    budget_remaining: int | None = field("Cost units left of the gateway's budget for it in this minute.")


async def node(info: ContextInfo, id: Id) -> Any:  # noqa: A002 - the specification's name
    """The record that an id names."""
    ref = decode_id(id, "id")
    (outcome,) = await nodes_by_refs(info, [ref])
    return _answer(outcome)


async def nodes(
    info: ContextInfo, ids: Annotated[list[strawberry.ID], argument(description="Global ids, at most 100.")]
) -> list[Any]:
    """The records that ids name, each in its id's place."""
    if len(ids) > MOST_NODES:
        raise BadUserInput(f"ids: has {len(ids)} values; at most {MOST_NODES} are taken.", argument="ids")
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


def sources(info: ContextInfo) -> list[Any]:
    """How each source is doing."""
    return list(info.context.states())


def _answer(outcome: object) -> Any:
    if isinstance(outcome, GatewayError):
        raise outcome
    return outcome


@strawberry.type(description="Meetings booked in Salesloft and Drift, as one graph.")
class Query:
    node: Node | None = strawberry.field(
        resolver=node,
        metadata={PRICE: record_prices.node},
        description="The record with a global id; the id of a folded record finds the meeting that holds it.",
    )
    nodes: list[Node | None] = strawberry.field(
        resolver=nodes,
        metadata={PRICE: record_prices.nodes},
        description="The records with these global ids, each in its id's place; null where there is none.",
    )
    meetings: MeetingConnection | None = strawberry.field(
        resolver=meetings,
        metadata={PRICE: list_prices.meetings},
        description="Meetings of every source in one order, each event once.",
    )
    people: PersonConnection | None = strawberry.field(
        resolver=people,
        metadata={PRICE: list_prices.people},
        description="Salesloft's people, newest first. Drift's contacts cannot be listed.",
    )
    users: UserConnection | None = strawberry.field(
        resolver=users,
        metadata={PRICE: list_prices.users},
        description="The team of every source, each person once, by name.",
    )
    cadences: CadenceConnection | None = strawberry.field(
        resolver=cadences, metadata={PRICE: list_prices.cadences}, description="Cadences, by name."
    )
    accounts: AccountConnection | None = strawberry.field(
        resolver=accounts,
        metadata={PRICE: list_prices.accounts},
        description="Accounts, newest first.",
    )
    meeting: Meeting | None = strawberry.field(
        resolver=meeting,
        metadata={PRICE: record_prices.by_key(Kind.MEETING)},
        description="One meeting, by exactly one key.",
    )
    person: Person | None = strawberry.field(
        resolver=person,
        metadata={PRICE: record_prices.by_key(Kind.PERSON)},
        description="One person, by exactly one key.",
    )
    user: User | None = strawberry.field(
        resolver=user,
        metadata={PRICE: record_prices.by_key(Kind.USER)},
        description="One team member, by exactly one key.",
    )
    cadence: Cadence | None = strawberry.field(
        resolver=cadence,
        metadata={PRICE: record_prices.by_key(Kind.CADENCE)},
        description="One cadence, by exactly one key.",
    )
    account: Account | None = strawberry.field(
        resolver=account,
        metadata={PRICE: record_prices.by_key(Kind.ACCOUNT)},
        description="One account, by exactly one key.",
    )
    step: Step | None = strawberry.field(
        resolver=step,
        metadata={PRICE: record_prices.by_key(Kind.STEP)},
        description="One step of a cadence, by exactly one key.",
    )
    sources: list[SourceStatus] = strawberry.field(
        resolver=sources, metadata={PRICE: prices.free}, description="How each source is doing."
    )
