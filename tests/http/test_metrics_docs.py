"""docs/operations/metrics.md lists the metrics that there are, and asks for no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.web.authentication import Authenticator
from gateway.web.metrics.page import Metrics
from gateway.web.metrics.requests import OperationLabels

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "metrics.md"
ROW = re.compile(r"\| `(gateway_\w+)` \| (\w+) \|([^|]*)\| [^|]+ \| ([^|]+) \|")
JOINED = {"livesum": "sum", "livemin": "least", "livemax": "greatest", "max": "max"}


def registered(*, shared: bool) -> CollectorRegistry:
    return Metrics(names=OperationLabels(), shared=shared, release="1", access=Authenticator(required=False))._registry


def known(*, shared: bool) -> dict[str, tuple[str, list[str], str]]:
    """Type, labels and mode of each metric by its name."""
    found = {}
    for collector in set(registered(shared=shared)._collector_to_names):
        (family,) = collector.collect()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        mode = getattr(collector, "_multiprocess_mode", "livesum")
        found[name] = family.type, list(getattr(collector, "_labelnames", ())), mode
    return found


def test_the_table_is_what_there_is() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    listed = {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels, _ in rows}
    assert listed == {name: (kind, labels) for name, (kind, labels, _) in known(shared=True).items()}
    assert known(shared=False).keys() < listed.keys()


@pytest.mark.parametrize("shared", [True, False])
def test_the_table_says_how_workers_are_joined(shared: bool) -> None:
    joined = {name: text for name, _, _, text in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    for name, (_, _, mode) in known(shared=shared).items():
        assert JOINED[mode] in joined[name], name


def test_every_query_asks_for_metrics_that_there_are() -> None:
    there = known(shared=True)
    series = {*there, *(f"{name}{end}" for name in there for end in ("_bucket", "_sum", "_count"))}
    text = PAGE.read_text(encoding="utf-8").partition("## What to ask")[2]
    asked = set(re.findall(r"gateway_\w+", text))
    assert len(asked) >= 7
    assert asked <= series
