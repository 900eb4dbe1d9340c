"""What Salesloft's lists and look-ups cost, before any call is made; upper estimates, pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gateway.model.conditions import Filter
from gateway.model.cost import ASSUMED, Ask, How, ListPrice, ListShape, Needs, count
from gateway.model.filters import MeetingFilter
from gateway.model.order import OrderField
from gateway.model.records import Source
from gateway.paging.window import MOST_SIZE
from gateway.sources.salesloft.filters import MOST_FANNED
from gateway.sources.salesloft.offset import MOST_PROBES
from gateway.sources.salesloft.parameters import CHECKED_HERE, asked_singly, of_long_texts
from gateway.sources.salesloft.resources import CADENCES, MEETINGS, MOST_ROWS, PEOPLE, STEPS, USERS, Resource
from gateway.sources.salesloft.walk import MOST_SCANNED

ONE_AT_A_TIME, LONG_TEXTS = asked_singly(MeetingFilter), of_long_texts(MeetingFilter)
LONG_VALUES = 25
"""Long texts that one call is assumed to ask for; some sixty fit into a URL."""

EVENTS = 50
"""Meetings whose events one call looks for: each by id and by UID."""
READ_TO_COUNT = MOST_SIZE // MOST_ROWS + 1
"""Calls that a total takes where rows are read for it: as many as a page may have, and one more."""

IN_ORDER = ("updated_at", OrderField.UPDATED_AT)
"""The one condition that is checked here and takes no passing over of rows, where they are ordered by it."""

PAGES = Ask(source=Source.SALESLOFT, endpoint=MEETINGS.path, how=How.EACH, keys="pages")
TEAM = Ask(source=Source.SALESLOFT, endpoint=USERS.path, how=How.ONCE, keys="team")
PEOPLE_BY_EMAIL = Ask(source=Source.SALESLOFT, endpoint=PEOPLE.path, how=How.BATCH, keys="addresses", size=MOST_ROWS)
ALL_CADENCES = Ask(
    source=Source.SALESLOFT, endpoint=CADENCES.path, how=How.ONCE, keys="all", times=ASSUMED.cadences // MOST_ROWS
)
STEPS_OF = Ask(
    source=Source.SALESLOFT,
    endpoint=STEPS.path,
    how=How.EACH,
    keys="of a cadence",
    most=ASSUMED.steps // MOST_ROWS + 1,
)


def ids(resource: Resource[Any, Any], number: int) -> Needs:
    """So many records by their ids."""
    most = None if resource.most is None else resource.most // MOST_ROWS
    ask = Ask(source=Source.SALESLOFT, endpoint=resource.path, how=How.BATCH, keys="ids", size=MOST_ROWS, most=most)
    return [(ask, number)]


def meeting_ids(number: int) -> Needs:
    """So many meetings by their ids: among active ones, and among cancelled ones."""
    return [(PAGES, 2 * math.ceil(number / MOST_ROWS))]


def meetings(shape: ListShape) -> ListPrice:
    """A page of meetings."""
    walks = _walks(shape)
    calls = math.ceil(shape.rows / MOST_ROWS) + 1
    if shape.total:  # pages that a page's rows came on are not read again to be counted
        calls = max(calls, READ_TO_COUNT) if _scans(shape) or shape.conditions.get("no_show") else calls + 1
    calls += 2 * shape.turns + MOST_SCANNED * _scans(shape) + MOST_PROBES * _places(shape)
    return ListPrice(ask=PAGES, calls=walks * calls, walks=walks)


def events(rows: int) -> Needs:
    """Looking for the events of so many meetings: among active and among cancelled ones."""
    return [(PAGES, 2 * math.ceil(rows / EVENTS))]


class PricedList:
    """The price of a list by the time of its records' making.

    Args:
        path: The list's path.
        kind: Its filter.
    """

    def __init__(self, path: str, kind: type[Filter[Any]]) -> None:
        self._ask = Ask(source=Source.SALESLOFT, endpoint=path, how=How.EACH, keys="pages")
        self._long = of_long_texts(kind)
        self._fanned = asked_singly(kind)

    def __call__(self, shape: ListShape) -> ListPrice:
        """A page of it."""
        walks, scanned = max(1, math.ceil(shape.values(*self._long) / LONG_VALUES)), 0
        values = shape.values(*self._fanned)
        if values > 1:
            walks, scanned = (values, 0) if values <= MOST_FANNED else (1, MOST_SCANNED)
        calls = walks * (math.ceil(shape.rows / MOST_ROWS) + 1 + shape.total + 2 * shape.turns) + scanned
        return ListPrice(ask=self._ask, calls=calls, walks=walks)


def _walks(shape: ListShape) -> int:
    """The listings that a filter of meetings comes to."""
    status, canceled = shape.conditions.get("status"), shape.conditions.get("canceled")
    both = canceled == "INCLUDE" or (
        canceled is None
        and ((isinstance(status, list | tuple) and "CANCELED" in status) or shape.given("ids", "salesloft"))
    )
    fanned = next((n for name in ONE_AT_A_TIME if 1 < (n := shape.values(name)) <= MOST_FANNED), 1)
    split = max(1, math.ceil(shape.values(*LONG_TEXTS) / LONG_VALUES))
    own = shape.conditions.get("salesloft")
    if isinstance(own, Mapping):
        fanned = max(fanned, *(n for value in own.values() if (n := count(value)) <= MOST_FANNED), 1)
        split = max(split, *(math.ceil(count(own.get(name)) / LONG_VALUES) for name in ("eventIds", "iCalUids")))
    return (1 + both) * fanned * split


def _scans(shape: ListShape) -> bool:
    """Whether rows may be passed over."""
    status = shape.conditions.get("status")
    return (
        any(shape.given(name) and (name, shape.order) != IN_ORDER for name in CHECKED_HERE)
        or any(shape.values(name) > MOST_FANNED for name in ONE_AT_A_TIME)
        or (shape.values("status") > 0 and status != ["BOOKED"])
    )


def _places(shape: ListShape) -> bool:
    """Whether a place in the order by last change has to be found."""
    if shape.order is not OrderField.UPDATED_AT:
        return False
    ends = shape.conditions.get("updated_at")
    bounded = isinstance(ends, Mapping) and any(ends.get(name) is not None for name in ("lt", "lte"))
    return bounded or not shape.descending or shape.placed
