"""The source's ports over the emulated Salesloft on a socket: answers equal to the world, and the calls they took."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField, Walk
from gateway.model.records import MeetingStatus, Source
from gateway.sources.salesloft.conditions import MeetingConditions
from tests.sources.salesloft_stand import NOW, Stand
from tests.sources.salesloft_stand import stand as stand  # a fixture
from tests.sources.salesloft_vendor import Row
from tests.sources.salesloft_worlds import oracle

EXACT = MeetingFilter(canceled=Canceled.INCLUDE)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("field", list(OrderField))
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("backward", [True, False])
async def test_walks_over_everything(stand: Stand, field: OrderField, descending: bool, backward: bool) -> None:
    walk = Walk(Order(field, descending), backward)

    assert await stand.walked(walk, EXACT) == oracle(stand.rows, walk, EXACT)
    assert {endpoint for endpoint, _ in stand.called()} == {"meetings"}


FILTERS = [
    MeetingFilter(),
    MeetingFilter(canceled=Canceled.ONLY),
    *(MeetingFilter(status=frozenset({status}), canceled=Canceled.INCLUDE) for status in MeetingStatus),
    MeetingFilter(no_show=True),
    MeetingFilter(no_show=False, canceled=Canceled.INCLUDE),
    MeetingFilter(start_time=TimeRange(gte=NOW, lt=NOW + dt.timedelta(days=7))),
    MeetingFilter(created_at=TimeRange(gt=NOW - dt.timedelta(days=30))),
    MeetingFilter(updated_at=TimeRange(gte=NOW - dt.timedelta(days=10))),
    MeetingFilter(start_time=TimeRange(gte=NOW), end_time=TimeRange(lte=NOW + dt.timedelta(days=3))),
]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "stand",
    [
        SalesloftOptions(no_show_only=only, deleted_by_default=default)
        for only in (True, False)
        for default in (True, None)
    ],
    indirect=True,
)
@pytest.mark.parametrize("wanted", FILTERS)
async def test_what_the_documents_leave_open_changes_no_answer(stand: Stand, wanted: MeetingFilter) -> None:
    assert await stand.walked(Walk(), wanted) == oracle(stand.rows, Walk(), wanted)
    counted = await stand.listing.count(stand.request(), wanted)
    assert counted in (None, len(oracle(stand.rows, Walk(), wanted)))


async def test_counts_are_asked_for_at_once_one_call_a_listing(stand: Stand) -> None:
    assert await stand.listing.count(stand.request(), EXACT) == len(stand.rows)

    calls = [params for _, params in stand.called()]
    assert sorted(params["show_deleted"][0] for params in calls) == ["false", "true"]
    assert all((params["per_page"], params["include_paging_counts"]) == (["1"], ["true"]) for params in calls)


async def test_what_cannot_be_counted_costs_no_call(stand: Stand) -> None:
    wanted = MeetingFilter(attendee_emails=frozenset({"a@b.example"}), start_time=TimeRange(gte=NOW))

    assert await stand.listing.count(stand.request(), wanted) is None
    assert await stand.listing.count(stand.request(), MeetingFilter(ids=frozenset())) == 0
    assert stand.called() == []


def own_cases(rows: list[Row]) -> list[tuple[MeetingConditions, list[Row]]]:
    """One condition each, with the rows that the document says it means, by values that the world has."""
    cases: list[tuple[MeetingConditions, list[Row]]] = []

    def one(name: str, value: Any, matching: list[Row]) -> None:
        cases.append((MeetingConditions(**{name: value}), matching))

    def stub(each: Row, name: str) -> str | None:
        return str(each[name]["id"]) if each.get(name) else None

    many: dict[str, Callable[[Row], Any]] = {
        "person_id": lambda each: stub(each, "person"),
        "person_ids": lambda each: stub(each, "person"),
        "user_guids": lambda each: stub(each, "owned_by_user"),
        "event_ids": lambda each: each["event_id"],
        "i_cal_uids": lambda each: each["i_cal_uid"],
        "account_id": lambda each: each["account_id"] and str(each["account_id"]),
        "task_ids": lambda each: each["task_id"] and str(each["task_id"]),
        "meeting_type_id": lambda each: each["meeting_type_id"] and str(each["meeting_type_id"]),
    }
    for name, read in many.items():
        values = sorted({read(each) for each in rows} - {None})[:3]
        assert values, name
        one(name, frozenset(values), [each for each in rows if read(each) in values])
    single: dict[str, Callable[[Row], Any]] = {
        "booked_by_user_uuid": lambda each: stub(each, "booked_by_user"),
        "cadence_id": lambda each: stub(each, "cadence"),
        "step_id": lambda each: stub(each, "step"),
        "status": lambda each: each["status"],
    }
    for name, read in single.items():
        value = next(found for each in rows if (found := read(each)) is not None)
        one(name, value, [each for each in rows if read(each) == value])
    one("ids", frozenset(str(each["id"]) for each in rows[:5]), rows[:5])
    one("show_deleted", True, [each for each in rows if each["canceled_at"]])
    one("no_show", True, [each for each in rows if each["no_show"]])
    since = TimeRange(gt=NOW)
    one("start_time", since, [e for e in rows if e["start_time"] and dt.datetime.fromisoformat(e["start_time"]) > NOW])
    one("created_at", since, [e for e in rows if dt.datetime.fromisoformat(e["created_at"]) > NOW])
    return cases


async def test_each_of_salesloft_s_own_filters(stand: Stand) -> None:
    for conditions, matching in own_cases(stand.rows):
        wanted = MeetingFilter(canceled=Canceled.INCLUDE, own={Source.SALESLOFT: conditions})

        assert await stand.walked(Walk(), wanted) == oracle(matching, Walk(), EXACT), conditions
        stand.called()


async def test_every_row_of_the_world_is_read_without_a_loss(stand: Stand) -> None:
    for lane in stand.listing.lanes(stand.request(), Walk(), EXACT):
        done = False
        while not done:
            chunk = await lane.read(100)
            assert chunk.problems == ()
            assert all(row.unreadable == frozenset() for row in chunk.rows)
            done = chunk.done
