"""Filters as inputs of the graph: fields, and how they are read, derived from the conditions of `model.filters`."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from types import GenericAlias
from typing import Any, NamedTuple, TypeVar

import strawberry

from gateway.errors import BadUserInput
from gateway.graph import enums
from gateway.graph.inputs.values import FORMS, DateTimeRange, DayRange, condition, days, given, keys, listed, refs, span
from gateway.model import filters, record_filters, records
from gateway.model.conditions import (
    ByDays,
    ByEnum,
    ByFlag,
    ByIds,
    ByMember,
    BySearch,
    BySourceIds,
    BySubstring,
    ByText,
    ByTexts,
    ByTime,
    Filter,
    Form,
    argument,
    inputs_of,
    joined,
)
from gateway.model.records import Ref

T = TypeVar("T")
F = TypeVar("F", bound=Filter[Any])

RULES = (
    "Conditions that a row must meet, all of them. A condition that is null is ignored. An "
    "empty list matches nothing and makes no upstream call. A list can have at most 100 "
    "values."
)

NEEDS_BOUND = "Requires a bound on `startTime`."

ENUMS: Mapping[type[enum.Enum], Any] = {
    records.Source: enums.Source,
    records.MeetingStatus: enums.MeetingStatus,
    filters.Canceled: enums.CanceledFilter,
}
"""The graph's enum for each of the model's that a condition takes."""

IDS = frozenset({Form.NUMBER, Form.GUID})
"""Keys that are ids in the graph."""


def filter_input(kind: type[Filter[Any]], description: str = RULES) -> Callable[[type[T]], type[T]]:
    """Makes a class the input of a filter: a field for each condition that clients can set, before its own fields."""

    def decorate(cls: type[T]) -> type[T]:
        annotations: dict[str, Any] = {}
        for name, row in inputs_of(kind).items():
            text = f"{row.description} {NEEDS_BOUND}" if row.checked_here else f"{row.description}"
            annotations[name] = INPUTS[type(row.value)].type(row.value) | None
            setattr(cls, name, condition(text, personal=row.personal))
        cls.__annotations__ = {**annotations, **cls.__annotations__}
        return strawberry.input(cls, description=description)

    return decorate


def read_filter(kind: type[F], asked: object, where: str = "filter", **values: Any) -> F:
    """The conditions asked for.

    Args:
        kind: The filter.
        asked: An instance of its input, or None.
        where: The argument that it came in, for errors.
        values: Further attributes of the filter, which are no conditions of clients.

    Raises:
        BadUserInput: A value is invalid; `argument` names it.
    """
    for name, row in inputs_of(kind).items() if asked is not None else ():
        value = given(getattr(asked, name))
        if value is None:
            continue
        known = INPUTS[type(row.value)].read(row.value, value, f"{where}.{argument(name)}")
        if isinstance(row.value, BySourceIds) and row.means is not None:  # with the global ids, which were read before
            values[row.means] = joined(values.get(row.means), known)
        else:
            values[name] = known
    return kind(**values)


def _reader(form: Form | None, words: Collection[str]) -> Callable[[str, str], str]:
    """Reads a key that may be one of some words."""

    def read(text: str, where: str) -> str:
        if text in words:
            return text
        if form is None:
            raise BadUserInput(f"{where}: must be one of {', '.join(words)}.", argument=where)
        return FORMS[form](text, where)

    return read


def _searched(text: str, most: int, where: str) -> tuple[str, ...]:
    if len(text) > most:
        raise BadUserInput(f"{where}: has {len(text)} characters; the maximum is {most}.", argument=where)
    return tuple(text.casefold().split())


def _part(text: str, most: int, where: str) -> str:
    if not 0 < len(text.strip()) <= len(text) <= most:
        raise BadUserInput(f"{where}: must have 1 to {most} characters.", argument=where)
    return text.casefold()


def _source_ids(value: BySourceIds, asked: Sequence[str], where: str) -> frozenset[Ref] | None:
    own = keys(asked, where, FORMS[Form.NUMBER])
    return None if own is None else frozenset(Ref(value.source, value.kind, text) for text in own)


def _members(_: ByEnum, asked: Sequence[enum.Enum], where: str) -> frozenset[enum.Enum] | None:
    known = listed(asked, where)
    return None if known is None else frozenset(map(enums.meaning, known))


class Input(NamedTuple):
    """A kind of condition as a field of an input.

    Attributes:
        type: The field's type, of what the condition's value is.
        read: The condition's value, of that, what came in and the argument that it came in.
    """

    type: Callable[[Any], Any]
    read: Callable[[Any, Any, str], Any]


INPUTS: Mapping[type, Input] = {
    ByIds: Input(lambda _: list[strawberry.ID], lambda value, asked, where: refs(asked, where, value.kind)),
    BySourceIds: Input(lambda _: list[strawberry.ID], _source_ids),
    ByTexts: Input(
        lambda value: list[strawberry.ID] if value.form in IDS else list[str],
        lambda value, asked, where: keys(asked, where, _reader(value.form, value.words)),
    ),
    ByText: Input(
        lambda value: strawberry.ID if value.form in IDS else str,
        lambda value, asked, where: _reader(value.form, value.words)(asked, where),
    ),
    BySearch: Input(lambda _: str, lambda value, asked, where: _searched(asked, value.most, where)),
    ByTime: Input(lambda _: DateTimeRange, lambda _, asked, where: span(asked, where)),
    BySubstring: Input(lambda _: str, lambda value, asked, where: _part(asked, value.most, where)),
    ByDays: Input(lambda _: DayRange, lambda _, asked, where: days(asked, where)),
    ByFlag: Input(lambda _: bool, lambda _, asked, __: asked),
    ByEnum: Input(lambda value: GenericAlias(list, ENUMS[value.enum]), _members),
    ByMember: Input(lambda value: ENUMS[value.enum], lambda _, asked, __: enums.meaning(asked)),
}
"""How each kind of condition is asked for."""


@filter_input(record_filters.PersonFilter)
class PersonFilter: ...


@filter_input(record_filters.UserFilter)
class UserFilter: ...


@filter_input(record_filters.CadenceFilter)
class CadenceFilter: ...


@filter_input(record_filters.AccountFilter)
class AccountFilter: ...
