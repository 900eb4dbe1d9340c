"""Single values and lists of them as clients send them: keys, references, ranges of time, checked before any call.

One set of validators for all keys, in `by:`, filters, global ids and representations: Salesloft refuses a whole call
for one invalid value, and a call has the keys of many clients.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import strawberry

from gateway.errors import BadUserInput
from gateway.graph.fields import PERSONAL
from gateway.graph.ids import KINDS, SEPARATOR, SOURCES
from gateway.graph.scalars import day, instant
from gateway.model.conditions import ID_FORMS, DaySpan, Form, TimeRange
from gateway.model.filters import fold_email
from gateway.model.records import MOST_ID, Kind, Ref, Source
from gateway.model.scopes import PII
from gateway.model.time_zones import day_begins, similar_names, zone_named

MAX_ID_CHARS = 2048
"""Characters a global id may have: a source's own has up to 255, of up to four bytes."""
EVERY_KIND = frozenset(Kind)
MAX_CHARS = 1024
"""Characters of one key: no key of either vendor's is longer."""
LARGEST = str(MOST_ID)
DIGITS = re.compile(r"[0-9]+")
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
MAIL_DOMAIN = re.compile(r"[^\s@/:,;?*.]+(\.[^\s@/:,;?*.]+)*")
"""Labels in any script, with a dot between two."""
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
URI_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A UUID, or sixteen letters."""


def as_number(text: str) -> str | None:
    """A number as its source writes it, without leading zeros; None where a text is not a valid number."""
    if not DIGITS.fullmatch(text):
        return None
    digits = text.lstrip("0") or "0"
    return digits if (len(digits), digits) <= (len(LARGEST), LARGEST) else None


def as_text(text: str) -> str | None:
    """A text without the white space around it; None where it is empty, too long, or cannot be printed."""
    stripped = text.strip()
    return stripped if stripped and len(text) <= MAX_CHARS and stripped.isprintable() else None


def as_source_id(source: Source, kind: Kind, text: str) -> str | None:
    """A source's own id of a record, as the source writes it; None where it is not valid."""
    try:
        return source_id(source, kind, text, "")
    except BadUserInput:
        return None


def number(text: str, argument: str) -> str:
    """An id that is a number, without leading zeros.

    Raises:
        BadUserInput: It is not a number, or has more than 63 bits.
    """
    return _valid(as_number(text), argument, f"must be a number from 0 to {LARGEST}")


def short_text(text: str, argument: str) -> str:
    """A key that is a text, without the white space around it.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    return _valid(as_text(text), argument, "must be a short printable text")


def source_id(source: Source, kind: Kind, text: str, argument: str) -> str:
    """A source's own id of a record.

    Raises:
        BadUserInput: It is not valid.
    """
    return FORMS[ID_FORMS.get((source, kind), Form.TEXT)](text, argument)


def uri_part(text: str, argument: str) -> str:
    """An id that is the last part of a record's URI.

    Raises:
        BadUserInput: It is not valid.
    """
    part = text.strip()
    return _valid(part if URI_PART.fullmatch(part) else None, argument, "must be the last part of the record's URI")


def guid(text: str, argument: str) -> str:
    """A GUID, in small letters.

    Raises:
        BadUserInput: It is not valid.
    """
    lowered = text.strip().lower()
    return _valid(lowered if GUID.fullmatch(lowered) else None, argument, "not a GUID")


def name(text: str, argument: str) -> str:
    """A whole name, as it is written.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    return _valid(None if as_text(text) is None else text, argument, "must be a short printable text")


def domain(text: str, argument: str) -> str:
    """An internet domain, in small letters.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    return short_text(text, argument).lower()


def mail_domain(text: str, argument: str) -> str:
    """What stands after the `@` of an e-mail address, folded.

    Raises:
        BadUserInput: It is not valid.
    """
    folded = short_text(text, argument).casefold()
    valid = MAIL_DOMAIN.fullmatch(folded) is not None
    return _valid(folded if valid else None, argument, "must be the domain of an e-mail address, such as example.com")


def address(text: str, argument: str) -> str:
    """An e-mail address, folded.

    Raises:
        BadUserInput: It is not valid.
    """
    folded = fold_email(text)
    valid = len(text) <= MAX_CHARS and ADDRESS.fullmatch(folded) is not None and folded.isprintable()
    return _valid(folded if valid else None, argument, "not an e-mail address")


def folded(text: str, argument: str) -> str:
    """A text to be compared in any case.

    Raises:
        BadUserInput: It is empty, too long, or cannot be printed.
    """
    return short_text(text, argument).casefold()


FORMS: Mapping[Form, Callable[[str, str], str]] = {
    Form.TEXT: short_text,
    Form.NUMBER: number,
    Form.GUID: guid,
    Form.EMAIL: address,
    Form.DOMAIN: domain,
    Form.MAIL_DOMAIN: mail_domain,
    Form.NAME: name,
    Form.FOLDED: folded,
    Form.URI_PART: uri_part,
}
"""Reads a key of each form, or refuses it."""


def _valid(value: str | None, argument: str, wrong: str) -> str:
    if value is None:
        raise BadUserInput(f"{argument}: {wrong}.", argument=argument)
    return value


T = TypeVar("T")

MAX_VALUES = 100
"""Values a list may have: what one upstream call takes."""


def condition(description: str, *, personal: bool = False) -> T:  # type: ignore[type-var]  # stands in for a dataclass field of any type
    """A field of an input that may be left out.

    Args:
        description: What GraphiQL's documentation says.
        personal: Whether it asks by personal data, and so needs the scope for it.
    """
    text = f"{description} Requires the scope `{PII}`." if personal else description
    field: T = strawberry.field(default=strawberry.UNSET, description=text, metadata={PERSONAL: personal})
    return field


@strawberry.input(
    description=("The bounds of a time. All bounds that are given must hold. A row without the value does not match.")
)
class DateTimeRange:
    gt: dt.datetime | None = condition("Later than this.")
    gte: dt.datetime | None = condition("At this time or later.")
    lt: dt.datetime | None = condition("Earlier than this.")
    lte: dt.datetime | None = condition("At this time or earlier.")


def given(value: T | None) -> T | None:
    """An argument's value; None where it was left out."""
    return None if value is strawberry.UNSET else value


def listed(values: Sequence[T] | None, argument: str) -> Sequence[T] | None:
    """A list of at most a hundred values.

    Raises:
        BadUserInput: It is longer.
    """
    known = given(values)
    if known is not None and len(known) > MAX_VALUES:
        raise BadUserInput(f"{argument}: has {len(known)} values; the maximum is {MAX_VALUES}.", argument=argument)
    return known


def keys(
    values: Sequence[str] | None, argument: str, read: Callable[[str, str], str] = short_text
) -> frozenset[str] | None:
    """A set of keys.

    Args:
        values: As the client wrote them.
        argument: The argument that they came in, for errors.
        read: Reads one: `number`, `short_text`, `guid`, `domain`, `address`.

    Raises:
        BadUserInput: One of them is not valid, or there are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    return frozenset(read(text, f"{argument}[{place}]") for place, text in enumerate(known))


def refs(values: Sequence[str] | None, argument: str, kind: Kind) -> frozenset[Ref] | None:
    """The records that global ids name.

    Raises:
        BadUserInput: One of them is not a global id of that kind, or there are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    return frozenset(decode_id(text, f"{argument}[{place}]", (kind,)) for place, text in enumerate(known))


@strawberry.input(description="A range of calendar days in a time zone; both ends are included.")
class DayRange:
    first: dt.date = strawberry.field(name="from", description="The first day.")
    last: dt.date = strawberry.field(name="to", description="The last day.")
    time_zone: str = strawberry.field(description="The IANA name of the time zone, such as `America/New_York`.")


def days(asked: DayRange, argument: str) -> DaySpan:
    """Calendar days as instants.

    Raises:
        BadUserInput: One of them is not a day, the zone is unknown, or the first day lies after the last.
    """
    first, last = day(asked.first, f"{argument}.from"), day(asked.last, f"{argument}.to")
    zone = time_zone(asked.time_zone, f"{argument}.timeZone")
    if first > last:
        raise BadUserInput(f"{argument}: from lies after to.", argument=argument)
    try:
        return DaySpan(first, last, day_begins(first, zone), day_begins(last + dt.timedelta(days=1), zone))
    except OverflowError:
        raise BadUserInput(f"{argument}: lies beyond the calendar.", argument=argument) from None


def time_zone(name: str, argument: str) -> dt.tzinfo:
    """The time zone of a name.

    Raises:
        BadUserInput: There is none; the message suggests similar names.
    """
    zone = zone_named(name)
    if zone is not None:
        return zone
    similar = similar_names(name)
    meant = f"; did you mean {' or '.join(similar)}?" if similar else ", such as Europe/Berlin."
    raise BadUserInput(f"{argument}: must be the IANA name of a time zone{meant}", argument=argument)


def span(asked: DateTimeRange | None, argument: str) -> TimeRange | None:
    """A range of time.

    Raises:
        BadUserInput: A bound is not a time, or the lower one lies after the upper one.
    """
    known = given(asked)
    if known is None:
        return None
    bounds = {
        name: instant(given(value), f"{argument}.{name}")
        for name, value in (("gt", known.gt), ("gte", known.gte), ("lt", known.lt), ("lte", known.lte))
    }
    lower = max((bound for name in ("gt", "gte") if (bound := bounds[name]) is not None), default=None)
    upper = min((bound for name in ("lt", "lte") if (bound := bounds[name]) is not None), default=None)
    if lower is not None and upper is not None and lower > upper:
        raise BadUserInput(f"{argument}: its lower bound is after its upper bound.", argument=argument)
    return TimeRange(**bounds)


def decode_id(text: str, argument: str, kinds: Collection[Kind] = EVERY_KIND) -> Ref:
    """The record that a global id names.

    Args:
        text: The id.
        argument: The argument that it came in, for the error.
        kinds: The kinds that it may name.

    Raises:
        BadUserInput: It is not a global id, or names another kind of record.
    """
    ref = _decoded(text) if len(text) <= MAX_ID_CHARS else None
    if ref is not None and ref.kind in kinds:
        return ref
    names = " or ".join(kind.value for kind in kinds) if len(kinds) < len(Kind) else "any record"
    if ref is not None:
        raise BadUserInput(f"{argument}: is the id of a {ref.kind.value}, not of {names}.", argument=argument)
    raise BadUserInput(
        f"{argument}: is not a global id of {names}; use the value of the field `id`.", argument=argument
    )


def _decoded(text: str) -> Ref | None:
    """The record that a text names; None where it names none."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    kind, _, rest = plain.partition(SEPARATOR)
    source, _, key = rest.partition(SEPARATOR)
    if kind not in KINDS or source not in SOURCES:
        return None
    own = as_source_id(SOURCES[source], KINDS[kind], key)
    return None if own is None else Ref(SOURCES[source], KINDS[kind], own)
