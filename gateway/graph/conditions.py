"""What the inputs of all filters are made of: sets, references, addresses, numbers and ranges of time, checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TypeVar

import strawberry

from gateway.errors import BadUserInput
from gateway.graph.access import PERSONAL
from gateway.graph.ids import decode_id
from gateway.graph.scalars import instant
from gateway.graph.texts import number, short_text
from gateway.model import filters
from gateway.model.records import Kind, Ref, Source
from gateway.model.scopes import PII

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
