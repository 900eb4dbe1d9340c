"""`extensions.upstream`: what an operation asked of the sources, by endpoint name; never an id or a token."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.upstream.request import Entry, Hit, Ledger


def summary(ledger: Ledger) -> Mapping[str, object]:
    """The ledger as clients see it; costs in units of the source's budget, times in milliseconds."""
    entries = sorted(ledger.entries, key=lambda entry: entry.started)
    by_source: dict[str, list[Entry]] = {}
    for entry in entries:
        by_source.setdefault(entry.source, []).append(entry)
    return {
        **_totals(entries),
        "waves": ledger.waves(),
        "bySource": {source: _totals(own) for source, own in by_source.items()},
        "requests": [
            {
                "source": entry.source,
                "endpoint": entry.endpoint,
                "cost": entry.cost,
                "ms": round((entry.ended - entry.started) * 1000, 1),
                "cache": entry.cache.value,
            }
            for entry in entries
        ],
    }


def _totals(entries: list[Entry]) -> dict[str, int]:
    calls = sum(entry.cache is Hit.MISS for entry in entries)
    return {"calls": calls, "cost": sum(entry.cost for entry in entries), "cacheHits": len(entries) - calls}
