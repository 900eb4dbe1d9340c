"""The simulation in benchmarks/ runs, and within its budget."""

from __future__ import annotations

from benchmarks.quota import OURS, hour


def test_an_hour_of_a_team() -> None:
    passed = hour(5)

    assert passed.vendor.refused == 0
    assert 0 < max(passed.vendor.ours.values()) <= OURS
    assert sum(minute.refused for minute in passed.team.minutes) == 0
    assert sum(minute.fresh for minute in passed.team.minutes) > 100
    assert "| 5 |" in passed.report()
