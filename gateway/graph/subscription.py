"""`Subscription`, and the same log of changes for those who poll."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import argument

from gateway.catalog.changes import Admission
from gateway.errors import BadUserInput, LiveUpdatesOff
from gateway.graph.context import Context
from gateway.graph.cost.prices import PRICE, Asked, Priced
from gateway.graph.inputs.meetings import filter_of
from gateway.graph.inputs.paging import UNSET, ContextInfo
from gateway.graph.inputs.values import given
from gateway.graph.meeting_lists import Filter
from gateway.graph.types.change import ChangePageRecord, MeetingChange, change_record
from gateway.live.admission import AdmissionOf
from gateway.live.live import Live
from gateway.live.log import Cursor
from gateway.model.records import Kind
from gateway.request import Request

MAX_CHANGES = 500
DEFAULT_CHANGES = 100

Since = Annotated[
    str | None,
    argument(
        description=(
            "The cursor of a change, a page of changes or a stream. If it is null, changes are reported from now on."
        )
    ),
]
FirstChanges = Annotated[int, argument(description=f"How many changes, 1 to {MAX_CHANGES}.")]


def admission_of(context: Context, filter: Filter) -> AdmissionOf:  # noqa: A002 - the contract's name
    """Finds out whom a filter means.

    Raises:
        BadUserInput: It is not a valid filter.
    """
    wanted = filter_of(given(filter))
    joined = context.catalog.meetings.joined

    async def find(request: Request) -> Admission:
        return await Admission.of(joined, request, wanted)

    return find


def live_of(context: Context) -> Live:
    """The source of changes.

    Raises:
        LiveUpdatesOff: It is switched off.
    """
    if context.live is None:
        raise LiveUpdatesOff
    return context.live


def since_of(live: Live, since: str | None) -> Cursor | None:
    """Where to begin; an empty text means from now on, as clients send that have no cursor yet.

    Raises:
        BadUserInput: The text is not a cursor.
    """
    text = given(since)
    return live.cursor(text) if text else None


async def meeting_changes(
    info: ContextInfo,
    since: Since = UNSET,
    first: FirstChanges = DEFAULT_CHANGES,
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
) -> Any:
    """A page of the log."""
    if not 1 <= first <= MAX_CHANGES:
        raise BadUserInput(f"first: must be from 1 to {MAX_CHANGES}, not {first}.", argument="first")
    live = live_of(info.context)
    find, start = admission_of(info.context, filter), since_of(live, since)
    info.context.momentary()
    events, cursor, more = await live.changes(find, start, first)
    return ChangePageRecord(changes=list(map(change_record, events)), cursor=cursor, more=more)


async def meeting_changed(
    info: ContextInfo,
    filter: Filter = UNSET,  # noqa: A002 - the contract's name
    since: Since = UNSET,
) -> Any:
    """The change that the operation is run for; where it begins, that it does."""
    context = info.context
    event = context.event
    if event is None:
        live = live_of(context)
        find, start = admission_of(context, filter), since_of(live, context.resume or since)
        await find(context.request)  # the people in the filter have to be known before anything is reported
        context.momentary()
        context.follower, event = await live.begin(find, start)
    return change_record(event)


def price_of_changes(asked: Asked) -> Priced:
    """`meetingChanges`: its meetings by their ids."""
    given_first = asked.arguments.get("first")
    first = min(given_first, MAX_CHANGES) if isinstance(given_first, int) else DEFAULT_CHANGES
    needs = asked.prices.by_refs(Kind.MEETING, max(first, 0))
    return Priced(needs, {"MeetingChangePage": 1, "MeetingChange": max(first, 0)})


def price_of_change(asked: Asked) -> Priced:
    """`meetingChanged`: one meeting, for each change."""
    return Priced(asked.prices.by_refs(Kind.MEETING, 1), {"MeetingChange": 1})


@strawberry.type(description="Changes as they happen.")
class Subscription:
    meeting_changed: MeetingChange = strawberry.field(
        resolver=meeting_changed,
        metadata={PRICE: price_of_change},
        description=(
            "Changes of the meetings that match a filter. The first event is READY, or RESET if the "
            "changes since the cursor are no longer known. Times in the filter are those at the "
            "start of the subscription."
        ),
    )
