"""A real Prometheus on loopback that watches a gateway by the project's own rules."""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest

from tests.operations.children import LONGEST

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: meeting-gateway
    static_configs: [{{targets: ["{target}"]}}]
"""
METRIC = re.compile(r"\bgateway_[a-z_]+\b")
COMPARISON = re.compile(r"\s*(==|>|<)\s*[0-9.e+]+\s*$")


class Prometheus:
    """Asks one.

    Args:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, **parameters: str) -> Any:
        """What its API answers to a POST of a form, `data` of it.

        Raises:
            AssertionError: It says that something is wrong.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LONGEST)
        with contextlib.closing(connection):
            connection.request("GET", f"/api/v1/{path}?{urlencode(parameters)}")
            answer = msgspec.json.decode(connection.getresponse().read())
        assert answer["status"] == "success", answer
        assert not answer.get("warnings"), answer
        return answer["data"]

    def query(self, expression: str) -> list[Any]:
        """The series that an expression gives now."""
        result: list[Any] = self.get("query", query=expression)["result"]
        return result

    def rules(self) -> list[Any]:
        """The alerting rules that it has loaded."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def names(self) -> set[str]:
        """The names of every series that it has got."""
        return set(self.get("label/__name__/values"))

    def up(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            self.get("status/buildinfo")
            return True
        return False


@contextlib.contextmanager
def watching(folder: Path, url: str) -> Iterator[Prometheus]:
    """A Prometheus that scrapes a gateway for as long as the block runs; skips the test where there is none."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus on this machine: apt-get install --no-install-recommends prometheus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(rules=RULES, target=urlsplit(url).netloc))
    process = subprocess.Popen(
        [
            *(program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}", "--log.level=error"),
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        prometheus, end = Prometheus(port), time.monotonic() + LONGEST
        while not prometheus.up():
            assert process.poll() is None, "Prometheus ended"
            assert time.monotonic() < end, "Prometheus took too long"
            time.sleep(0.05)
        yield prometheus
    finally:
        process.terminate()
        process.wait(LONGEST)


def dashboard() -> list[str]:
    """Every query of the dashboard, over a window that a test can wait for."""
    panels = msgspec.json.decode(DASHBOARD.read_bytes())["panels"]
    flat = [inner for panel in panels for inner in (panel, *panel.get("panels", ()))]
    queries = [target["expr"] for panel in flat for target in panel.get("targets", ())]
    return [query.replace("$__rate_interval", "1m").replace("$instance", ".*") for query in queries]


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression names."""
    return set(METRIC.findall(expression))


def measured(alert: str) -> str:
    """What an alert's expression compares with its bound."""
    return COMPARISON.sub("", alert)
