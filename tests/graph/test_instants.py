"""`DateTime` takes RFC 3339, all of it and nothing else."""

from __future__ import annotations

import re

from tests.world import Gateway

QUERY = "query($v: DateTime) { meetings(first: 1, filter: {startTime: {gte: $v}}) { nodes { id } } }"


READ = {
    "2026-03-01T09:00:00Z": "2026-03-01T09:00:00.000000Z",
    "2026-03-01t09:00:00z": "2026-03-01T09:00:00.000000Z",
    "2026-03-01 09:00:00Z": "2026-03-01T09:00:00.000000Z",
    "2026-03-01 09:00:00+02:00": "2026-03-01T07:00:00.000000Z",
    "2026-03-01T09:00:00-00:00": "2026-03-01T09:00:00.000000Z",
    "2026-03-01T09:00:00+23:59": "2026-02-28T09:01:00.000000Z",
    "2026-03-01T00:30:00-08:00": "2026-03-01T08:30:00.000000Z",
    "2026-03-01T09:00:00.5Z": "2026-03-01T09:00:00.500000Z",
    "2026-03-01T09:00:00.123456789Z": "2026-03-01T09:00:00.123456Z",
    "2025-12-31T23:59:60Z": "2026-01-01T00:00:00.000000Z",
    "2025-12-31T15:59:60-08:00": "2026-01-01T00:00:00.000000Z",
    "2025-12-31T23:59:60.25z": "2026-01-01T00:00:00.250000Z",
    "2024-02-29T00:00:00Z": "2024-02-29T00:00:00.000000Z",
}
REFUSED = [
    "20260301T000000Z",
    "2026-03-01T00:00:00+02",
    "2026-03-01T00:00:00+0200",
    "2026-03-01T00:00:00,5Z",
    "2026-03-01T00:00:00.Z",
    "2026-03-01T00:00Z",
    "2026-03-01T00Z",
    "2026-03-01",
    "2026-03-01Z",
    "2026-03-01T00:00:00",
    "2026-03-01T00:00:00 Z",
    "2026-03-01T00:00:00z ",
    " 2026-03-01T00:00:00Z",
    "2026-03-01T00:00:00Z\\n",
    "2026-03-01  00:00:00Z",
    "2026-03-01_00:00:00Z",
    "2026-W09-7T00:00:00Z",
    "2026-060T00:00:00Z",
    "2026-3-1T00:00:00Z",
    "+2026-03-01T00:00:00Z",
    "26-03-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T09:60:00Z",
    "2026-03-01T09:00:61Z",
    "2026-03-01T09:00:00+24:00",
    "2026-03-01T09:00:00+02:60",
    "2026-03-01T09:00:00+02:00:30",
    "2026-03-01T09:00:00GMT",
    "2026-03-01T09:00:00Z[UTC]",
    "0000-03-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59-01:00",
    "\u0662\u0660\u0662\u0666-03-01T00:00:00Z",
    "1772323200",
    "now",
    "",
]


async def test_every_way_of_writing_an_instant_is_read(little: Gateway) -> None:
    for written, meant in READ.items():
        answer = await little.ask(QUERY, v=written)
        (sent, *_) = answer.to("meetings")
        assert answer.errors == []
        assert sent["start_time[gte]"] == meant, written


async def test_nothing_else_is(little: Gateway) -> None:
    for written in REFUSED:
        answer = await little.ask(QUERY, v=written)
        (error,) = answer.errors
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "filter.startTime.gte"}, written
        assert re.search(
            r'write .* such as "[0-9-]{10}T[0-9:]{8}Z"\.( To filter by calendar days, use `days`\.)?$', error["message"]
        ), error["message"]
        assert answer.calls == []
