"""Whether a soak went well: pure, over what was asked, what became of it, and what was held meanwhile."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.soak.gauges import Gauges
from benchmarks.soak.load import Outcomes

WINDOWS = 30
"""Stretches of time that latency is told for."""

SLOWER = 1.5
SLACK_MS = 50.0
"""How much the p99 may rise: a window has some hundred answers, so that its p99 is the second or third slowest."""

GROWS = 0.03
NOISE = 3.0
"""What is held may rise by this share of its mean, or so many standard deviations: no line through noise is level."""

FEW = 8
"""Files and tasks more or less, whatever the noise: a connection to a vendor comes and goes."""

TASKS = 8
"""Tasks more than before that may be left at rest: those that keep a connection, each for 30 s."""

LONG = 300.0
"""Seconds from which on growth can be told from the filling of caches."""


class Row(NamedTuple):
    """One promise.

    Attributes:
        met: Whether it was kept; None where the run was too short to tell.
    """

    promise: str
    measured: str
    met: bool | None


class Window(NamedTuple):
    """The answers to what was asked within one stretch of time, in milliseconds."""

    second: float
    p50: float
    p99: float


def windows(outcomes: Outcomes, seconds: float) -> list[Window]:
    """Percentiles over the run, a window each."""
    wide = seconds / WINDOWS
    parts: list[list[float]] = [[] for _ in range(WINDOWS)]
    for due, ms in outcomes.took:
        parts[min(int(due / wide), WINDOWS - 1)].append(ms)
    return [
        Window((place + 1) * wide, statistics.median(part), percentile(part, 0.99))
        for place, part in enumerate(parts)
        if part
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all is not above."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Trend(NamedTuple):
    """A straight line through samples.

    Attributes:
        mean: Their mean.
        growth: How much the line rises from the first to the last.
        noise: How far off they are from it (standard deviation).
    """

    mean: float
    growth: float
    noise: float


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """The line of least squares."""
    times, values = zip(*points, strict=True)
    slope, start = statistics.linear_regression(times, values)
    off = [value - (start + slope * time) for time, value in points]
    return Trend(statistics.fmean(values), slope * (times[-1] - times[0]), statistics.pstdev(off))


def judge(outcomes: Outcomes, gauges: Gauges, seconds: float, *, code: int, faults: int) -> list[Row]:
    """Every promise of a soak.

    Args:
        outcomes: What became of the questions.
        gauges: What the gateway held.
        seconds: How long it was asked.
        code: How the gateway ended when it was told to.
        faults: Lines of its log that tell of faults of its own.
    """
    answered, samples = len(outcomes.took), gauges.samples
    before, after = gauges.resting
    wrong = ", ".join(f"{count} {kind}" for kind, count in outcomes.wrong.most_common())
    refused = ", ".join(f"{count} {kind}" for kind, count in outcomes.refused.most_common()) or "none"
    return [
        Row("every question is answered", f"{answered:,} of {outcomes.asked:,}", answered == outcomes.asked),
        Row(
            "no error but those that say what a vendor did",
            wrong or f"none; {outcomes.partial:,} answers with such a one ({refused})",
            not outcomes.wrong,
        ),
        Row("no fault of the gateway's own in its log", str(faults), faults == 0),
        _latency(outcomes, seconds),
        _flat("megabytes of memory are", [(s.second, s.memory) for s in samples], seconds, 0),
        _flat("open files are", [(s.second, s.files) for s in samples], seconds, FEW),
        _flat("tasks are", [(s.second, s.tasks) for s in samples], seconds, FEW),
        Row(
            "no task is left when nobody asks any more",
            f"{before.tasks:.0f} before, {after.tasks:.0f} after",
            after.tasks <= before.tasks + TASKS,
        ),
        Row("ends with 0 when it is told to", str(code), code == 0),
    ]


def _latency(outcomes: Outcomes, seconds: float) -> Row:
    parts = windows(outcomes, seconds)
    third = len(parts) // 3
    before = statistics.median(part.p99 for part in parts[third : 2 * third])
    after = statistics.median(part.p99 for part in parts[-third:])
    told = f"{before:.0f} ms in the middle third, {after:.0f} ms in the last"
    met = after <= before * SLOWER + SLACK_MS if seconds >= LONG else None
    return Row("p99 stays as it is (median of windows)", told, met)


def _flat(what: str, points: Sequence[tuple[float, float]], seconds: float, slack: float) -> Row:
    """Whether something no longer grows, once caches and pools are full: in the second half."""
    line = trend([(second, value) for second, value in points if second >= seconds / 2])
    told = f"{line.growth:+.1f} on {line.mean:.0f} over the second half, ±{line.noise:.1f}"
    met = line.growth <= max(line.mean * GROWS, NOISE * line.noise, slack) if seconds >= LONG else None
    return Row(f"{what} flat, once caches and pools are full", told, met)
