"""`DriftMeetingFilter`: conditions on Drift's own record of a meeting, in its words."""

from __future__ import annotations

import strawberry

from gateway.graph.conditions import condition, numbers, words
from gateway.sources.drift.wire import MeetingConditions


@strawberry.input(
    description=(
        "Conditions on Drift's record of a meeting, in its words; all are ANDed, and checked here, since Drift filters "
        "on nothing. A value that a meeting lacks passes."
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
        status=words(asked.status, f"{argument}.status"),
        meeting_source=words(asked.meeting_source, f"{argument}.meetingSource"),
        meeting_type=words(asked.meeting_type, f"{argument}.meetingType"),
        agent_ids=numbers(asked.agent_ids, f"{argument}.agentIds"),
        scheduler_ids=numbers(asked.scheduler_ids, f"{argument}.schedulerIds"),
        conversation_ids=numbers(asked.conversation_ids, f"{argument}.conversationIds"),
        booked_by_ids=numbers(asked.booked_by_ids, f"{argument}.bookedByIds"),
    )
    return None if found == MeetingConditions() else found


def impossible(own: MeetingConditions) -> bool:
    """Whether nothing can match."""
    return own.impossible
