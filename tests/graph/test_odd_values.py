"""One value that cannot be read costs that value: every endpoint of every source, whatever stands there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from gateway.emulator.faults import BadRows, wrong_type
from gateway.emulator.server import Emulated
from tests.world import Asked, Gateway

ODD = {
    "another type": b"[[]]",
    "an object": b'{"not": "that"}',
    "half an emoji": rb'"cut \ud83d"',
    "the other half": rb'"\ude00 cut"',
    "no UTF-8": b'"\xff\xfe"',
    "a control character": b'"a\x01b"',
    "a line break": b'"a\nb"',
    "an escape that does not exist": rb'"\q"',
    "no number": b"NaN",
    "infinite": b"-Infinity",
    "beyond a float": b"1e999",
    "thousands of digits": b"9" * 5000,
    "very deep": b"[" * 3000 + b"]" * 3000,
}
"""JSON that is no text, number, flag or time."""

REPORTS = "sourceReports { source status code message }"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a value stands.

    Attributes:
        source: The vendor.
        endpoint: The emulator's name of its list or record.
        query: Selects the value, and others of the same records.
        field: The vendor's name.
        shown: The name of what shows it.
        quiet: The vendor's name of a field that the query does not select.
        reported: What the report calls `field`; None where there is no report of it.
        within: Where the field is nested in, by the vendor's name.
    """

    source: str
    endpoint: str
    query: str
    field: str
    shown: str
    quiet: str
    reported: str | None = None
    within: str | None = None

    def __str__(self) -> str:
        return f"{self.endpoint}:{self.field}"

    def put(self, name: str, value: bytes) -> Callable[[dict[str, Any]], object]:
        """Spoils a field of a row."""
        raw = msgspec.Raw(value)
        if self.within is None or name == self.quiet:
            return wrong_type(name, raw)
        within = self.within
        return lambda row: {**row, within: {**(row.get(within) or {}), name: raw}}


def of_salesloft(endpoint: str, relation: str, field: str, shown: str, quiet: str, *more: str) -> Place:
    query = "{ meetings(first: 40, filter: {sources: [SALESLOFT]}) { nodes { id title %s { id %s } } } }"
    return Place("SALESLOFT", endpoint, query % (relation, " ".join((shown, *more))), field, shown, quiet)


def of_drift(endpoint: str, relation: str, field: str, shown: str, quiet: str, *, within: str | None = None) -> Place:
    query = "{ meetings(first: 40, filter: {sources: [DRIFT]}) { nodes { id notes %s { %s } } } }"
    return Place("DRIFT", endpoint, query % (relation, shown), field, shown, quiet, within=within)


def of_calendly(
    endpoint: str, relation: str, field: str, shown: str, quiet: str, *, within: str | None = None
) -> Place:
    query = "{ meetings(first: 20, filter: {sources: [CALENDLY]}) { nodes { id title %s { %s } } } }"
    return Place("CALENDLY", endpoint, query % (relation, shown), field, shown, quiet, within=within)


OURS = "{ meetings(first: 200, filter: {sources: [SALESLOFT]}) { nodes { id title location } %s } }" % REPORTS
THEIRS = "{ meetings(first: 200, filter: {sources: [DRIFT]}) { nodes { id notes timeZone } %s } }" % REPORTS
BOOKED = "{ meetings(first: 200, filter: {sources: [CALENDLY]}) { nodes { id title notes } %s } }" % REPORTS
PLACES = [
    Place("SALESLOFT", "meetings", OURS, "title", "title", "crm_references", "title"),
    Place(
        "SALESLOFT",
        "users",
        "{ users(first: 100) { nodes { id name jobRole } %s } }" % REPORTS,
        "job_role",
        "jobRole",
        "email_signature",
        "job_role",
    ),
    Place(
        "SALESLOFT",
        "people",
        "{ people(first: 100) { nodes { id name city } %s } }" % REPORTS,
        "city",
        "city",
        "twitter_handle",
        "city",
    ),
    Place(
        "SALESLOFT",
        "cadences",
        "{ cadences(first: 100) { nodes { id name currentState } %s } }" % REPORTS,
        "current_state",
        "currentState",
        "external_identifier",
        "current_state",
    ),
    Place(
        "SALESLOFT",
        "accounts",
        "{ accounts(first: 100) { nodes { id name industry } %s } }" % REPORTS,
        "industry",
        "industry",
        "locale",
        "industry",
    ),
    of_salesloft("people", "person", "title", "title", "hot_lead", "name"),
    of_salesloft("users", "owner", "job_role", "jobRole", "external_feature_flags", "name"),
    of_salesloft("cadences", "cadence", "current_state", "currentState", "draft", "name"),
    of_salesloft("steps", "step", "display_name", "displayName", "disabled", "name"),
    of_salesloft("accounts", "account", "industry", "industry", "founded", "name"),
    of_salesloft("tasks", "task", "current_state", "currentState", "remind_at", "subject"),
    Place("DRIFT", "users/meetings/org", THEIRS, "meetingNotes", "notes", "conferenceType", "meeting_notes"),
    of_drift("users/list", "owner", "timeZone", "timeZone", "alias"),
    of_drift("contacts/{id}", "person", "title", "title", "createdAt", within="attributes"),
    of_drift("conversations/{id}", "conversation", "status", "status", "inboxId"),
    Place("CALENDLY", "scheduled_events", BOOKED, "name", "title", "event_guests", "name"),
    of_calendly(
        "scheduled_events/{id}/invitees", "calendly { invitees { name } } attendees", "name", "name", "tracking"
    ),
    of_calendly("scheduled_events/{id}/invitees", "person", "timezone", "timeZone", "payment"),
    of_calendly("organization_memberships", "owner", "timezone", "timeZone", "avatar_url", within="user"),
]


OVER = {
    "SALESLOFT": ("SALESLOFT",),
    "DRIFT": ("SALESLOFT", "DRIFT"),
    "CALENDLY": ("CALENDLY",),
}
"""The sources that are on."""


def vendor(gateway: Gateway, source: str) -> Emulated:
    emulated: Emulated = getattr(gateway.emulators, source.lower())
    return emulated


def without(data: Any, paths: Iterable[list[str | int]]) -> Any:
    """The data with null at each of these places."""
    left = json.loads(json.dumps(data))
    for *above, last in paths:
        at = left
        for key in above:
            at = at[key]
        at[last] = None
    return left


def nodes(answer: Asked) -> Any:
    """The rows of the one list that was asked for."""
    (listed,) = answer.data.values()
    return listed["nodes"]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_value_that_cannot_be_read_is_null_and_nothing_else_is(little: Gateway, place: Place) -> None:
    emulated = vendor(little, place.source)
    little.sources = OVER[place.source]
    whole = await little.ask(place.query)
    assert whole.errors == []
    for name, value in ODD.items():
        for at in (None,) if place.endpoint == "users/list" else (None, (0,)):  # whose owner the first is not
            emulated.faults.add(BadRows(place.put(place.field, value), at=at), place.endpoint)
            answer = await little.ask(place.query)
            emulated.faults.clear()
            paths = [error["path"] for error in answer.errors]
            assert paths, (name, at)
            assert set(answer.codes) == {"UPSTREAM_MALFORMED"}, (name, at)
            assert {path[-1] for path in paths} == {place.shown}, (name, at)
            assert {error["extensions"]["source"] for error in answer.errors} == {place.source}
            assert [{"nodes": nodes(answer)}] == [without({"nodes": nodes(whole)}, (path[1:] for path in paths))], name
            if place.reported is not None:
                check_report(answer, place, None if at is None else 1)


def check_report(answer: Asked, place: Place, rows: int | None) -> None:
    (listed,) = answer.data.values()
    (reported,) = (report for report in listed["sourceReports"] if report["source"] == place.source)
    assert (reported["status"], reported["code"]) == ("OK", "UPSTREAM_MALFORMED")
    assert f"{place.reported} (" in reported["message"]
    if rows == 1 and len(answer.to(place.endpoint)) == 1:
        assert f"{place.reported} (1 row)" in reported["message"]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_a_value_that_nobody_asked_for_costs_nothing(little: Gateway, place: Place) -> None:
    emulated, little.sources = vendor(little, place.source), OVER[place.source]
    whole = await little.ask(place.query)
    for name, value in {**ODD, "beyond 64 bits": b'{"erp": 123456789012345678900}'}.items():
        for field in (place.quiet, "nobody_knows_this"):
            emulated.faults.add(BadRows(place.put(field, value), at=None), place.endpoint)
            answer = await little.ask(place.query)
            emulated.faults.clear()
            assert answer.errors == [], (name, field)
            assert nodes(answer) == nodes(whole), (name, field)
            assert {
                report["status"] for listed in answer.data.values() for report in listed.get("sourceReports", [])
            } <= {
                "OK",
                "SKIPPED",
            }
