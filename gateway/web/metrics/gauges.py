"""Gauges: budgets, circuits, sources' states, plans, the event loop, memory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import Counter as Totals
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.model.status import SourceState, SourceStatus

log = logging.getLogger(__name__)

COUNT_EVERY = 5.0
"""Seconds between two counts of tasks and descriptors: with thousands of streams each takes milliseconds."""

EVERY = 0.5
"""Seconds between two measurements of the event loop's lag."""

LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
REASONS = ("failed", "refused")
COMPILED, INTERPRETED = "compiled", "interpreted"
PATHS = (COMPILED, INTERPRETED, "surprise", "reused", "joined")
"""What runs an operation: its plan; graphql-core, where it has no plan, or its plan broke; or nothing, its last
answer being as good as new."""

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
STATM = Path("/proc/self/statm")
DESCRIPTORS = Path("/dev/fd")


class SourceReading(msgspec.Struct, frozen=True):
    """One source that is on.

    Attributes:
        name: Its name.
        limit: Units that may be spent in a minute.
        remaining: Units left in this one.
        waiting: Calls that wait for units.
        circuits: What each endpoint is left alone for: `failed`, `refused`; another word where it is not.
    """

    name: str
    limit: int
    remaining: int
    waiting: int
    circuits: Mapping[str, str]


class Reading(msgspec.Struct, frozen=True):
    """The current state of all upstreams.

    Attributes:
        sources: Those that are on.
        statuses: How each source is doing.
        kept_bytes: Memory that cached records take, as estimated.
        together: Whether what replicas share can be reached; None where they share nothing.
        processes: Processes that share it, as counted there; None likewise.
    """

    sources: Sequence[SourceReading] = ()
    statuses: Sequence[SourceStatus] = ()
    kept_bytes: int = 0
    together: bool | None = None
    processes: int | None = None


class Execution(msgspec.Struct, frozen=True):
    """The executor's counts.

    Attributes:
        counts: Operations by what ran them; any other word than those of `PATHS` counts as interpreted.
        plans: Compiled plans in the cache.
        plan_bytes: Memory that they take, as estimated.
    """

    counts: Mapping[str, int]
    plans: int
    plan_bytes: int


class Gauges:
    """Gauges of one process; the mode of each says how those of several workers are combined.

    Args:
        registry: Where they are registered.
        shared: Whether processes count their budget together, in a Redis: then each knows all of it, else its share.
        release: The gateway's.
    """

    def __init__(self, registry: CollectorRegistry, *, shared: bool, release: str) -> None:
        def gauge(name: str, text: str, *labels: str, mode: str = "livesum") -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]  # its Literal of modes is private

        budget = "livemin" if shared else "livesum"
        self._limit = gauge(
            "gateway_upstream_budget_limit_units", "Units that may be spent in a minute.", "source", mode=budget
        )
        self._remaining = gauge(
            "gateway_upstream_budget_remaining_units", "Units left in this minute.", "source", mode=budget
        )
        self._queued = gauge("gateway_upstream_queued", "Calls that wait for units.", "source")
        self._circuit = gauge(
            "gateway_circuit_open", "1 while an endpoint is left alone.", "source", "endpoint", "reason", mode="livemax"
        )
        self._trouble = gauge(
            "gateway_endpoint_trouble",
            "1 while an endpoint does not answer as it should, by the kind of trouble.",
            *("source", "endpoint", "trouble"),
            mode="livemax",
        )
        self._troubles: set[tuple[str, str, str]] = set()
        self._state = gauge(
            "gateway_source_state", "1 for the state that a source is in, else 0.", "source", "state", mode="livemax"
        )
        self._executed = Counter(
            "gateway_operations_executed", "Operations that ran, by what ran them.", ("path",), registry=registry
        )
        self._executed_before: Totals[str] = Totals()
        self._plans = gauge("gateway_plans", "Compiled plans in the cache.")
        self._plan_bytes = gauge("gateway_plan_bytes", "Memory that they take, as estimated.")
        self._kept = gauge("gateway_cache_bytes", "Memory that cached records take, as estimated.")
        self._together: tuple[Gauge, Gauge] | None = None
        if shared:
            self._together = (
                gauge("gateway_shared_store_up", "1 while the shared Redis answers, else 0.", mode="livemin"),
                gauge("gateway_live_processes", "Gateway processes, as counted in that Redis.", mode="livemax"),
            )
        self._lag = Histogram(
            "gateway_event_loop_lag_seconds", "How late a timer was run.", buckets=LAG_SECONDS, registry=registry
        )
        self._failures = Counter(
            "gateway_gauge_failures",
            "Looks at gauges that failed, by part; these then stay as they are.",
            ("part",),
            registry=registry,
        )
        self._broken: set[str] = set()
        self._tasks = gauge("gateway_tasks", "asyncio tasks.")
        self._counted_at = float("-inf")
        self._memory = gauge("gateway_resident_memory_bytes", "Resident memory.")
        self._descriptors = gauge("gateway_open_file_descriptors", "Open file descriptors.")
        self._workers = gauge("gateway_workers", "Live worker processes behind this address.")
        gauge("gateway_start_time_seconds", "When the oldest live worker started, in Unix time.", mode="livemin").set(
            time.time()
        )
        gauge("gateway_build_info", "1, with the release as a label.", "version", mode="livemax").labels(release).set(1)

    def read(self, reading: Callable[[], Reading], execution: Callable[[], Execution]) -> None:
        """Sets every gauge; a reading that fails leaves its gauges unchanged, and is logged once until it succeeds."""
        self._try("execution", lambda: self._execution(execution()))
        self._try("sources", lambda: self._upstream(reading()))
        self._try("process", self._process)

    def _try(self, part: str, read: Callable[[], None]) -> None:
        try:
            read()
        except Exception:  # whatever it is, the other gauges go on
            if part not in self._broken:
                log.exception("gauges cannot be read and stay as they are", extra={"part": part})
            self._broken.add(part)
            self._failures.labels(part).inc()
        else:
            self._broken.discard(part)

    def _upstream(self, reading: Reading) -> None:
        for source in reading.sources:
            self._limit.labels(source.name).set(source.limit)
            self._remaining.labels(source.name).set(source.remaining)
            self._queued.labels(source.name).set(source.waiting)
            for endpoint, open_for in source.circuits.items():
                for reason in REASONS:
                    self._circuit.labels(source.name, endpoint, reason).set(open_for == reason)
        self._troubles_of(reading.statuses)
        for status in reading.statuses:
            for state in SourceState:
                self._state.labels(status.source.value, state.value).set(status.state is state)
        self._kept.set(reading.kept_bytes)
        if self._together is not None:
            up, processes = self._together
            up.set(bool(reading.together))
            processes.set(reading.processes or 0)

    def _process(self) -> None:
        with contextlib.suppress(OSError):  # a system without it shows 0
            self._memory.set(int(STATM.read_bytes().split()[1]) * PAGE_SIZE)
        if time.monotonic() >= self._counted_at + COUNT_EVERY:
            self._counted_at = time.monotonic()
            self._tasks.set(len(asyncio.all_tasks()))
            with contextlib.suppress(OSError):
                self._descriptors.set(len(os.listdir(DESCRIPTORS)))  # noqa: PTH208 - the names are not wanted
        self._workers.set(1)  # last: a worker that is counted has set all its gauges

    def _troubles_of(self, statuses: Sequence[SourceStatus]) -> None:
        """Sets the gauge of every trouble, and resets those that are over."""
        now = {
            (status.source.value, endpoint, reason.trouble)
            for status in statuses
            for endpoint, reason in status.troubles.items()
        }
        self._troubles |= now
        for labels in self._troubles:
            self._trouble.labels(*labels).set(labels in now)

    def _execution(self, execution: Execution) -> None:
        now: Totals[str] = Totals()
        for path, times in execution.counts.items():
            now[path if path in PATHS else INTERPRETED] += times
        for path, times in (now - self._executed_before).items():
            self._executed.labels(path).inc(times)
        self._executed_before = now
        self._plans.set(execution.plans)
        self._plan_bytes.set(execution.plan_bytes)

    @contextlib.asynccontextmanager
    async def followed(self, read: Callable[[], None]) -> AsyncIterator[None]:
        """Sets the gauges twice a second within the block, by the event loop's clock, whose lag is measured too."""
        following = asyncio.ensure_future(self._follow(read))
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            read()

    async def _follow(self, read: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            read()
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self._lag.observe(max(0.0, loop.time() - due))
