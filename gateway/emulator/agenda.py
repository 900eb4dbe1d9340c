"""A year of the team's meetings in Salesloft: how many of which sort, and when."""

from datetime import datetime, timedelta
from random import Random

from gateway.emulator.calendar import instant, utc_text, working_slot
from gateway.emulator.draw import chance
from gateway.emulator.meetings import REACH_AHEAD, REACH_BACK, MeetingMaker, Staff
from gateway.emulator.table import Row

FIRST_ID = 660_445
_SERIES_LENGTH = 8
_CLUSTERS = ((-201, 120), (-96, 30), (-12, 8), (3, 6), (40, 12))
"""Days from now, and how many meetings all start at one instant of that day."""


def fill(rng: Random, now: datetime, count: int, staff: Staff) -> list[Row]:
    """Make so many meetings, in no order and without ids: series, ties, all-day, unbooked, copies, the rest plain.

    The clusters shrink with the number.
    """
    maker = MeetingMaker(rng, now, staff)
    rows: list[Row] = []
    for _ in range(count // 100):
        rows += maker.series(_SERIES_LENGTH)
    for days, size in _CLUSTERS:
        rows += _cluster(maker, now + timedelta(days=days), min(size, count // 40))
    rows += _close_together(maker, now + timedelta(days=5))
    rows += [maker.all_day() for _ in range(count // 120)]
    rows += [maker.unbooked(number) for number in range(count // 80)]
    copies = count // 80
    _top_up(rng, now, maker, rows, count - copies)
    whole = [row for row in rows if row["event_id"] and str(row["start_time"]).endswith(":00.000000Z")]
    originals = [row for row in whole if not row["all_day"]]
    rows += [maker.second_calendar(row) for row in rng.sample(originals, min(copies, len(originals)))]
    _top_up(rng, now, maker, rows, count)
    del rows[count:]
    _bulk_touch(rng, rows, now)
    return rows


def _top_up(rng: Random, now: datetime, maker: MeetingMaker, rows: list[Row], count: int) -> None:
    while len(rows) < count:
        rows.append(maker.meeting(working_slot(rng, now - REACH_BACK, now + REACH_AHEAD)))


def number(rows: list[Row]) -> dict[int, Row]:
    """Give ids in the order in which the rows were created, with gaps, `id` being the first key."""
    numbered = {}
    key = FIRST_ID
    for row in sorted(rows, key=lambda row: str(row["created_at"])):
        numbered[key] = {"id": key, **row}
        key += 1 + len(numbered) % 3
    return numbered


def _cluster(maker: MeetingMaker, day: datetime, size: int) -> list[Row]:
    start = day.replace(hour=15, minute=0, second=0, microsecond=0)
    return [maker.meeting(start, "Kick-off round with {company}") for _ in range(size)]


def _close_together(maker: MeetingMaker, day: datetime) -> list[Row]:
    """Make meetings that lie one microsecond apart, two of them at the same one."""
    start = day.replace(hour=9, minute=30, second=0, microsecond=500_000)
    return [
        maker.meeting(start + timedelta(microseconds=apart), "Stand-up with {person}") for apart in (0, 1, 1, 2, -1)
    ]


def _bulk_touch(rng: Random, rows: list[Row], now: datetime) -> None:
    """Move `updated_at` of old rows within 50 ms, and `created_at` of some to one instant, as migrations do."""
    moment = now - timedelta(days=30)
    for row in rows:
        if row["created_at"] < utc_text(now - timedelta(days=250)) or chance(rng, 0.01):
            later = max(moment, instant(row["created_at"]))
            row["updated_at"] = utc_text(later + timedelta(microseconds=rng.randrange(50_000)))
    imported = utc_text(now - timedelta(days=120))
    for row in [
        row for row in rows if row["start_time"] and row["start_time"] > imported and row["updated_at"] > imported
    ][:12]:
        row["created_at"] = imported
