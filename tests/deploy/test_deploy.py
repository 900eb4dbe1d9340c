"""What deploy/ says of the gateway is true of it: settings, metrics, ports, and a section of the runbook an alert."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.model.records import Source

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
    links = re.findall(r"runbook_url: '\{\{ or \$externalLabels\.runbook .+ \}\}#(\w+)'", ALERTS)
    assert links == [name.lower() for name in alerts]


def test_the_dashboard_is_described_panel_by_panel() -> None:
    page = (ROOT / "docs" / "operations" / "metrics.md").read_text(encoding="utf-8")
    described = re.findall(r"\*(.+?)\*", page.partition("panel by panel")[2])
    assert described == [panel["title"] for panel in panels()]


def test_the_dashboard_is_for_any_datasource_and_some_or_all_gateways() -> None:
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
    for panel in panels():
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == panel["datasource"]["uid"] == "${datasource}"
            assert target["expr"].count('instance=~"$instance"') == len(re.findall(r"\bgateway_\w+", target["expr"]))


@pytest.mark.parametrize(
    "path",
    [DEPLOY / "Containerfile", DEPLOY / "compose.yaml", *sorted((DEPLOY / "kubernetes").rglob("*.yaml"))],
    ids=lambda path: path.relative_to(DEPLOY).as_posix(),
)
def test_every_setting_that_is_set_is_one(path: Path) -> None:
    set_here = set(re.findall(r"\b((?:GATEWAY|SALESLOFT|DRIFT|CALENDLY)_[A-Z_]+)\b", path.read_text(encoding="utf-8")))
    assert set_here - SETTINGS == set()


@pytest.mark.parametrize("path", ["deploy/compose.yaml", "deploy/kubernetes/base/gateway.yaml"])
def test_every_source_has_its_token_from_a_file(path: str) -> None:
    files = dict(re.findall(r"([A-Z]+)_TOKEN_FILE(?:: |\n\s+value: )(\S+)", (ROOT / path).read_text(encoding="utf-8")))
    assert {name: file.rpartition("/")[2] for name, file in files.items()} == {
        source.name: f"{source.name.lower()}_token" for source in Source
    }
    written = (ROOT / "docs/operations/deployment.md").read_text(encoding="utf-8")
    assert all(f"secrets/{source.name.lower()}_token" in written for source in Source)


def test_the_orchestrator_is_more_patient_than_it_needs() -> None:
    manifest = (DEPLOY / "kubernetes" / "base" / "gateway.yaml").read_text(encoding="utf-8")
    config = (DEPLOY / "kubernetes" / "base" / "configmap.yaml").read_text(encoding="utf-8")
    grace = int(re.findall(r"terminationGracePeriodSeconds: (\d+)", manifest)[0])
    needs = sum(int(re.findall(rf'{name}: "(\d+)"', config)[0]) for name in ("GATEWAY_DRAIN", "GATEWAY_DEADLINE"))
    assert grace > needs + 2


def test_the_image_holds_nothing_that_is_not_pinned() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    assert all(":" in image for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["10001:10001"]


@pytest.mark.parametrize(
    "path", sorted((DEPLOY / "kubernetes").rglob("kustomization.yaml")), ids=lambda path: path.parent.name
)
def test_every_file_that_is_put_together_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"^#?\s+- ([\w/.]+)(?:\s+#.*)?$", text, re.MULTILINE)
    assert named
    assert [name for name in named if not (path.parent / name).exists()] == []


def test_the_image_is_named_alike_everywhere() -> None:
    version = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    named = [
        *re.findall(r"image: meeting-gateway:(\S+)", (DEPLOY / "kubernetes/base/gateway.yaml").read_text("utf-8")),
        *re.findall(r"newTag: (\S+)", (DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8")),
        *re.findall(r"^TAG \?= meeting-gateway:(\S+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE),
        *re.findall(r"meeting-gateway:(\d\S+)", (ROOT / "docs/operations/deployment.md").read_text("utf-8")),
    ]
    assert len(named) > 4
    assert set(named) == set(version)
