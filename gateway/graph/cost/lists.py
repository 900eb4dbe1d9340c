"""What the lists of the graph cost upstream: what is asked of them, as the sources' own prices have it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.catalog.prices import condition_of
from gateway.graph.cost.prices import ASSUMED, Asked, Priced, conditions_of, page_size
from gateway.model.cost import ListShape
from gateway.model.order import BY_NAME, NEWEST_FIRST, Order, OrderField
from gateway.model.records import Kind

CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def meetings(asked: Asked) -> Priced:
    """`Query.meetings`."""
    shape = _shape(asked, _order(asked))
    return Priced(asked.lists.meetings(shape), {Kind.MEETING.value: shape.rows})


def meetings_under(asked: Asked) -> Priced:
    """`meetings` under people, users, cadences, steps or accounts: each parent's list by itself."""
    kind = Kind(asked.kind)
    shape = _shape(asked, _order(asked), {condition_of(kind): [None]})
    return Priced(asked.lists.meetings_under(shape, kind, asked.rows), {Kind.MEETING.value: shape.rows * asked.rows})


def people(asked: Asked) -> Priced:
    """`people`."""
    shape = _shape(asked, NEWEST_FIRST)
    return Priced(asked.lists.people(shape), {Kind.PERSON.value: shape.rows})


def accounts(asked: Asked) -> Priced:
    """`accounts`."""
    shape = _shape(asked, NEWEST_FIRST)
    return Priced(asked.lists.accounts(shape), {Kind.ACCOUNT.value: shape.rows})


def users(asked: Asked) -> Priced:
    """`users`: the whole team, once."""
    return Priced(asked.lists.team(), {Kind.USER.value: min(page_size(asked.arguments), ASSUMED.users)})


def cadences(asked: Asked) -> Priced:
    """`cadences`: all of them, once."""
    shape = _shape(asked, BY_NAME)
    return Priced(asked.lists.cadences(shape), {Kind.CADENCE.value: min(shape.rows, ASSUMED.cadences)})


def _shape(asked: Asked, order: Order, added: Mapping[str, Any] | None = None) -> ListShape:
    """What is asked of a list."""
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


def _attribute(name: str) -> str:
    """The name of a condition as the filter has it: `i_cal_uids` of `iCalUids`."""
    return CAPITAL.sub("_", name).lower()
