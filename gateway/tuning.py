"""What a serving process sets once, when all is made. `benchmarks/tuning.py` measures what each part is worth."""

from __future__ import annotations

import gc

THRESHOLDS = 10_000, 20, 50
"""Allocations, and collections of each generation, before the next one is collected. Answers are made of rows that the
collector does not follow and of short-lived lists, so that looking for cycles more often finds nothing."""


def tune() -> None:
    """Leaves what was made so far (modules, schema) out of all collections to come, and has fewer of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
