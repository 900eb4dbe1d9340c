"""What Salesloft's lists cost, before any call is made; upper estimates, pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gateway.model.cost import Ask, How, ListPrice, ListShape, Needs, count
from gateway.model.order import OrderField
from gateway.model.records import Source
from gateway.sources.salesloft.endpoints import CADENCES, MEETINGS, MOST_ROWS, PEOPLE, USERS
from gateway.sources.salesloft.filters import MOST_FANNED
from gateway.sources.salesloft.offset import MOST_PROBES
from gateway.sources.salesloft.walk import MOST_SCANNED

CHECKED_HERE = ("end_time", "attendee_emails")
"""Conditions on meetings that are not asked for, so that rows are passed over."""
ONE_AT_A_TIME = ("cadence_ids", "step_ids", "account_ids", "booked_by_ids")
"""Conditions on meetings whose parameter takes one value."""
LONG = ("calendar_event_ids", "i_cal_uids", "emails", "crm_ids", "domains", "names")
"""Conditions whose values are long texts, of which some sixty fit into a URL."""
LONG_VALUES = 25

EVENTS = 50
"""Meetings whose events one call looks for: each by id and by UID."""
MANY_CADENCES = 500
"""Cadences that a team is assumed to have."""

PAGES = Ask(source=Source.SALESLOFT, endpoint=MEETINGS.path, how=How.EACH, keys="pages")
TEAM = Ask(source=Source.SALESLOFT, endpoint=USERS.path, how=How.ONCE, keys="team")
PEOPLE_BY_ID = Ask(source=Source.SALESLOFT, endpoint=PEOPLE.path, how=How.BATCH, keys="ids")
PEOPLE_BY_EMAIL = Ask(source=Source.SALESLOFT, endpoint=PEOPLE.path, how=How.BATCH, keys="addresses")
ALL_CADENCES = Ask(
    source=Source.SALESLOFT, endpoint=CADENCES.path, how=How.ONCE, keys="all", times=MANY_CADENCES // MOST_ROWS
)


def meetings(shape: ListShape) -> ListPrice:
    """A page of meetings."""
    walks = _walks(shape)
    calls = math.ceil(shape.rows / MOST_ROWS) + 1 + shape.total + 2 * shape.turns
    calls += MOST_SCANNED * _scans(shape) + MOST_PROBES * _places(shape)
    return ListPrice(ask=PAGES, calls=walks * calls, walks=walks)


def events(rows: int) -> Needs:
    """Looking for the events of so many meetings: among active and among cancelled ones."""
    return [(PAGES, 2 * math.ceil(rows / EVENTS))]


class PricedList:
    """The price of a list by the time of its records' making.

    Args:
        path: The list's path.
        fanned: The condition whose parameter takes one value.
    """

    def __init__(self, path: str, fanned: str | None = None) -> None:
        self._ask = Ask(source=Source.SALESLOFT, endpoint=path, how=How.EACH, keys="pages")
        self._fanned = fanned

    def __call__(self, shape: ListShape) -> ListPrice:
        """A page of it."""
        walks, scanned = max(1, math.ceil(shape.values(*LONG) / LONG_VALUES)), 0
        values = 0 if self._fanned is None else shape.values(self._fanned)
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
    split = max(1, math.ceil(shape.values(*LONG) / LONG_VALUES))
    own = shape.conditions.get("salesloft")
    if isinstance(own, Mapping):
        fanned = max(fanned, *(n for value in own.values() if (n := count(value)) <= MOST_FANNED), 1)
        split = max(split, *(math.ceil(count(own.get(name)) / LONG_VALUES) for name in ("eventIds", "iCalUids")))
    return (1 + both) * fanned * split


def _scans(shape: ListShape) -> bool:
    """Whether rows may be passed over."""
    status = shape.conditions.get("status")
    return (
        shape.given(*CHECKED_HERE)
        or (shape.given("updated_at") and shape.order is not OrderField.UPDATED_AT)
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
