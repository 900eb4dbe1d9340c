"""Another source, tried: written by following docs/adding-a-source.md, in a copy of the package that is thrown away.

The copy runs in a process of its own, since the line adds a member to an enum.
"""

from __future__ import annotations

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NOTEBOOK = Path(__file__).parent / "notebook"

MEMBER = '    NOTEBOOK = "NOTEBOOK"\n'
"""The line in `Source`: the last one, so that it ranks below all others."""

SETTINGS = """    source("NOTEBOOK", "Notebook", token="word on its cover", units="calls", url="https://notebook.example"),
"""
"""The row in the table of settings."""

QUERY = """query($f: MeetingFilter) { meetings(first: 500, filter: $f) { totalCount
  nodes { id source sources sourceId title notes alternateIds person { name } }
  sourceReports { source status message } } }"""

EVERY_KIND = """query($ids: [ID!]!) {
  nodes(ids: $ids) { __typename ... on Meeting { location person { name } owner { name } }
    ... on Person { name sources } ... on User { name sources }
    ... on Cadence { name steps { name } } ... on Step { name cadence { name } }
    ... on Account { name } ... on Task { subject } ... on Conversation { status } }
  people(first: 500) { nodes { name } sourceReports { source status } }
  users(first: 500) { nodes { name sources } sourceReports { source status } }
  cadences(first: 500) { nodes { name } sourceReports { source status } }
  accounts(first: 500) { nodes { name } sourceReports { source status } } }"""

SCRIPT = """
import asyncio, dataclasses, json, sys
from gateway.emulator.notebook import NotebookEmulator
from gateway.emulator.server import serve
from gateway.emulator.world import World
from gateway.errors import UpstreamUnavailable
from gateway.graph.ids import global_id
from gateway.model.cost import ListShape
from gateway.model.records import Kind, Source
from gateway.request import Request
from gateway.sources.vendor import SourceOptions, vendors
from gateway.upstream.budget import Budget
from gateway.upstream.http import Upstream
from gateway.upstream.client import Client
from gateway.upstream.credentials import Secret, StaticToken
from tests.catalog.fakes import FakeListing, Log, Rows
from tests.world import NOW, running

how, QUERY, EVERY_KIND = sys.argv[1:]
GUEST = "ada@guests.example"

def names(**ids):
    return [global_id(Kind[kind], Source.NOTEBOOK, key) for kind, key in ids.items()]

async def main():
    sizes = {"users": 4, "accounts": 4, "people": 20, "cadences": 3, "tasks": 5}
    world = World.seeded(NOW, **sizes, salesloft_meetings=40, drift_meetings=10)
    events = {row["eventId"]: row for row in world.drift.meetings.values() if row.get("eventId")}
    ours = [row for row in world.salesloft.meetings.values() if row["event_id"] and not row["canceled_at"]]
    held = next(row for row in ours if row["event_id"] not in events)
    both = next(row for row in ours if row["event_id"] in events)
    shared = {row["event_id"] for row in world.salesloft.meetings.values()}
    theirs = next(row for event, row in events.items() if event not in shared and row["status"] == "ACTIVE")
    member = next(row for row in world.salesloft.users.values() if row["email"])
    starts = "2026-03-19T09:00:00+00:00"
    held["notes"] = held["person"] = None  # a duplicate's are shown
    world.touch()
    rows = {
        "/pages": [
            {"id": "p1", "title": "Coffee", "start": starts, "guest": GUEST, "writer": "w1"},
            {"id": "p2", "title": "Lunch", "start": held["start_time"], "event": held["event_id"], "guest": GUEST},
            {"id": "p3", "title": "Dinner", "start": starts, "event": both["event_id"]},
            {"id": "p4", "title": "Supper", "start": starts, "event": theirs["eventId"]},
        ],
        "/guests": [{"id": GUEST, "name": "Ada", "email": GUEST}],
        "/places": [{"id": "p1", "name": "The café"}],
        "/writers": [
            {"id": "w1", "name": "Will", "email": "will@notebook.example"},
            {"id": "w2", "name": "Again", "email": member["email"]},
        ],
        "/habits": [{"id": "h1", "name": "Walks"}],
        "/steps": [{"id": "s1", "name": "Shoes", "part_of": "h1"}],
        "/companies": [{"id": "c1", "name": "Paper Ltd"}],
        "/reminders": [{"id": "r1", "name": "Sharpen"}],
        "/talks": [{"id": "t1", "name": "quiet"}],
    }
    answers = {"held": str(held["id"]), "both": str(both["id"]), "theirs": theirs["slug"]}
    answers["member"] = member["name"]
    pages = {f"p{n}": global_id(Kind.MEETING, Source.NOTEBOOK, f"p{n}") for n in range(1, 5)}
    emulator = NotebookEmulator(rows, clock=lambda: NOW, token="cover")
    down = UpstreamUnavailable("The notebook is torn.", source="NOTEBOOK")
    async with running(world) as gateway, serve(emulator) as url:

        async def ports(torn=False):
            vendor = vendors()["NOTEBOOK"]
            upstream = Upstream(name="NOTEBOOK", base_url=url, vital=vendor.vital)
            token = StaticToken(Secret("another" if torn else "cover"))
            budget = Budget("NOTEBOOK", 1_000, gateway.clock)
            client = Client(upstream, token, budget, gateway.session, gateway.clock)
            made = vendor.open(client, gateway.clock, SourceOptions())
            if how == "held":
                return made
            log = Log()
            log.failing = lambda _name, _number: down if torn else None
            found = [] if torn else (await made.meetings.all(Request(gateway.clock.monotonic() + 20)))[0].rows
            walked = FakeListing(Rows(Source.NOTEBOOK, found), log, size=3)
            walked.traits = type(walked.traits)(blank=made.meetings.traits.blank, tells_no_show=False)
            return dataclasses.replace(made, meetings=walked)

        answers["empty ports"] = [
            f.name for f in dataclasses.fields(await ports()) if not getattr(await ports(), f.name)
        ]
        two = gateway.sources
        by_guest = {"personIds": names(PERSON=GUEST)}
        for name, torn, filter_, sources in [
            ("all", False, None, two),
            ("alone", False, {"sources": ["NOTEBOOK"]}, two),
            ("others", False, {"sources": list(two)}, two),
            ("lacking", False, {"noShow": True}, two),
            ("unborne", False, {"iCalUids": ["any"]}, two),
            ("torn", True, None, two),
            ("linked", False, {"ids": [*pages.values()]}, two),
            ("by person", False, by_guest, two),
            ("pair", False, None, ("DRIFT",)),
            ("linked pair", False, {"ids": [pages["p1"], pages["p4"]]}, ("DRIFT",)),
        ]:
            gateway.extra, gateway.sources = [await ports(torn)], sources
            answers[name] = (await gateway.ask(QUERY, f=filter_)).ok["meetings"]
        gateway.extra, gateway.sources = [await ports()], two
        emulator.door.reset()
        nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Meeting { source sourceId sources } } }"
        answers["nodes"] = (await gateway.ask(nodes, ids=[*pages.values()])).ok["nodes"]
        ids = names(
            MEETING="p1", PERSON=GUEST, USER="w1", CADENCE="h1", STEP="s1", ACCOUNT="c1", TASK="r1", CONVERSATION="t1"
        )
        answers["kinds"] = (await gateway.ask(EVERY_KIND, ids=ids)).ok
        answers["calls"] = [call.endpoint for call in emulator.door.calls]
        priced = gateway._catalog.prices.meetings(ListShape(rows=5))
        answers["priced"] = sorted({ask.source.name for ask, _ in priced})
        answers["running"] = list(two)
    print(json.dumps(answers))

asyncio.run(main())
"""


def put(path: Path, pattern: str, new: str) -> None:
    """Puts lines behind what is found once in a file."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(pattern, text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    path.write_text(text.replace(found[0], found[0] + new), encoding="utf-8")


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the source in it: a folder, a line, a row, and its emulator."""
    folder = tmp_path_factory.mktemp("added")
    package = folder / "gateway"
    shutil.copytree(ROOT / "gateway", package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    put(package / "model" / "records.py", r'^class Source\(Word\):\n    """.*?"""\n\n(?:    \w+ = "\w+"\n)+', MEMBER)
    put(package / "settings" / "sources.py", r"^SOURCES = \(\n(?:    .*?\n)+(?=\))", SETTINGS)
    ignored = shutil.ignore_patterns("__pycache__", "emulator.py")
    shutil.copytree(NOTEBOOK, package / "sources" / "notebook", ignore=ignored)
    shutil.copy(NOTEBOOK / "emulator.py", package / "emulator" / "notebook.py")
    return folder


def run(added: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with the copy."""
    path = os.pathsep.join((str(added), str(ROOT)))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=added,
        env=environment,
    )


@pytest.fixture(scope="module", params=["held", "walked"])
def answers(request: pytest.FixtureRequest, added: Path) -> Any:
    """What a gateway with a notebook answers: one that is held in memory, and one that is walked."""
    ran = run(added, "-c", SCRIPT, request.param, QUERY, EVERY_KIND)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def changed(one: Path, other: Path) -> Iterator[str]:
    """The files that are in one of two folders only, or are not the same."""
    compared = filecmp.dircmp(one, other, ignore=["__pycache__", "static"])
    for name in (*compared.left_only, *compared.right_only, *compared.diff_files):
        yield str((one / name).relative_to(ROOT / "gateway")) if (one / name).exists() else name
    for name in compared.common_dirs:
        yield from (path if "/" in path else f"{name}/{path}" for path in changed(one / name, other / name))


def test_nothing_else_of_the_package_is_touched(added: Path) -> None:
    expected = {"model/records.py", "settings/sources.py", "sources/notebook", "emulator/notebook.py"}
    assert set(changed(ROOT / "gateway", added / "gateway")) == expected


def test_it_fills_every_port(answers: Any) -> None:
    assert answers["empty ports"] == []


def test_it_has_settings_of_its_own(added: Path) -> None:
    check = ("-m", "gateway", "check", "--settings")
    good = run(added, *check, NOTEBOOK_TOKEN="word", NOTEBOOK_RATE_LIMIT="60")
    assert good.stdout == "The settings are valid. Sources that are on: NOTEBOOK.\n", good.stderr
    bad = run(added, *check, NOTEBOOK_TOKEN="word", NOTEBOOK_RATE_LIMIT="many")
    assert bad.returncode == 2
    assert "NOTEBOOK_RATE_LIMIT" in bad.stderr
    assert "word on its cover; without it the source is off" in run(added, "-m", "gateway", "serve", "--help").stdout


def test_explain_knows_what_it_costs(added: Path) -> None:
    ran = run(added, "-m", "gateway", "explain", "{ meetings { nodes { person { name } } } cadences { nodes { id } } }")
    assert ran.returncode == 0, ran.stderr
    for endpoint in ("/pages", "/guests", "/habits"):
        assert f"NOTEBOOK {endpoint}" in ran.stdout


def test_it_is_in_the_schema(added: Path) -> None:
    ran = run(added, "-m", "gateway", "schema")
    (values,) = re.findall(r"^enum Source {\n(.*?)^}", ran.stdout, re.MULTILINE | re.DOTALL)
    assert values.split()[-1] == "NOTEBOOK"


def of(answer: Any, source: str) -> list[Any]:
    return [node for node in answer["nodes"] if node["source"] == source]


def statuses(answer: Any) -> dict[str, str]:
    return {report["source"]: report["status"] for report in answer["sourceReports"]}


def every(answers: Any, status: str) -> dict[str, str]:
    """That status of each of the other sources."""
    return dict.fromkeys(answers["running"], status)


def test_its_rows_are_in_the_merged_list(answers: Any) -> None:
    answer = answers["all"]
    assert [node["sourceId"] for node in of(answer, "NOTEBOOK")] == ["p1"]
    assert {*answers["running"], "NOTEBOOK"} == {node["source"] for node in answer["nodes"]}
    assert statuses(answer) == {**every(answers, "OK"), "NOTEBOOK": "OK"}


def test_its_record_of_an_event_folds_into_salesloft_s(answers: Any) -> None:
    (held,) = (node for node in answers["all"]["nodes"] if node["sourceId"] == answers["held"])
    assert set(held["sources"]) >= {"SALESLOFT", "NOTEBOOK"}
    assert held["alternateIds"]
    assert held["notes"] == "Lunch", "what Salesloft's record lacks"
    assert held["person"] == {"name": "Ada"}


def test_an_event_of_all_three_is_shown_once(answers: Any) -> None:
    (both,) = (node for node in answers["all"]["nodes"] if node["sourceId"] == answers["both"])
    assert both["sources"] == ["SALESLOFT", "DRIFT", "NOTEBOOK"]
    assert len(both["alternateIds"]) == 2


def test_an_event_of_the_lower_two_is_the_upper_one_s(answers: Any) -> None:
    for answer in (answers["all"], answers["pair"]):
        (node,) = (node for node in answer["nodes"] if node["sourceId"] == answers["theirs"])
        assert node["sources"] == ["DRIFT", "NOTEBOOK"]
        assert len(node["alternateIds"]) == 1


def test_without_the_first_source_the_second_one_leads(answers: Any) -> None:
    answer = answers["pair"]
    assert {node["source"] for node in answer["nodes"]} == {"DRIFT", "NOTEBOOK"}
    assert statuses(answer) == {"DRIFT": "OK", "NOTEBOOK": "OK"}
    (both,) = (node for node in answer["nodes"] if "NOTEBOOK" in node["sources"] and node["title"] == "Dinner")
    assert both["source"] == "DRIFT"


def test_its_records_bring_in_the_meetings_that_hold_them(answers: Any) -> None:
    shown = {(node["source"], node["sourceId"]) for node in answers["linked"]["nodes"]}
    expected = {
        ("NOTEBOOK", "p1"),
        ("SALESLOFT", answers["held"]),
        ("SALESLOFT", answers["both"]),
        ("DRIFT", answers["theirs"]),
    }
    assert shown == expected
    assert answers["linked"]["totalCount"] == 4
    pair = {(node["source"], node["sourceId"]) for node in answers["linked pair"]["nodes"]}
    assert pair == {("NOTEBOOK", "p1"), ("DRIFT", answers["theirs"])}


def test_its_ids_resolve_to_the_meetings_that_hold_them(answers: Any) -> None:
    assert [(node["source"], node["sourceId"]) for node in answers["nodes"]] == [
        ("NOTEBOOK", "p1"),
        ("SALESLOFT", answers["held"]),
        ("SALESLOFT", answers["both"]),
        ("DRIFT", answers["theirs"]),
    ]


def test_it_is_filtered_by(answers: Any) -> None:
    alone = answers["alone"]
    assert sorted(node["sourceId"] for node in alone["nodes"]) == ["p1", "p2", "p3", "p4"]
    assert alone["totalCount"] == 4
    assert statuses(alone) == {**every(answers, "SKIPPED"), "NOTEBOOK": "OK"}
    assert of(answers["others"], "NOTEBOOK") == []
    assert statuses(answers["others"])["NOTEBOOK"] == "SKIPPED"


def test_what_it_cannot_meet_leaves_it_out(answers: Any) -> None:
    assert statuses(answers["lacking"])["NOTEBOOK"] == "SKIPPED"
    assert statuses(answers["unborne"])["NOTEBOOK"] == "SKIPPED"


def test_a_condition_that_its_record_meets_brings_in_the_meeting_that_holds_it(answers: Any) -> None:
    shown = {(node["source"], node["sourceId"]) for node in answers["by person"]["nodes"]}
    assert shown == {("NOTEBOOK", "p1"), ("SALESLOFT", answers["held"])}


def test_its_failure_takes_only_its_own_rows(answers: Any) -> None:
    answer = answers["torn"]
    assert answer["totalCount"] is None
    assert of(answer, "NOTEBOOK") == []
    assert of(answer, "SALESLOFT")
    assert statuses(answer) == {**every(answers, "OK"), "NOTEBOOK": "FAILED"}


def test_its_price_is_reckoned_with(answers: Any) -> None:
    assert set(answers["priced"]) == {*answers["running"], "NOTEBOOK"}


def test_its_records_of_every_kind_are_found(answers: Any) -> None:
    assert answers["kinds"]["nodes"] == [
        {"__typename": "Meeting", "location": "The café", "person": {"name": "Ada"}, "owner": {"name": "Will"}},
        {"__typename": "Person", "name": "Ada", "sources": ["NOTEBOOK"]},
        {"__typename": "User", "name": "Will", "sources": ["NOTEBOOK"]},
        {"__typename": "Cadence", "name": "Walks", "steps": [{"name": "Shoes"}]},
        {"__typename": "Step", "name": "Shoes", "cadence": {"name": "Walks"}},
        {"__typename": "Account", "name": "Paper Ltd"},
        {"__typename": "Task", "subject": "Sharpen"},
        {"__typename": "Conversation", "status": "quiet"},
    ]


@pytest.mark.parametrize(
    ("kind", "name"), [("people", "Ada"), ("users", "Will"), ("cadences", "Walks"), ("accounts", "Paper Ltd")]
)
def test_its_records_are_in_the_other_lists(answers: Any, kind: str, name: str) -> None:
    listed = answers["kinds"][kind]
    assert name in [node["name"] for node in listed["nodes"]]
    assert {"source": "NOTEBOOK", "status": "OK"} in listed["sourceReports"]


def test_its_users_fold_into_those_of_the_sources_above(answers: Any) -> None:
    (user,) = (node for node in answers["kinds"]["users"]["nodes"] if node["name"] == answers["member"])
    assert "NOTEBOOK" in user["sources"]


def test_what_it_gave_is_cached(answers: Any) -> None:
    assert answers["calls"].count("/writers") == 1, "two operations have asked for its users"
