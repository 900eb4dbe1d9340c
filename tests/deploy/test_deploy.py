"""What deploy/ says of the gateway is true of it: settings, metrics, ports, and a section of the runbook an alert."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS = (DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
RUNBOOK = (ROOT / "docs" / "operations" / "runbook.md").read_text(encoding="utf-8")
METRICS = set(
    re.findall(r"^\| `(gateway_\w+)`", (ROOT / "docs" / "operations" / "metrics.md").read_text("utf-8"), re.MULTILINE)
)
SETTINGS = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def panels() -> list[Any]:
    """The dashboard's panels, without the headings between them."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def named(query: str) -> set[str]:
    """The metrics that a query names."""
    return {SUFFIX.sub("", name) for name in re.findall(r"\bgateway_\w+", query)}


def test_every_alert_names_metrics_that_exist() -> None:
    assert named(ALERTS) - METRICS == set()


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_every_panel_names_metrics_that_exist(panel: Any) -> None:
    for target in panel["targets"]:
        assert named(target["expr"]), "a panel shows something of the gateway's"
        assert named(target["expr"]) - METRICS == set()


def test_every_alert_has_its_section_in_the_runbook_and_leads_there() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(alerts) > 10
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == alerts
    assert re.findall(r"runbook: docs/operations/runbook\.md#(\w+)", ALERTS) == [name.lower() for name in alerts]


@pytest.mark.parametrize(
    "path",
    [DEPLOY / "Containerfile", DEPLOY / "compose.yaml", *sorted((DEPLOY / "kubernetes").glob("*.yaml"))],
    ids=lambda path: path.name,
)
def test_every_setting_that_is_set_is_one(path: Path) -> None:
    set_here = set(re.findall(r"\b((?:GATEWAY|SALESLOFT|DRIFT)_[A-Z_]+)\b", path.read_text(encoding="utf-8")))
    assert set_here - SETTINGS == set()


def test_whoever_ends_it_is_more_patient_than_it_needs() -> None:
    manifest = (DEPLOY / "kubernetes" / "gateway.yaml").read_text(encoding="utf-8")
    config = (DEPLOY / "kubernetes" / "configmap.yaml").read_text(encoding="utf-8")
    grace = int(re.findall(r"terminationGracePeriodSeconds: (\d+)", manifest)[0])
    needs = sum(int(re.findall(rf'{name}: "(\d+)"', config)[0]) for name in ("GATEWAY_DRAIN", "GATEWAY_DEADLINE"))
    assert grace > needs + 2


def test_the_image_holds_nothing_that_is_not_pinned() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    assert all(":" in image for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["10001:10001"]
