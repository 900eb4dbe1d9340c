"""Single values and lists of them as clients send them: keys, references, ranges of time, checked before any call.

One set of validators for all keys, in `by:`, filters, global ids and representations: Salesloft refuses a whole call
for one value that cannot be meant, and a call has the keys of many clients.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import strawberry

from gateway.errors import BadUserInput
from gateway.graph.access import PERSONAL
from gateway.graph.ids import KINDS, SEPARATOR, SOURCES
from gateway.graph.scalars import instant
from gateway.model import filters
from gateway.model.filters import fold_email
from gateway.model.records import MOST_ID, Kind, Ref, Source
from gateway.model.scopes import PII

MOST_ID_CHARS = 2048
"""Characters a global id may have: a source's own has up to 255, of up to four bytes."""
EVERY_KIND = frozenset(Kind)
MOST_CHARS = 1024
"""Characters of one key: no key of either vendor's is longer."""
LARGEST = str(MOST_ID)
DIGITS = re.compile(r"[0-9]+")
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBERED = frozenset(
    {(Source.SALESLOFT, kind) for kind in Kind}
    | {(Source.DRIFT, kind) for kind in (Kind.PERSON, Kind.USER, Kind.CONVERSATION)}
)
"""The records whose ids are numbers; the ids of all others are texts, as the slugs of Drift's meetings are."""


def as_number(text: str) -> str | None:
    """A number as its source writes it, without leading zeros; None where a text is none that an id can be."""
    if not DIGITS.fullmatch(text):
        return None
    digits = text.lstrip("0") or "0"
    return digits if (len(digits), digits) <= (len(LARGEST), LARGEST) else None


def as_text(text: str) -> str | None:
    """A text without the white space around it; None where it is empty, too long, or cannot be printed."""
    stripped = text.strip()
    return stripped if stripped and len(text) <= MOST_CHARS and stripped.isprintable() else None


def as_source_id(source: Source, kind: Kind, text: str) -> str | None:
    """A source's own id of a record, as the source writes it; None where it can be none."""
    return as_number(text) if (source, kind) in NUMBERED else as_text(text)


def number(text: str, argument: str) -> str:
    """An id that is a number, without leading zeros.

    Raises:
        BadUserInput: It is none, or has more than 63 bits.
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
        BadUserInput: It can be none.
    """
    read = number if (source, kind) in NUMBERED else short_text
    return read(text, argument)


def guid(text: str, argument: str) -> str:
    """A GUID, in small letters.

    Raises:
        BadUserInput: It is none.
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


def address(text: str, argument: str) -> str:
    """An e-mail address, folded.

    Raises:
        BadUserInput: It is none.
    """
    folded = fold_email(text)
    valid = len(text) <= MOST_CHARS and ADDRESS.fullmatch(folded) is not None and folded.isprintable()
    return _valid(folded if valid else None, argument, "not an e-mail address")


def _valid(value: str | None, argument: str, wrong: str) -> str:
    if value is None:
        raise BadUserInput(f"{argument}: {wrong}.", argument=argument)
    return value


T = TypeVar("T")

MOST_VALUES = 100
"""Values a list may have: what one upstream call takes."""


def condition(description: str, *, personal: bool = False) -> T:  # type: ignore[type-var]  # stands in for a dataclass field of any type
    """A field of an input that may be left out.

    Args:
        description: What GraphiQL's documentation says.
        personal: Whether it asks by personal data, and so needs the scope for it.
    """
    text = f"{description} Needs the scope `{PII}`." if personal else description
    field: T = strawberry.field(default=strawberry.UNSET, description=text, metadata={PERSONAL: personal})
    return field


@strawberry.input(description="Bounds of an instant; each that is given holds. Rows without the value match none.")
class DateTimeRange:
    gt: dt.datetime | None = condition("Later than this.")
    gte: dt.datetime | None = condition("At this instant or later.")
    lt: dt.datetime | None = condition("Earlier than this.")
    lte: dt.datetime | None = condition("At this instant or earlier.")


def given(value: T | None) -> T | None:
    """An argument's value; None where it was left out."""
    return None if value is strawberry.UNSET else value


def listed(values: Sequence[T] | None, argument: str) -> Sequence[T] | None:
    """A list of at most a hundred values.

    Raises:
        BadUserInput: It is longer.
    """
    known = given(values)
    if known is not None and len(known) > MOST_VALUES:
        raise BadUserInput(f"{argument}: has {len(known)} values; at most {MOST_VALUES} are taken.", argument=argument)
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
        BadUserInput: One of them is no such key, or they are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    return frozenset(read(text, f"{argument}[{place}]") for place, text in enumerate(known))


def refs(values: Sequence[str] | None, argument: str, kind: Kind) -> frozenset[Ref] | None:
    """The records that global ids name.

    Raises:
        BadUserInput: One of them is no global id of that kind, or they are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    return frozenset(decode_id(text, f"{argument}[{place}]", (kind,)) for place, text in enumerate(known))


def own_refs(
    ids: frozenset[Ref] | None, values: Sequence[str] | None, argument: str, kind: Kind
) -> frozenset[Ref] | None:
    """Global ids and Salesloft's own ids as one condition.

    Raises:
        BadUserInput: One of Salesloft's is no number, or they are too many.
    """
    own = keys(values, argument, number)
    if own is None:
        return ids
    named = frozenset(Ref(Source.SALESLOFT, kind, text) for text in own)
    return named if ids is None else named & ids


def span(asked: DateTimeRange | None, argument: str) -> filters.TimeRange | None:
    """A range of time.

    Raises:
        BadUserInput: A bound is no instant, or the lower one lies after the upper one.
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
        raise BadUserInput(f"{argument}: its lower bound lies after its upper bound.", argument=argument)
    return filters.TimeRange(**bounds)


def decode_id(text: str, argument: str, kinds: Collection[Kind] = EVERY_KIND) -> Ref:
    """The record that a global id names.

    Args:
        text: The id.
        argument: The argument that it came in, for the error.
        kinds: The kinds that it may name.

    Raises:
        BadUserInput: It is no global id of ours, or names another kind of record.
    """
    ref = _decoded(text) if len(text) <= MOST_ID_CHARS else None
    if ref is not None and ref.kind in kinds:
        return ref
    names = " or ".join(kind.value for kind in kinds) if len(kinds) < len(Kind) else "any record"
    if ref is not None:
        raise BadUserInput(f"{argument}: this is the id of a {ref.kind.value}, not of {names}.", argument=argument)
    raise BadUserInput(f"{argument}: not a global id of {names}; ids come from the field `id`.", argument=argument)


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
