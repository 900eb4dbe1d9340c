"""When what was read to be counted is read again: each part of a list in a minute of its own.

Were all of it to expire at once, a dashboard that is polled would be cheap for minutes and then cost as much as a cold
one. So each part of a list is renewed at fixed minutes of the clock, which differ from part to part; as the clock says
it, all replicas agree.
"""

from __future__ import annotations

import datetime as dt

MINUTE = 60
NEAR = 3
"""Minutes that what is around now may be old: a page shows what has changed within seconds, but a count of weeks that
is polled every minute would spend the budget on rows it has seen."""

PAST = 30
"""Minutes that what is settled may be old."""

SETTLED = dt.timedelta(days=7)
"""How long ago a meeting starts that changes little: no-shows are marked within days."""

KEPT = (PAST + 1) * MINUTE
"""Seconds that anything may be old: a minute more, since a poll may come late."""

FRESH = 600
"""Seconds for which records that others refer to are fresh at most, unless the settings say otherwise."""

ROUNDS = PAST // NEAR
STRIDE = 3
"""How many rounds lie between the minutes of two neighbours; it has no divisor in common with the number of rounds."""


class Timetable:
    """The minutes at which parts of a list are renewed, in rounds of three.

    The first of a round is for what is had as a whole, the second for settled meetings, the third for look-ups; what is
    around now is divided among them.

    Args:
        now: Seconds since 1970.

    Attributes:
        settled: The instant before which meetings are settled, in microseconds since 1970.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self.settled = int((now - SETTLED.total_seconds()) * 1_000_000)

    def near(self, minute: int) -> float:
        """Seconds that a part around now may be old, which is renewed at some minute (0, 1 or 2) of every round."""
        return self._since(NEAR, minute % NEAR)

    def past(self, place: int) -> float:
        """Seconds that a settled part may be old; neighbours are renewed in different rounds."""
        return self._since(PAST, NEAR * (place * STRIDE % ROUNDS) + 1)

    def looked_up(self, place: int) -> float:
        """Seconds that what was looked up may be old; see `past`. Negative places are counted from the end."""
        return self._since(PAST, NEAR * (place * STRIDE % ROUNDS) + 2)

    def records(self, place: int) -> float:
        """Seconds that records, and whole teams, may be old, which are fresh for minutes anyway; see `looked_up`.

        Those that are fresh when their minute comes are not due then, and so not before the next one.
        """
        return self.looked_up(place) + FRESH

    def _since(self, period: int, minute: int) -> float:
        """Seconds since the last such minute began; one more, so that what was read just then will do."""
        return (self._now - minute * MINUTE) % (period * MINUTE) + 1
