"""How the gateway's cost grows: with the page, with nesting, with depth in the list, with processes."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks.gateways.bench import Upstream, ask, load
from benchmarks.gateways.peers import ALONE, COLD, SAME, Question, instants, ours
from benchmarks.gateways.processes import Server

Point: TypeAlias = dict[str, float]

SIZES = (1, 10, 25, 50, 100, 200, 500)
DEPTHS = (0, 500, 1_000, 2_000, 4_000, 5_500)
WORKERS = (1, 2)
CHATS, FEW_CHATS = (100, 1_000, 10_000), 100
TEAMS, SMALL_TEAM = (20, 500, 5_000), 20
STRIDE = 500
WINDOW, TEAM = "window, warm", "team, warm"
BEGINNING = "1990-01-01T00:00:00.000000Z"
BUSY = 32
"""Clients at a time where throughput is what is asked."""

_PLAIN = "sourceId title startTime"
_ACCOUNT = "account { name owner { name email } }"
NESTED = (
    _PLAIN,
    f"{_PLAIN} owner {{ name }}",
    f"{_PLAIN} owner {{ name }} person {{ name }}",
    f"{_PLAIN} owner {{ name }} person {{ name owner {{ name }} account {{ name }} }}",
    f"{_PLAIN} owner {{ name }} person {{ name owner {{ name }} {_ACCOUNT} }}",
    f"{_PLAIN} owner {{ name }} person {{ name owner {{ name }} {_ACCOUNT} cadences {{ name owner {{ name }} }} }}",
)
"""What is asked of each of 25 meetings: one more relation, or one deeper, each time."""

LIST = """query ($at: DateTime) {
  meetings(first: %d%s, filter: {startTime: {gte: "2000-01-01T00:00:00Z"}, endTime: {gt: $at}}) {
    pageInfo { endCursor } nodes { %s }
  }
}"""


@dataclass(frozen=True)
class Plan:
    """How much is measured: runs of each point in turns, seconds of one, and whether only a curve's two ends are."""

    rounds: int = 3
    seconds: float = 1.0
    ends: bool = False


class Stand:
    """A server over an upstream, and points measured on it."""

    def __init__(self, upstream: Upstream, server: Server, plan: Plan) -> None:
        self._upstream = upstream
        self._server = server
        self._plan = plan

    def curve(self, queries: Mapping[float, str], connections: int = 1) -> list[Point]:
        """Medians for each query."""
        if self._plan.ends:
            queries = {x: queries[x] for x in (min(queries), max(queries))}
        runs: dict[float, list[Point]] = {x: [] for x in queries}
        for query in queries.values():
            load(self._server, Question(query, instants), connections, self._plan.seconds / 2)
        for _ in range(self._plan.rounds):
            for x, query in queries.items():
                runs[x].append(self._run(query, connections))
        return [
            {"x": x, **{name: statistics.median(run[name] for run in each) for name in each[0]}}
            for x, each in runs.items()
        ]

    def _run(self, query: str, connections: int) -> Point:
        self._upstream.calls()
        before = self._server.cpu()
        told = load(self._server, Question(query, instants), connections, self._plan.seconds)
        if told["refused"] or told["unlike"]:
            raise AssertionError(f"{told['refused']} queries refused, {told['unlike']} unlike the others: {query}")
        count = told["count"]
        return {
            "cpu": (self._server.cpu() - before) / count * 1_000,
            "p50": told["p50"],
            "per_second": count / told["seconds"],
            "calls": self._upstream.calls() / count,
        }

    def cursors(self) -> dict[float, str]:
        """Where a page at each depth begins, as an argument."""
        found, after, place = {0.0: ""}, "", 0
        while place < max(DEPTHS):
            told = ask(self._server, Question(LIST % (STRIDE, after, "sourceId")).body(BEGINNING))
            after = f", after: {json.dumps(told['data']['meetings']['pageInfo']['endCursor'])}"
            place += STRIDE
            found[float(place)] = after
        return {depth: found[float(depth)] for depth in DEPTHS}


def measure(plan: Plan) -> dict[str, list[Point]]:
    """Every curve by its name."""
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = Upstream()
        stack.callback(upstream.end)

        def stand(settings: Mapping[str, str], workers: int = 1) -> Stand:
            server = ours(settings, workers)(upstream.url, made)
            stack.callback(server.end)
            server.wait()
            ask(server, SAME.body())
            return Stand(upstream, server, plan)

        def around(team: int, chats: int) -> Point:
            """A page of 25 with a team of so many, and so many meetings of Drift's."""
            vendors = Upstream(team, chats)
            stack.callback(vendors.end)
            server = ours({"DRIFT_URL": vendors.url, "DRIFT_TOKEN": "benchmark"})(vendors.url, made)
            stack.callback(server.end)
            server.wait()
            return Stand(vendors, server, plan).curve({0.0: LIST % (25, "", f"{_PLAIN} owner {{ name }}")})[0]

        def sizes_of(what: Sequence[int]) -> Sequence[int]:
            return (what[0], what[-1]) if plan.ends else what

        warm, cold = stand({}), stand(COLD)
        relations = NESTED[2]
        sizes = {float(size): LIST % (size, "", relations) for size in SIZES}
        nested = {float(place): LIST % (25, "", fields) for place, fields in enumerate(NESTED)}
        deep = {depth: LIST % (25, after, "sourceId title startTime") for depth, after in cold.cursors().items()}
        return {
            "page size, warm": warm.curve(sizes),
            "page size, cold": cold.curve(sizes),
            "nesting, warm": warm.curve(nested),
            "nesting, cold": cold.curve(nested),
            "depth in the list, cold": cold.curve(deep),
            WINDOW: [{**around(SMALL_TEAM, chats), "x": float(chats)} for chats in sizes_of(CHATS)],
            TEAM: [{**around(team, FEW_CHATS), "x": float(team)} for team in sizes_of(TEAMS)],
            "workers, warm": _workers(stand),
        }


def _workers(stand: Callable[[Mapping[str, str], int], Stand]) -> list[Point]:
    """Throughput with more processes."""
    return [{**stand({}, count).curve({0.0: ALONE.query}, BUSY)[0], "x": float(count)} for count in WORKERS]
