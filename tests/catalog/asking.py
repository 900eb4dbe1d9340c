"""Asking the catalog over fakes, in tests that are no coroutines themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from typing import Any, Protocol, TypeVar

from gateway.catalog.meetings import MeetingPage, MeetingQuery
from gateway.model.order import Order, Position, Walk, micros
from gateway.model.records import Meeting, Source
from gateway.paging.window import Window
from gateway.upstream.request import Request
from tests.catalog.fakes import Fake
from tests.catalog.oracle import OWN_FIELDS, Shown
from tests.catalog.worlds import Case, everybody

T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T: ...


def fake_of(case: Case) -> Fake:
    """The case's world behind the source protocols."""
    fake = Fake()
    fake.salesloft.meetings = list(case.salesloft)
    fake.drift.meetings = list(case.drift)
    everybody(fake.salesloft, fake.drift)
    return fake


async def ask(
    fake: Fake, query: MeetingQuery, on_candidates: Callable[[Any], None] | None = None, deadline: float = 1000
) -> MeetingPage:
    """One page, as one client request."""
    request = Request(deadline=deadline)
    try:
        return await fake.catalog.meetings.page(request, query, on_candidates)
    finally:
        await request.close()


def place_of(shown: Shown, order: Order) -> Position:
    """Where a meeting stands."""
    return place(shown.own, order)


def place(meeting: Meeting, order: Order) -> Position:
    value = getattr(meeting, order.field.value)
    return Position(None if value is None else micros(value), meeting.source, meeting.source_id)


def keys(page: MeetingPage) -> list[tuple[Source, str]]:
    """The page's rows by source and id."""
    return [(row.source, row.source_id) for row in page.page.rows]


async def walked(fake: Fake, case: Case, size: int, *, backward: bool = False, most: int = 10_000) -> list[MeetingPage]:
    """All pages from one end of a list to the other, each asked from where the one before reached to."""
    pages: list[MeetingPage] = []
    start: Position | None = None
    while len(pages) < most:
        walk = Walk(case.order, backward=backward, start=start)
        page = await ask(fake, MeetingQuery(window=Window(walk, size), wanted=case.wanted))
        pages.append(page)
        if not page.page.ahead:
            return pages
        start = page.page.start if backward else page.page.end
        assert start is not None, "a page says that there is more, but not where"
    raise AssertionError("the walk does not end")


def assert_shown(meeting: Meeting, shown: Shown, fields: Collection[str]) -> None:
    """That a meeting looks as it should, as far as fields are selected."""
    for name, value in shown.values.items():
        if name in fields or name in OWN_FIELDS:
            assert getattr(meeting, name) == value, name
    if {"alternate_ids", "drift"}.intersection(fields):
        assert [twin.source_id for twin in meeting.twins] == [twin.source_id for twin in shown.twins]
    if "sources" in fields:
        assert meeting.sources == shown.sources
