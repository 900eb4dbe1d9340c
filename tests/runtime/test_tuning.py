"""Start-up tuning: set once, when all is made, in a process that serves."""

from __future__ import annotations

import subprocess
import sys

from gateway.app import create_app
from gateway.settings.settings import Settings

TUNED = """
import gc
from gateway.runtime.server import GC_THRESHOLDS, tune
kept = [[] for _ in range(1_000)]
assert gc.get_freeze_count() == 0
tune()
assert gc.get_freeze_count() > 1_000
assert gc.get_threshold() == GC_THRESHOLDS
assert gc.isenabled()
"""


def test_what_was_made_is_out_of_later_collections() -> None:
    subprocess.run([sys.executable, "-c", TUNED], check=True, timeout=60)


async def test_it_is_called_when_all_is_made_and_nothing_is_answered() -> None:
    calls: list[bool] = []
    settings = Settings.read({"DRIFT_TOKEN": "token", "DRIFT_URL": "http://127.0.0.1:9", "GATEWAY_DRAIN": "0"})
    application = create_app(settings, started=lambda: calls.append(True))
    assert calls == []
    async with application.router.lifespan_context(application):
        assert calls == [True]
    assert calls == [True]
