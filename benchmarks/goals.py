"""What was to be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.gateways.peers import (
    BY_HAND,
    HIVE,
    JIT,
    JIT_APART,
    JIT_CACHED,
    JIT_CACHED_ONE,
    JIT_NEW,
    JIT_TWO,
    OURS,
    OURS_ALONE,
    OURS_APART,
    OURS_NEW,
    OURS_ONE,
    OURS_TWO,
    OURS_VARIED,
    STRAWBERRY,
    TAILCALL,
    sized,
)
from benchmarks.growth import TEAM, WINDOW

BUSY = (0, 32)
"""Upstream delay and clients at a time of most comparisons."""

ALONE = (0, 1)
SLOW = (50, 1)
RATE = "per_second"
NOISE = 0.15
"""Of a ratio, by which two runs on one quiet machine differ."""
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


def _bombs(results: Mapping[str, Any]) -> float:
    return float(max(results["bombs"].values()))


def _lenient(results: Mapping[str, Any]) -> float:
    return max(float(each["lenient"] / each["strict"]) for each in results["odd"].values())


def _counting(results: Mapping[str, Any]) -> float:
    return float(max(results["stats"].values()))


def _dashboard(figure: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda results: float(results["dashboard"][figure])


def _emulators(results: Mapping[str, Any]) -> float:
    return float(max(results["emulators"].values()))


def _growth(curve: str) -> Callable[[Mapping[str, Any]], float]:
    """The CPU of a query at a curve's end to that at its beginning."""
    return lambda results: float(results["growth"][curve][-1]["cpu"] / results["growth"][curve][0]["cpu"])


def _one_client(figure: str, above: str, below: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda results: cell(results, above, *ALONE)[figure] / cell(results, below, *ALONE)[figure]


def _live(crowd: str, figure: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda results: float(results["live"][crowd][figure])


def _alone(part: str, figure: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda results: float(results[part][figure])


def _traced(results: Mapping[str, Any]) -> float:
    """Percent that tracing a hundredth of all requests adds."""
    return float(results["tracing"]["1 %"] / results["tracing"]["off"] - 1) * 100


def _later(size: int) -> Callable[[Mapping[str, Any]], float]:
    """Milliseconds that half of our pages of a size come later than another's."""
    ours, theirs = sized(OURS, size), sized(JIT, size)
    return lambda results: cell(results, ours, *SLOW)["p50"] - cell(results, theirs, *SLOW)["p50"]


GOALS = (
    Goal("M100, engine: Strawberry's time to ours", 40, True, _engine("M100", "Strawberry", ENGINE)),
    Goal("M100, engine: our time to graphql-jit's", 0.53, False, _engine("M100", ENGINE, ENGINE_JIT)),
    Goal("M10, engine: our time to graphql-jit's", 1.0, False, _engine("M10", ENGINE, ENGINE_JIT)),
    Goal("M100, engine: every fifth person failing, to a clean one", 1.5, False, _engine("M100", FAILING, ENGINE)),
    Goal(
        f"cold, c = 32, **every client another page**: CPU to {JIT}'s",
        1.5,
        False,
        _gateway("cpu", OURS_APART, JIT_APART),
    ),
    Goal(f"cold, c = 1, **no query twice**: CPU to {JIT}'s", 1.3, False, _one_client("cpu", OURS_ALONE, JIT)),
    Goal("the same: CPU to the function by hand", 3, False, _one_client("cpu", OURS_ALONE, BY_HAND)),
    Goal(
        f"cold, c = 32, the same page, no query twice: queries a second to {JIT}'s",
        1.8,
        True,
        _gateway("per_second", OURS_ALONE, JIT),
    ),
    Goal(f"the same: CPU to {JIT}'s", 0.5, False, _gateway("cpu", OURS_ALONE, JIT)),
    Goal(
        "the same, two processes each: queries a second to Node.js's",
        2.5,
        True,
        _gateway("per_second", OURS_TWO, JIT_TWO),
    ),
    Goal(f"warm records, c = 32, no query twice: CPU to {JIT}'s (cold)", 0.3, False, _gateway("cpu", OURS_VARIED, JIT)),
    Goal(
        f"warm records, one meeting, c = 1, no query twice: CPU to {JIT_CACHED}'s for always the same query",
        1.0,
        False,
        _one_client("cpu", OURS_ONE, JIT_CACHED_ONE),
    ),
    Goal(f"every document new, over 100 warm rows: CPU to {JIT}'s", 0.5, False, _one_client("cpu", OURS_NEW, JIT_NEW)),
    Goal(f"50 ms, c = 1, p50 later than {JIT}'s, first: 25", 3, False, _later(25), " ms"),
    Goal("the same, first: 100", 6, False, _later(100), " ms"),
    Goal("the same, first: 500", 6, False, _later(500), " ms"),
    Goal("a warm page of 25: CPU with 10,000 meetings of Drift's to 100", 1.2, False, _growth(WINDOW)),
    Goal("the same: CPU with a team of 5,000 to one of 20", 1.2, False, _growth(TEAM)),
    Goal(f"peak memory: ours to {JIT}'s", 0.5, False, _memory),
    Goal(f"cold, c = 32, all ask the same: queries a second to {TAILCALL}'s", 3, True, _gateway(RATE, OURS, TAILCALL)),
    Goal(f"the same, to {HIVE}'s", 6, True, _gateway(RATE, OURS, HIVE)),
    Goal(f"the same, to {STRAWBERRY}'s", 20, True, _gateway(RATE, OURS, STRAWBERRY)),
    Goal("the worst document of the largest size, or list: CPU", 20, False, _bombs, " ms"),
    Goal("answers of which no row is as expected: reading them, to reading one where all are", 5, False, _lenient),
    Goal("5,000 meetings counted, by owner, status and week: CPU", 60, False, _counting, " ms"),
    Goal("a dashboard of eight weeks and 829 meetings, nothing cached", 20, False, _dashboard("cold"), " units"),
    Goal("the same, the dearest minute of an hour of polling", 3, False, _dashboard("dearest minute"), " units"),
    Goal(
        "with Calendly too, nothing cached, of the vendor that is asked most",
        20,
        False,
        _dashboard("cold, of one vendor, three sources"),
        " units",
    ),
    Goal(
        "the same, the dearest minute",
        3,
        False,
        _dashboard("dearest minute, of one vendor, three sources"),
        " units",
    ),
    Goal("20,000 events in Calendly's window: memory", 100, False, _alone("window", "memory, MB"), " MB"),
    Goal("the same, once read: a page by start, CPU", 20, False, _alone("window", "a page by start, CPU ms"), " ms"),
    Goal("the same: a page by the last change, CPU", 20, False, _alone("window", "a page by change, CPU ms"), " ms"),
    Goal(
        "a page of the emulators, the slowest: CPU",
        0.7,
        False,
        lambda results: max(results["emulators"].values()),
        " ms",
    ),
    Goal("a cached person, JSON of 1.64 KB: memory", 2_600, False, _alone("memory", "bytes of a person"), " bytes"),
    Goal("a full garbage collection, the default store full", 60, False, _alone("memory", "collection, ms"), " ms"),
    Goal("a process that has answered one query: memory", 90, False, _alone("memory", "at rest, MB"), " MB"),
    Goal("1,000 different queries become due together: p99 of /healthz", 150, False, _alone("crowd", "p99"), " ms"),
    Goal("tracing at 1 %, a warm page of 100: CPU added", 3, False, _traced, " %"),
    Goal("1,000 subscriptions open: memory", 40, False, _live("equal", "memory"), " MB"),
    Goal("the same, nothing happens: of a core", 1, False, _live("equal", "idle"), " %"),
    Goal("a change with 1,000 equal subscribers: executions", 1, False, _live("equal", "executions"), ""),
    Goal("the same: CPU", 15, False, _live("equal", "cpu"), " ms"),
    Goal("a change with 1,000 subscribers, no filter twice: CPU", 60, False, _live("filters", "cpu"), " ms"),
    Goal("a delivery to its event, vendors at 50 ms: p99", 1_500, False, _live("lag", "p99"), " ms"),
)


def table(results: Mapping[str, Any]) -> str:
    """All of them."""
    head = "| | goal | measured | met |\n|---|--:|--:|---|"
    return "\n".join([head, *(goal.row(results) for goal in GOALS)])


def worse(results: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What got worse than earlier results by more than noise."""
    found = []
    for goal in GOALS:
        try:
            now, then = goal.measured(results), goal.measured(before)
        except (KeyError, ZeroDivisionError):
            continue
        lost = then / now if goal.least else now / then
        if then > 0 and lost > 1 + NOISE:
            found.append(f"{goal.what}: {now:.2f}{goal.unit}, {then:.2f}{goal.unit} in the results before")
    return found
