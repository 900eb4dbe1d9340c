"""`make demo-replicas`, as a terminal runs it: three gateways behind one address, a real Redis, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Gone

from tests.http.test_metrics import parsed, total

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LONGEST = 60
"""Seconds that a busy machine is waited for; nothing is waited for longer than it takes."""


def until(good: Callable[[], bool]) -> None:
    """Waits for something to come true."""
    end = monotonic() + LONGEST
    while not good():
        assert monotonic() < end, "it never came to that"
        sleep(0.05)


def metric(url: str, name: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=LONGEST) as response:
        return total(parsed(response.read().decode()), name)


def test_three_gateways_behind_one_address_end_with_ctrl_c() -> None:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALESLOFT_", "DRIFT_"))
    }
    with subprocess.Popen(
        [sys.executable, "tools/demo_replicas.py", "--port", "0"],
        cwd=ROOT,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            shown = ""
            while "Ctrl-C" not in shown:
                shown += process.stdout.readline()
            redis = Redis.from_url(re.findall(r"redis://\S+", shown)[0])
            url = re.findall(r"GraphiQL\s+(http://\S+)/graphql", shown)[0]
            until(lambda: redis.zcard("gateway:alive") == 3)
            until(lambda: metric(url, "gateway_workers") == 3)
            until(lambda: metric(url, "gateway_live_processes") == 3)
            query = b'{"query": "{ meetings(first: 3) { nodes { title } } }"}'
            asked = urllib.request.Request(f"{url}/graphql", query, {"Content-Type": "application/json"})
            with urllib.request.urlopen(asked, timeout=LONGEST) as response:
                assert b'"title"' in response.read()
            assert list(redis.scan_iter("gateway:*:SALESLOFT:*")), "they share what they read"
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of them
            out, err = process.communicate(timeout=LONGEST)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0
    # On a busy machine the Redis may be late now and then; each of them then goes on alone, and says so.
    assert [line for line in err.splitlines() if "Redis" not in line] == []
    assert out.endswith("Stopped.\n")
    with pytest.raises(Gone):
        redis.ping()
    redis.close()
