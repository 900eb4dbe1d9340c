"""What of a source's answers could not be read, named on the records that were made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias, TypeVar

import msgspec

from gateway.errors import UpstreamMalformed
from gateway.model.records import MeetingStatus, Record, Source
from gateway.paging.merge import Problem
from gateway.sources.readers import unnumbered

R = TypeVar("R", bound=Record)

Names: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""A row's fields to the record's attributes that show them, where that is not one of the same name."""

LOST = "a row without a readable id"
METADATA = "metadata"
ANOTHER = "The source's answer to a look-up holds another record than the one asked for, or one that cannot be read."


def problems_of(
    records: Iterable[Record], lost: Collection[str] = (), metadata: Iterable[str] = ()
) -> tuple[Problem, ...]:
    """Each kind of thing that could not be read, with the rows concerned.

    Args:
        records: The records; what of them could not be read is named by the vendor's fields among others.
        lost: What tells rows apart that no record could be made of.
        metadata: Paths of what beside the rows could not be read.
    """
    found: dict[str, set[str]] = {}
    for record in records:
        if record.unreadable:
            vendor = f"{record.source.value.lower()}."
            for name in record.unreadable:
                if name.startswith(vendor):
                    found.setdefault(unnumbered(name.removeprefix(vendor)), set()).add(record.source_id)
    problems = [Problem(where=where, rows=frozenset(ids)) for where, ids in sorted(found.items())]
    if lost:
        problems.append(Problem(where=LOST, lost=True, rows=frozenset(lost)))
    problems.extend(Problem(where=where) for where in sorted({unnumbered(f"{METADATA}.{path}") for path in metadata}))
    return tuple(problems)


def another(source: Source) -> UpstreamMalformed:
    """That a look-up's answer does not hold what was asked for, though something is there."""
    return UpstreamMalformed(ANOTHER, source=source.value)


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
    unread = missing.union(f"{vendor}.{path}" for path in unreadable)
    return msgspec.structs.replace(record, unreadable=frozenset(unread))


def _shown_by(path: str, names: Names) -> tuple[str, ...]:
    """The attributes that a field goes into, or that the field goes into which the path lies in."""
    within = path
    while within not in names and "." in within:
        within = within.rpartition(".")[0]
    shown = names.get(within, path)
    return (shown,) if isinstance(shown, str) else shown


def _is_missing(record: Record, name: str) -> bool:
    return name in record.__struct_fields__ and getattr(record, name) in {None, MeetingStatus.UNKNOWN}
