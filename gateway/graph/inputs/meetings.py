"""The inputs of `meetings`: order and filter, the vendors' own among them, and what they come to in the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import strawberry

from gateway.errors import BadUserInput
from gateway.graph.enums import CanceledFilter, MeetingOrderField, MeetingStatus, OrderDirection, Source, meaning
from gateway.graph.inputs.values import DateTimeRange, address, condition, given, guid, keys, listed, number, refs, span
from gateway.model import filters, records
from gateway.model.order import Order
from gateway.model.records import Kind
from gateway.model.records import MeetingStatus as Status
from gateway.sources.drift import wire as drift_wire
from gateway.sources.salesloft import wire as salesloft_wire


@strawberry.input(description="The order of a list of meetings.")
class MeetingOrder:
    field: MeetingOrderField = strawberry.field(
        default=MeetingOrderField.START_TIME, description="The time that the order goes by."
    )
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="Which way it goes; rows without that time come last either way."
    )


@strawberry.input(
    description=(
        "Conditions on meetings, all of them ANDed. A null condition is none; an empty list matches nothing and costs "
        "no call; a list has at most 100 values."
    )
)
class MeetingFilter:
    ids: list[strawberry.ID] | None = condition("Global ids of meetings; those of folded records count.")
    sources: list[Source] | None = condition("Only these sources. `[DRIFT]` lists Drift's rows unfolded.")
    status: list[MeetingStatus] | None = condition("Only these states.")
    canceled: CanceledFilter | None = condition(
        "Whether cancelled meetings are listed: not, unless `status` names CANCELED, `ids` are given or "
        "`salesloft.showDeleted` decides."
    )
    no_show: bool | None = condition("Whether the other side did not come; false keeps what is not known to be one.")
    start_time: DateTimeRange | None = condition("When it starts.")
    end_time: DateTimeRange | None = condition("When it ends; needs a bound on `startTime`.")
    created_at: DateTimeRange | None = condition("When it was booked.")
    updated_at: DateTimeRange | None = condition("When its record last changed.")
    person_ids: list[strawberry.ID] | None = condition(
        "Global ids of people: the recipient or booker, in every source."
    )
    person_emails: list[str] | None = condition(
        "Addresses of people: the recipient or booker, in every source.", personal=True
    )
    attendee_emails: list[str] | None = condition(
        "Addresses of attendees or guests; needs a bound on `startTime`.", personal=True
    )
    owner_ids: list[strawberry.ID] | None = condition("Global ids of the team members who hold it.")
    owner_emails: list[str] | None = condition("Addresses of the team members who hold it.", personal=True)
    booked_by_ids: list[strawberry.ID] | None = condition("Global ids of the team members who booked it.")
    cadence_ids: list[strawberry.ID] | None = condition("Global ids of cadences. Only Salesloft's meetings have one.")
    step_ids: list[strawberry.ID] | None = condition("Global ids of steps. Only Salesloft's meetings have one.")
    account_ids: list[strawberry.ID] | None = condition("Global ids of accounts. Only Salesloft's meetings have one.")
    calendar_event_ids: list[str] | None = condition("The calendar's ids of events.")
    i_cal_uids: list[str] | None = condition("iCalendar UIDs; a series shares one. Only Salesloft knows them.")
    salesloft: SalesloftMeetingFilter | None = condition(
        "Salesloft's own filters, in the vendor's words; they hold on Salesloft's record."
    )
    drift: DriftMeetingFilter | None = condition(
        "Drift's own filters, in the vendor's words; they hold on Drift's record."
    )


def order_of(order: MeetingOrder | None) -> Order:
    """The order asked for; a null one is the default."""
    if order is None:
        return Order()
    return Order(meaning(order.field), descending=order.direction is OrderDirection.DESC)


def filter_of(asked: MeetingFilter | None, argument: str = "filter") -> filters.MeetingFilter:
    """The conditions asked for.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    if asked is None:
        return filters.MeetingFilter()
    start_time = span(asked.start_time, f"{argument}.startTime")
    _bound(asked, start_time, argument)
    sources = listed(asked.sources, f"{argument}.sources")
    status = listed(asked.status, f"{argument}.status")
    ids = refs(asked.ids, f"{argument}.ids", Kind.MEETING)
    states: frozenset[Status] | None = None if status is None else frozenset(map(meaning, status))
    own, hopeless = _own(asked, argument)
    wanted = filters.MeetingFilter(
        ids=ids,
        sources=None if sources is None else frozenset(map(meaning, sources)),
        status=states,
        canceled=_canceled(asked, states),
        no_show=given(asked.no_show),
        start_time=start_time,
        end_time=span(asked.end_time, f"{argument}.endTime"),
        created_at=span(asked.created_at, f"{argument}.createdAt"),
        updated_at=span(asked.updated_at, f"{argument}.updatedAt"),
        person_ids=refs(asked.person_ids, f"{argument}.personIds", Kind.PERSON),
        person_emails=keys(asked.person_emails, f"{argument}.personEmails", address),
        attendee_emails=keys(asked.attendee_emails, f"{argument}.attendeeEmails", address),
        owner_ids=refs(asked.owner_ids, f"{argument}.ownerIds", Kind.USER),
        owner_emails=keys(asked.owner_emails, f"{argument}.ownerEmails", address),
        booked_by_ids=refs(asked.booked_by_ids, f"{argument}.bookedByIds", Kind.USER),
        cadence_ids=refs(asked.cadence_ids, f"{argument}.cadenceIds", Kind.CADENCE),
        step_ids=refs(asked.step_ids, f"{argument}.stepIds", Kind.STEP),
        account_ids=refs(asked.account_ids, f"{argument}.accountIds", Kind.ACCOUNT),
        calendar_event_ids=keys(asked.calendar_event_ids, f"{argument}.calendarEventIds"),
        i_cal_uids=keys(asked.i_cal_uids, f"{argument}.iCalUids"),
        own=own,
    )
    return msgspec.structs.replace(wanted, ids=frozenset()) if hopeless else wanted


def _own(asked: MeetingFilter, argument: str) -> tuple[Mapping[records.Source, object], bool]:
    """The vendors' own conditions, and whether nothing can meet them; an input without any is none."""
    salesloft, drift = given(asked.salesloft), given(asked.drift)
    own: dict[records.Source, object] = {}
    hopeless = False
    if salesloft is not None:
        hub = salesloft_conditions(salesloft, f"{argument}.salesloft")
        if hub is not None:
            own[records.Source.SALESLOFT] = hub
            hopeless = _salesloft_impossible(hub)
    if drift is not None:
        chat = drift_conditions(drift, f"{argument}.drift")
        if chat is not None:
            own[records.Source.DRIFT] = chat
            hopeless = hopeless or _drift_impossible(chat)
    return own, hopeless


def _bound(asked: MeetingFilter, start_time: filters.TimeRange | None, argument: str) -> None:
    """Refuses conditions that only a look at every meeting could answer.

    Raises:
        BadUserInput: There is one.
    """
    needs_bound = {"endTime": asked.end_time, "attendeeEmails": asked.attendee_emails}
    for name, value in needs_bound.items():
        if given(value) and (start_time is None or not start_time.bounded):
            where = f"{argument}.{name}"
            raise BadUserInput(
                f"{where}: is checked row by row and needs a bound on startTime beside it.", argument=where
            )


def _canceled(asked: MeetingFilter, states: frozenset[Status] | None) -> filters.Canceled:
    canceled = given(asked.canceled)
    if canceled is not None:
        chosen: filters.Canceled = meaning(canceled)
        return chosen
    salesloft = given(asked.salesloft)
    decides = salesloft is not None and given(salesloft.show_deleted) is not None
    named = given(asked.ids) is not None or (states is not None and Status.CANCELED in states)
    return filters.Canceled.INCLUDE if named or decides else filters.Canceled.EXCLUDE


STATUS_WORDS = ("pending", "booked", "failed", "retry")
"""What `status` takes (Salesloft: List meetings); any other word is refused upstream."""


@strawberry.input(
    description=(
        "Every filter that Salesloft's list of meetings has, in its words. All are ANDed, but `eventIds` and "
        "`iCalUids`, of which one is enough. Where a meeting does not bear the value, Salesloft's own word stands."
    )
)
class SalesloftMeetingFilter:
    ids: list[strawberry.ID] | None = condition("Ids of meetings.")
    status: str | None = condition("The state of the booking: `pending`, `booked`, `failed` or `retry`.")
    person_id: list[strawberry.ID] | None = condition("Ids of people; several may be given.")
    account_id: list[strawberry.ID] | None = condition("Ids of accounts; several may be given.")
    person_ids: list[strawberry.ID] | None = condition("Ids of people.")
    event_ids: list[str] | None = condition("Ids of calendar events.")
    i_cal_uids: list[str] | None = condition("UIDs of calendar events.")
    task_ids: list[strawberry.ID] | None = condition("Ids of tasks.")
    start_time: DateTimeRange | None = condition("When it starts.")
    created_at: DateTimeRange | None = condition("When it was made.")
    user_guids: list[strawberry.ID] | None = condition("GUIDs of owners.")
    show_deleted: bool | None = condition("True: cancelled meetings only; false: active ones only.")
    booked_by_user_uuid: strawberry.ID | None = condition("The GUID of the booker.")
    no_show: bool | None = condition("True: no-shows only; false: all others only.")
    meeting_type_id: list[strawberry.ID] | None = condition(
        "Ids of meeting types, or the word `default_personal_meeting`; several may be given."
    )
    cadence_id: strawberry.ID | None = condition("The id of a cadence.")
    step_id: strawberry.ID | None = condition("The id of a step.")


def salesloft_conditions(asked: SalesloftMeetingFilter, argument: str) -> salesloft_wire.MeetingConditions | None:
    """The conditions asked for; None where there is none.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    found = salesloft_wire.MeetingConditions(
        ids=keys(asked.ids, f"{argument}.ids", number),
        status=_status(given(asked.status), f"{argument}.status"),
        person_id=keys(asked.person_id, f"{argument}.personId", number),
        account_id=keys(asked.account_id, f"{argument}.accountId", number),
        person_ids=keys(asked.person_ids, f"{argument}.personIds", number),
        event_ids=keys(asked.event_ids, f"{argument}.eventIds"),
        i_cal_uids=keys(asked.i_cal_uids, f"{argument}.iCalUids"),
        task_ids=keys(asked.task_ids, f"{argument}.taskIds", number),
        start_time=span(asked.start_time, f"{argument}.startTime"),
        created_at=span(asked.created_at, f"{argument}.createdAt"),
        user_guids=keys(asked.user_guids, f"{argument}.userGuids", guid),
        show_deleted=given(asked.show_deleted),
        booked_by_user_uuid=_one(guid, asked.booked_by_user_uuid, f"{argument}.bookedByUserUuid"),
        no_show=given(asked.no_show),
        meeting_type_id=keys(asked.meeting_type_id, f"{argument}.meetingTypeId", _type),
        cadence_id=_one(number, asked.cadence_id, f"{argument}.cadenceId"),
        step_id=_one(number, asked.step_id, f"{argument}.stepId"),
    )
    return None if found == salesloft_wire.MeetingConditions() else found


def _salesloft_impossible(own: salesloft_wire.MeetingConditions) -> bool:
    """Whether nothing can match: an empty list, of which one beside a filled one is none where they are ORed."""
    either = [values for values in (own.event_ids, own.i_cal_uids) if values is not None]
    if either and not any(either):
        return True
    values = msgspec.structs.asdict(own)
    return any(
        isinstance(value, frozenset) and not value
        for name, value in values.items()
        if name not in {"event_ids", "i_cal_uids"}
    )


def _status(text: str | None, argument: str) -> str | None:
    if text is not None and text not in STATUS_WORDS:
        raise BadUserInput(f"{argument}: must be one of {', '.join(STATUS_WORDS)}.", argument=argument)
    return text


def _type(text: str, argument: str) -> str:
    return text if text == salesloft_wire.DEFAULT_PERSONAL_MEETING else number(text, argument)


def _one(read: Callable[[str, str], str], text: str | None, argument: str) -> str | None:
    known = given(text)
    return None if known is None else read(known, argument)


@strawberry.input(
    description=(
        "Conditions on Drift's record of a meeting, in its words; all are ANDed, and checked here, since Drift filters "
        "on nothing. A meeting that lacks the value does not match."
    )
)
class DriftMeetingFilter:
    status: list[str] | None = condition("States, such as `ACTIVE`, in any case.")
    meeting_source: list[str] | None = condition("Where it was booked, such as `EMAIL_DROP`, in any case.")
    meeting_type: list[str] | None = condition("Kinds of meeting, such as `New Meeting`, in any case.")
    agent_ids: list[strawberry.ID] | None = condition("Ids of the Drift users who hold it.")
    scheduler_ids: list[strawberry.ID] | None = condition("Ids of the contacts who booked it.")
    conversation_ids: list[strawberry.ID] | None = condition("Ids of the chats that it was booked in.")
    booked_by_ids: list[strawberry.ID] | None = condition("Ids of the Drift users who booked it.")


def drift_conditions(asked: DriftMeetingFilter, argument: str) -> drift_wire.MeetingConditions | None:
    """The conditions asked for; None where there is none.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    found = drift_wire.MeetingConditions(
        status=keys(asked.status, f"{argument}.status"),
        meeting_source=keys(asked.meeting_source, f"{argument}.meetingSource"),
        meeting_type=keys(asked.meeting_type, f"{argument}.meetingType"),
        agent_ids=keys(asked.agent_ids, f"{argument}.agentIds", number),
        scheduler_ids=keys(asked.scheduler_ids, f"{argument}.schedulerIds", number),
        conversation_ids=keys(asked.conversation_ids, f"{argument}.conversationIds", number),
        booked_by_ids=keys(asked.booked_by_ids, f"{argument}.bookedByIds", number),
    )
    return None if found == drift_wire.MeetingConditions() else found


def _drift_impossible(own: drift_wire.MeetingConditions) -> bool:
    """Whether nothing can match."""
    return own.impossible
