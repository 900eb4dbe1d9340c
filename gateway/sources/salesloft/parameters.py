"""What of each filter Salesloft can be asked for: a row a parameter, from which listings, checks and prices derive."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from gateway.model.conditions import ByText, ByTexts, Filter, Form, Refs, Texts, TimeRange, conditions_of, inputs_of
from gateway.model.filters import MeetingFilter
from gateway.model.order import micros, moment
from gateway.model.record_filters import AccountFilter, PersonFilter
from gateway.model.records import Kind, Source, UserKey
from gateway.sources.bounds import is_number
from gateway.sources.salesloft.conditions import NO_CONDITIONS, MeetingConditions

NUMBERS = frozenset(
    name
    for name, row in conditions_of(MeetingConditions).items()
    if isinstance(row.value, ByText | ByTexts) and row.value.form is Form.NUMBER
)
"""Those of Salesloft's own conditions whose values are numbers."""


FIRST = micros(dt.datetime(1000, 1, 1, tzinfo=dt.UTC))
LAST = micros(dt.datetime.max.replace(tzinfo=dt.UTC))
"""What a bound may be: years of four digits. Every meeting lies between."""


class Takes(enum.Enum):
    """How many values a parameter takes."""

    ONE = "one"
    MANY = "many"
    RANGE = "range"
    FLAG = "flag"


Read: TypeAlias = Callable[[Any], Texts]
"""Makes the parameter's values of a condition's; None: it is not given."""


def texts(values: Texts) -> Texts:
    """Texts, as they are."""
    return values


def ids(kind: Kind) -> Read:
    """The ids of records of a kind that Salesloft can have given; it refuses a call with any other."""

    def read(refs: Refs) -> Texts:
        if refs is None:
            return None
        return numbers(frozenset(r.id for r in refs if r.source is Source.SALESLOFT and r.kind is kind))

    return read


def guids(refs: Refs) -> Texts:
    """The GUIDs among references: what meetings know users by."""
    if refs is None:
        return None
    return frozenset(ref.id for ref in refs if ref.source is Source.SALESLOFT and ref.key is UserKey.GUID)


def numbers(values: Texts) -> Texts:
    """The numbers among some texts."""
    return None if values is None else frozenset(filter(is_number, values))


def both(one: Texts, other: Texts) -> Texts:
    """The values that two conditions leave."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a list.

    Attributes:
        name: As the URL has it; of a range its name without the operator.
        takes: How many values it takes.
        condition: The filter's condition that it asks for; None where only Salesloft's own filter has it.
        read: Makes its values of that condition's.
        own: The attributes of Salesloft's own filter that ask for the same.
    """

    name: str
    takes: Takes
    condition: str | None = None
    read: Read = texts
    own: tuple[str, ...] = ()

    def values(self, wanted: Filter[Any], own: MeetingConditions = NO_CONDITIONS) -> Texts:
        """The values to ask for: those that all of its conditions leave; None where none is given."""
        found = None if self.condition is None else self.read(getattr(wanted, self.condition))
        for name in self.own:
            value: str | Texts = getattr(own, name)
            values = frozenset((value,)) if isinstance(value, str) else value
            found = both(found, numbers(values) if name in NUMBERS else values)
        return found


ONE, MANY, RANGE, FLAG = Takes

EVENT_IDS = Parameter("event_ids[]", MANY, "calendar_event_ids", own=("event_ids",))
UIDS = Parameter("i_cal_uids[]", MANY, "i_cal_uids", own=("i_cal_uids",))
TYPE = Parameter("meeting_type_id", ONE, own=("meeting_type_id",))
"""See `filters`: what stands beside these three decides how they are asked for."""

MEETINGS: Sequence[Parameter] = (
    Parameter("ids[]", MANY, "ids", ids(Kind.MEETING), own=("ids",)),
    Parameter("task_ids[]", MANY, own=("task_ids",)),
    Parameter("person_ids[]", MANY, "persons", ids(Kind.PERSON), own=("person_ids", "person_id")),
    Parameter("user_guids[]", MANY, "owners", guids, own=("user_guids",)),
    Parameter("account_id", ONE, "account_ids", ids(Kind.ACCOUNT), own=("account_id",)),
    Parameter("step_id", ONE, "step_ids", ids(Kind.STEP), own=("step_id",)),
    Parameter("cadence_id", ONE, "cadence_ids", ids(Kind.CADENCE), own=("cadence_id",)),
    Parameter("booked_by_user_uuid", ONE, "bookers", guids, own=("booked_by_user_uuid",)),
    EVENT_IDS,
    UIDS,
    TYPE,
    Parameter("start_time", RANGE, "start_time", own=("start_time",)),
    Parameter("created_at", RANGE, "created_at", own=("created_at",)),
    Parameter("no_show", FLAG, "no_show", own=("no_show",)),
)
"""Salesloft: List meetings. `show_deleted` and `status` are asked for as `filters.states` has it."""

PEOPLE: Sequence[Parameter] = (
    Parameter("ids[]", MANY, "ids", ids(Kind.PERSON)),
    Parameter("email_addresses[]", MANY, "emails"),
    Parameter("crm_id[]", MANY, "crm_ids"),
    Parameter("account_id[]", MANY, "account_ids", ids(Kind.ACCOUNT)),
    Parameter("cadence_id[]", MANY, "cadence_ids", ids(Kind.CADENCE)),
    Parameter("owner_id[]", MANY, "owner_ids", ids(Kind.USER)),
    Parameter("created_at", RANGE, "created_at"),
    Parameter("updated_at", RANGE, "updated_at"),
)
"""Salesloft: List people."""

ACCOUNTS: Sequence[Parameter] = (
    Parameter("ids[]", MANY, "ids", ids(Kind.ACCOUNT)),
    Parameter("crm_id[]", MANY, "crm_ids"),
    Parameter("name[]", MANY, "names"),
    Parameter("owner_id[]", MANY, "owner_ids", ids(Kind.USER)),
    Parameter("domain", ONE, "domains"),
    Parameter("archived", FLAG, "archived"),
    Parameter("updated_at", RANGE, "updated_at"),
)
"""Salesloft: List accounts."""

TABLES: Mapping[type[Filter[Any]], Sequence[Parameter]] = {
    MeetingFilter: MEETINGS,
    PersonFilter: PEOPLE,
    AccountFilter: ACCOUNTS,
}

BY_STATE = frozenset({"status", "canceled"})
"""Conditions on a meeting's state that are asked for by the choice of listings."""

CHECKED_HERE = frozenset(
    name
    for name, row in conditions_of(MeetingFilter).items()
    if row.about and name not in BY_STATE.union(each.condition or "" for each in MEETINGS)
)
"""Conditions on meetings that no parameter asks for, so that rows are passed over."""


def _asked(kind: type[Filter[Any]]) -> Iterator[tuple[str, str]]:
    table = conditions_of(kind)
    for parameter in TABLES[kind]:
        if parameter.condition is not None:
            yield from ((attribute, parameter.condition) for attribute in table[parameter.condition].about)


ASKED: Mapping[type[Filter[Any]], Mapping[str, str]] = {
    kind: dict(_asked(kind)) | ({"salesloft.status": "status"} if kind is MeetingFilter else {}) for kind in TABLES
}
"""What of a record each of the conditions that Salesloft is asked for is about, by attribute."""


def asked_by_many(kind: type[Filter[Any]]) -> frozenset[str]:
    """The conditions of a filter of which one call asks for many values."""
    return frozenset(each.condition for each in TABLES[kind] if each.takes is MANY and each.condition is not None)


def asked_singly(kind: type[Filter[Any]]) -> tuple[str, ...]:
    """The conditions of clients whose parameter takes one value."""
    singly = {each.condition for each in TABLES[kind] if each.takes is ONE}
    return tuple(name for name, row in inputs_of(kind).items() if (row.means or name) in singly)


def of_long_texts(kind: type[Filter[Any]]) -> tuple[str, ...]:
    """The conditions whose values are long texts, of which some sixty fit into a URL."""
    table = conditions_of(kind)
    asked = (each.condition for each in TABLES[kind] if each.condition is not None)
    return tuple(name for name in asked if isinstance(table[name].value, ByTexts))


class TimeSpan(msgspec.Struct, frozen=True):
    """The instants from one to another, both included, in microseconds since 1970; None is without end.

    Salesloft compares to the microsecond (Salesloft: List meetings), so whole microseconds say everything.

    Attributes:
        least: The first instant.
        most: The last instant.
        beyond: Whether the lower bound is written as "greater than" the microsecond before.
        short: Whether the upper bound is written as "less than" the microsecond after.
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


def formatted(value: int) -> str:
    """An instant as Salesloft writes it: UTC, six digits, `Z`."""
    return moment(value).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _bound(field: str, operator: str, value: int) -> tuple[str, str]:
    return f"{field}[{operator}]", formatted(min(max(value, FIRST), LAST))
