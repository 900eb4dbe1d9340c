"""What a condition of a filter is: one row, on the filter's attribute, from which all that is known of it derives.

The graph's input with its description and the reading of its value, the check of a record, what a source can meet, what
a folded meeting may owe to a twin, and what may be estimated: none of them names a condition a second time.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from gateway.model.records import Kind, Ref, Source

R = TypeVar("R")
Check: TypeAlias = Callable[[Any], bool]
Refs: TypeAlias = frozenset[Ref] | None
Texts: TypeAlias = frozenset[str] | None


class TimeRange(msgspec.Struct, frozen=True):
    """Bounds of an instant; each that is given holds. A missing value is in no range that has a bound."""

    gt: dt.datetime | None = None
    gte: dt.datetime | None = None
    lt: dt.datetime | None = None
    lte: dt.datetime | None = None

    @property
    def bounded(self) -> bool:
        """Whether it narrows anything."""
        return any(bound is not None for bound in (self.gt, self.gte, self.lt, self.lte))

    @property
    def closed(self) -> bool:
        """Whether it has a bound on both sides."""
        return (self.gt or self.gte) is not None and (self.lt or self.lte) is not None

    @property
    def empty(self) -> bool:
        """Whether no instant can lie inside."""
        lower = max((bound for bound in (self.gt, self.gte) if bound is not None), default=None)
        upper = min((bound for bound in (self.lt, self.lte) if bound is not None), default=None)
        if lower is None or upper is None or lower < upper:
            return False
        return lower > upper or lower == self.gt or upper == self.lt

    def within(self, other: TimeRange) -> TimeRange:
        """The instants that lie in both."""

        def both(name: str, pick: Callable[[Iterable[dt.datetime]], dt.datetime]) -> dt.datetime | None:
            known = [bound for bound in (getattr(self, name), getattr(other, name)) if bound is not None]
            return pick(known) if known else None

        return TimeRange(gt=both("gt", max), gte=both("gte", max), lt=both("lt", min), lte=both("lte", min))

    @property
    def length(self) -> dt.timedelta:
        """How long it is, which has a bound on both sides."""
        lower = max(bound for bound in (self.gt, self.gte) if bound is not None)
        return min(bound for bound in (self.lt, self.lte) if bound is not None) - lower

    def admits(self, value: dt.datetime | None) -> bool:
        """Whether an instant lies inside."""
        if value is None:
            return not self.bounded
        return (
            (self.gt is None or value > self.gt)
            and (self.gte is None or value >= self.gte)
            and (self.lt is None or value < self.lt)
            and (self.lte is None or value <= self.lte)
        )


class DaySpan(msgspec.Struct, frozen=True):
    """Calendar days in a time zone, which by now is only in their ends: two names of one zone make the same span.

    Attributes:
        first: The first day.
        last: The last one.
        begins: When the first one begins.
        ends: When the day after the last one does.
    """

    first: dt.date
    last: dt.date
    begins: dt.datetime
    ends: dt.datetime


class Form(enum.Enum):
    """How a key is written; `graph.inputs.values` has the validator of each."""

    TEXT = "text"
    NUMBER = "number"
    GUID = "guid"
    EMAIL = "email"
    DOMAIN = "domain"
    MAIL_DOMAIN = "domain of an e-mail address"
    NAME = "name"
    FOLDED = "folded"
    URI_PART = "part of a URI"


ID_FORMS: Mapping[tuple[Source, Kind], Form] = {
    **{(Source.SALESLOFT, kind): Form.NUMBER for kind in Kind},
    **{(Source.DRIFT, kind): Form.NUMBER for kind in (Kind.PERSON, Kind.USER, Kind.CONVERSATION)},
    **{(Source.CALENDLY, kind): Form.URI_PART for kind in (Kind.MEETING, Kind.USER)},
}
"""How the ids of some sources' records are written; those of all others are texts, as the slugs of Drift's meetings."""


class ByIds(msgspec.Struct, frozen=True):
    """A list of global ids of records of a kind; its value is a set of `Ref`."""

    kind: Kind


class BySourceIds(msgspec.Struct, frozen=True):
    """A list of a source's own ids of records of a kind; its value is a set of `Ref`."""

    source: Source
    kind: Kind


class ByTexts(msgspec.Struct, frozen=True):
    """A list of keys; its value is a set of texts.

    Attributes:
        form: How a key is written.
        words: What it may be besides.
    """

    form: Form = Form.TEXT
    words: tuple[str, ...] = ()


class ByText(msgspec.Struct, frozen=True):
    """One key; its value is a text.

    Attributes:
        form: How it is written; None: only the words are accepted.
        words: What it may be besides.
    """

    form: Form | None = Form.TEXT
    words: tuple[str, ...] = ()


class BySearch(msgspec.Struct, frozen=True):
    """Words to search for; its value is a tuple of case-folded texts.

    Attributes:
        most: Characters that all of them may have.
    """

    most: int


class BySubstring(msgspec.Struct, frozen=True):
    """A text that is part of another; its value is case-folded.

    Attributes:
        most: Characters that it may have.
    """

    most: int


class ByDays(msgspec.Struct, frozen=True):
    """A range of calendar days in a time zone; its value is a `DaySpan`."""


class ByTime(msgspec.Struct, frozen=True):
    """A range of time; its value is a `TimeRange`."""


class ByFlag(msgspec.Struct, frozen=True):
    """True or false."""


class ByEnum(msgspec.Struct, frozen=True):
    """A list of members of an enum of the model; its value is a set of them."""

    enum: type[enum.Enum]


class ByMember(msgspec.Struct, frozen=True):
    """One member of an enum of the model."""

    enum: type[enum.Enum]


Value: TypeAlias = (
    ByIds | BySourceIds | ByTexts | ByText | BySearch | BySubstring | ByTime | ByDays | ByFlag | ByEnum | ByMember
)


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter; stands in the annotation of the attribute that bears its value.

    Attributes:
        value: What its value is.
        description: What clients read of it; None: they cannot set it, the gateway works it out.
        about: The attributes of a record that it is about; none where it is not checked on records.
        of: What of a record is compared, where that is not simply the one attribute.
        several: Whether a record bears several values, any of which is enough.
        test: Makes the check from the whole filter, where comparing a value is not enough; None: there is nothing to
            check.
        means: The attribute that it comes to once it is understood, which is checked in its stead.
        personal: Whether it asks by personal data, and so needs the scope for it.
        checked_here: Whether no source can be asked for it, so that only its rows show: it then needs a bound on the
            start time.
        starts: The start times that it leaves, where it narrows those.
    """

    value: Value
    description: str | None = None
    about: tuple[str, ...] = ()
    of: Callable[[Any], object] | None = None
    several: bool = False
    test: Callable[[Any], Check | None] | None = None
    means: str | None = None
    personal: bool = False
    checked_here: bool = False
    starts: Callable[[Any], TimeRange] | None = None

    def check(self, wanted: object, value: Any) -> Check | None:
        """What has to hold on a record; None where anything does.

        Args:
            wanted: The whole filter.
            value: The condition's value.
        """
        if self.test is not None:
            return self.test(wanted)
        if self.of is None and not self.about:
            return None
        read: Callable[[Any], Any] = self.of or attrgetter(self.about[0])
        if isinstance(self.value, ByTime):
            return _within(read, value)
        if isinstance(value, frozenset):
            return _any(read, value) if self.several else _one(read, value)
        return _same(read, value)


def _within(read: Callable[[Any], dt.datetime | None], wanted: TimeRange) -> Check | None:
    if not wanted.bounded:
        return None
    admits = wanted.admits
    return lambda record: admits(read(record))


def _any(read: Callable[[Any], Iterable[object]], wanted: frozenset[object]) -> Check:
    return lambda record: not wanted.isdisjoint(read(record))


def _one(read: Callable[[Any], object], wanted: frozenset[object]) -> Check:
    return lambda record: read(record) in wanted


def _same(read: Callable[[Any], object], wanted: object) -> Check:
    return lambda record: read(record) == wanted


def all_of(checks: Iterable[Check]) -> Check:
    """Whether every check holds."""
    every = tuple(checks)
    if len(every) == 1:
        return every[0]

    def holds(record: Any) -> bool:
        for check in every:  # noqa: SIM110 - in half the time of `all` over a generator
            if not check(record):
                return False
        return True

    return holds


class Filter(msgspec.Struct, Generic[R], frozen=True, kw_only=True, dict=True):
    """Conditions on records of one kind, all of them ANDed; None is no condition, an empty set matches nothing.

    Each attribute with a `Condition` in its annotation is one of them.
    """

    @property
    def impossible(self) -> bool:
        """Whether some condition is an empty set, so that nothing can match."""
        return any(value == frozenset() for _, _, value in self.given())

    def given(self) -> Iterator[tuple[str, Condition, Any]]:
        """The conditions that are given, each with its name and value."""
        for name, condition in conditions_of(type(self)).items():
            value = getattr(self, name)
            if value is not None:
                yield name, condition, value

    @functools.cached_property
    def admits(self) -> Callable[[R], bool]:
        """Whether every condition holds on a record."""
        return all_of(self.checks().values())

    def checks(self) -> dict[str, Check]:
        """What has to hold on a record, by condition."""
        found = {name: condition.check(self, value) for name, condition, value in self.given()}
        return {name: check for name, check in found.items() if check is not None}


class OwnConditions(Filter[R], Generic[R], frozen=True, kw_only=True):
    """A source's own part of a filter, in its own words."""

    @property
    def decides_cancelled(self) -> bool:
        """Whether it says itself whether cancelled meetings are listed."""
        return False


@functools.cache
def conditions_of(kind: type[Filter[Any]]) -> Mapping[str, Condition]:
    """The conditions of a filter, by attribute, in the order in which clients see them."""
    found: dict[str, Condition] = {}
    for name, hint in inspect.get_annotations(kind, eval_str=True).items():
        rows = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Condition)]
        found.update((name, row) for row in rows)
    return found


def inputs_of(kind: type[Filter[Any]]) -> dict[str, Condition]:
    """Those that clients can set."""
    return {name: row for name, row in conditions_of(kind).items() if row.description is not None}


def argument(name: str) -> str:
    """A condition as clients write it: `iCalUids` of `i_cal_uids`."""
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


@functools.cache
def lacking(kind: type[Filter[Any]], blank: frozenset[str]) -> frozenset[str]:
    """The conditions that no record can meet of which some attributes never have a value."""
    table = conditions_of(kind)
    bare = {name for name, row in table.items() if row.about and blank.issuperset(row.about)}
    return frozenset(name for name, row in table.items() if (row.means or name) in bare)


@functools.cache
def naming(kind: type[Filter[Any]], record: Kind) -> tuple[str, ...]:
    """The conditions of clients that name records of a kind, by id or by another key."""
    table = conditions_of(kind)
    return tuple(
        name
        for name, row in inputs_of(kind).items()
        for value in (table[row.means or name].value,)
        if isinstance(value, ByIds) and value.kind is record
    )


def joined(one: Refs, other: Refs) -> Refs:
    """The records that two conditions leave."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
