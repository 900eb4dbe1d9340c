"""A third source, tried: one folder and one line, in a copy of the package that is thrown away.

The copy runs in a process of its own, since the line adds a member to an enum.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

LINE = '    DRIFT = "DRIFT"\n'
ADDED = '    NOTEBOOK = "NOTEBOOK"\n'

SOURCE = '''
"""A notebook with meetings in it: held whole, in memory."""

import datetime as dt

from gateway.errors import UpstreamUnavailable
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.sources.base import Found, Ports, Traits

LACKS = frozenset({"cadence_ids", "step_ids", "account_ids", "i_cal_uids", "attendee_emails"})


class Notebook:
    traits = Traits(lacks=LACKS, statuses=frozenset({MeetingStatus.BOOKED}), tells_no_show=False)

    def __init__(self, pages, torn):
        self._pages, self._torn = pages, torn

    async def window(self, request):
        if self._torn:
            raise UpstreamUnavailable("The notebook is torn.", source="NOTEBOOK")
        return Found(rows=self._pages)

    def admits(self, wanted, meeting):
        return True


def open(pages, torn=False):
    rows = [
        Meeting(
            source=Source.NOTEBOOK,
            source_id=key,
            title=title,
            start_time=dt.datetime.fromisoformat(start),
            calendar_event_id=event,
            notes=title,
            status=MeetingStatus.BOOKED,
        )
        for key, title, start, event in pages
    ]
    return Ports(source=Source.NOTEBOOK, window=Notebook(rows, torn))
'''

SCRIPT = '''
import asyncio, json
from gateway.emulator.world import World
from gateway.sources.notebook import source as notebook
from tests.world import NOW, running

QUERY = """query($f: MeetingFilter) { meetings(first: 500, filter: $f) {
  nodes { id source sources sourceId title alternateIds }
  sourceReports { source status message } } }"""

async def main():
    sizes = {"users": 4, "accounts": 4, "people": 20, "cadences": 3, "tasks": 5}
    world = World.seeded(NOW, **sizes, salesloft_meetings=40, drift_meetings=10)
    held = next(row for row in world.salesloft.meetings.values() if row["event_id"] and not row["canceled_at"])
    pages = [("p1", "Coffee", "2026-03-19T09:00:00+00:00", None), ("p2", "Lunch", held["start_time"], held["event_id"])]
    told = {"held": str(held["id"])}
    async with running(world) as gateway:
        for name, torn, filter_ in [
            ("all", False, None),
            ("alone", False, {"sources": ["NOTEBOOK"]}),
            ("others", False, {"sources": ["SALESLOFT", "DRIFT"]}),
            ("lacking", False, {"noShow": True}),
            ("torn", True, None),
        ]:
            gateway.extra = [notebook.open(pages, torn)]
            told[name] = (await gateway.ask(QUERY, f=filter_)).ok["meetings"]
        sdl = gateway.engine().schema.type_map["Source"].values
        told["enum"] = {name: value.description for name, value in sdl.items()}
    print(json.dumps(told))

asyncio.run(main())
'''


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a gateway with a notebook answers."""
    folder = tmp_path_factory.mktemp("third")
    shutil.copytree(ROOT / "gateway", folder / "gateway", ignore=shutil.ignore_patterns("__pycache__", "static"))
    records = folder / "gateway" / "model" / "records.py"
    text = records.read_text(encoding="utf-8")
    assert text.count(LINE) == 1
    records.write_text(text.replace(LINE, LINE + ADDED), encoding="utf-8")
    new = folder / "gateway" / "sources" / "notebook"
    new.mkdir()
    (new / "__init__.py").write_text("", encoding="utf-8")
    (new / "source.py").write_text(SOURCE, encoding="utf-8")
    path = os.pathsep.join((str(folder), str(ROOT)))
    ran = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def of(answer: Any, source: str) -> list[Any]:
    return [node for node in answer["nodes"] if node["source"] == source]


def statuses(answer: Any) -> dict[str, str]:
    return {report["source"]: report["status"] for report in answer["sourceReports"]}


def test_its_rows_are_in_the_merged_list(told: Any) -> None:
    answer = told["all"]
    assert [node["sourceId"] for node in of(answer, "NOTEBOOK")] == ["p1"]
    assert {"SALESLOFT", "DRIFT", "NOTEBOOK"} == {node["source"] for node in answer["nodes"]}
    assert statuses(answer) == {"SALESLOFT": "OK", "DRIFT": "OK", "NOTEBOOK": "OK"}


def test_its_record_of_an_event_folds_into_salesloft_s(told: Any) -> None:
    (held,) = (node for node in told["all"]["nodes"] if node["sourceId"] == told["held"])
    assert set(held["sources"]) >= {"SALESLOFT", "NOTEBOOK"}
    assert held["alternateIds"]


def test_it_is_filtered_by(told: Any) -> None:
    alone = told["alone"]
    assert sorted(node["sourceId"] for node in alone["nodes"]) == ["p1", "p2"]
    assert statuses(alone) == {"SALESLOFT": "SKIPPED", "DRIFT": "SKIPPED", "NOTEBOOK": "OK"}
    assert of(told["others"], "NOTEBOOK") == []
    assert statuses(told["others"])["NOTEBOOK"] == "SKIPPED"


def test_what_it_cannot_meet_leaves_it_out(told: Any) -> None:
    assert statuses(told["lacking"])["NOTEBOOK"] == "SKIPPED"


def test_its_failure_takes_only_its_own_rows(told: Any) -> None:
    answer = told["torn"]
    assert of(answer, "NOTEBOOK") == []
    assert of(answer, "SALESLOFT")
    assert statuses(answer) == {"SALESLOFT": "OK", "DRIFT": "OK", "NOTEBOOK": "FAILED"}


def test_it_is_in_the_schema(told: Any) -> None:
    assert list(told["enum"]) == ["SALESLOFT", "DRIFT", "NOTEBOOK"]
    assert told["enum"]["NOTEBOOK"] == "Notebook."
