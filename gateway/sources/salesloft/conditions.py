"""Salesloft's own filter: whether it holds on a record, and how states are asked for; pure.

Cancelled and active meetings are two listings upstream (`show_deleted`); what comes without it is not documented.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.sources.salesloft.translate import BOOKING
from gateway.sources.salesloft.wire import DEFAULT_PERSONAL_MEETING, Id, MeetingConditions, Stub
from gateway.sources.salesloft.wire import Meeting as SentPage

NOTHING: frozenset[str] = frozenset()
ALL = frozenset(MeetingConditions.__struct_fields__)
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
        strict: Names of conditions that were not asked of Salesloft, which a record that lacks the value does not meet.
            It passes all others: Salesloft filters on more than it sends, and its word stands.
    """
    sent = meeting.raw
    if own is NO_CONDITIONS or not isinstance(sent, SentPage):
        return True
    flags = (
        (own.show_deleted, meeting.status is MeetingStatus.CANCELED),
        (own.no_show, bool(sent.no_show) if "no_show" in strict else sent.no_show),
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


def _event(own: MeetingConditions, sent: SentPage, strict: frozenset[str]) -> bool:
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


def _type(own: MeetingConditions, sent: SentPage, strict: frozenset[str]) -> bool:
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


BOOKED_STATES = frozenset({MeetingStatus.PENDING, MeetingStatus.BOOKED, MeetingStatus.FAILED, MeetingStatus.UNKNOWN})
"""What a meeting that is neither cancelled nor a no-show can be."""

WORDS = {
    state: words[0]
    for state in BOOKED_STATES
    if len(words := [word for word, means in BOOKING.items() if means is state]) == 1
}
"""The statuses that one word of Salesloft's covers, for its parameter takes one: `pending` also goes by `retry`."""


class StateParams(msgspec.Struct, frozen=True):
    """One of the two listings.

    Attributes:
        params: `show_deleted`, and `no_show` and `status` where they can be asked for.
        exact: Whether that is all there is to the filter's conditions on a meeting's state.
    """

    params: tuple[tuple[str, str], ...]
    exact: bool


def states(wanted: MeetingFilter, own: MeetingConditions) -> Iterator[StateParams]:
    """The listings in which meetings of the states asked for are."""
    status = wanted.status
    no_shows = frozenset(flag for flag in (wanted.no_show, own.no_show) if flag is not None)
    if wanted.canceled is not Canceled.ONLY and own.show_deleted is not True:
        if status is None:
            yield from _state(no_shows, own.status, show_deleted="false")
        else:
            yield from _active(status - {MeetingStatus.CANCELED}, no_shows, own.status)
    can_be_canceled = status is None or MeetingStatus.CANCELED in status
    if wanted.canceled is not Canceled.EXCLUDE and own.show_deleted is not False and can_be_canceled:
        yield from _state(no_shows, own.status, show_deleted="true")


def _active(status: frozenset[MeetingStatus], no_shows: frozenset[bool], word: str | None) -> Iterator[StateParams]:
    """Active meetings of some statuses.

    Args:
        status: The statuses, none of them cancelled.
        no_shows: What `no_show` has to be.
        word: The state of booking that Salesloft's own filter names.
    """
    booking = status & BOOKED_STATES
    if False in no_shows or MeetingStatus.NO_SHOW not in status:
        status, no_shows = booking, no_shows | {False}
    elif not booking:
        no_shows |= {True}
    exact = True
    if booking != BOOKED_STATES and True not in no_shows:
        named = BOOKING.get(word, MeetingStatus.UNKNOWN) in booking if word is not None else None
        if named is False and status == booking:
            return
        if named is None and status == booking and len(booking) == 1 and booking <= WORDS.keys():
            (word,) = (WORDS[state] for state in booking)
        else:
            exact = bool(named)
    if status:
        yield from _state(no_shows, word, show_deleted="false", exact=exact)


def _state(
    no_shows: frozenset[bool], word: str | None, *, show_deleted: str, exact: bool = True
) -> Iterator[StateParams]:
    """The listing, unless its conditions contradict one another.

    `no_show=false` leaves no-shows out; whether `true` leaves all others out or merely lets no-shows in, the document
    does not say.
    """
    if len(no_shows) > 1:
        return
    params = [("show_deleted", show_deleted)]
    params.extend(("no_show", "true" if flag else "false") for flag in no_shows)
    if word is not None:
        params.append(("status", word))
    yield StateParams(tuple(params), exact and True not in no_shows)
