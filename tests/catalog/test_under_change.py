"""Lists that change between two pages: what stays as it is comes exactly once, nothing comes twice, the walk ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.meetings import MeetingQuery
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField, Position, Walk
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.paging.window import Window
from tests.catalog.asking import Run, ask, fake_of, keys
from tests.catalog.fakes import Fake
from tests.catalog.oracle import Oracle, sort
from tests.catalog.worlds import EVENTS, MOMENTS, ROW, Case, cases, drift_meeting, salesloft_meeting
from tests.properties import share

Key = tuple[Source, str]
CHANGES = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "cancel", "reschedule", "fold", "unfold"]), st.integers(0, 30), ROW),
    max_size=4,
)


def change(fake: Fake, what: str, place: int, throws: bytes, number: int) -> None:
    """One change of the world."""
    rows = (fake.salesloft if place % 2 else fake.drift).meetings
    if what == "insert":
        new = salesloft_meeting if place % 2 else drift_meeting
        rows.append(new(throws, f"{1000 + number}" if place % 2 else f"new{number}"))
        return
    if not rows:
        return
    at = place // 2 % len(rows)
    row = rows[at]
    changes: dict[str, dict[str, Any]] = {
        "cancel": {"status": MeetingStatus.CANCELED},
        "reschedule": {"start_time": MOMENTS[throws[0] % len(MOMENTS)]},
        "fold": {"calendar_event_id": EVENTS[throws[0] % 3]},
        "unfold": {"calendar_event_id": None},
    }
    if what == "delete":
        rows.pop(at)
    else:
        rows[at] = msgspec.structs.replace(row, **changes[what], updated_at=newest(fake))


def newest(fake: Fake) -> dt.datetime:
    """A time of change later than all others."""
    times = [row.updated_at for row in (*fake.salesloft.meetings, *fake.drift.meetings) if row.updated_at is not None]
    return max(times, default=MOMENTS[0]) + dt.timedelta(seconds=1)


def standing(fake: Fake, wanted: MeetingFilter, order: Order) -> dict[Key, Meeting]:
    """What the list holds now, each with the record that places it."""
    return {shown.key: shown.own for shown in Oracle(fake.salesloft, fake.drift).listed(wanted, order)}


@share(0.1)
@given(
    case=cases(most=8),
    changes=st.lists(CHANGES, max_size=12),
    size=st.integers(1, 4),
    backward=st.booleans(),
    canceled=st.sampled_from(Canceled),
    field=st.sampled_from([OrderField.START_TIME, OrderField.CREATED_AT, OrderField.UPDATED_AT]),
)
def test_what_does_not_change_comes_once(  # noqa: PLR0917 - what is drawn
    run: Run,
    case: Case,
    changes: list[list[tuple[str, int, bytes]]],
    size: int,
    canceled: Canceled,
    field: OrderField,
    *,
    backward: bool,
) -> None:
    fake = fake_of(case)
    wanted = MeetingFilter(canceled=canceled)
    order = msgspec.structs.replace(case.order, field=field)
    steady = standing(fake, wanted, order)
    met: list[Key] = []
    start: Position | None = None
    moved: set[Key] = set()
    for step in range(200):
        before = standing(fake, wanted, order)
        answer = run(
            ask(fake, MeetingQuery(window=Window(Walk(order, backward=backward, start=start), size), wanted=wanted))
        )
        shown = keys(answer)
        assert sort_of(fake, shown, order) == shown
        assert set(shown) <= before.keys(), "only what is there now"
        if start is not None:
            assert all(not passed(order, start, before[key], backward=backward) for key in shown)
        met += shown
        if not answer.page.ahead:
            break
        start = answer.page.start if backward else answer.page.end
        assert start is not None
        for number, each in enumerate(changes[step] if step < len(changes) else ()):
            change(fake, *each, step * 10 + number)
        after = standing(fake, wanted, order)
        moved |= {key for key, row in before.items() if after.get(key) != row}
        moved |= after.keys() - before.keys()
        steady = {key: row for key, row in steady.items() if after.get(key) == row}
    else:
        raise AssertionError("the walk does not end")
    assert all(met.count(key) == 1 for key in steady), "unchanged: exactly once"
    assert all(met.count(key) == 1 for key in met if key not in moved), "nothing that stayed put comes twice"


def sort_of(fake: Fake, shown: list[Key], order: Order) -> list[Key]:
    oracle = Oracle(fake.salesloft, fake.drift)
    rows = {(row.source, row.source_id): row for row in (*fake.salesloft.meetings, *fake.drift.meetings)}
    folded = [oracle.folded(rows[key]) if key[0] is Source.SALESLOFT else oracle.bare(rows[key]) for key in shown]
    return [each.key for each in sort(folded, order)]


def passed(order: Order, start: Position, row: Meeting, *, backward: bool) -> bool:
    """Whether a row stands at or before where a walk started."""
    key, edge = order.key(order.position(row)), order.key(start)
    return key >= edge if backward else key <= edge
