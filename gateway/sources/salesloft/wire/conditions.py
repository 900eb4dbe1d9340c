"""Salesloft's own filter of meetings."""

from __future__ import annotations

import msgspec

from gateway.model.filters import TimeRange

DEFAULT_PERSONAL_MEETING = "default_personal_meeting"
"""A value of `meeting_type_id` that is a word."""


class MeetingConditions(msgspec.Struct, frozen=True, kw_only=True):
    """Every filter of `GET /v2/meetings` (Salesloft: List meetings), in its own names.

    All are ANDed, but `event_ids` and `i_cal_uids`, one of which is enough. None is no condition; an empty set matches
    nothing. Ids are text. A set stands where the document lets several values be given.

    Attributes:
        status: The state of the booking, in the vendor's word.
        user_guids: The owner's GUIDs; `booked_by_user_uuid` is the booker's.
        show_deleted: True is cancelled meetings only, False active ones only.
        no_show: True is no-shows only, False all others.
        meeting_type_id: May hold the word `default_personal_meeting`.
    """

    ids: frozenset[str] | None = None
    status: str | None = None
    person_id: frozenset[str] | None = None
    account_id: frozenset[str] | None = None
    person_ids: frozenset[str] | None = None
    event_ids: frozenset[str] | None = None
    i_cal_uids: frozenset[str] | None = None
    task_ids: frozenset[str] | None = None
    start_time: TimeRange | None = None
    created_at: TimeRange | None = None
    user_guids: frozenset[str] | None = None
    show_deleted: bool | None = None
    booked_by_user_uuid: str | None = None
    no_show: bool | None = None
    meeting_type_id: frozenset[str] | None = None
    cadence_id: str | None = None
    step_id: str | None = None
