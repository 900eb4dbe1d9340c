"""What a walk by time of last change asks for, which Salesloft cannot filter on."""

from __future__ import annotations

import pytest

from gateway.model.conditions import TimeRange
from gateway.model.filters import MeetingFilter
from gateway.model.order import Order, Position, Walk, micros
from gateway.model.records import Source
from gateway.paging.merge import Problem
from tests.sources.salesloft_hours import UPDATED, after, formatted, hour, ids, lanes, paged, world


@pytest.mark.sampled(10)
@pytest.mark.parametrize(
    ("number", "hint"), [(4910, 0), (4900, 0), (4705, 200), (2550, 2400), (2500, 2499), (30, 4900)]
)
async def test_a_page_by_last_change_with_a_hint_is_at_most_two_calls(number: int, hint: int) -> None:
    vendor = world(5000)

    (lane,) = lanes(vendor, Walk(UPDATED, start=after(number, hint)))
    got: list[int] = []
    while len(got) < 25:
        got += ids(await lane.read(25 - len(got)))

    assert got[:25] == list(range(number - 1, number - 26, -1))
    assert len(vendor.calls) <= 2
    assert max(int(paged(vendor, call)[3]) for call in range(len(vendor.calls))) <= 100


@pytest.mark.sampled(10)
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("hint", [None, 0, 2500, 4999, 100_000])
@pytest.mark.parametrize("number", [4990, 3333, 7])
async def test_a_page_by_last_change_is_found_without_a_good_hint(
    number: int, hint: int | None, backward: bool
) -> None:
    vendor = world(5000)

    chunk = await lanes(vendor, Walk(UPDATED, backward=backward, start=after(number, hint)))[0].read(3)

    step = 1 if backward else -1
    assert ids(chunk)[:3] == [number + step, number + 2 * step, number + 3 * step]
    assert len(vendor.calls) <= 18
    assert set(vendor.costs) == {1}
    assert max(int(paged(vendor, call)[3]) for call in range(len(vendor.calls))) <= 100


async def test_hints_of_chunks_count_from_the_newest_row() -> None:
    vendor = world(500)

    (lane,) = lanes(vendor, Walk(UPDATED))
    first, second = await lane.read(25), await lane.read(25)
    (turned,) = lanes(vendor, Walk(UPDATED, backward=True, start=after(100, 400)))
    before = await turned.read(25)

    assert (first.hint, second.hint) == (0, len(first.rows))
    assert before.hint == 500 - int(before.rows[-1].source_id)


async def test_what_changed_since_costs_what_has_changed() -> None:
    vendor = world(5000)
    wanted = MeetingFilter(updated_at=TimeRange(gt=hour(4850)))

    (lane,) = lanes(vendor, Walk(UPDATED), wanted)
    got: list[int] = []
    done = False
    while not done:
        chunk = await lane.read(100)
        got += ids(chunk)
        done = chunk.done

    assert got == list(range(5000, 4850, -1))
    assert len(vendor.calls) == 2


async def test_what_lies_beyond_the_reach_of_offsets_is_said_to_be_missing() -> None:
    vendor = world(9_300)

    chunk = await lanes(vendor, Walk(UPDATED, start=after(100)))[0].read(25)

    assert chunk.done
    assert Problem("meetings beyond the 9000 that can be listed by updated_at", lost=True) in chunk.problems
    assert set(vendor.costs) == {1}


@pytest.mark.sampled(10)
@pytest.mark.parametrize("hint", range(0, 300, 7))
async def test_a_run_that_the_hint_points_into_is_whole(hint: int) -> None:
    vendor = world(300)
    for each in vendor.rows:
        each["updated_at"] = formatted(hour(each["id"] // 30))
    start = Position(micros(hour(5)), Source.SALESLOFT, "0", hint)

    (lane,) = lanes(vendor, Walk(UPDATED, start=start))
    got: list[int] = []
    while len(got) < 30:
        got += ids(await lane.read(30))

    assert got[:30] == list(range(150, 180))


@pytest.mark.sampled(10)
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("call", range(8))
async def test_a_row_that_changes_while_a_long_run_is_read_hides_no_other(call: int, backward: bool) -> None:
    vendor = world(250)
    for each in vendor.rows:
        each["updated_at"] = formatted(hour(5))

    def change(number: int) -> None:
        if number == call:
            moving = min((each for each in vendor.rows), key=lambda each: (each["id"] * 7919) % 1009)
            moving["updated_at"] = formatted(hour(9))

    vendor.before = change
    (lane,) = lanes(vendor, Walk(UPDATED, backward=backward))
    got: list[int] = []
    done = False
    while not done:
        chunk = await lane.read(100)
        got += ids(chunk)
        done = chunk.done

    moved = {each["id"] for each in vendor.rows if each["updated_at"] == formatted(hour(9))}
    assert set(got) | moved == {each["id"] for each in vendor.rows}
    assert len(got) == len(set(got))


@pytest.mark.parametrize("order", [Order(), UPDATED])
async def test_rows_of_one_instant_that_come_in_another_order_every_time_are_never_lost_in_silence(
    order: Order,
) -> None:
    """They are read twice; where neither shows all of them, that is said."""
    vendor = world(150)
    vendor.restless = True
    for each in vendor.rows:
        each["start_time"] = each["created_at"] = each["updated_at"] = formatted(hour(5))

    chunk = await lanes(vendor, Walk(order))[0].read(25)

    assert ids(chunk) == sorted(ids(chunk))
    assert len(set(ids(chunk))) == len(ids(chunk)) > 100
    assert [problem.lost for problem in chunk.problems] == [True] * (len(ids(chunk)) < 150)
    whole = [call for call in vendor.calls if ("per_page", "100") in call]
    assert len(vendor.calls) <= len(whole) + 3, "no third pass"
