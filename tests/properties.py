"""How many cases the properties of paging are tried with: PROPERTIES=quick, ci or nightly."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

T = TypeVar("T")

TOTALS = {"quick": 2_000, "ci": 20_000, "nightly": 200_000}
"""Generated cases of all properties together."""

WEIGHTS = 2.16
"""The sum of the weights of all properties (tests/test_tooling/test_properties.py)."""

PROFILE = os.environ.get("PROPERTIES", "quick")
if PROFILE not in TOTALS:
    raise ValueError(f"PROPERTIES must be one of {', '.join(TOTALS)}, not {PROFILE!r}")

TOTAL = TOTALS[PROFILE]

ASKED: dict[str, int] = {}
"""How many cases each property that was imported is to be tried with, by the test's name."""

PASSED: Counter[str] = Counter()
"""How many it was, so far."""


def share(weight: float, *, steps: int = 50) -> Callable[[T], T]:
    """Gives a property, or a machine, its share of all cases: new ones every time, but in the quick profile.

    `pytest --hypothesis-seed=N` draws those of one run again; `tools/properties.py` prints the seed of each run.

    Args:
        weight: Its weight among all properties.
        steps: Steps of a machine.
    """
    wanted = settings(
        max_examples=max(1, round(TOTAL * weight / WEIGHTS)),
        stateful_step_count=steps,
        deadline=None,
        derandomize=PROFILE == "quick",
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )

    def give(test: Any) -> Any:
        name = f"{test.__module__}.{test.__qualname__}"
        ASKED[name] = wanted.max_examples
        if isinstance(test, type) and issubclass(test, RuleBasedStateMachine):
            test.TestCase.settings = wanted
            test.teardown = counted(name, test.teardown)  # type: ignore[method-assign]  # ends every run of a machine
            return test
        given = wanted(test)
        given.hypothesis.inner_test = counted(name, given.hypothesis.inner_test)
        return given

    return give


def counted(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """A case that is counted once it has passed."""

    @functools.wraps(run)
    def case(*arguments: Any, **named: Any) -> Any:
        result = run(*arguments, **named)
        PASSED[name] += 1
        return result

    return case
