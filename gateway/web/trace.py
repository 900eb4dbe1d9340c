"""What an answer tells of how it was made: what it asked of the sources, by endpoint; never an id or a token."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.upstream.request import Entry, Hit, Ledger


def summary(ledger: Ledger) -> Mapping[str, object]:
    """`extensions.upstream`: the ledger as clients see it; costs in units of its budgets, times in ms."""
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


def execution(interpreted: str | None) -> Mapping[str, object]:
    """`extensions.execution`: whether a compiled plan ran, and why none did."""
    return {"compiled": True} if interpreted is None else {"compiled": False, "reason": interpreted}


def _totals(entries: list[Entry]) -> dict[str, int]:
    calls = sum(entry.cache is Hit.MISS for entry in entries)
    return {"calls": calls, "cost": sum(entry.cost for entry in entries), "cacheHits": len(entries) - calls}
