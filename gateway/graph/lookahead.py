"""Which fields an operation selects below a field, so that nothing else is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from strawberry import Info

from gateway.execution.collected import SelectedField, SelectionSet

_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


def attribute(name: str) -> str:
    """The attribute that a field's name stands for: `startTime` -> `start_time`."""
    return _HUMP.sub("_", name).lower()


class LookAhead:
    """The fields selected below a field, on whatever types.

    Args:
        selected: What is selected there, on each type.
    """

    def __init__(self, selected: Iterable[SelectionSet]) -> None:
        self._fields: dict[str, list[SelectedField]] = {}
        for each in selected:
            for field in each.fields:
                self._fields.setdefault(field.field_name, []).append(field)

    @classmethod
    def of(cls, info: Info[Any, Any]) -> LookAhead:
        """What is selected below the field that is being resolved."""
        raw = info._raw_info  # noqa: SLF001 - Strawberry wraps what graphql-core gives, and `selected_fields` converts all of it
        return cls(info.context.operation.below(raw.return_type, raw.field_nodes))

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __getitem__(self, name: str) -> LookAhead:
        return LookAhead(selected for field in self._fields.get(name, ()) for selected in field.below())

    def attributes(self) -> frozenset[str]:
        """The attributes that the selected fields stand for, and, after a dot, those selected below them."""
        found = {attribute(name) for name in self._fields}
        for name, fields in self._fields.items():
            below = (each.field_name for field in fields for selected in field.below() for each in selected.fields)
            found.update(f"{attribute(name)}.{attribute(each)}" for each in below)
        return frozenset(found)
