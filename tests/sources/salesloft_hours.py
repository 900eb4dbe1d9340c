"""A Salesloft whose meetings are an hour apart, for tests of which calls a walk makes."""

from __future__ import annotations

import datetime as dt

from gateway.model.filters import MeetingFilter
from gateway.model.order import Order, OrderField, Position, Walk, micros
from gateway.model.records import Meeting, Source
from gateway.paging.merge import Chunk, Lane
from gateway.request import Request
from gateway.sources.salesloft import source
from tests.sources.salesloft_vendor import NOTHING_KEPT, Vendor, row

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PAGING = ("sort_by", "sort_direction", "per_page", "page")
UPDATED = Order(OrderField.UPDATED_AT)


def hour(number: int) -> dt.datetime:
    return BEGIN + dt.timedelta(hours=number)


def formatted(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def world(size: int) -> Vendor:
    """Meeting n begins, was made and was changed in hour n."""
    times = (formatted(hour(number)) for number in range(1, size + 1))
    return Vendor(
        [row(number, start_time=at, created_at=at, updated_at=at) for number, at in enumerate(times, start=1)]
    )


def lanes(vendor: Vendor, walk: Walk = Walk(), wanted: MeetingFilter = MeetingFilter()) -> list[Lane[Meeting]]:  # noqa: B008 - frozen
    listing = source.open(vendor, NOTHING_KEPT).meetings
    assert listing is not None
    return list(listing.lanes(Request(1e9), walk, wanted))


def ids(chunk: Chunk[Meeting]) -> list[int]:
    return [int(each.source_id) for each in chunk.rows]


def after(number: int, hint: int | None = None) -> Position:
    return Position(micros(hour(number)), Source.SALESLOFT, str(number), hint)


def paged(vendor: Vendor, call: int = -1) -> tuple[str, ...]:
    return tuple(vendor.asked(call).get(name, [""])[0] for name in PAGING)
