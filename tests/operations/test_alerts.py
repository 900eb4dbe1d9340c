"""The alerts on sources, given hours of made-up samples: which of them fires, when, and what it names."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.operations.prometheus import RULES

SOURCE = 'source="DRIFT"'


def state(name: str, values: str) -> dict[str, str]:
    return {"series": f'gateway_source_state{{{SOURCE},state="{name}"}}', "values": values}


def trouble(values: str) -> dict[str, str]:
    return {"series": f'gateway_endpoint_trouble{{{SOURCE},endpoint="/contacts",trouble="gone"}}', "values": values}


def calls(values: str) -> dict[str, str]:
    series = f'gateway_upstream_calls_total{{{SOURCE},endpoint="/contacts",status="404"}}'
    return {"series": series, "values": values}


def troubles(values: str) -> dict[str, str]:
    series = f'gateway_upstream_troubles_total{{{SOURCE},endpoint="/contacts",trouble="gone"}}'
    return {"series": series, "values": values}


def said_by(alert: str, labels: dict[str, str]) -> dict[str, str]:
    """What an alert says, of these labels."""
    text = RULES.read_text(encoding="utf-8").partition(f"- alert: {alert}\n")[2]
    summary = text.partition("summary: ")[2].partition("\n")[0].strip("'").replace("''", "'")
    for name, value in labels.items():
        summary = summary.replace(f"{{{{ $labels.{name} }}}}", value)
    summary = summary.replace("{{ $value | humanizePercentage }}", "15%")
    return {"summary": summary, "runbook_url": f"docs/operations/runbook.md#{alert.lower()}"}


def up(values: str, **labels: str) -> dict[str, str]:
    """Whether a target answers Prometheus."""
    reported = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return {"series": f"up{{{reported}}}", "values": values}


def version(values: str, **labels: str) -> dict[str, str]:
    """What every gateway shows."""
    return {**up(values, **labels), "series": up(values, **labels)["series"].replace("up{", "gateway_build_info{")}


POD = {"job": "kubernetes-pods", "instance": "10.0.0.7:8000"}
OTHER = {"job": "kubernetes-pods", "instance": "10.0.0.8:8000"}


def fires(alert: str, minute: int, **labels: str) -> dict[str, Any]:
    reported = {"exp_labels": labels, "exp_annotations": said_by(alert, labels)}
    return {"alertname": alert, "eval_time": f"{minute}m", "exp_alerts": [reported]}


def silent(alert: str, minute: int) -> dict[str, Any]:
    return {"alertname": alert, "eval_time": f"{minute}m", "exp_alerts": []}


DOWN: dict[str, tuple[list[dict[str, str]], list[dict[str, Any]]]] = {
    "a gateway that was found by its annotations, and does not answer": (
        [up("1x9 0x50", **POD), version("1x9 _x50", **POD), up("1x60", **OTHER), version("1x60", **OTHER)],
        [silent("GatewayDown", 9), fires("GatewayDown", 15, severity="page", **POD)],
    ),
    "other pods that do not answer": (
        [up("0x60", job="kubernetes-pods", instance="10.0.0.9:80"), up("1x60", **POD), version("1x60", **POD)],
        [silent("GatewayDown", 30)],
    ),
    "a gateway that was replaced": (
        [up("1x9 _x50", **POD), version("1x9 _x50", **POD), up("_x8 1x52", **OTHER), version("_x8 1x52", **OTHER)],
        [silent("GatewayDown", 30)],
    ),
    "no gateway at all": ([up("1x60", job="node", instance="a")], [fires("GatewayDown", 5, severity="page")]),
}


CASES: dict[str, tuple[list[dict[str, str]], list[dict[str, Any]]]] = {
    "a source that is gone, and asked a call a minute": (
        [state("UNAVAILABLE", "0x4 1x60"), calls("0+1x64")],
        [
            silent("SourceUnavailable", 8),
            fires("SourceUnavailable", 12, severity="page", source="DRIFT"),
            silent("SourceRefused", 30),
        ],
    ),
    "a source that was gone when it was asked last, hours ago": (
        [state("UNAVAILABLE", "1x180"), calls("7x180")],
        [silent("SourceUnavailable", 60)],
    ),
    "a source that comes back": (
        [state("UNAVAILABLE", "1x10 0x60"), calls("0+1x70")],
        [fires("SourceUnavailable", 10, severity="page", source="DRIFT"), silent("SourceUnavailable", 12)],
    ),
    "a credential that is refused": (
        [state("REFUSED", "1x60"), calls("0+1x60")],
        [
            fires("SourceRefused", 5, severity="page", source="DRIFT"),
            silent("SourceUnavailable", 30),
            silent("SourceDegraded", 30),
        ],
    ),
    "something beside the meetings": (
        [state("DEGRADED", "1x60"), trouble("1x60"), calls("0+1x60")],
        [
            fires("SourceDegraded", 15, severity="ticket", source="DRIFT", endpoint="/contacts", trouble="gone"),
            silent("SourceUnavailable", 30),
        ],
    ),
    "something beside the meetings of a source that has none": (
        [state("DEGRADED", "0x60"), state("UNAVAILABLE", "1x60"), trouble("1x60"), calls("0+1x60")],
        [silent("SourceDegraded", 30), fires("SourceUnavailable", 30, severity="page", source="DRIFT")],
    ),
    "one call in ten": (
        [calls("0+60x60"), troubles("0+9x60")],
        [fires("UpstreamErrors", 20, severity="ticket", source="DRIFT")],
    ),
    "one call in a hundred": ([calls("0+60x60"), troubles("0+0.6x60")], [silent("UpstreamErrors", 20)]),
}


def follows(plan: dict[str, Any], folder: Path) -> None:
    """Holds that Prometheus fires what a group of tests expects of its samples."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine: apt-get install --no-install-recommends prometheus")
    file = folder / "alerts.json"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [plan]}))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", DOWN | CASES)
def test_which_alert_it_is(tmp_path: Path, case: str) -> None:
    series, expected = (DOWN | CASES)[case]
    follows({"interval": "1m", "input_series": series, "alert_rule_test": expected}, tmp_path)


def test_alerts_lead_to_the_runbook_that_prometheus_names(tmp_path: Path) -> None:
    page = "https://docs.example.com/operations/runbook.html"
    series, (expected,) = copy.deepcopy(DOWN["no gateway at all"])
    expected["exp_alerts"][0]["exp_annotations"]["runbook_url"] = f"{page}#gatewaydown"
    plan = {"interval": "1m", "input_series": series, "alert_rule_test": [expected]}
    follows({**plan, "external_labels": {"runbook": page}}, tmp_path)
