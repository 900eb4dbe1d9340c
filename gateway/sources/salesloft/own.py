"""Whether Salesloft's own filter holds on one of its records; pure."""

from __future__ import annotations

from gateway.model.filters import MeetingFilter
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.sources.salesloft.wire import DEFAULT_PERSONAL_MEETING, Id, MeetingConditions, Stub
from gateway.sources.salesloft.wire import Meeting as Sent

NOTHING: frozenset[str] = frozenset()
NO_CONDITIONS = MeetingConditions()


def conditions(wanted: MeetingFilter) -> MeetingConditions:
    """Salesloft's own part of a filter."""
    own = wanted.own.get(Source.SALESLOFT)
    return own if isinstance(own, MeetingConditions) else NO_CONDITIONS


def impossible(own: MeetingConditions) -> bool:
    """Whether some condition is an empty set, so that nothing can match; one of the two event lists is enough."""
    sets = (own.ids, own.person_id, own.account_id, own.person_ids, own.task_ids, own.user_guids, own.meeting_type_id)
    events = [values for values in (own.event_ids, own.i_cal_uids) if values is not None]
    return any(values is not None and not values for values in sets) or bool(events and not any(events))


def admits(own: MeetingConditions, meeting: Meeting, strict: frozenset[str] = NOTHING) -> bool:
    """Whether every condition holds.

    Args:
        own: The conditions.
        meeting: A record of Salesloft's, folded or not; its own values count.
        strict: Names of conditions that were not asked of Salesloft. A value that the record lacks passes all others:
            Salesloft filters on more than it sends.
    """
    sent = meeting.raw
    if own is NO_CONDITIONS or not isinstance(sent, Sent):
        return True
    flags = (
        (own.show_deleted, meeting.status is MeetingStatus.CANCELED),
        (own.no_show, sent.no_show),
    )
    words = (
        ("status", own.status, sent.status),
        ("booked_by_user_uuid", own.booked_by_user_uuid, _id(sent.booked_by_user)),
        ("cadence_id", own.cadence_id, _id(sent.cadence)),
        ("step_id", own.step_id, _id(sent.step)),
    )
    sets = (
        ("ids", own.ids, _id(sent.id)),
        ("person_id", own.person_id, _id(sent.person)),
        ("person_ids", own.person_ids, _id(sent.person)),
        ("account_id", own.account_id, _id(sent.account_id)),
        ("task_ids", own.task_ids, _id(sent.task_id)),
        ("user_guids", own.user_guids, _id(sent.owned_by_user)),
    )
    return (
        all(flag is None or value is None or flag is value for flag, value in flags)
        and all(word is None or _passes(frozenset((word,)), value, name in strict) for name, word, value in words)
        and all(values is None or _passes(values, value, name in strict) for name, values, value in sets)
        and _event(own, sent, strict)
        and _type(own, sent, strict)
        and (own.start_time is None or own.start_time.admits(meeting.start_time))
        and (own.created_at is None or own.created_at.admits(meeting.created_at))
    )


def _event(own: MeetingConditions, sent: Sent, strict: frozenset[str]) -> bool:
    """Event ids and iCalendar UIDs are ORed by Salesloft."""
    given = [
        _passes(values, value or None, name in strict)
        for name, values, value in (
            ("event_ids", own.event_ids, sent.event_id),
            ("i_cal_uids", own.i_cal_uids, sent.i_cal_uid),
        )
        if values is not None
    ]
    return any(given) or not given


def _type(own: MeetingConditions, sent: Sent, strict: frozenset[str]) -> bool:
    """Nothing in a row says that it is a default personal meeting; Salesloft has to be believed."""
    wanted = own.meeting_type_id
    if wanted is None:
        return True
    believed = DEFAULT_PERSONAL_MEETING in wanted and "meeting_type_id" not in strict
    return believed or _passes(wanted, _id(sent.meeting_type_id), "meeting_type_id" in strict)


def _passes(wanted: frozenset[str], value: str | None, strict: bool) -> bool:
    if value is None:
        return not strict
    return value in wanted or value.lower() in {each.lower() for each in wanted}


def _id(value: Id | Stub | None) -> str | None:
    found = value.id if isinstance(value, Stub) else value
    return None if found is None else str(found)
