"""What of a source's answers could not be read, told of the records that were made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gateway.errors import UpstreamMalformed
from gateway.model.records import Record, Source
from gateway.paging.merge import Problem
from gateway.sources.readers import unnumbered

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
