"""A Salesloft list: sorted once a version of the table, filtered, cut into pages, wrapped in its envelope."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from itertools import chain
from typing import Any

from msgspec import Raw

from gateway.emulator.calendar import utc_text
from gateway.emulator.salesloft.filters import (
    Invalid,
    Keep,
    Param,
    ParsedParams,
    Scene,
    Shape,
    flag,
    number,
    read,
    within,
    word,
)
from gateway.emulator.salesloft.kinds import KINDS, Kind, without_settings
from gateway.emulator.table import Row, Table

PER_PAGE, PER_PAGE_MOST, COUNT_MOST = 25, 100, 10_000
_COSTS = ((501, 30), (251, 10), (151, 8), (101, 3))
_SCRAMBLE, _SCRAMBLED = 2_654_435_761, 1 << 32
_PAGING = frozenset({"page", "per_page", "include_paging_counts", "limit_paging_counts", "include_meetings_settings"})
_MEMOIZED = ("meetings", "people", "accounts")
"""Lists whose filters look at the table alone, neither at the time nor at what only the world knows."""


def cost_of(params: Iterable[tuple[str, str]]) -> int:
    """Give the cost units of a list call by the depth of its page."""
    sent = [raw for name, raw in params if name == "page" and raw.isdecimal()]
    page = int(sent[-1]) if sent else 1
    return next((cost for first, cost in _COSTS if page >= first), 1)


@dataclass
class _Order:
    """A sorted table: the rows that have the value, their values beside them, then the rows that lack it."""

    rows: list[Row]
    values: list[Any]
    nulls: list[Row]
    descending: bool

    def between(self, bounds: Mapping[str, datetime]) -> list[Row]:
        """Cut out the rows whose time lies within all the bounds, without looking at each."""
        lower = {operator: bound for operator, bound in bounds.items() if operator in {"gt", "gte"}}
        upper = {operator: bound for operator, bound in bounds.items() if operator in {"lt", "lte"}}
        opening, closing = (upper, lower) if self.descending else (lower, upper)
        places = range(len(self.values))
        first = bisect_left(places, True, key=lambda place: within(self.values[place], opening))
        last = bisect_left(places, True, key=lambda place: not within(self.values[place], closing))
        return self.rows[first:last]

    def only(self, ids: set[int]) -> list[Row]:
        """Give the rows of some ids, without looking at each row."""
        places = sorted(place for id_ in ids if (place := self.places.get(id_)) is not None)
        return [self.rows[place] if place < len(self.rows) else self.nulls[place - len(self.rows)] for place in places]

    @cached_property
    def places(self) -> dict[int, int]:
        """Where each id stands among the rows and, after them, those without the value."""
        return {row["id"]: place for place, row in enumerate(chain(self.rows, self.nulls))}


@dataclass(frozen=True)
class Page:
    """The answer to a list call.

    Attributes:
        body: the body.
        rows: its `data` as JSON.
        unknown: the names of the parameters that were ignored.
    """

    body: Row
    rows: list[Raw]
    unknown: tuple[str, ...]


def list_page(name: str, params: Iterable[tuple[str, str]], scene: Scene) -> Page:
    """Answer one list call.

    Raises:
        Invalid: a parameter has a value or a form that it cannot have.
    """
    kind = KINDS[name]
    table: Table[int] = getattr(scene.world, name)
    sent = _taken(read(params, _known(kind)), scene)
    sort_by = sent.values.get("sort_by", kind.default_sort)
    descending = sent.values.get("sort_direction", "DESC" if kind.descending else "ASC") == "DESC"
    order = table.derived("order", (sort_by, descending), lambda: _sorted(table, kind, sort_by, descending))
    rows, paging = _cut(_matching(name, order, sort_by, sent, scene), kind, sent)
    plain = name == "meetings" and not sent.values.get("include_meetings_settings")
    if plain:
        rows = [table.derived("plain", row["id"], partial(without_settings, row)) for row in rows]
    metadata: Row = {
        "filtering": {key: _echo(value) for key, value in sent.values.items() if key in kind.filters},
        "sorting": {"sort_by": sort_by, "sort_direction": f"{'DESC' if descending else 'ASC'} NULLS LAST"},
    }
    if paging is not None:
        metadata["paging"] = paging
    return Page({"metadata": metadata, "data": rows}, table.written(plain, rows, "id"), sent.unknown)


def _matching(name: str, order: _Order, sort_by: str, sent: ParsedParams, scene: Scene) -> list[Row]:
    """Give the rows that pass every filter, in order; a list asked for again is not filtered again."""
    kind = KINDS[name]
    if name not in _MEMOIZED:
        return _filtered(kind, order, sort_by, sent, scene)
    table: Table[int] = getattr(scene.world, name)
    filters = {key: value for key, value in sent.values.items() if key not in _PAGING}
    hidden = frozenset(hidden_ids(kind, scene))
    key = (sort_by, order.descending, hidden, scene.reading, repr(sorted(filters.items())))
    return table.derived("matches", key, lambda: _filtered(kind, order, sort_by, sent, scene))


def _taken(sent: ParsedParams, scene: Scene) -> ParsedParams:
    """Take a query as this account's Salesloft does."""
    if scene.strict and sent.unknown:
        raise Invalid({name: ["is not a filter"] for name in sent.unknown})
    values = {
        name: value[: scene.most_values] if isinstance(value, list) else value for name, value in sent.values.items()
    }
    if scene.canceled_by_id and "ids" in values:
        values.setdefault("show_deleted", None)
    return ParsedParams(values, sent.unknown)


def _known(kind: Kind) -> dict[str, Param]:
    counts = ("include_paging_counts", "limit_paging_counts") if kind.paged else ("include_paging_counts",)
    return {
        **{name: one.param for name, one in kind.filters.items()},
        **{name: Param(Shape.ONE, flag) for name in counts},
        "sort_by": Param(Shape.ONE, word(*kind.sorts)),
        "sort_direction": Param(Shape.ONE, word("ASC", "DESC")),
        "per_page": Param(Shape.ONE, number),
        "page": Param(Shape.ONE, number),
    }


def _sorted(table: Table[int], kind: Kind, sort_by: str, descending: bool) -> _Order:
    """Sort a table. Rows with equal values come in an order that says nothing: no document promises one."""
    get = kind.sorts[sort_by]
    pairs = [(get(row), row) for row in sorted(table.data.values(), key=lambda row: row["id"] * _SCRAMBLE % _SCRAMBLED)]
    full = sorted((pair for pair in pairs if pair[0] is not None), key=lambda pair: pair[0], reverse=descending)
    nulls = [row for value, row in pairs if value is None]
    return _Order([row for _, row in full], [value for value, _ in full], nulls, descending)


def _filtered(kind: Kind, order: _Order, sort_by: str, sent: ParsedParams, scene: Scene) -> list[Row]:
    values = dict(sent.values)
    bounds = values.get(sort_by)
    if (
        sort_by in kind.filters
        and isinstance(bounds, dict)
        and all(isinstance(one, datetime) for one in bounds.values())
    ):
        rows = order.between(values.pop(sort_by))
    elif "ids" in values:
        rows = order.only(set(values.pop("ids")))
    else:
        rows = order.rows + order.nulls
    for keep in _keeps(kind, values, scene):
        rows = [row for row in rows if keep(row)]
    return rows


def _keeps(kind: Kind, values: Mapping[str, Any], scene: Scene) -> Iterable[Keep]:
    """Give the tests that a row has to pass; those that are ORed make one."""
    either: dict[str, list[Keep]] = {}
    for name, one in kind.filters.items():
        keep = one.make(values[name], scene) if name in values else one.absent and one.absent(scene)
        if keep is None:
            continue
        if one.either and scene.ored:
            either.setdefault(one.either, []).append(keep)
        else:
            yield keep
    for group in either.values():
        yield _any_of(group)
    hidden = hidden_ids(kind, scene)
    if hidden:
        yield lambda row: row["id"] not in hidden


def _any_of(keeps: list[Keep]) -> Keep:
    return lambda row: any(keep(row) for keep in keeps)


def hidden_ids(kind: Kind, scene: Scene) -> set[int]:
    """Give the ids that group privacy keeps from this token, in lists and alone."""
    if kind is KINDS["people"]:
        return scene.world.hidden_people
    return scene.world.hidden_cadences if kind is KINDS["cadences"] else set()


def _cut(rows: list[Row], kind: Kind, sent: ParsedParams) -> tuple[list[Row], Row | None]:
    """Cut out the page asked for; users come whole, without `paging`, unless one is."""
    if not kind.paged and "page" not in sent.values:
        return rows, None
    per_page = min(max(sent.values.get("per_page", PER_PAGE), 1), PER_PAGE_MOST)
    page = max(sent.values.get("page", 1), 1)
    first = (page - 1) * per_page
    paging: Row = {
        "per_page": per_page,
        "current_page": page,
        "next_page": page + 1 if first + per_page < len(rows) else None,
        "prev_page": page - 1 if page > 1 else None,
    }
    if sent.values.get("include_paging_counts"):
        total = min(len(rows), COUNT_MOST) if sent.values.get("limit_paging_counts") else len(rows)
        paging |= {"total_pages": -(-total // per_page), "total_count": total}
    return rows[first : first + per_page], paging


def _echo(value: Any) -> Any:
    """Write a filter's value as `metadata.filtering` shows it."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, dict):
        return {key: _echo(one) for key, one in value.items()}
    return value
