"""What the lists of the graph cost upstream: what is asked of them, as the sources' own prices have it. Pure."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.graph.cost.prices import Asked, Priced, conditions_of, page_size
from gateway.graph.scalars import read_day, read_instant
from gateway.model.cost import ASSUMED, ListShape, Needs, count
from gateway.model.filters import CONDITION_UNDER, LINKED_INPUTS
from gateway.model.order import BY_NAME, NEWEST_FIRST, Order, OrderField
from gateway.model.records import Kind

ROWS = (("nodes",), ("edges", "node"))
"""The ways from a connection to its rows."""

CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

RANGES = ("start_time", "overlaps", "days", "created_at", "updated_at")
OF_ONE = 0.1
"""The part of all meetings that one team member, person or cadence has at most."""
MAX_DAYS = 366
"""Days of a range whose length is unknown: a longer one is read up to a bound."""

GROUPED_BY = {
    "OWNER": (Kind.USER, ASSUMED.users),
    "BOOKED_BY": (Kind.USER, ASSUMED.users),
    "ACCOUNT": (Kind.ACCOUNT, MAX_DAYS * ASSUMED.meetings_a_day),
    "CADENCE": (Kind.CADENCE, ASSUMED.cadences),
}
"""The records that meetings are grouped by, and how many there are at most."""


def meetings(asked: Asked) -> Priced:
    """`Query.meetings`."""
    shape = _shape(asked, _order(asked))
    needs = [*asked.prices.meetings(shape), *details(asked, shape.rows, ROWS)]
    return Priced(needs, {Kind.MEETING.value: shape.rows})


def meeting_stats(asked: Asked) -> Priced:
    """`meetingStats`: every meeting of the range, and the records that they are grouped by."""
    conditions = {_attribute(name): value for name, value in conditions_of(asked).items()}
    known = [days for name in RANGES if (days := _days(conditions.get(name))) is not None]
    days = min(known, default=MAX_DAYS)
    shape = ListShape(
        rows=math.ceil(days * ASSUMED.meetings_a_day * _share(conditions)),
        conditions={**conditions, "canceled": conditions.get("canceled") or "INCLUDE"},
    )
    needs = asked.prices.counted_meetings(shape)
    if asked.selects("groups"):
        groups = asked.arguments.get("groupBy")
        for name in groups if isinstance(groups, list) else [groups]:
            if name in GROUPED_BY:
                kind, most = GROUPED_BY[name]
                needs += asked.prices.by_refs(kind, min(shape.rows, most))
    return Priced(needs, {"MeetingStats": 1})


def _share(conditions: Mapping[str, Any]) -> float:
    """How much of all meetings may have what a filter names: of one person, team member or cadence a tenth."""
    named = (count(conditions[name]) for name in LINKED_INPUTS if conditions.get(name) is not None)
    return min([1.0, *(values * OF_ONE for values in named)])


def _days(bounds: object) -> float | None:
    """How long a range of time is; None if that is unknown."""
    if not isinstance(bounds, Mapping):
        return None
    first, last = read_day(bounds.get("from")), read_day(bounds.get("to"))
    if isinstance(first, dt.date) and isinstance(last, dt.date):
        return (last - first) / dt.timedelta(days=1) + 3  # those before and after are read too
    lower, upper = (
        [moment for name in names if isinstance(moment := read_instant(bounds.get(name)), dt.datetime)]
        for names in (("gt", "gte"), ("lt", "lte"))
    )
    if not lower or not upper:
        return None
    return max(0.0, (min(upper) - max(lower)) / dt.timedelta(days=1))


def meetings_under(asked: Asked) -> Priced:
    """`meetings` under people, users, cadences, steps or accounts: each parent's list by itself."""
    kind = Kind(asked.kind)
    shape = _shape(asked, _order(asked), {CONDITION_UNDER[kind]: [None]})
    rows = shape.rows * asked.rows
    needs = [*asked.prices.meetings_under(shape, kind, asked.rows), *details(asked, rows, ROWS)]
    return Priced(needs, {Kind.MEETING.value: rows})


def details(asked: Asked, rows: int, paths: Sequence[tuple[str, ...]] = ((),)) -> Needs:
    """What of so many meetings takes calls of its own, as far as it is selected.

    Args:
        asked: The field that leads to them.
        rows: How many.
        paths: The ways from there to a meeting.
    """
    return [
        need
        for each in asked.prices.details
        if any(asked.selects(*path, *_path(name)) for path in paths for name in each.fields)
        for need in each.price(rows)
    ]


def people(asked: Asked) -> Priced:
    """`people`."""
    shape = _shape(asked, NEWEST_FIRST)
    return Priced(asked.prices.people(shape), {Kind.PERSON.value: shape.rows})


def people_under(asked: Asked) -> Priced:
    """`people` under accounts: each one's list by itself."""
    shape = _shape(asked, NEWEST_FIRST, {"account_ids": [None]})
    needs = [(ask, calls * asked.rows) for ask, calls in asked.prices.people(shape)]
    return Priced(needs, {Kind.PERSON.value: shape.rows * asked.rows})


def me(asked: Asked) -> Priced:
    """`me`: one of the whole team."""
    return Priced(asked.prices.team(), {Kind.USER.value: 1})


def accounts(asked: Asked) -> Priced:
    """`accounts`."""
    shape = _shape(asked, NEWEST_FIRST)
    return Priced(asked.prices.accounts(shape), {Kind.ACCOUNT.value: shape.rows})


def users(asked: Asked) -> Priced:
    """`users`: the whole team, once."""
    return Priced(asked.prices.team(), {Kind.USER.value: min(page_size(asked.arguments), ASSUMED.users)})


def cadences(asked: Asked) -> Priced:
    """`cadences`: all of them, once."""
    shape = _shape(asked, BY_NAME)
    return Priced(asked.prices.cadences(shape), {Kind.CADENCE.value: min(shape.rows, ASSUMED.cadences)})


def _shape(asked: Asked, order: Order, added: Mapping[str, Any] | None = None) -> ListShape:
    backward = asked.arguments.get("last") is not None
    placed = bool(asked.arguments.get("before" if backward else "after"))
    return ListShape(
        rows=page_size(asked.arguments),
        conditions={**{_attribute(name): value for name, value in conditions_of(asked).items()}, **(added or {})},
        order=order.field,
        descending=order.descending,
        placed=any(asked.arguments.get(name) for name in ("after", "before")),
        total=asked.selects("totalCount"),
        turns=placed and asked.selects("pageInfo", "hasNextPage" if backward else "hasPreviousPage"),
    )


def _order(asked: Asked) -> Order:
    """The order of a list of meetings, as far as it can be read."""
    given = asked.arguments.get("orderBy")
    if not isinstance(given, Mapping):
        return Order()
    field = next((each for each in OrderField if each.name == given.get("field")), OrderField.START_TIME)
    return Order(field, descending=given.get("direction") != "ASC")


def _path(name: str) -> tuple[str, ...]:
    """The fields that lead to an attribute: `timeZone` to `time_zone`; two to a source's own, after a dot."""
    parts = (part.split("_") for part in name.split("."))
    return tuple(first + "".join(word.capitalize() for word in rest) for first, *rest in parts)


def _attribute(name: str) -> str:
    """The name of a condition as the filter has it: `i_cal_uids` of `iCalUids`."""
    return CAPITAL.sub("_", name).lower()
