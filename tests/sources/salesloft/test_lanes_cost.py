"""What a walk asks for: which calls, of which pages, and what they cost."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.errors import UpstreamMalformed, UpstreamTimeout
from gateway.model.conditions import TimeRange
from gateway.model.filters import Canceled, MeetingFilter
from gateway.model.order import Order, OrderField, Position, Walk, micros
from gateway.model.records import Source
from gateway.paging.merge import Problem
from gateway.request import Request
from gateway.upstream.client import raw_body
from tests.sources.salesloft_hours import BEGIN, after, formatted, hour, ids, lanes, paged, world
from tests.sources.salesloft_vendor import row


async def test_nothing_is_asked_before_a_lane_is_read() -> None:
    vendor = world(3)

    assert len(lanes(vendor, Walk(), MeetingFilter(canceled=Canceled.INCLUDE))) == 2
    assert vendor.calls == []


@pytest.mark.parametrize("field", [OrderField.START_TIME, OrderField.CREATED_AT])
async def test_the_first_page_is_one_call(field: OrderField) -> None:
    vendor = world(300)

    chunk = await lanes(vendor, Walk(Order(field)))[0].read(25)

    assert ids(chunk) == list(range(300, 275, -1))
    assert (chunk.more, chunk.done, chunk.paused) == (True, False, False)
    assert len(vendor.calls) == 1
    assert paged(vendor) == (field.value, "DESC", "26", "1")
    assert vendor.asked()["show_deleted"] == ["false"]
    assert not any(name.startswith(field.value + "[") for name, _ in vendor.calls[0])


@pytest.mark.parametrize("number", [299, 250, 30])
async def test_every_later_page_is_one_call_of_page_1(number: int) -> None:
    vendor = world(300)

    chunk = await lanes(vendor, Walk(start=after(number)))[0].read(25)

    assert ids(chunk) == list(range(number - 1, number - 26, -1))
    assert len(vendor.calls) == 1
    assert paged(vendor) == ("start_time", "DESC", "27", "1")
    assert vendor.asked()["start_time[lte]"] == [formatted(hour(number))]


async def test_backward_is_the_same_turned_round() -> None:
    vendor = world(300)

    chunk = await lanes(vendor, Walk(backward=True, start=after(100)))[0].read(25)

    assert ids(chunk) == list(range(101, 126))
    assert paged(vendor) == ("start_time", "ASC", "27", "1")
    assert vendor.asked()["start_time[gte]"] == [formatted(hour(100))]
    assert len(vendor.calls) == 1


async def test_a_page_is_never_larger_than_100_and_goes_on_from_its_edge() -> None:
    vendor = world(300)
    (lane,) = lanes(vendor)

    first = await lane.read(500)
    second = await lane.read(1)

    assert (len(first.rows), ids(second)) == (99, [201])
    assert paged(vendor, 0)[2:] == ("100", "1")
    assert paged(vendor, 1)[2:] == ("2", "1")
    assert vendor.asked(1)["start_time[lte]"] == [formatted(hour(201))]


async def test_the_filter_s_own_bounds_stay_where_they_are_tighter() -> None:
    vendor = world(300)
    wanted = MeetingFilter(start_time=TimeRange(gte=hour(90), lt=hour(200)), created_at=TimeRange(gt=hour(95)))

    chunk = await lanes(vendor, Walk(start=after(100)), wanted)[0].read(25)

    assert ids(chunk) == [99, 98, 97, 96]
    assert chunk.done
    assert {name: vendor.asked()[name] for name in vendor.asked() if "[" in name} == {
        "start_time[gte]": [formatted(hour(90))],
        "start_time[lte]": [formatted(hour(100))],
        "created_at[gt]": [formatted(hour(95))],
    }
    assert len(vendor.calls) == 1


async def test_a_walk_ends_at_its_stop() -> None:
    vendor = world(300)

    chunk = await lanes(vendor, Walk(start=after(100), stop=after(95)))[0].read(25)

    assert (ids(chunk), chunk.done) == ([99, 98, 97, 96], True)
    assert vendor.asked()["start_time[gte]"] == [formatted(hour(95))]
    assert len(vendor.calls) == 1


async def test_an_instant_larger_than_a_page_is_read_alone_until_whole() -> None:
    vendor = world(0)
    at = formatted(hour(5))
    tied = [row(number, start_time=at, created_at=formatted(hour(-number))) for number in range(1, 251)]
    vendor.rows = [*tied, *(row(1000 + number, start_time=formatted(hour(4 - number))) for number in range(3))]
    (lane,) = lanes(vendor, Walk(start=Position(micros(hour(5)), Source.SALESLOFT, "120")))

    chunk = await lane.read(25)
    following = await lane.read(25)

    assert ids(chunk) == list(range(121, 251))
    assert (ids(following), following.done) == ([1000, 1001, 1002], False)
    asked = [vendor.asked(call) for call in range(len(vendor.calls))]
    assert [each["per_page"] for each in asked[:2]] == [["27"], ["100"]]
    for number, each in enumerate(asked[2:5], start=1):
        assert (each["start_time[gte]"], each["start_time[lte]"]) == ([at], [at])
        assert (each["sort_by"], each["page"]) == (["created_at"], [str(number)])
    assert asked[5]["start_time[lte]"] == [formatted(hour(5) - dt.timedelta(microseconds=1))]
    assert len(asked) == 6


async def test_a_filter_that_is_checked_here_pauses_after_five_pages_and_goes_on_from_there() -> None:
    vendor = world(1200)
    wanted = MeetingFilter(end_time=TimeRange(gte=BEGIN))
    vendor.rows[100]["end_time"] = formatted(BEGIN)

    (lane,) = lanes(vendor, Walk(), wanted)
    first = await lane.read(25)
    again = await lane.read(25)

    assert (ids(first), first.paused, first.done) == ([], True, False)
    assert (again.paused, again.frontier) == (True, first.frontier)
    assert [paged(vendor, call)[2:] for call in range(len(vendor.calls))] == [("100", "1")] * 5
    (lane,) = lanes(vendor, Walk(start=first.frontier), wanted)
    second = await lane.read(25)
    assert (ids(second), second.paused) == ([], True)
    (lane,) = lanes(vendor, Walk(start=second.frontier), wanted)
    assert ids(await lane.read(25)) == [101]
    assert len(vendor.calls) <= 12


async def test_the_end_of_a_walk_without_bounds_is_a_count_and_a_look() -> None:
    vendor = world(40)
    vendor.rows.append(row(900, start_time=None))
    vendor.rows.append(row(89, start_time=None))
    (lane,) = lanes(vendor, Walk(start=after(20)))

    first = await lane.read(25)
    assert (len(first.rows), first.done, len(vendor.calls)) == (19, False, 1)
    second = await lane.read(25)
    assert (ids(second), second.done) == ([89, 900], True)
    assert len(vendor.calls) == 3
    assert vendor.asked(1)["include_paging_counts"] == ["true"]
    assert paged(vendor, 2)[:2] == ("start_time", "DESC")


async def test_a_listing_that_fits_a_page_has_shown_everything() -> None:
    vendor = world(10)
    vendor.rows.append(row(900, start_time=None))
    (lane,) = lanes(vendor)

    chunk = await lane.read(25)

    assert (ids(chunk), chunk.done) == ([*range(10, 0, -1), 900], True)
    assert len(vendor.calls) == 1


async def test_a_range_leaves_out_rows_without_a_value_and_asks_nothing_about_them() -> None:
    vendor = world(10)
    vendor.rows.append(row(900, start_time=None))
    (lane,) = lanes(vendor, Walk(backward=True), MeetingFilter(start_time=TimeRange(gte=BEGIN)))

    chunk = await lane.read(25)

    assert (ids(chunk), chunk.done, len(vendor.calls)) == (list(range(1, 11)), True, 1)


async def test_rows_without_a_value_deep_down_cost_what_their_page_costs() -> None:
    vendor = world(0)
    vendor.rows = [row(number, start_time=formatted(hour(number))) for number in range(1, 10_101)]
    vendor.rows += [row(20_000 + number, start_time=None) for number in range(3)]

    chunk = await lanes(vendor, Walk(backward=True))[0].read(2)

    assert ids(chunk) == [20_002, 20_001, 20_000]
    assert vendor.costs[-1] == 3
    assert int(paged(vendor)[3]) > 100


async def test_a_failing_call_leaves_the_lane_where_it_was() -> None:
    vendor = world(300)
    (lane,) = lanes(vendor)
    first = await lane.read(25)

    def fail(_: int) -> None:
        raise UpstreamTimeout("Too slow.", source="SALESLOFT")

    vendor.before = fail
    with pytest.raises(UpstreamTimeout):
        await lane.read(25)
    vendor.before = None
    second = await lane.read(25)

    assert ids(first) + ids(second) == list(range(300, 300 - len(first.rows) - len(second.rows), -1))


async def test_a_row_that_moves_ahead_meanwhile_is_not_shown_again() -> None:
    vendor = world(300)
    (lane,) = lanes(vendor)
    first = await lane.read(25)
    vendor.rows[299]["start_time"] = formatted(hour(260))

    second = await lane.read(25)

    assert 300 in ids(first)
    assert ids(second)[0] == 275
    assert 260 in ids(second)
    assert 300 not in ids(second)


async def test_filters_that_the_vendor_ignores_are_checked_here() -> None:
    vendor = world(30)
    vendor.rows[4]["canceled_at"] = formatted(BEGIN)
    vendor.rows[5]["no_show"] = True
    vendor.ignored = frozenset({"show_deleted", "no_show"})

    chunk = await lanes(vendor, Walk(), MeetingFilter(no_show=False))[0].read(25)

    assert not {5, 6} & set(ids(chunk))


async def test_bounds_that_the_vendor_ignores_end_the_walk_with_an_error_rather_than_never() -> None:
    vendor = world(300)
    vendor.ignored = frozenset({"start_time[lte]"})

    with pytest.raises(UpstreamMalformed):
        await lanes(vendor, Walk(start=after(100)))[0].read(25)


@pytest.mark.parametrize("field", list(OrderField))
async def test_an_order_that_the_vendor_does_not_keep_is_an_error(
    field: OrderField, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = world(300)
    answer = vendor.get

    async def unsorted(request: Request, *asked: Any, read: Callable[[bytes], Awaitable[Any]], **rest: Any) -> Any:
        body = json.loads(await answer(request, *asked, read=raw_body, **rest) or b"")
        body["data"].reverse()
        return await read(json.dumps(body).encode())

    monkeypatch.setattr(vendor, "get", unsorted)
    with pytest.raises(UpstreamMalformed):
        await lanes(vendor, Walk(Order(field)))[0].read(25)


async def test_a_row_whose_sort_value_cannot_be_read_comes_last_at_no_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = world(30)
    answer = vendor.get

    async def garbled(request: Request, *asked: Any, read: Callable[[bytes], Awaitable[Any]], **rest: Any) -> Any:
        body = json.loads(await answer(request, *asked, read=raw_body, **rest) or b"")
        for each in body["data"]:
            each["start_time"] = "soon" if each["id"] == 20 else each["start_time"]
        return await read(json.dumps(body).encode())

    monkeypatch.setattr(vendor, "get", garbled)
    chunk = await lanes(vendor, Walk(), MeetingFilter(start_time=TimeRange(gte=BEGIN)))[0].read(30)

    assert ids(chunk) == [*(number for number in range(30, 0, -1) if number != 20), 20]
    assert chunk.problems == (Problem("start_time", rows=frozenset({"20"})),)
    assert chunk.aside == ("20",)
    assert len(vendor.calls) == 1


async def test_too_many_rows_without_a_value_are_said_to_be() -> None:
    vendor = world(5)
    vendor.rows += [row(1000 + number, start_time=None) for number in range(1300)]

    chunk = await lanes(vendor, Walk(backward=True))[0].read(25)

    assert 1000 <= len(chunk.rows) < 1300
    assert [problem.lost for problem in chunk.problems] == [True]
    assert chunk.problems[0].where.startswith("meetings without a start_time beyond the first")
    assert len(vendor.calls) <= 14
