"""What Drift's documents leave open, asked of an account: five calls."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from gateway.model.records import Source
from gateway.request import Clock
from gateway.sources.drift import wire
from gateway.sources.examination import Ask, OutOfUnits, Reply, Row, Verdict
from gateway.sources.verdicts import fields, limit_headers, verdict, words

MEETINGS = "/users/meetings/org"
EVERYTHING = (("min_start_time", "0"), ("max_start_time", "15000000000000"))
DAY = 86_400_000
REACH = 31
"""Days that the documents' thirty are at most, in any time zone."""

CANCELED = frozenset({"CANCELED", "CANCELLED"})
WORDS = ("status", "meetingSource", "meetingType", "conferenceType")
MEETING_TYPES = frozenset({"New Meeting", "Follow Up"})
ORDERS = ("slotStart", "scheduledAt", "updatedAt", "slug")
LEAST_ORDERED = 5
"""Rows from which on an order is hardly chance."""


async def examine(ask: Ask, clock: Clock) -> list[Verdict]:
    """The verdicts on an account; those for which there are no calls left are missing."""
    verdicts: list[Verdict] = []
    try:
        window = await ask(MEETINGS, [*EVERYTHING, ("limit", "1000")])
        if not window.good:
            return []
        verdicts += _of_meetings(window, clock)
        one = await ask(MEETINGS, [*EVERYTHING, ("limit", "1")])
        kept = f"not kept ({len(one.rows)} rows)" if len(one.rows) > 1 else "kept"
        verdicts.append(verdict("limit=1", kept if len(window.rows) > 1 else None, expected=["kept"]))
        users = await ask("/users/list", ())
        verdicts += [_fields("users", users, wire.User), words("words of users", users.rows, ("availability", "role"))]
        for kind, field, row in (
            ("contacts", "schedulerId", wire.Contact),
            ("conversations", "conversationId", wire.Conversation),
        ):
            ids = [each[field] for each in window.rows if isinstance(each.get(field), int)]
            if ids:
                verdicts.append(_fields(kind, await ask(f"/{kind}/{ids[0]}", ()), row))
    except OutOfUnits:
        pass
    return verdicts


def _of_meetings(reply: Reply, clock: Clock) -> list[Verdict]:
    """What the whole window shows."""
    rows = reply.rows
    statuses = {row.get("status") for row in rows}
    starts = [row["slotStart"] for row in rows if isinstance(row.get("slotStart"), int)]
    days = int((clock.time() * 1000 - min(starts)) // DAY) if starts else 0
    reach = f"more than {REACH} days" if days > REACH else f"{REACH} days at most"
    return [
        verdict("order of meetings", _order(rows), f"{len(rows)} rows"),
        verdict("cancelled meetings", "listed" if statuses & CANCELED else None, "by their status"),
        verdict("how far back meetings reach", reach if starts else None, f"the oldest began {days} days ago"),
        words("words of meetings", rows, WORDS, documented=MEETING_TYPES),
        _zones(rows),
        _fields("meetings", reply, wire.Meeting),
        limit_headers(reply, expected=()),
    ]


def _order(rows: Sequence[Row]) -> str | None:
    """The order that rows come in, if any."""
    if len(rows) < LEAST_ORDERED:
        return None
    for name in ORDERS:
        values: list[Any] = [row.get(name) for row in rows]
        if any(value is None for value in values) or len({type(value) for value in values}) > 1:
            continue
        if all(first <= second for first, second in pairwise(values)):
            return f"{name} ascending"
        if all(first >= second for first, second in pairwise(values)):
            return f"{name} descending"
    return "none"


def _zones(rows: Sequence[Row]) -> Verdict:
    names = {row["endUserTimeZone"] for row in rows if isinstance(row.get("endUserTimeZone"), str)}
    unknown = len(names - zoneinfo.available_timezones())
    known = "names of the tz database"
    answer = None if not names else f"{unknown} that are not {known}" if unknown else known
    return verdict("time zones of invitees", answer, f"{len(names)} different ones", expected=[known])


def _fields(name: str, reply: Reply, row: type[msgspec.Struct]) -> Verdict:
    return fields(f"fields of {name}", [reply], row, source=Source.DRIFT.value)
