"""The scalars of our own: `DateTime` and `Date`, and `JSON` for what has no type."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from typing import Any

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode

from gateway.errors import BadUserInput

RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
"""The grammar of RFC 3339, section 5.6, with the blank that it allows in place of the `T`."""
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WITHOUT_TIME = "T00:00:00Z"
LACKS = {
    WITHOUT_TIME: "is a date without a time",
    "Z": "has no offset",
    ":00Z": "has neither seconds nor an offset",
}
"""What would make an instant of a text that is nearly one, and what is said of it."""
LONGEST_SHOWN = 40
"""Characters of the longest such text that an error repeats."""
NUMBER = "0"
"""Stands for any number, most of which are seconds or milliseconds since 1970."""
LAST_SECOND = 59


class Unreadable(str):
    """An invalid instant, carried until it is known which argument it came in."""

    __slots__ = ()


def write_instant(value: Any) -> str:
    """An instant in UTC with six digits and `Z`."""
    if not isinstance(value, dt.datetime):
        raise GraphQLError("DateTime cannot represent a value that is not a time.")
    try:
        moment = value.astimezone(dt.UTC)
    except OverflowError:
        raise GraphQLError("DateTime cannot represent a time that is out of range in UTC.") from None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_instant(value: Any) -> dt.datetime | Unreadable:
    """An instant with any offset; anything else is refused where its argument is known."""
    if not isinstance(value, str):
        return Unreadable(NUMBER if type(value) in {int, float} else "")
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


def read_literal(node: ValueNode, _variables: object = None) -> dt.datetime | Unreadable:
    """An instant in a document; unlike graphql-core's own way, it does not choke on a number of thousands of digits."""
    if isinstance(node, StringValueNode):
        return read_instant(node.value)
    return Unreadable(NUMBER if isinstance(node, IntValueNode | FloatValueNode) else "")


def instant(value: object, argument: str) -> dt.datetime | None:
    """What came in as a `DateTime` argument.

    Raises:
        BadUserInput: It is not a valid instant.
    """
    if value is None or isinstance(value, dt.datetime):
        return value
    raise BadUserInput(f"{argument}: {_why(value)}", argument=argument)


def _why(value: object) -> str:
    """What is wrong with a value that is not a time, and what would be right."""
    text = value if isinstance(value, str) else ""
    for missing, lack in LACKS.items():
        if len(text) <= LONGEST_SHOWN and not isinstance(read_instant(text + missing), Unreadable):
            days = " To filter by calendar days, use `days`." if missing == WITHOUT_TIME else ""
            return f'"{text}" {lack}; write the instant that you mean, such as "{text}{missing}".{days}'
    what = "a number is not an instant" if text == NUMBER or text.isdecimal() else "not an instant"
    return f'{what}; write RFC 3339 with an offset, such as "2026-03-01T09:00:00Z".'


def read_day(value: Any) -> dt.date | Unreadable:
    """A calendar day; anything else is refused where its argument is known."""
    if isinstance(value, str) and DAY.fullmatch(value):
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(value)
    return Unreadable(value) if isinstance(value, str) else Unreadable()


def read_day_literal(node: ValueNode, _variables: object = None) -> dt.date | Unreadable:
    """A calendar day in a document."""
    return read_day(node.value if isinstance(node, StringValueNode) else None)


def day(value: object, argument: str) -> dt.date:
    """What came in as a `Date` argument.

    Raises:
        BadUserInput: It is not a valid calendar day.
    """
    if isinstance(value, dt.date):
        return value
    raise BadUserInput(f'{argument}: must be a calendar day, such as "2026-03-18".', argument=argument)


Date = strawberry.scalar(
    name="Date",
    description="A calendar date without a time, such as `2026-03-01`.",
    serialize=dt.date.isoformat,
    parse_value=read_day,
    parse_literal=read_day_literal,
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339#section-5.6",
)

DateTime = strawberry.scalar(
    name="DateTime",
    description=(
        "A point in time in RFC 3339 format. It is returned in UTC with six fractional digits "
        "(`2026-03-01T09:00:00.000000Z`) and accepted with any offset; digits beyond the sixth "
        "are dropped."
    ),
    serialize=write_instant,
    parse_value=read_instant,
    parse_literal=read_literal,
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
)
