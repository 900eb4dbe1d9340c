"""What the inputs of all filters are made of: sets, references, addresses, numbers and ranges of time, checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeVar

import strawberry

from gateway.errors import BadUserInput
from gateway.graph.ids import decode_id
from gateway.graph.scalars import instant
from gateway.model import filters
from gateway.model.records import Kind, Ref, Source

T = TypeVar("T")

MOST_VALUES = 100
"""Values a list may have: what one upstream call takes."""
MOST_CHARS = 1024
"""Characters of one value: no key of either vendor's is longer."""
MOST_DIGITS = 19
"""Digits of the largest 64-bit id."""


def condition(description: str) -> T:  # type: ignore[type-var]  # stands in for a dataclass field of any type
    """A field of an input that may be left out."""
    field: T = strawberry.field(default=strawberry.UNSET, description=description)
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


def words(values: Sequence[str] | None, argument: str) -> frozenset[str] | None:
    """Texts, none of them empty.

    Raises:
        BadUserInput: One of them is no key that anything can bear, or they are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    return frozenset(word(text, f"{argument}[{place}]") for place, text in enumerate(known))


def word(text: str, argument: str) -> str:
    """One such text.

    Raises:
        BadUserInput: It is empty, very long, or not printable.
    """
    if not text.strip() or len(text) > MOST_CHARS or not text.isprintable():
        raise BadUserInput(f"{argument}: must be a short printable text.", argument=argument)
    return text


def refs(values: Sequence[str] | None, argument: str, kind: Kind) -> frozenset[Ref] | None:
    """The records that global ids name.

    Raises:
        BadUserInput: One of them is no global id of that kind, or they are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    return frozenset(decode_id(text, f"{argument}[{place}]", (kind,)) for place, text in enumerate(known))


def numbers(values: Sequence[str] | None, argument: str) -> frozenset[str] | None:
    """A vendor's numeric ids.

    Raises:
        BadUserInput: One of them is no number, or they are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    return frozenset(number(text, f"{argument}[{place}]") for place, text in enumerate(known))


def number(text: str, argument: str) -> str:
    """One such id, without leading zeros.

    Raises:
        BadUserInput: It is no number of at most 64 bits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise BadUserInput(f"{argument}: must be a number.", argument=argument)
    return text.lstrip("0") or "0"


def own_refs(
    ids: frozenset[Ref] | None, values: Sequence[str] | None, argument: str, kind: Kind
) -> frozenset[Ref] | None:
    """Global ids and Salesloft's own ids as one condition.

    Raises:
        BadUserInput: One of Salesloft's is no number, or they are too many.
    """
    own = numbers(values, argument)
    if own is None:
        return ids
    named = frozenset(Ref(Source.SALESLOFT, kind, text) for text in own)
    return named if ids is None else named & ids


def emails(values: Sequence[str] | None, argument: str) -> frozenset[str] | None:
    """Addresses, folded.

    Raises:
        BadUserInput: One of them is no address, or they are too many.
    """
    known = listed(values, argument)
    if known is None:
        return None
    for place, text in enumerate(known):
        if "@" not in text or len(text) > MOST_CHARS or not text.strip().isprintable():
            where = f"{argument}[{place}]"
            raise BadUserInput(f"{where}: not an e-mail address.", argument=where)
    return frozenset(filters.fold_email(text) for text in known)


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
