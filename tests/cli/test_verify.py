"""`check --verify`: each verdict follows what the vendor does, within its units, without anybody's data."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.commands import demo
from gateway.commands.demo import emulated
from gateway.commands.verify import UNITS
from gateway.emulator.calendly.api import CalendlyOptions
from gateway.emulator.door import Throttle
from gateway.emulator.drift import DriftOptions
from gateway.emulator.faults import BadRows, Status, wrong_type
from gateway.emulator.salesloft.api import SalesloftOptions
from gateway.emulator.server import Emulators
from tests.cli.test_commands import TOKEN, Done, Run
from tests.cli.test_commands import run as run
from tests.two_sources import variables

DAYS = 40


@pytest.fixture(scope="module")
def emulators() -> Iterator[Emulators]:
    with emulated() as both:
        vendor: Any = both.salesloft.app
        vendor.throttle = Throttle(None)  # each test is a minute of its own
        drift = both.world.drift.meetings
        some = next(iter(drift.data.values()))
        old = dt.datetime.now(dt.UTC) - timedelta(days=DAYS)
        drift["older"] = {**some, "slug": "older", "slotStart": int(old.timestamp() * 1000)}
        yield both


@pytest.fixture(autouse=True)
def well(emulators: Emulators) -> Iterator[None]:
    yield
    emulators.reset()
    behave(emulators, SalesloftOptions())
    behave(emulators, DriftOptions())
    behave(emulators, CalendlyOptions())


Options = SalesloftOptions | DriftOptions | CalendlyOptions


def behave(emulators: Emulators, options: Options) -> None:
    """Has a vendor act in another way from now on."""
    names = {SalesloftOptions: "salesloft", DriftOptions: "drift", CalendlyOptions: "calendly"}
    vendor: Any = emulators.of(names[type(options)])
    vendor.app.options = options
    emulators.world.touch()


def by_source(done: Done) -> dict[str, dict[str, Any]]:
    return {each["source"]: each for each in json.loads(done.stdout)["sources"]}


def verified(run: Run, emulators: Emulators, source: str) -> dict[str, dict[str, Any]]:
    """The verdicts on one vendor, the others being off."""
    kept = demo.variables(emulators, (source.lower(),))
    examined = by_source(run("check", "--verify", "--json", **kept))[source]
    return {verdict["question"]: verdict for verdict in examined["verdicts"]}


DELETED, BY_ID, IDS = "meetings without show_deleted", "a cancelled meeting by ids[] alone", "ids[] in one call"
EVENTS, ORED, GUIDS = "event_ids[] in one call", "event_ids[] with i_cal_uids[]", "user_guids[] selects"
SINGLE, UNKNOWN, TIME = "GET /v2/meetings/{id}", "a filter that there is not", "a time that is not valid"
HEADERS = "headers of the rate limit"


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    ("changed", "question", "answer", "expected"),
    [
        ({}, DELETED, "active", True),
        ({"deleted_by_default": True}, DELETED, "cancelled", True),
        ({"deleted_by_default": None}, DELETED, "both", True),
        ({}, "show_deleted=false, show_deleted=true", "each kind alone", True),
        ({}, BY_ID, "not found", True),
        ({"canceled_by_id": True}, BY_ID, "found", True),
        ({}, IDS, "at least 500", True),
        ({"most_values": 300}, IDS, "at least 250", True),
        ({"most_values": 100}, IDS, "at least 100", True),
        ({"most_values": 50}, IDS, "fewer than 100", False),
        ({}, EVENTS, "at least 100", True),
        ({"most_values": 50}, EVENTS, "fewer than 100", False),
        ({}, ORED, "ORed", True),
        ({"ored": False}, ORED, "not ORed", False),
        ({}, GUIDS, "owners", True),
        ({"guids_of": "booker"}, GUIDS, "bookers", False),
        ({"guids_of": "either"}, GUIDS, "either", False),
        ({}, "no_show=true", "no-shows alone", True),
        ({"no_show_only": False}, "no_show=true", "no-shows among others", True),
        ({}, SINGLE, "not there (404)", True),
        ({"single_meetings": True}, SINGLE, "there", True),
        ({}, UNKNOWN, "ignored", True),
        ({"strict": True}, UNKNOWN, "refused (422)", True),
        ({}, TIME, "refused (422)", True),
        ({"bad_value_status": 500}, TIME, "refused (500)", True),
        ({}, "users by guid[]", "as sent", True),
        ({"any_case": True}, "users by guid[]", "in any case", True),
        ({}, "email_addresses[] looks at", "every address", True),
        ({"match_every_email": False}, "email_addresses[] looks at", "the first address", True),
        ({}, HEADERS, "x-ratelimit-endpoint-cost, x-ratelimit-remaining-minute", True),
        ({"limit_headers": False}, HEADERS, "none", False),
    ],
)
def test_salesloft(
    run: Run, emulators: Emulators, *, changed: dict[str, Any], question: str, answer: str, expected: bool
) -> None:
    behave(emulators, dataclasses.replace(SalesloftOptions(), **changed))
    found = verified(run, emulators, "SALESLOFT")[question]
    assert (found["answer"], found["expected"]) == (answer, expected)


ORDER, REACH, CANCELED = "order of meetings", "how far back meetings reach", "cancelled meetings"


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    ("changed", "question", "answer"),
    [
        ({}, ORDER, "none"),
        ({"order": "slotStart"}, ORDER, "slotStart ascending"),
        ({"order": "-scheduledAt"}, ORDER, "scheduledAt descending"),
        ({}, CANCELED, "listed"),
        ({"canceled": False}, CANCELED, "undecided"),
        ({}, REACH, "31 days at most"),
        ({"horizon": None}, REACH, "more than 31 days"),
        ({}, "limit=1", "kept"),
        ({"limited": False}, "limit=1", "not kept"),
        ({}, HEADERS, "none"),
        ({"limit_headers": True}, HEADERS, "x-ratelimit-remaining"),
    ],
)
def test_drift(run: Run, emulators: Emulators, *, changed: dict[str, Any], question: str, answer: str) -> None:
    behave(emulators, dataclasses.replace(DriftOptions(), **changed))
    found = verified(run, emulators, "DRIFT")[question]
    assert found["answer"].startswith(answer)
    assert found["expected"] is (None if answer == "undecided" else not answer.startswith("not"))


ENDS, HOSTS, CALENDAR = "ends of min_start_time and max_start_time", "hosts of events", "calendar_event of events"
TOKENS, TWICE = "tokens of pages", "a token used twice"
LIMITED = "x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset"


@pytest.mark.parametrize(
    ("changed", "question", "answer", "expected"),
    [
        ({}, ENDS, "both not within", True),
        ({"inclusive": True}, ENDS, "both within", True),
        ({}, HOSTS, "all", True),
        ({"old_hosts": True}, HOSTS, "none", True),
        ({}, CALENDAR, "some", True),
        ({"calendar_events": False}, CALENDAR, "none", False),
        ({}, TOKENS, "in next_page_token", True),
        ({"page_tokens": False}, TOKENS, "in next_page alone", True),
        ({}, TWICE, "the same page", True),
        ({"reusable_tokens": False}, TWICE, "refused (400)", True),
        ({}, HEADERS, "none", False),
        ({}, "times of events", "Z", True),
        ({}, "fields of users", "new: resource_type", True),
        ({}, "fields of invitees", "as known", True),
        ({}, "words of memberships", "role: admin, owner, user", True),
    ],
)
def test_calendly(
    run: Run, emulators: Emulators, *, changed: dict[str, Any], question: str, answer: str, expected: bool
) -> None:
    behave(emulators, dataclasses.replace(CalendlyOptions(), **changed))
    found = verified(run, emulators, "CALENDLY")[question]
    assert (found["answer"], found["expected"]) == (answer, expected)


def test_calendlys_minute_is_told_by_its_headers(run: Run, emulators: Emulators) -> None:
    vendor: Any = emulators.calendly.app
    vendor.throttle = Throttle(500)
    try:
        found = verified(run, emulators, "CALENDLY")
    finally:
        vendor.throttle = Throttle(None)
    assert (found[HEADERS]["answer"], found[HEADERS]["expected"]) == (LIMITED, True)


def test_calendlys_new_words_and_fields_are_named(run: Run, emulators: Emulators) -> None:
    def odd(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "mood": 5, "status": "tentative", "name": {"a": 1}, "location": {"type": "hologram"}}

    emulators.calendly.faults.add(BadRows(odd), "scheduled_events")
    found = verified(run, emulators, "CALENDLY")
    assert found["fields of events"]["answer"] == "new: mood; unreadable: name"
    assert "hologram" in found["words of events"]["found"]["location.type"]
    assert "tentative" in found["words of events"]["found"]["status"]


def test_a_small_account_leaves_calendlys_questions_open(run: Run, emulators: Emulators) -> None:
    emulators.calendly.faults.add(Status(200, b'{"collection": [], "pagination": {}}'), "scheduled_events")
    found = verified(run, emulators, "CALENDLY")
    undecided = {question for question, verdict in found.items() if verdict["answer"] == "undecided"}
    assert undecided >= {ENDS, HOSTS, CALENDAR, TOKENS, TWICE, "fields of events"}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"resource": 5}', b'{"collection": [5, {"uri": 7}]}'])
def test_calendlys_answers_that_are_none_are_survived(run: Run, emulators: Emulators, body: bytes) -> None:
    every = demo.variables(emulators, ("calendly",))
    emulators.calendly.faults.add(Status(200, body), "scheduled_events")
    assert "Traceback" not in run("check", "--verify", **every).stderr
    emulators.calendly.faults.add(Status(200, body))
    assert "Traceback" not in run("check", "--verify", **every).stderr


def test_it_reads_within_its_units_and_asks_each_once(run: Run, emulators: Emulators) -> None:
    done = run("check", "--verify", "--json", **demo.variables(emulators))
    report = json.loads(done.stdout)
    assert done.returncode == 1, "Calendly's emulator has no limit, and tells of none"
    for source in report["sources"]:
        emulated: Any = emulators.of(source["source"].lower())
        assert len(emulated.calls) == source["units"] <= UNITS, source["source"]
        assert source["problem"] is None
    assert sum(source["units"] for source in report["sources"]) == report["units"]
    assert {call.status for call in (*emulators.drift.calls, *emulators.calendly.calls)} == {200}
    assert [call.unknown_params for call in emulators.calendly.calls if call.unknown_params] == []


def test_dear_calls_end_it_and_it_says_so(run: Run, emulators: Emulators) -> None:
    emulators.salesloft.faults.add(Status(200, b'{"data": []}', {"x-ratelimit-endpoint-cost": "12"}), "meetings")
    done = run("check", "--verify", "--json", **variables(emulators))
    found = by_source(done)
    assert done.returncode == 1
    assert len(emulators.salesloft.calls) == 3
    assert "used up" in found["SALESLOFT"]["problem"]
    assert found["DRIFT"]["verdicts"], "each source has units of its own"


def test_new_fields_words_and_types_are_named(run: Run, emulators: Emulators) -> None:
    def odd(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "attendance": 5, "status": "attended", "calendar_type": "Ada's own", "title": {"a": 1}}

    emulators.salesloft.faults.add(BadRows(odd), "meetings")
    found = verified(run, emulators, "SALESLOFT")
    fields, words = found["fields of meetings"], found["words of meetings"]
    assert fields["answer"] == "new: attendance; unreadable: title"
    assert fields["expected"] is False
    assert fields["found"]["attendance"] == ["absent", "integer"]
    assert fields["found"]["title"] == ["object", "text"]
    assert "attended" in words["found"]["status"]
    assert words["found"]["calendar_type"][0] == "(other)"


def test_times_and_zones_that_are_others(run: Run, emulators: Emulators) -> None:
    emulators.salesloft.faults.add(BadRows(wrong_type("start_time", "2026-03-01T10:00:00+01:00")), "meetings")
    emulators.drift.faults.add(BadRows(wrong_type("endUserTimeZone", "Eastern Standard Time")), "users/meetings/org")
    times = verified(run, emulators, "SALESLOFT")["times of meetings"]
    zones = verified(run, emulators, "DRIFT")["time zones of invitees"]
    assert (times["answer"], times["expected"]) == ("+01:00, Z", False)
    assert (zones["answer"], zones["expected"]) == ("1 that are not names of the tz database", False)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_source_that_does_not_answer_is_left_alone(run: Run, emulators: Emulators, status: int) -> None:
    emulators.salesloft.faults.add(Status(status))
    done = run("check", "--verify", "--json", **variables(emulators))
    found = by_source(done)
    assert done.returncode == 1
    assert (len(emulators.salesloft.calls), found["SALESLOFT"]["verdicts"]) == (1, [])
    assert str(status) in found["SALESLOFT"]["problem"]
    assert found["DRIFT"]["verdicts"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 5}', b'{"data": [5, null, "x"]}', b"{" * 100_000])
def test_invalid_answers_are_survived(run: Run, emulators: Emulators, body: bytes) -> None:
    for vendor in (emulators.salesloft, emulators.drift):
        vendor.faults.add(Status(200, body))
    done = run("check", "--verify", **variables(emulators))
    assert "Traceback" not in done.stderr
    assert "undecided" in done.stdout


def test_an_empty_account_has_nothing_to_tell_by(run: Run, emulators: Emulators) -> None:
    for vendor in (emulators.salesloft, emulators.drift):
        vendor.faults.add(Status(200, b'{"data": []}'))
    found = verified(run, emulators, "SALESLOFT")
    undecided = {question for question, verdict in found.items() if verdict["answer"] == "undecided"}
    assert undecided >= {DELETED, BY_ID, IDS, EVENTS, ORED, GUIDS, SINGLE, "users by guid[]", "fields of meetings"}
    assert {found[question]["expected"] for question in undecided} == {None}
    assert verified(run, emulators, "DRIFT")[ORDER]["answer"] == "undecided"


def test_a_source_that_cannot_be_reached(run: Run) -> None:
    done = run("check", "--verify", DRIFT_TOKEN=TOKEN, DRIFT_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "cannot be reached" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


def test_the_report_has_nobodys_data(run: Run, emulators: Emulators) -> None:
    every = demo.variables(emulators)
    text = run("check", "--verify", "--json", **every).stdout
    text += run("check", "--verify", **every).stdout
    assert "@" not in text
    assert not re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-", text), "a GUID"
    assert not re.findall(r"\d{5,}", text), "an id"
    world = emulators.world
    people = [str(row[name]) for row in world.salesloft.people.data.values() for name in ("first_name", "last_name")]
    people += [part for row in world.calendly.invitees.data.values() for part in str(row["name"]).split()]
    titles = [str(row["title"]) for row in world.salesloft.meetings.data.values()]
    shown = set(re.findall(r"\w+", text))
    assert not {name for name in people if len(name) > 3} & shown
    assert not [title for title in set(titles) if title in text]
    assert emulators.salesloft.token not in text
