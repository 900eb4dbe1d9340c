"""Cancellation, no-shows and the state of booking as Salesloft's parameters; pure.

Cancelled and active meetings are two listings upstream (`show_deleted`); what comes without it is not documented.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.records import MeetingStatus
from gateway.sources.salesloft.translate import BOOKING
from gateway.sources.salesloft.wire import MeetingConditions

BOOKED_STATES = frozenset({MeetingStatus.PENDING, MeetingStatus.BOOKED, MeetingStatus.FAILED, MeetingStatus.UNKNOWN})
"""What a meeting that is neither cancelled nor a no-show can be."""

WORDS = {
    state: words[0]
    for state in BOOKED_STATES
    if len(words := [word for word, means in BOOKING.items() if means is state]) == 1
}
"""The statuses that one word of Salesloft's covers, for its parameter takes one: `pending` also goes by `retry`."""


class State(msgspec.Struct, frozen=True):
    """One of the two listings.

    Attributes:
        params: `show_deleted`, and `no_show` and `status` where they can be asked for.
        exact: Whether that is all there is to the filter's conditions on a meeting's state.
    """

    params: tuple[tuple[str, str], ...]
    exact: bool


def states(wanted: MeetingFilter, own: MeetingConditions) -> Iterator[State]:
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


def _active(status: frozenset[MeetingStatus], no_shows: frozenset[bool], word: str | None) -> Iterator[State]:
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


def _state(no_shows: frozenset[bool], word: str | None, *, show_deleted: str, exact: bool = True) -> Iterator[State]:
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
    yield State(tuple(params), exact and True not in no_shows)
