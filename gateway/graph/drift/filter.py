"""`DriftMeetingFilter`: conditions on Drift's own record of a meeting, in its words."""

from __future__ import annotations

import strawberry

from gateway.graph.conditions import condition, keys
from gateway.graph.texts import number
from gateway.sources.drift.wire import MeetingConditions


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


def conditions(asked: DriftMeetingFilter, argument: str) -> MeetingConditions | None:
    """The conditions asked for; None where there is none.

    Raises:
        BadUserInput: One of them cannot be meant; `argument` names it.
    """
    found = MeetingConditions(
        status=keys(asked.status, f"{argument}.status"),
        meeting_source=keys(asked.meeting_source, f"{argument}.meetingSource"),
        meeting_type=keys(asked.meeting_type, f"{argument}.meetingType"),
        agent_ids=keys(asked.agent_ids, f"{argument}.agentIds", number),
        scheduler_ids=keys(asked.scheduler_ids, f"{argument}.schedulerIds", number),
        conversation_ids=keys(asked.conversation_ids, f"{argument}.conversationIds", number),
        booked_by_ids=keys(asked.booked_by_ids, f"{argument}.bookedByIds", number),
    )
    return None if found == MeetingConditions() else found


def impossible(own: MeetingConditions) -> bool:
    """Whether nothing can match."""
    return own.impossible
