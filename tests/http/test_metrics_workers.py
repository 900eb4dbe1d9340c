"""`/metrics` of a gateway with several workers, as processes: any of them answers for all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.http.test_metrics import Series, parsed, total

pytestmark = pytest.mark.slow

LONGEST = 60
"""Seconds that a busy machine is waited for; nothing is waited for longer than it takes."""

QUERIES = 30


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo with two workers, and where it listens."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALESLOFT_", "DRIFT_"))
    }
    folder = tmp_path_factory.mktemp("counts")
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", "--port", "0", "--workers", "2"],
        env={**kept, "TMPDIR": str(folder), "GATEWAY_METRICS_OPERATIONS": "Sources"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = next(line for line in process.stdout if "GraphiQL" in line).split()[1]
            yield process, url
            process.send_signal(signal.SIGTERM)
            assert process.wait(LONGEST) == 0
            assert list(folder.iterdir()) == [], "the folder of the counts goes with the gateway"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def exchange(url: str, path: str, body: bytes | None = None) -> bytes:
    """One exchange on a connection of its own, so that any worker may get it."""
    connection = HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=LONGEST)
    try:
        connection.request("GET" if body is None else "POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        assert response.status == 200
        return content
    finally:
        connection.close()


def until(url: str, good: Callable[[Series], bool]) -> Series:
    """The metrics, once they are as wanted."""
    end = time.monotonic() + LONGEST
    while True:
        series = parsed(exchange(url, "/metrics").decode())
        if good(series):
            return series
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def workers_of(process: subprocess.Popen[str]) -> set[int]:
    """The processes that listen, without multiprocessing's own helper."""
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    pids = {int(pid) for file in children for pid in file.read_text().split()}
    return {pid for pid in pids if b"spawn_main" in command_of(pid)}


def command_of(pid: int) -> bytes:
    """A process's command line; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_any_worker_answers_for_all(gateway: tuple[subprocess.Popen[str], str]) -> None:
    process, url = gateway
    until(url, lambda series: total(series, "gateway_workers") == 2)
    query = json.dumps({"query": "query Sources { sources { source } }"}).encode()
    for _ in range(QUERIES):
        exchange(url, "/graphql", query)
    for _ in range(10):
        reported = parsed(exchange(url, "/metrics").decode())
        assert total(reported, "gateway_operations_total", name="Sources", outcome="ok") == QUERIES
        assert total(reported, "gateway_operation_duration_seconds_count", name="Sources") == QUERIES
        assert total(reported, "gateway_operation_duration_seconds_bucket", name="Sources", le="+Inf") == QUERIES
        assert total(reported, "gateway_workers") == 2
        assert total(reported, "gateway_build_info") == 1
        assert total(reported, "gateway_source_state", state="OK") == 3
        assert total(reported, "gateway_upstream_budget_limit_units", source="DRIFT") == 300, "the workers' shares"

    killed, staying = sorted(workers_of(process))
    os.kill(killed, signal.SIGKILL)
    end = time.monotonic() + LONGEST
    while killed in (now := workers_of(process)) or len(now) < 2:
        assert time.monotonic() < end, "no worker came in its place"
        time.sleep(0.05)
    after = until(url, lambda series: total(series, "gateway_workers") == 2)
    assert staying in workers_of(process)
    assert total(after, "gateway_operations_total", name="Sources", outcome="ok") == QUERIES, "what it counted stays"
    assert total(after, "gateway_http_requests_in_flight") == 1, "what it was does not"
