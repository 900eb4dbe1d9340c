"""The window read whole, from an API that gives at most so many rows a call, in any order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UpstreamUnavailable
from gateway.request import Stale, Why
from gateway.sources.decode import Row
from gateway.sources.drift import wire
from gateway.sources.drift.window import EVERYTHING, LATEST, MeetingWindow, SlotAnswer, SlotRange, cut, read_window
from gateway.sources.memory import MemoryMeetings
from tests.sources.drift.fake import HOUR, NOW, FakeDrift, meeting, request

DAY = 24 * HOUR


def row(slug: str, start: int | None, updated: int | None = None) -> Row[wire.Meeting]:
    return Row(wire.Meeting(slug=slug, slot_start=start, updated_at=updated))


class Capped:
    """An API that gives any `cap` of the rows in a span; what its ends do is not documented."""

    def __init__(
        self, rows: list[Row[wire.Meeting]], cap: int, *, since: bool = True, until: bool = True, seed: int = 0
    ) -> None:
        self.rows, self.cap = rows, cap
        self.since, self.until = since, until
        self.random = random.Random(seed)
        self.asked: list[SlotRange] = []

    def holds(self, span: SlotRange, start: int | None) -> bool:
        if start is None:
            return True
        low = span.since <= start if self.since else span.since < start
        return low and (start <= span.until if self.until else start < span.until)

    async def fetch(self, span: SlotRange) -> SlotAnswer:
        self.asked.append(span)
        await asyncio.sleep(0)
        inside = [row for row in self.rows if self.holds(span, row.value.slot_start)]
        self.random.shuffle(inside)
        return SlotAnswer(rows=inside[: self.cap], full=len(inside) >= self.cap)

    async def read(self, most_calls: int = 10_000) -> MeetingWindow:
        return await read_window(self.fetch, now=NOW, most_calls=most_calls)


def slugs(window: MeetingWindow) -> list[str]:
    return sorted(row.value.slug for row in window.rows)


STARTS = st.lists(
    st.one_of(
        st.integers(NOW - 3, NOW + 3),
        st.integers(NOW - 30 * DAY, NOW + 90 * DAY),
        st.sampled_from([0, 1, NOW, NOW + HOUR, LATEST - 1, LATEST]),
    ),
    max_size=60,
)


@settings(deadline=None)  # machines differ
@given(STARTS, st.integers(1, 8), st.integers(0, 9))
def test_nothing_is_lost_or_doubled_and_crowds_are_reported(starts: list[int], cap: int, seed: int) -> None:
    rows = [row(str(number), start) for number, start in enumerate(starts)]
    api = Capped(rows, cap, seed=seed)
    window = asyncio.run(api.read())
    at = Counter(starts)
    crowded = {start for start, count in at.items() if count >= cap}
    assert set(window.crowded) == crowded
    assert not window.cut_off
    got = {row.value.slug for row in window.rows}
    assert len(got) == len(window.rows)
    assert got >= {str(number) for number, start in enumerate(starts) if start not in crowded}
    for start in crowded:
        assert sum(starts[int(slug)] == start for slug in got) >= cap
    assert len(set(api.asked)) == len(api.asked)


@settings(deadline=None)  # machines differ
@given(
    st.lists(st.integers(NOW - 300, NOW + 300), max_size=60, unique=True),
    st.integers(2, 8),
    st.sampled_from([(True, False), (False, True)]),
)
def test_an_end_that_is_not_part_of_a_span_loses_nothing(starts: list[int], cap: int, ends: tuple[bool, bool]) -> None:
    rows = [row(str(number), start) for number, start in enumerate(starts)]
    window = asyncio.run(Capped(rows, cap, since=ends[0], until=ends[1]).read())
    assert slugs(window) == sorted(str(number) for number in range(len(starts)))


@settings(deadline=None)  # machines differ
@given(st.integers(0, 400), st.integers(10, 50), st.integers(0, 99))
def test_calls_grow_with_the_rows(count: int, cap: int, seed: int) -> None:
    rows = [row(str(number), NOW + number * HOUR) for number in range(count)]
    api = Capped(rows, cap, seed=seed)
    window = asyncio.run(api.read())
    assert len(window.rows) == count
    # Four for each cap of rows: an answer that is not full has half of one, and came out of one that was.
    assert len(api.asked) <= (1 if count < cap else 4 * count // cap)


async def test_one_call_where_the_window_holds_less_than_a_call_may() -> None:
    api = Capped([row(str(number), NOW + number) for number in range(999)], 1000)
    assert len((await api.read()).rows) == 999
    assert api.asked == [EVERYTHING]


async def test_three_calls_for_up_to_twice_as_many() -> None:
    api = Capped([row(str(number), NOW + number * HOUR) for number in range(1500)], 1000)
    window = await api.read()
    assert len(window.rows) == 1500
    assert len(api.asked) == 3


async def test_both_halves_are_asked_at_once() -> None:
    api = Capped([row(str(number), NOW + number * HOUR) for number in range(3000)], 1000)
    in_flight, most = 0, 0

    async def fetch(span: SlotRange) -> SlotAnswer:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        answer = await api.fetch(span)
        in_flight -= 1
        return answer

    assert len((await read_window(fetch, now=NOW)).rows) == 3000
    assert most >= 2


async def test_the_number_of_calls_is_bounded_and_said() -> None:
    async def full(span: SlotRange) -> SlotAnswer:
        calls.append(span)
        return SlotAnswer(rows=[row("a", NOW), row(f"{span.since}-{span.until}", NOW + 1)], full=True)

    calls: list[SlotRange] = []
    window = await read_window(full, now=NOW, most_calls=20)
    assert len(calls) == 20
    assert window.cut_off
    assert len(slugs(window)) == 21


async def test_of_two_copies_the_newer_one_is_shown() -> None:
    answers = iter(
        [
            SlotAnswer(rows=[row("moved", NOW, 5), row("gone", NOW - DAY, 5), row("plain", NOW)], full=True),
            SlotAnswer(rows=[row("moved", NOW - DAY, 6), row("plain", NOW + 1)], full=False),
            SlotAnswer(rows=[row("moved", NOW + DAY, 4)], full=False),
        ]
    )

    async def fetch(_: SlotRange) -> SlotAnswer:
        return next(answers)

    window = await read_window(fetch, now=NOW)
    assert {row.value.slug: row.value.slot_start for row in window.rows} == {
        "moved": NOW - DAY,
        "gone": NOW - DAY,
        "plain": NOW + 1,
    }


async def test_a_failing_half_fails_the_window_and_ends_the_other() -> None:
    ended: list[str] = []

    async def fetch(span: SlotRange) -> SlotAnswer:
        if span == EVERYTHING:
            return SlotAnswer(rows=[row(str(number), NOW + number) for number in range(9)], full=True)
        if span.since == 0:
            await asyncio.sleep(0)
            raise UpstreamUnavailable("Down.", source="DRIFT")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("other")
        raise AssertionError

    with pytest.raises(UpstreamUnavailable):
        await read_window(fetch, now=NOW)
    assert ended == ["other"]


@pytest.mark.parametrize(
    ("span", "starts", "halves"),
    [
        (SlotRange(0, 100), [10, 20, 30], [SlotRange(0, 20), SlotRange(20, 100)]),
        (SlotRange(0, 100), [90, 10], [SlotRange(0, 10), SlotRange(10, 100)]),
        (SlotRange(0, 100), [0, 0, 0], [SlotRange(0, 1), SlotRange(1, 100)]),
        (SlotRange(0, 100), [100], [SlotRange(0, 99), SlotRange(99, 100)]),
        (SlotRange(0, 100), [-5, 400], [SlotRange(0, 50), SlotRange(50, 100)]),
        (SlotRange(0, 100), [None], [SlotRange(0, 50), SlotRange(50, 100)]),
        (EVERYTHING, [None], [SlotRange(0, NOW), SlotRange(NOW, LATEST)]),
        (EVERYTHING, [], [SlotRange(0, NOW), SlotRange(NOW, LATEST)]),
        (SlotRange(4, 6), [4, 6], [SlotRange(4, 5), SlotRange(5, 6)]),
        (SlotRange(4, 5), [4], [SlotRange(4, 4), SlotRange(5, 5)]),
        (SlotRange(4, 4), [4], []),
    ],
)
def test_where_a_span_is_cut(span: SlotRange, starts: list[int | None], halves: list[SlotRange]) -> None:
    assert list(cut(span, [row(str(number), start) for number, start in enumerate(starts)], now=NOW)) == halves


# Through the port, with Drift's own limit.


async def test_the_parameters_of_the_one_call() -> None:
    vendor = FakeDrift(meetings=[meeting("a"), meeting("b", status="CANCELED")])
    found = await vendor.window()
    assert [record.source_id for record in found.rows] == ["a", "b"]
    assert vendor.calls == [
        (
            "/users/meetings/org",
            "/users/meetings/org",
            {"min_start_time": "0", "max_start_time": "15000000000000", "limit": "1000"},
        )
    ]


async def test_the_window_is_held_for_the_request() -> None:
    vendor = FakeDrift(meetings=[meeting("a")])
    window = vendor.ports.meetings
    assert isinstance(window, MemoryMeetings)
    this = request()
    first, second = await asyncio.gather(window.all(this), window.all(this))
    assert first is second
    assert await window.all(this) is first
    assert len(vendor.calls) == 1


async def test_the_window_is_shared_while_it_is_young() -> None:
    vendor = FakeDrift(meetings=[meeting("a")])
    window = vendor.ports.meetings
    assert isinstance(window, MemoryMeetings)
    reported, then = [], NOW / 1000
    for seconds in (0, 29, 2, 0):
        vendor.clock.advance(seconds)
        this = request()
        await window.all(this)
        reported.append((this.freshness.as_of("DRIFT"), this.freshness.stale("DRIFT")))
        await vendor.wait_for_background()
    assert reported == [(then, None), (then, None), (then, Stale(then, Why.RENEWED)), (then + 31, None)]
    assert len(vendor.calls) == 2


async def test_an_old_window_stands_in_for_one_that_cannot_be_had() -> None:
    vendor = FakeDrift(meetings=[meeting("a")])
    window = vendor.ports.meetings
    assert isinstance(window, MemoryMeetings)
    await window.all(request())
    vendor.answers["/users/meetings/org"] = UpstreamUnavailable("Down.", source="DRIFT")
    vendor.clock.advance(100)
    this = request()
    assert [record.source_id for record in (await window.all(this))[0].rows] == ["a"]
    assert this.freshness.stale("DRIFT")
    vendor.clock.advance(3600)
    with pytest.raises(UpstreamUnavailable):
        await window.all(request())


async def test_a_crowd_at_one_instant_is_said() -> None:
    crowd = [meeting(f"crowd-{number}", slotStart=NOW) for number in range(1001)]
    others = [meeting(f"other-{number}", slotStart=NOW + number - 250) for number in range(500) if number != 250]
    vendor = FakeDrift(meetings=[*others, *crowd])
    found = await vendor.window()
    got = {record.source_id for record in found.rows}
    assert got >= {f"other-{number}" for number in range(500) if number != 250}
    assert sum(slug.startswith("crowd") for slug in got) == 1000
    assert found.incomplete == (
        "Drift gives at most 1,000 meetings that start together: some of 2026-09-21T14:13:20Z may be missing."
    )
    assert len(vendor.calls) <= 15


async def test_2500_rows_are_whole_and_nothing_is_said() -> None:
    rows = [meeting(f"m-{number}", slotStart=NOW + number % 700 * HOUR) for number in range(2500)]
    random.Random(5).shuffle(rows)
    vendor = FakeDrift(meetings=rows)
    found = await vendor.window()
    assert len(found.rows) == 2500
    assert found.incomplete is None
    assert len(vendor.calls) <= 9


@pytest.mark.parametrize("lost", [{"slug": ""}, {"slug": []}, {"status": "ACTIVE"}])
async def test_rows_that_are_lost_count_towards_a_full_answer(lost: dict[str, Any]) -> None:
    rows = [meeting(f"m-{number}", slotStart=NOW + number) for number in range(1400)]
    vendor = FakeDrift(meetings=[*rows[:500], lost, *rows[500:]])
    found = await vendor.window()
    assert len(found.rows) == 1400
    assert [problem.lost for problem in found.problems] == [True]


async def test_too_many_meetings_are_said() -> None:
    def endless(path: str, params: dict[str, str]) -> Any:
        since, until = int(params["min_start_time"]), int(params["max_start_time"])
        return [meeting(f"{since}-{until}-{n}", slotStart=since + n * ((until - since) // 1000)) for n in range(1000)]

    vendor = FakeDrift()
    vendor._answer = endless  # type: ignore[method-assign]  # an organization without end
    found = await vendor.window()
    assert found.incomplete == "Drift holds more meetings than can be asked for at once: some are missing."
    assert len(vendor.calls) == 64
