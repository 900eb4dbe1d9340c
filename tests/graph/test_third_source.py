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
from gateway.model.cost import Ask, How
from gateway.model.records import Meeting, MeetingStatus, Source
from gateway.sources.base import Found, Ports, Traits
from gateway.sources.memory import MemoryMeetings

LACKS = frozenset({"cadence_ids", "step_ids", "account_ids", "i_cal_uids", "attendee_emails"})


TRAITS = Traits(lacks=LACKS, statuses=frozenset({MeetingStatus.BOOKED}), tells_no_show=False)


READING = Ask(source=Source.NOTEBOOK, endpoint="/pages", how=How.ONCE, keys="pages")


def meetings(pages):
    return [
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


def open(pages, torn=False):
    rows = meetings(pages)

    async def read(request):
        if torn:
            raise UpstreamUnavailable("The notebook is torn.", source="NOTEBOOK")
        return Found(rows=rows)

    return Ports(source=Source.NOTEBOOK, meetings=MemoryMeetings(read, TRAITS, ask=READING))
'''

SCRIPT = '''
import asyncio, json, sys
from gateway.emulator.world import World
from gateway.errors import UpstreamUnavailable
from gateway.graph.ids import global_id
from gateway.model.cost import ListShape
from gateway.model.records import Kind, Source
from gateway.sources.base import Ports
from gateway.sources.notebook import source as notebook
from tests.catalog.fakes import FakeListing, Log, Rows
from tests.world import NOW, running

QUERY = """query($f: MeetingFilter) { meetings(first: 500, filter: $f) { totalCount
  nodes { id source sources sourceId title alternateIds }
  sourceReports { source status message } } }"""

def walked(pages, torn):
    """A notebook that is read page by page, in order."""
    log = Log()
    rows = Rows(Source.NOTEBOOK, notebook.meetings(pages))
    down = UpstreamUnavailable("The notebook is torn.", source="NOTEBOOK")
    log.failing = lambda _name, _number: down if torn else None
    return Ports(source=Source.NOTEBOOK, meetings=FakeListing(rows, log, size=3, traits=notebook.TRAITS))

async def main():
    sizes = {"users": 4, "accounts": 4, "people": 20, "cadences": 3, "tasks": 5}
    world = World.seeded(NOW, **sizes, salesloft_meetings=40, drift_meetings=10)
    events = {row["eventId"]: row for row in world.drift.meetings.values() if row.get("eventId")}
    ours = [row for row in world.salesloft.meetings.values() if row["event_id"] and not row["canceled_at"]]
    held = next(row for row in ours if row["event_id"] not in events)
    both = next(row for row in ours if row["event_id"] in events)
    shared = {row["event_id"] for row in world.salesloft.meetings.values()}
    theirs = next(row for event, row in events.items() if event not in shared and row["status"] == "ACTIVE")
    starts = "2026-03-19T09:00:00+00:00"
    pages = [
        ("p1", "Coffee", starts, None),
        ("p2", "Lunch", held["start_time"], held["event_id"]),
        ("p3", "Dinner", starts, both["event_id"]),
        ("p4", "Supper", starts, theirs["eventId"]),
    ]
    told = {"held": str(held["id"]), "both": str(both["id"]), "theirs": theirs["slug"]}
    id_of = {key: global_id(Kind.MEETING, Source.NOTEBOOK, key) for key, *_ in pages}
    make = {"held": notebook.open, "walked": walked}[sys.argv[1]]
    two = ("SALESLOFT", "DRIFT")
    async with running(world) as gateway:
        for name, torn, filter_, sources in [
            ("all", False, None, two),
            ("alone", False, {"sources": ["NOTEBOOK"]}, two),
            ("others", False, {"sources": ["SALESLOFT", "DRIFT"]}, two),
            ("lacking", False, {"noShow": True}, two),
            ("torn", True, None, two),
            ("linked", False, {"ids": [id_of["p1"], id_of["p2"], id_of["p3"], id_of["p4"]]}, two),
            ("pair", False, None, ("DRIFT",)),
            ("linked pair", False, {"ids": [id_of["p1"], id_of["p4"]]}, ("DRIFT",)),
        ]:
            gateway.extra, gateway.sources = [make(pages, torn)], sources
            told[name] = (await gateway.ask(QUERY, f=filter_)).ok["meetings"]
        gateway.extra, gateway.sources = [make(pages, False)], two
        nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Meeting { source sourceId sources } } }"
        told["nodes"] = (await gateway.ask(nodes, ids=list(id_of.values()))).ok["nodes"]
        priced = gateway._catalog.prices.meetings(ListShape(rows=5))
        told["priced"] = sorted({ask.source.name for ask, _ in priced})
        sdl = gateway.engine().schema.type_map["Source"].values
        told["enum"] = {name: value.description for name, value in sdl.items()}
    print(json.dumps(told))

asyncio.run(main())
'''


@pytest.fixture(scope="module", params=["held", "walked"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a gateway with a notebook answers: one that is held in memory, and one that is walked."""
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
        [sys.executable, "-P", "-c", SCRIPT, request.param],
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


def test_an_event_of_all_three_is_shown_once(told: Any) -> None:
    (both,) = (node for node in told["all"]["nodes"] if node["sourceId"] == told["both"])
    assert both["sources"] == ["SALESLOFT", "DRIFT", "NOTEBOOK"]
    assert len(both["alternateIds"]) == 2


def test_an_event_of_the_lower_two_is_the_upper_one_s(told: Any) -> None:
    for answer in (told["all"], told["pair"]):
        (node,) = (node for node in answer["nodes"] if node["sourceId"] == told["theirs"])
        assert node["sources"] == ["DRIFT", "NOTEBOOK"]
        assert len(node["alternateIds"]) == 1


def test_without_the_first_source_the_second_one_leads(told: Any) -> None:
    answer = told["pair"]
    assert {node["source"] for node in answer["nodes"]} == {"DRIFT", "NOTEBOOK"}
    assert statuses(answer) == {"DRIFT": "OK", "NOTEBOOK": "OK"}
    (both,) = (node for node in answer["nodes"] if "NOTEBOOK" in node["sources"] and node["title"] == "Dinner")
    assert both["source"] == "DRIFT"


def test_its_records_bring_in_the_meetings_that_hold_them(told: Any) -> None:
    shown = {(node["source"], node["sourceId"]) for node in told["linked"]["nodes"]}
    expected = {("NOTEBOOK", "p1"), ("SALESLOFT", told["held"]), ("SALESLOFT", told["both"]), ("DRIFT", told["theirs"])}
    assert shown == expected
    assert told["linked"]["totalCount"] == 4
    pair = {(node["source"], node["sourceId"]) for node in told["linked pair"]["nodes"]}
    assert pair == {("NOTEBOOK", "p1"), ("DRIFT", told["theirs"])}


def test_its_ids_resolve_to_the_meetings_that_hold_them(told: Any) -> None:
    assert [(node["source"], node["sourceId"]) for node in told["nodes"]] == [
        ("NOTEBOOK", "p1"),
        ("SALESLOFT", told["held"]),
        ("SALESLOFT", told["both"]),
        ("DRIFT", told["theirs"]),
    ]


def test_it_is_filtered_by(told: Any) -> None:
    alone = told["alone"]
    assert sorted(node["sourceId"] for node in alone["nodes"]) == ["p1", "p2", "p3", "p4"]
    assert alone["totalCount"] == 4
    assert statuses(alone) == {"SALESLOFT": "SKIPPED", "DRIFT": "SKIPPED", "NOTEBOOK": "OK"}
    assert of(told["others"], "NOTEBOOK") == []
    assert statuses(told["others"])["NOTEBOOK"] == "SKIPPED"


def test_what_it_cannot_meet_leaves_it_out(told: Any) -> None:
    assert statuses(told["lacking"])["NOTEBOOK"] == "SKIPPED"


def test_its_failure_takes_only_its_own_rows(told: Any) -> None:
    answer = told["torn"]
    assert answer["totalCount"] is None
    assert of(answer, "NOTEBOOK") == []
    assert of(answer, "SALESLOFT")
    assert statuses(answer) == {"SALESLOFT": "OK", "DRIFT": "OK", "NOTEBOOK": "FAILED"}


def test_its_price_is_reckoned_with(told: Any) -> None:
    assert told["priced"] == ["DRIFT", "NOTEBOOK", "SALESLOFT"]


def test_it_is_in_the_schema(told: Any) -> None:
    assert list(told["enum"]) == ["SALESLOFT", "DRIFT", "NOTEBOOK"]
    assert told["enum"]["NOTEBOOK"] == "Notebook."
