"""What the soak (`make soak`) takes for growth, slowness and errors, by made-up runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks.soak.gauges import Gauges, Sample
from benchmarks.soak.load import Outcomes
from benchmarks.soak.verdict import Trend, judge, trend, windows

SECONDS = 600
WIGGLE = (0.0, 1.5, -1.0, 0.5, -1.5, 1.0)


def run(
    *,
    grows: float = 0.0,
    slows: float = 0.0,
    opens: float = 0.0,
    left: int = 7,
    code: int = 0,
    faults: int = 0,
    seconds: float = SECONDS,
    **outcomes: Any,
) -> dict[str, bool | None]:
    """What is said of a run that went well but for what is given; growth is that of the whole run."""
    gauges = Gauges("http://127.0.0.1:9", (), 1)
    for second in range(SECONDS):
        share = second / SECONDS
        wiggle = WIGGLE[second % len(WIGGLE)]
        memory = 200 + min(share * 300, 40) + grows * share + wiggle
        gauges.samples.append(Sample(second, memory, 8, int(80 + opens * share + wiggle), 20 + wiggle))
    gauges.resting = [Sample(0, 200, 0, 40, 7), Sample(0, 240, 8, 40, left)]
    took = [(float(second), 50 + second % 10 + slows * second / SECONDS) for second in range(SECONDS)]
    given = {"took": took, "asked": SECONDS, **outcomes}
    rows = judge(Outcomes(**given), gauges, seconds, code=code, faults=faults)
    return {row.promise: row.met for row in rows}


def broken(reported: dict[str, bool | None]) -> list[str]:
    return [promise.split()[0] for promise, met in reported.items() if met is not True]


def test_a_run_that_goes_well() -> None:
    assert broken(run()) == []


@pytest.mark.parametrize(
    ("given", "promise"),
    [
        ({"asked": SECONDS + 1}, "every"),
        ({"wrong": Counter({"INTERNAL_SERVER_ERROR": 1})}, "no"),
        ({"faults": 1}, "no"),
        ({"grows": 60.0}, "megabytes"),
        ({"slows": 1500.0}, "p99"),
        ({"opens": 300.0}, "open"),
        ({"left": 30}, "no"),
        ({"code": 143}, "ends"),
    ],
)
def test_each_thing_that_may_go_wrong_breaks_one_promise(given: dict[str, Any], promise: str) -> None:
    assert broken(run(**given)) == [promise]


def test_what_a_vendor_did_is_no_error_of_ours() -> None:
    assert broken(run(refused=Counter({"UPSTREAM_TIMEOUT": 3}), partial=3)) == []


def test_a_short_run_says_nothing_about_growth() -> None:
    reported = run(seconds=30, grows=500, slows=5000, opens=5000)
    assert broken(reported) == ["p99", "megabytes", "open", "tasks"]
    assert not any(met is False for met in reported.values())


def test_a_trend_is_a_line_and_what_is_off_it() -> None:
    assert trend([(0, 10.0), (1, 12.0), (2, 14.0)]) == Trend(12.0, 4.0, 0.0)
    wide = windows(Outcomes(took=[(0.5, 1.0), (0.6, 3.0), (29.5, 9.0)]), 30)
    assert [(part.p50, part.p99) for part in wide] == [(2.0, 3.0), (9.0, 9.0)]
