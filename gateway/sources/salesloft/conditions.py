"""Salesloft's own filter of meetings, and whether it holds on a record; pure."""

from __future__ import annotations

from typing import Annotated

from gateway.model.conditions import ByFlag, ByText, ByTexts, ByTime, Condition, Form, OwnConditions, Texts, TimeRange
from gateway.model.filters import MeetingFilter
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.sources.salesloft import wire

DEFAULT_PERSONAL_MEETING = "default_personal_meeting"
"""A value of `meeting_type_id` that is a word."""

STATUS_WORDS = ("pending", "booked", "failed", "retry")
"""What `status` takes (Salesloft: List meetings); any other word is refused upstream."""


def id_of(value: wire.Id | wire.Stub | None) -> str | None:
    """An id as text."""
    found = value.id if isinstance(value, wire.Stub) else value
    return None if found is None else str(found)


class MeetingConditions(OwnConditions[wire.Meeting], frozen=True, kw_only=True):
    """Every filter of `GET /v2/meetings` (Salesloft: List meetings), in its own names.

    All are ANDed, but `event_ids` and `i_cal_uids`, one of which is enough. None is no condition; an empty set matches
    nothing. Ids are text. A set stands where the document lets several values be given. `admits` checks them,
    since a record that lacks a value may meet them all the same.

    Attributes:
        status: The state of the booking, in the vendor's word.
        user_guids: The owner's GUIDs; `booked_by_user_uuid` is the booker's.
        show_deleted: True is cancelled meetings only, False active ones only.
        no_show: True is no-shows only, False all others.
        meeting_type_id: May hold the word `default_personal_meeting`.
    """

    ids: Annotated[Texts, Condition(ByTexts(Form.NUMBER), "Ids of meetings.", of=lambda sent: id_of(sent.id))] = None
    status: Annotated[
        str | None,
        Condition(
            ByText(None, STATUS_WORDS),
            "The status of the booking: `pending`, `booked`, `failed` or `retry`.",
            of=lambda sent: sent.status,
        ),
    ] = None
    person_id: Annotated[
        Texts,
        Condition(ByTexts(Form.NUMBER), "Ids of people; several may be given.", of=lambda sent: id_of(sent.person)),
    ] = None
    account_id: Annotated[
        Texts,
        Condition(
            ByTexts(Form.NUMBER), "Ids of accounts; several may be given.", of=lambda sent: id_of(sent.account_id)
        ),
    ] = None
    person_ids: Annotated[
        Texts, Condition(ByTexts(Form.NUMBER), "Ids of people.", of=lambda sent: id_of(sent.person))
    ] = None
    event_ids: Annotated[
        Texts, Condition(ByTexts(), "Ids of calendar events.", of=lambda sent: sent.event_id or None)
    ] = None
    i_cal_uids: Annotated[
        Texts, Condition(ByTexts(), "UIDs of calendar events.", of=lambda sent: sent.i_cal_uid or None)
    ] = None
    task_ids: Annotated[
        Texts, Condition(ByTexts(Form.NUMBER), "Ids of tasks.", of=lambda sent: id_of(sent.task_id))
    ] = None
    start_time: Annotated[TimeRange | None, Condition(ByTime(), "When it starts.")] = None
    created_at: Annotated[TimeRange | None, Condition(ByTime(), "When it was created.")] = None
    user_guids: Annotated[
        Texts, Condition(ByTexts(Form.GUID), "GUIDs of owners.", of=lambda sent: id_of(sent.owned_by_user))
    ] = None
    show_deleted: Annotated[
        bool | None, Condition(ByFlag(), "True: only cancelled meetings. False: only active ones.")
    ] = None
    booked_by_user_uuid: Annotated[
        str | None,
        Condition(ByText(Form.GUID), "The GUID of the user who booked it.", of=lambda sent: id_of(sent.booked_by_user)),
    ] = None
    no_show: Annotated[bool | None, Condition(ByFlag(), "True: only no-shows. False: only the others.")] = None
    meeting_type_id: Annotated[
        Texts,
        Condition(
            ByTexts(Form.NUMBER, (DEFAULT_PERSONAL_MEETING,)),
            "Ids of meeting types, or the word `default_personal_meeting`; several may be given.",
            of=lambda sent: id_of(sent.meeting_type_id),
        ),
    ] = None
    cadence_id: Annotated[
        str | None, Condition(ByText(Form.NUMBER), "The id of a cadence.", of=lambda sent: id_of(sent.cadence))
    ] = None
    step_id: Annotated[
        str | None, Condition(ByText(Form.NUMBER), "The id of a step.", of=lambda sent: id_of(sent.step))
    ] = None

    @property
    def impossible(self) -> bool:
        """Whether some condition is an empty set; of the two on events only both together are."""
        events = [values for values in (self.event_ids, self.i_cal_uids) if values is not None]
        others = (value for name, _, value in self.given() if name not in EVENTS)
        return bool(events and not any(events)) or any(value == frozenset() for value in others)

    @property
    def decides_cancelled(self) -> bool:
        """Whether `show_deleted` says so."""
        return self.show_deleted is not None


NOTHING: frozenset[str] = frozenset()
ALL = frozenset(MeetingConditions.__struct_fields__)
NO_CONDITIONS = MeetingConditions()
EVENTS = frozenset({"event_ids", "i_cal_uids"})
"""Conditions that Salesloft ORs."""


def conditions(wanted: MeetingFilter) -> MeetingConditions:
    """Salesloft's own part of a filter."""
    own = wanted.own.get(Source.SALESLOFT)
    return own if isinstance(own, MeetingConditions) else NO_CONDITIONS


def admits(own: MeetingConditions, meeting: Meeting, strict: frozenset[str] = NOTHING) -> bool:
    """Whether every condition holds.

    Args:
        own: The conditions.
        meeting: A record of Salesloft's, folded or not; its own values count.
        strict: Names of conditions that were not asked of Salesloft, which a record that lacks the value does not meet.
            It passes all others: Salesloft filters on more than it sends, and its word stands.
    """
    sent = meeting.raw
    if own is NO_CONDITIONS or not isinstance(sent, wire.Meeting):
        return True
    flags = (
        (own.show_deleted, None if "canceled_at" in meeting.unreadable else meeting.status is MeetingStatus.CANCELED),
        (own.no_show, bool(sent.no_show) if "no_show" in strict else sent.no_show),
    )
    if not all(flag is None or value is None or flag is value for flag, value in flags):
        return False
    either: list[bool] = []
    for name, row, wanted in own.given():
        if row.of is None:
            continue
        value = row.of(sent)
        holds = _passes(name, wanted, value if value is None else str(value), strict)
        if name in EVENTS:
            either.append(holds)
        elif not holds:
            return False
    return (
        (any(either) or not either)
        and (own.start_time is None or own.start_time.admits(meeting.start_time))
        and (own.created_at is None or own.created_at.admits(meeting.created_at))
    )


def _passes(name: str, wanted: str | frozenset[str], value: str | None, strict: frozenset[str]) -> bool:
    """Whether a record's value is one of those wanted, in any case; what it lacks is believed unless that is strict."""
    words = frozenset((wanted,)) if isinstance(wanted, str) else wanted
    if DEFAULT_PERSONAL_MEETING in words and name not in strict:
        return True  # nothing in a row says that it is one
    if value is None:
        return name not in strict
    return value in words or value.lower() in {each.lower() for each in words}
