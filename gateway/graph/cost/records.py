"""What single records cost upstream: by id, by key, and as federation's representations; see `prices`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from gateway.catalog.prices import Prices
from gateway.errors import BadUserInput
from gateway.graph.cost.lists import details
from gateway.graph.cost.prices import Asked, Price, Priced
from gateway.graph.inputs.values import decode_id
from gateway.model.cost import ListShape, Needs
from gateway.model.order import NEWEST_FIRST
from gateway.model.records import Kind, Source

MAX_IDS = 1_000
"""Ids and representations that are looked at; a field that is given more refuses them all."""


def node(asked: Asked) -> Priced:
    """`node(id:)`."""
    return _with_details(asked, _by_refs(asked.prices, [asked.arguments.get("id")]))


def nodes(asked: Asked) -> Priced:
    """`nodes(ids:)`."""
    ids = asked.arguments.get("ids")
    return _with_details(asked, _by_refs(asked.prices, ids if isinstance(ids, list) else [ids]))


def replacement(asked: Asked) -> Priced:
    """`rescheduledTo`: the meeting that each was moved to, which the same source knows."""
    needs = asked.prices.by_refs(Kind.MEETING, asked.rows)
    return _with_details(asked, Priced(needs, {Kind.MEETING.value: asked.rows}))


def _with_details(asked: Asked, priced: Priced) -> Priced:
    more = details(asked, priced.rows.get(Kind.MEETING.value, 0))
    return Priced([*priced.needs, *more], priced.rows) if more else priced


def representations(kinds: Mapping[str, Kind]) -> Price:
    """Federation's `_entities(representations:)`: those of one kind that are named by one key go together.

    Args:
        kinds: The kinds of records, by the names that their types are shown by.
    """
    return lambda asked: _of_representations(asked.prices, asked.arguments.get("representations"), kinds)


def by_key(kind: Kind) -> Price:
    """`meeting(by:)` and its like: one record, by one of its keys."""

    def price(asked: Asked) -> Priced:
        by = asked.arguments.get("by")
        keys = [name for name, value in by.items() if value is not None] if isinstance(by, Mapping) else []
        return _with_details(asked, Priced(_of_key(asked.prices, kind, keys[0] if keys else "id", 1), {kind.value: 1}))

    return price


def _of_representations(prices: Prices, given: object, kinds: Mapping[str, Kind]) -> Priced:
    entries = [each for each in given[:MAX_IDS] if isinstance(each, Mapping)] if isinstance(given, list) else []
    found = _by_refs(prices, [each["id"] for each in entries if "id" in each])
    needs, rows = [*found.needs], dict(found.rows)
    others = Counter(
        (kinds[name], next((key for key in KEYS if key in each), "sourceId"))
        for each in entries
        if "id" not in each and isinstance(name := each.get("__typename"), str) and name in kinds
    )
    for (kind, key), number in others.items():
        needs += _of_key(prices, kind, key, number)
        rows[kind.value] = rows.get(kind.value, 0) + number
    return Priced(needs, rows)


def _of_key(prices: Prices, kind: Kind, key: str, number: int) -> Needs:
    """Records of a kind by one of their keys; a key that is not in `KEYS` is an id."""
    if key in KEYS:
        return KEYS[key](prices, kind, number)
    source = next((each for each in Source if key.startswith(each.value.lower())), None)
    return prices.by_refs(kind, number, source)


def _by_email(prices: Prices, kind: Kind, number: int) -> Needs:
    return prices.team() if kind is Kind.USER else prices.people_by_email(number)


def _by_condition(condition: str) -> Callable[[Prices, Kind, int], Needs]:
    """Those that bear a key which a list is searched by; of several the one of the lowest id is shown."""

    def price(prices: Prices, kind: Kind, number: int) -> Needs:
        shape = ListShape(rows=number, conditions={condition: [None] * number}, order=NEWEST_FIRST.field)
        return prices.people(shape) if kind is Kind.PERSON else prices.accounts(shape)

    return price


KEYS: Mapping[str, Callable[[Prices, Kind, int], Needs]] = {
    "calendarEventId": lambda prices, _, number: prices.meetings_by_event(number),
    "email": _by_email,
    "crmId": _by_condition("crm_ids"),
    "domain": _by_condition("domains"),
}
"""What records cost by a key which is not an id, of a kind and so many."""


def _by_refs(prices: Prices, ids: Sequence[object]) -> Priced:
    """Records by global ids: each kind and source by what it takes. What is not an id costs nothing."""
    count: Counter[tuple[Kind, Source]] = Counter()
    for text in ids[:MAX_IDS]:
        try:
            ref = decode_id(str(text), "id")
        except BadUserInput:
            continue
        count[ref.kind, ref.source] += 1
    needs: Needs = []
    rows: Counter[str] = Counter()
    for (kind, source), number in count.items():
        rows[kind.value] += number
        needs += prices.by_refs(kind, number, source)
    return Priced(needs, rows)
