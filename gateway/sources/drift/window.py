"""All meetings that Drift holds, though it gives at most so many a call and no place to go on from.

A call is answered with the meetings that begin in a span of time. An answer that is full may have left some out, so
its span is cut in two and both halves are asked for, until no answer is full.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec

from gateway.errors import UpstreamError
from gateway.model.order import moment
from gateway.sources.decode import Row
from gateway.sources.drift import wire

EARLIEST = 0
"""`min_start_time`: as far back as Drift goes, which is 30 days (Drift: Meeting model)."""

LATEST = 15_000_000_000_000
"""`max_start_time`: the year 2445, what others send for "no end"; the parameter is required."""

MOST_MEETINGS = 1000
"""`limit` of a call for meetings, the highest there is; without it 100 come."""

REACHES_BACK = 31 * 86_400_000
REACHES_AHEAD = 90 * 86_400_000
"""Milliseconds around the present that nearly all starts lie in."""

MOST_CALLS = 64
"""Calls for one window. Cutting takes two for every 500 to 1,000 meetings, so this reads 16,000 of them or more, and
leaves most of a minute's budget to others."""


class SlotRange(msgspec.Struct, frozen=True):
    """Starts from one millisecond since 1970 to another, both included as far as is known."""

    since: int
    until: int


EVERYTHING = SlotRange(EARLIEST, LATEST)


class SlotAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one call yields.

    Attributes:
        rows: The rows that can be read, in no order.
        full: Whether it holds as many rows as a call may, so that others may have been left out.
        lost: The rows that cannot be read; see `Body.lost`.
        error: Why none was read: there are too many, or they are too large.
    """

    rows: list[Row[wire.Meeting]]
    full: bool
    lost: tuple[str, ...] = ()
    error: UpstreamError | None = None


class MeetingWindow(msgspec.Struct, frozen=True, kw_only=True):
    """What all calls yield.

    Attributes:
        rows: Every meeting once, by its slug.
        lost: The rows that cannot be read.
        crowded: Instants, in milliseconds since 1970, at which more meetings begin than a call may hold.
        cut_off: Whether the most calls were made and some of the window was left unasked.
        parts: Spans that were read one by one, since a larger one was too large; none where none was.
    """

    rows: list[Row[wire.Meeting]]
    lost: tuple[str, ...] = ()
    crowded: tuple[int, ...] = ()
    cut_off: bool = False
    parts: tuple[SlotRange, ...] = ()

    @property
    def incomplete(self) -> str | None:
        """Why meetings are missing, where the API does not give them."""
        sentences = []
        if self.crowded:
            moments = ", ".join(f"{moment(instant * 1000):%Y-%m-%dT%H:%M:%SZ}" for instant in self.crowded)
            sentences.append(
                f"Drift gives at most {MOST_MEETINGS:,} meetings that start together: some of {moments} may be missing."
            )
        if self.cut_off:
            sentences.append("Drift holds more meetings than can be asked for at once: some are missing.")
        return " ".join(sentences) or None


async def read_window(
    fetch: Callable[[SlotRange], Coroutine[Any, Any, SlotAnswer]],
    *,
    now: int,
    most_calls: int = MOST_CALLS,
    begin: Sequence[SlotRange] = (EVERYTHING,),
) -> MeetingWindow:
    """Asks for everything, and for parts of it where that is too much.

    Args:
        fetch: Makes one call.
        now: Milliseconds since 1970.
        most_calls: How many calls may be made.
        begin: What to ask for first; together everything.

    Raises:
        UpstreamError: One call failed, or spans stay too large; a window with a hole in it is of no use.
        DeadlineExceeded: Likewise.
    """
    asked: dict[SlotRange, SlotAnswer] = {}
    asking = [*begin]
    while asking and len(asked) < most_calls:
        spans = asking[: most_calls - len(asked)]
        asked.update(zip(spans, await _together([fetch(span) for span in spans]), strict=True))
        halves = (half for span in spans if asked[span].full for half in cut(span, asked[span].rows, now=now))
        too_large = [answer.error for answer in asked.values() if answer.error is not None]
        if len(too_large) > 2 * (len(asked) - len(too_large) + 1):
            raise too_large[-1]
        # Halves share an edge, so that a crowded instant may come up from both of its sides.
        asking = asking[len(spans) :] + [half for half in dict.fromkeys(halves) if half not in asked]
    return MeetingWindow(
        rows=_each_once(row for answer in asked.values() for row in answer.rows),
        lost=tuple(dict.fromkeys(lost for answer in asked.values() for lost in answer.lost)),
        crowded=tuple(span.since for span, answer in asked.items() if answer.full and span.since == span.until),
        cut_off=bool(asking),
        parts=tuple(span for span, answer in asked.items() if not answer.full) if too_large or len(begin) > 1 else (),
    )


def cut(span: SlotRange, rows: Iterable[Row[wire.Meeting]], *, now: int) -> tuple[SlotRange, ...]:
    """The two halves of a span, or nothing where it is a single instant.

    The cut is at the median start of the rows received, since their order is not documented. Both halves hold the
    instant of the cut: no document says that both ends of a span belong to it.

    Args:
        span: What was asked for.
        rows: What came; starts outside the span are of no use.
        now: Milliseconds since 1970; where no row shows better, as many meetings may lie before as after it.
    """
    since, until = span.since, span.until
    if until - since < 2:  # noqa: PLR2004  # nothing lies between the ends of such a span
        return () if since == until else (SlotRange(since, since), SlotRange(until, until))
    starts = [row.value.slot_start for row in rows if row.value.slot_start is not None]
    inside = [start for start in starts if since <= start <= until]
    likely = (now, now - REACHES_BACK, now + REACHES_AHEAD)
    middle = next((at for at in likely if since < at < until), (since + until) // 2)
    at = statistics.median_low(inside) if inside else middle
    at = min(max(at, since + 1), until - 1)
    return SlotRange(since, at), SlotRange(at, until)


async def _together(calls: list[Coroutine[Any, Any, SlotAnswer]]) -> list[SlotAnswer]:
    """The answers of all, in order; the first error ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


def _each_once(rows: Iterable[Row[wire.Meeting]]) -> list[Row[wire.Meeting]]:
    """Of rows with one slug the one that was updated last; between equals the one that came last."""
    newest: dict[str, Row[wire.Meeting]] = {}
    for row in rows:
        known = newest.get(row.value.slug)
        if known is None or (row.value.updated_at or 0) >= (known.value.updated_at or 0):
            newest[row.value.slug] = row
    return list(newest.values())
