from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import goals, report
from benchmarks.gateways import bench, rows
from benchmarks.gateways.peers import JIT, PEERS_OF_OURS
from benchmarks.gateways.upstream import World

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def run(*arguments: str, timeout: float) -> str:
    command = [sys.executable, "-m", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALESLOFT_"))}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=timeout)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module", name="results")
def results_of_a_moment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What needs no package but the project's own, for a moment; `make bench ARGS=--quick` runs everything."""
    out = tmp_path_factory.mktemp("results")
    parts = ("engine", "bombs", "odd", "stats", "dashboard", "gateways", "growth", "window", "emulators", "live")
    run("benchmarks.run", "--quick", "--without-npm", "--out", str(out), "--parts", *parts, timeout=600)
    reported: dict[str, Any] = json.loads((out / "results.json").read_text())
    reported["page"] = (out / "RESULTS.md").read_text()
    reported["pictures"] = sorted(path.name for path in (out / "plots").iterdir())
    return reported


def test_every_part_runs_and_is_written_down(results: dict[str, Any]) -> None:
    cells = results["gateways"]["cells"]
    able = {peer.name for peer in PEERS_OF_OURS if not peer.needs}
    busier = {peer.name for peer in PEERS_OF_OURS if peer.cells is not None and not {(0, 1), (50, 1)} & set(peer.cells)}
    assert {cell["peer"] for cell in cells} == able - busier
    assert {(cell["delay"], cell["connections"]) for cell in cells} == {(d, c) for d in (0, 50) for c in (1, 8)}
    assert all(cell["count"] > 0 and cell["wrong"] == 0 for cell in cells)
    assert results["engine"].keys() == {"M100", "M10", "tiny"}
    assert all(points for points in results["growth"].values())
    assert results["emulators"]
    assert results["window"]["upstream calls of the first read"] >= 20
    assert len(results["bombs"]) >= 20
    assert results["dashboard"]["cold"] <= 20
    assert results["dashboard"]["dearest minute"] <= 3
    assert {figure for each in results["odd"].values() for figure in each} == {"strict", "lenient", "refused"}
    assert results["pictures"] == ["growth.svg"]
    for heading in (
        "## Goals",
        "## Engines",
        "## Bombs",
        "## Odd answers",
        "## Dashboard",
        "## Gateways",
        "## Growth",
        "## Window of Calendly",
        "## Emulators",
        "## Machine and versions",
    ):
        assert heading in results["page"]


def test_who_was_not_measured_is_named(results: dict[str, Any]) -> None:
    assert f"Not measured: {JIT}, which was left out (--without-npm)." in results["page"]
    assert results["page"].count("Not measured:") == len(results["gateways"]["missing"]) > 0


def test_a_list_of_more_meetings_costs_no_more_calls_than_pages(results: dict[str, Any]) -> None:
    calls = {point["x"]: point["calls"] for point in results["growth"]["depth in the list, cold"]}
    assert max(calls.values()) <= 2, "a page costs the same wherever it lies"


def test_results_name_neither_the_machine_nor_its_places(results: dict[str, Any]) -> None:
    assert str(ROOT) not in results["page"]
    assert os.uname().nodename not in results["page"]


def test_the_upstream_of_the_benchmarks_keeps_to_what_is_asked() -> None:
    world = World(20, 0)

    def ids(query: str) -> list[int]:
        body = world.answer(f"/v2/{query}")[1].partition(b"\r\n\r\n")[2]
        return [row["id"] for row in json.loads(body)["data"]]

    newest = rows.MEETINGS
    assert ids("meetings?per_page=2&sort_by=start_time&sort_direction=DESC") == [newest, newest - 1]
    assert ids("meetings?per_page=2&page=2&sort_by=start_time&sort_direction=DESC") == [newest - 2, newest - 3]
    assert len(ids("meetings?per_page=1000")) == 100
    assert len(ids("meetings")) == 25
    until = rows.meeting(7)["start_time"]
    asked = f"meetings?start_time%5Blte%5D={until}&sort_by=start_time&sort_direction=DESC&per_page=2"
    assert ids(asked) == [7, 6]
    assert ids("meetings?show_deleted=true") == []
    assert sorted(ids("people?ids%5B%5D=3&ids[]=5&ids[]=999999")) == [3, 5, 999999], "as many as anybody asks for"
    assert ids(f"users?guid[]={rows.guid(4)}") == [4]
    assert world.answer("/v2/nothing")[1].startswith(b"HTTP/1.1 404")


def test_answers_are_compared_whatever_way_words_and_numbers_are_spelt() -> None:
    theirs = {"id": 5, "attendees": [{"status": "needsAction"}]}
    ours = {"id": "5", "attendees": [{"status": "NEEDS_ACTION"}]}
    assert bench.normal(theirs) == bench.normal(ours)
    assert bench.normal({"id": "6"}) != bench.normal({"id": "5"})


def test_goals_say_yes_and_no_and_what_is_not_known() -> None:
    goal = goals.Goal("a", 2.0, True, lambda results: results["ratio"])
    assert goal.row({"ratio": 2.0}).endswith("| yes |")
    assert goal.row({"ratio": 1.9}).endswith("| **no** |")
    assert goal.row({}).count("not measured") == 1
    least = goals.Goal("b", 0.5, False, lambda results: results["ratio"], " ms")
    assert least.row({"ratio": 0.5}).endswith("| 0.50 ms | yes |")
    assert least.row({"ratio": 0.6}).endswith("| 0.60 ms | **no** |")


def test_what_other_benchmarks_wrote_is_part_of_the_page() -> None:
    page = report.markdown({"machine": {}}, [])
    for other in sorted((ROOT / "benchmarks").glob("*/RESULT.md")):
        assert f"## {other.parent.name.title()}\n\n{other.read_text().strip()}" in page
