"""What of a filter is asked of Salesloft, and in which listings; pure.

One listing is one lane. Together they hold every record that the filter admits; what a listing does not ask for is
checked on its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from gateway.model.filters import MeetingFilter, Refs, TimeRange
from gateway.model.neighbours import AccountFilter, PersonFilter
from gateway.model.order import id_key
from gateway.model.records import Kind, Source, UserKey
from gateway.sources.bounds import is_number
from gateway.sources.salesloft.conditions import NOTHING, StateParams, conditions, impossible, states
from gateway.sources.salesloft.span import TimeSpan
from gateway.sources.salesloft.wire import DEFAULT_PERSONAL_MEETING, MeetingConditions
from gateway.upstream.batch import chunks, encoded_len

Params = tuple[tuple[str, str], ...]
Values = frozenset[str] | None

MOST_VALUES = 100
MOST_CHARS = 6000
"""Values of one parameter, and characters of all conditions, in one URL: what a page and a proxy hold for certain."""

PAIR_CHARS = 4500
"""Characters that event ids and UIDs may take together in one call; it leaves room for the other conditions."""

LEAST_CHARS = MOST_CHARS // 4
"""Characters that are left to a parameter which has to be split, so that no filter comes to a hundred listings."""

MOST_FANNED = 5
"""Values of a parameter that takes one at a time which are asked for in a listing each; more are checked here."""


SEVERAL = frozenset({"email_addresses[]", "cadence_id[]"})
"""Parameters of which one person may meet several values, so that two listings may both hold them."""


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
    start = TimeSpan().within(wanted.start_time).within(own.start_time)
    created = TimeSpan().within(wanted.created_at).within(own.created_at)
    if wanted.impossible or impossible(own) or start.empty or created.empty:
        return []
    checked_here = (wanted.end_time, wanted.updated_at, wanted.attendee_emails)
    exact = all(condition is None for condition in checked_here)
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


def person_listings(wanted: PersonFilter) -> list[UpstreamList]:
    """The listings of people; none where nothing can match."""
    many = {
        "ids[]": _numbers(_ids(wanted.ids, Kind.PERSON)),
        "email_addresses[]": wanted.emails,
        "crm_id[]": wanted.crm_ids,
        "account_id[]": _numbers(_ids(wanted.account_ids, Kind.ACCOUNT)),
        "cadence_id[]": _numbers(_ids(wanted.cadence_ids, Kind.CADENCE)),
        "owner_id[]": _numbers(_ids(wanted.owner_ids, Kind.USER)),
    }
    return _record_listings(many, {}, (), created_at=wanted.created_at, updated_at=wanted.updated_at)


def account_listings(wanted: AccountFilter) -> list[UpstreamList]:
    """The listings of accounts; none where nothing can match."""
    many = {
        "ids[]": _numbers(_ids(wanted.ids, Kind.ACCOUNT)),
        "crm_id[]": wanted.crm_ids,
        "name[]": wanted.names,
        "owner_id[]": _numbers(_ids(wanted.owner_ids, Kind.USER)),
    }
    fixed = () if wanted.archived is None else (("archived", "true" if wanted.archived else "false"),)
    return _record_listings(many, {"domain": wanted.domains}, fixed, created_at=None, updated_at=wanted.updated_at)


def _record_listings(
    many: Mapping[str, Values],
    single: Mapping[str, Values],
    fixed: Params,
    *,
    created_at: TimeRange | None,
    updated_at: TimeRange | None,
) -> list[UpstreamList]:
    made, changed = TimeSpan().within(created_at), TimeSpan().within(updated_at)
    if made.empty or changed.empty:
        return []
    fixed = (*fixed, *changed.params("updated_at"))
    draft = _draft(many, single)
    room = MOST_CHARS - sum(_length(name, value) for name, value in fixed)
    return [
        UpstreamList(params=(*fixed, *each.fixed), created_at=made, exact=each.exact, alone=each.alone)
        for fanned in (() if draft is None else _fanned(draft))
        for each in _packed(fanned, room)
    ]


def _draft(many: Mapping[str, Values], single: Mapping[str, Values]) -> _Draft | None:
    """The conditions that are given; None where one of them names nothing."""
    if any(values is not None and not values for values in (*many.values(), *single.values())):
        return None
    return _Draft(
        many={name: values for name, values in many.items() if values is not None},
        single={name: values for name, values in single.items() if values is not None},
    )


def _drafts(wanted: MeetingFilter, own: MeetingConditions, state: StateParams) -> Iterator[_Draft]:
    """The conditions on ids, split so that each part fits into a URL."""
    persons = _both(_ids(wanted.persons, Kind.PERSON), own.person_ids)
    alone = persons is None and own.person_id is not None and len(own.person_id) == 1
    many = {
        "ids[]": _numbers(_both(_ids(wanted.ids, Kind.MEETING), own.ids)),
        "task_ids[]": _numbers(own.task_ids),
        "person_ids[]": None if alone else _numbers(_both(persons, own.person_id)),
        "user_guids[]": _both(_guids(wanted.owners), own.user_guids),
    }
    single = {
        "person_id": _numbers(own.person_id) if alone else None,
        "account_id": _numbers(_both(_ids(wanted.account_ids, Kind.ACCOUNT), own.account_id)),
        "step_id": _numbers(_both(_ids(wanted.step_ids, Kind.STEP), _one(own.step_id))),
        "cadence_id": _numbers(_both(_ids(wanted.cadence_ids, Kind.CADENCE), _one(own.cadence_id))),
        "booked_by_user_uuid": _both(_guids(wanted.bookers), _one(own.booked_by_user_uuid)),
    }
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
    events, uids = wanted.calendar_event_ids, wanted.i_cal_uids
    if own.event_ids is not None and own.i_cal_uids is not None and (events is None and uids is None):
        either = {"event_ids[]": own.event_ids, "i_cal_uids[]": own.i_cal_uids}
        given = {name: values for name, values in either.items() if values}
        if len(given) == 1 or _together(given):
            yield replace(draft, many={**given, **draft.many})
            return
        yield replace(draft, many={"event_ids[]": own.event_ids, **draft.many})
        uids_only = {"i_cal_uids[]": own.i_cal_uids, **draft.many}
        yield replace(draft, many=uids_only, not_events=own.event_ids, exact=False)
        return
    strict = NOTHING
    if own.event_ids is not None and own.i_cal_uids is not None:
        strict = frozenset({"event_ids", "i_cal_uids"})
    else:
        events, uids = _both(events, own.event_ids), _both(uids, own.i_cal_uids)
        if events is not None and own.i_cal_uids is not None:
            strict = frozenset({"i_cal_uids"})
    if (events is not None and not events) or (uids is not None and not uids):
        return
    exact = draft.exact and not strict and (events is None or uids is None)
    asked = {"event_ids[]": events} if events is not None else {"i_cal_uids[]": uids} if uids is not None else {}
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
        yield replace(draft, single={"meeting_type_id": others, **draft.single}, strict=strict)
    if others != types:
        default = {"meeting_type_id": frozenset({DEFAULT_PERSONAL_MEETING})}
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


def _packed(draft: _Draft, room: int) -> Iterator[_Draft]:
    """Parameters that take many values: asked for whole while they fit; the first that does not is split."""
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
            own_names = {name.removesuffix("[]"), *({"person_id"} if name == "person_ids[]" else ())}
            draft = replace(draft, exact=False, strict=draft.strict | own_names)
    fixed = (*draft.fixed, *whole)
    if split is None:
        yield replace(draft, fixed=fixed)
        return
    name = split
    parts = list(
        chunks(_sorted(draft.many[name]), most=MOST_VALUES, chars=room, encoded_len=lambda value: _length(name, value))
    )
    alone = draft.alone and (len(parts) == 1 or name not in SEVERAL)
    for part in parts:
        yield replace(draft, fixed=(*fixed, *((name, value) for value in part)), alone=alone)


def _ids(refs: Refs, kind: Kind) -> Values:
    """The ids among references that Salesloft has records of."""
    return None if refs is None else frozenset(r.id for r in refs if r.source is Source.SALESLOFT and r.kind is kind)


def _guids(refs: Refs) -> Values:
    """The GUIDs among references: what meetings know users by."""
    if refs is None:
        return None
    return frozenset(ref.id for ref in refs if ref.source is Source.SALESLOFT and ref.key is UserKey.GUID)


def _numbers(values: Values) -> Values:
    """The ids that Salesloft can have given; it refuses a call with any other."""
    return None if values is None else frozenset(filter(is_number, values))


def _one(value: str | None) -> Values:
    return None if value is None else frozenset((value,))


def _both(one: Values, other: Values) -> Values:
    """The values that two conditions leave."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


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
