"""`SalesloftMeetingFilter`: every filter of `GET /v2/meetings`, under its own name in camelCase."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import strawberry

from gateway.errors import BadUserInput
from gateway.graph.conditions import DateTimeRange, condition, given, keys, span
from gateway.graph.texts import guid, number
from gateway.sources.salesloft.wire import DEFAULT_PERSONAL_MEETING, MeetingConditions

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


def conditions(asked: SalesloftMeetingFilter, argument: str) -> MeetingConditions | None:
    """The conditions asked for; None where there is none.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    found = MeetingConditions(
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
    return None if found == MeetingConditions() else found


def impossible(own: MeetingConditions) -> bool:
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
    return text if text == DEFAULT_PERSONAL_MEETING else number(text, argument)


def _one(read: Callable[[str, str], str], text: str | None, argument: str) -> str | None:
    known = given(text)
    return None if known is None else read(known, argument)
