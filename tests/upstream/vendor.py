"""An upstream that gives a whole team so many units a minute of its own clock."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from email.utils import format_datetime

from gateway.upstream.clock import ManualClock
from tests.upstream.server import Received, reply


class Vendor:
    """Answers everything with `{}`; the path's last part is what it costs where it is a number.

    Args:
        clock: What its own clock goes by.
        limit: Units a minute.
        skew: Seconds that its clock is ahead.
    """

    def __init__(self, clock: ManualClock, *, limit: int = 600, skew: float = 0.0) -> None:
        self._clock = clock
        self._limit = limit
        self._skew = skew
        self.spent: Counter[int] = Counter()
        self.refused = 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        now = self._clock.time() + self._skew
        last = request.target.partition("?")[0].rsplit("/", 1)[-1]
        cost = int(last) if last.isdigit() else 1
        minute = int(now // 60)
        date = format_datetime(dt.datetime.fromtimestamp(int(now), dt.UTC), usegmt=True)
        headers = {"Date": date, "x-cost": f"{cost}"}
        if self.spent[minute] + cost > self._limit:
            self.refused += 1
            await reply(429, b'{"error":"API rate limit exceeded"}', headers)(request, writer)
            return
        self.spent[minute] += cost
        headers["x-left"] = f"{self._limit - self.spent[minute]}"
        await reply(200, b"{}", headers)(request, writer)

    def others_spend(self, units: int) -> None:
        """Another integration of the same team takes units."""
        self.spent[int((self._clock.time() + self._skew) // 60)] += units
