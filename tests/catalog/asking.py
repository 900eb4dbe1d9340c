"""Asking the catalog over fakes, in tests that are no coroutines themselves."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from gateway.catalog.answer import MeetingQuery
from gateway.catalog.catalog import Catalog
from gateway.catalog.events import ReadAhead
from gateway.catalog.pages import ListPage
from gateway.model.order import Order, Position, Walk, micros
from gateway.model.records import Meeting, Source
from gateway.model.status import ReportStatus
from gateway.paging.cursor import decode, encode
from gateway.paging.window import Window
from gateway.request import Request
from tests.catalog.fake import DETAILS, Fake
from tests.catalog.oracle import OWN_FIELDS, Shown
from tests.catalog.worlds import Case, everybody

T = TypeVar("T")

WHOLE = frozenset({ReportStatus.OK, ReportStatus.SKIPPED})
"""How sources report that nothing is missing."""

MOST_PAGES = 2_000


class Asked(Protocol):
    """Whatever has a catalog to be asked."""

    catalog: Catalog


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T: ...


def fake_of(case: Case) -> Fake:
    """The case's world behind the source protocols."""
    fake = Fake(listed=case.listed, off=case.off)
    fake.salesloft.meetings = list(case.salesloft)
    fake.drift.meetings = list(case.drift)
    fake.calendly.meetings = list(case.calendly)
    everybody(fake.salesloft, fake.drift, fake.calendly)
    return fake


async def ask(
    fake: Asked, query: MeetingQuery, ahead: ReadAhead | None = None, deadline: float = 1000
) -> ListPage[Meeting]:
    """One page, as one client request."""
    request = Request(deadline=deadline)
    try:
        return await fake.catalog.meetings.page(request, query, ahead)
    finally:
        await request.close()


def place_of(shown: Shown, order: Order) -> Position:
    """Where a meeting stands."""
    return place(shown.own, order)


def place(meeting: Meeting, order: Order) -> Position:
    value = getattr(meeting, order.field.value)
    return Position(None if value is None else micros(value), meeting.source, meeting.source_id)


def keys(page: ListPage[Meeting]) -> list[tuple[Source, str]]:
    """The page's rows by source and id."""
    return [(row.source, row.source_id) for row in page.page.rows]


async def walk_through(
    fake: Asked, case: Case, everything: Sequence[Shown], size: int, *, backward: bool = False, pausing: bool = False
) -> int:
    """Walks a list from one end to the other, each page from the cursor that the one before ends with.

    Checks every page's rows, both its flags and both its cursors against all that there is.

    Args:
        fake: The catalog.
        case: What is asked.
        everything: The whole list.
        size: Rows of a page.
        backward: Whether to begin at the end.
        pausing: Whether scans may pause, so that pages are short.

    Returns:
        The number of pages.
    """
    along = [shown.own for shown in (reversed(everything) if backward else everything)]
    done = 0
    start: Position | None = None
    for pages in range(1, MOST_PAGES):
        walk = Walk(case.order, backward=backward, start=start)
        query = MeetingQuery(window=Window(walk, size), wanted=case.wanted, behind=True)
        answer = await ask(fake, query)
        assert {report.status for report in answer.reports} <= WHOLE
        page = answer.page
        shown = keys(answer)[::-1] if backward else keys(answer)
        assert shown == [(row.source, row.source_id) for row in along[done : done + len(shown)]]
        assert len(shown) == min(size, len(along) - done) or (pausing and len(shown) < size and page.ahead)
        behind, done = done > 0, done + len(shown)
        # Where a scan pauses, rows that nobody has looked at may follow.
        assert page.ahead is (done < len(along)) or (pausing and page.ahead)
        assert answer.behind is behind or (pausing and answer.behind)
        near, far = (page.end, page.start) if backward else (page.start, page.end)
        check_places(walk, along, done - len(shown), done, near, far)
        if not page.ahead:
            assert done == len(along)
            return pages
        assert far is not None, "a page says that there is more, but not where"
        start = as_cursor(far, case.order, page.hint, page.aside)
    raise AssertionError("the walk does not end")


def check_places(  # noqa: PLR0917 - a stretch and its two ends
    walk: Walk, along: Sequence[Meeting], first: int, after: int, near: Position | None, far: Position | None
) -> None:
    """That a page's cursors stand at its rows' ends, the far one further on only where nothing lies between."""
    if first < after:
        assert near is not None
        assert bare(near) == place(along[first], walk.order)
        assert far is not None
        assert not walk.before(far, place(along[after - 1], walk.order))
    if far is not None and after < len(along):
        assert walk.before(far, place(along[after], walk.order)), "what follows lies before the cursor"


def as_cursor(place: Position, order: Order, hint: int | None, aside: tuple[str, ...]) -> Position:
    """A place as a client has it: as text, with the page's hint if it has none of its own, and what was put aside."""
    hinted = msgspec.structs.replace(place, hint=place.hint if place.hint is not None else hint, aside=aside)
    given = decode(encode(hinted, order.field), order.field)
    assert given == hinted
    return given


def bare(position: Position) -> Position:
    """A place and nothing else."""
    return msgspec.structs.replace(position, hint=None, aside=())


def assert_shown(meeting: Meeting, shown: Shown, fields: Collection[str]) -> None:
    """That a meeting looks as it should, as far as fields are selected."""
    for name, value in shown.values.items():
        own = name in OWN_FIELDS and (meeting.source is not Source.CALENDLY or name not in DETAILS)
        if name in fields or own:
            assert getattr(meeting, name) == value, name
    every = "alternate_ids" in fields
    seen = [source for source in Source if every or source.name.lower() in fields]
    twins, expected = ([row.source_id for row in rows if row.source in seen] for rows in (meeting.twins, shown.twins))
    assert twins == expected
    if "sources" in fields:
        assert meeting.sources == shown.sources
