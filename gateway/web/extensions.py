"""A response's `extensions`: upstream calls by endpoint, how the operation ran, its cost; never an id or a token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers

from gateway.graph.engine import OperationResult
from gateway.model.records import Source
from gateway.request import Hit, Ledger, LedgerEntry
from gateway.web.http_errors import RequestError

RANK = {source.value: rank for rank, source in enumerate(Source)}


TRACE_HEADER = "x-gateway-trace"
WITH_PLAN = "plan"
"""What the header says where the plan is wanted too."""
COST_HEADER = "x-gateway-cost"


def extensions_of(
    headers: Headers,
    outcome: OperationResult | RequestError,
    ledger: Ledger,
    *,
    traces: bool,
    plan: Callable[[], str],
) -> Mapping[str, object]:
    """The response's `extensions`, as far as the request asks for them.

    Args:
        headers: The request's.
        outcome: What it came to.
        ledger: The upstream calls made for it.
        traces: Whether calls and plans may be asked for.
        plan: Says how it ran.
    """
    extensions: dict[str, object] = {}
    wanted = headers.get(TRACE_HEADER)
    traced = traces and wanted in {"1", WITH_PLAN}
    ran = outcome if isinstance(outcome, OperationResult) and outcome.started else None
    if traced:
        extensions["upstream"] = summary(ledger)
    if ran is not None and traced:
        extensions["execution"] = execution(ran.interpreted, plan() if wanted == WITH_PLAN else None)
    if ran is not None and (traced or headers.get(COST_HEADER) == "1"):
        extensions["cost"] = {"expected": ran.expected, "actual": ledger.cost()}
    return extensions


def summary(ledger: Ledger) -> Mapping[str, object]:
    """`extensions.upstream`: the ledger as clients see it; costs in units of its budgets, times in ms."""
    by_wave = sorted(ledger.by_wave(), key=lambda entry: entry[0].started)
    entries = [entry for entry, _ in by_wave]
    first = min((entry.started for entry in entries), default=0.0)
    by_source: dict[str, list[LedgerEntry]] = {}
    for entry in sorted(entries, key=lambda entry: RANK.get(entry.source, len(RANK))):
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
                "at": round((entry.started - first) * 1000, 1),
                "wave": wave,
            }
            for entry, wave in by_wave
        ],
    }


def execution(interpreted: str | None, plan: str | None) -> Mapping[str, object]:
    """`extensions.execution`: whether a compiled plan ran, and why none did; and the plan, where it is asked for."""
    how: dict[str, object] = {"compiled": True} if interpreted is None else {"compiled": False, "reason": interpreted}
    return how if plan is None else {**how, "plan": plan}


def _totals(entries: list[LedgerEntry]) -> dict[str, int]:
    calls = sum(entry.cache is Hit.MISS for entry in entries)
    return {"calls": calls, "cost": sum(entry.cost for entry in entries), "cacheHits": len(entries) - calls}
