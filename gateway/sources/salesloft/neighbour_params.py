"""What of the filters of people and accounts is asked of Salesloft; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from gateway.model.filters import Refs, TimeRange
from gateway.model.neighbours import AccountFilter, PersonFilter
from gateway.model.order import id_key
from gateway.model.records import Source
from gateway.sources.salesloft.params import MOST_CHARS, MOST_FANNED, MOST_VALUES, Params, is_number
from gateway.sources.salesloft.span import Span
from gateway.upstream.batch import chunks, encoded_len

Values = frozenset[str] | None

SEVERAL = frozenset({"email_addresses[]", "cadence_id[]"})
"""Parameters of which one record may meet several values, so that two listings may both hold it."""


class NeighbourListing(msgspec.Struct, frozen=True, kw_only=True):
    """One listing upstream.

    Attributes:
        params: Its conditions but the range of the time of making.
        created_at: That range.
        exact: Whether it holds nothing that the filter does not admit.
        alone: Whether no other listing of the filter holds a record of it.
    """

    params: Params
    created_at: Span = Span()
    exact: bool = True
    alone: bool = True


def person_listings(wanted: PersonFilter) -> list[NeighbourListing]:
    """The listings whose union is what the filter admits; none where nothing can match."""
    many = {
        "ids[]": _ids(wanted.ids),
        "email_addresses[]": wanted.emails,
        "crm_id[]": wanted.crm_ids,
        "account_id[]": _ids(wanted.account_ids),
        "cadence_id[]": _ids(wanted.cadence_ids),
        "owner_id[]": _ids(wanted.owner_ids),
    }
    return _listings(many, {}, (), updated_at=wanted.updated_at, created_at=wanted.created_at)


def account_listings(wanted: AccountFilter) -> list[NeighbourListing]:
    """The listings whose union is what the filter admits; none where nothing can match."""
    many = {
        "ids[]": _ids(wanted.ids),
        "crm_id[]": wanted.crm_ids,
        "name[]": wanted.names,
        "owner_id[]": _ids(wanted.owner_ids),
    }
    fixed = () if wanted.archived is None else (("archived", "true" if wanted.archived else "false"),)
    return _listings(many, {"domain": wanted.domains}, fixed, updated_at=wanted.updated_at, created_at=None)


def _listings(
    many: Mapping[str, Values],
    single: Mapping[str, Values],
    fixed: Params,
    *,
    updated_at: TimeRange | None,
    created_at: TimeRange | None,
) -> list[NeighbourListing]:
    """Listings of conditions that take many values, and of those that take one value at a time."""
    made, changed = Span().within(created_at), Span().within(updated_at)
    if (
        made.empty
        or changed.empty
        or any(values is not None and not values for values in (*many.values(), *single.values()))
    ):
        return []
    fixed = (*fixed, *changed.params("updated_at"))
    exact = True
    fans: list[Params] = [()]
    for name, values in single.items():
        if values is None:
            continue
        if len(values) > MOST_FANNED:
            exact = False
        else:
            fans = [(*fan, (name, value)) for fan in fans for value in sorted(values)]
    asked = {name: values for name, values in many.items() if values is not None}
    whole, split, left = _packed(asked, MOST_CHARS - sum(_length(*param) for param in fixed))
    parts = _parts(split, asked) if split is not None else [()]
    return [
        NeighbourListing(
            params=(*fixed, *fan, *whole, *part),
            created_at=made,
            exact=exact and not left,
            alone=len(parts) == 1 or split not in SEVERAL,
        )
        for fan in fans
        for part in parts
    ]


def _packed(asked: Mapping[str, frozenset[str]], room: int) -> tuple[Params, str | None, frozenset[str]]:
    """What fits into one URL whole, the parameter that has to be split, and those that are only checked here."""
    whole: list[tuple[str, str]] = []
    split: str | None = None
    left: set[str] = set()
    for name, values in sorted(asked.items(), key=lambda item: _chars(*item)):
        need = _chars(name, values)
        if len(values) <= MOST_VALUES and need <= room // 2:
            whole.extend((name, value) for value in sorted(values, key=id_key))
            room -= need
        elif split is None:
            split = name
        else:
            left.add(name)
    return tuple(whole), split, frozenset(left)


def _parts(name: str, asked: Mapping[str, frozenset[str]]) -> list[Params]:
    values = sorted(asked[name], key=id_key)
    split = chunks(values, most=MOST_VALUES, chars=MOST_CHARS // 2, encoded_len=lambda value: _length(name, value))
    return [tuple((name, value) for value in part) for part in split]


def _ids(refs: Refs) -> Values:
    """The ids among references that Salesloft can have given."""
    return None if refs is None else frozenset(r.id for r in refs if r.source is Source.SALESLOFT and is_number(r.id))


def _length(name: str, value: str) -> int:
    return encoded_len(name) + encoded_len(value) + len("=&")


def _chars(name: str, values: Iterable[str]) -> int:
    return sum(_length(name, value) for value in values)
