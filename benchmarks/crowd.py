"""A thousand different queries whose upstream calls are answered at once: how long /healthz has to wait meanwhile.

python benchmarks/crowd.py [QUERIES]      prints a line of JSON
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gateways.bench import Upstream, ask, load
from benchmarks.gateways.peers import ALONE, SAME, ours
from benchmarks.gateways.processes import Server

DELAY = 1_000
"""Milliseconds that each upstream answer waits."""

INTERVAL = 0.01
"""Seconds between two looks."""


def look(server: Server, ended: threading.Event) -> list[float]:
    """Milliseconds of every answer of /healthz until an event."""
    taken = []
    while not ended.wait(INTERVAL):
        began = time.perf_counter()
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=60).close()
        taken.append((time.perf_counter() - began) * 1_000)
    return taken


def measure(queries: int) -> dict[str, float]:
    """The percentile of those answers, and how many queries were answered."""
    upstream = Upstream()
    try:
        with tempfile.TemporaryDirectory() as made:
            server = ours({})(upstream.url, Path(made))
            try:
                server.wait()
                ask(server, SAME.body())
                upstream.delay(DELAY)
                told: dict[str, float] = {}
                ended = threading.Event()

                def crowd() -> None:
                    try:
                        told.update(load(server, ALONE, queries, 0.1))
                    finally:
                        ended.set()

                asking = threading.Thread(target=crowd)
                asking.start()
                taken = look(server, ended)
                asking.join()
            finally:
                server.end()
    finally:
        upstream.end()
    if told["refused"] or told["unlike"]:
        raise AssertionError(f"{told['refused']} queries refused, {told['unlike']} unlike the others")
    return {"answered": told["count"], "p99": percentile(taken), "most": max(taken)}


def percentile(taken: Sequence[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(taken, n=100, method="inclusive")[-1]


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)))
