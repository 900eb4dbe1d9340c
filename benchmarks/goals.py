"""What was to be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.gateways.peers import HIVE, JIT, OURS, OURS_ALONE, OURS_VARIED, OURS_WARM, STRAWBERRY, TAILCALL

BUSY = (0, 32)
"""Upstream delay and clients at a time of most comparisons."""

SLOW = (50, 1)
ENGINE, ENGINE_JIT, FAILING = "this project", "graphql-jit", "this project, every fifth person failing"


@dataclass(frozen=True)
class Goal:
    """One line of the table.

    Attributes:
        what: What is compared.
        bound: What it has to reach.
        least: Whether the bound is the least that will do; else it is the most.
        measured: The figure; raises KeyError where one of the two was not measured.
        unit: What stands behind the figures.
    """

    what: str
    bound: float
    least: bool
    measured: Callable[[Mapping[str, Any]], float]
    unit: str = "×"

    def row(self, results: Mapping[str, Any]) -> str:
        """The line as Markdown."""
        sign = "≥" if self.least else "≤"
        goal = f"{sign} {self.bound:g}{self.unit}"
        try:
            value = self.measured(results)
        except (KeyError, ZeroDivisionError):
            return f"| {self.what} | {goal} | not measured | – |"
        met = value >= self.bound if self.least else value <= self.bound
        return f"| {self.what} | {goal} | {value:.2f}{self.unit} | {'yes' if met else '**no**'} |"


def cell(results: Mapping[str, Any], peer: str, delay: int, connections: int) -> Mapping[str, float]:
    """What was measured of a peer.

    Raises:
        KeyError: It was not.
    """
    for found in results["gateways"]["cells"]:
        if (found["peer"], found["delay"], found["connections"]) == (peer, delay, connections):
            return dict(found)
    raise KeyError(peer)


def _engine(work: str, above: str, below: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda results: float(results["engine"][work][above] / results["engine"][work][below])


def _gateway(figure: str, above: str, below: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda results: cell(results, above, *BUSY)[figure] / cell(results, below, *BUSY)[figure]


def _memory(results: Mapping[str, Any]) -> float:
    peaks = results["gateways"]["peaks"]
    return float(peaks[OURS] / peaks[JIT])


def _added(results: Mapping[str, Any]) -> float:
    waves: int = results["gateways"]["waves"]
    return cell(results, OURS, *SLOW)["p50"] - waves * SLOW[0]


def _bombs(results: Mapping[str, Any]) -> float:
    return float(max(results["bombs"].values()))


def _lenient(results: Mapping[str, Any]) -> float:
    return max(float(each["lenient"] / each["strict"]) for each in results["odd"].values())


GOALS = (
    Goal("M100, engine: Strawberry's time to ours", 40, True, _engine("M100", "Strawberry", ENGINE)),
    Goal("M100, engine: our time to graphql-jit's", 0.70, False, _engine("M100", ENGINE, ENGINE_JIT)),
    Goal("M10, engine: our time to graphql-jit's", 1.5, False, _engine("M10", ENGINE, ENGINE_JIT)),
    Goal("M100, engine: every fifth person failing, to a clean one", 1.5, False, _engine("M100", FAILING, ENGINE)),
    Goal(f"cold, 0 ms, c = 32: our queries a second to {JIT}'s", 1.2, True, _gateway("per_second", OURS, JIT)),
    Goal(f"cold, 0 ms, c = 32: our CPU a query to {JIT}'s", 0.8, False, _gateway("cpu", OURS, JIT)),
    Goal(f"peak memory: ours to {JIT}'s", 0.5, False, _memory),
    Goal(f"cold, 0 ms, c = 32: our queries a second to {TAILCALL}'s", 3, True, _gateway("per_second", OURS, TAILCALL)),
    Goal(f"cold, 0 ms, c = 32: our queries a second to {HIVE}'s", 6, True, _gateway("per_second", OURS, HIVE)),
    Goal(
        f"cold, 0 ms, c = 32: our queries a second to {STRAWBERRY}'s",
        20,
        True,
        _gateway("per_second", OURS, STRAWBERRY),
    ),
    Goal(f"the same, no query twice: to {JIT}'s", 1.2, True, _gateway("per_second", OURS_ALONE, JIT)),
    Goal(f"the same, no query twice: our CPU a query to {JIT}'s", 0.8, False, _gateway("cpu", OURS_ALONE, JIT)),
    Goal(
        f"warm records, 0 ms, c = 32: our queries a second to {JIT}'s", 4, True, _gateway("per_second", OURS_WARM, JIT)
    ),
    Goal(f"the same, no query twice: to {JIT}'s", 4, True, _gateway("per_second", OURS_VARIED, JIT)),
    Goal("the worst document of the largest size, or list: CPU", 20, False, _bombs, " ms"),
    Goal("answers of which no row is as expected: reading them, to reading one where all are", 5, False, _lenient),
    Goal("added to the upstream's own waves, 50 ms, c = 1, p50", 4, False, _added, " ms"),
)


def table(results: Mapping[str, Any]) -> str:
    """All of them."""
    head = "| | goal | measured | met |\n|---|--:|--:|---|"
    return "\n".join([head, *(goal.row(results) for goal in GOALS)])
