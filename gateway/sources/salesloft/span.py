"""A stretch of time as Salesloft's range filters take it; pure.

Its comparisons are to the microsecond (Salesloft: List meetings), so whole microseconds say everything.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from gateway.model.filters import TimeRange
from gateway.model.order import micros, moment

FIRST = micros(dt.datetime(1000, 1, 1, tzinfo=dt.UTC))
LAST = micros(dt.datetime.max.replace(tzinfo=dt.UTC))
"""What a bound may be: years of four digits. Every meeting lies between."""


class TimeSpan(msgspec.Struct, frozen=True):
    """The instants from one to another, both included, in microseconds since 1970; None is without end.

    Attributes:
        least: The first instant.
        most: The last instant.
        beyond: Whether the lower bound is told as "greater than" the microsecond before.
        short: Whether the upper bound is told as "less than" the microsecond after.
    """

    least: int | None = None
    most: int | None = None
    beyond: bool = False
    short: bool = False

    @property
    def bounded(self) -> bool:
        """Whether it leaves anything out; a missing value lies in no bounded span."""
        return self.least is not None or self.most is not None

    @property
    def empty(self) -> bool:
        """Whether no instant lies in it."""
        least = FIRST if self.least is None else self.least
        most = LAST if self.most is None else self.most
        return least > most or least > LAST or most < FIRST

    def since(self, least: int, *, beyond: bool = False) -> TimeSpan:
        """The part of it from an instant on."""
        if self.least is not None and self.least >= least:
            return self
        return TimeSpan(least, self.most, beyond, self.short)

    def until(self, most: int, *, short: bool = False) -> TimeSpan:
        """The part of it up to an instant."""
        if self.most is not None and self.most <= most:
            return self
        return TimeSpan(self.least, most, self.beyond, short)

    def within(self, wanted: TimeRange | None) -> TimeSpan:
        """The part of it that a range admits."""
        span = self
        if wanted is None:
            return span
        if wanted.gte is not None:
            span = span.since(micros(wanted.gte))
        if wanted.gt is not None:
            span = span.since(micros(wanted.gt) + 1, beyond=True)
        if wanted.lte is not None:
            span = span.until(micros(wanted.lte))
        if wanted.lt is not None:
            span = span.until(micros(wanted.lt) - 1, short=True)
        return span

    def params(self, field: str) -> tuple[tuple[str, str], ...]:
        """It as query parameters; of a span that is not empty."""
        params = []
        if self.least is not None:
            beyond = self.beyond and self.least > FIRST
            params.append(_bound(field, "gt", self.least - 1) if beyond else _bound(field, "gte", self.least))
        if self.most is not None:
            short = self.short and self.most < LAST
            params.append(_bound(field, "lt", self.most + 1) if short else _bound(field, "lte", self.most))
        return tuple(params)


def told(value: int) -> str:
    """An instant as Salesloft writes it: UTC, six digits, `Z`."""
    return moment(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _bound(field: str, operator: str, value: int) -> tuple[str, str]:
    return f"{field}[{operator}]", told(min(max(value, FIRST), LAST))
