"""The scalars of our own: `DateTime` and `Date`, and `JSON` for what has no type."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import strawberry
from graphql import GraphQLError

from gateway.errors import BadUserInput

RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
"""The grammar of RFC 3339, section 5.6, with the blank that it allows in place of the `T`."""
LAST_SECOND = 59


class Unreadable(str):
    """A text that is no instant; kept until it is known which argument it came in."""

    __slots__ = ()


def write_instant(value: Any) -> str:
    """An instant in UTC with six digits and `Z`."""
    if not isinstance(value, dt.datetime):
        raise GraphQLError("DateTime cannot represent a value that is no instant.")
    try:
        moment = value.astimezone(dt.UTC)
    except OverflowError:
        raise GraphQLError("DateTime cannot represent an instant that falls off the calendar in UTC.") from None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_instant(value: Any) -> dt.datetime | Unreadable:
    """An instant with any offset; a text that is none is told of where its argument is known."""
    if not isinstance(value, str):
        raise GraphQLError('DateTime is a text such as "2026-03-01T09:00:00Z".')
    parts = RFC_3339.fullmatch(value)
    if parts is None:
        return Unreadable(value)
    *date_and_time, fraction, sign, hours, minutes = parts.groups()
    year, month, day, hour, minute, second = map(int, date_and_time)
    offset = dt.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        # A leap second is where the next minute begins: Python's clock, as most, has no 61st second.
        moment = dt.datetime(year, month, day, hour, minute, min(second, LAST_SECOND), tzinfo=dt.UTC)
        moment += dt.timedelta(seconds=second - moment.second)
        moment = moment.replace(microsecond=int((fraction or "0")[:6].ljust(6, "0")))
        return moment + offset if sign == "-" else moment - offset
    except (ValueError, OverflowError):
        return Unreadable(value)


def instant(value: object, argument: str) -> dt.datetime | None:
    """What came in as a `DateTime` argument.

    Raises:
        BadUserInput: It is no instant.
    """
    if value is None or isinstance(value, dt.datetime):
        return value
    raise BadUserInput(
        f'{argument}: not an instant; write RFC 3339 with an offset, such as "2026-03-01T09:00:00Z".', argument=argument
    )


DateTime = strawberry.scalar(
    name="DateTime",
    description=(
        "An instant: RFC 3339, written in UTC with six digits and `Z` (`2026-03-01T09:00:00.000000Z`), read with any "
        "offset. Digits beyond the sixth are cut off."
    ),
    serialize=write_instant,
    parse_value=read_instant,
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
)
