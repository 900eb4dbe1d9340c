"""What of a filter is asked of Salesloft, and in which listings; pure.

One listing is one lane. Together they hold every record that the filter admits; what a listing does not ask for is
checked on its rows. Cancelled and active meetings are two listings upstream (`show_deleted`); what comes without it is
not documented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.model.conditions import Filter, Texts, conditions_of
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import id_key
from gateway.model.records import MeetingStatus
from gateway.sources.salesloft.conditions import DEFAULT_PERSONAL_MEETING, NOTHING, MeetingConditions, conditions
from gateway.sources.salesloft.parameters import (
    CHECKED_HERE,
    EVENT_IDS,
    MEETINGS,
    TABLES,
    TYPE,
    UIDS,
    Takes,
    TimeSpan,
    both,
)
from gateway.sources.salesloft.translate import BOOKING
from gateway.upstream.batch import chunks
from gateway.upstream.http import encoded_len

Params = tuple[tuple[str, str], ...]

MOST_VALUES = 100
MOST_CHARS = 6000
"""Values of one parameter, and characters of all conditions, in one URL: what a page and a proxy hold for certain."""

PAIR_CHARS = 4500
"""Characters that event ids and UIDs may take together in one call; it leaves room for the other conditions."""

LEAST_CHARS = MOST_CHARS // 4
"""Characters that are left to a parameter which has to be split, so that no filter comes to a hundred listings."""

MOST_FANNED = 5
"""Values of a parameter that takes one at a time which are asked for in a listing each; more are checked here."""


CREATED = "created_at"
"""The range by which keysets are walked: a listing has it apart."""


class UpstreamList(msgspec.Struct, frozen=True, kw_only=True):
    """One listing upstream.

    Attributes:
        params: Its conditions but the ranges, `show_deleted` among them.
        start_time: The range of starts asked for.
        created_at: The range of creation times asked for.
        exact: Whether it holds nothing that the filter does not admit, by the documents.
        alone: Whether no other listing of the filter holds a record of it.
        strict: Own conditions that are not asked for, so that a row has to show that it meets them.
        not_events: Calendar event ids of rows that another listing holds as well.
        not_types: Meeting types of rows that another listing holds as well.
    """

    params: Params
    start_time: TimeSpan = TimeSpan()
    created_at: TimeSpan = TimeSpan()
    exact: bool = True
    alone: bool = True
    strict: frozenset[str] = NOTHING
    not_events: frozenset[str] = NOTHING
    not_types: frozenset[str] = NOTHING


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions on their way into listings: those that take many values, and those that take one."""

    many: dict[str, frozenset[str]]
    single: dict[str, frozenset[str]]
    fixed: Params = ()
    exact: bool = True
    alone: bool = True
    strict: frozenset[str] = NOTHING
    not_events: frozenset[str] = NOTHING
    not_types: frozenset[str] = NOTHING


def meeting_listings(wanted: MeetingFilter) -> list[UpstreamList]:
    """The listings of meetings, no two of which hold the same; none where nothing can match."""
    own = conditions(wanted)
    start, created = TimeSpan(), TimeSpan()
    for span in (*wanted.starts, own.start_time):
        start = start.within(span)
    created = created.within(wanted.created_at).within(own.created_at)
    if wanted.impossible or start.empty or created.empty:
        return []
    exact = all(getattr(wanted, name) is None for name in CHECKED_HERE)
    return [
        UpstreamList(
            params=(*state.params, *draft.fixed),
            start_time=start,
            created_at=created,
            exact=exact and state.exact and draft.exact,
            strict=draft.strict,
            not_events=draft.not_events,
            not_types=draft.not_types,
        )
        for state in states(wanted, own)
        for draft in _drafts(wanted, own, state)
    ]


def record_listings(wanted: Filter[Any]) -> list[UpstreamList]:
    """The listings of people, or of accounts; none where nothing can match."""
    table = conditions_of(type(wanted))
    rows = [(row, getattr(wanted, row.condition)) for row in TABLES[type(wanted)] if row.condition is not None]
    spans = {row.name: TimeSpan().within(value) for row, value in rows if row.takes is Takes.RANGE}
    if any(span.empty for span in spans.values()):
        return []
    made = spans.pop(CREATED, TimeSpan())
    flags = ((row.name, value) for row, value in rows if row.takes is Takes.FLAG and value is not None)
    fixed = tuple((name, "true" if value else "false") for name, value in flags)
    fixed += tuple(param for name, span in spans.items() for param in span.params(name))
    draft = _draft(
        {row.name: row.values(wanted) for row, _ in rows if row.takes is Takes.MANY},
        {row.name: row.values(wanted) for row, _ in rows if row.takes is Takes.ONE},
    )
    several = frozenset(row.name for row, _ in rows if row.condition is not None and table[row.condition].several)
    room = MOST_CHARS - sum(_length(name, value) for name, value in fixed)
    return [
        UpstreamList(params=(*fixed, *each.fixed), created_at=made, exact=each.exact, alone=each.alone)
        for fanned in (() if draft is None else _fanned(draft))
        for each in _packed(fanned, room, several)
    ]


def _draft(many: Mapping[str, Texts], single: Mapping[str, Texts]) -> _Draft | None:
    """The conditions that are given; None where one of them names nothing."""
    if any(values is not None and not values for values in (*many.values(), *single.values())):
        return None
    return _Draft(
        many={name: values for name, values in many.items() if values is not None},
        single={name: values for name, values in single.items() if values is not None},
    )


def _drafts(wanted: MeetingFilter, own: MeetingConditions, state: StateParams) -> Iterator[_Draft]:
    """The conditions on ids, split so that each part fits into a URL."""
    rows = [row for row in MEETINGS if row not in (EVENT_IDS, UIDS, TYPE)]
    many = {row.name: row.values(wanted, own) for row in rows if row.takes is Takes.MANY}
    single = {row.name: row.values(wanted, own) for row in rows if row.takes is Takes.ONE}
    if wanted.persons is None and own.person_ids is None and own.person_id is not None and len(own.person_id) == 1:
        single = {"person_id": many.pop("person_ids[]"), **single}
    plain = _draft(many, single)
    if plain is None:
        return
    room = MOST_CHARS - sum(_length(name, value) for name, value in state.params)
    for of_events in _events(plain, wanted, own):
        for of_type in _types(of_events, own):
            for fanned in _fanned(of_type):
                yield from _packed(fanned, room)


def _events(draft: _Draft, wanted: MeetingFilter, own: MeetingConditions) -> Iterator[_Draft]:
    """Calendar events: Salesloft ORs ids and UIDs, the filter's own ones are ANDed with those and with each other."""
    replace = msgspec.structs.replace
    events, uids = EVENT_IDS.values(wanted), UIDS.values(wanted)
    if own.event_ids is not None and own.i_cal_uids is not None and (events is None and uids is None):
        either = {EVENT_IDS.name: own.event_ids, UIDS.name: own.i_cal_uids}
        given = {name: values for name, values in either.items() if values}
        if len(given) == 1 or _together(given):
            yield replace(draft, many={**given, **draft.many})
            return
        yield replace(draft, many={EVENT_IDS.name: own.event_ids, **draft.many})
        uids_only = {UIDS.name: own.i_cal_uids, **draft.many}
        yield replace(draft, many=uids_only, not_events=own.event_ids, exact=False)
        return
    strict = NOTHING
    if own.event_ids is not None and own.i_cal_uids is not None:
        strict = frozenset({"event_ids", "i_cal_uids"})
    else:
        events, uids = both(events, own.event_ids), both(uids, own.i_cal_uids)
        if events is not None and own.i_cal_uids is not None:
            strict = frozenset({"i_cal_uids"})
    if (events is not None and not events) or (uids is not None and not uids):
        return
    exact = draft.exact and not strict and (events is None or uids is None)
    asked = {EVENT_IDS.name: events} if events is not None else {UIDS.name: uids} if uids is not None else {}
    yield replace(draft, many={**asked, **draft.many}, exact=exact, strict=draft.strict | strict)


def _types(draft: _Draft, own: MeetingConditions) -> Iterator[_Draft]:
    """Meeting types: one of them is a word that no row bears, so that it is asked for apart."""
    types = own.meeting_type_id
    if types is None:
        yield draft
        return
    others = types - {DEFAULT_PERSONAL_MEETING}
    replace = msgspec.structs.replace
    if others:
        strict = draft.strict if others == types else draft.strict | {"meeting_type_id"}
        yield replace(draft, single={TYPE.name: others, **draft.single}, strict=strict)
    if others != types:
        default = {TYPE.name: frozenset({DEFAULT_PERSONAL_MEETING})}
        exact = draft.exact and not others
        yield replace(draft, single={**default, **draft.single}, not_types=others, exact=exact)


def _fanned(draft: _Draft) -> Iterator[_Draft]:
    """Parameters that take one value: one is asked for; a few in a listing each, of one parameter; else none is."""
    replace = msgspec.structs.replace
    fixed = tuple((name, value) for name, values in draft.single.items() if len(values) == 1 for value in values)
    several = {name: values for name, values in draft.single.items() if len(values) > 1}
    fan = next((name for name, values in several.items() if len(values) <= MOST_FANNED), None)
    left = several.keys() - {fan}
    draft = replace(draft, fixed=fixed, exact=draft.exact and not left, strict=draft.strict | left)
    if fan is None:
        yield draft
        return
    for value in _sorted(several[fan]):
        yield replace(draft, fixed=((fan, value), *fixed))


def _packed(draft: _Draft, room: int, several: frozenset[str] = NOTHING) -> Iterator[_Draft]:
    """Parameters that take many values: asked for whole while they fit; the first that does not is split.

    Args:
        draft: The conditions.
        room: Characters that they may take.
        several: Parameters of which one record may meet several values, so that two listings may both hold it.
    """
    replace = msgspec.structs.replace
    room -= sum(_length(name, value) for name, value in draft.fixed)
    whole: list[tuple[str, str]] = []
    split: str | None = None
    needed = {name: _chars(name, values) for name, values in draft.many.items()}
    for name, values in sorted(draft.many.items(), key=lambda item: needed[item[0]]):
        need, rest = needed[name], sum(each for each in needed.values() if each >= needed[name])
        if len(values) <= MOST_VALUES and need <= room and (rest <= room or room - need >= LEAST_CHARS):
            whole.extend((name, value) for value in _sorted(values))
            room -= need
        elif split is None:
            split = name
        else:
            draft = replace(draft, exact=False, strict=draft.strict.union(_own_names(name)))
    fixed = (*draft.fixed, *whole)
    if split is None:
        yield replace(draft, fixed=fixed)
        return
    name = split
    parts = list(
        chunks(_sorted(draft.many[name]), most=MOST_VALUES, chars=room, encoded_len=lambda value: _length(name, value))
    )
    alone = draft.alone and (len(parts) == 1 or name not in several)
    for part in parts:
        yield replace(draft, fixed=(*fixed, *((name, value) for value in part)), alone=alone)


def _own_names(parameter: str) -> tuple[str, ...]:
    """The attributes of Salesloft's own filter that a parameter of meetings asks for."""
    return next((row.own for row in MEETINGS if row.name == parameter), ())


def _sorted(values: Iterable[str]) -> list[str]:
    return sorted(values, key=id_key)


def _length(name: str, value: str) -> int:
    """Characters that a parameter takes in a URL."""
    return encoded_len(name) + encoded_len(value) + len("=&")


def _chars(name: str, values: frozenset[str]) -> int:
    return sum(_length(name, value) for value in values)


def _together(many: dict[str, frozenset[str]]) -> bool:
    """Whether event ids and UIDs fit into one call."""
    return (
        all(len(values) <= MOST_VALUES for values in many.values())
        and sum(_chars(name, values) for name, values in many.items()) <= PAIR_CHARS
    )


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
