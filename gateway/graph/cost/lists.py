"""What the lists of the graph cost upstream; see `prices`. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gateway.catalog.lists_under_records import MOST_TOGETHER
from gateway.catalog.shared_walk import FEW, SPARE
from gateway.graph.cost.prices import (
    ALL_CADENCES,
    ASSUMED,
    CHUNK,
    CONTACTS,
    CONTACTS_BY_EMAIL,
    COUNTED,
    FOLDING,
    MOST_FANNED,
    PAGES,
    PEOPLE,
    PEOPLE_BY_EMAIL,
    PROBES,
    SCANNED,
    TEAM,
    Ask,
    Asked,
    How,
    Needs,
    Price,
    Priced,
    conditions_of,
    page_size,
    screening,
    values,
)
from gateway.model.records import Kind, Source

CHECKED_HERE = ("endTime", "attendeeEmails")
"""Conditions on meetings that no source is asked for, so that rows are passed over."""
ONE_AT_A_TIME = ("cadenceIds", "stepIds", "accountIds", "bookedByIds")
"""Conditions on meetings that Salesloft takes one value of a listing."""
OF_PEOPLE = ("personIds", "personEmails")
OF_USERS = ("ownerIds", "ownerEmails", "bookedByIds")
LINKS = (*OF_PEOPLE, *OF_USERS, "ids", "calendarEventIds", "drift")
"""Conditions that a meeting may meet through Drift's record of it alone."""
UNKNOWN_TO_DRIFT = ("cadenceIds", "stepIds", "accountIds", "iCalUids", "attendeeEmails", "salesloft")
LONG = ("calendarEventIds", "iCalUids")
"""Conditions whose values are long texts, of which some sixty fit into a URL."""
LONG_VALUES = 25
ENDS = 2
"""Calls that tell how far a listing goes, where a walk reaches its end."""
PARENT = {
    "Person": "personIds",
    "User": "ownerIds",
    "Cadence": "cadenceIds",
    "Step": "stepIds",
    "Account": "accountIds",
}
"""The condition that a list under a record adds to its filter."""


def meetings(asked: Asked) -> Priced:
    """`Query.meetings`."""
    rows = page_size(asked.arguments)
    return Priced(_of_list(asked, conditions_of(asked), rows), {Kind.MEETING.value: rows})


def meetings_under(asked: Asked) -> Priced:
    """`meetings` under people, users, cadences, steps or accounts: each parent's list by itself."""
    size, parents = page_size(asked.arguments), asked.rows
    conditions = {**conditions_of(asked), PARENT[asked.kind]: [None]}
    alone = _of_list(asked, conditions, size)
    singly = parents * dict(alone)[PAGES] + SPARE * _listings(conditions)
    needs = [(ask, keys * parents) for ask, keys in alone if ask is not PAGES]
    needs.append((PAGES, min(singly, _together(asked, conditions, size))))
    return Priced(needs, {Kind.MEETING.value: size * parents})


def _together(asked: Asked, conditions: Mapping[str, Any], size: int) -> int:
    """Pages and look-ups of the lists under several records, which are walked a hundred at a time."""
    parents = min(asked.rows, MOST_TOGETHER)
    rows, pages = size * parents, math.ceil((size + 1) / CHUNK)
    if PARENT[asked.kind] in ONE_AT_A_TIME:  # no call asks for several
        walked = SPARE + parents * pages
    else:
        walked = SPARE + math.ceil((rows + parents) / CHUNK) + ENDS + min(parents, FEW) * pages
    alone = 2 * asked.rows if asked.selects("totalCount") or _turns(asked) else 0
    if PARENT[asked.kind] == "ownerIds":
        rows = max(rows, _brought(conditions, parents))
    listings = _listings(conditions)
    return math.ceil(asked.rows / MOST_TOGETHER) * (listings * walked + screening(rows)) + listings * alone


def _of_list(asked: Asked, conditions: Mapping[str, Any], rows: int) -> Needs:
    """A page of one list of meetings."""
    listings = _listings(conditions)
    calls = listings * (math.ceil(rows / CHUNK) + 1)
    if _scans(asked, conditions):
        calls += listings * SCANNED
    if _places(asked):
        calls += listings * PROBES
    total = asked.selects("totalCount")
    if total:
        calls += listings
    if _turns(asked):
        calls += 2 * listings
    by_links = any(conditions.get(name) is not None for name in LINKS)
    drift = not any(conditions.get(name) is not None for name in UNKNOWN_TO_DRIFT)
    screened = rows
    if by_links:
        screened = max(screened, _brought(conditions))
    elif total and drift:
        screened = max(screened, COUNTED)
    return [(PAGES, calls + screening(screened)), *FOLDING, *_meaning(conditions)]


def _brought(conditions: Mapping[str, Any], each: int = 1) -> int:
    """Drift rows that have to be looked up before a page can be put together, since they may bring others in.

    Args:
        conditions: The filter.
        each: How many such filters are answered together.
    """
    if conditions.get("drift") is not None:
        return ASSUMED.window
    named = each * max(1, values(conditions, *OF_USERS))
    return min(named * ASSUMED.brought, ASSUMED.window)


def _listings(conditions: Mapping[str, Any]) -> int:
    """Salesloft's listings that a filter walks."""
    status = conditions.get("status")
    canceled = conditions.get("canceled")
    both = canceled == "INCLUDE" or (
        canceled is None
        and (
            (isinstance(status, list | tuple) and "CANCELED" in status)
            or conditions.get("ids") is not None
            or conditions.get("salesloft") is not None
        )
    )
    fanned = next((n for name in ONE_AT_A_TIME if 1 < (n := values(conditions, name)) <= MOST_FANNED), 1)
    split = max(1, math.ceil(values(conditions, *LONG) / LONG_VALUES))
    own = conditions.get("salesloft")
    if isinstance(own, Mapping):
        fanned = max(fanned, *(n for value in own.values() if (n := values({"": value}, "")) <= MOST_FANNED), 1)
        split = max(split, math.ceil(values(own, "eventIds", "iCalUids") / LONG_VALUES), 1)
    return (1 + both) * fanned * split


def _scans(asked: Asked, conditions: Mapping[str, Any]) -> bool:
    """Whether rows may be passed over."""
    by_change = _order(asked) == "UPDATED_AT"
    status = conditions.get("status")
    return (
        any(conditions.get(name) is not None for name in CHECKED_HERE)
        or (conditions.get("updatedAt") is not None and not by_change)
        or any(values(conditions, name) > MOST_FANNED for name in ONE_AT_A_TIME)
        or (status is not None and values(conditions, "status") > 0 and status != ["BOOKED"])
    )


def _places(asked: Asked) -> bool:
    """Whether a place in the order by last change has to be found."""
    order = asked.arguments.get("orderBy")
    if _order(asked) != "UPDATED_AT" or not isinstance(order, Mapping):
        return False
    ends = conditions_of(asked).get("updatedAt")
    bounded = isinstance(ends, Mapping) and any(ends.get(name) is not None for name in ("lt", "lte"))
    return bounded or order.get("direction") == "ASC" or any(asked.arguments.get(name) for name in ("after", "before"))


def _order(asked: Asked) -> object:
    order = asked.arguments.get("orderBy")
    return order.get("field") if isinstance(order, Mapping) else None


def _turns(asked: Asked) -> bool:
    """Whether the page flag is selected that faces the side which the walk comes from."""
    backward = asked.arguments.get("last") is not None
    if not asked.arguments.get("before" if backward else "after"):
        return False
    return asked.selects("pageInfo", "hasNextPage" if backward else "hasPreviousPage")


def _meaning(conditions: Mapping[str, Any]) -> Needs:
    """What finding out takes whom a filter means."""
    needs: Needs = []
    people = values(conditions, *OF_PEOPLE)
    if people:
        needs += [(PEOPLE, people), (PEOPLE_BY_EMAIL, people), (CONTACTS, people), (CONTACTS_BY_EMAIL, people)]
    return needs


def newest_first(kind: Kind, fanned: str | None = None) -> Price:
    """`people` and `accounts`.

    Args:
        kind: Which of them.
        fanned: The condition that takes one value a listing.
    """
    pages = Ask(source=Source.SALESLOFT, endpoint=ENDPOINTS[kind], how=How.EACH, keys="pages")

    def price(asked: Asked) -> Priced:
        rows, conditions = page_size(asked.arguments), conditions_of(asked)
        listings = max(1, math.ceil(values(conditions, "emails", "crmIds", "domains", "names") / LONG_VALUES))
        scanned = 0
        if fanned is not None and values(conditions, fanned) > 1:
            few = values(conditions, fanned) <= MOST_FANNED
            listings, scanned = (values(conditions, fanned), 0) if few else (1, SCANNED)
        calls = listings * (math.ceil(rows / CHUNK) + 1 + asked.selects("totalCount") + 2 * _turns(asked)) + scanned
        needs: Needs = [(pages, calls)]
        if conditions.get("ownerIds") is not None:
            needs += [(ask, 1) for ask in TEAM]
        return Priced(needs, {kind.value: rows})

    return price


ENDPOINTS = {Kind.PERSON: "/v2/people", Kind.ACCOUNT: "/v2/accounts"}


def users(asked: Asked) -> Priced:
    """`users`: the whole team, once."""
    rows = min(page_size(asked.arguments), ASSUMED.users)
    return Priced([(ask, 1) for ask in TEAM], {Kind.USER.value: rows})


def cadences(asked: Asked) -> Priced:
    """`cadences`: all of them, once."""
    rows = min(page_size(asked.arguments), ASSUMED.cadences)
    needs: Needs = [(ALL_CADENCES, 1)]
    if conditions_of(asked).get("ownerIds") is not None:
        needs += [(ask, 1) for ask in TEAM]
    return Priced(needs, {Kind.CADENCE.value: rows})
