"""What of a vendor's row could not be read, named on the record that was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

import msgspec

from gateway.model.records import MeetingStatus, Record

R = TypeVar("R", bound=Record)

Names: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""A row's fields to the record's attributes that show them, where that is not one of the same name."""


def named(record: R, unreadable: frozenset[str], names: Names) -> R:
    """The record with what could not be read of its row named.

    Every field is named as the vendor's (`salesloft.event_id`), and by the attributes that are missing for it.

    Args:
        record: What came of the row.
        unreadable: Paths of fields in the row.
        names: The attributes that show them.
    """
    if not unreadable:
        return record
    vendor = record.source.value.lower()
    missing = {name for path in unreadable for name in _shown_by(path, names) if _is_missing(record, name)}
    told = missing.union(f"{vendor}.{path}" for path in unreadable)
    return msgspec.structs.replace(record, unreadable=frozenset(told))


def _shown_by(path: str, names: Names) -> tuple[str, ...]:
    """The attributes that a field goes into, or that the field goes into which the path lies in."""
    within = path
    while within not in names and "." in within:
        within = within.rpartition(".")[0]
    shown = names.get(within, path)
    return (shown,) if isinstance(shown, str) else shown


def _is_missing(record: Record, name: str) -> bool:
    return name in record.__struct_fields__ and getattr(record, name) in {None, MeetingStatus.UNKNOWN}
