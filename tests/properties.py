"""How many cases the properties of paging are tried with: PROPERTIES=quick (as ever), ci or nightly."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TOTALS = {"quick": 2_000, "ci": 20_000, "nightly": 500_000}
"""Generated cases of all properties together."""

PROFILE = os.environ.get("PROPERTIES", "quick")
if PROFILE not in TOTALS:
    raise ValueError(f"PROPERTIES must be one of {', '.join(TOTALS)}, not {PROFILE!r}")

TOTAL = TOTALS[PROFILE]


def share(part: float, *, steps: int = 50) -> settings:
    """A property's part of all cases; the same ones every time but in the nightly profile.

    Args:
        part: How much of all, from 0 to 1.
        steps: Steps of a stateful test.
    """
    return settings(
        max_examples=max(1, round(TOTAL * part)),
        stateful_step_count=steps,
        deadline=None,
        derandomize=PROFILE != "nightly",
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
