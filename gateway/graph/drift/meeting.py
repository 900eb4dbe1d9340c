"""`DriftMeeting`: a meeting as Drift sends it (Drift: Meeting model)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry

from gateway.graph.drift.reading import instant
from gateway.graph.folded import face_of_row
from gateway.graph.relation import explain, field
from gateway.sources.drift import wire


def _join_url(details: Any) -> str | None:
    url: str | None = details.join_url if details.join_url is not None else details.camel_join_url
    if url is None:
        explain(details, "join_url")
        explain(details, "camel_join_url")
    return url


@strawberry.type(description="How to join a video call.")
@face_of_row(wire.ConferenceDetails)
class DriftConferenceDetails:
    join_url: str | None = field("The link.", _join_url)


@strawberry.type(description="A meeting as Drift sends it: every documented field, in the vendor's words.")
@face_of_row(wire.Meeting)
class DriftMeeting:
    agent_id: strawberry.ID | None = field("The Drift user who holds it.")
    org_id: strawberry.ID | None = field("The organization.")
    status: str | None = field("`ACTIVE`, `CANCELED`, or a word added since.")
    meeting_source: str | None = field("Where it was booked, such as `EMAIL_DROP`.")
    scheduler_id: strawberry.ID | None = field("The contact who booked it.")
    event_id: str | None = field("The calendar event's id.")
    slug: str = field("The meeting's id.")
    slot_start: dt.datetime | None = field("When it starts.", instant("slot_start"))
    slot_end: dt.datetime | None = field("When it ends.", instant("slot_end"))
    updated_at: dt.datetime | None = field("When it last changed.", instant("updated_at"))
    scheduled_at: dt.datetime | None = field("When it was booked.", instant("scheduled_at"))
    meeting_type: str | None = field("The kind of meeting, such as `New Meeting`.")
    conversation_id: strawberry.ID | None = field("The chat that it was booked in.")
    end_user_time_zone: str | None = field("The visitor's time zone.")
    meeting_notes: str | None = field("What the visitor wrote.", personal=True)
    booked_by: strawberry.ID | None = field("The Drift user who booked it, if one did.")
    conference_type: str | None = field("The kind of video call, such as `ZOOM`.")
    conference_details: DriftConferenceDetails | None = field("How to join the video call.")
    is_recurring: bool | None = field("Whether it repeats.")
    is_private: bool | None = field("Whether it is private.")
    meeting_slug: str | None = field("The slug of the calendar page that it was booked on.")
    is_org_slug: bool | None = field("Whether that page is the organization's.")
