"""The inputs of `meetings`: order and filter, the vendors' own among them, and what they come to in the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import strawberry

from gateway.errors import BadUserInput
from gateway.graph.enums import MeetingOrderField, OrderDirection, meaning
from gateway.graph.inputs.filters import filter_input, read_filter
from gateway.graph.inputs.values import condition, given
from gateway.model import filters
from gateway.model.conditions import OwnConditions
from gateway.model.filters import Canceled
from gateway.model.order import Order
from gateway.model.records import MeetingStatus, Source
from gateway.sources.calendly import conditions as calendly
from gateway.sources.drift import conditions as drift
from gateway.sources.salesloft import conditions as salesloft

OWN: Mapping[Source, type[OwnConditions[Any]]] = {
    Source.SALESLOFT: salesloft.MeetingConditions,
    Source.DRIFT: drift.MeetingConditions,
    Source.CALENDLY: calendly.MeetingConditions,
}
"""Each source's own conditions; the field is named as the source is."""


@strawberry.input(description="The order of a list of meetings.")
class MeetingOrder:
    field: MeetingOrderField = strawberry.field(
        default=MeetingOrderField.START_TIME, description="The time to order by."
    )
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.DESC, description="The direction. Rows without that time come last in both directions."
    )


@filter_input(
    salesloft.MeetingConditions,
    (
        "Every filter of Salesloft's list of meetings, under Salesloft's names. All of them must "
        "hold, except that a match of either `eventIds` or `iCalUids` is enough. Where a record "
        "does not contain the value, Salesloft's decision is trusted."
    ),
)
class SalesloftMeetingFilter: ...


@filter_input(
    drift.MeetingConditions,
    (
        "Conditions on Drift's record of a meeting, under Drift's names. All of them must hold. "
        "The gateway checks them, since Drift cannot filter. A meeting without the value does "
        "not match."
    ),
)
class DriftMeetingFilter: ...


@filter_input(
    calendly.MeetingConditions,
    (
        "Conditions on Calendly's record of a meeting, under Calendly's names. All of them must "
        "hold. A meeting without the value does not match."
    ),
)
class CalendlyMeetingFilter: ...


@filter_input(
    filters.MeetingFilter,
    (
        "Conditions that a meeting must meet, all of them. A condition that is null is ignored. "
        "An empty list matches nothing and makes no upstream call. A list can have at most 100 "
        "values."
    ),
)
class MeetingFilter:
    salesloft: SalesloftMeetingFilter | None = condition(
        "Salesloft's own filters, under the vendor's names. They apply to Salesloft's record of the meeting."
    )
    drift: DriftMeetingFilter | None = condition(
        "Drift's own filters, under the vendor's names. They apply to Drift's record of the meeting."
    )
    calendly: CalendlyMeetingFilter | None = condition(
        "Calendly's own filters, under the vendor's names. They apply to Calendly's record of the meeting."
    )


def order_of(order: MeetingOrder | None) -> Order:
    """The order asked for; a null one is the default."""
    if order is None:
        return Order()
    return Order(meaning(order.field), descending=order.direction is OrderDirection.DESC)


def filter_of(asked: MeetingFilter | None, argument: str = "filter") -> filters.MeetingFilter:
    """The conditions asked for.

    Raises:
        BadUserInput: A value is invalid, or a condition needs a bound on the start time; `argument` names it.
    """
    wanted = read_filter(filters.MeetingFilter, asked, argument, own=_own(asked, argument))
    if wanted.unbounded is not None:
        where = f"{argument}.{wanted.unbounded}"
        raise BadUserInput(f"{where}: requires a bound on startTime, since it is checked row by row.", argument=where)
    if asked is None or given(vars(asked)["canceled"]) is not None:
        return wanted
    named = wanted.ids is not None or (wanted.status is not None and MeetingStatus.CANCELED in wanted.status)
    decided = any(own.decides_cancelled for own in wanted.own.values() if isinstance(own, OwnConditions))
    return msgspec.structs.replace(wanted, canceled=Canceled.INCLUDE) if named or decided else wanted


def _own(asked: MeetingFilter | None, argument: str) -> Mapping[Source, object]:
    """The vendors' own conditions; an input without any is left out."""
    found: dict[Source, object] = {}
    for source, kind in OWN.items():
        name = source.value.lower()
        own = None if asked is None else given(getattr(asked, name))
        conditions = read_filter(kind, own, f"{argument}.{name}")
        if conditions != kind():
            found[source] = conditions
    return found
